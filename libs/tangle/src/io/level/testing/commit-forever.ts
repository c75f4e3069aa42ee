/**
 * A process for the crash test: commits the sample chain to a store from where it stands, prints
 * the index after each commit, and is killed at some moment. Argument: the folder.
 * Used by crash.spec.ts; spec: docs/spec/10-storage.md.
 */
import { join } from 'node:path';
import { hashWasmBackend } from '../../accel/hasher.ts';
import { milestoneIdFromBytes } from '../../../core/codec/ids.ts';
import { BlockRepository } from '../block-repository.ts';
import { openKvStore } from '../kv-store.ts';
import { commitGenesis, commitMilestone } from '../milestone-batch.ts';
import { pruneMilestone } from '../prune.ts';
import { readNodeState } from '../node-state-repository.ts';
import { sampleChain, sampleGenesis } from './sample-chain.ts';

/** The test kills long before; this only ends a process that was forgotten. */
const MAX_MILESTONES = 20_000;
/** Milestones that are not pruned. */
const KEPT = 40;

const hasher = await hashWasmBackend();
const genesis = sampleGenesis(hasher);
const owner = { kind: 'crash-test', networkId: genesis.networkId, schema: 1 };
const store = await openKvStore(process.argv[2] ?? '', owner);
if (!readNodeState(store)) await commitGenesis(store, genesis, hasher);
const stored = readNodeState(store)?.index ?? 0;
// Small segments, so that the kill also falls between them.
const options = { segmentBytes: 4_096 };
const folder = join(process.argv[2] ?? '', 'blocks');
const blocks = await BlockRepository.open(store, folder, hasher, options);
const idOf = (bytes: Uint8Array) => milestoneIdFromBytes(hasher.blake2b256(bytes));
for (const { blocks: gossiped, commit } of sampleChain(hasher)) {
  const { index } = commit.header;
  if (index > MAX_MILESTONES) break;
  if (index <= stored) continue;
  await blocks.save(gossiped);
  await commitMilestone({ store, blocks }, commit, hasher);
  if (index > KEPT) await pruneMilestone({ store, blocks }, idOf, hasher);
  process.stdout.write(`${index}\n`);
}
