/**
 * A committee in one process, for tests: each seat is a node of its own that speaks real TCP on the
 * loopback, and can be stopped and started again with what it has on its disk.
 */
import { join } from 'node:path';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  decodeMilestone,
  milestoneIdOf,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import {
  genesisMilestone,
  type GenesisMilestone,
} from '@tanglemail/tangle/core/milestone/genesis.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { writeKeyFile, type KeyPair } from '../keys/key-file.ts';
import { NodeStore } from '../store/node-store.ts';
import { testBlock } from './flood-peer.ts';
import {
  TEST_PARAMS,
  testGenesis,
  testKey,
  until,
  type TestNetwork,
  type TestNode,
  type TestNodeOptions,
} from './test-network.ts';

/** The least that the settings allow. */
const DELTA_MS = 500;
/** All seats have one clock, so a seat that starts late need not be silent for long. */
const MAX_DRIFT_MS = 1_000;
/** Pause between two blocks of users: blocks wait for every milestone. */
const BLOCK_MS = 60;
/** However busy the machine is, some milestones are final by then. */
const WAIT_MS = 90_000;

/** Hundreds of certificates are checked here. */
const VERIFIER = await bestVerifier();

export interface CommitteeOptions {
  /** Of the genesis committee. */
  readonly seats: number;
  /** Nodes with a key beside them, which bonds may bring into the committee. */
  readonly candidates?: number;
  readonly params?: Partial<Genesis['params']>;
  /** Of every seat. */
  readonly config?: TestNodeOptions['config'];
}

/** The validator's key of the node at a place. */
export const keyAt = (place: number): KeyPair => testKey(100 + place);

/** Nodes that each have the key of their place; none runs before it is started. */
export class CommitteeNetwork {
  readonly genesis: Genesis;
  readonly root: GenesisMilestone;
  readonly #network: TestNetwork;
  readonly #config: TestNodeOptions['config'];
  readonly #nodes: (TestNode | undefined)[];
  readonly #folders = new Map<number, string>();

  constructor(
    network: TestNetwork,
    { seats, candidates = 0, params = {}, config = {} }: CommitteeOptions,
  ) {
    const keys = Array.from({ length: seats }, (_, seat) => keyAt(seat));
    this.#network = network;
    this.#config = { ...config, agreement: { deltaMs: DELTA_MS } };
    this.#nodes = Array.from({ length: seats + candidates }, () => undefined);
    const genesis = testGenesis(`test-committee-${seats}`, keys);
    this.genesis = { ...genesis, params: { ...TEST_PARAMS, maxDriftMs: MAX_DRIFT_MS, ...params } };
    this.root = genesisMilestone(this.genesis, nobleHasher);
  }

  /** The nodes that run. */
  get running(): TestNode[] {
    return this.#nodes.filter((node) => node !== undefined);
  }

  /** The node of a seat, which runs. */
  at(seat: number): TestNode {
    const node = this.#nodes[seat];
    if (node === undefined) throw new Error(`seat ${seat} does not run`);
    return node;
  }

  /** Starts these seats, all by default; each dials those that run before it. */
  async start(
    seats: Iterable<number> = this.#nodes.keys(),
    options: Pick<TestNodeOptions, 'wrapWire'> = {},
  ): Promise<void> {
    for (const seat of seats) this.#nodes[seat] = await this.#startOne(seat, options);
  }

  /**
   * Until every node that runs has a vote of every seat that runs: one that starts for the first
   * time when others have made milestones is silent at first, and as good as down
   * (docs/spec/16-signer.md §3).
   */
  async allSpeak(): Promise<void> {
    const seats = [...this.#nodes.keys()].filter((seat) => this.#nodes[seat] !== undefined);
    const hears = ({ node }: TestNode): boolean => {
      const { validators } = node.query.info();
      return seats.every((seat) => validators[seat]?.lastMilestoneIndex !== undefined);
    };
    await until(() => this.running.every(hears), WAIT_MS);
  }

  /** A node without a seat. */
  async follower(options: Pick<TestNodeOptions, 'config' | 'folder'> = {}): Promise<TestNode> {
    const { genesis, running: peers } = this;
    return await this.#network.start({ ...options, genesis, peers });
  }

  /** Stops these seats, all by default; their folders stay. */
  async stop(seats: Iterable<number> = this.#nodes.keys()): Promise<void> {
    for (const seat of seats) {
      await this.#nodes[seat]?.close();
      this.#nodes[seat] = undefined;
    }
  }

  /** Last confirmed milestones of the seats that run. */
  get indexes(): number[] {
    return this.running.map((node) => node.node.query.confirmedIndex);
  }

  /** The view of the agreement that the node of a seat stands in. */
  async viewOf(seat: number): Promise<number> {
    const text = await this.at(seat).node.metrics.registry.metrics();
    return Number(/^tangle_agreement_view (\d+)$/m.exec(text)?.[1]);
  }

  /** The last milestone that all seats that run have. */
  get height(): number {
    return Math.min(...this.indexes);
  }

  /** All that run go on by `count` milestones from where the last of them stands. */
  async goesOn(count: number): Promise<void> {
    const target = Math.max(...this.indexes) + count;
    await until(() => this.height >= target, WAIT_MS);
  }

  /** All have come to the same milestone, and no other comes. @returns where they stand. */
  async standsStill(): Promise<number[]> {
    // What was under way may still become final.
    await until(() => new Set(this.indexes).size === 1, WAIT_MS);
    await new Promise((resolve) => setTimeout(resolve, 2 * DELTA_MS));
    const stood = this.indexes;
    await new Promise((resolve) => setTimeout(resolve, this.genesis.params.heartbeatMs));
    if (this.indexes.join() !== stood.join()) throw new Error('milestones go on');
    return stood;
  }

  /** Users at each node that runs make blocks until the network of the test is closed. */
  users(): void {
    const { params } = this.genesis;
    const deps = { networkId: this.root.networkId, params, hasher: nobleHasher };
    let made = 0;
    const timer = setInterval(() => {
      const { running } = this;
      const node = running[made % running.length]?.node;
      if (node === undefined) return;
      const block = testBlock('user', made, node.selectTips(), deps);
      made += 1;
      // One that a stopping node refuses is lost like its user's connection.
      node.submitBlock(block, '10.0.0.1').catch(() => undefined);
    }, BLOCK_MS);
    this.#network.onClose(() => clearInterval(timer));
  }

  /**
   * Indexes, of those that all seats that run have, at which they have different milestones. Each
   * milestone must have a certificate that holds.
   */
  async forks(): Promise<number[]> {
    const { height, running } = this;
    const first = Math.max(...running.map(({ node }) => node.query.prunedIndex)) + 1;
    const forks: number[] = [];
    for (let index = first; index <= height; index += 1) {
      const all = await Promise.all(running.map((node) => this.milestone(node, index)));
      const ids = all.map(({ header }) => milestoneIdOf(header, nobleHasher));
      if (new Set(ids).size !== 1) forks.push(index);
    }
    return forks;
  }

  /** The milestone with its certificate, checked, as a node keeps it. */
  async milestone(
    node: TestNode,
    index: number,
    committee: readonly Uint8Array[] = this.genesis.committee,
  ): Promise<Milestone> {
    const bytes = await node.client.milestone(index);
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    const { header, certificate } = decoded.value;
    const crypto = { hasher: nobleHasher, verifier: VERIFIER };
    const { networkId } = this.root;
    const checked = checkFinality(header, certificate, committee, networkId, crypto);
    if (!checked.ok) throw new Error(checked.code);
    return decoded.value;
  }

  /** The contradictions on the disk of a seat that was stopped. */
  async evidence(seat: number): Promise<Evidence[]> {
    const folder = join(this.#folders.get(seat) ?? '', 'store');
    const { store } = await NodeStore.open(folder, this.root, nobleHasher);
    try {
      return await store.contradictions();
    } finally {
      await store.close();
    }
  }

  async #startOne(seat: number, options: Pick<TestNodeOptions, 'wrapWire'>): Promise<TestNode> {
    const folder = this.#folders.get(seat) ?? (await this.#network.folder());
    if (!this.#folders.has(seat)) {
      await writeKeyFile(join(folder, 'validator.key'), keyAt(seat));
    }
    this.#folders.set(seat, folder);
    const { genesis, running: peers } = this;
    const config = this.#config ?? {};
    return await this.#network.start({
      ...options,
      validator: true,
      genesis,
      folder,
      peers,
      config,
    });
  }
}
