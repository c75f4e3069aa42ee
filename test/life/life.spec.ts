/**
 * Simulated weeks of mail. CI plays few people for some days; a long run is
 * `LIFE_USERS=200 LIFE_DAYS=60 npm test -- test/life`. LIFE_SEED chooses another course of things.
 * Spec: docs/spec/42-delivery.md.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { checkDelivery } from './checkers.ts';
import { eavesdrop } from './eavesdropper.ts';
import { LifeWorld } from './world.ts';

const {
  LIFE_USERS = '6',
  LIFE_DAYS = '4',
  LIFE_SEED = '1',
  LIFE_PROVIDERS = '4',
  LIFE_TRIED = '500',
} = process.env;
const LIMIT_MS = 4 * 3_600_000;

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
        mailsPerDay: 3,
      });
      const { mails, counts } = world;
      const isLong = world.options.days > 20;
      await world.live((day) => {
        if (isLong) console.info(`day ${day + 1}: ${mails.length} mails, ${seconds()} s`);
      });
      await world.heal();
      expect(await checkDelivery(world)).toEqual([]);
      const arrived = mails.filter((mail) => mail.storedAt.length > 0 || mail.isFetched).length;
      if (isLong) console.info(JSON.stringify({ ...counts, arrived, seconds: seconds() }));
      const { faults, ...heard } = eavesdrop(world, Number(LIFE_TRIED));
      if (isLong) console.info(JSON.stringify(heard));
      expect(faults).toEqual([]);
      // A simulation in which nothing happens shows nothing.
      expect(heard).toMatchObject({ closed: 0 });
      expect(heard.mails).toBeGreaterThan(0);
      expect(counts.mails).toBeGreaterThan(world.options.users);
      expect(arrived).toBeGreaterThan(counts.mails / 3);
    },
    LIMIT_MS,
  );
});
