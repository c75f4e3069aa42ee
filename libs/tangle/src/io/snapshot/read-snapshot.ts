/**
 * Reads snapshot files: part by part, verified as a whole, or a full one with the changes of a
 * delta. Never more than one piece and one frame of a file is in memory.
 * Path: importer, keeper and command line of the node → here → core/snapshot.
 * Spec: docs/spec/12-snapshot.md.
 */
import { open } from 'node:fs/promises';
import type { OutputId } from '../../core/codec/ids.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import type { Hasher } from '../../core/ports.ts';
import type { LedgerChange, SnapshotHeader, SnapshotMilestone } from '../../core/snapshot/codec.ts';
import { SnapshotParser, type SnapshotPart } from '../../core/snapshot/parser.ts';
import {
  SnapshotVerifier,
  type ProvenLedger,
  type VerifiedSnapshot,
} from '../../core/snapshot/verifier.ts';
import type { SnapshotTrust } from '../../core/snapshot/trust.ts';
import { Cursor } from './cursor.ts';
import { SnapshotError } from './snapshot-error.ts';

/** Bytes that are read and decoded at a time: some 500 outputs, a few milliseconds. */
const PIECE = 65_536;

/** Told of the bytes of a file that are done, and of its size. */
export type OnProgress = (done: number, all: number) => void;

const SILENT: OnProgress = () => undefined;

/**
 * The parts of a file in order: form, checksums, order and counts hold for what is yielded, and for
 * the whole file when it ends. Throws SnapshotError.
 */
export async function* readParts(
  path: string,
  hasher: Hasher,
  onProgress: OnProgress = SILENT,
): AsyncGenerator<SnapshotPart> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new SnapshotError('unreadable', path, error);
  });
  try {
    const { size } = await handle.stat();
    const parser = new SnapshotParser(hasher);
    const piece = new Uint8Array(PIECE);
    for (let done = 0; ;) {
      const { bytesRead } = await handle.read(piece, 0, PIECE).catch((error: unknown) => {
        throw new SnapshotError('unreadable', path, error);
      });
      if (bytesRead === 0) break;
      const parts = parser.push(piece.subarray(0, bytesRead));
      if (!parts.ok) throw SnapshotError.of(parts, path);
      yield* parts.value;
      done += bytesRead;
      onProgress(done, size);
    }
    const ended = parser.finish();
    if (!ended.ok) throw SnapshotError.of(ended, path);
  } finally {
    await handle.close();
  }
}

/** What a file says of itself; nothing of it is proven. Throws SnapshotError. */
export async function readHeader(path: string, hasher: Hasher): Promise<SnapshotHeader> {
  for await (const part of readParts(path, hasher)) {
    if (part.type === 'header') return part.header;
  }
  throw new SnapshotError('snapshot-truncated', path);
}

/** What a file proved, and the milestones that it carries. */
export interface ProvenFile extends VerifiedSnapshot {
  readonly window: readonly SnapshotMilestone[];
}

/**
 * Proves the file at `path`; a delta is proven on its `base`. Throws SnapshotError with the code of
 * what is wrong.
 */
export async function verifySnapshot(
  path: string,
  trust: SnapshotTrust,
  options: { readonly base?: ProvenLedger; readonly onProgress?: OnProgress } = {},
): Promise<ProvenFile> {
  const verifier = new SnapshotVerifier(trust, options.base);
  const window: SnapshotMilestone[] = [];
  for await (const part of readParts(path, trust.hasher, options.onProgress)) {
    const taken = verifier.take(part);
    if (!taken.ok) throw SnapshotError.of(taken, path);
    if (part.type === 'milestone') window.push(part.milestone);
  }
  const verified = verifier.finish();
  if (!verified.ok) throw SnapshotError.of(verified, path);
  return { ...verified.value, window };
}

/** The outputs of a full snapshot, by id. */
export async function* readOutputsOf(
  path: string,
  hasher: Hasher,
  onProgress: OnProgress = SILENT,
): AsyncGenerator<OutputRecord> {
  for await (const part of readParts(path, hasher, onProgress)) {
    if (part.type === 'outputs') yield* part.records;
  }
}

async function* readChangesOf(path: string, hasher: Hasher): AsyncGenerator<LedgerChange> {
  for await (const part of readParts(path, hasher)) {
    if (part.type === 'changes') yield* part.changes;
  }
}

/** The files of one state, oldest first. */
export interface SnapshotFiles {
  readonly full: string;
  readonly delta?: string;
}

/** The unspent outputs after all of them, by id. Both files were verified. */
export async function* mergedOutputs(
  { full, delta }: SnapshotFiles,
  hasher: Hasher,
  onProgress: OnProgress = SILENT,
): AsyncGenerator<OutputRecord> {
  const outputs = readOutputsOf(full, hasher, onProgress);
  if (delta === undefined) {
    yield* outputs;
    return;
  }
  const changes = await Cursor.at(readChangesOf(delta, hasher));
  try {
    for await (const record of outputs) {
      yield* createdBelow(changes, record.outputId);
      const { current } = changes;
      if (current?.kind === 'consumed' && current.outputId === record.outputId) {
        await changes.advance();
      } else yield record;
    }
    yield* createdBelow(changes, undefined);
  } finally {
    await changes.close();
  }
}

/** The created outputs that come next in a delta, below `outputId` or to its end. */
async function* createdBelow(
  changes: Cursor<LedgerChange>,
  outputId: OutputId | undefined,
): AsyncGenerator<OutputRecord> {
  for (let change = changes.current; change?.kind === 'created'; change = changes.current) {
    if (outputId !== undefined && change.record.outputId >= outputId) return;
    yield change.record;
    await changes.advance();
  }
}
