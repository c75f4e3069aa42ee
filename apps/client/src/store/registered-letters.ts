/**
 * What a registered letter was signed with, beside its message: enough to show it to others.
 * Before: letter-intake.ts; after: the store. Spec: docs/spec/22-letter.md, "Registered letters".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { LetterContent, LetterId } from '@tanglemail/mail/core/letter/content.ts';
import { z } from 'zod';
import { collection, count, hex } from './collections.ts';
import type { SealedBatch, SealedStore } from './sealed-store.ts';

const registeredLetters = collection(
  'registered',
  z.strictObject({
    wantsReceipt: z.boolean(),
    accountKey: hex,
    certificate: hex,
    letterId: hex,
    sentAt: count,
    signature: hex,
  }),
);

/** Puts what was signed of a message into the batch; the message itself lies elsewhere. */
export function putRegistered(
  store: SealedStore,
  batch: SealedBatch,
  messageKey: string,
  content: LetterContent,
): void {
  const { wantsReceipt, accountKey, certificate, letterId, sentAt, signature } = content;
  if (content.kind !== 'message' || signature === undefined) return;
  batch.put(registeredLetters, store.opaque(`registered/${messageKey}`), {
    wantsReceipt,
    accountKey: bytesToHex(accountKey),
    certificate: bytesToHex(certificate),
    letterId,
    sentAt,
    signature: bytesToHex(signature),
  });
}

/** The content that was signed, with the message's bytes in it; undefined for another letter. */
export function getRegistered(
  store: SealedStore,
  messageKey: string,
  message: Uint8Array,
): LetterContent | undefined {
  const found = store.get(registeredLetters, store.opaque(`registered/${messageKey}`));
  if (found === undefined) return undefined;
  return {
    kind: 'message',
    wantsReceipt: found.wantsReceipt,
    accountKey: hexToBytes(found.accountKey),
    certificate: hexToBytes(found.certificate),
    letterId: found.letterId as LetterId,
    sentAt: found.sentAt,
    message,
    signature: hexToBytes(found.signature),
  };
}
