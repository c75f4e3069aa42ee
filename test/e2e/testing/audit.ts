/**
 * Follows the ledger of one node from the genesis on by its API alone, and adds up what is unspent:
 * tokens are neither made nor lost. Two nodes are compared by the milestones they hold, whose state
 * root each of them has computed itself.
 */
import { bytesToHex, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';

export class LedgerAudit {
  readonly #node: NodeClient;
  readonly #unspent = new Map<OutputId, bigint>();
  #next = 0;

  constructor(node: NodeClient) {
    this.#node = node;
  }

  /** Index of the last milestone that was followed; −1 before the first. */
  get index(): number {
    return this.#next - 1;
  }

  /** Sum of all unspent outputs, in base units. */
  get total(): bigint {
    let sum = 0n;
    for (const amount of this.#unspent.values()) sum += amount;
    return sum;
  }

  /** Goes on to milestone `index`. Throws when an output is spent that was not unspent. */
  async follow(index: number): Promise<void> {
    for (; this.#next <= index; this.#next += 1) {
      const { created, consumed } = await this.#node.utxoChanges(this.#next);
      for (const id of created) {
        this.#unspent.set(id, BigInt((await this.#node.output(id)).output.amount));
      }
      for (const id of consumed) {
        if (!this.#unspent.delete(id)) {
          throw new Error(`milestone ${this.#next} spends ${id}, which was not unspent`);
        }
      }
    }
  }

  async latestIndex(): Promise<number> {
    return (await this.#node.info()).status.confirmedMilestone.index;
  }

  /** The last followed milestone, certificate and state root included. */
  async milestone(): Promise<string> {
    return bytesToHex(await this.#node.milestone(this.index));
  }
}
