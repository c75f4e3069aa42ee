/**
 * A flood of broken things of every kind, over gossip, the request protocol and the API. The peer
 * that sends them is banned and comes again under another key.
 */
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker } from './blocks.ts';
import {
  BROKEN_BLOCKS,
  BROKEN_FRAMES,
  BROKEN_MILESTONES,
  BROKEN_PACKS,
  type Good,
} from './broken.ts';
import { Crowd } from './crowd.ts';
import { openLanes, type Funds } from './payloads.ts';

export type BrokenKind = 'blocks' | 'packs' | 'milestones' | 'frames' | 'posts';

const KINDS: readonly BrokenKind[] = ['blocks', 'packs', 'milestones', 'frames', 'posts'];
const REFRESH_ACTS = 200;

export interface MalformedOptions extends AttackOptions {
  readonly funds: Funds;
  /** Default: all kinds in turn. */
  readonly kinds?: readonly BrokenKind[];
}

export class Malformed extends PacedAttack {
  readonly #options: MalformedOptions;
  readonly #client: NodeClient;
  readonly #crowd: Crowd;
  #good!: Good;
  #acts = 0;

  constructor(options: MalformedOptions) {
    super('malformed', options);
    this.#options = options;
    this.#client = new NodeClient({ baseUrl: options.target.urls[0] ?? '' });
    this.#crowd = new Crowd(options.target, 1, this.tally, () => ({ onRequest: () => undefined }));
  }

  /** Names of the peers under which it has come and been thrown out so far: how many. */
  get thrownOut(): number {
    return this.tally.events['peer-thrown-out'] ?? 0;
  }

  protected async prepare(): Promise<void> {
    const maker = await BlockMaker.open(this.target);
    const { funds } = this.#options;
    const { lanes } = await openLanes(this.#client, funds, maker, 1);
    const [lane] = lanes;
    if (lane === undefined) throw new Error('one lane was asked for');
    const tips = await this.#client.tips();
    const milestone = await this.#client.milestone('latest');
    this.#good = { maker, chance: this.chance, tips, milestone, funds, lane };
  }

  protected async act(count: number): Promise<void> {
    const kinds = this.#options.kinds ?? KINDS;
    for (let index = 0; index < count; index += 1) {
      if (this.#acts++ % REFRESH_ACTS === 0) await this.#refresh();
      await this.#crowd.fill();
      const kind = kinds[this.#acts % kinds.length] ?? 'blocks';
      await this.#send(kind).catch((error: unknown) => this.tally.refuse(codeOf(error)));
      this.tally.sent += 1;
    }
  }

  protected async finish(): Promise<void> {
    await this.#crowd.stop();
  }

  async #refresh(): Promise<void> {
    const tips = await this.#client.tips();
    const milestone = await this.#client.milestone('latest');
    this.#good = { ...this.#good, tips, milestone };
  }

  #make(table: Readonly<Record<string, (good: Good) => Uint8Array>>): Uint8Array {
    const name = this.chance.pick(Object.keys(table));
    const bytes = table[name]?.(this.#good) ?? new Uint8Array();
    this.tally.bytes += bytes.length;
    return bytes;
  }

  async #send(kind: BrokenKind): Promise<void> {
    if (kind === 'posts') {
      await this.#client.submitBlock(this.#make(BROKEN_BLOCKS));
      this.tally.note('broken-block-taken');
      return;
    }
    const [peer] = this.#crowd.peers;
    if (peer === undefined) return;
    if (kind === 'frames') {
      const stream = await peer.openStream();
      stream.send(this.#make(BROKEN_FRAMES));
    } else if (kind === 'milestones') {
      await peer.publish('milestones', this.#make(BROKEN_MILESTONES));
    } else if (kind === 'packs') {
      await peer.publish('blocks', this.#make(BROKEN_PACKS));
    } else await peer.publish('blocks', packOf(this.#make(BROKEN_BLOCKS)));
  }
}

/** A pack of one block without the encoder's checks, which would stop what is too large. */
function packOf(block: Uint8Array): Uint8Array {
  const pack = Buffer.alloc(4 + block.length);
  pack.writeUInt16LE(1, 0);
  pack.writeUInt16LE(block.length, 2);
  pack.set(block, 4);
  return pack;
}
