/**
 * Transactions under way. Each is on the disk before its block leaves for the node, so that after a
 * crash it goes on with the same inputs: it is paid once or not at all, never twice.
 * Before: wallet-service.ts; after: store.
 */
import { hexToBytes, bytesToHex, type TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodePayload, encodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { z } from 'zod';
import type { WalletLine } from '../store/collections.ts';
import type { Collection, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { WalletHistory } from './history.ts';

const pendingTransactions = {
  bucket: 'pendingTransaction',
  schema: z.strictObject({
    transactionId: z.string().regex(/^[0-9a-f]{64}$/),
    /** The payload as it stands in blocks. */
    bytes: z.string().regex(/^(?:[0-9a-f]{2})+$/),
    /** Key of its line in the history. */
    lineKey: z.string().max(32),
    /** Base units that leave the wallet. */
    amount: z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/),
    /** Key that the change goes to. */
    changeIndex: z.int().min(0),
  }),
} as const satisfies Collection<unknown>;

export type PendingTransaction = ReturnType<typeof pendingTransactions.schema.parse>;

/** How a transaction ended. */
export type Settlement =
  | { readonly kind: 'confirmed'; readonly milestoneIndex: number }
  | { readonly kind: 'refused'; readonly reason: string }
  /** No block with it has left this machine. */
  | { readonly kind: 'never-sent' };

export interface PendingDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly history: WalletHistory;
}

export class PendingTransactions {
  readonly #deps: PendingDeps;
  readonly #byId = new Map<string, PendingTransaction>();

  private constructor(deps: PendingDeps) {
    this.#deps = deps;
  }

  static async load(deps: PendingDeps): Promise<PendingTransactions> {
    const pending = new PendingTransactions(deps);
    for await (const { value } of deps.store.scan(pendingTransactions)) {
      pending.#byId.set(value.transactionId, value);
    }
    return pending;
  }

  list(): PendingTransaction[] {
    return [...this.#byId.values()];
  }

  /** Base units on their way out. */
  total(): bigint {
    return this.list().reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  }

  /** Writes a transaction and its line before anything is sent. */
  async add(
    transactionId: TransactionId,
    transaction: Transaction,
    line: Omit<WalletLine, 'transactionId'>,
    changeIndex: number,
  ): Promise<void> {
    const { store, writes, history } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      const lineKey = history.add(batch, { ...line, transactionId });
      const record: PendingTransaction = {
        transactionId,
        bytes: bytesToHex(encodePayload(transaction)),
        lineKey,
        // What a refund moves comes to us.
        amount: line.kind === 'channel-closed' ? '0' : line.amount,
        changeIndex,
      };
      batch.put(pendingTransactions, store.opaque(transactionId), record);
      await batch.write();
      this.#byId.set(transactionId, record);
    });
  }

  /** The transaction of a record; undefined when its bytes do not decode any more. */
  transactionOf(record: PendingTransaction): Transaction | undefined {
    const payload = decodePayload(hexToBytes(record.bytes));
    return payload.ok && payload.value.kind === 'transaction' ? payload.value : undefined;
  }

  /** Ends a transaction: its line tells how. An ended one stays as it is. */
  async settle(transactionId: string, settlement: Settlement): Promise<void> {
    const { store, writes, history } = this.#deps;
    await writes.run(async () => {
      const record = this.#byId.get(transactionId);
      if (record === undefined) return;
      const { lineKey } = record;
      const batch = store.batch().del('pendingTransaction', store.opaque(transactionId));
      if (settlement.kind === 'never-sent') history.remove(batch, lineKey, transactionId);
      else if (settlement.kind === 'refused') {
        history.settle(batch, lineKey, { detail: `not paid: ${settlement.reason}` });
      } else history.settle(batch, lineKey, { milestoneIndex: settlement.milestoneIndex });
      await batch.write();
      this.#byId.delete(transactionId);
    });
  }
}
