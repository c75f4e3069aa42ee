/**
 * Goal 13: a storage provider that takes mail in and hands it out against payment, each step on the
 * disk before it counts: milestones of 500 envelopes of 4 KiB into a mailbox, then paid fetches of
 * them, 32 at a time, by the code of production over its store. The limit: the very batches that it
 * wrote, written again and synced one after another, without any work around them.
 */
import { join } from 'node:path';
import { Arrivals } from '../../apps/storage-provider/src/mailboxes/arrivals.ts';
import { MailboxDesk } from '../../apps/storage-provider/src/mailboxes/mailbox-desk.ts';
import { ObjectDesk } from '../../apps/storage-provider/src/mailboxes/object-desk.ts';
import { LedgerClock } from '../../apps/storage-provider/src/ledger-clock.ts';
import { GroupStore } from '../../apps/storage-provider/src/store/group-store.ts';
import type { ProviderKv } from '../../apps/storage-provider/src/store/kv.ts';
import { writeMailbox } from '../../apps/storage-provider/src/store/rows.ts';
import type { Terms } from '../../apps/storage-provider/src/terms.ts';
import { FakeNode } from '../../apps/storage-provider/src/testing/fake-node.ts';
import { MemoryKv } from '../../apps/storage-provider/src/testing/memory-kv.ts';
import { POLICY, testConfig, testProvider } from '../../apps/storage-provider/src/testing/world.ts';
import { newMailbox } from '../../libs/mail/src/core/market/mailbox.ts';
import { segmentRoot } from '../../libs/mail/src/core/market/segment-tree.ts';
import { mailboxIdOf } from '../../libs/mail/src/core/market/signed-requests.ts';
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { keyPair } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { type KvStore, openKvStore } from '../../libs/tangle/src/io/level/kv-store.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atLeast, type Bench, type BenchContext, type Goal, type Measurement } from './bench.ts';
import { median } from './measure.ts';

/** Envelope of a 4 KiB payload. */
const ENVELOPE_SIZE = 4_092;
const PER_MILESTONE = 500;
const IN_FLIGHT = 32;
const OWNER = mailboxIdOf(keyPair(30).publicKey);
const NOW = 1_795_322_400;
/** Enough that neither money nor the day's limit ends a run. */
const RICH = 10n ** 15n;
const FIVE_HUNDRED: Goal = { of: 'value', relation: '>=', bound: 500 };

type Write = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** The store, and every batch that is written to it. */
function recording(kv: KvStore, written: Write[][]): ProviderKv {
  return {
    getSync: (key) => kv.getSync(key),
    iterate: (range) => kv.iterate(range),
    close: () => kv.close(),
    batch: () => {
      const batch = kv.batch();
      const writes: Write[] = [];
      return {
        put: (key, value) => {
          writes.push([key, value]);
          batch.put(key, value);
        },
        del: (key) => {
          writes.push([key, undefined]);
          batch.del(key);
        },
        write: (options) => {
          written.push(writes);
          return batch.write(options);
        },
      };
    },
  };
}

async function writeAll(kv: KvStore, batches: readonly Write[][]): Promise<void> {
  for (const writes of batches) {
    const batch = kv.batch();
    for (const [key, value] of writes) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: true });
  }
}

/** What a milestone's worth of work took. */
interface Taken {
  readonly seconds: number;
  /** CPU of the main thread. */
  readonly threadMicros: number;
}

async function taken(work: () => Promise<unknown>): Promise<Taken> {
  const cpu = process.threadCpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.threadCpuUsage(cpu);
  return { seconds: (performance.now() - startedAt) / 1_000, threadMicros: user + system };
}

class Desks {
  readonly written: Write[][] = [];
  readonly store: GroupStore;
  readonly #arrivals: Arrivals;
  readonly #mailboxes: MailboxDesk;
  readonly #objects: ObjectDesk;
  readonly #random: SeededRandom;
  #index = 0;
  #fetches = 0;

  private constructor(kv: KvStore, terms: Terms, seed: number, parts: PartsOfDesks) {
    const store = new GroupStore(recording(kv, this.written), (error) => {
      throw error;
    });
    const clock = new LedgerClock({ nowMs: () => NOW * 1_000 }, terms.times);
    this.store = store;
    this.#arrivals = new Arrivals(store, terms, parts);
    this.#mailboxes = new MailboxDesk(store, terms, clock);
    this.#objects = new ObjectDesk(store, terms, clock, parts.verifier);
    this.#random = new SeededRandom(seed);
  }

  static async open(kv: KvStore, seed: number): Promise<Desks> {
    const { terms } = testProvider(new FakeNode(), new MemoryKv(), testConfig());
    const parts = { hasher: await bestHasher(), verifier: await bestVerifier() };
    const desks = new Desks(kv, terms, seed, parts);
    const policy = { ...POLICY, maxDebitPerDay: RICH };
    const mailbox = newMailbox(OWNER, keyPair(30).publicKey, policy, NOW);
    await desks.store.transact((transaction) =>
      writeMailbox(transaction, { ...mailbox, balance: RICH }),
    );
    return desks;
  }

  /** Envelopes under tags that the mailbox watches from now on. */
  async envelopes(): Promise<Uint8Array[]> {
    const all = Array.from({ length: PER_MILESTONE }, () => {
      const bytes = this.#random.bytes(ENVELOPE_SIZE);
      bytes.set([1, 3]);
      return bytes;
    });
    const addTags = all.map((bytes) => bytesToHex(bytes.subarray(2, 18)));
    const none = { removeTags: [], addBuckets: [], removeBuckets: [] };
    await this.#mailboxes.patchFilters(OWNER, { addTags, ...none });
    return all;
  }

  async take(envelopes: readonly Uint8Array[]): Promise<void> {
    this.#index += 1;
    const point = { index: this.#index, milestoneId: '00'.repeat(32), timestampMs: NOW * 1_000 };
    const counts = await this.#arrivals.take(point, envelopes);
    if (counts.stored !== envelopes.length) throw new Error('not all was stored');
  }

  async fetchAll(roots: readonly string[]): Promise<void> {
    const left = [...roots];
    const worker = async (): Promise<void> => {
      for (let root = left.pop(); root !== undefined; root = left.pop()) {
        this.#fetches += 1;
        const once = { scope: OWNER, key: `bench ${this.#fetches}`, request: root };
        const { bytes } = await this.#objects.fetch(OWNER, root, undefined, once);
        if (bytes.length !== ENVELOPE_SIZE) throw new Error('not the whole object');
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  }
}

type PartsOfDesks = {
  readonly hasher: Awaited<ReturnType<typeof bestHasher>>;
  readonly verifier: Awaited<ReturnType<typeof bestVerifier>>;
};

interface Rounds {
  readonly rate: number[];
  readonly bare: number[];
  readonly ratio: number[];
  /** CPU of the main thread for one, microseconds. */
  readonly thread: number[];
  readonly bareThread: number[];
}

const noRounds = (): Rounds => ({ rate: [], bare: [], ratio: [], thread: [], bareThread: [] });

function note(rounds: Rounds, own: Taken, limit: Taken): void {
  rounds.rate.push(PER_MILESTONE / own.seconds);
  rounds.bare.push(PER_MILESTONE / limit.seconds);
  rounds.ratio.push(limit.seconds / own.seconds);
  rounds.thread.push(own.threadMicros / PER_MILESTONE);
  rounds.bareThread.push(limit.threadMicros / PER_MILESTONE);
}

function rowsOf(name: string, rounds: Rounds): Measurement[] {
  const { rate, bare, ratio, thread, bareThread } = rounds;
  const unit = 'per s';
  const [value, limit] = [median(rate), median(bare)];
  return [
    { name, value, unit, limit, ratio: median(ratio), goal: atLeast(0.5) },
    { name: `${name}, in all`, value, unit, limit: null, ratio: null, goal: FIVE_HUNDRED },
    {
      name: `${name}, main thread`,
      value: median(thread),
      unit: 'us',
      limit: median(bareThread),
      ratio: median(thread) / median(bareThread),
      goal: null,
    },
  ];
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const { seed, quick, rounds } = context;
  const home = await context.folder();
  const owner = { kind: 'provider', networkId: 1n, schema: 1 };
  const kv = await openKvStore(join(home, 'provider'), owner);
  const bareKv = await openKvStore(join(home, 'bare'), owner);
  const stores = noRounds();
  const fetches = noRounds();
  try {
    const desks = await Desks.open(kv, seed);
    for (let round = -1; round < (quick ? 1 : rounds * 3); round += 1) {
      const envelopes = await desks.envelopes();
      const roots = envelopes.map((bytes) => bytesToHex(segmentRoot(bytes)));
      const measured = async (work: () => Promise<void>): Promise<[Taken, Taken]> => {
        desks.written.length = 0;
        const own = await taken(work);
        return [own, await taken(() => writeAll(bareKv, [...desks.written]))];
      };
      const stored = await measured(() => desks.take(envelopes));
      const fetched = await measured(() => desks.fetchAll(roots));
      // The first round warms up.
      if (round < 0) continue;
      note(stores, ...stored);
      note(fetches, ...fetched);
    }
    await desks.store.close();
  } finally {
    await bareKv.close();
  }
  return [...rowsOf('stores', stores), ...rowsOf('paid fetches', fetches)];
}

export const provider: Bench = { name: 'provider', goal: 13, run };
