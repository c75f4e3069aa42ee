/**
 * Dead peers: they shake hands, join the gossip, and from then on neither read nor write, while
 * their connections stay open. What the victim sends them piles up somewhere.
 */
import { PacedAttack, type AttackOptions } from './attack.ts';
import { CutProxy } from './cut-proxy.ts';
import { AttackPeer } from './peer.ts';
import { portOf } from './target.ts';

const PEERS = 3;

export class DeadPeers extends PacedAttack {
  readonly #dead: { readonly peer: AttackPeer; readonly proxy: CutProxy }[] = [];

  constructor(options: AttackOptions) {
    super('dead', options);
  }

  /** Peers that the victim has not given up yet. */
  get connected(): number {
    return this.#dead.filter(({ proxy }) => proxy.connections > 0).length;
  }

  protected async prepare(): Promise<void> {
    for (let index = 0; index < PEERS; index += 1) await this.#dieOnce(index);
  }

  protected act(count: number): Promise<void> {
    this.tally.sent += count;
    return Promise.resolve();
  }

  protected async finish(): Promise<void> {
    for (const { proxy } of this.#dead) {
      this.tally.note(proxy.connections === 0 ? 'thrown-out' : 'still-connected');
    }
    await Promise.all(this.#dead.map(({ proxy }) => proxy.close()));
    await Promise.all(this.#dead.map(({ peer }) => peer.stop()));
  }

  async #dieOnce(index: number): Promise<void> {
    const { peers } = this.target;
    const proxy = await CutProxy.open(portOf(peers[index % peers.length] ?? ''));
    const status = { solidIndex: 1, latestIndex: 1, prunedIndex: 0, peers: 1 };
    const peer = await AttackPeer.connect(this.target, `/ip4/127.0.0.1/tcp/${proxy.port}`, {
      status: () => status,
      onRequest: () => undefined,
    });
    proxy.freeze();
    this.tally.note('died');
    this.#dead.push({ peer, proxy });
  }
}
