/**
 * Keeps the wallet's view of the ledger fresh: a full look at start and now and then, a quick one
 * at the keys in use after each milestone. Before: wallet-service.ts; after: coin-scan.ts,
 * history.ts.
 */
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { type Coin, type CoinScan, type CoinScanDeps, scanAll, scanKeys } from './coin-scan.ts';
import type { WalletHistory } from './history.ts';
import type { KeyRing } from './key-ring.ts';
import type { PendingTransactions } from './pending.ts';

export interface LedgerWatchDeps {
  readonly tangle: CoinScanDeps & { readonly clock: Clock };
  readonly ring: KeyRing;
  readonly history: WalletHistory;
  readonly pending: PendingTransactions;
  readonly onBalance: (balance: bigint) => void;
  readonly signal: AbortSignal;
}

/** Between two looks at keys that nobody should pay to any more. */
const FULL_SCAN_MS = 600_000;
/** The last keys that were handed out: refunds and changes may still be on their way to them. */
const RECENT_KEYS = 8;

/** Sum of the coins, base units. */
export function balanceOf(coins: readonly Coin[]): bigint {
  return coins.reduce((sum, { output }) => sum + output.amount, 0n);
}

export class LedgerWatch {
  readonly #deps: LedgerWatchDeps;
  #latest: CoinScan | undefined;
  #running: Promise<CoinScan> | undefined;
  #lastFullMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LedgerWatchDeps) {
    this.#deps = deps;
  }

  /** What was seen last; undefined before the first look. */
  get latest(): CoinScan | undefined {
    return this.#latest;
  }

  /** Looks now. A look that is under way may have begun too early, so it is waited for. */
  async look(): Promise<CoinScan> {
    await this.#running?.catch(() => undefined);
    this.#running ??= this.#scan().finally(() => {
      this.#running = undefined;
    });
    return await this.#running;
  }

  async #scan(): Promise<CoinScan> {
    const { tangle, ring, history, signal, onBalance } = this.#deps;
    const nowMs = tangle.clock.nowMs();
    const isFull = nowMs - this.#lastFullMs >= FULL_SCAN_MS;
    const scan = isFull
      ? await scanAll(ring, tangle, signal)
      : await scanKeys(ring, this.#liveKeys(), tangle, signal);
    await history.explain(scan, signal);
    await ring.noteUsed(scan.used);
    const before = this.#latest;
    this.#latest = scan;
    if (isFull) this.#lastFullMs = nowMs;
    const balance = balanceOf(scan.coins);
    if (before === undefined || balanceOf(before.coins) !== balance) onBalance(balance);
    return scan;
  }

  /** Keys at which something may change soon. */
  #liveKeys(): number[] {
    const { ring, pending } = this.#deps;
    const withCoins = (this.#latest?.coins ?? []).map((coin) => coin.keyIndex);
    const changes = pending.list().map((one) => one.changeIndex);
    const recent = Array.from({ length: RECENT_KEYS }, (_, back) => ring.next - 1 - back);
    const all = [ring.receiveIndex, ...withCoins, ...changes, ...recent];
    return all.filter((index) => index >= 0);
  }
}
