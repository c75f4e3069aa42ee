/**
 * A registered letter outside its seal: its content with the signature, which a third person can
 * check without any secret. Stop before: letter.ts; next: whoever is shown it.
 * Spec: docs/spec/22-letter.md, section "Registered letters".
 */
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { MailAddress } from '../identity/address.ts';
import { addressOf } from '../identity/address.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { LetterContent } from './content.ts';
import { contentSize, decodeContent, encodeContent } from './content.ts';
import { registeredMessage } from './letter.ts';

/** What a third person is shown. */
export interface RegisteredLetter {
  readonly networkId: bigint;
  /** To whom it was sealed: the signature holds for no other. */
  readonly recipient: MailAddress;
  /** The content with its signature and without padding. */
  readonly bytes: Uint8Array;
}

/** What the signature proves: this account wrote this content to this recipient. */
export interface ProvenLetter extends LetterContent {
  readonly sender: MailAddress;
}

/** The bytes of a content that has a signature. */
export function encodeRegistered(content: LetterContent): Uint8Array {
  assert(content.signature !== undefined, 'a registered letter has a signature');
  return encodeContent(content, contentSize(content.message.length, true));
}

/**
 * Checks the signature. Codes: `letter-kind-unknown`, `letter-malformed` (padding and a missing
 * signature too), `registered-signature-invalid`.
 */
export function checkRegistered(
  { networkId, recipient, bytes }: RegisteredLetter,
  verifier: Verifier,
): MailOutcome<ProvenLetter> {
  const decoded = decodeContent(bytes);
  if (!decoded.ok) return decoded;
  const content = decoded.value;
  const { signature, accountKey, message } = content;
  if (signature === undefined || bytes.length !== contentSize(message.length, true)) {
    return fail('letter-malformed', 'no registered letter without padding');
  }
  const signed = registeredMessage(networkId, recipient, content);
  if (!verifier.verify(accountKey, signed, signature)) return fail('registered-signature-invalid');
  return succeed({ ...content, sender: addressOf(accountKey) });
}
