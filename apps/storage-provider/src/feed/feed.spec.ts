import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import type { Provider } from '../provider.ts';
import { Refused } from '../refused.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { envelope, POLICY, tagOf, testConfig, testProvider } from '../testing/world.ts';

const OWNER = keyPair(30);
const MAILBOX = mailboxIdOf(OWNER.publicKey);
const DAY = 86_400;
const TAG = tagOf(4, 4);
/** As many as any test here brings mails. */
const TAGS = Array.from({ length: 12 }, (_, index) => tagOf(4, 4, index));

/** Opens a mailbox with `balance` base units that watches TAG and the other TAGS. */
async function openMailbox(node: FakeNode, provider: Provider, balance: bigint): Promise<void> {
  const payer = keyPair(20);
  const channelId = node.openChannel({
    kind: 'channel',
    amount: 50_000n,
    payerPublicKey: payer.publicKey,
    payee: provider.terms.payee,
    refundAddress: keyPair(21).address,
    expiry: Math.floor(node.nowMs / 1_000) + 90 * DAY,
  });
  await provider.feed.round();
  const message = voucherMessage(node.chain.networkId, channelId, balance);
  await provider.credits.credit({
    mailboxId: MAILBOX,
    create: { publicKey: OWNER.publicKey, policy: POLICY },
    amount: balance,
    voucher: { channelId, cumulative: balance, signature: signEd25519(payer.secretKey, message) },
    action: 'open',
    once: { scope: 'test', key: undefined, request: '' },
  });
  const addTags = TAGS.map((tag) => bytesToHex(tag));
  const patch = { addTags, removeTags: [], addBuckets: [], removeBuckets: [] };
  await provider.mailboxes.patchFilters(MAILBOX, patch);
}

function rootOf(payload: ReturnType<typeof envelope>): string {
  return bytesToHex(segmentRoot(payload.kind === 'envelope' ? payload.bytes : new Uint8Array()));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: unknown) => (error instanceof Refused ? error.refusal.code : String(error)),
  );
}

async function begin(content: object = {}) {
  const node = new FakeNode();
  node.confirm();
  const kv = new MemoryKv();
  const provider = testProvider(node, kv, testConfig(content));
  await provider.feed.round();
  return { node, kv, provider };
}

describe('the feed', () => {
  it('catches up with everything that happened while it was down', async () => {
    const { node, kv, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    await provider.stop();
    const mails = TAGS.map((tag, index) => envelope(tag, 1_000, index + 1));
    for (const mail of mails) node.confirm(5, [mail]);
    const again = testProvider(node, kv.reopen());
    expect(await again.feed.round()).toBe(12);
    expect(again.credits.mailbox(MAILBOX)?.objectCount).toBe(12);
    expect(await again.feed.round()).toBe(0);
  });

  it('is healthy and has its offer right after a restart, before the next milestone', async () => {
    const { kv, node, provider } = await begin();
    const { bytes } = provider.offers;
    expect(bytes).toBeDefined();
    await provider.stop();
    const again = testProvider(node, kv.reopen());
    expect(again.health().healthy).toBe(false);
    expect(await again.feed.round()).toBe(0);
    expect(again.offers.bytes).toEqual(bytes);
    expect(again.health()).toEqual({ healthy: true, reasons: [] });
  });

  it('waits for a node that is away, and loses nothing', async () => {
    const { node, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    node.confirm(1, [envelope(TAG)]);
    node.isAway = true;
    await expect(provider.feed.round()).rejects.toThrow('node is out of reach');
    node.isAway = false;
    await provider.feed.round();
    expect(provider.credits.mailbox(MAILBOX)?.objectCount).toBe(1);
  });

  it('tells a node that is away from a failure of its own, and goes on after either', async () => {
    const lines: string[] = [];
    const log = (_: object, text: string) => lines.push(text);
    const logger = { ...SILENT_LOGGER, warn: log, error: log };
    const node = new FakeNode();
    node.confirm();
    const provider = testProvider(node, new MemoryKv(), testConfig(), logger);
    node.isAway = true;
    provider.start();
    await until(() => provider.feed.state === 'node-away');
    await provider.feed.stop();
    expect([lines, provider.health().reasons[0]]).toEqual([['the node is away'], 'feed node-away']);

    const again = testProvider(node, new MemoryKv(), testConfig(), logger);
    node.isAway = false;
    node.failure = new Error('broken invariant: a test');
    again.start();
    await until(() => again.feed.state === 'failing');
    node.failure = undefined;
    await until(() => again.feed.state === 'running');
    await again.feed.stop();
    expect(lines.at(-1)).toBe('working off milestones failed');
  });

  it('stops at a milestone that the committee did not certify', async () => {
    const { node, provider } = await begin();
    const milestone = node.confirm();
    const forged = milestone.bytes.slice();
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    node.milestones[node.milestones.length - 1] = { ...milestone, bytes: forged };
    expect(await provider.feed.round()).toBe(0);
    expect(provider.feed.state).toBe('untrusted');
    expect(provider.health().reasons).toContain('feed untrusted');
    node.milestones[node.milestones.length - 1] = milestone;
    expect(await provider.feed.round()).toBe(1);
    expect(provider.health().healthy).toBe(true);
  });

  it('stops where the node has pruned, and says so', async () => {
    const { node, provider } = await begin();
    node.pruned.add(node.confirm().header.index);
    expect(await provider.feed.round()).toBe(0);
    expect(provider.feed.state).toBe('milestone-missing');
  });

  it('charges one envelope once, however often it is attached', async () => {
    const { node, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    const mail = envelope(TAG, 20_480);
    node.confirm(1, [mail]);
    node.confirm(1, [mail, mail]);
    await provider.feed.round();
    const mailbox = provider.credits.mailbox(MAILBOX);
    expect(mailbox).toMatchObject({ balance: 1_992n, objectCount: 1, logLength: 1 });
  });
});

describe('time', () => {
  it('ends paid days, keeps what expired for a day at double egress, then purges', async () => {
    const { node, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    const mail = envelope(TAG, 24_000);
    const root = rootOf(mail);
    node.confirm(1, [mail]);
    await provider.feed.round();
    const once = { scope: MAILBOX, key: undefined, request: '' };
    const balance = (): bigint => provider.credits.mailbox(MAILBOX)?.balance ?? 0n;
    const fetchFor = async (): Promise<bigint> => {
      const before = balance();
      await provider.objects.fetch(MAILBOX, root, undefined, once);
      return before - balance();
    };
    expect(await fetchFor()).toBe(3n);
    node.confirm(30 * DAY - 1);
    await provider.feed.round();
    expect(await codeOf(provider.receipts.issue(root))).toBe('ok');
    node.confirm(1);
    await provider.feed.round();
    expect(await codeOf(provider.receipts.issue(root))).toBe('not-stored');
    expect(await fetchFor()).toBe(4n);
    node.confirm(DAY);
    await provider.feed.round();
    expect(await codeOf(provider.objects.fetch(MAILBOX, root, undefined, once))).toBe(
      'object-unknown',
    );
    expect(provider.credits.mailbox(MAILBOX)).toMatchObject({ objectCount: 0, logLength: 3 });
  });

  it('drops held mail after 72 hours and leaves nothing behind', async () => {
    const { node, kv, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    const addBuckets = [{ bits: 0, prefix: new Uint8Array(0), stampBits: 0 }];
    const patch = { addTags: [], removeTags: [], addBuckets, removeBuckets: [] };
    await provider.mailboxes.patchFilters(MAILBOX, patch);
    const before = kv.size;
    node.confirm(1, [envelope(tagOf(1), 900), envelope(tagOf(2), 900)]);
    await provider.feed.round();
    expect((await provider.mailboxes.held(MAILBOX, undefined, 10)).items).toHaveLength(2);
    const first = await provider.mailboxes.held(MAILBOX, undefined, 1);
    const second = await provider.mailboxes.held(MAILBOX, first.cursor, 1);
    expect(second.items[0]?.root).not.toBe(first.items[0]?.root);
    node.confirm(3 * DAY - 1);
    await provider.feed.round();
    expect((await provider.mailboxes.held(MAILBOX, undefined, 10)).items).toHaveLength(2);
    node.confirm(1);
    await provider.feed.round();
    expect((await provider.mailboxes.held(MAILBOX, undefined, 10)).items).toHaveLength(0);
    // Only the count of the bucket's quota remains (and the offer, renewed under its old key).
    expect(kv.size).toBeLessThanOrEqual(before + 2);
  });

  it('publishes a new offer after 24 hours and on a change', async () => {
    const { node, kv, provider } = await begin();
    const seqs = () => node.attached.filter(({ kind }) => kind === 'tagged-data').length;
    expect(provider.offers.offer?.seq).toBe(1n);
    node.confirm(DAY - 1);
    await provider.feed.round();
    expect(seqs()).toBe(1);
    node.confirm(1);
    await provider.feed.round();
    expect([provider.offers.offer?.seq, seqs()]).toEqual([2n, 2]);
    await provider.stop();
    const config = testConfig({ prices: { perObject: 2 } });
    const dearer = testProvider(node, kv.reopen(), config);
    node.confirm();
    await dearer.feed.round();
    expect([dearer.offers.offer?.seq, dearer.offers.offer?.perObject]).toEqual([3n, 2]);
  });
});

describe('free quotas', () => {
  it('bound what strangers can make a provider keep', async () => {
    const { node, provider } = await begin({
      offer: { unsolicitedPerDay: 3, unsolicitedMax: 1_000 },
    });
    await openMailbox(node, provider, 2_000n);
    const addBuckets = [{ bits: 8, prefix: Uint8Array.of(0xee), stampBits: 0 }];
    const patch = { addTags: [], removeTags: [], addBuckets, removeBuckets: [] };
    await provider.mailboxes.patchFilters(MAILBOX, patch);
    const flood = Array.from({ length: 20 }, (_, index) => envelope(tagOf(0xee, index), 900));
    node.confirm(1, [envelope(tagOf(0xee, 99), 1_001), ...flood, envelope(tagOf(0xed), 900)]);
    await provider.feed.round();
    expect((await provider.mailboxes.held(MAILBOX, undefined, 100)).items).toHaveLength(3);
    node.confirm(DAY, [envelope(tagOf(0xee, 77), 900)]);
    await provider.feed.round();
    expect((await provider.mailboxes.held(MAILBOX, undefined, 100)).items).toHaveLength(4);
  });

  it('hold mail beyond the owner’s daily limit instead of charging for it', async () => {
    const { node, provider } = await begin();
    await openMailbox(node, provider, 2_000n);
    await provider.mailboxes.setPolicy(MAILBOX, { ...POLICY, maxDebitPerDay: 20n });
    const mails = TAGS.slice(0, 5).map((tag) => envelope(tag, 20_480));
    node.confirm(1, mails);
    await provider.feed.round();
    expect(provider.credits.mailbox(MAILBOX)?.balance).toBe(1_984n);
    const { entries } = await provider.mailboxes.log(MAILBOX, 0, 10);
    expect(entries.map(({ state }) => state)).toEqual(['stored', 'stored', 'held', 'held', 'held']);
  });
});
