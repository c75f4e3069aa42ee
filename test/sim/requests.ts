/**
 * What a node asks of its peers, and how often: blocks that it lacks, and certified milestones from
 * those who say that they are ahead. Path: `node.ts` → here → `network.ts`.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SimMessage } from './network.ts';
import type { SeededRandom } from './random.ts';

const STATUS_MS = 500;
const RETRY_MS = 400;
const MAX_WANTED = 64;
/** A node looks every 30 s (docs/spec/13-sync.md §7); a run is as short as that. */
const OFFER_MS = 4_000;
const MAX_OFFERED = 64;
/** Without progress for so long a node takes itself for level: peers may be silent for ever. */
const CATCH_UP_GRACE_MS = 10_000;

interface Deps {
  readonly random: SeededRandom;
  /** A clock that nobody sets. */
  nowMs(): number;
  send(to: number, message: SimMessage): void;
}

/** What of a DAG tells which parents are unknown. */
interface Unsolid {
  missingParents(limit: number, isAsked?: (id: BlockId) => boolean): BlockId[];
}

/** What a node holds. */
interface Held {
  readonly chain: { readonly waiting: readonly BlockId[] };
  readonly disk: { block(id: BlockId): Uint8Array | undefined };
}

export class Requests {
  readonly peers: readonly number[];
  readonly #deps: Deps;
  #peerIndexes = new Map<number, number>();
  #askedMs = new Map<BlockId, number>();
  #rangeMs = 0;
  #statusMs = 0;
  #progressMs = 0;
  #offeredMs = 0;
  #waited = new Set<BlockId>();

  constructor({ seat, size }: { readonly seat: number; readonly size: number }, deps: Deps) {
    this.#deps = deps;
    this.peers = Array.from({ length: size }, (_, at) => at).filter((at) => at !== seat);
  }

  /** The machine starts: what peers said is forgotten. */
  restart(): void {
    this.#peerIndexes = new Map();
    this.#askedMs = new Map();
    this.#waited = new Set();
    this.#progressMs = this.#deps.nowMs();
  }

  /** A milestone was committed. */
  onProgress(): void {
    this.#progressMs = this.#deps.nowMs();
  }

  /** Tells peers from time to time where this node stands. */
  sayStatus(index: number): void {
    if (this.#deps.nowMs() - this.#statusMs < STATUS_MS) return;
    this.#statusMs = this.#deps.nowMs();
    for (const to of this.peers) this.#deps.send(to, { kind: 'status', index });
  }

  /** A peer stands at `theirs`, this node at `index`. */
  onStatus(from: number, theirs: number, index: number): void {
    this.#peerIndexes.set(from, theirs);
    this.#catchUp(index);
  }

  /** Whether the node stands where its peers do, as `MilestoneSync.hasCaughtUp` has it. */
  hasCaughtUp(index: number): boolean {
    const told = [...this.#peerIndexes.values()];
    if (told.some((theirs) => theirs > index)) return false;
    const quietMs = this.#deps.nowMs() - this.#progressMs;
    return told.length > 0 || this.peers.length === 0 || quietMs > CATCH_UP_GRACE_MS;
  }

  /**
   * Looks from time to time at blocks that wait for a milestone, and sends those that were there at
   * the last look: whoever makes milestones may have lost them.
   */
  offerAgain({ chain, disk }: Held): void {
    const nowMs = this.#deps.nowMs();
    if (nowMs - this.#offeredMs < OFFER_MS) return;
    this.#offeredMs = nowMs;
    const oldest = chain.waiting.slice(0, MAX_OFFERED);
    for (const id of oldest) {
      const bytes = this.#waited.has(id) ? disk.block(id) : undefined;
      if (bytes === undefined) continue;
      for (const to of this.some(2)) this.#deps.send(to, { kind: 'block', bytes });
    }
    this.#waited = new Set(oldest);
  }

  /** Asks somebody who is ahead for certified milestones. */
  #catchUp(index: number): void {
    const ahead = [...this.#peerIndexes].filter(([, theirs]) => theirs > index);
    if (ahead.length === 0 || this.#deps.nowMs() - this.#rangeMs < RETRY_MS) return;
    this.#rangeMs = this.#deps.nowMs();
    const [to] = this.#deps.random.pick(ahead);
    this.#deps.send(to, { kind: 'want-range', from: index + 1 });
  }

  /** Asks for the parents that blocks of the DAG lack, those left out that `recall` finds. */
  askForParents(dag: Unsolid, recall: (id: BlockId) => boolean): void {
    const nowMs = this.#deps.nowMs();
    const isAsked = (id: BlockId): boolean => nowMs - (this.#askedMs.get(id) ?? 0) < RETRY_MS;
    const missing = dag.missingParents(MAX_WANTED, isAsked);
    this.ask(missing.filter((id) => !recall(id)));
  }

  /** Asks for a block, and for all that blocks lack. */
  askWithParents(id: BlockId, dag: Unsolid): void {
    this.ask([id, ...dag.missingParents(MAX_WANTED)]);
  }

  ask(ids: readonly BlockId[], peers: readonly number[] = this.some(2)): void {
    const nowMs = this.#deps.nowMs();
    const open = ids.filter((id) => nowMs - (this.#askedMs.get(id) ?? 0) >= RETRY_MS);
    if (open.length === 0) return;
    for (const id of open) this.#askedMs.set(id, nowMs);
    for (const to of peers) this.#deps.send(to, { kind: 'want-blocks', ids: open });
  }

  /** Peers at random, at most so many. */
  some(count: number): number[] {
    const peers = [...this.peers];
    while (peers.length > count) peers.splice(this.#deps.random.below(peers.length), 1);
    return peers;
  }
}
