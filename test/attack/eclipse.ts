/**
 * An eclipse, as far as one machine can: many peers with keys of their own, all from one address,
 * that try to take every place and then say nothing. Honest peers must keep theirs.
 */
import { PacedAttack, type AttackOptions } from './attack.ts';
import { Crowd } from './crowd.ts';

/** More of them would be a strain on the attacker. */
const MAX_PEERS = 30;

export class Eclipse extends PacedAttack {
  readonly #crowd: Crowd;

  constructor(options: AttackOptions) {
    super('eclipse', options);
    const status = { solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: MAX_PEERS };
    this.#crowd = new Crowd(options.target, MAX_PEERS, this.tally, () => ({
      status: () => status,
      onRequest: () => undefined,
    }));
  }

  protected async prepare(): Promise<void> {
    await this.#crowd.fill();
  }

  protected async act(count: number): Promise<void> {
    this.tally.sent += count;
    await this.#crowd.fill();
    this.tally.accepted = Math.max(this.tally.accepted, this.#crowd.peers.length);
  }

  protected async finish(): Promise<void> {
    await this.#crowd.stop();
  }
}
