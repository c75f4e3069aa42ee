/**
 * A committee in one process, for tests: each seat is a node of its own that speaks real TCP on the
 * loopback, and can be stopped and started again with what it has on its disk.
 */
import { join } from 'node:path';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { decodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { writeKeyFile, type KeyPair } from '../keys/key-file.ts';
import {
  TEST_PARAMS,
  testGenesis,
  testKey,
  type TestNetwork,
  type TestNode,
  type TestNodeOptions,
} from './test-network.ts';

/** The least that the settings allow. */
const DELTA_MS = 500;

export interface CommitteeOptions {
  /** Of the genesis committee. */
  readonly seats: number;
  /** Nodes with a key beside them, which bonds may bring into the committee. */
  readonly candidates?: number;
  readonly params?: Partial<Genesis['params']>;
}

/** The validator's key of the node at a place. */
export const keyAt = (place: number): KeyPair => testKey(100 + place);

/** Nodes that each have the key of their place; none runs before it is started. */
export class CommitteeNetwork {
  readonly genesis: Genesis;
  readonly #network: TestNetwork;
  readonly #nodes: (TestNode | undefined)[];
  readonly #folders = new Map<number, string>();

  constructor(network: TestNetwork, { seats, candidates = 0, params = {} }: CommitteeOptions) {
    const keys = Array.from({ length: seats }, (_, seat) => keyAt(seat));
    this.#network = network;
    this.#nodes = Array.from({ length: seats + candidates }, () => undefined);
    const genesis = testGenesis(`test-committee-${seats}`, keys);
    this.genesis = { ...genesis, params: { ...TEST_PARAMS, ...params } };
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
  async start(seats: Iterable<number> = this.#nodes.keys()): Promise<void> {
    for (const seat of seats) this.#nodes[seat] = await this.#startOne(seat);
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
    const { networkId } = genesisMilestone(this.genesis, nobleHasher);
    const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
    const checked = checkFinality(header, certificate, committee, networkId, crypto);
    if (!checked.ok) throw new Error(checked.code);
    return decoded.value;
  }

  async #startOne(seat: number): Promise<TestNode> {
    const folder = this.#folders.get(seat) ?? (await this.#network.folder());
    if (!this.#folders.has(seat)) {
      await writeKeyFile(join(folder, 'validator.key'), keyAt(seat));
    }
    this.#folders.set(seat, folder);
    const { genesis, running: peers } = this;
    const config = { agreement: { deltaMs: DELTA_MS } };
    return await this.#network.start({ validator: true, genesis, folder, peers, config });
  }
}
