/**
 * Who of the committee votes, as far as this node has seen since its start: by votes that it heard,
 * and by the certificates of milestones. For the operator; nothing is decided by it.
 * Path: `sightings.ts` → here → query/. Spec: docs/spec/11-node-api.md §2.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { Vote } from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import { digestId } from '@tanglemail/tangle/core/consensus/round.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { MAX_COMMITTEE } from '@tanglemail/tangle/core/params/limits.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';

/** One seat of the committee, as this node sees it. */
export interface SeatSighting {
  /** From 0. */
  readonly seat: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether this node speaks for the seat. */
  readonly isOwn: boolean;
  /** The greatest milestone that a vote of the seat named; undefined while none was seen. */
  readonly lastIndex: number | undefined;
  /** When the last vote was heard, or the time of the milestone whose certificate has it. */
  readonly lastVoteMs: number | undefined;
  /** It has no vote in the current view, and had none in any for a while. */
  readonly isSilent: boolean;
}

/** Keys that are remembered: two committees, as at the end of an epoch. */
export const MAX_SEEN_KEYS = 2 * MAX_COMMITTEE;

interface Seen {
  index: number | undefined;
  voteMs: number;
  /** The epoch and the view of the last vote. */
  epoch: number;
  view: bigint;
}

/** Where the node stands when it is asked. */
export interface Standing {
  readonly epoch: number;
  readonly view: bigint;
  readonly own: number | undefined;
}

export class Attendance {
  readonly #silentAfterMs: number;
  readonly #clock: Clock;
  readonly #startMs: number;
  /** By public key, since seats may change hands; the key that was heard last stands last. */
  readonly #seen = new Map<string, Seen>();

  /**
   * A seat votes once a heartbeat at least. After three of them, and ten deltas for views that end
   * by their timers, one that was not heard is silent.
   */
  constructor(times: { heartbeatMs: number; deltaMs: number }, deps: { clock: Clock }) {
    this.#silentAfterMs = 3 * times.heartbeatMs + 10 * times.deltaMs;
    this.#clock = deps.clock;
    this.#startMs = deps.clock.nowMs();
  }

  /** A new vote with a valid signature, or one of our own. */
  voted(vote: Vote, simplex: Pick<Simplex, 'entryOf'>, committee: readonly Uint8Array[]): void {
    const key = committee[vote.seat];
    if (key === undefined) return;
    const { epoch, view, kind } = vote;
    const entry = kind === 'nullify' ? undefined : simplex.entryOf(digestId(vote));
    const voteMs = this.#clock.nowMs();
    this.#note(key, { epoch, view, voteMs, index: entry?.header.index });
  }

  /** A milestone was confirmed; the committee is that of its certificate. */
  certified(
    { index, timestampMs: voteMs }: Pick<MilestoneHeader, 'index' | 'timestampMs'>,
    { epoch, view, signers }: Pick<Certificate, 'epoch' | 'view' | 'signers'>,
    committee: readonly Uint8Array[],
  ): void {
    for (const seat of signers) {
      const key = committee[seat];
      if (key !== undefined) this.#note(key, { epoch, view, voteMs, index });
    }
  }

  /** The seats of this committee, in order. */
  of(committee: readonly Uint8Array[], { epoch, view, own }: Standing): SeatSighting[] {
    const nowMs = this.#clock.nowMs();
    return committee.map((publicKey, seat) => {
      const seen = this.#seen.get(bytesToHex(publicKey));
      const isHere = seen?.epoch === epoch && seen.view >= view;
      const sinceMs = Math.max(seen?.voteMs ?? 0, this.#startMs);
      return {
        seat,
        publicKey,
        isOwn: seat === own,
        lastIndex: seen?.index,
        lastVoteMs: seen?.voteMs,
        isSilent: !isHere && nowMs - sinceMs > this.#silentAfterMs,
      };
    });
  }

  #note(publicKey: Uint8Array, { index, voteMs, epoch, view }: Seen): void {
    const key = bytesToHex(publicKey);
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#seen.set(key, { index, voteMs, epoch, view });
      this.#forget();
      return;
    }
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    if (index !== undefined) seen.index = Math.max(seen.index ?? 0, index);
    seen.voteMs = Math.max(seen.voteMs, voteMs);
    if (epoch < seen.epoch || (epoch === seen.epoch && view <= seen.view)) return;
    seen.epoch = epoch;
    seen.view = view;
  }

  /** Who has left the committee long ago was heard longest ago. */
  #forget(): void {
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_SEEN_KEYS && oldest !== undefined) this.#seen.delete(oldest);
  }
}
