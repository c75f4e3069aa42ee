/**
 * The work that a recipient asks of strangers, done over a sealed envelope in the threads of the
 * proof of work. Before: outbox.ts, between sealing and attaching; after: the node.
 * Spec: docs/spec/23-envelope.md, section "Stamps"; docs/spec/42-delivery.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { PowProgress } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { stampBase, stampDigest, withStamp } from '@tanglemail/mail/core/envelope/stamp.ts';
import { dayOf } from '@tanglemail/mail/core/envelope/stranger.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

/** Milliseconds of a stamp's day. */
const DAY_MS = 86_400_000;

export interface StampedEnvelope {
  readonly bytes: Uint8Array;
  readonly root: string;
  /** The day for which it counts; it does on the day before and after too. */
  readonly stampDay: number;
}

/**
 * Whether a sealed entry has to be stamped before it may leave: it never was, or its day is over.
 * One that may have left already keeps its stamp a day longer: the same envelope is one mail.
 */
export function lacksStamp(entry: OutboxEntry, nowMs: number): boolean {
  const { stampBits = 0, stampDay, isLeaving } = entry;
  if (stampBits === 0) return false;
  const age = stampDay === undefined ? Infinity : Math.floor(nowMs / DAY_MS) - stampDay;
  return age > (isLeaving === true ? 1 : 0);
}

/** Whether a milestone took the envelope so late that its stamp counts no more. */
export function isStampOver({ stampDay }: OutboxEntry, confirmedAtMs: number): boolean {
  return stampDay !== undefined && Math.floor(confirmedAtMs / DAY_MS) - stampDay > 1;
}

/** Seeks a stamp of `bits` for today. Rejects with the signal's reason when it aborts. */
export async function stampEnvelope(
  envelope: Uint8Array,
  bits: number,
  tangle: Pick<TangleAccess, 'proofOfWork' | 'networkId' | 'clock'>,
  options: { signal: AbortSignal; onProgress: (progress: PowProgress) => void },
): Promise<StampedEnvelope> {
  const stampDay = dayOf(Math.floor(tangle.clock.nowMs() / 1_000));
  const digest = stampDigest(stampBase(envelope), tangle.networkId, stampDay);
  const { nonce } = await tangle.proofOfWork.solve(digest, bits, options);
  options.signal.throwIfAborted();
  const bytes = withStamp(envelope, nonce);
  return { bytes, root: bytesToHex(segmentRoot(bytes)), stampDay };
}
