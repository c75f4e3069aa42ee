/**
 * Stored answers under an idempotency key: a request that was served is answered again from here
 * and charged nothing. The record is written in the same transaction as the charge, and forgotten
 * after a day.
 */
import { createHash } from 'node:crypto';
import { refuseWith } from '../refused.ts';
import { keyOf } from './buckets.ts';
import type { StoreTransaction, StoreView } from './group-store.ts';
import { addDue, readRecord, writeRecord } from './rows.ts';

/** Names one request: who asks, under which key, for exactly what. */
export interface OnceKey {
  /** Who pays: a mailbox id or a route. */
  readonly scope: string;
  /** The Idempotency-Key header; without one every request is a new one. */
  readonly key: string | undefined;
  /** Method, path and body: another request under the same key is refused. */
  readonly request: string;
}

interface OnceRecord {
  readonly request: string;
  readonly answer: object;
  readonly expires: number;
}

function recordKey({ scope, key }: OnceKey): Uint8Array {
  const digest = createHash('sha256').update(`${scope}\0${key}`).digest();
  return keyOf('idempotency', new Uint8Array(digest));
}

/** The stored answer, if this request was served. Refuses with `idempotency-conflict`. */
export function findAnswer(view: StoreView, once: OnceKey, now: number): object | undefined {
  if (once.key === undefined) return undefined;
  const record = readRecord(view, recordKey(once)) as OnceRecord | undefined;
  if (!record || record.expires <= now) return undefined;
  if (record.request !== once.request) refuseWith('idempotency-conflict');
  return record.answer;
}

/** Keeps an answer for `life` seconds. */
export function keepAnswer(
  transaction: StoreTransaction,
  once: OnceKey,
  answer: object,
  now: number,
  life: number,
): void {
  if (once.key === undefined) return;
  const key = recordKey(once);
  const expires = now + life;
  writeRecord(transaction, key, { request: once.request, answer, expires });
  addDue(transaction, expires, 'idempotency', key.subarray(1));
}
