/**
 * Simulated weeks of mail. CI plays few people for some days; a long run is
 * `LIFE_USERS=200 LIFE_DAYS=60 npm test -- test/life`. LIFE_SEED chooses another course of things,
 * LIFE_PRESENCE how often people sit down, LIFE_TRIED how many envelopes everybody tries to open.
 * Spec: docs/spec/42-delivery.md.
 */
import { afterAll, describe, expect, it } from '@jest/globals';
import { personAudience } from '@tanglemail/mail/core/chain/ratchet.ts';
import { openSendingChain, sealChainMessage } from '@tanglemail/mail/core/chain/sending.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import {
  lostLines,
  lostMails,
  missingOnDevices,
  type Promises,
  promisesOf,
  shownTwice,
  unequalMails,
} from './checkers.ts';
import { type HeldSeed, tryLines } from './chain-keys.ts';
import { type Eavesdropping, eavesdrop } from './eavesdropper.ts';
import type { Loss, Person } from './people.ts';
import type { PersonView, ShownMail } from './views.ts';
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
const IS_LONG = Number(LIFE_USERS) * Number(LIFE_DAYS) > 100;
const NOTHING = { lost: [], twice: [], unequal: [], missing: [], lostLines: [] };

let world: LifeWorld;
let views: PersonView[];
let found: ReturnType<typeof check>;

const startedMs = performance.now();
const seconds = (): string => ((performance.now() - startedMs) / 1_000).toFixed(1);

/** Straight to the terminal: what jest gathers is seen at the end only. */
function say(what: unknown): void {
  const text = typeof what === 'string' ? what : JSON.stringify(what);
  if (IS_LONG) process.stderr.write(`${text}\n`);
}

function check(shown: readonly PersonView[], promises: Promises) {
  const safe = new Set(world.providers.slice(1).map(({ bondId }) => bondId));
  return {
    lost: lostMails(shown, promises),
    twice: shownTwice(shown),
    unequal: unequalMails(shown),
    missing: missingOnDevices(shown, promises, safe),
    lostLines: lostLines(shown, promises),
  };
}

/** One line for docs/acceptance.md. */
function figuresOf(heard: Eavesdropping): string {
  const { counts, options, faults, people } = world;
  const { happened } = faults;
  const ways = people.flatMap(({ losses }) => losses.map(({ goesOnWith }) => goesOnWith));
  const restores = ways.filter((one) => one !== 'another device').length;
  return [
    `${options.users} people, ${options.days} days (seed ${options.seed},`,
    `presence ${options.presence}): ${counts.sessions} sittings, ${counts.mails} mails,`,
    `${counts.lines} lines of chat, ${counts.absences} absences of a day and more,`,
    `${happened.providerDiskLost} provider disks lost, ${happened.providerOutage} outages,`,
    `${happened.deviceLost} devices lost, ${restores} restores`,
    `(${happened.restoredFromBackup} from old backups), ${happened.powerCut} power cuts,`,
    `${happened.clockMinutes + happened.clockHours} clock errors; ${heard.tried} of`,
    `${heard.envelopes} envelopes tried with ${people.length} people's keys`,
    `(${heard.attempts} tries), ${heard.lines} lines with ${heard.lineAttempts} tries;`,
    `lost ${found.lost.length + found.lostLines.length}, missing on a device`,
    `${found.missing.length}, twice ${found.twice.length}, unequal ${found.unequal.length},`,
    `closed to everybody ${heard.closed}, open to others ${heard.faults.length}`,
  ].join(' ');
}

afterAll(async () => {
  await world.close();
});

describe('weeks of mail', () => {
  it(
    'lose no mail that was shown as stored, show none twice, and the same on all devices',
    async () => {
      world = await LifeWorld.create({
        seed: Number(LIFE_SEED),
        users: Number(LIFE_USERS),
        days: Number(LIFE_DAYS),
        providers: Number(LIFE_PROVIDERS),
        mailsPerSitting: 1.5,
        presence: Number(LIFE_PRESENCE),
      });
      const { mails, counts, faults } = world;
      say(`everybody has an account: ${seconds()} s`);
      await world.live((day) => {
        const memory = Math.round(process.memoryUsage().rss / 1_048_576);
        say(`day ${day + 1}: ${mails.length} mails, ${seconds()} s, ${memory} MiB`);
      });
      views = await world.heal();
      const arrived = mails.filter((mail) => mail.storedAt.length > 0 || mail.isFetched).length;
      const promises = promisesOf(world);
      const promised = { mails: promises.mails.length, lines: promises.lines.length };
      const { happened, failures } = faults;
      say({ ...counts, arrived, promised, happened, failures, seconds: seconds() });
      found = check(views, promises);
      say(found);
      for (const { index, rented, logs } of views) {
        const isUnequal = found.unequal.some((one) => one.includes(` of person ${index}:`));
        const lost = mails.filter(
          ({ mark, to }) => to === index && found.lost.includes(`${mark} is lost`),
        );
        if (!isUnequal && lost.length === 0) continue;
        say({ index, rented, logs, losses: world.people[index]?.losses, lost });
      }
      expect(found).toEqual(NOTHING);
      // A simulation in which nothing happens shows nothing.
      expect(Object.entries(happened).filter(([, times]) => times === 0)).toEqual([]);
      expect(counts.mails).toBeGreaterThan(world.options.users);
      expect(counts.lines).toBeGreaterThan(0);
      expect(arrived).toBeGreaterThan(counts.mails / 3);
      expect(views.some(({ devices }) => devices.length > 1)).toBe(true);
    },
    LIMIT_MS,
  );

  it(
    'give nothing to read to anybody but the one that it is for',
    () => {
      const heard = eavesdrop(world.tangle, world.people, Number(LIFE_TRIED));
      const { faults } = heard;
      say({ ...heard, seeds: heard.seeds.length, seconds: seconds() });
      say(figuresOf(heard));
      expect(faults).toEqual([]);
      expect(heard).toMatchObject({ closed: 0 });
      expect(heard.mails).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

describe('the checkers find what is broken', () => {
  it('a mail that is gone, one that is there twice, and one that a device lacks', () => {
    const promises = promisesOf(world);
    const broken = structuredClone(views);
    const mail = promises.mails.find(({ storedAt }) => storedAt.length > 0)!;
    const { devices } = broken[mail.to]!;
    const shown = devices.map((one) => one.mails as ShownMail[]);
    const taken = shown[0]!.find(({ mark }) => mark === mail.mark)!;
    for (const mails of shown) {
      mails.splice(0, mails.length, ...mails.filter(({ mark }) => mark !== mail.mark));
    }
    const old = broken.map((view) => {
      const since = view.devices.map((one) => Object.assign({}, one, { sinceMs: 0 }));
      return Object.assign({}, view, { devices: since });
    });
    const onlyOne = { mails: [{ ...mail, storedAt: [world.providers[1]!.bondId] }], lines: [] };
    expect(check(old, onlyOne).missing).toHaveLength(devices.length);
    expect(check(broken, promises).lost).toEqual([`${mail.mark} is lost`]);
    shown[0]!.push(taken, taken);
    expect(check(broken, promises)).toMatchObject({ lost: [], twice: [expect.any(String)] });
  });

  it('a mail that came to whoever rents nothing while a device was there that is left', () => {
    const facts = { index: 0, seed: new Uint8Array(64), runsNode: true, friends: [] };
    const sinceMs = 1_000;
    const lost = (atMs: number, ...ways: Loss['goesOnWith'][]): number => {
      const losses = ways.map((goesOnWith) => ({ atMs: 2_000, goesOnWith }));
      const person = { facts, losses, devices: [{ sinceMs }] } as unknown as Person;
      const mail = { ...world.mails[0]!, to: 0, atMs, isConfirmed: true, storedAt: [] };
      const told = { people: [person], mails: [mail], lines: [], providers: [] };
      const view = { index: 0, devices: [], rented: [], logs: [] };
      return lostMails([view], promisesOf(told)).length;
    };
    expect(lost(sinceMs - 1, 'another device')).toBe(0);
    expect(lost(sinceMs, 'another device')).toBe(1);
    expect([lost(sinceMs - 1), lost(sinceMs - 1, 'backup')]).toEqual([1, 1]);
  });

  it('flags and folders that differ between the devices of somebody', () => {
    const broken = structuredClone(views);
    const both = broken.flatMap(({ devices: [first, second] }) => {
      const known = new Set(second?.mails.map(({ mark }) => mark));
      const mail = first?.mails.find(({ mark }) => known.has(mark));
      return first && mail ? [{ mails: first.mails as ShownMail[], mail }] : [];
    });
    const { mails, mail } = both[0]!;
    mails[mails.indexOf(mail)] = { ...mail, flags: ['$Other'] };
    expect(check(broken, promisesOf(world)).unequal).toHaveLength(1);
  });

  it('a line of chat that is gone', () => {
    const [shown] = views.flatMap(({ index, devices }) =>
      devices.flatMap(({ lines }) => lines.map((mark) => ({ mark, index }))),
    );
    const line = world.lines.find(({ mark }) => mark === shown?.mark)!;
    const promises = { mails: [], lines: [line] };
    expect(check(views, promises).lostLines).toEqual([]);
    const broken = views.map((view) => {
      const devices = view.devices.map((one) => Object.assign({}, one, { lines: [] }));
      return Object.assign({}, view, { devices });
    });
    expect(check(broken, promises).lostLines).toEqual([`${line.mark} is lost`]);
  });

  it('an envelope that two people can open, and one that nobody can', () => {
    const { people, tangle } = world;
    // Everybody twice, and nobody: among many people few envelopes are for a certain one of them.
    const twins = [...people, ...people];
    expect(eavesdrop(tangle, twins, 30).faults).not.toEqual([]);
    expect(eavesdrop(tangle, [], 60).closed).toBeGreaterThan(0);
  });

  it('a line of chat that opens with the key of somebody whom it is not for', () => {
    const [from, to, other] = [1, 2, 3].map((at) => `0${at}`.repeat(24) as MailAddress);
    const networkId = 7n;
    const suite = bestSuite();
    const scope = { networkId, from: from!, audience: personAudience(to!) };
    const seed = new Uint8Array(32).fill(5);
    const { chain } = openSendingChain({ seed, scope, openedAt: 1 });
    const message = new TextEncoder().encode('line-0-0-1');
    const sealed = sealChainMessage(chain, { kind: 'message', sentAt: 1, message }, 2_048, suite);
    if (!sealed.ok) throw new Error(sealed.code);
    const line = [sealed.value.bytes];
    const meant = { ...chain, from: from!, holder: to!, isMeant: true };
    const addresses = [from!, to!, other!];
    const tryWith = (...held: HeldSeed[]) =>
      tryLines(line, line, { seeds: held, addresses }, suite);
    expect(tryWith(meant)).toEqual({ lines: 1, lineAttempts: 1, faults: [] });
    expect(tryWith({ ...meant, holder: other! }).faults).toHaveLength(1);
    expect(tryWith({ ...meant, isMeant: false }).faults).toHaveLength(1);
    expect(tryWith(meant, { ...meant, holder: other! }).faults).toHaveLength(1);
  });
});
