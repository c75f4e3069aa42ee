/**
 * The same agreement in the simulator: real cores, driver, codec and Ed25519, on one virtual clock.
 * It shows what a committee of any size says, and what that costs one thread, where so many whole
 * nodes would only wait for each other. Used by 18-finality.ts.
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { encodeConsensusMessage } from '../../../libs/tangle/src/core/codec/consensus.ts';
import type { Hasher, Verifier } from '../../../libs/tangle/src/core/ports.ts';
import { AgreementWorld } from '../../sim/agreement-world.ts';
import { realSigning, type Signing } from '../../sim/signing.ts';

const WARM_UP_MS = 3_000;
/** Virtual time between two looks, and between two blocks of users. */
const STEP_MS = 5;
const BLOCK_MS = 125;
/** DER head of an Ed25519 secret key (RFC 8410). */
const KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Per milestone, unless said otherwise. */
export interface Simulated {
  readonly milestones: number;
  /** Messages that all seats said, and their bytes with the attempt. */
  readonly said: number;
  readonly saidBytes: number;
  /** Checked by one seat. */
  readonly signatures: number;
  /** CPU of one seat, its few blocks included. */
  readonly threadMs: number;
  /** From a block's arrival at one seat until all have it final, virtual milliseconds. */
  readonly waits: readonly number[];
  /** Mean of the delays that the links draw. */
  readonly hopMs: number;
  readonly intervalMs: number;
}

/** Signs with keys of the process, as a node does, and counts what is checked. */
function countingSigning(inner: Verifier): Signing & { readonly checked: () => number } {
  let checked = 0;
  const keys = new Map<number, KeyObject>();
  const keyOf = (seat: number): KeyObject => {
    const der = Buffer.concat([KEY_HEAD, new Uint8Array(32).fill(seat + 1)]);
    const key = keys.get(seat) ?? createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    keys.set(seat, key);
    return key;
  };
  const verifier: Verifier = {
    verify: (key, message, signature) => {
      checked += 1;
      return inner.verify(key, message, signature);
    },
  };
  return {
    ...realSigning(verifier),
    sign: (seat, message) => new Uint8Array(sign(null, message, keyOf(seat))),
    checked: () => checked,
  };
}

/** Runs `seats` seats for so long a virtual time. */
export async function simulateFinality(
  { seats, runMs, seed }: { readonly seats: number; readonly runMs: number; readonly seed: number },
  { hasher, verifier }: { readonly hasher: Hasher; readonly verifier: Verifier },
): Promise<Simulated> {
  const signing = countingSigning(verifier);
  const world = new AgreementWorld({ seats, seed, signing }, hasher).start();
  world.stopTraffic();
  const issued: { readonly atMs: number; readonly id: string }[] = [];
  const finals = world.nodes.map(() => new Map<string, number>());
  const heights = world.nodes.map(() => 0);
  let blocks = 0;
  const step = async (): Promise<void> => {
    const { nowMs } = world.clock;
    if (nowMs % BLOCK_MS < STEP_MS) {
      const place = blocks % seats;
      blocks += 1;
      // Two seats with the same tips must not make the same block.
      const data = new Uint8Array(Buffer.from(`${blocks}`.padStart(16)));
      const id = world.nodes[place]?.issue({ kind: 'tagged-data', tag: new Uint8Array(1), data });
      if (id !== undefined) issued.push({ atMs: nowMs, id });
    }
    await world.run(STEP_MS);
    for (const [at, { disk }] of world.nodes.entries()) {
      for (let height = heights[at] ?? 0; height < disk.chain.length; height += 1) {
        for (const id of disk.chain[height]?.included ?? []) finals[at]?.set(id, world.clock.nowMs);
      }
      heights[at] = disk.chain.length;
    }
  };
  const runFor = async (ms: number): Promise<void> => {
    for (const endMs = world.clock.nowMs + ms; world.clock.nowMs < endMs;) await step();
  };
  await runFor(WARM_UP_MS);
  const from = Math.min(...world.indexes);
  const said = world.nodes.map(({ published }) => published.length);
  const checked = signing.checked();
  const cpu = process.threadCpuUsage();
  await runFor(runMs);
  const used = process.threadCpuUsage(cpu);
  const milestones = Math.min(...world.indexes) - from;
  const messages = world.nodes.flatMap(({ published }, at) => published.slice(said[at]));
  const sizes = messages.map(({ message }) => 1 + encodeConsensusMessage(message).length);
  const waits = issued.flatMap(({ id, atMs }) => {
    const seen = finals.flatMap((one) => one.get(id) ?? []);
    return seen.length === seats ? [Math.max(...seen) - atMs] : [];
  });
  const { delayMsMax } = world.network.quality;
  return {
    milestones,
    said: messages.length / milestones,
    saidBytes: sizes.reduce((sum, size) => sum + size, 0) / milestones,
    signatures: (signing.checked() - checked) / milestones / seats,
    threadMs: (used.user + used.system) / 1_000 / milestones / seats,
    waits,
    hopMs: 2 + delayMsMax / 4,
    intervalMs: world.rules.params.milestoneIntervalMs,
  };
}
