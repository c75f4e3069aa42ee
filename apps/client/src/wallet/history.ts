/**
 * What came and went: one line for each payment that this client made, and one for each payment
 * that the ledger shows and no line explains yet. Before: wallet-service.ts; after: store.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import {
  type Address,
  type OutputId,
  splitOutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { encodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import { type Transaction, transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { z } from 'zod';
import { type WalletLine, walletLines } from '../store/collections.ts';
import {
  type Collection,
  orderedKey,
  type SealedBatch,
  type SealedStore,
} from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { CoinScan } from './coin-scan.ts';

/** Outputs that a line accounts for; the key is opaque. */
const SEEN_PREFIX = 'wallet/seen/';
const seenOutputs: Collection<Record<string, never>> = {
  bucket: 'state',
  schema: z.strictObject({}),
};

export interface HistoryDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly node: Pick<NodeClient, 'output' | 'includedBlock'>;
  readonly hasher: Hasher;
  /** Whether an address is one of ours. */
  readonly isOurs: (address: Address) => boolean;
  /** Turns an address into the text that people know. */
  readonly addressText: (address: Address) => string;
}

/** One line with its key. */
export interface HistoryItem {
  readonly id: string;
  readonly line: WalletLine;
}

export class WalletHistory {
  readonly #deps: HistoryDeps;
  readonly #transactions = new Set<string>();
  readonly #seen = new Set<string>();
  #next = 1;

  private constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  static async load(deps: HistoryDeps): Promise<WalletHistory> {
    const history = new WalletHistory(deps);
    for await (const { key, value } of deps.store.scan(walletLines)) {
      if (value.transactionId !== undefined) history.#transactions.add(value.transactionId);
      history.#next = Number(key) + 1;
    }
    for await (const { key } of deps.store.scan(seenOutputs, { prefix: SEEN_PREFIX })) {
      history.#seen.add(key);
    }
    return history;
  }

  /** Lines before the line with id `before`, newest first. */
  async list(limit: number, before?: string): Promise<HistoryItem[]> {
    const items: HistoryItem[] = [];
    const range = before === undefined ? {} : { before: orderedKey(Number(before)) };
    const options = { ...range, reverse: true, limit };
    for await (const { key, value } of this.#deps.store.scan(walletLines, options)) {
      items.push({ id: `${Number(key)}`, line: value });
    }
    return items;
  }

  /** Adds a line to a batch; the caller holds the write lock. The key finds the line again. */
  add(batch: SealedBatch, line: WalletLine): string {
    const key = orderedKey(this.#next);
    this.#next += 1;
    if (line.transactionId !== undefined) this.#transactions.add(line.transactionId);
    batch.put(walletLines, key, line);
    return key;
  }

  /** Notes what became of the transaction of a line. */
  settle(batch: SealedBatch, key: string, change: Partial<WalletLine>): void {
    const line = this.#deps.store.get(walletLines, key);
    if (line !== undefined) batch.put(walletLines, key, { ...line, ...change });
  }

  /** Takes a line back whose transaction never left this machine. */
  remove(batch: SealedBatch, key: string, transactionId: string): void {
    this.#transactions.delete(transactionId);
    batch.del('walletHistory', key);
  }

  /**
   * Explains what a scan found: payments from others, and after a restore also our own of an
   * earlier life. Times and milestones of lines are the node's words; the money in the balance is
   * proven.
   */
  async explain(scan: CoinScan, signal: AbortSignal): Promise<void> {
    for (const { outputId } of scan.spent) await this.#explainSpent(outputId, signal);
    const all = [...scan.coins, ...scan.spent];
    for (const { outputId } of all) await this.#explainReceived(outputId, signal);
  }

  async #explainSpent(outputId: OutputId, signal: AbortSignal): Promise<void> {
    if (this.#isSeen(outputId, 'spent')) return;
    const { spent } = await this.#deps.node.output(outputId, { signal });
    if (spent === undefined) return;
    const { transactionId, milestoneIndex, milestoneTimestamp } = spent;
    const transaction = await this.#transaction(transactionId, signal);
    const line =
      transaction === undefined || this.#transactions.has(transactionId)
        ? undefined
        : this.#spendingLine(transaction);
    await this.#note(
      outputId,
      'spent',
      line && {
        ...line,
        atMs: milestoneTimestamp,
        transactionId,
        milestoneIndex,
      },
    );
  }

  /** What a transaction of ours paid to others. */
  #spendingLine(transaction: Transaction): Pick<WalletLine, 'kind' | 'amount' | 'detail'> {
    const foreign = transaction.outputs.filter(
      (output) => output.kind !== 'basic' || !this.#deps.isOurs(output.address),
    );
    const amount = `${foreign.reduce((sum, output) => sum + output.amount, 0n)}`;
    const [first] = foreign;
    if (first?.kind === 'channel') {
      return { kind: 'channel-opened', amount, detail: this.#deps.addressText(first.payee) };
    }
    const to = first?.kind === 'validator-bond' ? first.owner : first?.address;
    const detail = to === undefined ? 'to ourselves' : this.#deps.addressText(to);
    return { kind: 'sent', amount, detail };
  }

  async #explainReceived(outputId: OutputId, signal: AbortSignal): Promise<void> {
    if (this.#isSeen(outputId, 'received')) return;
    const { transactionId } = splitOutputId(outputId);
    if (this.#transactions.has(transactionId)) {
      await this.#note(outputId, 'received', undefined);
      return;
    }
    const info = await this.#deps.node.output(outputId, { signal });
    const transaction = await this.#transaction(transactionId, signal);
    const isClaim = transaction?.unlocks.some((unlock) => unlock.kind === 'channel-claim') === true;
    await this.#note(outputId, 'received', {
      atMs: info.milestoneTimestampBooked,
      kind: isClaim ? 'channel-closed' : 'received',
      amount: info.output.amount,
      detail: info.output.kind === 'basic' ? this.#deps.addressText(info.output.address) : '',
      transactionId,
      milestoneIndex: info.milestoneIndexBooked,
    });
  }

  /** The applied transaction, its bytes held to its id; undefined for outputs of the genesis. */
  async #transaction(id: TransactionId, signal: AbortSignal): Promise<Transaction | undefined> {
    try {
      const bytes = await this.#deps.node.includedBlock(id, { signal });
      const block = decodeBlock(bytes);
      const payload = block.ok ? block.value.payload : null;
      if (payload?.kind !== 'transaction') return undefined;
      const found = transactionIdOf(encodePayload(payload), this.#deps.hasher);
      return found === id ? payload : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #seenKey(outputId: OutputId, side: 'received' | 'spent'): string {
    return `${SEEN_PREFIX}${this.#deps.store.opaque(`${side} ${outputId}`)}`;
  }

  #isSeen(outputId: OutputId, side: 'received' | 'spent'): boolean {
    return this.#seen.has(this.#seenKey(outputId, side));
  }

  async #note(
    outputId: OutputId,
    side: 'received' | 'spent',
    line: WalletLine | undefined,
  ): Promise<void> {
    const { store, writes } = this.#deps;
    const key = this.#seenKey(outputId, side);
    await writes.run(async () => {
      const batch = store.batch().put(seenOutputs, key, {});
      if (line !== undefined) this.add(batch, line);
      await batch.write();
    });
    this.#seen.add(key);
  }
}
