/**
 * Points against peers and bans with expiry. It outlives connections, so that reconnecting does not
 * wash a peer clean, and it is bounded: the entry touched longest ago leaves first.
 * Spec: docs/spec/07-gossip.md, "Budgets".
 */
import { BAN_POINTS, FINDINGS, POINTS_HALF_LIFE_MS } from './verdicts.ts';
import type { Finding } from './verdicts.ts';
import type { PeerKey } from './types.ts';

/** Peers remembered. Stops a crowd of invented peer keys from filling memory. */
const MAX_REMEMBERED = 4_096;

interface Standing {
  points: number;
  updatedMs: number;
  bannedUntilMs: number;
}

export interface PeerStandingOptions {
  readonly banMs: number;
  /** Any clock in milliseconds that never goes back. */
  readonly nowMs: () => number;
  /** Called once when a peer crosses the line; the owner disconnects it. */
  readonly onBan: (peer: PeerKey, finding: Finding) => void;
}

export class PeerStanding {
  readonly #options: PeerStandingOptions;
  readonly #peers = new Map<PeerKey, Standing>();

  constructor(options: PeerStandingOptions) {
    this.#options = options;
  }

  /** Books a finding; bans the peer at `BAN_POINTS`. */
  report(peer: PeerKey, finding: Finding): void {
    const { points } = FINDINGS[finding];
    if (points === 0) return;
    const standing = this.#touch(peer);
    standing.points += points;
    if (standing.points < BAN_POINTS || this.isBanned(peer)) return;
    standing.points = 0;
    standing.bannedUntilMs = this.#options.nowMs() + this.#options.banMs;
    this.#options.onBan(peer, finding);
  }

  isBanned(peer: PeerKey): boolean {
    const standing = this.#peers.get(peer);
    return standing !== undefined && standing.bannedUntilMs > this.#options.nowMs();
  }

  /** Points that are left after decay, 0–100. */
  points(peer: PeerKey): number {
    const standing = this.#peers.get(peer);
    return standing === undefined ? 0 : decayed(standing, this.#options.nowMs());
  }

  #touch(peer: PeerKey): Standing {
    const nowMs = this.#options.nowMs();
    const old = this.#peers.get(peer);
    const standing: Standing = {
      points: old === undefined ? 0 : decayed(old, nowMs),
      updatedMs: nowMs,
      bannedUntilMs: old?.bannedUntilMs ?? Number.NEGATIVE_INFINITY,
    };
    this.#peers.delete(peer);
    this.#peers.set(peer, standing);
    if (this.#peers.size > MAX_REMEMBERED) this.#forgetOldest();
    return standing;
  }

  #forgetOldest(): void {
    for (const peer of this.#peers.keys()) {
      if (this.isBanned(peer) && this.#peers.size <= 2 * MAX_REMEMBERED) continue;
      this.#peers.delete(peer);
      return;
    }
  }
}

function decayed(standing: Standing, nowMs: number): number {
  return standing.points * 0.5 ** ((nowMs - standing.updatedMs) / POINTS_HALF_LIFE_MS);
}
