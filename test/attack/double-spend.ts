/**
 * A storm of double spends: each output is spent in many transactions, each of them in blocks to
 * different nodes. All nodes must come to the same ledger, in which each output is spent once.
 */
import { randomBytes } from 'node:crypto';
import { addressFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker } from './blocks.ts';
import { openLanes, type Funds, type Lane } from './payloads.ts';

const OUTPUTS = 64;
/** Blocks that carry the same transaction. */
const COPIES = 2;

export class DoubleSpend extends PacedAttack {
  readonly #funds: Funds;
  readonly #clients: NodeClient[];
  #maker!: BlockMaker;
  #lanes: Lane[] = [];

  constructor(options: AttackOptions & { readonly funds: Funds }) {
    super('double-spend', options);
    this.#funds = options.funds;
    this.#clients = options.target.urls.map((baseUrl) => new NodeClient({ baseUrl }));
  }

  protected async prepare(): Promise<void> {
    this.#maker = await BlockMaker.open(this.target);
    const client = this.chance.pick(this.#clients);
    const { lanes } = await openLanes(client, this.#funds, this.#maker, OUTPUTS);
    this.#lanes = lanes;
  }

  protected async act(count: number): Promise<void> {
    await this.#maker.follow(this.chance.pick(this.#clients));
    const storms = Array.from({ length: Math.ceil(count / COPIES) }, () => this.#spend());
    await Promise.all(storms);
  }

  protected finish(): Promise<void> {
    return Promise.resolve();
  }

  async #spend(): Promise<void> {
    const { address, secretKey } = this.#funds;
    const { networkId, params, hasher } = this.#maker;
    const { outputId, amount } = this.chance.pick(this.#lanes);
    const output = { kind: 'basic', amount, address } as const;
    const built = buildTransaction({
      networkId,
      inputs: [{ outputId, output, unlock: { kind: 'signature', secretKey } }],
      outputs: [{ ...output, address: addressFromBytes(randomBytes(32)) }],
      params,
      hasher,
    });
    if (!built.ok) throw new Error(built.code);
    for (let copy = 0; copy < COPIES; copy += 1) {
      const client = this.chance.pick(this.#clients);
      try {
        const block = this.#maker.make(await client.tips(), built.value.transaction);
        this.tally.sent += 1;
        await client.submitBlock(block.bytes);
        this.tally.accepted += 1;
      } catch (error) {
        this.tally.refuse(codeOf(error));
      }
    }
  }
}
