/**
 * A flood: blocks that keep every rule, with the least work that is asked, many times what a node
 * can take, from several peers at once. They must not take the places of honest blocks.
 */
import { encodePack } from '@tanglemail/tangle/core/codec/pack.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker, type MadeBlock } from './blocks.ts';
import { Crowd } from './crowd.ts';

const PEERS = 3;
const PACK_BLOCKS = 128;
const REFRESH_MS = 1_000;

export class Flood extends PacedAttack {
  readonly #client: NodeClient;
  readonly #crowd: Crowd;
  #maker!: BlockMaker;
  #tips: Awaited<ReturnType<NodeClient['tips']>> = [];
  #refreshedMs = 0;

  constructor(options: AttackOptions) {
    super('flood', options);
    this.#client = new NodeClient({ baseUrl: options.target.urls[0] ?? '' });
    this.#crowd = new Crowd(options.target, PEERS, this.tally);
  }

  protected async prepare(): Promise<void> {
    this.#maker = await BlockMaker.open(this.target);
    await this.#refresh();
  }

  protected async act(count: number): Promise<void> {
    if (performance.now() - this.#refreshedMs > REFRESH_MS) await this.#refresh();
    for (let left = count; left > 0; left -= PACK_BLOCKS) {
      const blocks = Array.from({ length: Math.min(left, PACK_BLOCKS) }, () => this.#makeOne());
      if (this.#crowd.peers.length === 0) return;
      const peer = this.chance.pick(this.#crowd.peers);
      await peer.publish('blocks', encodePack(blocks.map(({ bytes }) => bytes)));
      this.tally.sent += blocks.length;
      for (const { bytes } of blocks) this.tally.bytes += bytes.length;
      await new Promise(setImmediate);
    }
  }

  protected async finish(): Promise<void> {
    await this.#crowd.stop();
  }

  #makeOne(): MadeBlock {
    const data = this.chance.bytes(16);
    const tag = Buffer.from('flood');
    return this.#maker.make([this.chance.pick(this.#tips)], { kind: 'tagged-data', tag, data });
  }

  async #refresh(): Promise<void> {
    this.#refreshedMs = performance.now();
    await this.#crowd.fill();
    try {
      this.#tips = await this.#client.tips();
      await this.#maker.follow(this.#client);
    } catch {
      // A flooded node may not answer; then the flood goes on with the tips that it has.
      if (this.#tips.length === 0) throw new Error('the node gives no tips');
    }
  }
}
