/**
 * What one peer may send per second on the gossip plane, bytes, messages, blocks and streams, and
 * what it may ask of the table of peers. A budget
 * is far above what the whole network sends; who passes it again and again is banned. Budgets
 * outlive connections and are bounded: the peer heard longest ago leaves first.
 * Used by gossip.ts and network.ts. Spec: docs/spec/07-gossip.md, "Budgets".
 */
import { TokenBucket } from '../token-bucket.ts';
import type { NetworkLimits, PeerKey } from './types.ts';
import type { Finding } from './verdicts.ts';

type Limits = Pick<
  NetworkLimits,
  | 'gossipBytesPerSecond'
  | 'gossipMessagesPerSecond'
  | 'gossipBlocksPerSecond'
  | 'consensusMessagesPerSecond'
  | 'streamsPerSecond'
  | 'tableQueriesPerSecond'
>;

interface Budgets {
  readonly bytes: TokenBucket;
  readonly messages: TokenBucket;
  readonly blocks: TokenBucket;
  readonly consensus: TokenBucket;
  readonly streams: TokenBucket;
  readonly table: TokenBucket;
  /** A flood of bytes is reported once in this time, not for every piece of data. */
  bytesReportedMs: number;
}

/** Peers whose budgets are remembered. */
const MAX_PEERS = 1_024;
/** A peer that was away may send so many seconds' worth at once. */
const BURST_SECONDS = 4;
const REPORT_PAUSE_MS = 1_000;
/** A query to the table of peers has some 50 bytes; many in one piece of data count as many. */
const TABLE_QUERY_BYTES = 64;

export class GossipBudget {
  readonly #limits: Limits;
  readonly #nowMs: () => number;
  readonly #report: (peer: PeerKey, finding: Finding) => void;
  readonly #peers = new Map<PeerKey, Budgets>();

  constructor(
    limits: Limits,
    deps: {
      readonly nowMs: () => number;
      readonly report: (peer: PeerKey, finding: Finding) => void;
    },
  ) {
    this.#limits = limits;
    this.#nowMs = deps.nowMs;
    this.#report = deps.report;
  }

  /** Bytes of a gossip stream as they came. */
  onBytes(peer: PeerKey, bytes: number): void {
    const nowMs = this.#nowMs();
    const budgets = this.#of(peer, nowMs);
    if (budgets.bytes.take(bytes, nowMs) || nowMs < budgets.bytesReportedMs) return;
    budgets.bytesReportedMs = nowMs + REPORT_PAUSE_MS;
    this.#report(peer, 'byte-flood');
  }

  /** A stream that the peer opened; false when it opens too many. */
  onStream(peer: PeerKey): boolean {
    const nowMs = this.#nowMs();
    if (this.#of(peer, nowMs).streams.take(1, nowMs)) return true;
    this.#report(peer, 'stream-flood');
    return false;
  }

  /** Data of a stream to the table of peers; false when it asks too much. */
  onTableBytes(peer: PeerKey, bytes: number): boolean {
    const nowMs = this.#nowMs();
    const queries = Math.max(1, bytes / TABLE_QUERY_BYTES);
    if (this.#of(peer, nowMs).table.take(queries, nowMs)) return true;
    this.#report(peer, 'table-flood');
    return false;
  }

  /** A message that is about to be judged; false when it must not be. */
  takeMessage(peer: PeerKey): boolean {
    const nowMs = this.#nowMs();
    return this.#of(peer, nowMs).messages.take(1, nowMs);
  }

  /**
   * A message of the agreement that is about to be judged; `overloaded` when it must not be: an
   * honest peer may pass on the votes of many views at once, and they are said again.
   * `gossip-flood` beyond the budget of all messages, too.
   */
  takeConsensus(peer: PeerKey): 'overloaded' | 'gossip-flood' | undefined {
    const nowMs = this.#nowMs();
    if (this.#of(peer, nowMs).consensus.take(1, nowMs)) return undefined;
    return this.takeMessage(peer) ? 'overloaded' : 'gossip-flood';
  }

  /** Blocks of a pack that are about to be judged; false when they must not be. */
  takeBlocks(peer: PeerKey, count: number): boolean {
    const nowMs = this.#nowMs();
    return this.#of(peer, nowMs).blocks.take(count, nowMs);
  }

  #of(peer: PeerKey, nowMs: number): Budgets {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const bucket = (perSecond: number): TokenBucket =>
      new TokenBucket(perSecond, perSecond * BURST_SECONDS, nowMs);
    const made: Budgets = {
      bytes: bucket(this.#limits.gossipBytesPerSecond),
      messages: bucket(this.#limits.gossipMessagesPerSecond),
      blocks: bucket(this.#limits.gossipBlocksPerSecond),
      consensus: bucket(this.#limits.consensusMessagesPerSecond),
      streams: bucket(this.#limits.streamsPerSecond),
      table: bucket(this.#limits.tableQueriesPerSecond),
      bytesReportedMs: Number.NEGATIVE_INFINITY,
    };
    this.#peers.set(peer, made);
    if (this.#peers.size > MAX_PEERS) {
      const [oldest] = this.#peers.keys();
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    return made;
  }
}
