/**
 * A chain of certified headers under changing committees for tests of those who follow it without a
 * ledger: each milestone is made when it is asked for, confirms nothing and is truly signed. A test
 * may change any of it and choose who signs. Not part of production.
 */
import type { Certificate } from '../codec/certificate.ts';
import type { Genesis } from '../codec/genesis.ts';
import { bytesToHex, GENESIS_BLOCK_ID } from '../codec/ids.ts';
import {
  encodeMilestone,
  optionsRootOf,
  type Milestone,
  type MilestoneHeader,
  type MilestoneOptions,
} from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { assembleCertificate, signVote, statementOf } from '../milestone/certificate.ts';
import { committeeRoot, epochOf, isLastOfEpoch } from '../milestone/committee.ts';
import { electionIndex } from '../milestone/election.ts';
import { genesisMilestone, type GenesisMilestone } from '../milestone/genesis.ts';
import type { Term } from '../milestone/terms.ts';
import { keyPair, PARAMS, testGenesis, type KeyPair } from './ledger-fixtures.ts';

/** What a test changes of a milestone. */
export interface Changes {
  readonly header?: Partial<MilestoneHeader>;
  readonly options?: MilestoneOptions;
  /** Who signs, seat by seat, as the whole committee; else those who sit. */
  readonly signers?: readonly KeyPair[];
  readonly kind?: 'finalize' | 'ratify';
}

/** `count` keys from `first` on, in the order in which elected ones sit. */
export function electedSeats(first: number, count: number): KeyPair[] {
  const pairs = Array.from({ length: count }, (_, index) => keyPair(first + index));
  return pairs.toSorted((a, b) => (bytesToHex(a.publicKey) < bytesToHex(b.publicKey) ? -1 : 1));
}

export const keysOf = (pairs: readonly KeyPair[]): Uint8Array[] =>
  pairs.map(({ publicKey }) => publicKey);

export class TermsChain {
  readonly genesis: Genesis;
  readonly start: GenesisMilestone;
  /** Who sits in each epoch; those of the last entry stay. */
  readonly #seats: readonly (readonly KeyPair[])[];
  readonly #made = new Map<number, Uint8Array>();

  constructor(seats: readonly (readonly KeyPair[])[], epochLength = 10) {
    const params = { ...PARAMS, epochLength };
    this.#seats = seats;
    this.genesis = { ...testGenesis(1), params, committee: keysOf(this.seatsOf(0)) };
    this.start = genesisMilestone(this.genesis, nobleHasher);
  }

  seatsOf(epoch: number): readonly KeyPair[] {
    return this.#seats[Math.min(epoch, this.#seats.length - 1)] ?? [];
  }

  /** Index of the election of an epoch. */
  electionOf(epoch: number): number {
    return electionIndex(epoch, this.genesis.params);
  }

  /** Index of the last milestone of an epoch. */
  lastOf(epoch: number): number {
    return (epoch + 1) * this.genesis.params.epochLength - 1;
  }

  /** The milestone's time; a clock for whoever checks it. */
  timeOf(index: number): number {
    return this.genesis.timestampMs + index * 1_000;
  }

  /** The bytes of milestone `index`. */
  at(index: number): Uint8Array {
    const made = this.#made.get(index) ?? encodeMilestone(this.make(index));
    this.#made.set(index, made);
    return made;
  }

  /** The election of each epoch below `epochs` that named others, by the epoch that they begin. */
  elections(epochs: number): { readonly epoch: number; readonly bytes: Uint8Array }[] {
    const found = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      if (this.#elected(epoch) === undefined) continue;
      found.push({ epoch: epoch + 1, bytes: this.at(this.electionOf(epoch)) });
    }
    return found;
  }

  /** The terms that begin up to `epoch`. */
  terms(epoch: number): Term[] {
    const later = this.elections(epoch).map((one) => one.epoch);
    return [0, ...later].map((one) => ({ epoch: one, committee: keysOf(this.seatsOf(one)) }));
  }

  make(index: number, changes: Changes = {}): Milestone {
    if (index === 0) return this.start.milestone;
    const { params } = this.genesis;
    const epoch = epochOf(index, params);
    const elected = index === this.electionOf(epoch) ? this.#elected(epoch) : undefined;
    const named = elected === undefined ? {} : { nextCommittee: keysOf(elected) };
    const options = changes.options ?? named;
    const next = this.seatsOf(isLastOfEpoch(index, params) ? epoch + 1 : epoch);
    const header: MilestoneHeader = {
      ...this.start.header,
      epoch,
      index,
      view: BigInt(index),
      timestampMs: this.timeOf(index),
      committeeRoot: committeeRoot(keysOf(next), nobleHasher),
      optionsRoot: optionsRootOf(options, nobleHasher),
      ...changes.header,
    };
    const body = { parents: [GENESIS_BLOCK_ID], options };
    const signers = changes.signers ?? this.seatsOf(epoch);
    return { header, body, certificate: this.certify(header, signers, changes.kind) };
  }

  /** A certificate of the lowest quorum of these seats. */
  certify(
    header: MilestoneHeader,
    signers: readonly KeyPair[],
    kind: 'finalize' | 'ratify' = 'finalize',
  ): Certificate {
    const statement = statementOf(header, kind, nobleHasher);
    const votes = signers.map(({ secretKey }, seat) =>
      signVote(statement, this.start.networkId, seat, secretKey),
    );
    const certificate = assembleCertificate(votes, signers.length);
    if (certificate === undefined) throw new Error('no quorum');
    return certificate;
  }

  /** Whom the election of an epoch names; undefined when those who sit stay. */
  #elected(epoch: number): readonly KeyPair[] | undefined {
    const [present, next] = [this.seatsOf(epoch), this.seatsOf(epoch + 1)];
    return present === next ? undefined : next;
  }
}
