/**
 * Chat under what networks and machines do: envelopes lost, repeated and out of order, power cuts
 * on both sides. In the end everybody has each message that was taken, once, and nobody outside
 * has any. And every byte that a note may hold, through the whole intake. Failures print the seed.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import { encodeFrame } from '@tanglemail/mail/core/group/frame.ts';
import { encodeGroupNote } from '@tanglemail/mail/core/group/note.ts';
import { type ChatPerson, ChatWorld, textsOf } from '../testing/chat-world.ts';
import { sealNote } from '../testing/letters.ts';
import { SealedStoreError } from '../store/sealed-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let world = new ChatWorld();

afterEach(() => world.close());

interface Step {
  readonly from: 0 | 1;
  /** Which of the other's next envelopes get lost, and how the rest is turned around. */
  readonly lost: number;
  readonly rotate: number;
  readonly hours: number;
  /** After how many writes the sender's power goes; undefined: it stays. */
  readonly cutAt: number | undefined;
  readonly again: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.constantFrom(0, 1),
  lost: fc.nat(7),
  rotate: fc.nat(3),
  hours: fc.constantFrom(0, 1, 30),
  cutAt: fc.option(fc.nat(12), { nil: undefined }),
  again: fc.boolean(),
});

/** Only chain messages get lost: providers' receipts see to letters. */
const isChains = (bytes: Uint8Array): boolean => bytes[1] === 0;

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function restart(one: ChatPerson, seed: number, cutAt?: number): Promise<ChatPerson> {
  await one.outbox.stop();
  const cut = cutAt === undefined ? undefined : { atWrite: cutAt, isApplied: cutAt % 2 === 0 };
  const opened = await world.open(seed, one.disk, cut);
  opened.read = one.read;
  return opened;
}

/** Says something; true once it is on the disk. */
async function say(from: ChatPerson, to: ChatPerson, text: string): Promise<boolean> {
  try {
    await from.chat.send({ id: to.address, kind: 'person' }, text);
    return true;
  } catch {
    return false;
  }
}

async function play(people: [ChatPerson, ChatPerson], steps: readonly Step[]): Promise<string[][]> {
  const taken: string[][] = [[], []];
  for (const [at, one] of steps.entries()) {
    const { from, lost, rotate, hours, cutAt, again } = one;
    const to = from === 0 ? 1 : 0;
    world.nowMs += hours * HOUR_MS + 1_000;
    if (cutAt !== undefined) people[from] = await restart(people[from], from + 1, cutAt);
    const text = `${at}`;
    if (await say(people[from], people[to], text)) taken[from]?.push(text);
    await world.rest(people);
    if (cutAt !== undefined) people[from] = await restart(people[from], from + 1);
    await world.rest(people);
    let number = 0;
    const lose = (_to: ChatPerson, bytes: Uint8Array): boolean =>
      isChains(bytes) && (lost >> (number++ % 3)) % 2 === 1;
    await world.give(people[to], lose, (all) => rotated(all, rotate));
    if (again) {
      for (const bytes of world.envelopes.slice(-5)) {
        if (!isChains(bytes)) await people[to].who.intake.take(bytes);
      }
    }
  }
  return taken;
}

/** What is lost is missed only when the next chain begins: then the client asks by itself. */
async function heal(people: [ChatPerson, ChatPerson], taken: string[][]): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (const from of [0, 1] as const) {
      world.nowMs += 8 * DAY_MS;
      const text = `heal ${round} ${from}`;
      await say(people[from], people[1 - from] as ChatPerson, text);
      taken[from]?.push(text);
      await world.settle(people);
      for (const hours of [0, 2]) {
        world.nowMs += hours * HOUR_MS;
        for (const one of people) await one.chat.tick();
        await world.settle(people);
      }
    }
  }
}

describe('two people on a bad day', () => {
  it('have each message that was taken, once, and nobody else has any', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
        world = new ChatWorld();
        const people: [ChatPerson, ChatPerson] = [await world.open(1), await world.open(2)];
        const eve = await world.open(3);
        await world.befriend(people[0], people[1]);
        await world.befriend(people[0], eve);
        const taken = await play(people, steps);
        await heal(people, taken);
        for (const from of [0, 1] as const) {
          const other = people[1 - from] as ChatPerson;
          const heard = await other.chat.log.page(people[from].address, 999);
          const texts = heard
            .filter((one) => !one.isOwn && one.kind === 'text')
            .map((one) => one.text);
          expect(new Set(texts).size).toBe(texts.length);
          expect(texts).toEqual(expect.arrayContaining(taken[from] ?? []));
        }
        for (const bytes of world.envelopes) await eve.who.intake.take(bytes);
        expect(eve.chat.log.list()).toEqual([]);
        expect(await textsOf(eve, people[0].address)).toEqual([]);
        await world.close();
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 240_000);
});

describe('bytes of any kind in notes', () => {
  it('never throw in the whole intake, and leave what was there', async () => {
    world = new ChatWorld();
    const [ada, ben] = [await world.open(1), await world.open(2)];
    await world.befriend(ada, ben);
    const id = await ada.chat.desk.found('Circle', [ben.address]);
    await world.settle([ada, ben]);
    await ada.chat.send({ id, kind: 'group' }, 'hello');
    await world.settle([ada, ben]);
    const log = ada.chat.groups.get(id);
    if (log === undefined) throw new Error('no group');
    const { groupId } = log;
    const tag = new Uint8Array(16).fill(9);
    const letterId = '05'.repeat(16) as never;
    const chainId = '06'.repeat(16) as never;
    const openedAt = Math.floor(world.nowMs / 1_000);
    const audience = new Uint8Array(Buffer.from(id, 'hex'));
    const seed = { type: 'seed', seed: new Uint8Array(32).fill(1), audience, openedAt } as const;
    const body = new Uint8Array(Buffer.from('hi'));
    const frame = encodeFrame({ groupId, heads: log.headsFor(ada.address), body });
    const samples = [
      encodeChainNote(seed),
      encodeChainNote({ type: 'chain-request', chainId, numbers: [1, 2] }),
      encodeChainNote({ type: 'envelope-request', tag }),
      encodeChainNote({ type: 'watched', chainId }),
      encodeChainNote({ type: 'text', letterId, sentAt: 1, text: body }),
      encodeChainNote({ type: 'answered', chainId, tags: [tag] }),
      encodeGroupNote({ type: 'seed', seed }),
      encodeGroupNote({ type: 'changes', groupId, changes: log.changes() }),
      encodeGroupNote({ type: 'history-request', groupId, heads: [], missing: [] }),
      encodeGroupNote({ type: 'message', letterId, sentAt: 1, frame }),
    ];
    const edits = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 });
    const cut = fc.tuple(fc.constantFrom(...samples), edits, fc.nat(900));
    const random = fc.tuple(fc.constantFrom(0xc1, 0xc2), fc.uint8Array({ maxLength: 200 }));
    const bytes = fc.oneof(
      cut.map(([sample, changed, length]) => {
        const broken = sample.slice(0, Math.max(1, length));
        for (const [at, value] of changed) if (at < broken.length) broken[at] = value;
        return broken;
      }),
      random.map(([family, rest]) => Uint8Array.from([family, 1, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (note) => {
        const sealed = await sealNote(ada.who, ben.who, note);
        expect((await ben.who.intake.take(sealed.bytes)).kind).toBe('filed');
      }),
      { numRuns: 150 },
    );
    expect((await textsOf(ben, id)).slice(0, 1)).toEqual(['hello']);
    // Whatever it did to the store can be read again.
    const reopened = await world.open(2, ben.disk).catch((error: unknown) => error);
    expect(reopened).not.toBeInstanceOf(SealedStoreError);
    expect((reopened as ChatPerson).chat.groups.get(id)?.changes()).toHaveLength(2);
  }, 120_000);
});
