/**
 * A seat's memory of what it said, on the disk before it is signed. It contradicts nothing that it
 * holds, and knows from which view on it holds everything.
 * Path: seat.ts → here → vote-memory.ts, vote-records.ts, vote-disk.ts.
 * Spec: docs/spec/16-signer.md §2.
 */
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { toStoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { Serial } from '../signal.ts';
import type { SilenceReason } from './seat-memory.ts';
import type { VoteDisk } from './vote-disk.ts';
import { VoteError } from './vote-error.ts';
import { VoteMemory } from './vote-memory.ts';
import {
  checkOwner,
  encodeFrames,
  encodeOwner,
  readVotes,
  type Completeness,
  type Place,
  type VoteEntry,
  type VoteOwner,
} from './vote-records.ts';

/** From this size on, and twice what it then had, the file is written anew. */
const COMPACT_BYTES = 4 << 20;

export class VoteLog {
  readonly owner: VoteOwner;
  readonly #disk: VoteDisk;
  readonly #hasher: Hasher;
  readonly #serial = new Serial();
  readonly #memory: VoteMemory;
  #queue: VoteEntry[] = [];
  #flush: Promise<void> | undefined;
  #isWriting = false;
  #failure: Error | undefined;
  #sizeBytes = 0;
  #compactBytes = COMPACT_BYTES;
  #compaction: Promise<void> | undefined;

  private constructor(
    disk: VoteDisk,
    owner: VoteOwner,
    { hasher, entries }: { hasher: Hasher; entries: readonly VoteEntry[] },
  ) {
    this.#disk = disk;
    this.owner = owner;
    this.#hasher = hasher;
    this.#memory = new VoteMemory(entries);
  }

  /**
   * Opens the log of `disk`, without a torn end; undefined when there is none. Throws VoteError
   * for a damaged file and for another owner's, StoreError when the disk refuses.
   */
  static async open(
    disk: VoteDisk,
    owner: VoteOwner,
    hasher: Hasher,
  ): Promise<VoteLog | undefined> {
    const bytes = await disk.read().catch(failStore);
    if (bytes === undefined) return undefined;
    const stored = readVotes(bytes, disk.path, hasher);
    checkOwner(stored.owner, owner, disk.path);
    if (stored.sizeBytes < bytes.length) await disk.truncate(stored.sizeBytes).catch(failStore);
    const log = new VoteLog(disk, owner, { hasher, entries: stored.entries });
    log.#sizeBytes = stored.sizeBytes;
    return log;
  }

  /** Makes a log in place of whatever `disk` has. Throws StoreError. */
  static async create(
    disk: VoteDisk,
    owner: VoteOwner,
    hasher: Hasher,
    entries: readonly VoteEntry[],
  ): Promise<VoteLog> {
    const log = new VoteLog(disk, owner, { hasher, entries });
    await log.compact();
    return log;
  }

  /** From here on the log holds whatever its seat said, unless the seat is `silent`. */
  get completeFrom(): Place {
    return this.#memory.completeFrom;
  }

  /** Why the seat must not speak. */
  get silent(): SilenceReason | undefined {
    return this.#memory.silent;
  }

  /** False for a log that was made before its key can have said anything, and got nothing since. */
  get hasSpoken(): boolean {
    return this.#memory.hasSpoken;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether the seat said this. */
  holds(statement: Pick<SignedStatement, 'kind' | 'epoch' | 'view' | 'digest'>): boolean {
    return this.#memory.holds(statement);
  }

  /** The epoch's statements as they were said; its certificates hang on the first. */
  statementsOf(epoch: number): SignedStatement[] {
    return this.#memory.statementsOf(epoch);
  }

  /** Everything that is remembered, in the order of a new file. */
  entries(): VoteEntry[] {
    return this.#memory.entries();
  }

  /**
   * Writes statements with what they carry. Resolves when the disk has them; what it has already
   * costs nothing. All that waits goes with one write and one sync. Throws VoteError for a
   * contradiction, and writes nothing of the group then; rejects with StoreError, for good, when
   * the disk refuses.
   */
  async append(statements: readonly SignedStatement[]): Promise<void> {
    this.keep(statements);
    await this.#settle();
  }

  /**
   * Remembers statements of which nobody is told before the next `append`, and writes them with it.
   * Throws VoteError for a contradiction, StoreError after a write that failed.
   */
  keep(statements: readonly SignedStatement[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.push(...this.#memory.add(statements));
  }

  /** Notes where the log is complete, or that its seat is silent. Resolves when it is written. */
  async mark(completeness: Completeness): Promise<void> {
    this.#memory.take(completeness);
    this.#queue.push(completeness);
    await this.#settle();
  }

  /** Forgets what lies before `place`. Resolves when the file is small again. */
  async forget(place: Place): Promise<void> {
    const endsEpoch = this.#memory.forget(place);
    if (endsEpoch || this.#sizeBytes > this.#compactBytes) await this.compact();
  }

  /** Writes the file anew, without what is forgotten. */
  async compact(): Promise<void> {
    this.#compaction ??= this.#serial.run(async () => {
      this.#compaction = undefined;
      await this.#guarded(async () => {
        // What waits is in memory, and so in the new file.
        this.#queue = [];
        const frames = encodeFrames(this.entries(), this.#hasher);
        const bytes = new Uint8Array(Buffer.concat([encodeOwner(this.owner), ...frames]));
        await this.#disk.replace(bytes);
        this.#sizeBytes = bytes.length;
        this.#compactBytes = Math.max(COMPACT_BYTES, 2 * bytes.length);
      });
    });
    await this.#compaction;
  }

  /** Waits for writes under way, and lets others have the file. */
  async close(): Promise<void> {
    await this.#serial.run(async () => {
      this.#failure ??= new VoteError('the log of votes is closed');
      await this.#disk.close();
    });
  }

  /** Resolves when the disk has all that was said so far. */
  async #settle(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isWriting && this.#failure === undefined) return;
    this.#flush ??= this.#serial.run(async () => {
      this.#flush = undefined;
      await this.#guarded(async () => {
        const entries = this.#queue;
        this.#queue = [];
        for (const frame of encodeFrames(entries, this.#hasher)) {
          await this.#disk.append(frame, this.#sizeBytes);
          this.#sizeBytes += frame.length;
        }
      });
    });
    await this.#flush;
  }

  /** After a failure nobody knows what the disk has: nothing is written any more. */
  async #guarded(write: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isWriting = true;
    try {
      await write();
    } catch (error) {
      this.#failure = toStoreError(error);
      throw this.#failure;
    } finally {
      this.#isWriting = false;
    }
  }
}

function failStore(error: unknown): never {
  throw toStoreError(error);
}
