/**
 * Who gets tokens of a faucet, and when: limits per address and in all, one transaction for all
 * that wait, the same answer for whoever asks again meanwhile. Knows no network: `send` does the
 * paying. Path: api/faucet.controller.ts → here → faucet.ts → the node's API.
 */
import type { Address, BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

export type FaucetErrorCode = 'faucet-limit' | 'faucet-busy' | 'faucet-amount' | 'faucet-failed';

/** Why a request gets nothing. */
export class FaucetError extends Error {
  override readonly name = 'FaucetError';
  readonly code: FaucetErrorCode;

  constructor(code: FaucetErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What a request gets, once the transaction is in a block. */
export interface Grant {
  readonly address: Address;
  readonly amount: bigint;
  readonly blockId: BlockId;
}

export interface Payment {
  readonly address: Address;
  readonly amount: bigint;
}

export interface DispenserOptions {
  /** Base units per request, and the most that a request may ask for. */
  readonly amount: bigint;
  /** The least that an output may hold on this network. */
  readonly amountMin: bigint;
  readonly perAddressPerHour: number;
  readonly totalPerHour: number;
}

export interface DispenserDeps {
  /** Pays all in one transaction; `onIssued` when it is in a block, resolves when it is final. */
  send(payments: readonly Payment[], onIssued: (blockId: BlockId) => void): Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting extends Payment {
  readonly grant: PromiseWithResolvers<Grant>;
}

/** Requests that wait or are being paid. */
const MAX_PENDING = 1_000;
/** Payments of one transaction; one more output takes the change. */
const MAX_PAYMENTS = 100;
/** Addresses whose requests of the last hour are remembered. */
const MAX_REMEMBERED = 10_000;
/** How long the first request waits for others. */
const GATHER_MS = 50;
const HOUR_MS = 3_600_000;

export class Dispenser {
  readonly #options: DispenserOptions;
  readonly #deps: DispenserDeps;
  readonly #pending = new Map<Address, Waiting>();
  readonly #queue: Waiting[] = [];
  readonly #grantedMs = new Map<Address, number[]>();
  #allGrantedMs: number[] = [];
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: DispenserOptions, deps: DispenserDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends after the payment under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    for (const waiting of this.#queue) {
      waiting.grant.reject(new FaucetError('faucet-busy', 'the faucet is stopping'));
    }
  }

  /**
   * Resolves when the payment is in a block. While a payment to `address` is pending, every request
   * of that address gets its answer. Rejects with FaucetError.
   */
  request(address: Address, amount: bigint = this.#options.amount): Promise<Grant> {
    const pending = this.#pending.get(address);
    if (pending !== undefined) return pending.grant.promise;
    const refusal = this.#refusalOf(address, amount);
    if (refusal !== undefined) return Promise.reject(refusal);
    const waiting: Waiting = { address, amount, grant: Promise.withResolvers<Grant>() };
    this.#pending.set(address, waiting);
    this.#queue.push(waiting);
    this.#remember(address);
    this.#bell.ring();
    return waiting.grant.promise;
  }

  #refusalOf(address: Address, amount: bigint): FaucetError | undefined {
    const { amountMin, perAddressPerHour, totalPerHour } = this.#options;
    if (amount < amountMin || amount > this.#options.amount) {
      const range = `${amountMin} to ${this.#options.amount}`;
      return new FaucetError('faucet-amount', `expected an amount from ${range} base units`);
    }
    const sinceMs = this.#deps.clock.nowMs() - HOUR_MS;
    const own = (this.#grantedMs.get(address) ?? []).filter((atMs) => atMs > sinceMs);
    this.#allGrantedMs = this.#allGrantedMs.filter((atMs) => atMs > sinceMs);
    if (own.length >= perAddressPerHour) {
      return new FaucetError('faucet-limit', `${perAddressPerHour} requests per address and hour`);
    }
    if (this.#allGrantedMs.length >= totalPerHour) {
      return new FaucetError('faucet-limit', `${totalPerHour} requests per hour in all`);
    }
    if (this.#pending.size >= MAX_PENDING) {
      return new FaucetError('faucet-busy', 'too many requests wait');
    }
    return undefined;
  }

  #remember(address: Address): void {
    const nowMs = this.#deps.clock.nowMs();
    const own = this.#grantedMs.get(address) ?? [];
    this.#grantedMs.delete(address);
    this.#grantedMs.set(address, [...own.filter((atMs) => atMs > nowMs - HOUR_MS), nowMs]);
    this.#allGrantedMs.push(nowMs);
    if (this.#grantedMs.size <= MAX_REMEMBERED) return;
    const oldest = this.#grantedMs.keys().next().value;
    if (oldest !== undefined) this.#grantedMs.delete(oldest);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      if (this.#queue.length === 0) {
        await this.#bell.wait(60_000, signal);
        continue;
      }
      if (this.#queue.length < MAX_PAYMENTS) await this.#bell.wait(GATHER_MS, signal);
      await this.#pay(this.#queue.splice(0, MAX_PAYMENTS));
    }
  }

  async #pay(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#deps.send(batch, (blockId) => {
        for (const { address, amount, grant } of batch) grant.resolve({ address, amount, blockId });
      });
    } catch (error) {
      this.#deps.logger.warn({ ...errorFields(error), requests: batch.length }, 'payment failed');
      const failure = new FaucetError('faucet-failed', 'the payment could not be made', error);
      for (const { grant } of batch) grant.reject(failure);
    } finally {
      for (const { address } of batch) this.#pending.delete(address);
    }
  }
}
