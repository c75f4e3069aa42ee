/**
 * The account's tokens: what it holds, proven; payments; channels for rentals. Before: the local
 * API and rentals; after: ledger-watch.ts, payments.ts. Spec: docs/spec/41-client-api.md, "Wallet".
 */
import type { Address, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { BasicOutput, ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { formatWalletAddress, readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { isTransient } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { SentTransaction } from '@tanglemail/tangle/io/node-client/wallet.ts';
import type { ChannelFunder } from '@tanglemail/mail/io/provider/open-channel.ts';
import type { Account } from '../account/account.ts';
import type {
  ClientEventDto,
  PageQueryDto,
  SendTokensDto,
  SentTokensDto,
  WalletDto,
  WalletLineDto,
} from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { pause } from '../pause.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { CoinScan } from './coin-scan.ts';
import { WalletHistory } from './history.ts';
import { KeyRing } from './key-ring.ts';
import { balanceOf, LedgerWatch } from './ledger-watch.ts';
import { type Intent, Payments, type PaymentTangle } from './payments.ts';
import { PendingTransactions } from './pending.ts';

export interface WalletServiceDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: PaymentTangle;
  readonly events: { emit(event: ClientEventDto): void };
  readonly logger: Logger;
}

/** A channel whose time is over and whose money nobody claimed. */
export interface ExpiredChannel {
  readonly channelId: OutputId;
  readonly output: ChannelOutput;
}

/** Who spent an output. */
export interface Spending {
  readonly transactionId: TransactionId;
  readonly milestoneIndex: number;
}

/** Between two looks at the ledger while milestones come quickly, and when none is announced. */
const LEAST_REST_MS = 1_000;
const GREATEST_REST_MS = 30_000;
const MAX_AMOUNT = 0xffff_ffff_ffff_ffffn;

export class WalletService implements ChannelFunder {
  readonly #deps: WalletServiceDeps;
  readonly #ring: KeyRing;
  readonly #history: WalletHistory;
  readonly #pending: PendingTransactions;
  readonly #watch: LedgerWatch;
  readonly #payments: Payments;
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Keys of the change of payments that this process makes now. */
  readonly #openChanges = new Set<number>();
  /** Wake the loops. */
  readonly #rings = new Set<() => void>();

  private constructor(
    deps: WalletServiceDeps,
    parts: { ring: KeyRing; history: WalletHistory; pending: PendingTransactions },
  ) {
    const { ring, history, pending } = parts;
    const { tangle, logger, events } = deps;
    const { signal } = this.#abort;
    this.#deps = deps;
    this.#ring = ring;
    this.#history = history;
    this.#pending = pending;
    const onBalance = (balance: bigint): void =>
      events.emit({ topic: 'wallet', data: { balance: `${balance}` } });
    this.#watch = new LedgerWatch({ tangle, ring, history, pending, onBalance, signal });
    this.#payments = new Payments({ tangle, pending, logger, signal });
  }

  static async open(deps: WalletServiceDeps): Promise<WalletService> {
    const { account, store, writes, tangle } = deps;
    const { hasher, node } = tangle;
    const ring = new KeyRing({ keys: account.keys, store, writes, hasher });
    const history = await WalletHistory.load({
      store,
      writes,
      node,
      hasher,
      isOurs: (address) => ring.indexOf(address) !== undefined,
      addressText: (address) => formatWalletAddress(address, account.network),
    });
    const pending = await PendingTransactions.load({ store, writes, history });
    return new WalletService(deps, { ring, history, pending });
  }

  /** Starts to watch the ledger, and goes on with payments that a crash left open. */
  start(): void {
    this.#keep(this.#loop(() => this.#payments.resume()));
    this.#keep(this.#loop(() => this.#watch.look()));
  }

  /** Ends what is under way; payments that are open go on at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the wallet stops'));
    await Promise.allSettled(this.#running);
  }

  /** Something happened on the ledger: look soon. */
  wake(): void {
    for (const ring of this.#rings) ring();
  }

  #keep(task: Promise<unknown>): void {
    const ended = task.finally(() => this.#running.delete(ended));
    this.#running.add(ended);
    ended.catch(() => undefined);
  }

  async #loop(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      // A ring while the work or the least rest goes on is not lost.
      let isWoken = false;
      let wake = (): void => {
        isWoken = true;
      };
      const ring = (): void => wake();
      this.#rings.add(ring);
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) this.#deps.logger.debug(errorFields(error), 'wallet: trying again');
      }
      await pause(LEAST_REST_MS, signal);
      if (!isWoken) {
        await pause(GREATEST_REST_MS, signal, (end) => {
          wake = end;
        });
      }
      this.#rings.delete(ring);
    }
  }

  /** What is known without asking the node. */
  summary(): { balance: string | null; address: string } {
    const { latest } = this.#watch;
    return {
      balance: latest === undefined ? null : `${balanceOf(latest.coins)}`,
      address: this.#addressText(this.#ring.key(this.#ring.receiveIndex).address),
    };
  }

  /** Looks anew; shows what was known last while the node is out of reach. */
  async view(): Promise<WalletDto> {
    const { coins, asOf } = await this.#look();
    const { address } = this.summary();
    return { balance: `${balanceOf(coins)}`, address, asOf, pending: `${this.#pending.total()}` };
  }

  async #look(): Promise<CoinScan> {
    try {
      return await this.#watch.look();
    } catch (error) {
      const { latest } = this.#watch;
      if (latest === undefined || !isTransient(error)) throw error;
      return latest;
    }
  }

  /** Newest first. */
  async history({ limit, before }: PageQueryDto): Promise<WalletLineDto[]> {
    const items = await this.#history.list(limit, before);
    return items.map(({ id, line }) => Object.assign({ id }, line));
  }

  /**
   * Pays, and resolves as soon as the payment is in a block or can no longer be lost; it is watched
   * on. Throws `address-invalid`, `amount-invalid` and what the wallet library and the node throw.
   */
  async send(request: SendTokensDto): Promise<SentTokensDto> {
    const address = this.#parseAddress(request.to);
    const amount = BigInt(request.amount);
    if (amount > MAX_AMOUNT) throw new ClientError('amount-invalid', request.amount);
    const { promise, resolve, reject } = Promise.withResolvers<SentTokensDto>();
    const output: BasicOutput = { kind: 'basic', amount, address };
    const detail = this.#addressText(address);
    const intent = { kind: 'sent', amount, detail, onAccepted: resolve } as const;
    // A failure after the answer changes nothing here: the payment stays on the disk until decided.
    this.#keep(this.#pay(output, intent).catch(reject));
    return await promise;
  }

  /**
   * Puts money into a channel and resolves when a milestone has applied it. After a crash the
   * payment goes on by itself; the channel is then found by its refund address.
   */
  async fund(
    output: ChannelOutput,
  ): Promise<{ readonly transactionId: TransactionId; readonly outputIndex: number }> {
    const detail = this.#addressText(output.payee);
    const intent = { kind: 'channel-opened', amount: output.amount, detail } as const;
    const { transactionId, transaction } = await this.#pay(output, intent);
    return { transactionId, outputIndex: transaction.outputs.indexOf(output) };
  }

  /** A fresh address for what comes back from a channel. */
  refundAddress(): Address {
    return this.#ring.key(this.#ring.take()).address;
  }

  /** Whether a payment into a channel with this refund address waits for its milestone. */
  isFunding(refundAddress: Address): boolean {
    return this.#pendingTransactions().some(({ outputs }) =>
      outputs.some((one) => one.kind === 'channel' && one.refundAddress === refundAddress),
    );
  }

  /** Whether a payment that spends this output waits for its milestone. */
  isSpending(outputId: OutputId): boolean {
    return this.#pendingTransactions().some(({ inputs }) => inputs.includes(outputId));
  }

  #pendingTransactions(): Transaction[] {
    const all = this.#pending.list().map((record) => this.#pending.transactionOf(record));
    return all.filter((one) => one !== undefined);
  }

  /**
   * Takes the whole deposit of an expired channel back to a fresh key and resolves when a milestone
   * has applied it. Throws `channel-not-ready` when the refund address is not ours.
   */
  async refundChannel(channel: ExpiredChannel): Promise<TransactionId> {
    const { channelId: outputId, output } = channel;
    const { amount, refundAddress } = output;
    const owner = this.#ring.indexOf(refundAddress);
    if (owner === undefined) throw new ClientError('channel-not-ready', 'no key of its refund');
    const changeIndex = this.#ring.take();
    const unlock = { kind: 'signature', secretKey: this.#ring.key(owner).secretKey } as const;
    const request = {
      from: [],
      inputs: [{ outputId, output, unlock }],
      outputs: [{ kind: 'basic', amount, address: this.#ring.key(changeIndex).address } as const],
    };
    const intent: Intent = { kind: 'channel-closed', amount, detail: 'expired', changeIndex };
    const { transactionId } = await this.#payments.pay(request, intent);
    this.wake();
    return transactionId;
  }

  /** Who spent an output, as the node says; undefined while it is unspent. */
  async isSpentBy(outputId: OutputId): Promise<Spending | undefined> {
    const { spent } = await this.#deps.tangle.node.output(outputId);
    if (spent === undefined) return undefined;
    return { transactionId: spent.transactionId, milestoneIndex: spent.milestoneIndex };
  }

  /** Pays one output from all coins; the change goes to a key that nobody has seen. */
  async #pay(
    output: BasicOutput | ChannelOutput,
    intent: Omit<Intent, 'changeIndex'>,
  ): Promise<SentTransaction> {
    const changeIndex = this.#ring.take();
    this.#openChanges.add(changeIndex);
    try {
      const { coins } = await this.#watch.look();
      const withCoins = coins.map((coin) => coin.keyIndex);
      // The change of payments under way counts: the wallet library waits for it when it must.
      const changes = [...this.#openChanges, ...this.#pending.list().map((one) => one.changeIndex)];
      const payers = new Set([changeIndex, ...withCoins, ...changes]);
      const from = Array.from(payers, (index) => this.#ring.key(index).secretKey);
      const request = { from, outputs: [output] };
      return await this.#payments.pay(request, { ...intent, changeIndex });
    } finally {
      this.#openChanges.delete(changeIndex);
      this.wake();
    }
  }

  #parseAddress(text: string): Address {
    const parsed = readAddress(text, this.#deps.account.network);
    if (parsed.ok) return parsed.value;
    const { code, detail } = parsed;
    throw new ClientError('address-invalid', detail === undefined ? code : `${code}, ${detail}`);
  }

  #addressText(address: Address): string {
    return formatWalletAddress(address, this.#deps.account.network);
  }
}
