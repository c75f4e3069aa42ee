/**
 * What the register `sent-copy` of the self-log holds: a copy that an operation can carry, or where
 * the bytes of a larger one lie. Before: sent-copies.ts. Spec: docs/spec/26-self-log.md, "Values".
 */
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { MAX_VALUE_LENGTH } from '@tanglemail/mail/core/self-log/operation.ts';
import { z } from 'zod';
import { count, hex } from '../store/collections.ts';
import { readJson } from './log-values.ts';

/** A copy that no operation can carry. */
export interface FarCopy {
  readonly messageKey: string;
  /** On which it was sent. */
  readonly device: string;
  readonly sizeBytes: number;
  readonly sentAtMs: number;
  readonly to: string;
  readonly subject: string;
  /** SHA-256 of its bytes, hex. */
  readonly emailId: string;
  /** Its parts at the own providers; absent while it lies on its device alone. */
  readonly kept?: KeptCopy;
}

export interface KeptCopy {
  /** Names the parts, as in a letter. */
  readonly letter: Uint8Array;
  /** When the providers had them: they keep them as long as the mailboxes pay for mail. */
  readonly sinceMs: number;
}

export interface WholeCopy {
  readonly messageKey: string;
  readonly raw: Uint8Array;
}

export type SentCopy = FarCopy | WholeCopy;

/** First byte of a far copy; of a whole one it is the length of its key, which is never 0. */
const FAR = 0;
const MAX_SHOWN = 512;

const farValue = z.object({
  messageKey: z.string().min(1).max(255),
  device: hex.length(32),
  sizeBytes: count,
  sentAtMs: count,
  to: z.string().max(MAX_SHOWN),
  subject: z.string().max(MAX_SHOWN),
  emailId: hex.length(64),
  kept: z.object({ letter: hex.max(7_168), sinceMs: count }).optional(),
});

export function isFar(copy: SentCopy): copy is FarCopy {
  return 'device' in copy;
}

/** Undefined when it is larger than an operation can carry. */
export function encodeWhole({ messageKey, raw }: WholeCopy): Uint8Array | undefined {
  const name = utf8ToBytes(messageKey);
  const isFit = name.length <= 255 && 1 + name.length + raw.length <= MAX_VALUE_LENGTH;
  return isFit ? concatBytes(Uint8Array.of(name.length), name, raw) : undefined;
}

export function encodeFar({ kept, to, subject, ...copy }: FarCopy): Uint8Array {
  const shown = { to: to.slice(0, MAX_SHOWN), subject: subject.slice(0, MAX_SHOWN) };
  const more = kept && { kept: { ...kept, letter: bytesToHex(kept.letter) } };
  const value = utf8ToBytes(JSON.stringify({ ...copy, ...shown, ...more }));
  return concatBytes(Uint8Array.of(FAR), value);
}

/** Undefined for none, and for one that a later program wrote. */
export function decodeSentCopy(value: Uint8Array | undefined): SentCopy | undefined {
  const length = value?.[0];
  if (value === undefined || length === undefined) return undefined;
  if (length === FAR) {
    const far = readJson(value.subarray(1), farValue);
    if (far === undefined) return undefined;
    const { kept, ...copy } = far;
    if (kept === undefined) return copy;
    return { ...copy, kept: { ...kept, letter: hexToBytes(kept.letter) } };
  }
  if (value.length <= 1 + length) return undefined;
  const messageKey = new TextDecoder().decode(value.subarray(1, 1 + length));
  return { messageKey, raw: value.slice(1 + length) };
}
