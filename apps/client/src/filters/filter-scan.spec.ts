// Mail by filters over a real chain: what is found, what nodes learn, and what lies bring.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { ClientError } from '../client-error.ts';
import { ChainSource } from '../testing/chain-source.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { person, type Person } from '../testing/people.ts';
import { SmallTangle } from '../testing/small-tangle.ts';
import { FilterScan, type FilterScanOptions } from './filter-scan.ts';

const SIGNAL = new AbortController().signal;
const EXACT: FilterScanOptions = { strangers: false, decoys: 0 };

let tangle: SmallTangle;
let alice: Person;
let bob: Person;
let disk: Disk;
let one: ChainSource;
let two: ChainSource;

beforeEach(async () => {
  tangle = await SmallTangle.start();
  alice = await person(1, sealedMemoryStore(), tangle.access);
  disk = new Map();
  bob = await bobOn(disk);
  one = new ChainSource(tangle.node, 'one');
  two = new ChainSource(tangle.node, 'two');
});
afterEach(async () => {
  await tangle.stop();
});

const bobOn = (on: Disk): Promise<Person> =>
  person(2, sealedMemoryStore(memoryStore(on).store), tangle.access);

/** Bob knows Alice and she knows that he does, so that her mail has tags that only both know. */
async function befriend(): Promise<void> {
  const nowMs = tangle.access.clock.nowMs();
  await bob.contacts.add(alice.account.address, { name: 'Alice', nowMs });
  await bob.contacts.learnKeys(alice.account.address, descriptorOf(alice), nowMs);
  await alice.intake.take((await sealMail(bob, alice)).bytes);
}

function scanOf(who: Person, nodes: readonly ChainSource[] = [one], options = EXACT): FilterScan {
  const { store, intake, tags, account } = who;
  return new FilterScan(options, {
    nodes,
    genesisId: tangle.node.start0.id,
    tangle: tangle.access,
    store,
    intake,
    tags,
    introKeys: () => [account.intro.publicKey],
    logger: SILENT_LOGGER,
  });
}

/** Puts envelopes into one milestone; gives its index. */
async function confirm(...envelopes: Uint8Array[]): Promise<number> {
  for (const bytes of envelopes) await tangle.access.issuer.issue({ kind: 'envelope', bytes });
  tangle.node.confirm();
  return tangle.node.chain.length - 1;
}

const mail = async (text = 'hello'): Promise<Uint8Array> => {
  const raw = new Uint8Array(Buffer.from(`Subject: ${text}\r\n\r\nHi.\r\n`));
  return (await sealMail(alice, bob, { raw })).bytes;
};
/** Mail of other people, in a milestone of its own. */
async function others(count = 1): Promise<number> {
  const bytes = new Uint8Array(508);
  return await confirm(
    ...Array.from({ length: count }, () => {
      const envelope = bytes.slice();
      envelope.set(crypto.getRandomValues(new Uint8Array(16)), 2);
      return envelope;
    }),
  );
}

const subjects = ({ messages }: Person, folder: 'INBOX' | 'Requests' = 'INBOX'): string[] =>
  messages.list(folder, 999).map(({ entry }) => entry.subject);

describe('a search by filters', () => {
  it('fetches the milestones with own mail, and no others', async () => {
    await befriend();
    const scan = scanOf(bob);
    await scan.sync(SIGNAL);
    await others(3);
    const first = await confirm(await mail('a'));
    await others();
    const second = await confirm(await mail('b'), await mail('c'));
    expect(await scan.sync(SIGNAL)).toBe(3);
    expect(one.fetched).toEqual([first, second]);
    expect(subjects(bob).toSorted()).toEqual(['a', 'b', 'c']);
    expect(scan.position).toMatchObject({ next: second + 1, hits: 2, falseHits: 0, mails: 3 });
    expect(await scan.sync(SIGNAL)).toBe(0);
    expect(scan.caughtUpAt).toBeGreaterThan(0);
  });

  it('finds strangers’ mail when asked to, and leaves it alone when not', async () => {
    await scanOf(bob).sync(SIGNAL);
    await confirm(await mail('from a stranger'));
    expect(await scanOf(bob).sync(SIGNAL)).toBe(0);
    await scanOf(bob).rescan(1);
    expect(await scanOf(bob, [one], { strangers: true, decoys: 0 }).sync(SIGNAL)).toBe(1);
    expect(subjects(bob, 'Requests')).toEqual(['from a stranger']);
  });

  it('goes on after a restart where it stopped', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    await confirm(await mail('a'));
    await scanOf(bob).sync(SIGNAL);
    const index = await confirm(await mail('b'));
    const again = await bobOn(disk);
    expect(await scanOf(again).sync(SIGNAL)).toBe(1);
    expect(one.fetched.at(-1)).toBe(index);
    expect(subjects(again).toSorted()).toEqual(['a', 'b']);
  });

  it('loses and doubles nothing, whenever the power goes', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    for (const name of ['a', 'b', 'c']) await confirm(await mail(name));
    const before = new Map(disk);
    const whole = memoryStore(new Map(before));
    const lucky = await person(2, sealedMemoryStore(whole.store), tangle.access);
    expect(await scanOf(lucky).sync(SIGNAL)).toBe(3);
    for (let atWrite = 0; atWrite < whole.writes(); atWrite++) {
      for (const isApplied of [false, true]) {
        const torn = new Map(before);
        const power = memoryStore(torn, { atWrite, isApplied });
        const cutBob = await person(2, sealedMemoryStore(power.store), tangle.access);
        await expect(scanOf(cutBob).sync(SIGNAL)).rejects.toThrow('the power went');
        const healed = await bobOn(torn);
        await scanOf(healed).sync(SIGNAL);
        expect(subjects(healed).toSorted()).toEqual(['a', 'b', 'c']);
      }
    }
  });

  it('finds more mails of one contact than its window has tags', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    const envelopes: Uint8Array[] = [];
    for (let at = 0; at < 150; at++) envelopes.push(await mail(`${at}`));
    await confirm(...envelopes);
    expect(await scanOf(bob).sync(SIGNAL)).toBe(150);
  }, 120_000);

  it('fetches decoys with each hit, which are other milestones with mail', async () => {
    await befriend();
    const scan = scanOf(bob, [one], { strangers: false, decoys: 2 });
    await scan.sync(SIGNAL);
    for (let at = 0; at < 5; at++) await others();
    const index = await confirm(await mail());
    await scan.sync(SIGNAL);
    expect(one.fetched).toHaveLength(3);
    expect(one.fetched).toContain(index);
    expect(one.fetched).toEqual(one.fetched.toSorted((a, b) => a - b));
    expect(scan.position).toMatchObject({ hits: 1, decoys: 2 });
  });

  it('passes over what is pruned everywhere, and says so; not what another node has', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    await others();
    await scanOf(bob).sync(SIGNAL);
    await confirm(await mail('early'));
    await others(1);
    const late = await confirm(await mail('late'));
    one.prunedIndex = late - 1;
    expect(await scanOf(bob, [one, two]).sync(SIGNAL)).toBe(2);
    await scanOf(bob).rescan(1);
    const fresh = scanOf(bob, [one]);
    expect(await fresh.sync(SIGNAL)).toBe(0);
    expect(fresh.position).toMatchObject({ next: late + 1, missed: 0 });
    const index = await others();
    await others();
    [one.prunedIndex, two.prunedIndex] = [index, index];
    const lost = scanOf(bob, [one, two]);
    await lost.sync(SIGNAL);
    expect(lost.position).toMatchObject({ missed: 1 });
  });

  it('asks the next node while one is out of reach, and fails when all are', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    await confirm(await mail());
    one.isDown = true;
    expect(await scanOf(bob, [one, two]).sync(SIGNAL)).toBe(1);
    two.isDown = true;
    await expect(scanOf(bob, [one, two]).sync(SIGNAL)).rejects.toThrow('out of reach');
  });
});

describe('a node that lies', () => {
  const tagOf = (envelope: Uint8Array): string => bytesToHex(envelope.subarray(2, 18));

  it('filter-false: is found out by another one, and what it hid is found', async () => {
    await befriend();
    await scanOf(bob, [one, two]).sync(SIGNAL);
    const hidden = await mail('hidden');
    one.hidden.add(tagOf(hidden));
    await others(2);
    const index = await confirm(hidden);
    await others(1);
    const scan = scanOf(bob, [one, two]);
    expect(await scan.sync(SIGNAL)).toBe(1);
    expect(scan.nodes.map(({ liar }) => liar?.reason)).toEqual(['filter-false', undefined]);
    expect(scan.nodes[0]?.liar?.milestoneIndex).toBe(index);
    const asked = one.asked;
    await confirm(await mail('later'));
    expect(await scan.sync(SIGNAL)).toBe(1);
    expect(one.asked).toBe(asked);
  });

  it('is not believed when it accuses an honest one, nor with tags too many', async () => {
    await befriend();
    await scanOf(bob, [one, two]).sync(SIGNAL);
    const hidden = await mail();
    two.hidden.add(tagOf(hidden));
    await confirm(hidden);
    const scan = scanOf(bob, [one, two]);
    expect(await scan.sync(SIGNAL)).toBe(1);
    expect(scan.nodes.map(({ liar }) => liar?.reason)).toEqual([undefined, 'filter-false']);
  });

  it('header-false: gives headers that are not those of its filters', async () => {
    await befriend();
    await scanOf(bob, [one, two]).sync(SIGNAL);
    two.falseHeadersFrom = await confirm(await mail());
    const scan = scanOf(bob, [one, two]);
    expect(await scan.sync(SIGNAL)).toBe(1);
    expect(scan.nodes.map(({ liar }) => liar?.reason)).toEqual([undefined, 'header-false']);
  });

  it('hides mail when it is the only one, until a milestone of it is looked at', async () => {
    await befriend();
    const scan = scanOf(bob);
    await scan.sync(SIGNAL);
    const [hidden, shown] = [await mail('hidden'), await mail('shown')];
    one.hidden.add(tagOf(hidden));
    await confirm(hidden);
    expect(await scan.sync(SIGNAL)).toBe(0);
    const second = await mail('second hidden');
    one.hidden.add(tagOf(second));
    await confirm(second, shown);
    await scan.sync(SIGNAL).catch(() => 0);
    expect(scan.nodes[0]?.liar?.reason).toBe('filter-false');
    await expect(scan.sync(SIGNAL)).rejects.toThrow(ClientError);
  });

  it('cannot leave out blocks of a milestone: another node shows them', async () => {
    await befriend();
    await scanOf(bob, [one, two]).sync(SIGNAL);
    const index = await confirm(await mail(), await mail());
    two.cut.add(index);
    expect(await scanOf(bob, [one, two]).sync(SIGNAL)).toBe(2);
    await scanOf(bob).rescan(index);
    one.cut.add(index);
    const strangers = { strangers: true, decoys: 0 };
    await expect(scanOf(bob, [one], strangers).sync(SIGNAL)).rejects.toThrow('proof refused');
  });

  it('never keeps mail from a client with one honest node, wherever it lies', async () => {
    await befriend();
    await scanOf(bob).sync(SIGNAL);
    const begin = new Map(disk);
    const tags: string[] = [];
    for (let at = 0; at < 8; at++) {
      const envelope = await mail(`${at}`);
      tags.push(tagOf(envelope));
      await confirm(envelope);
      if (at % 3 === 0) await others();
    }
    const latest = tangle.node.chain.length - 1;
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(tags),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: latest }), { maxLength: 3 }),
        async (hides, isFirst, stops) => {
          const liar = new ChainSource(tangle.node, 'liar');
          const honest = new ChainSource(tangle.node, 'honest');
          for (const tag of hides) liar.hidden.add(tag);
          const nodes = isFirst ? [liar, honest] : [honest, liar];
          const reader = await bobOn(new Map(begin));
          for (const stop of [...stops.toSorted((a, b) => a - b), Infinity]) {
            for (const node of nodes) node.newest = stop;
            await scanOf(reader, nodes).sync(SIGNAL);
          }
          const found = subjects(reader).toSorted();
          expect(found).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
          const { liar: held } = scanOf(reader, [liar]).nodes[0]!;
          expect(held !== undefined).toBe(hides.length > 0);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});
