/**
 * A committee of four whose network falls apart, first into halves, then three to one, and heals.
 * What the links are made of is the caller's choice: cable-network.ts or proxied-links.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommitteeProcesses, type Wiring } from './committee-processes.ts';
import {
  allVote,
  ChainBook,
  goOn,
  hears,
  indexesOf,
  restOf,
  sendBlock,
  tells,
} from './committee-watch.ts';

/** A wiring that can be cut. */
export interface Links extends Wiring {
  /** These hear each other and nobody else, and nobody else hears them. */
  cutOff(ats: readonly number[]): void;
  /** These are joined with the others again. */
  heal(ats: readonly number[]): void;
  close(): Promise<void>;
}

export interface PartitionReport {
  /** Milestones that came while each half was alone; of each node. */
  readonly inHalves: readonly number[];
  /** Milestones of the lonely node, and of the three others, while it was cut off. */
  readonly ofOne: number;
  readonly ofThree: number;
  /** What is wrong with the chains at the end, in words. */
  readonly wrong: readonly string[];
  /** From the repair of the network to three more milestones on all nodes. */
  readonly healedMs: readonly number[];
}

/** Longer than any message is under way, and than two views without a leader. */
const STILL_MS = 6_000;

/** Plays it with four nodes; everything is ended and removed however it goes. */
export async function playPartitions(links: Links, signal?: AbortSignal): Promise<PartitionReport> {
  const committee = await CommitteeProcesses.create({ seats: 4, wiring: links });
  const onAbort = (): void => void committee.kill();
  signal?.addEventListener('abort', onAbort);
  try {
    return await play(committee, links);
  } finally {
    await committee.kill();
    await links.close();
    await committee.close();
  }
}

async function play(committee: CommitteeProcesses, links: Links): Promise<PartitionReport> {
  const book = await ChainBook.open(committee.genesis);
  await committee.start();
  await allVote(committee.running);
  const { came, healedMs } = await playHalves(committee, links);
  const { ofThree, ofOne, healedMs: againMs } = await playMajority(committee, links);
  const { wrong } = await book.compare(committee.running);
  return { inHalves: came, ofOne, ofThree, wrong, healedMs: [healedMs, againMs] };
}

/** Two and two: nobody goes on, and what was sent on either side is confirmed afterwards. */
async function playHalves(committee: CommitteeProcesses, links: Links) {
  const [low, high] = [
    [0, 1],
    [2, 3],
  ] as const;
  links.cutOff(high);
  const { genesis } = committee;
  const sent = [0, 2].map((at) => sendBlock(committee.at(at), genesis));
  const blocks = await Promise.all(sent);
  const halves = [low, high].map((ats) => ats.map((at) => committee.at(at)));
  const rests = await Promise.all(halves.map((members) => restOf(members, STILL_MS)));
  for (const member of committee.running) await tells(member, /^no milestone for [0-9]+ s though/);
  links.heal(high);
  const healedMs = await resume(committee);
  await Promise.all(blocks.map((block) => block.confirmed()));
  const came = rests.flatMap(({ stood, stand }) => stand.map((now, at) => now - (stood[at] ?? 0)));
  return { came, healedMs };
}

/** Three and one: the three go on, the one stands still and comes after them. */
async function playMajority(committee: CommitteeProcesses, links: Links) {
  const others = [0, 1, 2].map((at) => committee.at(at));
  const lonely = committee.at(3);
  links.cutOff([3]);
  await sleep(STILL_MS);
  const [before = 0] = await indexesOf([lonely]);
  await goOn(others, 4);
  const [after = 0] = await indexesOf([lonely]);
  const ofThree = Math.min(...(await indexesOf(others))) - after;
  links.heal([3]);
  const healedMs = await resume(committee);
  await hears(committee.at(0), 3);
  return { ofThree, ofOne: after - before, healedMs };
}

/** Three more milestones everywhere; resolves with the time that it took. */
async function resume(committee: CommitteeProcesses): Promise<number> {
  const startedMs = performance.now();
  await goOn(committee.running, 3);
  return Math.round(performance.now() - startedMs);
}
