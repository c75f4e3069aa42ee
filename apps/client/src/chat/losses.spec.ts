/**
 * Lines that are lost where nothing after them shows it: at the end of a chain, whether another
 * follows or not. Each comes in the end, and its sender sees by which letter.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeSendingChain } from '@tanglemail/mail/core/chain/state.ts';
import { sendingChains } from '../store/chat-collections.ts';
import {
  type ChatPerson,
  ChatWorld,
  noticesOf,
  textsOf,
  withPerson,
} from '../testing/chat-world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let world: ChatWorld;
let alice: ChatPerson;
let bob: ChatPerson;

beforeEach(async () => {
  world = new ChatWorld();
  alice = await world.open(1);
  bob = await world.open(2);
  await world.befriend(alice, bob);
});

afterEach(() => world.close());

const both = () => [alice, bob];
const say = (from: ChatPerson, to: ChatPerson, text: string) =>
  from.chat.send(withPerson(to), text);
const isChains = (bytes: Uint8Array) => bytes[1] === 0;
const loseChains = (to: ChatPerson, bytes: Uint8Array) => to === bob && isChains(bytes);

/** How many messages went on each of Alice's chains, the newest first. */
async function lengths(): Promise<number[]> {
  for await (const { value } of alice.who.store.scan(sendingChains, { prefix: 's/' })) {
    return value.chains.map(({ state }) => {
      const decoded = decodeSendingChain(Buffer.from(state, 'hex'));
      return decoded.ok ? decoded.value.next : -1;
    });
  }
  return [];
}

/** Days go by, in which the clients do what is due and nobody says anything. */
async function pass(days: number): Promise<void> {
  for (let hour = 0; hour < days * 24; hour += 6) {
    world.nowMs += 6 * HOUR_MS;
    for (const one of both()) await one.chat.tick();
    await world.settle(both());
  }
}

/** Which way a line of Alice's goes to Bob by now. */
async function wayOf(text: string): Promise<string | undefined> {
  const page = await alice.chat.log.page(bob.address, 99);
  const line = page.find((one) => one.text === text);
  const [route] = line?.recipients ?? [];
  return alice.outbox.get(route?.outboxId ?? 0)?.form;
}

describe('envelopes under tags that nobody here knows', () => {
  it('are asked about four in an hour, and none is left out', async () => {
    for (let tag = 1; tag <= 6; tag += 1) {
      const bytes = new Uint8Array(508).fill(tag);
      bytes.set([1, 0]);
      expect(await bob.who.intake.take(bytes)).toMatchObject({ kind: 'refused' });
    }
    const asked = async () => {
      const all = await bob.outbox.list(99, undefined, true);
      const tags = all.flatMap(({ dedupe = '' }) => (dedupe.startsWith('tag:') ? [dedupe] : []));
      return new Set(tags).size;
    };
    const counts: number[] = [];
    for (let half = 0; half < 6; half += 1) {
      world.nowMs += HOUR_MS / 2;
      await bob.chat.tick();
      counts.push(await asked());
      await world.rest([bob]);
    }
    expect(counts).toEqual([0, 4, 4, 6, 6, 6]);
  });
});

describe('a line that is lost', () => {
  beforeEach(async () => {
    await say(alice, bob, 'first');
    await world.settle(both());
  });

  it('on a chain whose successor is open already is asked for, and comes by letter', async () => {
    await say(alice, bob, 'on the first chain');
    await world.settle(both());
    world.nowMs += 10_000;
    await say(bob, alice, 'an answer');
    await world.settle(both());
    world.nowMs += DAY_MS;
    // A fresh seed is due; until Bob watches the chain of it, the line goes on the one before.
    await say(alice, bob, 'lost');
    await world.rest(both());
    await world.give(bob, loseChains);
    expect(await lengths()).toEqual([0, 2]);
    await world.settle(both());
    await say(alice, bob, 'on the second chain');
    await world.settle(both());
    expect(await lengths()).toEqual([1, 2]);
    expect(await textsOf(bob, alice.address)).not.toContain('lost');
    expect(await wayOf('lost')).toBe('chat');
    await pass(4);
    const texts = await textsOf(bob, alice.address);
    expect(texts.filter((one) => one === 'lost')).toHaveLength(1);
    expect(await wayOf('lost')).toBe('note');
    expect(await wayOf('on the second chain')).toBe('chat');
    expect(await noticesOf(bob, alice.address)).toEqual([]);
  });

  it('as the last one of all is asked for, though nothing more is ever said', async () => {
    await say(alice, bob, 'heard');
    await say(alice, bob, 'lost');
    let number = 0;
    await world.settle(both(), (to, bytes) => loseChains(to, bytes) && number++ === 1);
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'heard']);
    await pass(3);
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'heard', 'lost']);
    // It is asked for once: when its chain's length is told again, it is missed no more.
    const before = world.envelopes.length;
    world.nowMs += 8 * DAY_MS;
    await say(alice, bob, 'a week later');
    await pass(3);
    const told = ['first', 'heard', 'lost', 'a week later'];
    expect(await textsOf(bob, alice.address)).toEqual(told);
    // The line on the old chain; the seed, *watched*, and the length of the old chain.
    expect(world.envelopes.length - before).toBe(4);
  });

  it('and whose envelope comes after all, once it came by letter, is shown once', async () => {
    const late: Uint8Array[] = [];
    await say(alice, bob, 'late');
    await world.settle(both(), (to, bytes) => {
      if (!loseChains(to, bytes)) return false;
      late.push(bytes);
      return true;
    });
    await pass(3);
    expect(late).toHaveLength(1);
    const before = world.envelopes.length;
    for (const bytes of late) {
      expect(await bob.who.intake.take(bytes)).toMatchObject({ code: 'chain-tag-unknown' });
    }
    await pass(3);
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'late']);
    // Nobody asks what it is.
    expect(world.envelopes).toHaveLength(before);
  });

  it('is asked for, whole chains too, by somebody who was restored from a backup', async () => {
    const backup = new Map(bob.disk);
    world.nowMs += 8 * DAY_MS;
    await say(alice, bob, 'a fresh seed');
    await world.settle(both());
    await say(alice, bob, 'fetched by the device that is gone');
    await world.settle(both());
    await bob.outbox.stop();
    bob = await world.open(2, backup);
    bob.read = world.envelopes.length;
    await pass(3);
    expect(await textsOf(bob, alice.address)).toContain('fetched by the device that is gone');
  });

  it('after others on the same chain is told as one more, where nobody answers', async () => {
    const heard = (text: string) => text === 'first' || text.startsWith('heard');
    for (const [lost, kept] of [
      ['gone', 'heard'],
      ['gone too', 'heard too'],
    ] as const) {
      let number = 0;
      for (const text of [lost, kept]) await say(alice, bob, text);
      await world.rest(both());
      await world.give(bob, (to, bytes) => loseChains(to, bytes) && number++ === 0);
      // Nothing of Bob's reaches her.
      for (let day = 0; day < 5; day += 1) {
        world.nowMs += DAY_MS;
        await bob.chat.tick();
        await world.rest(both());
      }
    }
    const texts = await textsOf(bob, alice.address);
    expect(texts.filter(heard)).toHaveLength(texts.length);
    expect(await noticesOf(bob, alice.address)).toEqual([{ lost: 1 }, { lost: 1 }]);
  });

  it('is asked for a day after it was overtaken, and comes when its sender is back', async () => {
    await say(alice, bob, 'lost');
    await say(alice, bob, 'heard');
    let number = 0;
    await world.settle(both(), (to, bytes) => loseChains(to, bytes) && number++ === 0);
    // Alice's client is off for so long that Bob's key for the line is deleted.
    for (let day = 0; day < 33; day += 1) {
      world.nowMs += DAY_MS;
      await bob.chat.tick();
      await world.rest([bob]);
    }
    expect(await noticesOf(bob, alice.address)).toEqual([{ lost: 1 }]);
    await pass(2);
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'heard', 'lost']);
    expect(await noticesOf(bob, alice.address)).toHaveLength(1);
  });
});
