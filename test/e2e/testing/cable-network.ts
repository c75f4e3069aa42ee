/**
 * A network of cables for nodes on one machine: each node in a network namespace of its own,
 * plugged into one of two switches. Whoever is plugged into the other one is cut off as by a broken
 * line: packets vanish, connections stay open and hear nothing. Must run as root of a namespace of
 * its own (`unshare -Urn`), so that the machine's network is untouched and all of it goes away with
 * the process. Needs Linux with `ip` and `unshare`. Before: cut-cables.ts.
 */
import { execFileSync } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './committee-processes.ts';
import type { Links } from './partitions.ts';

const SWITCHES = ['switch0', 'switch1'] as const;
const POLL_MS = 20;

/** Runs in a node's namespace: waits for its two cables, then becomes the node. */
const PLUGGED = `
ip link set lo up
until ip link set gossip up 2>/dev/null && ip link set control up 2>/dev/null; do sleep 0.05; done
ip address add "$1/24" dev gossip && ip address add "$2/24" dev control && shift 2 && exec "$@"`;

export class CableNetwork implements Links {
  constructor() {
    for (const name of SWITCHES) {
      ip('link', 'add', name, 'type', 'bridge');
      ip('link', 'set', name, 'up');
    }
  }

  /** The test reaches a node's API by a cable of its own, which is never cut. */
  hosts(at: number): { readonly api: string; readonly gossip: string } {
    return { api: `10.78.${at}.2`, gossip: `10.77.0.${at + 1}` };
  }

  way(_from: number, _to: number, place: Place): Promise<Place> {
    return Promise.resolve(place);
  }

  launcher(at: number): readonly string[] {
    const { api, gossip } = this.hosts(at);
    return ['unshare', '--net', 'sh', '-c', PLUGGED, 'sh', gossip, api];
  }

  /** Lays both cables into the namespace of a process, once it is in one of its own. */
  async plugIn(at: number, pid: number): Promise<void> {
    const ours = await readlink('/proc/self/ns/net');
    while ((await readlink(`/proc/${pid}/ns/net`)) === ours) await sleep(POLL_MS);
    const end = (name: string): string[] => ['peer', 'name', name, 'netns', `${pid}`];
    ip('link', 'add', `g${at}`, 'type', 'veth', ...end('gossip'));
    ip('link', 'set', `g${at}`, 'master', SWITCHES[0], 'up');
    ip('link', 'add', `c${at}`, 'type', 'veth', ...end('control'));
    ip('address', 'add', `10.78.${at}.1/24`, 'dev', `c${at}`);
    ip('link', 'set', `c${at}`, 'up');
  }

  cutOff(ats: readonly number[]): void {
    for (const at of ats) ip('link', 'set', `g${at}`, 'master', SWITCHES[1]);
  }

  heal(ats: readonly number[]): void {
    for (const at of ats) ip('link', 'set', `g${at}`, 'master', SWITCHES[0]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
