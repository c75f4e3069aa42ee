/**
 * Checks the file of a registered letter, without an account and without a network. Before: the
 * command line; after: mail core, letter/registered.ts. Spec: docs/spec/22-letter.md, section 7.
 */
import { formatAddress, parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { checkRegistered, type ProvenLetter } from '@tanglemail/mail/core/letter/registered.ts';
import { decodeParcelLetter, isMessageOf } from '@tanglemail/mail/core/parcel/letter.ts';
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { registeredFileDto } from '../api/outbox-dto.ts';
import { ClientError } from '../client-error.ts';

/** Greatest file: a full letter in base64. */
const MAX_FILE_BYTES = 1 << 17;

/** What the file proves. */
export interface ReadRegisteredFile {
  readonly sender: string;
  readonly recipient: string;
  /** Unix seconds by the sender's clock. */
  readonly sentAt: number;
  /** The RFC 5322 message. */
  readonly message: string;
}

/**
 * @param given the message's bytes, which the file of a large mail does not hold.
 * Throws ClientError `file-unusable` for what is no such file, `request-malformed` when the message
 * is needed, `signature-invalid` also when it is another one.
 */
export function readRegisteredFile(bytes: Uint8Array, given?: Uint8Array): ReadRegisteredFile {
  const file = registeredFileDto.safeParse(jsonIn(bytes));
  if (!file.success) throw new ClientError('file-unusable', 'this is no registered letter');
  const { networkId, recipient, letter } = file.data;
  const address = parseMailAddress(recipient);
  if (!address.ok) throw new ClientError('file-unusable', 'its recipient is no address');
  const content = new Uint8Array(Buffer.from(letter, 'base64'));
  const shown = {
    networkId: BigInt.asUintN(64, BigInt(networkId)),
    recipient: address.value.address,
    bytes: content,
  };
  const proven = checkRegistered(shown, nobleVerifier);
  if (!proven.ok) throw new ClientError('signature-invalid', proven.code);
  const { sender, sentAt } = proven.value;
  const message = messageOf(proven.value, given);
  return {
    sender: formatAddress({ address: sender, network: address.value.network }),
    recipient: formatAddress(address.value),
    sentAt,
    message: new TextDecoder().decode(message),
  };
}

function messageOf(proven: ProvenLetter, given: Uint8Array | undefined): Uint8Array {
  if (proven.kind === 'parcel') {
    if (given !== undefined) return requireMessage(proven.message, given);
    const text = 'the signature names a large message: give its bytes with --message';
    throw new ClientError('request-malformed', text);
  }
  if (given === undefined || equalBytes(given, proven.message)) return proven.message;
  throw new ClientError('signature-invalid', 'another message was signed');
}

/**
 * The message, if it is the one that a signed letter of kind `parcel` names (mail core,
 * parcel/letter.ts). Throws ClientError `signature-invalid`.
 */
export function requireMessage(signed: Uint8Array, message: Uint8Array): Uint8Array {
  const letter = decodeParcelLetter(signed);
  if (letter.ok && isMessageOf(letter.value, message)) return message;
  throw new ClientError('signature-invalid', 'another message was signed');
}

function jsonIn(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_FILE_BYTES) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
