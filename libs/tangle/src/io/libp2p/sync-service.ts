/**
 * The request protocol's connections: opens our stream to every peer, takes theirs, sends STATUS,
 * ends what is dead. A stream that cannot be reopened closes its connection, because a peer that is
 * connected and mute is worse than none. Used by network.ts; drives requester.ts and responder.ts.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import { encodeFrame } from '../../core/codec/frame.ts';
import type { Frame, SyncStatus } from '../../core/codec/frame.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { withinTime } from '../within-time.ts';
import { FrameChannel } from './frame-channel.ts';
import { PeerSession } from './peer-session.ts';
import type { Requester } from './requester.ts';
import type { Responder } from './responder.ts';
import type {
  Connection,
  NetworkLimits,
  NetworkMetrics,
  PeerId,
  PeerKey,
  Stream,
} from './types.ts';
import type { Finding } from './verdicts.ts';

/** Streams that may fail in a row before the connection is closed. */
const MAX_STREAM_FAILURES = 3;
const REOPEN_PAUSE_MS = 250;
/** The changes of so many milliseconds make one STATUS. */
const STATUS_PAUSE_MS = 100;
/** Time-outs are looked for this often. */
const SWEEP_MS = 100;

export interface SyncServiceDeps {
  readonly protocol: string;
  readonly connectionsOf: (peer: PeerId) => Connection[];
  readonly status: () => SyncStatus;
  readonly report: (session: PeerSession, finding: Finding) => void;
  readonly requester: () => Requester;
  readonly responder: Responder;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
  readonly nowMs: () => number;
}

export class SyncService {
  readonly #limits: NetworkLimits;
  readonly #deps: SyncServiceDeps;
  readonly #sessions = new Map<PeerKey, PeerSession>();
  readonly #stop = new AbortController();
  readonly #opening = new Set<Promise<void>>();
  #timers: ReturnType<typeof setInterval>[] = [];
  #statusTimer: ReturnType<typeof setTimeout> | undefined;
  #lastStatus: SyncStatus | undefined;

  constructor(limits: NetworkLimits, deps: SyncServiceDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** The connected peers, oldest first. */
  get sessions(): readonly PeerSession[] {
    return [...this.#sessions.values()];
  }

  session(key: PeerKey): PeerSession | undefined {
    return this.#sessions.get(key);
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#sendStatus(), this.#limits.statusIntervalMs),
      setInterval(() => this.#sweep(), Math.min(SWEEP_MS, this.#limits.requestTimeoutMs)),
    ];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#statusTimer);
    for (const session of this.#sessions.values()) this.#end(session);
    this.#sessions.clear();
    await Promise.allSettled(this.#opening);
  }

  /** Our status changed: peers hear of it within 100 ms. */
  announceStatus(): void {
    if (this.#stop.signal.aborted) return;
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = undefined;
      if (!sameStatus(this.#deps.status(), this.#lastStatus)) this.#sendStatus();
    }, STATUS_PAUSE_MS);
  }

  onPeerConnected(peerId: PeerId): void {
    if (this.#stop.signal.aborted || this.#sessions.has(peerId.toString())) return;
    const session = this.#sessionOf(peerId);
    this.#track(this.#openStream(session, 0));
  }

  onPeerDisconnected(peerId: PeerId): void {
    const session = this.#sessions.get(peerId.toString());
    if (session === undefined) return;
    this.#sessions.delete(session.key);
    this.#end(session);
    this.#deps.requester().wake();
  }

  /** Takes a stream that a peer opened; it replaces the peer's earlier one. */
  onInboundStream(stream: Stream, connection: Connection): void {
    if (this.#stop.signal.aborted) {
      stream.abort(new Error('stopped'));
      return;
    }
    const session = this.#sessionOf(connection.remotePeer);
    const before = session.inbound;
    const channel: FrameChannel = new FrameChannel(stream, {
      onFrame: (frame) => this.#onRequest(session, channel, frame),
      onInvalid: () => this.#onInvalid(session),
      onEnd: () => {
        if (session.inbound === channel) session.inbound = undefined;
      },
    });
    session.inbound = channel;
    before?.abort('replaced');
  }

  #sessionOf(peerId: PeerId): PeerSession {
    const key = peerId.toString();
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const session = new PeerSession(peerId, { ...this.#limits, nowMs: this.#deps.nowMs });
    this.#sessions.set(key, session);
    return session;
  }

  #track(task: Promise<void>): void {
    const tracked = task.finally(() => this.#opening.delete(tracked));
    this.#opening.add(tracked);
  }

  #isCurrent(session: PeerSession): boolean {
    return !this.#stop.signal.aborted && this.#sessions.get(session.key) === session;
  }

  async #openStream(session: PeerSession, failures: number): Promise<void> {
    if (!this.#isCurrent(session)) return;
    const connection = this.#openConnection(session);
    if (connection === undefined) return;
    try {
      const limitMs = this.#limits.requestTimeoutMs;
      const stream = await withinTime(limitMs, [this.#stop.signal], (signal) =>
        connection.newStream(this.#deps.protocol, {
          signal,
          maxOutboundStreams: 2,
          runOnLimitedConnection: true,
        }),
      );
      this.#useStream(session, stream, failures);
    } catch (error) {
      this.#deps.logger.debug({ peer: session.key, ...errorFields(error) }, 'no sync stream');
      const otherNetwork = error instanceof Error && error.name === 'UnsupportedProtocolError';
      this.#onStreamFailed(session, otherNetwork ? MAX_STREAM_FAILURES : failures + 1);
    }
  }

  #useStream(session: PeerSession, stream: Stream, failures: number): void {
    if (!this.#isCurrent(session)) {
      stream.abort(new Error('not needed'));
      return;
    }
    const openedMs = this.#deps.nowMs();
    const channel: FrameChannel = new FrameChannel(stream, {
      onFrame: (frame) => this.#onAnswer(session, channel, frame),
      onInvalid: () => this.#onInvalid(session),
      onEnd: () => {
        session.endRequests();
        const stable = this.#deps.nowMs() - openedMs >= this.#limits.peerSilenceMs;
        this.#onStreamFailed(session, stable ? 1 : failures + 1);
      },
    });
    session.outbound = channel;
    channel.send(encodeFrame({ type: 'status', status: this.#deps.status() }));
    this.#deps.requester().wake();
  }

  #onStreamFailed(session: PeerSession, failures: number): void {
    if (!this.#isCurrent(session)) return;
    session.outbound = undefined;
    if (failures >= MAX_STREAM_FAILURES) {
      this.#disconnect(session, 'sync stream failed');
      return;
    }
    const pause = setTimeout(() => {
      this.#stop.signal.removeEventListener('abort', cancel);
      this.#track(this.#openStream(session, failures));
    }, REOPEN_PAUSE_MS * failures);
    const cancel = (): void => clearTimeout(pause);
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
  }

  #openConnection(session: PeerSession): Connection | undefined {
    return this.#deps.connectionsOf(session.peerId).find((c) => c.status === 'open');
  }

  #onRequest(session: PeerSession, channel: FrameChannel, frame: Frame): void {
    session.heardMs = this.#deps.nowMs();
    if (this.#deps.responder.onFrame(session, channel, frame)) {
      if (frame.type === 'status') this.#deps.requester().wake();
      return;
    }
    channel.abort('frame has no place here');
    this.#onInvalid(session);
  }

  #onAnswer(session: PeerSession, channel: FrameChannel, frame: Frame): void {
    session.heardMs = this.#deps.nowMs();
    if (session.onAnswer(frame)) return;
    channel.abort('answer breaks the protocol');
    this.#deps.report(session, 'answer-invalid');
  }

  #onInvalid(session: PeerSession): void {
    this.#deps.metrics.count('frame-invalid');
    this.#deps.report(session, 'frame-invalid');
  }

  #sendStatus(): void {
    const status = this.#deps.status();
    this.#lastStatus = status;
    const frame = encodeFrame({ type: 'status', status });
    for (const session of this.#sessions.values()) session.outbound?.send(frame);
  }

  #sweep(): void {
    const silentSinceMs = this.#deps.nowMs() - this.#limits.peerSilenceMs;
    for (const session of this.#sessions.values()) {
      session.sweep();
      if (session.heardMs >= silentSinceMs && !session.isDead) continue;
      this.#deps.metrics.count('peer-silent');
      this.#disconnect(session, 'peer is silent');
    }
  }

  /** Closes all connections of a peer; the disconnect event then ends its session. */
  #disconnect(session: PeerSession, reason: string): void {
    this.#deps.logger.debug({ peer: session.key, reason }, 'disconnecting peer');
    for (const connection of this.#deps.connectionsOf(session.peerId)) {
      connection.abort(new Error(reason));
    }
  }

  #end(session: PeerSession): void {
    session.endRequests();
    session.outbound?.close();
    session.inbound?.close();
  }
}

function sameStatus(a: SyncStatus, b: SyncStatus | undefined): boolean {
  return (
    b !== undefined &&
    a.solidIndex === b.solidIndex &&
    a.latestIndex === b.latestIndex &&
    a.prunedIndex === b.prunedIndex &&
    a.peers === b.peers
  );
}
