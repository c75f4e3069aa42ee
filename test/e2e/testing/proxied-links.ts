/**
 * Connections between nodes on 127.0.0.1 that can be cut: each goes through a proxy, and every pair
 * of nodes has one. A cut resets what is open and lets nothing new in, as a firewall would.
 * Before: committee-partition.spec.ts; after: test/attack/cut-proxy.ts.
 */
import { CutProxy } from '../../attack/cut-proxy.ts';
import type { Place } from './committee-processes.ts';
import type { Links } from './partitions.ts';

interface Link {
  readonly from: number;
  readonly to: number;
  readonly proxy: CutProxy;
}

export class ProxiedLinks implements Links {
  readonly #links: Link[] = [];

  hosts(): { readonly api: string; readonly gossip: string } {
    return { api: '127.0.0.1', gossip: '127.0.0.1' };
  }

  /** Each dials those before it. */
  async way(from: number, to: number, { host, port }: Place): Promise<Place | undefined> {
    if (from < to) return undefined;
    const known = this.#links.find((link) => link.from === from && link.to === to);
    const proxy = known?.proxy ?? (await CutProxy.open(port));
    if (known === undefined) this.#links.push({ from, to, proxy });
    return { host, port: proxy.port };
  }

  cutOff(ats: readonly number[]): void {
    for (const { proxy } of this.#between(ats)) proxy.cut();
  }

  heal(ats: readonly number[]): void {
    for (const { proxy } of this.#between(ats)) proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map(({ proxy }) => proxy.close()));
  }

  /** What joins these with the others. */
  #between(ats: readonly number[]): Link[] {
    return this.#links.filter(({ from, to }) => ats.includes(from) !== ats.includes(to));
  }
}
