/**
 * What `tools snapshot` does; loaded when one of its commands runs, so that help is quick.
 * Path: snapshot.ts → here → tangle/io/snapshot. Spec: docs/spec/12-snapshot.md §9.
 */
import { access, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { SnapshotCounts, SnapshotHeader } from '@tanglemail/tangle/core/snapshot/codec.ts';
import type { SnapshotTrust } from '@tanglemail/tangle/core/snapshot/trust.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import {
  readParts,
  verifySnapshot,
  type OnProgress,
  type SnapshotFiles,
} from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { writeSnapshot } from '@tanglemail/tangle/io/snapshot/write-snapshot.ts';
import { snapshotFill } from '../snapshot/import-snapshot.ts';
import { bytesText } from '../status-line.ts';
import { NodeStore } from '../store/node-store.ts';

/** The data folder of a node that does not run, and its network. */
export interface Place {
  readonly dataDir: string;
  readonly genesis: Genesis;
}

const PROGRESS_MS = 1_000;

/** `info`: prints header and counts; throws SnapshotError when the file is damaged. */
export async function showSnapshot(terminal: Terminal, file: string, json: boolean): Promise<void> {
  const hasher = await bestHasher();
  let header: SnapshotHeader | undefined;
  let counts: SnapshotCounts | undefined;
  let elections = 0;
  for await (const part of readParts(file, hasher, progressOn(terminal, 'reading', 'bytes'))) {
    if (part.type === 'header') header = part.header;
    if (part.type === 'election') elections += 1;
    if (part.type === 'end') counts = part.counts;
  }
  const facts = {
    file,
    sizeBytes: (await stat(file)).size,
    ...factsOf(header),
    elections,
    ...counts,
  };
  if (json) outJson(terminal, facts);
  else terminal.out(linesOf(facts));
}

/** `verify`: throws SnapshotError with the reason when something does not hold. */
export async function proveSnapshot(
  terminal: Terminal,
  genesis: Genesis,
  { full, delta }: SnapshotFiles,
  json: boolean,
): Promise<void> {
  const trust = await trustIn(genesis);
  const onProgress = progressOn(terminal, 'verifying', 'bytes');
  const base = await verifySnapshot(full, trust, { onProgress });
  const proven =
    delta === undefined ? base : await verifySnapshot(delta, trust, { base, onProgress });
  const facts = { holds: true, network: genesis.name, ...factsOf(proven.header) };
  if (json) outJson(terminal, facts);
  else terminal.out(`${linesOf(facts)}everything in it is proven\n`);
}

/** `export`: writes a file that is not there yet. */
export async function exportSnapshot(
  terminal: Terminal,
  { dataDir, genesis }: Place,
  options: { readonly out: string; readonly base?: string; readonly json?: boolean },
): Promise<void> {
  const { out, base, json = false } = options;
  if (await isThere(out)) throw new UsageError(`cannot create ${out}: there is such a file`);
  const storePath = join(dataDir, 'store');
  // Opening an empty folder would make a new store in it.
  if (!(await isThere(storePath))) throw new UsageError(`there is no store in ${dataDir}`);
  const { genesis: root, params, hasher } = await trustIn(genesis);
  terminal.err('reading the ledger: state root and supply …\n');
  const { store } = await NodeStore.open(storePath, root, hasher);
  try {
    const view = await store.view();
    try {
      const onProgress = progressOn(terminal, 'writing', 'outputs');
      const content = { genesis: root, params, hasher, onProgress };
      const written = await writeSnapshot(out, view, base ? { ...content, base } : content);
      const facts = { file: out, sizeBytes: written.sizeBytes, ...factsOf(written.header) };
      if (json) outJson(terminal, facts);
      else terminal.out(linesOf(facts));
    } finally {
      await view.close();
    }
  } finally {
    await store.close();
  }
}

/** `import`: into a data folder without a store, or with one that an import left half. */
export async function importSnapshotFiles(
  terminal: Terminal,
  { dataDir, genesis, maxDownloadBytes }: Place & { readonly maxDownloadBytes: number },
  { full, delta }: SnapshotFiles,
  json: boolean,
): Promise<void> {
  const trust = await trustIn(genesis);
  const storePath = join(dataDir, 'store');
  const isNew = !(await isThere(storePath));
  const fill = snapshotFill({
    from: delta === undefined ? [full] : [full, delta],
    downloadFolder: join(dataDir, 'snapshot-download'),
    maxDownloadBytes,
    trust,
    logger: loggerOn(terminal),
  });
  let isFilled = false;
  const opening = NodeStore.open(storePath, trust.genesis, trust.hasher, async (importer) => {
    await fill(importer);
    isFilled = true;
  });
  const { store, latest } = await opening.catch(async (error: unknown) => {
    if (isNew) await rm(storePath, { recursive: true, force: true });
    throw error;
  });
  await store.close();
  const { index } = latest.header;
  if (!isFilled) throw new UsageError(`${dataDir} has a store already, at milestone ${index}`);
  const facts = { dataDir, network: genesis.name, milestone: index, id: latest.id };
  if (json) outJson(terminal, facts);
  else terminal.out(linesOf(facts));
}

async function trustIn(genesis: Genesis): Promise<SnapshotTrust> {
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const { params } = genesis;
  return { genesis: genesisMilestone(genesis, hasher), params, hasher, verifier };
}

function factsOf(header: SnapshotHeader | undefined): Record<string, string | number> {
  if (header === undefined) return {};
  const { target, base } = header;
  return {
    kind: base === undefined ? 'full' : 'delta',
    networkId: header.networkId.toString(16).padStart(16, '0'),
    genesisId: header.genesisId,
    targetIndex: target.index,
    targetId: target.id,
    timestampMs: target.timestampMs,
    time: new Date(target.timestampMs).toISOString(),
    ...(base === undefined ? {} : { baseIndex: base.index, baseId: base.id }),
    firstIndex: header.windowFirst,
    unspentOutputs: header.unspentCount,
  };
}

function linesOf(facts: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(facts).map(([name, value]) => {
    const text = name === 'sizeBytes' ? bytesText(Number(value)) : `${value}`;
    return `${name.padEnd(16)}${text}\n`;
  });
  return lines.join('');
}

/** A line on the way at most every second. */
function progressOn(terminal: Terminal, what: string, unit: 'bytes' | 'outputs'): OnProgress {
  let toldMs = performance.now();
  return (done, all) => {
    if (performance.now() - toldMs < PROGRESS_MS) return;
    toldMs = performance.now();
    const text = (count: number) => (unit === 'bytes' ? bytesText(count) : `${count} outputs`);
    terminal.err(`${what}: ${text(done)} of ${text(all)}\n`);
  };
}

/** What the import tells, as lines on the terminal. */
function loggerOn(terminal: Terminal): Logger {
  const tell = (facts: object, message: string): void => {
    const told = Object.entries(facts).filter(([, value]) => typeof value !== 'object');
    const text = told.map(([name, value]) => `${name} ${String(value)}`).join(', ');
    terminal.err(`${message}: ${text}\n`);
  };
  return { debug: () => undefined, info: tell, warn: tell, error: tell };
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
