/**
 * Bounds the gossip that is under validation. A peer may hold as many places as are still free, so
 * that n peers who take all they can leave 1/(n + 1) of the places to the others; one place is
 * never refused. Used by gossip.ts. Spec: docs/spec/07-gossip.md, "Gossip".
 */
import type { NetworkLimits, PeerKey } from './types.ts';

export class ValidationPlaces {
  readonly #limits: Pick<NetworkLimits, 'maxValidating' | 'maxValidatingPerPeer'>;
  /** Peers with something under validation, at most as many as are connected. */
  readonly #taken = new Map<PeerKey, number>();
  #total = 0;

  constructor(limits: Pick<NetworkLimits, 'maxValidating' | 'maxValidatingPerPeer'>) {
    this.#limits = limits;
  }

  /** Takes a place; false when the peer holds its share already. Every `true` needs a `leave`. */
  enter(peer: PeerKey): boolean {
    const { maxValidating, maxValidatingPerPeer } = this.#limits;
    const taken = this.#taken.get(peer) ?? 0;
    const free = Math.max(1, maxValidating - this.#total);
    if (taken >= Math.min(maxValidatingPerPeer, free)) return false;
    this.#taken.set(peer, taken + 1);
    this.#total += 1;
    return true;
  }

  /** Gives a place back. */
  leave(peer: PeerKey): void {
    const left = (this.#taken.get(peer) ?? 1) - 1;
    this.#total -= 1;
    if (left === 0) this.#taken.delete(peer);
    else this.#taken.set(peer, left);
  }
}
