/** Two people over the real intake and outbox: chains, their seeds, and what is lost on the way. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import { personAudience, stepChain } from '@tanglemail/mail/core/chain/ratchet.ts';
import { decodeReceivingChain, decodeSendingChain } from '@tanglemail/mail/core/chain/state.ts';
import type { RecordOf } from '../store/collections.ts';
import { receivingChains, sendingChains, waitingEnvelopes } from '../store/chat-collections.ts';
import { BUCKETS, type Bucket, type Collection } from '../store/sealed-store.ts';
import {
  type ChatPerson,
  ChatWorld,
  noticesOf,
  textsOf,
  withPerson,
} from '../testing/chat-world.ts';
import { sealNote } from '../testing/letters.ts';

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
const classOf = (bytes: Uint8Array | undefined) => bytes?.[1];
const isChains = (bytes: Uint8Array) => classOf(bytes) === 0;

/** Alice has a chain that Bob watches. */
async function chained(): Promise<void> {
  await say(alice, bob, 'first');
  await world.settle(both());
}

/** The records of a kind, by the beginning of their keys. */
async function records<C extends Collection<unknown>>(
  { who }: ChatPerson,
  collection: C,
  prefix: string,
): Promise<RecordOf<C>[]> {
  const found: RecordOf<C>[] = [];
  for await (const { value } of who.store.scan(collection, { prefix })) {
    found.push(value as RecordOf<C>);
  }
  return found;
}

/** Everything that somebody with the disk and the store's key can read, as one text. */
function opened({ who, disk }: ChatPerson): string {
  const names = Object.keys(BUCKETS) as Bucket[];
  const values = [...disk.keys()].map((key) => {
    const bytes = Buffer.from(key, 'hex');
    const bucket = names.find((name) => BUCKETS[name] === bytes[0]);
    if (bucket === undefined) throw new Error('an unknown bucket');
    const value = who.store.getBytes(bucket, bytes.subarray(1).toString()) ?? new Uint8Array(0);
    return `${Buffer.from(value).toString('latin1')} ${bytesToHex(value)}`;
  });
  return values.join('\n');
}

async function sendingKey(from: ChatPerson): Promise<Uint8Array> {
  const [record] = await records(from, sendingChains, 's/');
  const state = decodeSendingChain(Buffer.from(record?.chains[0]?.state ?? '', 'hex'));
  if (!state.ok) throw new Error(state.code);
  return state.value.key;
}

async function receivingKey(to: ChatPerson): Promise<Uint8Array> {
  const [record] = await records(to, receivingChains, 'r/');
  const state = decodeReceivingChain(Buffer.from(record?.state ?? '', 'hex'));
  if (!state.ok) throw new Error(state.code);
  return state.value.key;
}

describe('a line of chat', () => {
  it('goes by letter until the other side watches the chain, then in class 0', async () => {
    await say(alice, bob, 'one');
    await world.rest(both());
    expect(world.envelopes.map(classOf)).toEqual([2, 2]);
    await world.settle(both());
    const before = world.envelopes.length;
    await say(alice, bob, 'two');
    await world.settle(both());
    expect(world.envelopes.slice(before).map(classOf)).toEqual([0]);
    expect(await textsOf(bob, alice.address)).toEqual(['one', 'two']);
    expect(await textsOf(alice, bob.address)).toEqual(['one', 'two']);
    expect(bob.chat.log.get(alice.address)).toMatchObject({ unread: 2, lastText: 'two' });
    await bob.chat.markRead(alice.address);
    expect(bob.chat.log.get(alice.address)?.unread).toBe(0);
  });

  it('is shown once however often and by whichever way it comes', async () => {
    await chained();
    await say(alice, bob, 'again');
    await world.settle(both());
    for (let round = 0; round < 2; round += 1) {
      bob.read = 0;
      await world.settle(both());
    }
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'again']);
  });

  it('is deleted here only, and does not come back', async () => {
    await say(alice, bob, 'Rosebud');
    await world.settle(both());
    expect(opened(bob)).toContain('Rosebud');
    expect(await bob.chat.delete(alice.address, 1)).toBe(true);
    expect(await bob.chat.delete(alice.address, 1)).toBe(false);
    bob.read = 0;
    await world.settle(both());
    expect(await textsOf(bob, alice.address)).toEqual([]);
    expect(await textsOf(alice, bob.address)).toEqual(['Rosebud']);
    expect(opened(bob)).not.toContain('Rosebud');
  });

  it('chat-closed: to somebody who has not accepted us', async () => {
    const carol = await world.open(3);
    await alice.who.contacts.add(carol.address, { name: 'Carol', nowMs: world.nowMs });
    expect(alice.chat.canSend(withPerson(carol))).toBe(false);
    await expect(say(alice, carol, 'hello')).rejects.toMatchObject({ code: 'chat-closed' });
  });

  it('of somebody who is no contact any more is a mail in Requests', async () => {
    await bob.who.contacts.remove(alice.address);
    await say(alice, bob, 'are you there?');
    await world.settle(both());
    expect(bob.chat.log.list()).toEqual([]);
    expect(await records(bob, receivingChains, 'r/')).toEqual([]);
    const [mail] = bob.who.messages.list('Requests', 9);
    expect(mail?.entry).toMatchObject({ subject: 'Chat message', sender: alice.address });
    const raw = Buffer.from(bob.who.messages.raw(mail?.id ?? '') ?? []).toString();
    expect(Buffer.from(raw.split('\r\n\r\n')[1] ?? '', 'base64').toString()).toBe('are you there?');
  });
});

describe('keys', () => {
  it('are gone from both stores once used, and the seed once its letter is out', async () => {
    await say(alice, bob, 'first');
    const seed = /c10101([0-9a-f]{64})/.exec(opened(alice))?.[1] ?? '';
    expect(seed).toHaveLength(64);
    await world.settle(both());
    expect(opened(alice)).not.toContain(seed);
    expect(opened(bob)).not.toContain(seed);
    for (const text of ['second', 'third']) {
      const [sent, received] = [await sendingKey(alice), await receivingKey(bob)];
      expect(sent).toEqual(received);
      const { messageKey, nextKey } = stepChain(received);
      expect(opened(bob)).toContain(bytesToHex(received));
      await say(alice, bob, text);
      await world.settle(both());
      for (const one of both()) {
        expect(opened(one)).not.toContain(bytesToHex(received));
        expect(opened(one)).not.toContain(bytesToHex(messageKey));
        expect(opened(one)).toContain(bytesToHex(nextKey));
      }
    }
  });

  it('are never used twice, after a power cut at any write', async () => {
    await chained();
    await world.close();
    const [aliceDisk, bobDisk] = [new Map(alice.disk), new Map(bob.disk)];
    let isThrough = false;
    for (let atWrite = 0; !isThrough; atWrite += 1) {
      for (const isApplied of [false, true]) {
        world.envelopes.length = 0;
        const cut = { atWrite, isApplied };
        const disk = new Map(aliceDisk);
        alice = await world.open(1, disk, cut);
        bob = await world.open(2, new Map(bobDisk));
        const wasTaken = await say(alice, bob, 'cut').then(
          () => true,
          () => false,
        );
        await world.rest(both());
        isThrough = !alice.isOff();
        await alice.outbox.stop();
        alice = await world.open(1, disk);
        await world.rest(both());
        await say(alice, bob, 'after');
        await world.settle(both());
        const texts = await textsOf(bob, alice.address);
        // What was confirmed to the user is there, once; what was not may be.
        const told = ['first', ...(wasTaken ? ['cut'] : []), 'after'];
        expect(texts.filter((one) => one !== 'cut' || wasTaken)).toEqual(told);
        expect(texts.filter((one) => one === 'cut').length).toBeLessThanOrEqual(1);
        const tags = world.envelopes.map((bytes) => bytesToHex(bytes.subarray(2, 18)));
        expect(new Set(tags).size).toBe(tags.length);
        await world.close();
      }
    }
  }, 120_000);

  it('and messages survive a power cut of the reader at any write, each shown once', async () => {
    await chained();
    await say(alice, bob, 'second');
    await world.rest(both());
    await world.close();
    const bobDisk = new Map(bob.disk);
    let isThrough = false;
    for (let atWrite = 0; !isThrough; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const disk = new Map(bobDisk);
        bob = await world.open(2, disk, { atWrite, isApplied });
        await world.give(bob).catch(() => true);
        isThrough = !bob.isOff();
        bob = await world.open(2, disk);
        await world.give(bob);
        expect(await textsOf(bob, alice.address)).toEqual(['first', 'second']);
        await world.close();
      }
    }
  });
});

describe('a fresh seed', () => {
  it('follows 100 messages, and the chain before goes on until somebody watches it', async () => {
    await chained();
    for (let at = 0; at < 100; at += 1) await say(alice, bob, `${at}`);
    await world.rest(both());
    const seeds = world.envelopes.filter((bytes) => classOf(bytes) === 2).length;
    await say(alice, bob, 'next');
    await world.rest(both());
    // One more letter: the seed. The line itself is on the old chain.
    expect(world.envelopes.filter((bytes) => classOf(bytes) === 2)).toHaveLength(seeds + 1);
    expect(world.envelopes.filter(isChains)).toHaveLength(101);
    await world.settle(both());
    await say(alice, bob, 'on the new one');
    await world.settle(both());
    const [record] = await records(alice, sendingChains, 's/');
    const next = record?.chains.map(({ state }) => {
      const decoded = decodeSendingChain(Buffer.from(state, 'hex'));
      return decoded.ok ? decoded.value.next : undefined;
    });
    expect(next).toEqual([1, 101]);
    expect((await textsOf(bob, alice.address)).length).toBe(103);
  });

  it('follows an answer after a day of silence, and a new epoch', async () => {
    await chained();
    world.nowMs += 10_000;
    await say(bob, alice, 'yes?');
    await world.settle(both());
    const chains = async () => (await records(bob, receivingChains, 'r/')).length;
    expect(await chains()).toBe(1);
    world.nowMs += DAY_MS;
    await say(alice, bob, 'a day later');
    await world.settle(both());
    expect(await chains()).toBe(2);
    world.nowMs += 8 * DAY_MS;
    await say(alice, bob, 'a week later');
    await world.settle(both());
    expect(await chains()).toBe(3);
    expect(await textsOf(bob, alice.address)).toEqual(
      ['first', 'a day later', 'a week later'].toSpliced(1, 0, 'yes?'),
    );
  });
});

describe('repair', () => {
  const tickBoth = async () => {
    for (const one of both()) await one.chat.tick();
    await world.settle(both());
  };

  it('of numbers that never came: they are asked for, sent again, and shown once', async () => {
    await chained();
    await say(alice, bob, 'lost one');
    await say(alice, bob, 'heard');
    let isLost = true;
    await world.settle(both(), (to, bytes) => {
      if (to !== bob || !isChains(bytes) || !isLost) return false;
      isLost = false;
      return true;
    });
    expect(await textsOf(bob, alice.address)).toEqual(['first', 'heard']);
    world.nowMs += 10_000;
    await say(bob, alice, 'an answer');
    await world.settle(both());
    world.nowMs += DAY_MS;
    await say(alice, bob, 'on a fresh chain');
    await world.settle(both());
    await tickBoth();
    expect(await textsOf(bob, alice.address)).not.toContain('lost one');
    world.nowMs += 2 * HOUR_MS;
    await tickBoth();
    const texts = await textsOf(bob, alice.address);
    expect(texts.filter((one) => one === 'lost one')).toHaveLength(1);
    expect(await noticesOf(bob, alice.address)).toEqual([]);
    world.nowMs += 5 * DAY_MS;
    await tickBoth();
    expect(await noticesOf(bob, alice.address)).toEqual([]);
  });

  it('of a seed that a restored reader lacks: a new chain, and everything again', async () => {
    const old = new Map(bob.disk);
    await chained();
    await bob.outbox.stop();
    // Bob's providers go on to store what bears his tags; the envelopes come to him and wait.
    bob = await world.open(2, old);
    bob.read = world.envelopes.length;
    await say(alice, bob, 'into the dark');
    await world.rest(both());
    await bob.who.intake.take(world.envelopes.at(-1) ?? new Uint8Array(0));
    expect(await records(bob, waitingEnvelopes, 'w/')).toHaveLength(1);
    await say(bob, alice, 'I am back');
    await world.settle(both());
    world.nowMs += 2 * HOUR_MS;
    await tickBoth();
    expect(await textsOf(bob, alice.address)).toEqual(['I am back', 'into the dark']);
    expect(await records(bob, waitingEnvelopes, 'w/')).toEqual([]);
    const before = world.envelopes.length;
    await say(alice, bob, 'on the new chain');
    await world.settle(both());
    expect(world.envelopes.slice(before).map(classOf)).toEqual([0]);
    expect((await textsOf(bob, alice.address)).at(-1)).toBe('on the new chain');
  });

  it('that nobody answers for is told as lost after three requests, not before', async () => {
    await chained();
    await say(alice, bob, 'gone');
    await world.settle(both(), (to, bytes) => to === bob && isChains(bytes));
    world.nowMs += 10_000;
    await say(bob, alice, 'hm');
    await world.settle(both());
    world.nowMs += DAY_MS;
    await say(alice, bob, 'still there?');
    await world.settle(both());
    // From now on nothing of Bob's reaches her.
    for (let day = 0; day < 4; day += 1) {
      expect(await noticesOf(bob, alice.address)).toEqual([]);
      world.nowMs += DAY_MS;
      await bob.chat.tick();
      await world.rest(both());
    }
    expect(await noticesOf(bob, alice.address)).toEqual([{ lost: 1 }]);
    world.nowMs += 10 * DAY_MS;
    await bob.chat.tick();
    expect(await noticesOf(bob, alice.address)).toHaveLength(1);
  });

  it('is given at most three times for one chain, and never to somebody else', async () => {
    const carol = await world.open(3);
    await world.befriend(alice, carol);
    await chained();
    await say(alice, bob, 'for Bob');
    await world.settle(both());
    const [record] = await records(bob, receivingChains, 'r/');
    const chainId = (record?.chainId ?? '') as never;
    const ask = encodeChainNote({ type: 'chain-request', chainId, numbers: [] });
    const count = async () => (await alice.outbox.list(999, undefined, true)).length;
    const asked = async (from: ChatPerson) => {
      const before = await count();
      await alice.who.intake.take((await sealNote(from.who, alice.who, ask)).bytes);
      return (await count()) - before;
    };
    expect(await asked(carol)).toBe(0);
    for (let at = 0; at < 3; at += 1) {
      expect(await asked(bob)).toBeGreaterThan(0);
      await world.rest(both());
    }
    expect(await asked(bob)).toBe(0);
  });
});

describe('a seed', () => {
  it('is answered once the providers watch the chain, after a pass over them', async () => {
    world.isWatching = false;
    await say(alice, bob, 'by letter');
    await world.settle(both());
    const watched = async () => {
      const all = await bob.outbox.list(99, undefined, true);
      return all.filter((one) => one.dedupe?.startsWith('watched:')).length;
    };
    await bob.chat.answer();
    expect(await watched()).toBe(0);
    world.isWatching = true;
    for (let pass = 0; pass < 2; pass += 1) await bob.chat.answer();
    expect(await watched()).toBe(1);
  });

  it('for somebody else, or of a chain that is over, opens nothing', async () => {
    const seed = new Uint8Array(32).fill(3);
    const openedAt = Math.floor(world.nowMs / 1_000);
    const audience = personAudience(bob.address);
    const bad = [
      { seed, audience: personAudience(alice.address), openedAt },
      { seed, audience, openedAt: openedAt - 45 * 86_400 },
      { seed, audience, openedAt: openedAt + 2 * 86_400 },
    ];
    for (const note of bad) {
      const body = encodeChainNote({ type: 'seed', ...note });
      await bob.who.intake.take((await sealNote(alice.who, bob.who, body)).bytes);
    }
    expect(await records(bob, receivingChains, 'r/')).toEqual([]);
    const good = encodeChainNote({ type: 'seed', seed, audience, openedAt });
    await bob.who.intake.take((await sealNote(alice.who, bob.who, good)).bytes);
    await bob.who.intake.take((await sealNote(alice.who, bob.who, good)).bytes);
    expect(await records(bob, receivingChains, 'r/')).toHaveLength(1);
  });
});
