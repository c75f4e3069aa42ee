/**
 * Finds peers whose gossip stream carries nothing although the connection looks healthy: the stream
 * is gone, too much waits for the peer, or the peer has stopped reading. gossipsub itself notices
 * none of these. Used by network.ts. Spec: docs/spec/07-gossip.md, "Connections".
 */
import type { Logger } from '../logger.ts';
import { gossipBacklog, gossipFault } from './gossip.ts';
import type { Connection, NetworkLimits, NetworkMetrics, PeerId, PeerKey } from './types.ts';

/** Backlogs are compared so many times in one interval of the watch. */
export const LOOKS_PER_WATCH = 10;
/** A peer that reads lets its backlog shrink once within so many looks: two intervals. */
const STALLED_LOOKS = 2 * LOOKS_PER_WATCH;
/** Less than this may wait for long: a small message on a slow line. */
const STALLED_BYTES = 256 * 1024;

export interface StreamWatchDeps {
  readonly peers: () => readonly PeerId[];
  readonly connectionsOf: (peer: PeerId) => readonly Connection[];
  readonly hangUp: (peer: PeerId) => void;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

interface Record {
  /** Whether the last watch found a fault. */
  isSuspect: boolean;
  backlog: number;
  /** Looks in a row at which the backlog had not shrunk. */
  stalledLooks: number;
}

export class StreamWatch {
  readonly #limits: Pick<NetworkLimits, 'gossipBacklogBytes'>;
  readonly #deps: StreamWatchDeps;
  #records = new Map<PeerKey, Record>();
  #looks = 0;

  constructor(limits: Pick<NetworkLimits, 'gossipBacklogBytes'>, deps: StreamWatchDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** One look; call it `LOOKS_PER_WATCH` times in each interval. */
  look(): void {
    this.#looks += 1;
    const records = new Map<PeerKey, Record>();
    for (const peer of this.#deps.peers()) {
      const connections = this.#deps.connectionsOf(peer);
      const before = this.#records.get(peer.toString());
      const record = compare(before, gossipBacklog(connections));
      records.set(peer.toString(), record);
      if (record.stalledLooks >= STALLED_LOOKS) this.#leave(peer, 'stalled');
      else if (this.#looks % LOOKS_PER_WATCH === 0) this.#judge(peer, connections, record);
    }
    this.#records = records;
  }

  /** A fault on two watches in a row ends the connection: a new stream is not there at once. */
  #judge(peer: PeerId, connections: readonly Connection[], record: Record): void {
    const fault = gossipFault(connections, this.#limits.gossipBacklogBytes);
    if (fault !== undefined && record.isSuspect) this.#leave(peer, fault);
    record.isSuspect = fault !== undefined;
  }

  #leave(peer: PeerId, fault: string): void {
    this.#deps.metrics.count('peer-muted');
    this.#deps.logger.debug({ peer: peer.toString(), fault }, 'gossip stream faulty');
    this.#deps.hangUp(peer);
  }
}

function compare(before: Record | undefined, backlog: number): Record {
  const isStalled = before !== undefined && backlog >= STALLED_BYTES && backlog >= before.backlog;
  return {
    isSuspect: before?.isSuspect ?? false,
    backlog,
    stalledLooks: isStalled ? before.stalledLooks + 1 : 0,
  };
}
