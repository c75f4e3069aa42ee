/**
 * What users do: honest blocks and payments from every node, and on demand spam, double spends, and
 * old blocks sent again.
 */
import { addressFromBytes, NULL_ADDRESS } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Address, BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { signingMessage, type Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { Unlock } from '@tanglemail/tangle/core/codec/unlock.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SimNode } from './node.ts';
import type { SeededRandom } from './random.ts';
import type { Signing } from './signing.ts';

/** Keys of users stand behind those of seats. */
export const FIRST_WALLET = 64;
export const WALLETS = 8;
/** Unspent outputs beyond which payments merge two instead of making two. */
const MANY_OUTPUTS = 40;
const DATA_SIZE_MAX = 40;

export class Traffic {
  readonly #signing: Signing;
  readonly #hasher: Hasher;
  readonly #networkId: bigint;
  readonly #random: SeededRandom;

  constructor(deps: { signing: Signing; hasher: Hasher; networkId: bigint; random: SeededRandom }) {
    this.#signing = deps.signing;
    this.#hasher = deps.hasher;
    this.#networkId = deps.networkId;
    this.#random = deps.random;
  }

  /** An honest user's block: data, or a payment of what the node takes for unspent. */
  issue(node: SimNode): BlockId {
    const record = this.#random.chance(0.3) ? this.#anyOutput(node) : undefined;
    return node.issue(record === undefined ? this.#data() : this.#payment(node, record));
  }

  /** Blocks on parents where they hurt: all on the same one, which may be old. */
  spam(node: SimNode, count: number): void {
    const old = [...node.disk.blocks()].map(([id]) => id).filter((id) => node.chain.dag.has(id));
    const parents = old.length > 0 ? [this.#random.pick(old)] : undefined;
    for (let made = 0; made < count; made += 1) {
      node.issue(this.#data(), parents === undefined ? {} : { parents });
    }
  }

  /** Two payments of one output, each told to another half first. */
  doubleSpend(node: SimNode, peers: readonly number[]): boolean {
    const record = this.#anyOutput(node);
    if (record === undefined) return false;
    for (const half of [0, 1]) {
      const to = peers.filter((peer) => peer % 2 === half);
      node.issue(this.#payment(node, record), { to });
    }
    return true;
  }

  #data(): Payload {
    const data = this.#random.bytes(4 + this.#random.below(DATA_SIZE_MAX));
    return { kind: 'tagged-data', tag: new Uint8Array([1]), data };
  }

  #anyOutput(node: SimNode): OutputRecord | undefined {
    const all = [...node.disk.ledger.unspent.values()].filter(isOwned);
    return all.length === 0 ? undefined : this.#random.pick(all);
  }

  #payment(node: SimNode, first: OutputRecord): Payload {
    const owner = ownerOf(first.output, this.#signing, this.#hasher);
    const { unspent } = node.disk.ledger;
    const inputs: [OutputRecord, ...OutputRecord[]] = [first];
    if (unspent.size > MANY_OUTPUTS) {
      const isSame = ({ output, outputId }: OutputRecord): boolean =>
        outputId !== first.outputId && ownerOf(output, this.#signing, this.#hasher) === owner;
      inputs.push(...[...unspent.values()].filter(isOwned).filter(isSame).slice(0, 1));
    }
    const total = inputs.reduce((sum, { output }) => sum + output.amount, 0n);
    const part = unspent.size > MANY_OUTPUTS || total < 100_000n ? 0n : total / 3n;
    const amounts = part === 0n ? [total] : [part, total - part];
    const outputs: Output[] = amounts.map((amount) => {
      const address = walletAddress(this.#random.below(WALLETS), this.#signing, this.#hasher);
      return { kind: 'basic', amount, address };
    });
    return this.signed(inputs, outputs);
  }

  /** Of inputs that are all the same owner's. */
  signed(records: readonly [OutputRecord, ...OutputRecord[]], outputs: Output[]): Transaction {
    const inputs = records.map(({ outputId }) => outputId);
    const owner = ownerOf(records[0].output, this.#signing, this.#hasher);
    const essence = { networkId: this.#networkId, inputs, outputs, payload: null };
    const message = signingMessage(essence, this.#hasher);
    const key = FIRST_WALLET + owner;
    const first: Unlock = {
      kind: 'signature',
      publicKey: this.#signing.publicKey(key),
      signature: this.#signing.sign(key, message),
    };
    const unlocks = inputs.map((_, at): Unlock =>
      at === 0 ? first : { kind: 'reference', index: 0 },
    );
    return { kind: 'transaction', ...essence, unlocks };
  }
}

/** The address of a user's wallet. */
export function walletAddress(wallet: number, signing: Signing, hasher: Hasher): Address {
  return addressFromBytes(hasher.blake2b256(signing.publicKey(FIRST_WALLET + wallet)));
}

/** Whether a wallet may spend it at once: it is neither bonded nor burnt. */
export function isOwned({ output }: OutputRecord): boolean {
  return output.kind === 'basic' && output.address !== NULL_ADDRESS;
}

function ownerOf(output: Output, signing: Signing, hasher: Hasher): number {
  const all = Array.from({ length: WALLETS }, (_, wallet) => wallet);
  const address =
    output.kind === 'basic'
      ? output.address
      : output.kind === 'validator-bond'
        ? output.owner
        : undefined;
  const owner = all.find((wallet) => address === walletAddress(wallet, signing, hasher));
  if (owner === undefined) throw new Error('every output belongs to a wallet');
  return owner;
}
