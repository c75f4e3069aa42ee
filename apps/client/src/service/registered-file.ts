/**
 * Checks the file of a registered letter, without an account and without a network. Before: the
 * command line; after: mail core, letter/registered.ts. Spec: docs/spec/22-letter.md, section 7.
 */
import { formatAddress, parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { checkRegistered } from '@tanglemail/mail/core/letter/registered.ts';
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

/** Throws ClientError `file-unusable` for what is no such file, `signature-invalid`. */
export function readRegisteredFile(bytes: Uint8Array): ReadRegisteredFile {
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
  const { sender, sentAt, message } = proven.value;
  return {
    sender: formatAddress({ address: sender, network: address.value.network }),
    recipient: formatAddress(address.value),
    sentAt,
    message: new TextDecoder().decode(message),
  };
}

function jsonIn(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_FILE_BYTES) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
