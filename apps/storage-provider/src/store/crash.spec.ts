import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import type { Provider } from '../provider.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { envelope, POLICY, tagOf, testProvider } from '../testing/world.ts';
import { GroupStore, StoreStopped } from './group-store.ts';

const OWNER = keyPair(30);
const PAYER = keyPair(20);
const MAILBOX = mailboxIdOf(OWNER.publicKey);
const TAGS = Array.from({ length: 4 }, (_, index) => tagOf(9, 9, index));
/** More than any run has faults: a provider that never gets up again would be started for ever. */
const MAX_RESTARTS = 20;

/** One life of the provider after another on the same disk, each ending at a fault. */
class Lives {
  readonly node = new FakeNode();
  #kv = new MemoryKv();
  provider: Provider;

  constructor() {
    this.provider = testProvider(this.node, this.#kv);
  }

  /** The next fault, counted in writes from now. */
  arm(inWrites: number, isApplied: boolean): void {
    this.#kv.fault = { atWrite: this.#kv.writes + inWrites, isApplied };
  }

  /** Repeats `work` over restarts until it goes through, as a client or the feed would. */
  async until<T>(work: (provider: Provider) => Promise<T>): Promise<T> {
    for (let restarts = 0; ; restarts += 1) {
      try {
        return await work(this.provider);
      } catch (error) {
        if (!(error instanceof StoreStopped) || restarts >= MAX_RESTARTS) throw error;
        this.#kv = this.#kv.reopen();
        this.provider = testProvider(this.node, this.#kv);
      }
    }
  }
}

async function run(faults: readonly { inWrites: number; isApplied: boolean }[]) {
  const lives = new Lives();
  const { node } = lives;
  node.confirm();
  await lives.until((provider) => provider.feed.round());
  const channelId = node.openChannel({
    kind: 'channel',
    amount: 30_000n,
    payerPublicKey: PAYER.publicKey,
    payee: lives.provider.terms.payee,
    refundAddress: keyPair(21).address,
    expiry: Math.floor(node.nowMs / 1_000) + 30 * 86_400,
  });
  await lives.until((provider) => provider.feed.round());
  let paid = 0n;
  const pay = async (amount: bigint, key: string): Promise<void> => {
    paid += amount;
    const cumulative = paid;
    const message = voucherMessage(node.chain.networkId, channelId, cumulative);
    const signature = signEd25519(PAYER.secretKey, message);
    const request = {
      mailboxId: MAILBOX,
      create: { publicKey: OWNER.publicKey, policy: POLICY },
      amount,
      voucher: { channelId, cumulative, signature },
      action: 'voucher',
      once: { scope: 'credit', key, request: key },
    } as const;
    await lives.until((provider) => provider.credits.credit(request));
  };
  await pay(2_000n, 'first');
  const patch = {
    addTags: TAGS.map((tag) => bytesToHex(tag)),
    removeTags: [],
    addBuckets: [],
    removeBuckets: [],
  };
  await lives.until((provider) => provider.mailboxes.patchFilters(MAILBOX, patch));
  let cost = 0n;
  for (const [index, fault] of faults.entries()) {
    lives.arm(fault.inWrites, fault.isApplied);
    const payload = envelope(TAGS[index] as Uint8Array, 20_480);
    node.confirm(1, [payload]);
    await lives.until((provider) => provider.feed.round());
    await pay(100n, `credit ${index}`);
    const bytes = payload.kind === 'envelope' ? payload.bytes : new Uint8Array();
    const root = bytesToHex(segmentRoot(bytes));
    const once = { scope: MAILBOX, key: `fetch ${index}`, request: root };
    const fetched = await lives.until((provider) =>
      provider.objects.fetch(MAILBOX, root, undefined, once),
    );
    expect(fetched.bytes).toEqual(bytes);
    const keep = { scope: MAILBOX, key: `retain ${index}`, request: root };
    node.confirm(2 * 86_400);
    await lives.until((provider) => provider.feed.round());
    const retained = await lives.until((provider) =>
      provider.objects.retain(MAILBOX, root, 2, keep),
    );
    const copy = new Uint8Array(20_480).fill(index + 1);
    const copyRoot = bytesToHex(segmentRoot(copy));
    const bring = { scope: MAILBOX, key: `restore ${index}`, request: copyRoot };
    const restored = await lives.until((provider) =>
      provider.objects.restore(MAILBOX, copyRoot, { bytes: copy, days: 30 }, bring),
    );
    cost += 8n + 2n + BigInt(retained.cost) + BigInt(restored.cost);
  }
  const mailbox = lives.provider.credits.mailbox(MAILBOX);
  return { balance: mailbox?.balance, expected: paid - cost, count: mailbox?.objectCount };
}

describe('a provider whose power goes at any write', () => {
  it('charges nothing twice, credits nothing twice, loses no mail', async () => {
    const fault = fc.record({ inWrites: fc.integer({ min: 0, max: 10 }), isApplied: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 4 }), async (faults) => {
        const { balance, expected, count } = await run(faults);
        expect(balance).toBe(expected);
        expect(count).toBe(2 * faults.length);
      }),
      { numRuns: 25 },
    );
  });
});

describe('GroupStore', () => {
  const key = (text: string): Uint8Array => new TextEncoder().encode(text);

  it('shares one write among transactions that arrive while another is synced', async () => {
    const kv = new MemoryKv();
    const store = new GroupStore(kv, () => undefined);
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        store.transact((transaction) => transaction.put(key(`${index}`), key('value'))),
      ),
    );
    expect(kv.writes).toBe(2);
    expect(kv.size).toBe(50);
  });

  it('shows what ran before, on disk or not', async () => {
    const store = new GroupStore(new MemoryKv(), () => undefined);
    const counts = await Promise.all(
      Array.from({ length: 10 }, () =>
        store.transact((transaction) => {
          const next = (transaction.get(key('count'))?.[0] ?? 0) + 1;
          transaction.put(key('count'), Uint8Array.of(next));
          return next;
        }),
      ),
    );
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('drops the writes of a transaction that throws', async () => {
    const store = new GroupStore(new MemoryKv(), () => undefined);
    const broken = store.transact((transaction) => {
      transaction.put(key('a'), key('b'));
      throw new Error('refused');
    });
    await expect(broken).rejects.toThrow('refused');
    expect(store.get(key('a'))).toBeUndefined();
  });

  it('refuses everything after a failed write, also what came meanwhile', async () => {
    const kv = new MemoryKv();
    kv.fault = { atWrite: 0, isApplied: false };
    const failures: Error[] = [];
    const store = new GroupStore(kv, (error) => failures.push(error));
    const work = [1, 2, 3].map((index) =>
      store.transact((transaction) => transaction.put(key('a'), Uint8Array.of(index))),
    );
    const ends = await Promise.allSettled(work);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(failures).toHaveLength(1);
    await expect(store.transact(() => 1)).rejects.toBeInstanceOf(StoreStopped);
    expect(kv.size).toBe(0);
  });
});
