import { describe, expect, it } from '@jest/globals';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { KeyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { mailboxIdOf, snapshotMessage } from '@tanglemail/mail/core/market/signed-requests.ts';
import type { Provider } from '../provider.ts';
import { Refused } from '../refused.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { POLICY, testConfig, testProvider } from '../testing/world.ts';

const DAY = 86_400;
const OWNER = keyPair(30);
const MAILBOX = mailboxIdOf(OWNER.publicKey);
const PAYER = keyPair(20);
const REFUND = keyPair(21);

interface Setting {
  readonly node: FakeNode;
  readonly kv: MemoryKv;
  readonly provider: Provider;
  readonly channelId: OutputId;
  readonly expiry: number;
}

function ledgerTime(node: FakeNode): number {
  return Math.floor(node.nowMs / 1_000);
}

async function begin(ttl = 10 * DAY, settings: object = {}): Promise<Setting> {
  const node = new FakeNode();
  node.confirm();
  const kv = new MemoryKv();
  const provider = testProvider(node, kv, testConfig(settings));
  await provider.feed.round();
  const expiry = ledgerTime(node) + 1 + ttl;
  const channelId = open(node, provider, expiry);
  await provider.feed.round();
  return { node, kv, provider, channelId, expiry };
}

function open(
  node: FakeNode,
  provider: Provider,
  expiry: number,
  payer: KeyPair = PAYER,
): OutputId {
  return node.openChannel({
    kind: 'channel',
    amount: 20_000n,
    payerPublicKey: payer.publicKey,
    payee: provider.terms.payee,
    refundAddress: REFUND.address,
    expiry,
  });
}

function pay(
  { node, provider }: Pick<Setting, 'node' | 'provider'>,
  channelId: OutputId,
  cumulative: bigint,
  more: { payer?: KeyPair; amount?: bigint; key?: string; close?: boolean } = {},
) {
  const message = voucherMessage(node.chain.networkId, channelId, cumulative);
  const signature = signEd25519((more.payer ?? PAYER).secretKey, message);
  return provider.credits.credit({
    mailboxId: MAILBOX,
    create: { publicKey: OWNER.publicKey, policy: POLICY },
    amount: more.amount ?? 1n,
    voucher: { channelId, cumulative, signature },
    action: more.close === true ? 'close' : 'voucher',
    once: { scope: 'test', key: more.key, request: `${cumulative}` },
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Refused ? error.refusal.code : String(error)),
  );
}

describe('channels at their deadlines', () => {
  it('sells until one second before the stop, claims 48 hours before the expiry', async () => {
    const setting = await begin();
    const { node, provider, channelId, expiry } = setting;
    await pay(setting, channelId, 1_000n);
    node.confirm(expiry - 2 * DAY - 1 - ledgerTime(node));
    await provider.feed.round();
    expect(await codeOf(pay(setting, channelId, 1_100n))).toBe('accepted');
    node.confirm(1);
    await provider.feed.round();
    expect(await codeOf(pay(setting, channelId, 1_200n))).toBe('channel-gone');
    node.confirm(1);
    await provider.feed.round();
    expect(node.balanceOf(provider.terms.payee)).toBe(1_100n);
    expect(node.balanceOf(REFUND.address)).toBe(18_900n);
    expect(await codeOf(pay(setting, channelId, 1_100n))).toBe('accepted');
  });

  it('claims a short channel in time although no look was due', async () => {
    const times = { sellStop: 2, claimStart: 4, claimAlarm: 1 };
    const setting = await begin(10, { times, offer: { minTtl: 1 } });
    const { node, provider, channelId, expiry } = setting;
    await pay(setting, channelId, 1_000n);
    for (const ahead of [5, 4, 3]) {
      node.confirm(expiry - ahead - ledgerTime(node));
      await provider.feed.round();
    }
    expect(node.balanceOf(provider.terms.payee)).toBe(1_000n);
  });

  it('voucher-expired: at the stop, when nothing was accepted before', async () => {
    const setting = await begin();
    const { node, provider, channelId, expiry } = setting;
    const other = open(node, provider, expiry, keyPair(22));
    node.confirm(expiry - 7 * DAY - ledgerTime(node));
    await provider.feed.round();
    expect(await codeOf(pay(setting, channelId, 1_000n))).toBe('accepted');
    node.confirm(6 * DAY);
    await provider.feed.round();
    expect(await codeOf(pay(setting, other, 1_000n, { payer: keyPair(22) }))).toBe('channel-ttl');
  });

  it('channel-ttl, channel-too-small, channel-payee-wrong, channel-unconfirmed', async () => {
    const setting = await begin();
    const { node, provider, expiry } = setting;
    const output: ChannelOutput = {
      kind: 'channel',
      amount: 20_000n,
      payerPublicKey: PAYER.publicKey,
      payee: provider.terms.payee,
      refundAddress: REFUND.address,
      expiry,
    };
    const shown = async (more: Partial<ChannelOutput>): Promise<string> =>
      codeOf(pay(setting, node.openChannel({ ...output, ...more }), 1_000n));
    expect(await shown({ expiry: ledgerTime(node) + 7 * DAY - 10 })).toBe('channel-ttl');
    expect(await shown({ amount: 4_999n })).toBe('channel-too-small');
    expect(await shown({ payee: REFUND.address })).toBe('channel-payee-wrong');
    const unknown = `${'ab'.repeat(32)}0000` as OutputId;
    expect(await codeOf(pay(setting, unknown, 1_000n))).toBe('channel-unconfirmed');
    const genesis = node.chain.start.outputs[0]?.outputId ?? unknown;
    // The genesis output was spent, and was no channel in the first place.
    expect(await codeOf(pay(setting, genesis, 1_000n))).toBe('channel-unconfirmed');
  });

  it('goes on with a claim after a restart, attaching it again', async () => {
    const { node, kv, provider, channelId } = await begin();
    await pay({ node, provider }, channelId, 5_000n, { close: true });
    node.isCongested = true;
    await provider.claims.tick();
    node.confirm();
    await provider.feed.round();
    await provider.stop();
    node.isCongested = false;
    const again = testProvider(node, kv.reopen());
    node.confirm(120);
    await again.feed.round();
    node.confirm();
    await again.feed.round();
    expect(node.balanceOf(again.terms.payee)).toBe(5_000n);
    const attached = node.attached.filter(({ kind }) => kind === 'transaction');
    expect(attached.length).toBeGreaterThanOrEqual(2);
    expect(new Set(attached.map((one) => JSON.stringify(one, replaceBigint))).size).toBe(1);
  });

  it('loses what no milestone applies before the expiry, and says so', async () => {
    const { node, provider, channelId, expiry } = await begin();
    await pay({ node, provider }, channelId, 5_000n, { close: true });
    node.isCongested = true;
    await provider.claims.tick();
    node.confirm(expiry - ledgerTime(node));
    await provider.feed.round();
    const now = ledgerTime(node);
    const message = snapshotMessage(provider.terms, channelId, now);
    const signature = signEd25519(PAYER.secretKey, message);
    expect(provider.channels.snapshot(channelId, now, signature).state).toBe('lost');
  });

  it('goes on without a channel that was claimed before its backup was restored', async () => {
    const { node, kv, provider, channelId, expiry } = await begin();
    const other = keyPair(60);
    const second = open(node, provider, expiry, other);
    await provider.feed.round();
    await pay({ node, provider }, channelId, 5_000n);
    await pay({ node, provider }, second, 3_000n, { payer: other });
    const backup = kv.copy();
    await pay({ node, provider }, channelId, 5_100n, { close: true });
    for (let round = 0; round < 3; round += 1) {
      node.confirm();
      await provider.feed.round();
    }
    expect(node.balanceOf(provider.terms.payee)).toBe(5_100n);
    await provider.stop();

    const restored = testProvider(node, backup);
    await restored.feed.round();
    expect(await codeOf(pay({ node, provider: restored }, channelId, 5_200n))).toBe('channel-gone');
    node.confirm(expiry - 2 * DAY - ledgerTime(node));
    for (let round = 0; round < 6; round += 1) {
      await restored.feed.round();
      node.confirm();
    }
    expect(node.balanceOf(restored.terms.payee)).toBe(8_100n);
    const attached = node.attached.length;
    for (let round = 0; round < 3; round += 1) {
      await restored.feed.round();
      node.confirm(120);
    }
    expect(node.attached.length).toBe(attached);
  });

  it('alarms every ten minutes of ledger time, not with every milestone', async () => {
    const errors: string[] = [];
    const logger = { ...SILENT_LOGGER, error: (_: object, text: string) => errors.push(text) };
    const { node, kv, provider, channelId, expiry } = await begin();
    await pay({ node, provider }, channelId, 5_000n);
    await provider.stop();
    const again = testProvider(node, kv.reopen(), testConfig(), logger);
    node.isCongested = true;
    node.confirm(expiry - 3_600 - ledgerTime(node));
    for (let round = 0; round < 20; round += 1) {
      await again.feed.round();
      node.confirm();
    }
    expect(errors).toEqual(['a channel is about to expire unclaimed']);
  });

  it('claims 65 channels in two transactions', async () => {
    const { node, provider, expiry } = await begin();
    const payers = Array.from({ length: 65 }, (_, index) => keyPair(index + 120));
    for (const payer of payers) {
      const channelId = open(node, provider, expiry, payer);
      await provider.feed.round();
      await pay({ node, provider }, channelId, 1_000n, { payer });
    }
    node.confirm(expiry - 2 * DAY - ledgerTime(node));
    await provider.feed.round();
    node.confirm();
    await provider.feed.round();
    const claims = node.attached.filter((one) => one.kind === 'transaction');
    expect(claims.map(({ inputs }) => inputs.length).toSorted((a, b) => a - b)).toEqual([1, 64]);
    expect(node.balanceOf(provider.terms.payee)).toBe(65_000n);
  });

  it('claims at once when a channel has reached the threshold', async () => {
    const node = new FakeNode();
    node.confirm();
    const config = testConfig({ claims: { threshold: '2000' } });
    const provider = testProvider(node, new MemoryKv(), config);
    await provider.feed.round();
    const channelId = open(node, provider, ledgerTime(node) + 10 * DAY);
    await provider.feed.round();
    await pay({ node, provider }, channelId, 2_000n);
    node.confirm();
    await provider.feed.round();
    node.confirm();
    await provider.feed.round();
    expect(node.balanceOf(provider.terms.payee)).toBe(2_000n);
  });
});

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}
