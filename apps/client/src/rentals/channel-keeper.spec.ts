/**
 * Channels on a small real ledger: opened once, found again after a crash at any write, replaced
 * when they are used up or near their end, refunded when nobody claims them.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refundDeposit } from '@tanglemail/tangle/core/block/deposit.ts';
import type { Address, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { addressFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { publicKeyOf, signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { claimRefunds } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import {
  addressOf,
  POOR_KEY,
  RICH_KEY,
} from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { noteSigned } from '@tanglemail/mail/core/market/channel-states.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { walletFunder } from '@tanglemail/mail/io/provider/open-channel.ts';
import type { Rental } from '../store/collections.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { person } from '../testing/people.ts';
import { SmallTangle } from '../testing/small-tangle.ts';
import { ChannelKeeper, channelRoom, type ChannelWallet } from './channel-keeper.ts';
import { RentalBook } from './rental-book.ts';

const BOND = '05'.repeat(32);
const DAY = 86_400;
/** The payee's key in these specs. */
const PAYEE_KEY = POOR_KEY;

let tangle: SmallTangle;
let funded: number;

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
  funded = 0;
});

afterEach(() => tangle.stop());

/** Pays from the rich key; `pending` are payments as the wallet's records would show them. */
class SpecWallet implements ChannelWallet {
  readonly pending = new Set<Address>();
  readonly refunds: OutputId[] = [];
  /** Stands in for the wallet of a process that was killed while it paid. */
  onFund: (output: ChannelOutput) => Promise<void> = async () => {};
  readonly #wallet: Wallet;
  #key = new Uint8Array(32);

  constructor() {
    const { networkId, params, node, issuer, checker, hasher, clock } = tangle.access;
    this.#wallet = new Wallet({ networkId, params }, { node, issuer, checker, hasher, clock });
  }

  refundAddress(): Address {
    this.#key = crypto.getRandomValues(new Uint8Array(32));
    return addressOf(this.#key);
  }

  isFunding(address: Address): boolean {
    return this.pending.has(address);
  }

  isSpending(): boolean {
    return false;
  }

  async fund(
    output: ChannelOutput,
  ): Promise<{ transactionId: TransactionId; outputIndex: number }> {
    await this.onFund(output);
    funded += 1;
    return walletFunder(this.#wallet, [RICH_KEY]).fund(output);
  }

  async refundChannel(channel: {
    channelId: OutputId;
    output: ChannelOutput;
  }): Promise<TransactionId> {
    const { channelId, output } = channel;
    const secretKey = this.#key;
    const { transactionId } = await this.#wallet.sendTransaction({
      from: [],
      inputs: [{ outputId: channelId, output, unlock: { kind: 'signature', secretKey } }],
      outputs: [{ kind: 'basic', amount: output.amount, address: addressOf(RICH_KEY) }],
    });
    this.refunds.push(channelId);
    return transactionId;
  }

  /** The payee takes `cumulative` with a voucher of the payer's. */
  async claim(channelId: OutputId, output: ChannelOutput, voucher: Voucher): Promise<void> {
    const { cumulative, signature: voucherSignature } = voucher;
    const unlock = { kind: 'channel-claim', secretKey: PAYEE_KEY, cumulative, voucherSignature };
    const inputs = [{ outputId: channelId, output, unlock } as const] as never;
    const outputs = [
      { kind: 'basic' as const, amount: cumulative, address: addressOf(PAYEE_KEY) },
      ...claimRefunds(inputs),
    ];
    await this.#wallet.sendTransaction({ from: [], inputs, outputs });
  }
}

interface Voucher {
  readonly cumulative: bigint;
  readonly signature: Uint8Array;
}

interface Setting {
  readonly book: RentalBook;
  readonly keeper: ChannelKeeper;
  readonly wallet: SpecWallet;
}

async function setUp(disk: Disk = new Map(), cut?: PowerCut): Promise<Setting> {
  const store = sealedMemoryStore(memoryStore(disk, cut).store);
  const { account, writes } = await person(1, store, tangle.access);
  const book = await RentalBook.load({ account, store, writes });
  const wallet = new SpecWallet();
  const keeper = new ChannelKeeper({
    tangle: tangle.access,
    book,
    wallet,
    logger: SILENT_LOGGER,
  });
  return { book, keeper, wallet };
}

/** As much of an offer as a channel needs. */
function offerWith(more: Partial<Offer> = {}): Offer {
  const payee = addressFromBytes(nobleHasher.blake2b256(publicKeyOf(PAYEE_KEY)));
  const base = { bondId: new Uint8Array(32).fill(5), payee, minChannel: 100n };
  return { ...base, minTtl: 7 * DAY, maxTtl: 180 * DAY, ...more } as Offer;
}

const wish = (wanted: bigint, deposit = 50_000n) => ({ wanted, deposit, offer: () => offerWith() });

const begin = ({ book }: Setting): Promise<Rental> => book.begin(BOND, 'http://p.example', 30);

const statesOf = ({ book }: Setting): string[] =>
  book.channels(book.get(BOND)!).map((one) => one.channel.state);

describe('ensure', () => {
  it('opens one channel, however many ask for it at once', async () => {
    const one = await setUp();
    await begin(one);
    const asked = [one.keeper.ensure(BOND, wish(10_000n)), one.keeper.ensure(BOND, wish(10_000n))];
    const [first, second] = await Promise.all(asked);
    expect(first).toEqual(second);
    expect(funded).toBe(1);
    expect(channelRoom(first!)).toBe(50_000n);
    const { output } = await tangle.access.node.output(first!.channelId!);
    const reserve = refundDeposit(tangle.access.params);
    expect(output).toMatchObject({ kind: 'channel', amount: `${50_000n + reserve}` });
  });

  it('opens another one when the first is nearly used up, or near its end', async () => {
    const one = await setUp();
    await begin(one);
    const first = await one.keeper.ensure(BOND, wish(10_000n));
    await one.book.changeChannel(BOND, first.keyIndex, (known) => noteSigned(known, 49_500n));
    const small = await one.keeper.ensure(BOND, wish(4_000n));
    expect(small.keyIndex).toBe(first.keyIndex);
    const second = await one.keeper.ensure(BOND, wish(10_000n));
    expect(second.keyIndex).not.toBe(first.keyIndex);
    tangle.aheadMs = 59 * DAY * 1_000;
    const before = funded;
    await expect(one.keeper.ensure(BOND, wish(10_000n))).rejects.toThrow();
    expect(funded).toBe(before + 1);
  });

  it('channel-too-small: never deposits less than the offer takes', async () => {
    const one = await setUp();
    await begin(one);
    const offer = (): Offer => offerWith({ minChannel: 80_000n });
    const channel = await one.keeper.ensure(BOND, { wanted: 1n, deposit: 1n, offer });
    expect(channel.amount).toBe(80_000n);
  });

  it('uses up no keys and keeps no heap of records for what was never sent', async () => {
    const one = await setUp();
    await begin(one);
    one.wallet.onFund = async () => {
      throw new Error('insufficient-funds');
    };
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(one.keeper.ensure(BOND, wish(1n))).rejects.toThrow('insufficient-funds');
      expect(statesOf(one)).toEqual(['draft']);
    }
    one.wallet.onFund = async () => {};
    const { keyIndex } = await one.keeper.ensure(BOND, wish(1n));
    expect(statesOf(one)).toEqual(['open']);
    expect([keyIndex, await one.book.nextChannelIndex()]).toEqual([0, 1]);
  });

  it('channel-not-ready: waits for a deposit on its way, and takes that channel', async () => {
    const one = await setUp();
    await begin(one);
    const paid: ChannelOutput[] = [];
    one.wallet.onFund = async (output) => {
      paid.push(output);
      one.wallet.pending.add(output.refundAddress);
      throw new Error('timed out');
    };
    await expect(one.keeper.ensure(BOND, wish(1n))).rejects.toThrow('timed out');
    one.wallet.onFund = async () => {};
    await expect(one.keeper.ensure(BOND, wish(1n))).rejects.toMatchObject({
      code: 'channel-not-ready',
    });
    expect(funded).toBe(0);
    // The wallet goes on by itself; its payment is applied in the end.
    await one.wallet.fund(paid[0]!);
    one.wallet.pending.clear();
    const found = await one.keeper.ensure(BOND, wish(1n));
    expect(found.state).toBe('open');
    expect(funded).toBe(1);
    expect(statesOf(one)).toEqual(['open']);
  });

  it('pays once, whatever write the power goes at', async () => {
    for (let atWrite = 0; atWrite < 4; atWrite += 1) {
      for (const isApplied of [false, true]) {
        funded = 0;
        const disk: Disk = new Map();
        await begin(await setUp(disk));
        const cut = await setUp(disk, { atWrite, isApplied });
        await cut.keeper.ensure(BOND, wish(1_000n)).catch(() => undefined);
        const restarted = await setUp(disk);
        const channel = await restarted.keeper.ensure(BOND, wish(1_000n));
        const facts = [atWrite, isApplied];
        expect([facts, funded, channel.state]).toEqual([facts, 1, 'open']);
        expect([facts, statesOf(restarted)]).toEqual([facts, ['open']]);
      }
    }
  });
});

describe('follow', () => {
  /** An open channel whose output expires in `seconds`, and its output. */
  async function opened(one: Setting, seconds: number) {
    await begin(one);
    const offer = (): Offer => offerWith({ minTtl: 0, maxTtl: seconds });
    const channel = await one.keeper.ensure(BOND, { wanted: 1n, deposit: 5_000n, offer });
    const id = channel.channelId!;
    const proof = await tangle.access.node.outputProof(id);
    const { output } = await tangle.access.checker.unspent(id, proof);
    return { channel, id, output: output as ChannelOutput };
  }

  it('notes a claim only when a milestone proves it', async () => {
    const one = await setUp();
    const { channel, id, output } = await opened(one, 100 * DAY);
    const cumulative = 3_000n;
    const message = voucherMessage(tangle.access.networkId, id, cumulative);
    const { secretKey } = one.book.channelKeys(channel.keyIndex);
    const { intercept } = tangle.node;
    // A node that only says that the channel was spent must not make us forget a deposit.
    tangle.node.intercept = (method, path) => {
      const spent = {
        transactionId: 'ab'.repeat(32),
        milestoneIndex: 1,
        milestoneTimestamp: Date.now(),
      };
      const isAsked = path.endsWith(`/outputs/${id}`);
      const base = { outputId: id, outputBytes: '00', blockId: 'cd'.repeat(32) };
      const booked = { milestoneIndexBooked: 1, milestoneTimestampBooked: 1, ledgerIndex: 1 };
      const lie = { ...base, ...booked, output: { kind: 'basic' }, spent };
      return isAsked ? { status: 200, body: lie } : intercept(method, path);
    };
    await one.keeper.follow();
    expect(statesOf(one)).toEqual(['open']);
    tangle.node.intercept = intercept;
    await one.wallet.claim(id, output, { cumulative, signature: signEd25519(secretKey, message) });
    await one.keeper.follow();
    expect(statesOf(one)).toEqual(['closed']);
    await one.keeper.follow();
    expect(one.wallet.refunds).toEqual([]);
  });

  it('takes the deposit back when nobody claimed it in time', async () => {
    const one = await setUp();
    const { id } = await opened(one, DAY);
    await one.keeper.follow();
    tangle.pass((DAY + 1) * 1_000);
    // Only the time of a milestone counts.
    await tangle.access.issuer.issueAndConfirm(null);
    await one.keeper.follow();
    expect(one.wallet.refunds).toEqual([id]);
    expect(statesOf(one)).toEqual(['refunded']);
    await one.keeper.follow();
    expect(one.wallet.refunds).toEqual([id]);
  });

  it('looks at the other channels though one cannot be looked at', async () => {
    const one = await setUp();
    await begin(one);
    await one.book.putChannel(BOND, {
      channel: {
        state: 'open',
        bondId: BOND,
        keyIndex: 77,
        channelId: `${'ab'.repeat(32)}0000` as OutputId,
        amount: 9n,
        reserve: 1n,
        expiry: 4_000_000_000,
        signed: 0n,
        acknowledged: 0n,
      },
      refundAddress: addressOf(RICH_KEY),
      createdAtMs: 0,
    });
    await expect(one.keeper.follow()).resolves.toBeUndefined();
    expect(statesOf(one)).toEqual(['open']);
  });
});

describe('the book', () => {
  it('pays from one record for all: vouchers never go back', async () => {
    const one = await setUp();
    await begin(one);
    const { keyIndex } = await one.keeper.ensure(BOND, wish(1n));
    const [a, b] = [one.book.purse(BOND, keyIndex), one.book.purse(BOND, keyIndex)];
    const stale = b.channel();
    await a.save({ ...a.channel(), signed: 300n, acknowledged: 300n });
    await one.book.changeChannel(BOND, keyIndex, (known) => ({ ...known, state: 'closing' }));
    await b.save({ ...stale, signed: 200n });
    expect(b.channel()).toMatchObject({ signed: 300n, acknowledged: 300n, state: 'closing' });
  });

  it('never forgets a channel that holds money', async () => {
    const one = await setUp();
    await begin(one);
    const { channel } = one.book.channels(
      await one.keeper.ensure(BOND, wish(1n)).then(() => one.book.get(BOND)!),
    )[0]!;
    for (let keyIndex = 1; keyIndex < 100; keyIndex += 1) {
      const state = keyIndex < 60 ? ('closed' as const) : ('open' as const);
      const record = { channel: { ...channel, keyIndex, state }, refundAddress: 'aa' };
      const put = one.book.putChannel(BOND, { ...record, createdAtMs: 0 });
      await put.catch(() => undefined);
    }
    const kept = one.book.channels(one.book.get(BOND)!);
    expect(kept.every((record) => record.channel.state === 'open')).toBe(false);
    expect(kept.filter((record) => record.channel.state === 'open')).toHaveLength(41);
  });
});
