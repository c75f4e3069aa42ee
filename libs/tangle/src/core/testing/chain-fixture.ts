/**
 * A network in memory for tests: one list of blocks, one ledger, a committee that signs whatever
 * the rules accept. Not part of production.
 */
import type { Genesis } from '../codec/genesis.ts';
import type { BlockId } from '../codec/ids.ts';
import { bytesToHex, GENESIS_BLOCK_ID } from '../codec/ids.ts';
import type { Milestone } from '../codec/milestone.ts';
import { encodeMilestone } from '../codec/milestone.ts';
import type { Payload } from '../codec/payload.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import type { BuiltMilestone, MilestoneProposal } from '../milestone/build.ts';
import { buildMilestone, signMilestone } from '../milestone/build.ts';
import { assembleCertificate } from '../milestone/certificate.ts';
import type { GenesisMilestone } from '../milestone/genesis.ts';
import { genesisMilestone } from '../milestone/genesis.ts';
import type { ContentContext, ParentMilestone } from '../milestone/rules.ts';
import { parentOf } from '../milestone/rules.ts';
import type { Outcome } from '../outcome.ts';
import type { KeyPair, TestBlock } from './ledger-fixtures.ts';
import { committeeKeys, MemoryLedger, testBlock, testGenesis } from './ledger-fixtures.ts';

/** A final milestone of the test chain. */
export interface FinalMilestone extends BuiltMilestone {
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
}

export class TestChain {
  readonly genesis: Genesis;
  readonly start: GenesisMilestone;
  readonly blocks = new Map<BlockId, TestBlock>();
  /** Root indexes as the DAG keeps them. */
  readonly rootIndexes = new Map<BlockId, number>([[GENESIS_BLOCK_ID, 0]]);
  readonly ledger: MemoryLedger;
  parent: ParentMilestone;
  /** Everybody who may sit, by key: the committee of the genesis and whom a test has named. */
  readonly #pairs = new Map<string, KeyPair>();
  #nonce = 0n;

  constructor(committeeSize = 4, genesis: Genesis = testGenesis(committeeSize)) {
    this.genesis = genesis;
    this.start = genesisMilestone(genesis, nobleHasher);
    this.ledger = new MemoryLedger(this.start.outputs);
    this.parent = this.start.parent;
    this.learn(committeeKeys(genesis.committee.length));
  }

  get networkId(): bigint {
    return this.start.networkId;
  }

  /** What the rules read of this chain. */
  get context(): ContentContext {
    return {
      blocks: this.blocks,
      outputs: this.ledger.get,
      rootIndexOf: (id) => this.rootIndexes.get(id),
      params: this.genesis.params,
      verifier: nobleVerifier,
      hasher: nobleHasher,
    };
  }

  /** As if an election had named these seats: they certify from the next epoch on. */
  handOver(seats: readonly KeyPair[]): void {
    this.learn(seats);
    this.parent = { ...this.parent, elected: seats.map(({ publicKey }) => publicKey) };
  }

  /** These sign for their seats when they are elected. */
  learn(pairs: readonly KeyPair[]): void {
    for (const pair of pairs) this.#pairs.set(bytesToHex(pair.publicKey), pair);
  }

  attach(parents: readonly BlockId[], payload: Payload | null = null): BlockId {
    const block = testBlock(parents, payload, this.#nonce++, this.networkId);
    this.blocks.set(block.id, block);
    return block.id;
  }

  build(
    parents: readonly BlockId[],
    more: Partial<MilestoneProposal> = {},
  ): Outcome<BuiltMilestone> {
    const timestampMs = this.parent.header.timestampMs + 1_000;
    const view = this.parent.header.view + 1n;
    return buildMilestone(
      { parent: this.parent, parents, timestampMs, view, ...more },
      this.context,
    );
  }

  /** Builds, certifies and confirms; throws when the rules refuse. */
  confirm(parents: readonly BlockId[], more: Partial<MilestoneProposal> = {}): FinalMilestone {
    const built = this.build(parents, more);
    if (!built.ok) throw new Error(`${built.code} ${built.detail}`);
    const { header, body, result } = built.value;
    const milestone = this.certify(built.value);
    for (const id of [...result.included, ...body.parents]) this.rootIndexes.set(id, header.index);
    this.ledger.apply(result.diff);
    const rules = { params: this.genesis.params, hasher: nobleHasher };
    this.parent = parentOf({ header, body }, this.parent, result, rules);
    return { ...built.value, milestone, bytes: encodeMilestone(milestone) };
  }

  /** The finality certificate of the first q seats. */
  certify({ header, body }: Pick<BuiltMilestone, 'header' | 'body'>): Milestone {
    const { networkId } = this;
    const votes = this.parent.committee.map((key, seat) => {
      const pair = this.#pairs.get(bytesToHex(key));
      if (pair === undefined) throw new Error(`nobody has the key of seat ${seat}`);
      const { secretKey } = pair;
      return signMilestone(header, 'finalize', { networkId, seat, secretKey }, nobleHasher);
    });
    const certificate = assembleCertificate(votes, votes.length);
    if (certificate === undefined) throw new Error('no quorum');
    return { header, body, certificate };
  }
}
