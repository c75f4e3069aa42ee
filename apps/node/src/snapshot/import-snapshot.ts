/**
 * Fills an empty store from a snapshot that was proven. The store counts as empty until the last,
 * synced batch: a process that is killed on the way begins anew at its next start. On the path:
 * foundation.ts → here → tangle/io/level/ledger-import.ts → store/rebuild.ts.
 * Spec: docs/spec/12-snapshot.md §7.
 */
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { decodeMilestone, milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SnapshotMilestone } from '@tanglemail/tangle/core/snapshot/codec.ts';
import type { LedgerImporter } from '@tanglemail/tangle/io/level/ledger-import.ts';
import type { StoredMilestone } from '@tanglemail/tangle/io/level/milestone-repository.ts';
import type { NodeState } from '@tanglemail/tangle/io/level/node-state-repository.ts';
import {
  mergedOutputs,
  type OnProgress,
  type ProvenFile,
} from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import {
  rareProgress,
  withProvenSnapshot,
  type ProvenFiles,
  type SourceOptions,
} from './snapshot-sources.ts';

/** Outputs that are written at a time. */
const BATCH = 1_000;

/** Where imported outputs go; the store's importer is one. */
export type ImportTarget = Pick<LedgerImporter, 'addOutputs' | 'finish'>;

/**
 * What fills an empty store from `options.from`, for `NodeStore.open`; it is called only if the
 * store is empty. Throws SnapshotError, and then the store stays empty.
 */
export function snapshotFill(options: SourceOptions): (target: ImportTarget) => Promise<void> {
  const { trust, logger, signal } = options;
  return async (target) => {
    await withProvenSnapshot(options, async (found) => {
      // What was proven of milestone 0 is what genesis says, which needs no import.
      if (found.proven.index === 0) return;
      const onProgress = rareProgress(
        (done, all) => logger.info({ done, all }, 'filling the store from the snapshot'),
        signal,
      );
      await importSnapshot(target, found, trust.hasher, onProgress);
      const { index, header } = found.proven;
      const ageMs = Math.max(0, SYSTEM_CLOCK.nowMs() - header.target.timestampMs);
      logger.info(
        { index, outputs: header.unspentCount, ageMs },
        'the store was filled from a snapshot',
      );
    });
  };
}

/** Writes the state of proven files. The store checks root, count and supply once more. */
export async function importSnapshot(
  target: ImportTarget,
  { files, proven }: ProvenFiles,
  hasher: Hasher,
  onProgress?: OnProgress,
): Promise<void> {
  let batch: OutputRecord[] = [];
  for await (const record of mergedOutputs(files, hasher, onProgress)) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    await target.addOutputs(batch);
    batch = [];
  }
  await target.addOutputs(batch);
  const milestones = proven.window
    .map((milestone) => storedMilestone(milestone, hasher))
    .filter(({ index }) => index > 0);
  await target.finish({ state: stateOf(proven), milestones, elections: [] });
}

function stateOf({ header, milestone }: ProvenFile): NodeState {
  const { index, id, timestampMs } = header.target;
  const { stateRoot } = milestone.header;
  return { index, id, timestampMs, stateRoot, unspentCount: header.unspentCount };
}

/** What became of the blocks of an imported milestone is not known: the summary counts none. */
function storedMilestone({ bytes, cone }: SnapshotMilestone, hasher: Hasher): StoredMilestone {
  const decoded = decodeMilestone(bytes);
  assert(decoded.ok, 'a proven milestone decodes');
  const { header } = decoded.value;
  const { index, timestampMs } = header;
  const summary = { timestampMs, blocks: cone.length, applied: 0, conflicting: 0 };
  return { index, id: milestoneIdOf(header, hasher), bytes, cone, summary };
}
