/**
 * Finds a snapshot to start from among the places that the operator named: each is a file or a URL;
 * a delta belongs to the full snapshot before it; the first that is proven is taken, and what was
 * wrong with the others is told. Path: import-snapshot.ts → here → tangle/io/snapshot.
 * Spec: docs/spec/12-snapshot.md §7.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotTrust } from '@tanglemail/tangle/core/snapshot/trust.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { downloadSnapshot } from '@tanglemail/tangle/io/snapshot/download.ts';
import {
  readHeader,
  verifySnapshot,
  type OnProgress,
  type ProvenFile,
  type SnapshotFiles,
} from '@tanglemail/tangle/io/snapshot/read-snapshot.ts';
import { SnapshotError } from '@tanglemail/tangle/io/snapshot/snapshot-error.ts';

export interface SourceOptions {
  /** Paths and http(s) URLs, in the order in which they are tried. */
  readonly from: readonly string[];
  /** Folder for what is downloaded; emptied before and after. */
  readonly downloadFolder: string;
  readonly maxDownloadBytes: number;
  readonly trust: SnapshotTrust;
  readonly logger: Logger;
  /** Ends the import with its reason; the store stays empty then. */
  readonly signal?: AbortSignal | undefined;
}

/** A state that was proven, and the files that hold it. */
export interface ProvenFiles {
  readonly files: SnapshotFiles;
  /** The last of them. */
  readonly proven: ProvenFile;
}

const IDLE_TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;
const PAUSE_MS = 2_000;
/** Between two lines of the log about one file. */
const PROGRESS_MS = 10_000;

/**
 * The first proven snapshot among `from`, handed to `use` while its files are there. Throws
 * SnapshotError: the one source's own error, or `no-source` with what was wrong with each.
 */
export async function withProvenSnapshot<T>(
  options: SourceOptions,
  use: (found: ProvenFiles) => Promise<T>,
): Promise<T> {
  const { downloadFolder } = options;
  await rm(downloadFolder, { recursive: true, force: true });
  try {
    const found = await new Search(options).run();
    return await use(found);
  } finally {
    await rm(downloadFolder, { recursive: true, force: true });
  }
}

class Search {
  readonly #options: SourceOptions;
  readonly #failures: SnapshotError[] = [];

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  async run(): Promise<ProvenFiles> {
    const { from, logger } = this.#options;
    for (const [position, location] of from.entries()) {
      const found = await this.#attempt(location, () => this.#full(location, position));
      if (found === undefined) continue;
      const { header } = found.proven;
      logger.info({ from: location, index: header.target.index }, 'snapshot is proven');
      return (await this.#withDelta(found, position + 1)) ?? found;
    }
    const [only] = this.#failures;
    if (only !== undefined && this.#failures.length === 1) throw only;
    throw new SnapshotError('no-source', this.#failures.map(({ message }) => message).join('; '));
  }

  /** What `step` gives; undefined after a failure, which is kept and told. */
  async #attempt<T>(location: string, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      this.#failures.push(error);
      this.#options.logger.warn(
        { from: location, ...errorFields(error) },
        'this snapshot is not used',
      );
      return undefined;
    }
  }

  /** The full snapshot at `location`; undefined for a delta, which its full one takes. */
  async #full(location: string, position: number): Promise<ProvenFiles | undefined> {
    const { trust } = this.#options;
    const path = await this.#obtain(location, position);
    const { base } = await readHeader(path, trust.hasher);
    if (base !== undefined) {
      if (position > 0) return undefined;
      throw new SnapshotError('snapshot-base', `${location} is a delta and stands first`);
    }
    const onProgress = this.#progress('verifying a snapshot', location);
    const proven = await verifySnapshot(path, trust, { onProgress });
    return { files: { full: path }, proven };
  }

  /** With the delta that the next place may have; undefined when it has none that holds. */
  async #withDelta(found: ProvenFiles, position: number): Promise<ProvenFiles | undefined> {
    const { from, trust, logger } = this.#options;
    const location = from[position];
    if (location === undefined) return undefined;
    return await this.#attempt(location, async () => {
      const path = await this.#obtain(location, position);
      const { base } = await readHeader(path, trust.hasher);
      if (base === undefined) return undefined;
      const onProgress = this.#progress('verifying a delta', location);
      const proven = await verifySnapshot(path, trust, { base: found.proven, onProgress });
      logger.info({ from: location, index: proven.index }, 'delta is proven');
      return { files: { ...found.files, delta: path }, proven };
    });
  }

  /** The path of a file; what stands behind a URL is downloaded first. */
  async #obtain(location: string, position: number): Promise<string> {
    if (!/^https?:\/\//.test(location)) return location;
    const { downloadFolder, maxDownloadBytes, signal } = this.#options;
    await mkdir(downloadFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new SnapshotError('unwritable', downloadFolder, error);
    });
    const path = join(downloadFolder, `${position}.snapshot`);
    await downloadSnapshot(location, path, {
      maxBytes: maxDownloadBytes,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      attempts: ATTEMPTS,
      pauseMs: PAUSE_MS,
      onProgress: this.#progress('downloading a snapshot', location),
      ...(signal && { signal }),
    });
    return path;
  }

  #progress(message: string, from: string): OnProgress {
    const { logger, signal } = this.#options;
    return rareProgress((done, all) => logger.info({ from, done, all }, message), signal);
  }
}

/**
 * Passes on at most one report in ten seconds, and none of what is quick. Throws the reason of
 * `signal` once that is aborted, which ends what reports.
 */
export function rareProgress(report: OnProgress, signal?: AbortSignal): OnProgress {
  let dueMs = performance.now() + PROGRESS_MS;
  return (done, all) => {
    signal?.throwIfAborted();
    if (performance.now() < dueMs) return;
    dueMs = performance.now() + PROGRESS_MS;
    report(done, all);
  };
}
