/**
 * What the ledger holds for the wallet's keys. The node's index says where to look; what counts is
 * proven by the state root of a certified milestone. Before: wallet-service.ts; after:
 * tangle/io/node-client. Spec: docs/spec/08-ledger.md, section 5.
 */
import type { Address, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { BasicOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { GAP_LIMIT, type KeyRing } from './key-ring.ts';

/** A proven unspent output of one of our keys. */
export interface Coin {
  readonly outputId: OutputId;
  readonly output: BasicOutput;
  readonly keyIndex: number;
}

/** The ledger as of one milestone, as far as it is ours. */
export interface CoinScan {
  readonly coins: readonly Coin[];
  /** Outputs of our keys that are spent, by key; only a full scan looks for them. */
  readonly spent: readonly { readonly outputId: OutputId; readonly keyIndex: number }[];
  /** Keys that have ever been paid to, as far as this scan looked. */
  readonly used: readonly number[];
  /** The oldest milestone among the proofs. */
  readonly asOf: { readonly index: number; readonly timestampMs: number };
}

export interface CoinScanDeps {
  readonly node: Pick<NodeClient, 'outputs' | 'outputProof' | 'milestone'>;
  readonly checker: ProofChecker;
}

/** Outputs per key that are looked at; more is dust that somebody strews. */
const MAX_OUTPUTS_PER_KEY = 1_000;

/** Looks at every key up to the gap limit, spent outputs too: after a start and now and then. */
export async function scanAll(
  ring: KeyRing,
  deps: CoinScanDeps,
  signal: AbortSignal,
): Promise<CoinScan> {
  const pass = new ScanPass(deps, signal);
  let unused = 0;
  for (let index = 0; index < ring.next || unused < GAP_LIMIT; index++) {
    const { address } = ring.key(index);
    await pass.addUnspent(index, address);
    await pass.addSpent(index, address);
    unused = pass.isUsed(index) ? 0 : unused + 1;
  }
  return await pass.finish();
}

/** Looks only at the given keys, and only at unspent outputs: after each milestone. */
export async function scanKeys(
  ring: KeyRing,
  indexes: Iterable<number>,
  deps: CoinScanDeps,
  signal: AbortSignal,
): Promise<CoinScan> {
  const pass = new ScanPass(deps, signal);
  for (const index of new Set(indexes)) await pass.addUnspent(index, ring.key(index).address);
  return await pass.finish();
}

class ScanPass {
  readonly #deps: CoinScanDeps;
  readonly #signal: AbortSignal;
  readonly #coins: Coin[] = [];
  readonly #spent: { outputId: OutputId; keyIndex: number }[] = [];
  readonly #used = new Set<number>();
  #asOf: MilestoneHeader | undefined;

  constructor(deps: CoinScanDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  isUsed(index: number): boolean {
    return this.#used.has(index);
  }

  async addUnspent(keyIndex: number, address: Address): Promise<void> {
    const { checker } = this.#deps;
    for await (const outputId of this.#list(address, true)) {
      const proof = await this.#proof(outputId);
      if (proof === undefined) continue;
      const { output, milestone } = await checker.unspent(outputId, proof);
      if (output.kind !== 'basic' || output.address !== address) continue;
      this.#used.add(keyIndex);
      this.#coins.push({ outputId, output, keyIndex });
      const { header } = milestone;
      if (this.#asOf === undefined || header.index < this.#asOf.index) this.#asOf = header;
    }
  }

  async addSpent(keyIndex: number, address: Address): Promise<void> {
    for await (const outputId of this.#list(address, false)) {
      this.#used.add(keyIndex);
      this.#spent.push({ outputId, keyIndex });
    }
  }

  async finish(): Promise<CoinScan> {
    const { node, checker } = this.#deps;
    const latest = async () => await node.milestone('latest', { signal: this.#signal });
    const header = this.#asOf ?? (await checker.milestone(await latest())).header;
    const { index, timestampMs } = header;
    const used = [...this.#used];
    return { coins: this.#coins, spent: this.#spent, used, asOf: { index, timestampMs } };
  }

  async *#list(address: Address, unspent: boolean): AsyncGenerator<OutputId> {
    const filter = { address, kind: 'basic', unspent } as const;
    let count = 0;
    for await (const outputId of this.#deps.node.outputs(filter, { signal: this.#signal })) {
      if (count === MAX_OUTPUTS_PER_KEY) return;
      count += 1;
      yield outputId;
    }
  }

  /** Undefined when the output was spent since the index named it. */
  async #proof(outputId: OutputId) {
    try {
      return await this.#deps.node.outputProof(outputId, { signal: this.#signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
