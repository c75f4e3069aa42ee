/**
 * Lazy tips: blocks on parents that were confirmed long ago, up to just above the greatest depth.
 * They ask the tip pool to offer them, and whoever attaches to them is old at once.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker } from './blocks.ts';
import { plainPayload } from './payloads.ts';

const REFRESH_MS = 1_000;
/** Milestones whose blocks become parents, in shares of the greatest depth. */
const AGES = [0.3, 0.6, 0.9, 0.97];

export class LazyTips extends PacedAttack {
  readonly #clients: NodeClient[];
  #maker!: BlockMaker;
  #old: BlockId[] = [];
  #refreshedMs = 0;

  constructor(options: AttackOptions) {
    super('tips-lazy', options);
    this.#clients = options.target.urls.map((baseUrl) => new NodeClient({ baseUrl }));
  }

  protected async prepare(): Promise<void> {
    this.#maker = await BlockMaker.open(this.target);
    await this.#refresh();
  }

  protected async act(count: number): Promise<void> {
    if (performance.now() - this.#refreshedMs > REFRESH_MS) await this.#refresh();
    await Promise.all(
      Array.from({ length: count }, async () => {
        const parents = [this.chance.pick(this.#old), this.chance.pick(this.#old)];
        const block = this.#maker.make(parents, plainPayload(this.chance));
        this.tally.sent += 1;
        this.tally.bytes += block.bytes.length;
        try {
          await this.chance.pick(this.#clients).submitBlock(block.bytes);
          this.tally.accepted += 1;
        } catch (error) {
          this.tally.refuse(codeOf(error));
        }
      }),
    );
  }

  protected finish(): Promise<void> {
    return Promise.resolve();
  }

  async #refresh(): Promise<void> {
    this.#refreshedMs = performance.now();
    const client = this.chance.pick(this.#clients);
    const { status } = await client.info();
    await this.#maker.follow(client);
    const latest = status.confirmedMilestone.index;
    const { belowMaxDepth } = this.target.genesis.params;
    const old: BlockId[] = [];
    for (const age of AGES) {
      const index = Math.max(1, latest - Math.floor(age * belowMaxDepth));
      const { blocks } = await client.milestoneBlockPage(index, undefined, 0);
      old.push(...blocks.slice(0, 50).map(({ blockId }) => blockId));
    }
    if (old.length > 0) this.#old = old;
    if (this.#old.length === 0) this.#old = await client.tips();
  }
}
