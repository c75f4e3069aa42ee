/**
 * Offers the blocks of this node's own users again until a milestone references them. Gossip may
 * lose a block (the only peer restarts at that moment), and a block without children is asked for
 * by nobody. To a new peer it offers the tips of all that waits here, whoever issued it: when two
 * halves of a network are joined again, each learns what the other one has, parents by request. And
 * what still waits long after it came is offered once in a while: peers may have missed it.
 * Path: node.ts (API) → here → tangle/io/libp2p. Spec: docs/spec/13-sync.md §7.
 *
 * gossipsub sends the same pack once in two minutes, so each attempt adds one companion more:
 * blocks that peers know already and that make the pack another one.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';

export interface RebroadcastDeps {
  /** In the DAG, and no milestone has referenced it. */
  isPending(id: BlockId): boolean;
  blockBytes(id: BlockId): Uint8Array | undefined;
  /** Other recent blocks, at most `count`. */
  companions(count: number): readonly BlockId[];
  /** The newest, or oldest, blocks that wait for a milestone and have no children. */
  waitingTips(which: 'newest' | 'oldest', count: number): readonly BlockId[];
  /** Blocks that a milestone referenced not long ago, others for another `turn`. */
  referenced(turn: number): readonly BlockId[];
  publish(bytes: Uint8Array): void;
  /** `subscribed`: what we publish reaches the peer. */
  peers(): readonly {
    readonly id: string;
    readonly connectedMs: number;
    readonly subscribed: boolean;
  }[];
}

interface Entry {
  attempts: number;
  dueMs: number;
  readonly addedMs: number;
}

/** Blocks that are watched; the oldest are given up first. */
const MAX_ENTRIES = 4_096;
/** Blocks that one tick offers again. */
const MAX_PER_TICK = 256;
const TICK_MS = 500;
const FIRST_PAUSE_MS = 2_000;
const LAST_PAUSE_MS = 120_000;
/** How long a new peer takes to join the mesh. */
const NEW_PEER_PAUSE_MS = 1_000;
/** New peers are told together this often: one that comes and goes draws no more than that. */
const WELCOME_PAUSE_MS = 3_000;
const GIVE_UP_MS = 900_000;
const MAX_COMPANIONS = 8;
/** A new peer is told twice: the first time it may not be in the mesh yet. */
const OFFER_PAUSES_MS = [NEW_PEER_PAUSE_MS, 8_000];
/** Tips that one offer tells. */
const MAX_OFFERED = 64;
/** The oldest tips are looked at this often; what waited at the last look, too, is offered. */
const LOOK_PAUSE_MS = 30_000;

export class Rebroadcast {
  readonly #deps: RebroadcastDeps;
  readonly #entries = new Map<BlockId, Entry>();
  #peers = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** When the next offers to new peers are due. */
  #offerMs: number[] = [];
  #offers = 0;
  #isNewPeerUntold = false;
  #welcomeMs = Number.NEGATIVE_INFINITY;
  #lookMs = Number.NEGATIVE_INFINITY;
  /** What waited at the last look. */
  #waiting: readonly BlockId[] = [];

  constructor(deps: RebroadcastDeps) {
    this.#deps = deps;
  }

  /** Blocks that are watched. */
  get size(): number {
    return this.#entries.size;
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(performance.now()), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A new block of a user was published for the first time. */
  add(id: BlockId, nowMs: number): void {
    this.#entries.set(id, { attempts: 0, dueMs: nowMs + FIRST_PAUSE_MS, addedMs: nowMs });
    if (this.#entries.size <= MAX_ENTRIES) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Publishes what is due; `nowMs` never goes back. */
  tick(nowMs: number): void {
    const hasNewPeer = this.#isWelcome(nowMs);
    if (hasNewPeer) this.#offerMs = OFFER_PAUSES_MS.map((pauseMs) => nowMs + pauseMs);
    if (nowMs >= (this.#offerMs[0] ?? Number.POSITIVE_INFINITY)) this.#welcome();
    if (nowMs - this.#lookMs >= LOOK_PAUSE_MS) this.#look(nowMs);
    let attempts = 0;
    let published = 0;
    for (const [id, entry] of this.#entries) {
      if (!this.#deps.isPending(id) || nowMs - entry.addedMs > GIVE_UP_MS) {
        this.#entries.delete(id);
        continue;
      }
      if (hasNewPeer) entry.dueMs = Math.min(entry.dueMs, nowMs + NEW_PEER_PAUSE_MS);
      if (entry.dueMs > nowMs || published >= MAX_PER_TICK || this.#peers.size === 0) continue;
      const bytes = this.#deps.blockBytes(id);
      if (bytes === undefined) continue;
      this.#deps.publish(bytes);
      published += 1;
      entry.attempts += 1;
      entry.dueMs = nowMs + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 3 ** entry.attempts);
      attempts = Math.max(attempts, entry.attempts);
    }
    if (attempts > 0) this.#publishCompanions(Math.min(attempts, MAX_COMPANIONS));
  }

  /** Tells new peers what waits here. */
  #welcome(): void {
    this.#offerMs.shift();
    this.#offer(this.#deps.waitingTips('newest', MAX_OFFERED));
  }

  #look(nowMs: number): void {
    this.#lookMs = nowMs;
    this.#offer(this.#waiting.filter((id) => this.#deps.isPending(id)));
    this.#waiting = this.#deps.waitingTips('oldest', MAX_OFFERED);
  }

  /** Publishes tips; a block of a milestone makes the pack another one each time. */
  #offer(tips: readonly BlockId[]): void {
    if (tips.length === 0 || this.#peers.size === 0) return;
    this.#offers += 1;
    for (const id of [...tips, ...this.#deps.referenced(this.#offers)]) {
      const bytes = this.#deps.blockBytes(id);
      if (bytes !== undefined) this.#deps.publish(bytes);
    }
  }

  #publishCompanions(count: number): void {
    for (const id of this.#deps.companions(count)) {
      const bytes = this.#deps.blockBytes(id);
      if (bytes !== undefined) this.#deps.publish(bytes);
    }
  }

  /** True when there are new peers, and the last ones were told long enough ago. */
  #isWelcome(nowMs: number): boolean {
    if (this.#noteNewPeers()) this.#isNewPeerUntold = true;
    if (!this.#isNewPeerUntold || nowMs - this.#welcomeMs < WELCOME_PAUSE_MS) return false;
    this.#isNewPeerUntold = false;
    this.#welcomeMs = nowMs;
    return true;
  }

  /** True when a peer can be reached that could not at the last tick. */
  #noteNewPeers(): boolean {
    const reached = this.#deps.peers().filter(({ subscribed }) => subscribed);
    const now = new Set(reached.map(({ id, connectedMs }) => `${id} ${connectedMs}`));
    const hasNew = [...now].some((peer) => !this.#peers.has(peer));
    this.#peers = now;
    return hasNew;
  }
}
