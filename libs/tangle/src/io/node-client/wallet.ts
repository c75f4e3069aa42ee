/**
 * Sends transactions: finds unspent outputs of the keys' addresses, proves each, builds, issues and
 * waits for the proven confirmation. An output that a pending transaction uses is not used again.
 * Used by faucet, provider and client. Before: their services; after: block-issuer.ts and
 * core/ledger/transaction-builder.ts. Spec: docs/spec/08-ledger.md, section 6.
 */
import { minimumAmount } from '../../core/block/deposit.ts';
import { addressFromBytes } from '../../core/codec/ids.ts';
import type { Address, BlockId, OutputId, TransactionId } from '../../core/codec/ids.ts';
import type { BasicOutput, Output } from '../../core/codec/output.ts';
import type { TaggedData } from '../../core/codec/tagged-data.ts';
import type { Transaction } from '../../core/codec/transaction.ts';
import { publicKeyOf } from '../../core/crypto/ed25519-strict.ts';
import type { ConflictName } from '../../core/ledger/conflict.ts';
import { buildTransaction, selectInputs } from '../../core/ledger/transaction-builder.ts';
import type { BuiltTransaction, TransactionInput } from '../../core/ledger/transaction-builder.ts';
import type { ErrorCode, Failure, Outcome } from '../../core/outcome.ts';
import { fail } from '../../core/outcome.ts';
import { MAX_INPUTS } from '../../core/params/limits.ts';
import type { NetworkParams } from '../../core/params/networks.ts';
import type { Clock, Hasher } from '../../core/ports.ts';
import type { BlockIssuer, Confirmation, ConfirmOptions } from './block-issuer.ts';
import { isNotFound, isTransient, NodeApiError } from './errors.ts';
import type { NodeClient } from './node-client.ts';
import type { ProofChecker } from './proof-checker.ts';

export interface WalletOptions {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  /** Outputs that pending transactions may hold; default 4,096. */
  readonly maxInFlight?: number;
}

export interface WalletDeps<P> {
  readonly node: Pick<NodeClient, 'outputs' | 'outputProof'>;
  readonly issuer: Pick<BlockIssuer<P>, 'issue' | 'awaitConfirmation'>;
  readonly checker: ProofChecker;
  readonly hasher: Hasher;
  readonly clock: Clock;
}

/** An unspent output that was proven a moment ago. */
export interface WalletOutput {
  readonly outputId: OutputId;
  readonly output: Output;
}

export interface SendRequest<P> extends ConfirmOptions<P> {
  /** 32-byte Ed25519 seeds whose addresses pay; change goes to the first one's. */
  readonly from: readonly Uint8Array[];
  readonly outputs: readonly Output[];
  /** Inputs that the transaction must have, such as channel claims; the wallet adds what lacks. */
  readonly inputs?: readonly TransactionInput[];
  readonly payload?: TaggedData;
  /** Told as soon as the transaction is in a block: a caller that keeps records stores it now. */
  readonly onIssued?: (issued: { transactionId: TransactionId; blockId: BlockId }) => void;
}

export interface SentTransaction {
  readonly transactionId: TransactionId;
  readonly transaction: Transaction;
  /** The block that was applied. */
  readonly blockId: BlockId;
  readonly milestoneIndex: number;
}

export type WalletErrorCode = ErrorCode | 'conflict' | 'too-many-in-flight';

export class WalletError extends Error {
  readonly code: WalletErrorCode;
  /** Why the ledger refused the transaction, when `code` is `conflict`. */
  readonly conflict: ConflictName | 'unknown' | undefined;

  constructor(code: WalletErrorCode, detail: string, conflict?: ConflictName | 'unknown') {
    super(`${code}: ${detail}`);
    this.name = 'WalletError';
    this.code = code;
    this.conflict = conflict;
  }
}

const DEFAULT_MAX_IN_FLIGHT = 4_096;
/** The fate of a transaction that was given up is open: its outputs rest until below max depth. */
const UNDECIDED_REST_MS = 600_000;
/** Distance kept from the moment when an output changes hands: milestone time is not our clock. */
const EXPIRATION_MARGIN_SECONDS = 120;
/** Proofs under way at once. */
const PROOFS_AT_ONCE = 8;

export class Wallet<P = unknown> {
  readonly #options: Required<WalletOptions>;
  readonly #deps: WalletDeps<P>;
  /** Outputs in use and until when at the latest (Infinity while their transaction is watched). */
  readonly #inFlight = new Map<OutputId, number>();
  readonly #waiting = new Set<() => void>();

  constructor(options: WalletOptions, deps: WalletDeps<P>) {
    this.#options = { maxInFlight: DEFAULT_MAX_IN_FLIGHT, ...options };
    this.#deps = deps;
  }

  /** The address of a key. */
  addressOf(secretKey: Uint8Array): Address {
    return addressFromBytes(this.#deps.hasher.blake2b256(publicKeyOf(secretKey)));
  }

  /** The proven unspent outputs of an address that may be spent now and are not in use. */
  async spendable(address: Address, signal?: AbortSignal): Promise<WalletOutput[]> {
    const outputs: WalletOutput[] = [];
    for await (const batch of this.#provenBatches(address, signal)) outputs.push(...batch);
    return outputs;
  }

  /** Sum of `spendable`. */
  async balance(address: Address, signal?: AbortSignal): Promise<bigint> {
    const outputs = await this.spendable(address, signal);
    return outputs.reduce((sum, { output }) => sum + output.amount, 0n);
  }

  /**
   * Pays `outputs` and returns when the payment is final, proven. While outputs of these keys are
   * in use by another pending transaction and the rest does not suffice, it waits for that one.
   * Throws WalletError (`conflict` with its name, `insufficient-funds`, and the other codes of
   * `buildTransaction`), IssueError, ProofError, NodeApiError, NodeUnreachableError, or the
   * signal's reason.
   */
  async sendTransaction(request: SendRequest<P>): Promise<SentTransaction> {
    const { built, used } = await this.#buildReserved(request);
    const { transactionId, transaction } = built;
    let confirmation: Confirmation;
    let submitted = false;
    const onSubmitting = (blockId: BlockId): void => {
      submitted = true;
      request.onSubmitting?.(blockId);
    };
    try {
      const issued = await this.#deps.issuer.issue(transaction, { ...request, onSubmitting });
      request.onIssued?.({ transactionId, blockId: issued.blockId });
      confirmation = await this.#deps.issuer.awaitConfirmation(issued, request);
    } catch (error) {
      const undecided = submitted && !isRefusal(error);
      this.#release(used, undecided ? this.#deps.clock.nowMs() + UNDECIDED_REST_MS : 0);
      throw error;
    }
    this.#release(used, 0);
    const { blockId, milestoneIndex, state, conflict } = confirmation;
    if (state !== 'included') {
      throw new WalletError('conflict', conflict ?? 'unknown', conflict ?? 'unknown');
    }
    return { transactionId, transaction, blockId, milestoneIndex };
  }

  /** Chooses inputs, builds, and marks the inputs as in use in the same turn. */
  async #buildReserved(
    request: SendRequest<P>,
  ): Promise<{ built: BuiltTransaction; used: OutputId[] }> {
    for (;;) {
      const settled = this.#nextSettled(request.signal);
      const candidates = await this.#candidates(request);
      const free = candidates.filter(({ outputId }) => !this.#isInFlight(outputId));
      const chosen = this.#choose(request, free);
      if (chosen.ok) {
        settled.cancel();
        return this.#reserve(request, chosen.value);
      }
      const overtaken = free.length < candidates.length;
      if (!overtaken && (chosen.code !== 'insufficient-funds' || !this.#isWatching())) {
        settled.cancel();
        throw walletError(chosen);
      }
      if (overtaken) settled.cancel();
      else await settled.promise;
      request.signal?.throwIfAborted();
    }
  }

  #reserve(
    request: SendRequest<P>,
    inputs: readonly TransactionInput[],
  ): { built: BuiltTransaction; used: OutputId[] } {
    const [payer] = request.from;
    const { networkId, params, maxInFlight } = this.#options;
    const built = buildTransaction({
      networkId,
      params,
      inputs,
      outputs: request.outputs,
      hasher: this.#deps.hasher,
      ...(request.payload === undefined ? {} : { payload: request.payload }),
      ...(payer === undefined ? {} : { changeAddress: this.addressOf(payer) }),
    });
    if (!built.ok) throw walletError(built);
    const used = inputs.map(({ outputId }) => outputId);
    const taken = used.find((id) => this.#isInFlight(id));
    if (taken !== undefined) throw new WalletError('conflict', taken, 'input-spent-earlier');
    if (this.#inFlight.size + used.length > maxInFlight) {
      throw new WalletError('too-many-in-flight', `${this.#inFlight.size} outputs`);
    }
    for (const id of used) this.#inFlight.set(id, Number.POSITIVE_INFINITY);
    return { built: built.value, used };
  }

  #choose(
    request: SendRequest<P>,
    free: readonly TransactionInput[],
  ): Outcome<readonly TransactionInput[]> {
    const given = request.inputs ?? [];
    const lacking = this.#lacking(request);
    if (lacking === 0n && given.length > 0) return { ok: true, value: given };
    const selected = selectInputs(free, lacking, this.#changeDeposit(request));
    if (!selected.ok) return selected;
    const inputs = [...given, ...selected.value];
    if (inputs.length === 0) return fail('insufficient-funds', 'nothing to spend');
    return inputs.length > MAX_INPUTS ? fail('too-many-inputs') : { ok: true, value: inputs };
  }

  /**
   * What the given inputs leave to be paid: nothing, if they suffice or need no more than change.
   */
  #lacking(request: SendRequest<P>): bigint {
    const needed = request.outputs.reduce((sum, { amount }) => sum + amount, 0n);
    const given = (request.inputs ?? []).reduce((sum, { output }) => sum + output.amount, 0n);
    if (given === needed || given >= needed + this.#changeDeposit(request)) return 0n;
    // Too little for the outputs, or a rest too small to be change: both want more money.
    return given > needed ? 1n : needed - given;
  }

  #changeDeposit({ from: [payer] }: SendRequest<P>): bigint {
    if (payer === undefined) return 0n;
    const change: BasicOutput = { kind: 'basic', amount: 0n, address: this.addressOf(payer) };
    return minimumAmount(change, this.#options.params);
  }

  /** Proven outputs of the keys, until they suffice or all are known. */
  async #candidates(request: SendRequest<P>): Promise<TransactionInput[]> {
    const found: TransactionInput[] = [];
    if (this.#choose(request, found).ok) return found;
    for (const secretKey of request.from) {
      const unlock = { kind: 'signature', secretKey } as const;
      const batches = this.#provenBatches(this.addressOf(secretKey), request.signal);
      for await (const batch of batches) {
        for (const output of batch) found.push({ ...output, unlock });
        if (this.#choose(request, found).ok) return found;
      }
    }
    return found;
  }

  /** Proven, spendable, free outputs of an address in batches of at most eight. */
  async *#provenBatches(address: Address, signal?: AbortSignal): AsyncGenerator<WalletOutput[]> {
    let ids: OutputId[] = [];
    for await (const id of this.#deps.node.outputs({ address, kind: 'basic' }, { signal })) {
      if (this.#isInFlight(id)) continue;
      ids.push(id);
      if (ids.length < PROOFS_AT_ONCE) continue;
      yield await this.#proveAll(ids, address, signal);
      ids = [];
    }
    if (ids.length > 0) yield await this.#proveAll(ids, address, signal);
  }

  async #proveAll(
    ids: readonly OutputId[],
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<WalletOutput[]> {
    const proven = await Promise.all(ids.map(async (id) => await this.#prove(id, signal)));
    return proven.filter(
      (output): output is WalletOutput =>
        output !== undefined && this.#isSpendable(output.output, address),
    );
  }

  /** Undefined when the output was spent since the indexer named it. */
  async #prove(id: OutputId, signal: AbortSignal | undefined): Promise<WalletOutput | undefined> {
    try {
      const proof = await this.#deps.node.outputProof(id, { signal });
      const { output } = await this.#deps.checker.unspent(id, proof);
      return { outputId: id, output };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #isSpendable(output: Output, address: Address): boolean {
    if (output.kind !== 'basic') return false;
    const nowSeconds = this.#deps.clock.nowMs() / 1_000;
    if ((output.timelock ?? 0) > nowSeconds) return false;
    const { expiration } = output;
    if (expiration === undefined) return output.address === address;
    const leftSeconds = expiration.unixSeconds - nowSeconds;
    if (Math.abs(leftSeconds) < EXPIRATION_MARGIN_SECONDS) return false;
    return (leftSeconds > 0 ? output.address : expiration.returnAddress) === address;
  }

  #isInFlight(id: OutputId): boolean {
    const untilMs = this.#inFlight.get(id);
    if (untilMs === undefined) return false;
    if (untilMs > this.#deps.clock.nowMs()) return true;
    this.#inFlight.delete(id);
    return false;
  }

  /** True while a transaction is being watched, whose change may soon be there. */
  #isWatching(): boolean {
    for (const untilMs of this.#inFlight.values()) {
      if (untilMs === Number.POSITIVE_INFINITY) return true;
    }
    return false;
  }

  /** `untilMs` 0 frees the outputs: the ledger has decided, and proofs tell what is left. */
  #release(used: readonly OutputId[], untilMs: number): void {
    for (const id of used) {
      if (untilMs === 0) this.#inFlight.delete(id);
      else this.#inFlight.set(id, untilMs);
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  /** Resolves when any watched transaction ends, or on `signal`. */
  #nextSettled(signal: AbortSignal | undefined): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = (): void => {
      signal?.removeEventListener('abort', cancel);
      this.#waiting.delete(cancel);
      resolve();
    };
    this.#waiting.add(cancel);
    signal?.addEventListener('abort', cancel, { once: true });
    return { promise, cancel };
  }
}

/** The node looked at the block and refused it: it will not end up in the tangle. */
function isRefusal(error: unknown): boolean {
  return error instanceof NodeApiError && !isTransient(error);
}

function walletError(failure: Failure): WalletError {
  return new WalletError(failure.code, failure.detail ?? 'transaction cannot be built');
}
