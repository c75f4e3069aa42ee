/**
 * Replays: blocks, packs and milestones that the network has long known, again and again, in the
 * same packs and in new ones, over gossip and the API. They cost the victim time and nothing else.
 */
import { encodePack } from '@tanglemail/tangle/core/codec/pack.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { Crowd } from './crowd.ts';

const PACK_BLOCKS = 20;
const REFRESH_MS = 2_000;
const MAX_REMEMBERED = 2_000;

export class Replay extends PacedAttack {
  readonly #client: NodeClient;
  readonly #crowd: Crowd;
  #blocks: Uint8Array[] = [];
  #milestones: Uint8Array[] = [];
  #packs: Uint8Array[] = [];
  #refreshedMs = 0;

  constructor(options: AttackOptions) {
    super('replay', options);
    this.#client = new NodeClient({ baseUrl: options.target.urls[0] ?? '' });
    this.#crowd = new Crowd(options.target, 2, this.tally);
  }

  protected async prepare(): Promise<void> {
    await this.#refresh();
  }

  protected async act(count: number): Promise<void> {
    if (performance.now() - this.#refreshedMs > REFRESH_MS) await this.#refresh();
    for (let index = 0; index < count; index += 1) {
      this.tally.sent += 1;
      await this.#replay().catch((error: unknown) => this.tally.refuse(codeOf(error)));
    }
  }

  protected async finish(): Promise<void> {
    await this.#crowd.stop();
  }

  async #replay(): Promise<void> {
    const dice = this.chance.integer(0, 3);
    if (dice === 0) {
      await this.#client.submitBlock(this.chance.pick(this.#blocks));
      this.tally.accepted += 1;
      return;
    }
    if (this.#crowd.peers.length === 0) return;
    const peer = this.chance.pick(this.#crowd.peers);
    if (dice === 1) await peer.publish('milestones', this.chance.pick(this.#milestones));
    else if (dice === 2) await peer.publish('blocks', this.chance.pick(this.#packs));
    else await peer.publish('blocks', this.#newPack());
  }

  /** Known blocks in an order in which they never came together: a message with a new id. */
  #newPack(): Uint8Array {
    const blocks = Array.from({ length: PACK_BLOCKS }, () => this.chance.pick(this.#blocks));
    const small = blocks.filter(({ length }) => length < 4_000);
    return encodePack(small.length > 0 ? small : blocks.slice(0, 1));
  }

  async #refresh(): Promise<void> {
    this.#refreshedMs = performance.now();
    await this.#crowd.fill();
    const latest = (await this.#client.info()).status.confirmedMilestone.index;
    const index = this.chance.integer(Math.max(1, latest - 50), latest);
    this.#milestones.push(await this.#client.milestone(index));
    const { blocks } = await this.#client.milestoneBlockPage(index, undefined, 0);
    this.#blocks.push(...blocks.map(({ bytes }) => bytes));
    if (this.#blocks.length === 0) {
      const [tip] = await this.#client.tips();
      if (tip !== undefined) this.#blocks.push(await this.#client.block(tip));
    }
    this.#packs.push(this.#newPack());
    this.#blocks = this.#blocks.slice(-MAX_REMEMBERED);
    this.#packs = this.#packs.slice(-MAX_REMEMBERED);
    this.#milestones = this.#milestones.slice(-MAX_REMEMBERED);
  }
}
