/**
 * The folder in which a node keeps its snapshots: names, what is there, what may go.
 * Path: snapshot-keeper.ts → here. Spec: docs/spec/12-snapshot.md §6.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SnapshotHeader } from '@tanglemail/tangle/core/snapshot/codec.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { readHeader } from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { SnapshotError } from '@tanglemail/tangle/io/snapshot/snapshot-error.ts';
import { TEMPORARY_SUFFIX } from '@tanglemail/tangle/io/snapshot/snapshot-file.ts';

/** A snapshot on the disk. */
export interface SnapshotFile {
  readonly kind: 'full' | 'delta';
  readonly path: string;
  readonly sizeBytes: number;
  /** Of a delta: the target of the full snapshot that it changes. */
  readonly baseIndex?: number;
  readonly targetIndex: number;
  readonly targetId: MilestoneId;
  readonly timestampMs: number;
}

const NAME = /^(?:full|delta-\d{10})-\d{10}\.snapshot$/;

/** The name of a file by its indexes, so that names sort as snapshots do. */
export function snapshotName(targetIndex: number, baseIndex?: number): string {
  const target = `${targetIndex}`.padStart(10, '0');
  if (baseIndex === undefined) return `full-${target}.snapshot`;
  return `delta-${`${baseIndex}`.padStart(10, '0')}-${target}.snapshot`;
}

/** A file as its header describes it. */
export function describeFile(
  path: string,
  header: SnapshotHeader,
  sizeBytes: number,
): SnapshotFile {
  const { target, base } = header;
  const file = {
    path,
    sizeBytes,
    targetIndex: target.index,
    targetId: target.id,
    timestampMs: target.timestampMs,
  };
  return base === undefined
    ? { kind: 'full', ...file }
    : { kind: 'delta', ...file, baseIndex: base.index };
}

/**
 * Makes the folder if it is missing, removes half-written files, and lists the snapshots of this
 * network by target. A file that is no snapshot of this network is named in the log and left alone.
 */
export async function openSnapshotFolder(
  folder: string,
  {
    genesis,
    hasher,
    logger,
  }: { readonly genesis: GenesisMilestone; readonly hasher: Hasher; readonly logger: Logger },
): Promise<SnapshotFile[]> {
  const names = await listNames(folder);
  const found: SnapshotFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (isHalf(name)) await removeHalf(path, logger);
    if (!NAME.test(name)) continue;
    try {
      const header = await readHeader(path, hasher);
      const isOurs = header.networkId === genesis.networkId && header.genesisId === genesis.id;
      if (!isOurs) throw new SnapshotError('snapshot-network', path);
      found.push(describeFile(path, header, (await stat(path)).size));
    } catch (error) {
      logger.warn({ path, ...errorFields(error) }, 'a file among the snapshots is not used');
    }
  }
  return found.toSorted((a, b) => a.targetIndex - b.targetIndex);
}

/** The operator chose the folder: not all in it that ends like this is ours to remove. */
function isHalf(name: string): boolean {
  return name.endsWith(TEMPORARY_SUFFIX) && NAME.test(name.slice(0, -TEMPORARY_SUFFIX.length));
}

async function removeHalf(path: string, logger: Logger): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    logger.warn({ path, ...errorFields(error) }, 'a half-written snapshot could not be removed');
  }
}

async function listNames(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return (await readdir(folder)).toSorted();
  } catch (error) {
    throw new SnapshotError('unwritable', folder, error);
  }
}

/** Which files go when `keep` full snapshots stay, each with its newest delta. */
export function superseded(files: readonly SnapshotFile[], keep: number): SnapshotFile[] {
  const byTarget = files.toSorted((a, b) => b.targetIndex - a.targetIndex);
  const bases = new Set(
    byTarget
      .filter(({ kind }) => kind === 'full')
      .slice(0, keep)
      .map(({ targetIndex }) => targetIndex),
  );
  const seen = new Set<number>();
  return byTarget.filter(({ kind, targetIndex, baseIndex }) => {
    if (kind === 'full') return !bases.has(targetIndex);
    if (baseIndex === undefined || !bases.has(baseIndex) || seen.has(baseIndex)) return true;
    seen.add(baseIndex);
    return false;
  });
}
