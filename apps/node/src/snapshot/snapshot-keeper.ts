/**
 * Writes snapshots while the node runs, every so many milestones, and keeps the newest. What it
 * writes is a view of the store that confirmation does not wait for. On the path: node.ts
 * (confirmed milestones) and the API → here → tangle/io/snapshot/write-snapshot.ts.
 * Spec: docs/spec/12-snapshot.md §6.
 */
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { SNAPSHOT_CODES } from '@tanglemail/tangle/core/snapshot/codes.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { SnapshotError } from '@tanglemail/tangle/io/snapshot/snapshot-error.ts';
import { writeSnapshot, type LedgerView } from '@tanglemail/tangle/io/snapshot/write-snapshot.ts';
import {
  describeFile,
  openSnapshotFolder,
  snapshotName,
  superseded,
  type SnapshotFile,
} from './snapshot-folder.ts';

export interface KeeperOptions {
  /** Whether snapshots are written by themselves; `makeNow` works in any case. */
  readonly enabled: boolean;
  readonly directory: string;
  /** Milestones from one full snapshot to the next. */
  readonly intervalMilestones: number;
  /** Milestones from one delta to the next; 0 writes none. */
  readonly deltaInterval: number;
  /** Full snapshots that stay, each with its newest delta. */
  readonly keep: number;
}

export interface KeeperDeps {
  readonly store: {
    readonly prunedIndex: number;
    view(): Promise<LedgerView & { close(): Promise<void> }>;
  };
  readonly genesis: GenesisMilestone;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  readonly logger: Logger;
  /** Told of each file that is on the disk, and the seconds that it took. */
  readonly onWritten: (file: SnapshotFile, seconds: number) => void;
}

type Kind = SnapshotFile['kind'];

/** Milestones from an attempt that failed to the next. */
const RETRY_MILESTONES = 100;

export class SnapshotKeeper {
  readonly #options: KeeperOptions;
  readonly #deps: KeeperDeps;
  readonly #abort = new AbortController();
  #files: SnapshotFile[] = [];
  #writing: Promise<unknown> | undefined;
  /** Index at which writing by itself last failed: a disk that is full is not asked at once. */
  #failedIndex: number | undefined;

  constructor(options: KeeperOptions, deps: KeeperDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Looks at what is in the folder. Throws SnapshotError `unwritable`. */
  async open(): Promise<void> {
    const { directory } = this.#options;
    const { genesis, hasher, logger } = this.#deps;
    this.#files = await openSnapshotFolder(directory, { genesis, hasher, logger });
  }

  /** Ends the writing that is under way; nothing is left of it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#writing?.catch(() => undefined);
  }

  /** The snapshots on the disk, by target. */
  files(): readonly SnapshotFile[] {
    return this.#files;
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /**
   * Writes a snapshot of the last confirmed milestone. A full one that is there already is given
   * back. Throws SnapshotError `busy`, `no-base`, `not-ahead`, `unwritable`, `stopped`; StoreError.
   */
  async makeNow(kind: Kind): Promise<SnapshotFile> {
    if (this.#writing !== undefined) throw new SnapshotError('busy', this.#options.directory);
    if (this.#abort.signal.aborted) throw new SnapshotError('stopped', this.#options.directory);
    const writing = this.#write(kind);
    this.#writing = writing;
    try {
      return await writing;
    } finally {
      this.#writing = undefined;
    }
  }

  /** A milestone was confirmed: writes in the background when it is time. */
  onConfirmed(index: number): void {
    const kind = this.#dueAt(index);
    if (kind === undefined) return;
    this.makeNow(kind).catch((error: unknown) => {
      if (error instanceof SnapshotError && error.code === 'stopped') return;
      this.#failedIndex = index;
      this.#deps.logger.error({ kind, ...errorFields(error) }, 'a snapshot could not be written');
    });
  }

  #dueAt(index: number): Kind | undefined {
    const { enabled, intervalMilestones, deltaInterval } = this.#options;
    if (!enabled || this.isWriting || this.#abort.signal.aborted) return undefined;
    if (this.#failedIndex !== undefined && index - this.#failedIndex < RETRY_MILESTONES) {
      return undefined;
    }
    const full = this.#newest('full')?.targetIndex;
    if (index - (full ?? 0) >= intervalMilestones) return 'full';
    const last = Math.max(full ?? 0, this.#newest('delta')?.targetIndex ?? 0);
    // Whoever starts from a snapshot of ours asks us for what follows it.
    const isPruned = last < this.#deps.store.prunedIndex;
    if (full === undefined || deltaInterval === 0) return isPruned ? 'full' : undefined;
    return isPruned || index - last >= deltaInterval ? 'delta' : undefined;
  }

  #newest(kind: Kind): SnapshotFile | undefined {
    return this.#files.findLast((file) => file.kind === kind);
  }

  async #write(kind: Kind): Promise<SnapshotFile> {
    const { store, logger, onWritten, ...content } = this.#deps;
    const startedMs = performance.now();
    const base = kind === 'delta' ? await this.#baseFile() : undefined;
    const view = await store.view();
    try {
      const { index } = view.state;
      const known = this.#files.find(
        (file) => file.kind === 'full' && kind === 'full' && file.targetIndex === index,
      );
      if (known !== undefined && (await isThere(known.path))) return known;
      const path = join(this.#options.directory, snapshotName(index, base?.targetIndex));
      const options = { ...content, signal: this.#abort.signal };
      const written = await writeSnapshot(
        path,
        view,
        base === undefined ? options : { ...options, base: base.path },
      );
      const file = describeFile(path, written.header, written.sizeBytes);
      const others = this.#files.filter((one) => one.path !== path);
      this.#files = [...others, file].toSorted((a, b) => a.targetIndex - b.targetIndex);
      const seconds = (performance.now() - startedMs) / 1_000;
      const { sizeBytes } = file;
      logger.info({ kind, index, sizeBytes, seconds, path }, 'snapshot written');
      onWritten(file, seconds);
      await this.#removeOld(file);
      return file;
    } catch (error) {
      // No delta can be written on it, and nobody should be given it: a full one is due.
      if (isDamage(error)) this.#files = this.#files.filter((one) => one !== base);
      throw error;
    } finally {
      await view.close();
    }
  }

  async #baseFile(): Promise<SnapshotFile> {
    const base = this.#newest('full');
    if (base === undefined || !(await isThere(base.path))) {
      this.#files = this.#files.filter((file) => file !== base);
      throw new SnapshotError('no-base', this.#options.directory);
    }
    return base;
  }

  /** A file that cannot be removed stays in the folder and is tried again with the next one. */
  async #removeOld(written: SnapshotFile): Promise<void> {
    for (const file of superseded(this.#files, this.#options.keep)) {
      // A store that began anew is behind the snapshots that it finds, and yet its own was wanted.
      if (file === written) continue;
      try {
        await rm(file.path, { force: true });
        this.#files = this.#files.filter((one) => one !== file);
      } catch (error) {
        this.#deps.logger.warn(
          { path: file.path, ...errorFields(error) },
          'an old snapshot could not be removed',
        );
      }
    }
  }
}

/** Whether it is about the content of the file that was read, which is that of the base. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof SnapshotError)) return false;
  return error.code === 'unreadable' || Object.hasOwn(SNAPSHOT_CODES, error.code);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
