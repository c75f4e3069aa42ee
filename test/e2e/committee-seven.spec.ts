/**
 * Seven validators as real processes: they go on without two, stand still without three, and go on
 * when those are back. Four validators and all that may befall one of them: committee.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommitteeProcesses } from './testing/committee-processes.ts';
import {
  allVote,
  ChainBook,
  goOn,
  hears,
  restOf,
  sendBlock,
  tells,
} from './testing/committee-watch.ts';
import { healthy } from './testing/small-market.ts';

const TEST_TIMEOUT_MS = 240_000;
/** A dozen milestone intervals, and longer than three views without a leader take. */
const STILL_MS = 6_000;

let committee: CommitteeProcesses;
let book: ChainBook;

beforeAll(async () => {
  committee = await CommitteeProcesses.create({ seats: 7 });
  book = await ChainBook.open(committee.genesis);
  await committee.start();
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await committee?.close();
}, TEST_TIMEOUT_MS);

describe('seven validators', () => {
  it(
    'go on without two',
    async () => {
      await allVote(committee.running);
      await goOn(committee.running, 2);
      await committee.kill([5, 6]);
      await goOn(committee.running, 4);
      expect(await book.compare(committee.running)).toMatchObject({ wrong: [] });
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'stand still without three, and go on when those are back',
    async () => {
      await committee.kill([4]);
      const block = await sendBlock(committee.at(0), committee.genesis);
      const { stood, stand } = await restOf(committee.running, STILL_MS);
      expect(stand).toEqual(stood);
      for (const member of committee.running) {
        await tells(member, /^no milestone for [0-9]+ s though blocks wait$/);
      }
      await committee.start([4, 5, 6]);
      await goOn(committee.running, 3);
      await block.confirmed();
      for (const seat of [4, 5, 6]) await hears(committee.at(0), seat);
      for (const member of committee.running) await healthy(member);
      const { wrong } = await book.compare(committee.running, { isWhole: true });
      expect(wrong).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});
