/**
 * Floods and copies against the real arrivals code: what strangers, and people who watch the wire,
 * can make a provider keep and an owner pay. The store is the one of production, on a disk.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { openKvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import type { KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { stampBase, stampDigest, withStamp } from '@tanglemail/mail/core/envelope/stamp.ts';
import { DAY_SECONDS, dayOf } from '@tanglemail/mail/core/envelope/stranger.ts';
import { newMailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import { LedgerClock } from '../ledger-clock.ts';
import { GroupStore } from '../store/group-store.ts';
import { readMailbox, writeMailbox } from '../store/rows.ts';
import type { Terms } from '../terms.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { POLICY, tagOf, testConfig, testProvider } from '../testing/world.ts';
import { Arrivals } from './arrivals.ts';
import { MailboxDesk } from './mailbox-desk.ts';
import { Sweeper } from './sweeper.ts';

const OWNER = mailboxIdOf(keyPair(30).publicKey);
const NOW = 1_795_322_400;
const WHOLE = { bits: 0, prefix: new Uint8Array(0) };
const hasher = await bestHasher();

let folder: string;
let kv: KvStore;
let store: GroupStore;
let terms: Terms;
let arrivals: Arrivals;
let desk: MailboxDesk;
let index: number;

/** Works off a milestone `seconds` after NOW. */
function arrive(envelopes: readonly Uint8Array[], seconds = 0) {
  index += 1;
  const milestoneId = '00'.repeat(32) as never;
  const timestampMs = (NOW + seconds) * 1_000;
  return arrivals.take({ index, milestoneId, timestampMs }, envelopes);
}

function letter(tag: Uint8Array, filler = 0, size = 2_044): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x5a);
  bytes.set([1, 2]);
  bytes.set(tag, 2);
  new DataView(bytes.buffer).setUint32(20, filler);
  return bytes;
}

/** The same letter with the least nonce of at least `bits` bits on the day of NOW. */
function stamped(bytes: Uint8Array, bits: number, day = dayOf(NOW)): Uint8Array {
  const digest = stampDigest(stampBase(bytes), terms.networkId, day);
  const nonce = searchNonce(digest, bits, 0n, 2 ** 20, nobleHasher);
  if (nonce === undefined) throw new Error('no stamp');
  return withStamp(bytes, nonce);
}

const rootOf = (bytes: Uint8Array): string => bytesToHex(segmentRoot(bytes));
const balance = (): bigint => readMailbox(store, OWNER)?.balance ?? 0n;

function setBalance(amount: bigint): Promise<void> {
  const mailbox =
    readMailbox(store, OWNER) ?? newMailbox(OWNER, keyPair(30).publicKey, POLICY, NOW);
  return store.transact((transaction) =>
    writeMailbox(transaction, { ...mailbox, balance: amount }),
  );
}

async function diskBytes(): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const files = await Promise.all(names.map((name) => stat(join(folder, name))));
  return files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}

/** Every key and value of the store, in bytes; without the cursor, which every milestone moves. */
async function storedBytes(): Promise<number> {
  let sum = 0;
  for await (const [key, value] of kv.iterate({
    gte: Uint8Array.of(1),
    lt: Uint8Array.of(0xff),
  })) {
    sum += key.length + value.length;
  }
  return sum;
}

async function watch(tags: readonly Uint8Array[], stampBits?: number): Promise<void> {
  const addBuckets = stampBits === undefined ? [] : [{ ...WHOLE, stampBits }];
  const addTags = tags.map((tag) => bytesToHex(tag));
  await desk.patchFilters(OWNER, { addTags, removeTags: [], addBuckets, removeBuckets: [] });
}

function begin(offer: object = {}): void {
  const { terms: all } = testProvider(new FakeNode(), new MemoryKv(), testConfig({ offer }));
  terms = all;
  arrivals = new Arrivals(store, terms, { hasher });
  desk = new MailboxDesk(store, terms, new LedgerClock({ nowMs: () => NOW * 1_000 }, terms.times));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arrivals-'));
  kv = await openKvStore(folder, { kind: 'provider', networkId: 1n, schema: 1 });
  store = new GroupStore(kv, (error) => {
    throw error;
  });
  index = 0;
  begin();
  await setBalance(10_000n);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

describe('a flood of envelopes without stamps', () => {
  it('adds no stored byte: 100,000 of them', async () => {
    await watch([tagOf(9)], 24);
    await arrive([]);
    const [before, diskBefore] = [await storedBytes(), await diskBytes()];
    const counts = { unstamped: 0, held: 0 };
    const startedMs = process.cpuUsage().user / 1_000;
    for (let round = 0; round < 100; round += 1) {
      const flood = Array.from({ length: 1_000 }, (_, n) => {
        const number = round * 1_000 + n;
        return letter(tagOf(number >>> 16, number >>> 8, number, 7), number, 1_020);
      });
      const { unstamped, held } = await arrive(flood, round);
      counts.unstamped += unstamped;
      counts.held += held;
    }
    const cpuMs = process.cpuUsage().user / 1_000 - startedMs;
    // One in 2^24 / 3 has 24 bits by chance: none of these, which are always the same.
    expect(counts).toEqual({ unstamped: 100_000, held: 0 });
    expect(await storedBytes()).toBe(before);
    // The cursor of 100 milestones, in the store's journal.
    expect((await diskBytes()) - diskBefore).toBeLessThan(100 * 512);
    expect(balance()).toBe(10_000n);
    // Bounded work: well under a millisecond each.
    expect(cpuMs / 100_000).toBeLessThan(1);
  }, 180_000);

  it('holds what carries the least work that a watcher asks, once for all', async () => {
    await watch([], 6);
    const good = stamped(letter(tagOf(1)), 6);
    const bare = letter(tagOf(2, 3), 77);
    expect(await arrive([good, bare, good])).toMatchObject({ held: 1, unstamped: 1, known: 1 });
    const { items } = await desk.held(OWNER, undefined, 10);
    expect(items.map(({ root }) => root)).toEqual([rootOf(good)]);
    expect(items[0]?.stampBase).toEqual(stampBase(good));
    expect(items[0]?.head).toEqual(good.slice(0, 64));
  });

  it('shows an owner only what carries the work that he asks', async () => {
    const other = mailboxIdOf(keyPair(31).publicKey);
    const second = newMailbox(other, keyPair(31).publicKey, POLICY, NOW);
    await store.transact((transaction) =>
      writeMailbox(transaction, { ...second, balance: 1_000n }),
    );
    await watch([], 8);
    const lenient = { ...WHOLE, stampBits: 2 };
    const patch = { addTags: [], removeTags: [], addBuckets: [lenient], removeBuckets: [] };
    await desk.patchFilters(other, patch);
    const [cheap, dear] = [stamped(letter(tagOf(1)), 2), stamped(letter(tagOf(2)), 9)];
    expect(await arrive([cheap, dear])).toMatchObject({ held: 2 });
    const rootsOf = async (id: string): Promise<string[]> =>
      (await desk.held(id, undefined, 10)).items.map(({ root }) => root);
    expect(await rootsOf(OWNER)).toEqual([rootOf(dear)]);
    expect(await rootsOf(other)).toEqual([rootOf(cheap), rootOf(dear)]);
    // When the lenient one goes, the others decide.
    const away = { addTags: [], removeTags: [], addBuckets: [], removeBuckets: [WHOLE] };
    await desk.patchFilters(other, away);
    expect(await arrive([stamped(letter(tagOf(5)), 2)], 1)).toMatchObject({ unstamped: 1 });
  });

  it('pages through others’ cheap mail to what is further on', async () => {
    await watch([], 0);
    begin({ unsolicitedPerDay: 65_535 });
    const many = Array.from({ length: 5_000 }, (_, n) => letter(tagOf(1, n >>> 8, n), n, 508));
    await arrive(many);
    const wanted = stamped(letter(tagOf(2), 1, 508), 16);
    await arrive([wanted], 1);
    await watch([], 16);
    const found: string[] = [];
    let cursor: string | undefined;
    let requests = 0;
    do {
      const page = await desk.held(OWNER, cursor, 200);
      found.push(...page.items.map(({ root }) => root));
      ({ cursor } = page);
      requests += 1;
    } while (cursor !== undefined);
    expect(found).toEqual([rootOf(wanted)]);
    expect(requests).toBeLessThan(5);
  });

  it('a stamp of the day before counts, one of the week before does not', async () => {
    await watch([], 12);
    const yesterday = stamped(letter(tagOf(1)), 12, dayOf(NOW) - 1);
    const old = stamped(letter(tagOf(2)), 12, dayOf(NOW) - 7);
    expect(await arrive([yesterday, old])).toMatchObject({ held: 1, unstamped: 1 });
  });
});

describe('a bucket whose day is full', () => {
  it('keeps those with the most work, and the bytes of no other', async () => {
    begin({ unsolicitedPerDay: 3 });
    await watch([], 0);
    const cheap = Array.from({ length: 10 }, (_, n) => stamped(letter(tagOf(n), n), 1));
    expect(await arrive(cheap)).toMatchObject({ held: 3 });
    expect((await desk.held(OWNER, undefined, 10)).items).toHaveLength(3);
    const full = await storedBytes();
    const dear = [9, 10, 11].map((bits) => stamped(letter(tagOf(0x80, bits), bits), bits + 4));
    expect(await arrive(dear, 1)).toMatchObject({ displaced: 3 });
    const { items } = await desk.held(OWNER, undefined, 10);
    expect(items.map(({ root }) => root).toSorted()).toEqual(dear.map(rootOf).toSorted());
    expect(Math.abs((await storedBytes()) - full)).toBeLessThan(200);
    expect(await arrive(cheap, 2)).toMatchObject({ dropped: 10 });
    // Another day, other places; what is held stays its 72 hours.
    expect(await arrive([cheap[0] as Uint8Array], DAY_SECONDS)).toMatchObject({ held: 1 });
    expect((await desk.held(OWNER, undefined, 10)).items).toHaveLength(4);
  });

  it('leaves nothing behind when its mail is 72 hours old', async () => {
    begin({ unsolicitedPerDay: 2 });
    await watch([], 0);
    await arrive([letter(tagOf(0xff), 1)]);
    await new Sweeper(store, terms).step(NOW + 4 * DAY_SECONDS);
    const before = await storedBytes();
    const day = Array.from({ length: 6 }, (_, n) => stamped(letter(tagOf(n), n), n));
    await arrive(day, 5 * DAY_SECONDS);
    const sweeper = new Sweeper(store, terms);
    while ((await sweeper.step(NOW + 9 * DAY_SECONDS)) > 0);
    // What remains is the count of the day.
    expect((await storedBytes()) - before).toBeLessThan(100);
    expect((await desk.held(OWNER, undefined, 10)).items).toEqual([]);
  });
});

describe('an exact tag', () => {
  const TAG = tagOf(4, 4);
  const real = letter(TAG, 1);
  const copies = Array.from({ length: 40 }, (_, n) => letter(TAG, n + 100));
  const states = async (): Promise<string[]> =>
    (await desk.log(OWNER, 0, 100)).entries.map(({ state }) => state);

  beforeEach(() => watch([TAG]));

  it('lets whoever saw it drain nothing: one envelope is charged, three are free', async () => {
    expect(await arrive([real, ...copies])).toMatchObject({ stored: 1, held: 3, copy: 37 });
    const paid = 10_000n - balance();
    expect(paid).toBeGreaterThan(0n);
    expect(await states()).toEqual(['stored', 'held', 'held', 'held']);
    const after = await storedBytes();
    expect(await arrive(copies, 60)).toMatchObject({ stored: 0, held: 0, known: 3, copy: 37 });
    expect(await storedBytes()).toBe(after);
  });

  it('keeps the right envelope behind up to three copies, and tells its tag', async () => {
    expect(await arrive([...copies.slice(0, 3), real])).toMatchObject({ stored: 1, held: 3 });
    const { entries } = await desk.log(OWNER, 0, 10);
    const last = entries.at(-1);
    expect(last?.root).toEqual(segmentRoot(real));
    expect(last).toMatchObject({ state: 'held', cost: 0, tag: bytesToHex(TAG) });
    expect(entries[0]).not.toHaveProperty('tag');
  });

  it('costs nothing when the same envelope comes again, also when it was released', async () => {
    await arrive([real]);
    const once = balance();
    expect(await arrive([real], 60)).toMatchObject({ known: 1 });
    expect(balance()).toBe(once);
  });

  it('is remembered for 21 days and then forgotten, with nothing left', async () => {
    const before = await storedBytes();
    await arrive([real]);
    const sweeper = new Sweeper(store, terms);
    const sweep = async (seconds: number): Promise<void> => {
      while ((await sweeper.step(NOW + seconds)) > 0);
    };
    await sweep(21 * DAY_SECONDS - 1);
    expect(await arrive([copies[0] as Uint8Array], 21 * DAY_SECONDS - 1)).toMatchObject({
      held: 1,
    });
    await sweep(21 * DAY_SECONDS);
    expect(await arrive([copies[1] as Uint8Array], 21 * DAY_SECONDS)).toMatchObject({ stored: 1 });
    await sweep(60 * DAY_SECONDS);
    // Entries of the log and the mailbox's counts remain.
    expect((await storedBytes()) - before).toBeLessThan(1_000);
  });

  it('is not spent by what was dropped', async () => {
    await setBalance(0n);
    begin({ unsolicitedPerDay: 0 });
    expect(await arrive([real])).toMatchObject({ dropped: 1 });
    await setBalance(100n);
    expect(await arrive([real], 1)).toMatchObject({ stored: 1 });
  });

  it('never costs more than the day allows, however many tags are hit', async () => {
    const tags = Array.from({ length: 60 }, (_, n) => tagOf(7, n));
    await watch(tags);
    await desk.setPolicy(OWNER, { ...POLICY, maxDebitPerDay: 50n });
    const mails = tags.map((tag) => letter(tag, 0, 16_380));
    const { stored, held } = await arrive(mails);
    expect(stored).toBeGreaterThan(0);
    expect([stored + held, 10_000n - balance() <= 50n]).toEqual([60, true]);
    expect(
      await arrive(
        mails.map((mail) => mail.with(50, 1)),
        1,
      ),
    ).toMatchObject({ stored: 0 });
    expect(10_000n - balance()).toBeLessThanOrEqual(50n);
  });
});
