/**
 * What a registered letter was signed with, beside its message: enough to show it to others.
 * Before: letter-intake.ts; after: the store. Spec: docs/spec/22-letter.md, "Registered letters".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { LetterContent, LetterId } from '@tanglemail/mail/core/letter/content.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
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
    /** Of a large mail: what was signed in place of the message (mail core, parcel/letter.ts). */
    parcel: hex.optional(),
  }),
);

/** The content as its sender signed it; undefined for a deniable letter. */
export function registeredContent(letter: OpenedLetter): LetterContent | undefined {
  const { signature, kind, letterId, sentAt, message, wantsReceipt } = letter;
  if (signature === undefined) return undefined;
  const accountKey = letter.senderAccountKey;
  const certificate = letter.senderCertificate;
  return { kind, letterId, sentAt, message, wantsReceipt, accountKey, certificate, signature };
}

/** Puts what was signed of a message into the batch; the message itself lies elsewhere. */
export function putRegistered(
  store: SealedStore,
  batch: SealedBatch,
  messageKey: string,
  content: LetterContent,
): void {
  const { wantsReceipt, accountKey, certificate, letterId, sentAt, signature } = content;
  const { kind } = content;
  if ((kind !== 'message' && kind !== 'parcel') || signature === undefined) return;
  batch.put(registeredLetters, keyOf(store, messageKey), {
    wantsReceipt,
    accountKey: bytesToHex(accountKey),
    certificate: bytesToHex(certificate),
    letterId,
    sentAt,
    signature: bytesToHex(signature),
    ...(kind === 'parcel' ? { parcel: bytesToHex(content.message) } : {}),
  });
}

/** Forgets what was signed: its message will never be there. */
export function dropRegistered(store: SealedStore, batch: SealedBatch, messageKey: string): void {
  batch.del(registeredLetters.bucket, keyOf(store, messageKey));
}

/** The content that was signed, with the message or what names it; undefined for another letter. */
export function getRegistered(
  store: SealedStore,
  messageKey: string,
  message: Uint8Array,
): LetterContent | undefined {
  const found = store.get(registeredLetters, keyOf(store, messageKey));
  if (found === undefined) return undefined;
  return {
    kind: found.parcel === undefined ? 'message' : 'parcel',
    wantsReceipt: found.wantsReceipt,
    accountKey: hexToBytes(found.accountKey),
    certificate: hexToBytes(found.certificate),
    letterId: found.letterId as LetterId,
    sentAt: found.sentAt,
    message: found.parcel === undefined ? message : hexToBytes(found.parcel),
    signature: hexToBytes(found.signature),
  };
}

function keyOf(store: SealedStore, messageKey: string): string {
  return store.opaque(`registered/${messageKey}`);
}
