/**
 * All tokens of a test network in one hand, and payments whose confirmation the nodes themselves
 * tell: no light client has to follow the committees.
 */
import { outputIdOf, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  buildTransaction,
  type SpendableOutput,
} from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { RICH_KEY, until, type TestNode } from './test-network.ts';

/** A block without a milestone for so long is left behind: the payment goes into another one. */
const ATTACH_MS = 10_000;
const WAIT_MS = 90_000;

export class Purse {
  readonly #genesis: Genesis;
  readonly #networkId: bigint;
  #rest: SpendableOutput;

  constructor(genesis: Genesis) {
    const { networkId, outputs } = genesisMilestone(genesis, nobleHasher);
    const [first] = outputs;
    if (first === undefined) throw new Error('a test genesis has an output');
    this.#genesis = genesis;
    this.#networkId = networkId;
    this.#rest = first;
  }

  /**
   * Spends the purse, and `inputs` that belong to the same key; resolves when all these nodes have
   * confirmed it. The first of them attaches it. @returns what was made of it, in order.
   */
  async pay(
    nodes: readonly TestNode[],
    outputs: readonly Output[],
    inputs: readonly SpendableOutput[] = [],
  ): Promise<SpendableOutput[]> {
    const unlock = { kind: 'signature', secretKey: RICH_KEY.secretKey } as const;
    const signed = ({ outputId, output }: SpendableOutput) => ({ outputId, output, unlock });
    const built = buildTransaction({
      networkId: this.#networkId,
      params: this.#genesis.params,
      hasher: nobleHasher,
      inputs: [this.#rest, ...inputs].map(signed),
      outputs,
      changeAddress: RICH_KEY.address,
    });
    if (!built.ok) throw new Error(`${built.code}: ${built.detail}`);
    const { transaction, transactionId } = built.value;
    const made = transaction.outputs.map((output, at) => ({
      output,
      outputId: outputIdOf(transactionId, at),
    }));
    const change = made.at(-1);
    if (change === undefined) throw new Error('the purse is never empty');
    this.#rest = change;
    await this.#confirm(nodes, transaction, change.outputId);
    return made.slice(0, outputs.length);
  }

  async #confirm(
    nodes: readonly TestNode[],
    transaction: Transaction,
    change: OutputId,
  ): Promise<void> {
    const [first] = nodes;
    if (first === undefined) throw new Error('somebody attaches the payment');
    let attachedMs: number | undefined;
    const hasIt = async ({ client }: TestNode): Promise<boolean> =>
      await client.output(change).then(
        () => true,
        () => false,
      );
    await until(async () => {
      const nowMs = performance.now();
      if (await hasIt(first)) return (await Promise.all(nodes.map(hasIt))).every(Boolean);
      if (attachedMs === undefined || nowMs - attachedMs > ATTACH_MS) {
        await first.issuer.issue(transaction);
        attachedMs = nowMs;
      }
      return false;
    }, WAIT_MS);
  }
}
