/**
 * What a reader of a snapshot knows before it reads: the genesis of its network, and how to hash
 * and to check signatures. Path: the node's start → here → verifier.ts.
 * Spec: docs/spec/12-snapshot.md §4.
 */
import type { GenesisMilestone } from '../milestone/genesis.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher, Verifier } from '../ports.ts';

/** What everything is proven against. */
export interface SnapshotTrust {
  readonly genesis: GenesisMilestone;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}
