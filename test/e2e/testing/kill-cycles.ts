/**
 * Kills a node without warning (SIGKILL) again and again while blocks and payments come in, and
 * starts it again each time: it has to come up by itself, with all that it had acknowledged. What
 * it says of itself before the kill is held against what it says afterwards.
 * Goal 15 of docs/performance.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import { Spam } from '../../attack/spam.ts';
import { Chance } from './chance.ts';
import {
  confirmedIndex,
  PrivateNetwork,
  type NodePlan,
  type PrivateNode,
} from './private-network.ts';
import { errorLines, healthy } from './small-market.ts';

export interface KillReport {
  readonly seed: number;
  readonly kills: number;
  /** Starts after which the node did not become healthy by itself, or logged an error. */
  readonly torn: number;
  /** Blocks that were answered 202. */
  readonly acknowledged: number;
  /** Of them gone after a restart. */
  readonly acknowledgedLost: number;
  /** Blocks that a milestone had confirmed. */
  readonly confirmed: number;
  /** Of them gone, unconfirmed or in another milestone after a restart. */
  readonly confirmedLost: number;
  /** Restarts after which the confirmed index was below what the node had said. */
  readonly wentBack: number;
  /** Milestones that were other ones after a restart. */
  readonly changed: number;
  readonly lastIndex: number;
  readonly longestStartMs: number;
}

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Blocks a second. */
  readonly rate: number;
  /** Told after each cycle. */
  readonly onCycle?: (report: KillReport) => void;
}

/** A quick network, whose blocks still stay confirmable for half a minute. */
const PARAMS = { powBaseBits: 4, milestoneIntervalMs: 500, heartbeatMs: 2_000 };
const PLAN: NodePlan = { name: 'validator', isValidator: true };
const LIFE_MS = { min: 200, max: 1_500 };
const LOOK_MS = 40;
/** Confirmed blocks of earlier cycles that are looked at again after each restart. */
const OLD_SAMPLES = 40;
const CHECKS_AT_ONCE = 32;

/** What the node has said before its end. */
interface Told {
  index: number;
  milestone: string;
}

type Counts = { -readonly [Name in keyof KillReport]: KillReport[Name] };

export class KillCycles {
  readonly #options: KillOptions;
  readonly #chance: Chance;
  readonly #counts: Counts;
  /** Acknowledged since the last check. */
  #acknowledged: BlockId[] = [];
  /** Confirmed blocks and the milestone of each. */
  readonly #confirmed = new Map<BlockId, number>();
  #followed = 0;

  constructor(options: KillOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#counts = {
      seed: options.seed,
      kills: 0,
      torn: 0,
      acknowledged: 0,
      acknowledgedLost: 0,
      confirmed: 0,
      confirmedLost: 0,
      wentBack: 0,
      changed: 0,
      lastIndex: 0,
      longestStartMs: 0,
    };
  }

  async run(): Promise<KillReport> {
    const network = await PrivateNetwork.create('test-kills', PARAMS);
    try {
      let node = await network.start(PLAN);
      const spam = await this.#load(network, node);
      while (this.#counts.kills < this.#options.kills) {
        const told = await this.#live(node);
        await node.process.kill();
        const acknowledged = this.#acknowledged.splice(0);
        this.#counts.kills += 1;
        node = await this.#startAgain(network);
        await this.#check(node, told, acknowledged);
        this.#options.onCycle?.({ ...this.#counts });
      }
      await spam.stop();
      return { ...this.#counts };
    } finally {
      await network.close();
    }
  }

  async #load(network: PrivateNetwork, node: PrivateNode): Promise<Spam> {
    const spam = new Spam({
      target: await network.targetOf(node),
      rate: this.#options.rate,
      seed: this.#options.seed,
      routes: ['api'],
      funds: network.funds,
      onSent: ({ id }) => {
        this.#acknowledged.push(id);
        this.#counts.acknowledged += 1;
      },
    });
    await spam.start();
    return spam;
  }

  /** Lets the node work for a random while and listens to what it says. */
  async #live(node: PrivateNode): Promise<Told> {
    const end = performance.now() + this.#chance.integer(LIFE_MS.min, LIFE_MS.max);
    const told: Told = { index: 0, milestone: '' };
    while (performance.now() < end) {
      told.index = await confirmedIndex(node);
      told.milestone = bytesToHex(await node.client.milestone(told.index));
      await this.#follow(node, told.index);
      await sleep(LOOK_MS);
    }
    return told;
  }

  /** Notes which blocks the milestones up to `index` have confirmed. */
  async #follow(node: PrivateNode, index: number): Promise<void> {
    for (; this.#followed < index; this.#followed += 1) {
      const at = this.#followed + 1;
      for (const { blockId } of await node.client.milestoneBlocks(at)) {
        this.#confirmed.set(blockId, at);
      }
    }
    this.#counts.confirmed = this.#confirmed.size;
  }

  async #startAgain(network: PrivateNetwork): Promise<PrivateNode> {
    const startedMs = performance.now();
    const node = await network.start(PLAN);
    await healthy(node);
    const tookMs = Math.round(performance.now() - startedMs);
    this.#counts.longestStartMs = Math.max(this.#counts.longestStartMs, tookMs);
    return node;
  }

  async #check(node: PrivateNode, told: Told, acknowledged: readonly BlockId[]): Promise<void> {
    const counts = this.#counts;
    const index = await confirmedIndex(node);
    counts.lastIndex = index;
    if (index < told.index) counts.wentBack += 1;
    const again = await node.client.milestone(told.index).then(bytesToHex, () => 'gone');
    if (again !== told.milestone) counts.changed += 1;
    if ((await errorLines(node)).length > 0) counts.torn += 1;
    await inBatches(acknowledged, async (id) => {
      if ((await milestoneOf(node, id)) === 'gone') counts.acknowledgedLost += 1;
    });
    const confirmed = [...this.#confirmed.keys()];
    if (confirmed.length === 0) return;
    const old = Array.from({ length: OLD_SAMPLES }, () => this.#chance.pick(confirmed));
    await inBatches([...old, ...confirmed.slice(-OLD_SAMPLES)], async (id) => {
      await node.client.block(id).catch(() => (counts.confirmedLost += 1));
      if ((await milestoneOf(node, id)) !== this.#confirmed.get(id)) counts.confirmedLost += 1;
    });
  }
}

/** The milestone that references a block; `gone` when the node does not hold it. */
async function milestoneOf(
  { client }: PrivateNode,
  id: BlockId,
): Promise<number | 'gone' | undefined> {
  try {
    return (await client.blockMetadata(id)).referencedByMilestoneIndex;
  } catch (error) {
    if (isNotFound(error)) return 'gone';
    throw error;
  }
}

async function inBatches<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += CHECKS_AT_ONCE) {
    await Promise.all(items.slice(at, at + CHECKS_AT_ONCE).map(act));
  }
}
