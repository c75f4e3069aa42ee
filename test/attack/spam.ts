/**
 * Spam that breaks no rule: a steady load of mixed blocks as many users and a neighbour make it,
 * over the API, over gossip as a peer, or both. It is an attack by its amount only, and the load of
 * the soak and of the kill cycles.
 */
import { payloadBytesOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodePack } from '@tanglemail/tangle/core/codec/pack.ts';
import { encodeFrame } from '@tanglemail/tangle/core/codec/frame.ts';
import { MAX_PARENTS } from '@tanglemail/tangle/core/params/limits.ts';
import { NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { BlockMaker, type MadeBlock } from './blocks.ts';
import {
  nextStep,
  openLanes,
  plainPayload,
  type Funds,
  type Lane,
  type LaneStep,
} from './payloads.ts';
import { AttackPeer, type Stream } from './peer.ts';

export type Route = 'api' | 'gossip';

export interface SpamOptions extends AttackOptions {
  /** In turn, block by block. */
  readonly routes: readonly Route[];
  /** Tokens to move; without them no transactions are sent. */
  readonly funds?: Funds;
  /** Share of transactions, 0–1; default 0.1. */
  readonly transactions?: number;
  /** Told of each block on its way: answered 202 over the API, handed to gossip else. */
  readonly onSent?: (block: MadeBlock, route: Route) => void;
}

const LANES = 64;
const REFRESH_MS = 100;
/** Tips that one answer holds, and tips that one block uses up. */
const TIPS_PER_ANSWER = 4;
const TIPS_PER_BLOCK = 2;
const TIE_UP_ANSWERS = 16;
/** Own gossip blocks without a child that stay open: the width of the peer's part of the DAG. */
const WIDTH = 16;
const PACK_BYTES = 48 << 10;
/** Own blocks that are kept to answer the victim's requests for lost ones. */
const MAX_KEPT_BYTES = 64 << 20;
const MAX_POSTS = 32;

export class Spam extends PacedAttack {
  readonly #options: SpamOptions;
  readonly #clients: NodeClient[];
  #maker!: BlockMaker;
  #peer: AttackPeer | undefined;
  #lanes: Record<Route, Lane[]> = { api: [], gossip: [] };
  /** Tips that no block of ours has used: as if each user had asked for its own. */
  #fresh = new Set<BlockId>();
  #tips: readonly BlockId[] = [];
  #childless: BlockId[] = [];
  /** Blocks without a payload among those sent. */
  empty = 0;
  readonly #kept = new Map<BlockId, Uint8Array>();
  #keptBytes = 0;
  #refresher: Promise<void> = Promise.resolve();
  #indexTold = 0;
  #turn = 0;

  constructor(options: SpamOptions) {
    super('spam', options);
    this.#options = options;
    this.#clients = options.target.urls.map((baseUrl) => new NodeClient({ baseUrl }));
  }

  protected async prepare(): Promise<void> {
    this.#maker = await BlockMaker.open(this.target);
    const { funds, routes } = this.#options;
    if (funds !== undefined) {
      const { lanes, block } = await openLanes(this.#client(0), funds, this.#maker, LANES);
      this.#lanes = { api: lanes.slice(LANES / 2), gossip: lanes.slice(0, LANES / 2) };
      this.#count(block, 'api');
    }
    await this.#refresh();
    if (routes.includes('gossip')) {
      this.#peer = await AttackPeer.connect(this.target, this.target.peers[0] ?? '', {
        status: () => this.#status(),
        onRequest: (frame, stream) => {
          if (frame.type === 'get-blocks') this.#answer(frame.requestId, frame.ids, stream);
        },
      });
    }
    this.#refresher = this.#refreshLoop();
  }

  /**
   * Empty blocks on eight tips each, as users send who want to see their blocks confirmed when
   * nobody else sends any: without them the last tips of a load wait for their turn, too long.
   */
  async tieUp(): Promise<void> {
    const client = this.#client(0);
    const answers = await Promise.all(Array.from({ length: TIE_UP_ANSWERS }, () => client.tips()));
    const tips = [...new Set(answers.flat())];
    while (tips.length > 0) {
      await this.#post(this.#maker.make(tips.splice(0, MAX_PARENTS), null), 0, undefined);
    }
  }

  protected async act(count: number): Promise<void> {
    const posts: Promise<void>[] = [];
    let pack: MadeBlock[] = [];
    let packBytes = 0;
    for (let index = 0; index < count; index += 1) {
      this.#turn += 1;
      const route = this.#options.routes[this.#turn % this.#options.routes.length] ?? 'api';
      const made = this.#makeNext(route);
      if (route === 'api') {
        posts.push(this.#post(made.block, this.#turn, made.step));
        if (posts.length % MAX_POSTS === 0) await Promise.all(posts.splice(0));
        continue;
      }
      if (packBytes + made.block.bytes.length > PACK_BYTES) {
        await this.#publish(pack);
        [pack, packBytes] = [[], 0];
      }
      made.step?.done(made.block.id);
      pack.push(made.block);
      packBytes += made.block.bytes.length;
    }
    await Promise.all([...posts, this.#publish(pack)]);
  }

  /** Ties up the loose ends of the peer's part, so that a lost block is missed and asked for. */
  protected async finish(): Promise<void> {
    await this.#refresher;
    while (this.#childless.length > 0) {
      const parents = [...this.#childless.splice(0, 7), ...this.#tips.slice(0, 1)];
      const block = this.#maker.make(parents, null);
      await this.#post(block, 0, undefined);
    }
    // The victim may still ask for what it misses.
    if (this.#peer !== undefined) await new Promise((resolve) => setTimeout(resolve, 3_000));
    await this.#peer?.stop();
  }

  #client(turn: number): NodeClient {
    const client = this.#clients[turn % this.#clients.length];
    if (client === undefined) throw new Error('spam needs the API of a node');
    return client;
  }

  #makeNext(route: Route): { block: MadeBlock; step: LaneStep | undefined } {
    const step = this.#nextStep(route);
    const parents = new Set<BlockId>(step?.parents);
    if (route === 'gossip') {
      const due = Math.min(3, Math.max(0, this.#childless.length - WIDTH));
      for (const id of this.#childless.splice(0, due)) parents.add(id);
    }
    for (const tip of this.#takeTips()) parents.add(tip);
    const payload = step?.payload ?? plainPayload(this.chance);
    const block = this.#maker.make([...parents], payload);
    if (route === 'gossip') this.#keep(block);
    return { block, step };
  }

  #takeTips(): BlockId[] {
    const taken = [...this.#fresh].slice(0, TIPS_PER_BLOCK);
    for (const tip of taken) this.#fresh.delete(tip);
    return taken.length > 0 ? taken : [this.chance.pick(this.#tips)];
  }

  #nextStep(route: Route): LaneStep | undefined {
    const { funds, transactions = 0.1 } = this.#options;
    if (funds === undefined || this.chance.next() >= transactions) return undefined;
    const lane = this.#lanes[route].shift();
    if (lane === undefined) return undefined;
    const step = nextStep(lane, funds, this.#maker, performance.now());
    return {
      ...step,
      done: (block) => {
        step.done(block);
        this.#lanes[route].push(lane);
      },
    };
  }

  #keep({ id, bytes }: MadeBlock): void {
    this.#childless.push(id);
    this.#kept.set(id, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= length;
    }
  }

  /**
   * A post without an answer is made again, as a user's program would: the node may be starting.
   * A lane whose block was refused is given up.
   */
  async #post(block: MadeBlock, turn: number, step: LaneStep | undefined): Promise<void> {
    for (;;) {
      try {
        await this.#client(turn).submitBlock(block.bytes);
        break;
      } catch (error) {
        if (error instanceof NodeUnreachableError && !this.ending.aborted) {
          this.tally.note('posted-again');
          await this.pause(REFRESH_MS);
          continue;
        }
        this.tally.refuse(codeOf(error));
        return;
      }
    }
    step?.done(block.id);
    this.tally.accepted += 1;
    this.#count(block, 'api');
  }

  async #publish(blocks: readonly MadeBlock[]): Promise<void> {
    if (blocks.length === 0) return;
    await this.#peer?.publish('blocks', encodePack(blocks.map(({ bytes }) => bytes)));
    for (const block of blocks) this.#count(block, 'gossip');
  }

  #count(block: MadeBlock, route: Route): void {
    this.tally.sent += 1;
    this.tally.bytes += block.bytes.length;
    if (payloadBytesOf(block.bytes).length === 0) this.empty += 1;
    this.tally.note(route);
    this.#options.onSent?.(block, route);
  }

  async #refreshLoop(): Promise<void> {
    while (!this.ending.aborted) {
      await this.#refresh().catch((error: unknown) => this.tally.note(codeOf(error)));
      await this.pause(REFRESH_MS);
    }
  }

  #refreshes = 0;

  async #refresh(): Promise<void> {
    this.#refreshes += 1;
    const blocks = (this.rate * REFRESH_MS) / 1_000;
    const answers = Math.ceil((blocks * TIPS_PER_BLOCK) / TIPS_PER_ANSWER);
    const client = this.#client(this.#refreshes);
    const tips = await Promise.all(Array.from({ length: answers }, () => client.tips()));
    this.#tips = tips.flat();
    this.#fresh = new Set(this.#tips);
    if (this.#refreshes % 5 !== 1) return;
    await this.#maker.follow(this.#client(0));
    const { status } = await this.#client(0).info();
    this.#indexTold = status.confirmedMilestone.index;
  }

  #status() {
    const index = this.#indexTold;
    return { solidIndex: index, latestIndex: index, prunedIndex: index, peers: 1 };
  }

  #answer(requestId: number, ids: readonly BlockId[], stream: Stream): void {
    const items: Uint8Array[] = [];
    let size = 0;
    for (const id of ids) {
      const bytes = this.#kept.get(id);
      if (bytes === undefined || size + bytes.length > PACK_BYTES) continue;
      items.push(bytes);
      size += bytes.length;
    }
    this.tally.note('requests-answered');
    stream.send(encodeFrame({ type: 'blocks', requestId, end: 'complete', items }));
  }
}
