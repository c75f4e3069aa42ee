/**
 * Points against peers and bans with expiry. It outlives connections, so that reconnecting does not
 * wash a peer clean, and it is bounded: the entry touched longest ago leaves first. network.ts
 * keeps the bans over a restart (peer-book.ts). Spec: docs/spec/07-gossip.md, "Verdicts".
 */
import { BAN_POINTS, FINDINGS, POINTS_HALF_LIFE_MS } from './verdicts.ts';
import type { Finding } from './verdicts.ts';
import type { Ban, PeerKey } from './types.ts';

/** Peers remembered. Stops a crowd of invented peer keys from filling memory. */
const MAX_REMEMBERED = 8_192;

interface Standing {
  points: number;
  updatedMs: number;
  bannedUntilMs: number;
  finding: Ban['finding'];
}

export interface PeerStandingOptions {
  readonly banMs: number;
  /** Any clock in milliseconds that never goes back. */
  readonly nowMs: () => number;
  /** Called once when a peer crosses the line; the owner disconnects it. */
  readonly onBan: (peer: PeerKey, finding: Ban['finding']) => void;
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
    this.ban(peer, this.#options.banMs, finding);
  }

  /** Keeps a peer out for so long; a ban that lasts longer already stays. */
  ban(peer: PeerKey, forMs: number, finding: Ban['finding']): void {
    const standing = this.#touch(peer);
    standing.points = 0;
    standing.finding = finding;
    standing.bannedUntilMs = Math.max(standing.bannedUntilMs, this.#options.nowMs() + forMs);
    this.#options.onBan(peer, finding);
  }

  /** Lets a peer in again, with no points; false when it was not banned. */
  unban(peer: PeerKey): boolean {
    return this.isBanned(peer) && this.#peers.delete(peer);
  }

  isBanned(peer: PeerKey): boolean {
    const standing = this.#peers.get(peer);
    return standing !== undefined && standing.bannedUntilMs > this.#options.nowMs();
  }

  /**
   * The bans that have not ended, in the terms of a calendar whose time now is `epochMs`; those of
   * the operator first, then the newest.
   */
  bans(epochMs: number): Ban[] {
    const toEpoch = epochMs - this.#options.nowMs();
    return [...this.#peers]
      .toReversed()
      .toSorted(([, a], [, b]) => Number(isOfOperator(b)) - Number(isOfOperator(a)))
      .filter(([peer]) => this.isBanned(peer))
      .map(([peer, { bannedUntilMs, finding }]) => ({
        id: peer,
        untilMs: Math.max(0, Math.round(bannedUntilMs + toEpoch)),
        finding,
      }));
  }

  /** Takes over bans of an earlier run of the process. */
  restore(bans: readonly Ban[], epochMs: number): void {
    for (const { id, untilMs, finding } of bans) {
      if (untilMs <= epochMs) continue;
      const standing = this.#touch(id);
      standing.bannedUntilMs = this.#options.nowMs() + untilMs - epochMs;
      standing.finding = finding;
    }
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
      finding: old?.finding ?? 'operator',
    };
    this.#peers.delete(peer);
    this.#peers.set(peer, standing);
    if (this.#peers.size > MAX_REMEMBERED) this.#forgetOldest();
    return standing;
  }

  /** Whom the operator banned stays: no crowd may end that. */
  #forgetOldest(): void {
    for (const [peer, standing] of this.#peers) {
      if (isOfOperator(standing) && this.isBanned(peer)) continue;
      this.#peers.delete(peer);
      return;
    }
  }
}

function isOfOperator({ finding }: Standing): boolean {
  return finding === 'operator';
}

function decayed(standing: Standing, nowMs: number): number {
  return standing.points * 0.5 ** ((nowMs - standing.updatedMs) / POINTS_HALF_LIFE_MS);
}
