/**
 * Payments under way: each is on the disk before its block leaves, is watched until a milestone has
 * decided it, and goes on after a crash or a bad line. Before: wallet-service.ts; after:
 * pending.ts, tangle/io/node-client/wallet.ts. Spec: docs/spec/41-client-api.md, "Wallet".
 */
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import { encodePayload, type Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { type Transaction, transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { PowProgress } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type {
  ConfirmOptions,
  IssuedBlock,
  IssueOptions,
} from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { isNotFound, isTransient } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { CallOptions, OutputsFilter } from '@tanglemail/tangle/io/node-client/node-client.ts';
import {
  type SendRequest,
  type SentTransaction,
  Wallet,
  WalletError,
} from '@tanglemail/tangle/io/node-client/wallet.ts';
import type { SentTokensDto } from '../api/dto.ts';
import type { WalletLine } from '../store/collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { PendingTransaction, PendingTransactions } from './pending.ts';

/** Why a transaction is made: its line in the history, and the key of its change. */
export interface Intent {
  readonly kind: WalletLine['kind'];
  readonly amount: bigint;
  readonly detail: string;
  readonly changeIndex: number;
  /** Called once the payment is in a block, or may be in one and is followed from the disk. */
  readonly onAccepted?: (sent: SentTokensDto) => void;
}

export type PaymentTangle = Pick<
  TangleAccess,
  'networkId' | 'params' | 'node' | 'checker' | 'issuer' | 'hasher' | 'clock'
>;

export interface PaymentsDeps {
  readonly tangle: PaymentTangle;
  readonly pending: PendingTransactions;
  readonly logger: Logger;
  /** Aborts when the wallet stops. */
  readonly signal: AbortSignal;
}

interface Attempt {
  readonly intent: Intent;
  /** Once the transaction is built. */
  transactionId?: string;
}

export class Payments {
  readonly #deps: PaymentsDeps;
  readonly #wallet: Wallet<PowProgress>;
  /** By the first output, the object itself, which the library hands through to the issuer. */
  readonly #attempts = new WeakMap<Output, Attempt>();
  /** Transactions that somebody watches at present. */
  readonly #watched = new Set<string>();

  constructor(deps: PaymentsDeps) {
    this.#deps = deps;
    const { networkId, params, node, checker, hasher, clock, issuer } = deps.tangle;
    const issue = (payload: Payload | null, options?: IssueOptions<PowProgress>) =>
      this.#issue(payload, options);
    const awaitConfirmation = (issued: IssuedBlock, options?: ConfirmOptions<PowProgress>) =>
      issuer.awaitConfirmation(issued, options);
    const freeOutputs = (filter: OutputsFilter, options?: CallOptions) =>
      this.#freeOutputs(filter, options);
    const outputProof = (id: OutputId, options?: CallOptions) => node.outputProof(id, options);
    this.#wallet = new Wallet(
      { networkId, params },
      {
        node: { outputs: freeOutputs, outputProof },
        issuer: { issue, awaitConfirmation },
        checker,
        hasher,
        clock,
      },
    );
  }

  /** Resolves when a milestone has applied the payment. Throws as Wallet.sendTransaction. */
  async pay(
    request: Pick<SendRequest<PowProgress>, 'from' | 'outputs' | 'inputs'>,
    intent: Intent,
  ): Promise<SentTransaction> {
    const { pending, signal } = this.#deps;
    const [first] = request.outputs;
    if (first === undefined) throw new Error('broken invariant: a payment has an output');
    const attempt: Attempt = { intent };
    this.#attempts.set(first, attempt);
    try {
      const sent = await this.#wallet.sendTransaction({ ...request, signal });
      const { transactionId, milestoneIndex } = sent;
      await pending.settle(transactionId, { kind: 'confirmed', milestoneIndex });
      return sent;
    } catch (error) {
      const { transactionId } = attempt;
      if (transactionId !== undefined && error instanceof WalletError && isConflict(error)) {
        await pending.settle(transactionId, { kind: 'refused', reason: error.conflict ?? '' });
      }
      throw error;
    } finally {
      if (attempt.transactionId !== undefined) this.#watched.delete(attempt.transactionId);
    }
  }

  /** Goes on with every payment that nobody watches. */
  async resume(): Promise<void> {
    await Promise.all(this.#unwatched().map((record) => this.#resumeOne(record)));
  }

  #unwatched(): PendingTransaction[] {
    return this.#deps.pending.list().filter((one) => !this.#watched.has(one.transactionId));
  }

  /** Records the transaction, then lets the issuer work on it. */
  async #issue(
    payload: Payload | null,
    options: IssueOptions<PowProgress> = {},
  ): Promise<IssuedBlock> {
    const { tangle, pending } = this.#deps;
    const first = payload?.kind === 'transaction' ? payload.outputs[0] : undefined;
    const attempt = first && this.#attempts.get(first);
    if (payload?.kind !== 'transaction' || attempt === undefined) {
      throw new Error('broken invariant: every payment is an attempt');
    }
    const transactionId = transactionIdOf(encodePayload(payload), tangle.hasher);
    const { kind, amount, detail, changeIndex, onAccepted } = attempt.intent;
    const atMs = tangle.clock.nowMs();
    attempt.transactionId = transactionId;
    this.#watched.add(transactionId);
    const line = { atMs, kind, amount: `${amount}`, detail: detail.slice(0, 512) };
    await pending.add(transactionId, payload, line, changeIndex);
    let left: BlockId | undefined;
    const onSubmitting = (blockId: BlockId): void => {
      left = blockId;
      options.onSubmitting?.(blockId);
    };
    try {
      const issued = await tangle.issuer.issue(payload, { ...options, onSubmitting });
      onAccepted?.({ transactionId, blockId: issued.blockId });
      return issued;
    } catch (error) {
      // Whether a block that left arrived is open unless the node refused it.
      const isOpen = left !== undefined && (isTransient(error) || this.#deps.signal.aborted);
      if (isOpen && left !== undefined) onAccepted?.({ transactionId, blockId: left });
      else await pending.settle(transactionId, { kind: 'never-sent' });
      throw error;
    }
  }

  async #resumeOne(record: PendingTransaction): Promise<void> {
    const { pending, tangle, signal, logger } = this.#deps;
    const { transactionId } = record;
    const transaction = pending.transactionOf(record);
    if (transaction === undefined) return;
    this.#watched.add(transactionId);
    try {
      const included = await this.#includedIn(transaction);
      if (included !== undefined) {
        await pending.settle(transactionId, { kind: 'confirmed', milestoneIndex: included });
        return;
      }
      const { state, milestoneIndex, conflict } = await tangle.issuer.issueAndConfirm(transaction, {
        signal,
      });
      const settlement =
        state === 'included'
          ? ({ kind: 'confirmed', milestoneIndex } as const)
          : ({ kind: 'refused', reason: conflict ?? 'unknown' } as const);
      await pending.settle(transactionId, settlement);
    } catch (error) {
      if (!signal.aborted) logger.debug(errorFields(error), 'wallet: a payment is still open');
    } finally {
      this.#watched.delete(transactionId);
    }
  }

  /** The milestone that applied a transaction, proven; undefined while none has. */
  async #includedIn(transaction: Transaction): Promise<number | undefined> {
    const { node, checker, hasher } = this.#deps.tangle;
    const { signal } = this.#deps;
    const id = transactionIdOf(encodePayload(transaction), hasher);
    try {
      const blockId = blockIdOf(await node.includedBlock(id, { signal }), hasher);
      const proof = await node.blockProof(blockId, { signal });
      const { milestone, block, applied } = await checker.inclusion(blockId, proof);
      const { payload } = block;
      const isSame =
        payload !== null && transactionIdOf(encodePayload(payload), hasher) === id && applied;
      return isSame ? milestone.header.index : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Unspent outputs that no payment from before a restart wants to spend. */
  async *#freeOutputs(filter: OutputsFilter, options?: CallOptions): AsyncGenerator<OutputId> {
    const taken = new Set(
      this.#unwatched().flatMap((record) => this.#deps.pending.transactionOf(record)?.inputs ?? []),
    );
    for await (const id of this.#deps.tangle.node.outputs(filter, options)) {
      if (!taken.has(id)) yield id;
    }
  }
}

function isConflict(error: WalletError): boolean {
  return error.code === 'conflict';
}
