/**
 * Ids of gossip messages. gossipsub deduplicates by them, so they cover the topic: otherwise the
 * bytes of a milestone, sent on the topic of packs, would be marked as seen, and the real
 * milestone would then be dropped as a duplicate. Spec: docs/spec/07-gossip.md, "Topics".
 */
import xxhash from 'xxhash-wasm';
import type { Hasher } from '../../core/ports.ts';

export interface GossipTopics {
  readonly blocks: string;
  readonly milestones: string;
  /** Proposals, votes and certificates of the committee, each with its attempt. */
  readonly consensus: string;
}

/** The network id as 16 hex digits, as it stands in topics and protocol names. */
export function networkIdText(networkId: bigint): string {
  return networkId.toString(16).padStart(16, '0');
}

export function gossipTopics(networkId: bigint): GossipTopics {
  const prefix = `/tanglemail/${networkIdText(networkId)}`;
  return {
    blocks: `${prefix}/blocks/1`,
    milestones: `${prefix}/milestones/1`,
    consensus: `${prefix}/consensus/1`,
  };
}

/** The name of the request protocol. */
export function syncProtocol(networkId: bigint): string {
  return `/tanglemail/${networkIdText(networkId)}/sync/1`;
}

/** The name of the table of peers: tables of two networks never mix. */
export function dhtProtocol(networkId: bigint): string {
  return `/tanglemail/${networkIdText(networkId)}/kad/1`;
}

/** What nodes of one network ask for on the local network. */
export function mdnsTag(networkId: bigint): string {
  return `_tanglemail-${networkIdText(networkId)}._udp.local`;
}

/** Message ids on the wire (IHAVE, IWANT) have so many bytes. */
export const MESSAGE_ID_LENGTH = 20;

export interface MessageIds {
  /** BLAKE2b-256(topic byte ‖ data), first 20 bytes: the same on every node. */
  full(topic: string, data: Uint8Array): Uint8Array;
  /** A fast local key: xxhash64 with a secret seed, so that nobody can prepare collisions. */
  fast(topic: string, data: Uint8Array): string;
}

/** `seed` is 64 random bits of this process. */
export async function createMessageIds(
  topics: GossipTopics,
  hasher: Hasher,
  seed: bigint,
): Promise<MessageIds> {
  const hash = await xxhash();
  const kindOf = (topic: string): number => {
    if (topic === topics.blocks) return 1;
    return topic === topics.milestones ? 2 : 3;
  };
  return {
    full(topic, data) {
      const input = new Uint8Array(1 + data.length);
      input[0] = kindOf(topic);
      input.set(data, 1);
      return hasher.blake2b256(input).subarray(0, MESSAGE_ID_LENGTH);
    },
    fast: (topic, data) => `${kindOf(topic)}${hash.h64Raw(data, seed).toString(36)}`,
  };
}
