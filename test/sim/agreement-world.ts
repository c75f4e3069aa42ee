/**
 * A committee of nodes that run the agreement of `apps/node` on one virtual clock. Tests steer it;
 * after every event all promises that can go on do so before time goes on.
 */
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { NETWORK_PRESETS, type NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { AgreementNode } from './agreement-node.ts';
import type { SimNetworkRules } from './chain.ts';
import { VirtualClock } from './clock.ts';
import { Network } from './network.ts';
import { SeededRandom } from './random.ts';
import { fastSigning, type Signing } from './signing.ts';
import { Tally } from './tally.ts';
import { walletAddress } from './traffic.ts';

export interface AgreementWorldOptions {
  readonly seats: number;
  readonly observers?: number;
  readonly seed?: number;
  readonly params?: Partial<NetworkParams>;
  /** Fast checksums by default. */
  readonly signing?: Signing;
}

const START_MS = 1_700_000_000_000;
export const DELTA_MS = 500;
/** Pause between two blocks of users, milliseconds. */
const BLOCK_MS = 120;

export class AgreementWorld {
  readonly clock = new VirtualClock(START_MS);
  readonly network: Network;
  readonly nodes: AgreementNode[];
  readonly rules: SimNetworkRules;
  readonly signing: Signing;
  readonly #random: SeededRandom;
  #hasTraffic = true;

  constructor(
    { seats, observers = 0, seed = 1, params = {}, signing = fastSigning() }: AgreementWorldOptions,
    hasher: Hasher,
  ) {
    this.#random = new SeededRandom(seed);
    this.signing = signing;
    const { clock } = this;
    const all = { ...NETWORK_PRESETS.test, milestoneIntervalMs: 500, ...params };
    const committee = Array.from({ length: seats }, (_, seat) => signing.publicKey(seat));
    const address = walletAddress(0, signing, hasher);
    const outputs = [{ address, amount: 1_000_000n }];
    const start = genesisMilestone(
      { name: 'test', timestampMs: START_MS, params: all, committee, outputs },
      hasher,
    );
    this.rules = { start, params: all, committee, hasher, verifier: signing.verifier };
    this.network = new Network({
      clock,
      random: this.#random.fork(),
      relays: new SeededRandom(seed),
      tally: new Tally(),
      lateMs: DELTA_MS,
      deliver: (from, to, message) => this.nodes[to]?.receive(from, message),
    });
    const size = seats + observers;
    this.nodes = Array.from({ length: size }, (_, place) => {
      const options = { place, isObserver: place >= seats, size, deltaMs: DELTA_MS };
      const random = this.#random.fork();
      const send = (to: number, message: Parameters<Network['send']>[2]): void =>
        this.network.send(place, to, message);
      return new AgreementNode(options, { rules: this.rules, signing, clock, random, send });
    });
  }

  get indexes(): number[] {
    return this.nodes.map(({ chain }) => chain.latest.header.index);
  }

  /** Starts all nodes, and users at each of them. */
  start(): this {
    for (const node of this.nodes) {
      node.start();
      this.#issueFrom(node);
    }
    return this;
  }

  /** Users make no more blocks. */
  stopTraffic(): void {
    this.#hasTraffic = false;
  }

  /** Lets so much virtual time pass, in whole milliseconds. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.clock.nowMs + Math.round(forMs);
    for (;;) {
      const { ran } = this.clock;
      this.clock.runUntil(untilMs, () => true);
      if (this.clock.ran === ran) return;
      await new Promise(setImmediate);
    }
  }

  /** Cuts a node off, or connects it again. */
  cut(place: number, isCut = true): void {
    for (const { place: other } of this.nodes) {
      if (isCut) {
        this.network.cut(place, other);
        this.network.cut(other, place);
      } else {
        this.network.restore(place, other);
        this.network.restore(other, place);
      }
    }
  }

  /** Indexes up to which all nodes have come and at which they have different milestones. */
  get forks(): number[] {
    const height = Math.min(...this.indexes);
    return Array.from({ length: height + 1 }, (_, at) => at).filter(
      (at) => new Set(this.nodes.map(({ disk }) => disk.chain[at]?.state.id)).size !== 1,
    );
  }

  #issueFrom(node: AgreementNode): void {
    this.clock.after(this.#random.between(0.5, 1.5) * BLOCK_MS * this.nodes.length, () => {
      if (!this.#hasTraffic) return;
      const data = this.#random.bytes(16);
      if (node.isUp) node.issue({ kind: 'tagged-data', tag: new Uint8Array([1]), data });
      this.#issueFrom(node);
    });
  }
}
