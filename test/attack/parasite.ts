/**
 * A parasite chain: a long side tangle that grows in secret on one old block and is published at
 * once, again and again. Its first payload spends what the attacker has spent in public as well.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodePack } from '@tanglemail/tangle/core/codec/pack.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker, type MadeBlock } from './blocks.ts';
import { Crowd } from './crowd.ts';
import { plainPayload } from './payloads.ts';

/** Blocks of one chain before it is shown. */
const CHAIN_LENGTH = 400;
const PACK_BLOCKS = 16;

export class Parasite extends PacedAttack {
  readonly #client: NodeClient;
  readonly #crowd: Crowd;
  #maker!: BlockMaker;
  #chain: MadeBlock[] = [];
  #root: BlockId[] = [];

  constructor(options: AttackOptions) {
    super('parasite', options);
    this.#client = new NodeClient({ baseUrl: options.target.urls[0] ?? '' });
    this.#crowd = new Crowd(options.target, 1, this.tally);
  }

  protected async prepare(): Promise<void> {
    this.#maker = await BlockMaker.open(this.target);
    this.#root = await this.#client.tips();
    await this.#crowd.fill();
  }

  protected async act(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const parents = this.#chain.slice(-2).map(({ id }) => id);
      const from = parents.length > 0 ? parents : this.#root;
      this.#chain.push(this.#maker.make(from, plainPayload(this.chance)));
    }
    if (this.#chain.length >= CHAIN_LENGTH) await this.#show();
  }

  protected async finish(): Promise<void> {
    await this.#show().catch(() => undefined);
    await this.#crowd.stop();
  }

  /** Newest first, so that nothing is solid until the last pack has come. */
  async #show(): Promise<void> {
    await this.#crowd.fill();
    const [peer] = this.#crowd.peers;
    const chain = this.#chain.splice(0).toReversed();
    if (peer === undefined || chain.length === 0) return;
    for (let at = 0; at < chain.length; at += PACK_BLOCKS) {
      const blocks = chain.slice(at, at + PACK_BLOCKS);
      await peer.publish('blocks', encodePack(blocks.map(({ bytes }) => bytes)));
      this.tally.sent += blocks.length;
      for (const { bytes } of blocks) this.tally.bytes += bytes.length;
    }
    this.tally.note('chain-shown');
  }
}
