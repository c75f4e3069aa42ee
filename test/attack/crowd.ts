/**
 * Peers of one attack, each with a key of its own: one that the victim bans or closes is replaced
 * by the next, as an attacker would who pays nothing for keys.
 */
import type { Tally } from './attack.ts';
import { codeOf } from './attack.ts';
import { AttackPeer, type PeerBehaviour } from './peer.ts';
import type { Target } from './target.ts';

export class Crowd {
  readonly #target: Target;
  readonly #size: number;
  readonly #tally: Tally;
  readonly #behaviour: (index: number) => PeerBehaviour;
  readonly #peers: AttackPeer[] = [];
  #made = 0;

  constructor(
    target: Target,
    size: number,
    tally: Tally,
    behaviour: (index: number) => PeerBehaviour = () => ({}),
  ) {
    this.#target = target;
    this.#size = size;
    this.#tally = tally;
    this.#behaviour = behaviour;
  }

  get peers(): readonly AttackPeer[] {
    return this.#peers;
  }

  /** Replaces those that are out; each failure to connect is counted and ends the attempt. */
  async fill(): Promise<void> {
    for (let at = this.#peers.length - 1; at >= 0; at -= 1) {
      const peer = this.#peers[at];
      if (peer?.isOut !== true) continue;
      this.#tally.note('peer-thrown-out');
      this.#peers.splice(at, 1);
      await peer.stop();
    }
    while (this.#peers.length < this.#size) {
      const index = this.#made++;
      const address = this.#target.peers[index % this.#target.peers.length] ?? '';
      try {
        this.#peers.push(await AttackPeer.connect(this.#target, address, this.#behaviour(index)));
        this.#tally.note('peer-let-in');
      } catch (error) {
        this.#tally.note('peer-kept-out');
        this.#tally.note(`kept out: ${codeOf(error)}`);
        return;
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()));
  }
}
