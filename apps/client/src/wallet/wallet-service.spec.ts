import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { walletKey } from '@tanglemail/mail/core/identity/keys.ts';
import { formatWalletAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { claimRefunds } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { NodeEvents } from '@tanglemail/tangle/io/node-client/node-events.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import {
  addressOf,
  POOR_KEY,
  SLOW_WORK,
  SmallNode,
} from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { openAccount } from '../account/account.ts';
import type { ClientEventDto } from '../api/dto.ts';
import { toClientError } from '../explain-error.ts';
import { WriteLock } from '../store/write-lock.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { GAP_LIMIT } from './key-ring.ts';
import type { PaymentTangle } from './payments.ts';
import { WalletService } from './wallet-service.ts';

const ROOT = '42'.repeat(32);
const FUNDS = 1_000_000n;
const OUTSIDE = { name: 'dev-outside', networkId: 1n };
const keys = openAccount(ROOT, OUTSIDE, nobleSuite).keys;
const keyAddress = (index: number) => addressOf(walletKey(keys, index).secretKey);
const poorText = formatWalletAddress(addressOf(POOR_KEY), 'test');

let node: SmallNode;
let tangle: PaymentTangle;
let nodeEvents: NodeEvents;
let store: ReturnType<typeof sealedMemoryStore>;
let wallet: WalletService;
let emitted: ClientEventDto[];
let confirming: ReturnType<typeof setInterval> | undefined;
let clockMs: () => number;
let tearDown: (() => Promise<void>) | undefined;

async function setUp(funds: readonly [keyIndex: number, amount: bigint][]): Promise<void> {
  await tearDown?.();
  node = new SmallNode(funds.map(([index, amount]) => ({ address: keyAddress(index), amount })));
  await node.start();
  clockMs = Date.now;
  const client = new NodeClient({ baseUrl: node.baseUrl });
  nodeEvents = client.events();
  const { networkId } = node.start0;
  const { params } = node.genesis;
  const hasher = nobleHasher;
  const clock = { nowMs: () => clockMs() };
  const lightClient = LightClient.fromGenesis(node.genesis);
  const checker = new ProofChecker(lightClient, { hasher, clock, client });
  const issuer = new BlockIssuer(
    { networkId, params, pollMs: 20 },
    { node: client, proofOfWork: SLOW_WORK, checker, hasher, events: nodeEvents },
  );
  tangle = { networkId, params, node: client, checker, issuer, hasher, clock };
  store = sealedMemoryStore();
  wallet = await open();
  tearDown = async () => {
    tearDown = undefined;
    clearInterval(confirming);
    confirming = undefined;
    await wallet.stop();
    nodeEvents.close();
    await node.stop();
  };
}

async function open(sealed = store): Promise<WalletService> {
  emitted = [];
  const network = { networkId: tangle.networkId, name: 'dev-small' };
  return await WalletService.open({
    account: openAccount(ROOT, network, nobleSuite),
    store: sealed,
    writes: new WriteLock(),
    tangle,
    events: { emit: (event) => emitted.push(event) },
    logger: SILENT_LOGGER,
  });
}

/** Confirms whatever waits, until the spec ends. */
function confirmAlways(): void {
  confirming ??= setInterval(() => {
    if (node.blocks.size > node.referencedBy.size) node.confirm();
  }, 5);
}

async function lines() {
  return await wallet.history({ limit: 50 });
}

beforeEach(() => setUp([[0, FUNDS]]));

afterEach(() => tearDown?.());

describe('wallet', () => {
  it('shows what the state root proves, and of which milestone', async () => {
    await tangle.issuer.issue({
      kind: 'tagged-data',
      tag: Uint8Array.of(1),
      data: Uint8Array.of(),
    });
    node.confirm();
    const { balance, asOf, pending, address } = await wallet.view();
    expect({ balance, pending, index: asOf?.index }).toEqual({
      balance: `${FUNDS}`,
      pending: '0',
      index: 1,
    });
    // Key 0 has been paid to, so it is not shown again.
    expect(address).toBe(formatWalletAddress(keyAddress(1), 'test'));
  });

  it('pays, with the change at a fresh key and a line that ends at a milestone', async () => {
    confirmAlways();
    const sent = await wallet.send({ to: poorText, amount: '400000' });
    await until(async () => (await lines())[0]?.milestoneIndex !== undefined);
    const { balance, address } = await wallet.view();
    expect(balance).toBe('600000');
    const [line, before] = await lines();
    expect(line).toMatchObject({
      kind: 'sent',
      amount: '400000',
      detail: poorText,
      transactionId: sent.transactionId,
    });
    expect(before).toMatchObject({ kind: 'received', amount: `${FUNDS}` });
    const change = await tangle.node.outputsPage({ address: keyAddress(0) });
    expect(change.items).toEqual([]);
    expect(address).not.toBe(formatWalletAddress(keyAddress(0), 'test'));
    expect(emitted).toContainEqual({ topic: 'wallet', data: { balance: '600000' } });
  });

  it('uses no address twice over several payments', async () => {
    confirmAlways();
    const shown = new Set<string>();
    for (let round = 0; round < 3; round++) {
      await wallet.send({ to: poorText, amount: '1000' });
      await until(async () => (await lines()).every((line) => line.milestoneIndex !== undefined));
      shown.add((await wallet.view()).address);
    }
    const owners = new Set<string>();
    let created = 0;
    for (const { result } of node.chain) {
      for (const { output } of result?.diff.created ?? []) {
        if (output.kind !== 'basic' || output.address === addressOf(POOR_KEY)) continue;
        owners.add(output.address);
        created += 1;
      }
    }
    expect(owners.size).toBe(created);
    expect(owners.has(keyAddress(0))).toBe(false);
  });

  it('waits for the change of a payment under way when it needs it', async () => {
    confirmAlways();
    const both = [
      wallet.send({ to: poorText, amount: '600000' }),
      wallet.send({ to: poorText, amount: '300000' }),
    ];
    await Promise.all(both);
    await until(async () => (await wallet.view()).balance === '100000');
    expect((await wallet.view()).pending).toBe('0');
  });

  it('answers before the confirmation, and shows what is pending until then', async () => {
    const { transactionId } = await wallet.send({ to: poorText, amount: '400000' });
    expect((await wallet.view()).pending).toBe('400000');
    expect((await lines())[0]).toMatchObject({ transactionId, amount: '400000' });
    expect((await lines())[0]).not.toHaveProperty('milestoneIndex');
  });

  const refusals: readonly (readonly [string, string, string])[] = [
    ['insufficient-funds', poorText, `${FUNDS + 1n}`],
    ['deposit-too-small', poorText, '1'],
    ['dust-change', poorText, `${FUNDS - 1n}`],
    ['address-invalid', 'twt1nothing', '1000'],
    ['address-invalid', poorText.replace('twt1', 'tw1'), '1000'],
    ['amount-invalid', poorText, `${1n << 64n}`],
  ];
  it.each(refusals)('%s, and nothing stays behind', async (code, to, amount) => {
    const error = await wallet.send({ to, amount }).catch((thrown: unknown) => thrown);
    expect(toClientError(error)?.code).toBe(code);
    expect((await wallet.view()).pending).toBe('0');
    expect((await lines()).filter((line) => line.kind === 'sent')).toEqual([]);
  });

  it('transaction-conflict: the line says that it was not paid', async () => {
    // Another device of the account spends the same output, and its block comes first.
    const rival = new Wallet({ networkId: tangle.networkId, params: tangle.params }, tangle);
    const output = { kind: 'basic', amount: 5_000n, address: addressOf(POOR_KEY) } as const;
    const rivals = rival.sendTransaction({
      from: [walletKey(keys, 0).secretKey],
      outputs: [output],
    });
    await until(() => node.blocks.size === 1);
    const first = await wallet.send({ to: poorText, amount: '1000' });
    confirmAlways();
    await rivals;
    await until(async () => (await wallet.view()).pending === '0');
    const line = (await lines()).find((one) => one.transactionId === first.transactionId);
    expect(line?.detail).toMatch(/^not paid: input-spent/);
  });
});

describe('a wallet after a crash', () => {
  it('goes on with a payment that was not confirmed, and pays it once', async () => {
    const { transactionId } = await wallet.send({ to: poorText, amount: '400000' });
    await wallet.stop();
    // The node forgot the block as well.
    node.blocks.clear();
    wallet = await open();
    expect((await wallet.view()).pending).toBe('400000');
    confirmAlways();
    wallet.start();
    await until(async () => (await wallet.view()).pending === '0');
    const line = (await lines()).find((one) => one.kind === 'sent');
    expect(line).toMatchObject({ transactionId, milestoneIndex: 1 });
    expect((await wallet.view()).balance).toBe('600000');
  });

  it('learns that a payment was confirmed while it was away', async () => {
    await wallet.send({ to: poorText, amount: '400000' });
    await wallet.stop();
    node.confirm();
    const blocks = node.blocks.size;
    wallet = await open();
    wallet.start();
    await until(async () => (await wallet.view()).pending === '0');
    expect(node.blocks.size).toBe(blocks);
  });

  it('does not touch the coins of a payment that is still open', async () => {
    await setUp([
      [0, FUNDS],
      [0, FUNDS / 2n],
    ]);
    const { transactionId } = await wallet.send({ to: poorText, amount: '700000' });
    await wallet.stop();
    node.blocks.clear();
    wallet = await open();
    const second = await wallet.send({ to: poorText, amount: '200000' });
    confirmAlways();
    wallet.start();
    await until(async () => (await wallet.view()).pending === '0');
    const paid = (await lines()).filter((one) => one.kind === 'sent');
    expect(paid.map((one) => one.transactionId)).toEqual([second.transactionId, transactionId]);
    expect(paid.every((one) => one.milestoneIndex !== undefined)).toBe(true);
  });

  it('node-unreachable: a payment that never left is forgotten', async () => {
    await wallet.view();
    node.intercept = (_method, path) =>
      path.includes('/tips') ? { status: 503, body: { code: 'not-ready' } } : undefined;
    const error = await wallet.send({ to: poorText, amount: '1000' }).catch((one: unknown) => one);
    expect(toClientError(error)?.code).toBe('node-refused');
    expect((await lines()).filter((line) => line.kind === 'sent')).toEqual([]);
  });

  it('keeps a payment whose block left without an answer', async () => {
    await wallet.view();
    const spent = node.intercept;
    node.intercept = (method, path) =>
      method === 'POST' ? { status: 503, body: { code: 'queue-full' } } : spent(method, path);
    const { transactionId } = await wallet.send({ to: poorText, amount: '1000' });
    node.intercept = spent;
    confirmAlways();
    wallet.start();
    await until(async () => {
      wallet.wake();
      return (await wallet.view()).pending === '0';
    });
    expect((await lines())[0]).toMatchObject({ transactionId, milestoneIndex: 1 });
  });
});

describe('a wallet from the words alone', () => {
  it('finds coins behind gaps up to the limit, and shows a fresh address', async () => {
    await setUp([
      [0, 1_000n],
      [GAP_LIMIT, 2_000n],
      [2 * GAP_LIMIT + 1, 4_000n],
    ]);
    // Key 41 lies 20 unused keys behind key 20, so it is one too far.
    const { balance, address } = await wallet.view();
    expect(balance).toBe('3000');
    expect(address).toBe(formatWalletAddress(keyAddress(GAP_LIMIT + 1), 'test'));
  });

  it('tells the history of its earlier life', async () => {
    confirmAlways();
    await wallet.send({ to: poorText, amount: '400000' });
    await until(async () => (await wallet.view()).balance === '600000');
    await wallet.send({ to: poorText, amount: '600000' });
    await until(async () => (await wallet.view()).balance === '0');
    await wallet.stop();
    wallet = await open(sealedMemoryStore());
    expect((await wallet.view()).balance).toBe('0');
    const told = (await lines()).map(({ kind, amount }) => ({ kind, amount }));
    expect(told).toHaveLength(3);
    expect(told).toContainEqual({ kind: 'sent', amount: '400000' });
    expect(told).toContainEqual({ kind: 'sent', amount: '600000' });
    expect(told).toContainEqual({ kind: 'received', amount: `${FUNDS}` });
  });
});

describe('a validator bond', () => {
  it('that another program made of this key is no balance, and a line of the history', async () => {
    confirmAlways();
    const { secretKey } = walletKey(keys, 0);
    const { publicKey } = walletKey(keys, 900);
    const program = new Wallet({ networkId: tangle.networkId, params: tangle.params }, tangle);
    const owner = addressOf(POOR_KEY);
    const bond = {
      kind: 'validator-bond',
      amount: 300_000n,
      publicKey,
      owner,
      unbondAt: 0,
    } as const;
    await program.sendTransaction({ from: [secretKey], outputs: [bond] });
    await until(async () => (await wallet.view()).balance === '700000');
    await wallet.stop();
    wallet = await open(sealedMemoryStore());
    expect((await wallet.view()).balance).toBe('700000');
    expect(await lines()).toContainEqual(
      expect.objectContaining({ kind: 'sent', amount: '300000', detail: poorText }),
    );
  });
});

describe('channels', () => {
  const payer = walletKey(keys, 900);
  const payee = walletKey(keys, 901);

  function channel(amount: bigint, expiry: number): ChannelOutput {
    return {
      kind: 'channel',
      amount,
      payerPublicKey: payer.publicKey,
      payee: addressOf(payee.secretKey),
      refundAddress: wallet.refundAddress(),
      expiry,
    };
  }

  it('are funded, claimed, and the rest comes back as a line', async () => {
    confirmAlways();
    const output = channel(300_000n, Math.floor(Date.now() / 1_000) + 3_600);
    const { transactionId, outputIndex } = await wallet.fund(output);
    expect((await lines())[0]).toMatchObject({ kind: 'channel-opened', amount: '300000' });
    const outputId = `${transactionId}${outputIndex.toString(16).padStart(2, '0')}00` as never;
    expect(await wallet.isSpentBy(outputId)).toBeUndefined();
    const cumulative = 100_000n;
    const message = voucherMessage(tangle.networkId, outputId, cumulative);
    const unlock = {
      kind: 'channel-claim',
      secretKey: payee.secretKey,
      cumulative,
      voucherSignature: signEd25519(payer.secretKey, message),
    } as const;
    const provider = new Wallet({ networkId: tangle.networkId, params: tangle.params }, tangle);
    const inputs = [{ outputId, output, unlock }];
    const paid = { kind: 'basic', amount: cumulative, address: output.payee } as const;
    const outputs = [...claimRefunds(inputs), paid];
    const claim = await provider.sendTransaction({ from: [], inputs, outputs });
    await until(async () => (await wallet.view()).balance === '900000');
    expect((await lines())[0]).toMatchObject({
      kind: 'channel-closed',
      amount: '200000',
      transactionId: claim.transactionId,
    });
    expect(await wallet.isSpentBy(outputId)).toMatchObject({
      transactionId: claim.transactionId,
    });
  });

  it('come back whole when they expire', async () => {
    confirmAlways();
    const output = channel(300_000n, Math.floor(Date.now() / 1_000) + 2);
    const { transactionId, outputIndex } = await wallet.fund(output);
    const channelId = `${transactionId}${outputIndex.toString(16).padStart(2, '0')}00` as never;
    await until(() => Date.now() / 1_000 > output.expiry);
    await wallet.refundChannel({ channelId, output });
    await until(async () => (await wallet.view()).balance === `${FUNDS}`);
    expect((await lines())[0]).toMatchObject({ kind: 'channel-closed', amount: '300000' });
  });

  it('get refund addresses that nobody had', () => {
    const first = wallet.refundAddress();
    expect(wallet.refundAddress()).not.toBe(first);
    expect(hexToBytes(first)).toHaveLength(32);
  });
});
