/**
 * Milestones ahead of the last confirmed one whose certificates were checked here: a window that
 * waits for its cones, and a few of the newest, which show peers that our STATUS is true. Two of
 * one index are a fork. On the path: milestone-sync.ts → here → core/milestone. Spec:
 * docs/spec/13-sync.md §4.
 */
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  milestoneIdOf,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import { checkMilestoneBody } from '@tanglemail/tangle/core/milestone/body.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_REQUEST_MILESTONES } from '@tanglemail/tangle/core/params/limits.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { committeeAt, type Committees } from '../committees.ts';

/** A milestone whose certificate holds. */
export interface Proven {
  readonly id: MilestoneId;
  readonly index: number;
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
}

export interface ProvenChainDeps {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly committees: Committees;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  /** Index of the last confirmed milestone. */
  confirmedIndex(): number;
  /** A certificate proved a new greatest index. */
  onProven(milestone: Milestone): void;
  /** Two certified milestones have one index. */
  onFork(index: number, milestones: readonly Uint8Array[]): Promise<void>;
}

/** Milestones kept ahead of the last confirmed one: the warp window. Some 400 bytes each. */
const WINDOW = 512;
/** It moves on by so many milestones at once; a request for one each would cost as much. */
const STEP = MAX_REQUEST_MILESTONES;
/** Newest milestones kept beyond the window, as proof of our STATUS. */
const RECENT = 64;

/** The last milestone of the window whose first one is `first`. */
export function windowEnd(first: number): number {
  return Math.floor((first + WINDOW) / STEP) * STEP - 1;
}

export class ProvenChain {
  readonly #deps: ProvenChainDeps;
  readonly #window = new Map<number, Proven>();
  readonly #recent = new Map<number, Proven>();
  #newest = 0;

  constructor(deps: ProvenChainDeps) {
    this.#deps = deps;
  }

  /** The newest index with a certificate that this node checked; a peer cannot invent it. */
  get newest(): number {
    return Math.max(this.#deps.confirmedIndex(), this.#newest);
  }

  /** Milestones of the window. */
  get size(): number {
    return this.#window.size;
  }

  get(index: number): Proven | undefined {
    return this.#window.get(index) ?? this.#recent.get(index);
  }

  /** The first index after the confirmed one that the window lacks. */
  firstMissing(): number {
    let index = this.#deps.confirmedIndex() + 1;
    while (this.get(index) !== undefined) index += 1;
    return index;
  }

  /** Decodes a milestone with the body of its header; nothing says yet that it is final. */
  decode(bytes: Uint8Array): Outcome<Proven> {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded;
    const milestone = decoded.value;
    // The certificate is for the header: a peer could have exchanged the rest.
    const own = checkMilestoneBody(milestone, this.#deps.hasher);
    if (!own.ok) return own;
    return succeed(this.#provenOf(milestone, bytes));
  }

  /** A milestone whose certificate was checked elsewhere: by this node's own agreement. */
  trusted(milestone: Milestone): Proven {
    return this.#provenOf(milestone, encodeMilestone(milestone));
  }

  /** Whether it is known who certifies milestone `index`, so that it can be judged. */
  canJudge(index: number): boolean {
    const { committees, params } = this.#deps;
    return committees.isKnown(epochOf(index, params));
  }

  /**
   * The milestone that a peer is asked for which claims milestone `claimed`: that one, or one
   * before it that says who certifies the next epoch. What cannot be judged proves nothing.
   */
  nextStep(claimed: number): number {
    return this.canJudge(claimed) ? claimed : this.#deps.committees.nextElection;
  }

  /** Whether nothing is to be learnt any more from a peer that shows milestone `index`. */
  isPassed(index: number): boolean {
    return index <= this.newest && index !== this.#deps.committees.nextElection;
  }

  /** Checks its certificate. `milestone-index`: it cannot be judged yet, nobody's fault. */
  verify({ index, milestone }: Proven): Outcome<void> {
    const { networkId, committees, params, hasher, verifier } = this.#deps;
    if (!this.canJudge(index)) return fail('milestone-index', 'its committee is not known yet');
    const committee = committeeAt(index, committees, params);
    const { header, certificate } = milestone;
    return checkFinality(header, certificate, committee, networkId, { hasher, verifier });
  }

  /** Decodes a milestone and checks its certificate. */
  check(bytes: Uint8Array): Outcome<Proven> {
    const decoded = this.decode(bytes);
    if (!decoded.ok) return decoded;
    const verified = this.verify(decoded.value);
    return verified.ok ? decoded : verified;
  }

  /** Keeps a checked milestone that is not confirmed yet; false when it is known. */
  async add(proven: Proven): Promise<boolean> {
    const { index, milestone } = proven;
    this.#deps.committees.learn(milestone);
    const known = this.get(index);
    if (known !== undefined) {
      if (known.id !== proven.id) await this.#deps.onFork(index, [known.bytes, proven.bytes]);
      return false;
    }
    const isNewest = index > this.newest;
    if (index <= this.#deps.confirmedIndex() + WINDOW) this.#window.set(index, proven);
    else if (!isNewest) return false;
    if (isNewest) this.#noteNewest(proven);
    if (isNewest) this.#deps.onProven(milestone);
    return true;
  }

  /** Forgets what is confirmed now. */
  dropConfirmed(): void {
    const confirmed = this.#deps.confirmedIndex();
    for (const kept of [this.#window, this.#recent]) {
      for (const index of kept.keys()) if (index <= confirmed) kept.delete(index);
    }
  }

  #provenOf(milestone: Milestone, bytes: Uint8Array): Proven {
    const { header } = milestone;
    const id = milestoneIdOf(header, this.#deps.hasher);
    return { id, index: header.index, milestone, bytes };
  }

  #noteNewest(proven: Proven): void {
    this.#newest = proven.index;
    this.#recent.set(proven.index, proven);
    if (this.#recent.size <= RECENT) return;
    const oldest = this.#recent.keys().next().value;
    if (oldest !== undefined) this.#recent.delete(oldest);
  }
}
