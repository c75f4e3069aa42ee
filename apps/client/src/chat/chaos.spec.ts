/**
 * Chat under what networks and machines do: envelopes lost, repeated and out of order, power cuts
 * on both sides. When the bad time is over and nobody says anything more, everybody has each
 * message that was taken, once, and nobody outside has any. Failures print the seed; CHAT_RUNS sets
 * how many days are tried.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChatPerson, ChatWorld, textsOf, withPerson } from '../testing/chat-world.ts';

const RUNS = Number(process.env['CHAT_RUNS'] ?? 4);
const HOUR_MS = 3_600_000;

let world = new ChatWorld();

afterEach(() => world.close());

interface Step {
  readonly from: 0 | 1;
  /** Lines that are said before anything is handed out. */
  readonly lines: number;
  /** Which of three chain envelopes in turn get lost (bits), and how the rest is turned around. */
  readonly lost: number;
  readonly rotate: number;
  readonly hours: number;
  /** After how many writes the sender's power goes, and the reader's; undefined: it stays. */
  readonly cutAt: number | undefined;
  readonly readerCutAt: number | undefined;
  readonly isRepeated: boolean;
  /** The clients do what is due by the clock. */
  readonly isTicked: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.constantFrom(0, 1),
  lines: fc.integer({ min: 1, max: 3 }),
  lost: fc.nat(7),
  rotate: fc.nat(3),
  hours: fc.constantFrom(0, 1, 30, 200),
  cutAt: fc.option(fc.nat(12), { nil: undefined }),
  readerCutAt: fc.option(fc.nat(6), { nil: undefined }),
  isRepeated: fc.boolean(),
  isTicked: fc.boolean(),
});

type Pair = [ChatPerson, ChatPerson];

/** Only chain messages get lost: providers' receipts see to letters. */
const isChains = (bytes: Uint8Array): boolean => bytes[1] === 0;

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** The same disk under a client that was started anew; `cutAt`: it will go off again. */
async function restart(people: Pair, at: 0 | 1, cutAt?: number): Promise<void> {
  const before = people[at];
  await before.outbox.stop();
  const cut = cutAt === undefined ? undefined : { atWrite: cutAt, isApplied: cutAt % 2 === 0 };
  // It may go off while it starts, too.
  const opened = await world.open(at + 1, before.disk, cut).catch(() => undefined);
  people[at] = opened ?? (await world.open(at + 1, before.disk));
  people[at].read = before.read;
}

/** Says something; true once it is on the disk. */
async function say(from: ChatPerson, to: ChatPerson, text: string): Promise<boolean> {
  return from.chat.send(withPerson(to), text).then(
    () => true,
    () => false,
  );
}

/** Hands out what is new; a reader whose power goes gets the same again, less what is lost. */
async function hand(people: Pair, to: 0 | 1, one: Step): Promise<void> {
  const { lost, rotate, readerCutAt, isRepeated } = one;
  const from = people[to].read;
  const chains = world.envelopes.slice(from).filter(isChains);
  const gone = new Set(chains.filter((_, at) => (lost >> (at % 3)) % 2 === 1));
  const give = (): Promise<boolean> =>
    world.give(
      people[to],
      (_to, bytes) => gone.has(bytes),
      (all) => rotated(all, rotate),
    );
  if (readerCutAt !== undefined) {
    await restart(people, to, readerCutAt);
    await give().catch(() => true);
    await restart(people, to);
    people[to].read = from;
  }
  await give();
  if (!isRepeated) return;
  for (const bytes of world.envelopes.slice(-5)) {
    if (!isChains(bytes)) await people[to].who.intake.take(bytes);
  }
}

/** What each of them said, as far as the client took it. */
async function play(people: Pair, steps: readonly Step[]): Promise<[string[], string[]]> {
  const taken: [string[], string[]] = [[], []];
  for (const [at, one] of steps.entries()) {
    const { from, lines, hours, cutAt, isTicked } = one;
    const to = from === 0 ? 1 : 0;
    world.nowMs += hours * HOUR_MS + 1_000;
    if (cutAt !== undefined) await restart(people, from, cutAt);
    for (let line = 0; line < lines; line += 1) {
      const text = `${at}.${line}`;
      if (await say(people[from], people[to], text)) taken[from].push(text);
    }
    await world.rest(people);
    if (cutAt !== undefined) await restart(people, from);
    if (isTicked) for (const each of people) await each.chat.tick();
    await world.rest(people);
    await hand(people, to, one);
  }
  return taken;
}

/** Days go by without a word: the clients find out by themselves what they lack. */
async function heal(people: Pair): Promise<void> {
  await world.settle(people);
  for (let round = 0; round < 16; round += 1) {
    world.nowMs += 6 * HOUR_MS;
    for (const one of people) await one.chat.tick();
    await world.settle(people);
  }
}

describe('two people on bad days', () => {
  it('have each message that was taken, once, and nobody else has any', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
        world = new ChatWorld();
        const people: Pair = [await world.open(1), await world.open(2)];
        const eve = await world.open(3);
        await world.befriend(people[0], people[1]);
        await world.befriend(people[0], eve);
        const taken = await play(people, steps);
        await heal(people);
        for (const from of [0, 1] as const) {
          const [sender, reader] = from === 0 ? people : people.toReversed();
          if (sender === undefined || reader === undefined) throw new Error('two people');
          const page = await reader.chat.log.page(sender.address, 999);
          const heard = page.filter((one) => !one.isOwn && one.kind === 'text');
          const texts = heard.map((one) => one.text);
          expect(new Set(texts).size).toBe(texts.length);
          expect(texts).toEqual(expect.arrayContaining(taken[from]));
        }
        for (const bytes of world.envelopes) await eve.who.intake.take(bytes);
        expect(await textsOf(eve, people[0].address)).toEqual([]);
        expect(eve.chat.log.list()).toEqual([]);
        await world.close();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 600_000);
});
