/**
 * The snapshot files that the API shows and serves. Path: snapshot keeper → here →
 * api/snapshots.controller.ts. Spec: docs/spec/12-snapshot.md.
 */
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SnapshotFileDto } from '@tanglemail/tangle/io/node-client/dto.ts';

/** One finished file. */
export interface SnapshotEntry {
  readonly kind: 'full' | 'delta';
  readonly path: string;
  readonly sizeBytes: number;
  /** A delta stands on the full snapshot of this milestone. */
  readonly baseIndex?: number;
  readonly targetIndex: number;
  readonly targetId: MilestoneId;
  readonly timestampMs: number;
}

/** What others may know of a file: everything but where it lies. */
export function snapshotToJson(entry: SnapshotEntry): SnapshotFileDto {
  const { kind, sizeBytes, baseIndex, targetIndex, targetId, timestampMs } = entry;
  const facts = { kind, sizeBytes, targetIndex, targetId, timestampMs };
  return baseIndex === undefined ? facts : { ...facts, baseIndex };
}

/** The newest full snapshot, or the newest delta that stands on it. */
export function newestSnapshot(
  files: readonly SnapshotEntry[],
  kind: 'full' | 'delta',
): SnapshotEntry | undefined {
  const newestOf = (some: readonly SnapshotEntry[]): SnapshotEntry | undefined =>
    some.toSorted((a, b) => a.targetIndex - b.targetIndex).at(-1);
  const full = newestOf(files.filter((file) => file.kind === 'full'));
  if (kind === 'full') return full;
  return newestOf(
    files.filter((file) => file.kind === 'delta' && file.baseIndex === full?.targetIndex),
  );
}
