/**
 * Where an attack goes: APIs and gossip addresses of nodes on this machine, and their network.
 * Anything but 127.0.0.1 is refused: these tools are for one's own nodes under test.
 */
import { readFile } from 'node:fs/promises';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone, loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';

/** What a person typed does not name a target on this machine. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

export interface Target {
  /** APIs, such as `http://127.0.0.1:14265`; at least one. */
  readonly urls: readonly string[];
  /** Multiaddrs, such as `/ip4/127.0.0.1/tcp/15600`; at least one for attacks over gossip. */
  readonly peers: readonly string[];
  readonly genesis: Genesis;
  readonly networkId: bigint;
}

/** The URL without a slash at its end, if it is plain HTTP to 127.0.0.1. */
export function loopbackUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' || url.hostname !== '127.0.0.1') {
    throw new TargetError(`"${text}" is not http://127.0.0.1:PORT; nothing else is attacked`);
  }
  return url.origin;
}

/** The multiaddr, if it is TCP on 127.0.0.1. */
export function loopbackPeer(text: string): string {
  if (/^\/ip4\/127\.0\.0\.1\/tcp\/[0-9]{1,5}(\/p2p\/[1-9A-Za-z]+)?$/.test(text)) return text;
  throw new TargetError(`"${text}" is not /ip4/127.0.0.1/tcp/PORT; nothing else is attacked`);
}

/** Host and port of a multiaddr that `loopbackPeer` took. */
export function portOf(peer: string): number {
  return Number(loopbackPeer(peer).split('/')[4]);
}

/** Checks the addresses and reads the genesis document. */
export async function loadTarget(
  urls: readonly string[],
  peers: readonly string[],
  genesisFile: string,
): Promise<Target> {
  const checked = { urls: urls.map(loopbackUrl), peers: peers.map(loopbackPeer) };
  const genesis = loadGenesis(await readFile(genesisFile, 'utf8'));
  if (!genesis.ok) throw new TargetError(`${genesisFile}: ${genesis.detail ?? genesis.code}`);
  const { networkId } = genesisMilestone(genesis.value, nobleHasher);
  return { ...checked, genesis: genesis.value, networkId };
}
