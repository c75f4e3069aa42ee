/**
 * Simulated weeks of mail. CI plays few people for some days; a long run is
 * `LIFE_USERS=200 LIFE_DAYS=60 npm test -- test/life`. LIFE_SEED chooses another course of things.
 * Spec: docs/spec/42-delivery.md.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  lostLines,
  lostMails,
  missingOnDevices,
  promisesOf,
  shownTwice,
  unequalMails,
} from './checkers.ts';
import { eavesdrop } from './eavesdropper.ts';
import { LifeWorld } from './world.ts';

const {
  LIFE_USERS = '6',
  LIFE_DAYS = '4',
  LIFE_SEED = '1',
  LIFE_PROVIDERS = '4',
  LIFE_TRIED = '500',
  LIFE_PRESENCE = '0.4',
} = process.env;
const LIMIT_MS = 12 * 3_600_000;

let world: LifeWorld | undefined;

afterEach(async () => {
  await world?.close();
});

describe('weeks of mail', () => {
  it(
    'lose no mail that was shown as stored, and show none twice',
    async () => {
      const startedMs = performance.now();
      const seconds = (): string => ((performance.now() - startedMs) / 1_000).toFixed(1);
      world = await LifeWorld.create({
        seed: Number(LIFE_SEED),
        users: Number(LIFE_USERS),
        days: Number(LIFE_DAYS),
        providers: Number(LIFE_PROVIDERS),
        mailsPerSitting: 1.5,
        presence: Number(LIFE_PRESENCE),
      });
      const { mails, counts, faults } = world;
      const isLong = world.options.days > 20 || world.options.users > 20;
      const say = (text: string): void => {
        if (isLong) process.stderr.write(`${text}\n`);
      };
      say(`everybody has an account: ${seconds()} s`);
      await world.live((day) => {
        const memory = Math.round(process.memoryUsage().rss / 1_048_576);
        say(`day ${day + 1}: ${mails.length} mails, ${seconds()} s, ${memory} MiB`);
      });
      const views = await world.heal();
      const arrived = mails.filter((mail) => mail.storedAt.length > 0 || mail.isFetched).length;
      const promises = promisesOf(world);
      const promised = { mails: promises.mails.length, lines: promises.lines.length };
      const { happened, failures } = faults;
      const facts = { ...counts, arrived, promised, happened, failures, seconds: seconds() };
      console.info(JSON.stringify(facts));
      const safe = new Set(world.providers.slice(1).map(({ bondId }) => bondId));
      const found = {
        lost: lostMails(views, promises),
        twice: shownTwice(views),
        unequal: unequalMails(views),
        missing: missingOnDevices(views, promises, safe),
        lostLines: lostLines(views, promises),
      };
      console.info(JSON.stringify(found));
      for (const one of views.filter(({ index }) => unequalMails([views[index]!]).length > 0)) {
        const { losses, facts: person } = world.people[one.index]!;
        say(JSON.stringify({ index: one.index, rented: one.rented, losses, of: person.friends }));
      }
      const { faults: overheard, ...heard } = eavesdrop(world, Number(LIFE_TRIED));
      console.info(JSON.stringify({ ...heard, seconds: seconds() }));
      expect(found).toEqual({ lost: [], twice: [], unequal: [], missing: [], lostLines: [] });
      expect(overheard).toEqual([]);
      // A simulation in which nothing happens shows nothing.
      expect(Object.entries(happened).filter(([, times]) => times === 0)).toEqual([]);
      expect(heard).toMatchObject({ closed: 0 });
      expect(heard.mails).toBeGreaterThan(0);
      expect(counts.mails).toBeGreaterThan(world.options.users);
      expect(counts.lines).toBeGreaterThan(0);
      expect(arrived).toBeGreaterThan(counts.mails / 3);
    },
    LIMIT_MS,
  );
});
