/**
 * A seat's memory of what it said, on the disk before it is signed. It contradicts nothing that it
 * holds, and knows from which view on it holds everything.
 * Path: seat.ts → here → vote-records.ts, vote-disk.ts. Spec: docs/spec/16-signer.md §2.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { toStoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { Serial } from '../signal.ts';
import type { SilenceReason } from './seat-memory.ts';
import type { VoteDisk } from './vote-disk.ts';
import { VoteError } from './vote-error.ts';
import {
  checkOwner,
  encodeFrames,
  encodeOwner,
  isBefore,
  readVotes,
  type Completeness,
  type Place,
  type VoteEntry,
  type VoteOwner,
} from './vote-records.ts';

/** From this size on, and twice what it then had, the file is written anew. */
const COMPACT_BYTES = 4 << 20;
const BEGINNING: Place = { epoch: 0, view: 0n };

/** Which statement: a seat says one of each kind in a view. */
type Slot = Pick<SignedStatement, 'kind' | 'epoch' | 'view'>;

export class VoteLog {
  readonly owner: VoteOwner;
  readonly #disk: VoteDisk;
  readonly #hasher: Hasher;
  readonly #serial = new Serial();
  /** In the order in which they were said. */
  readonly #statements = new Map<string, SignedStatement>();
  readonly #certificates = new Map<string, Certificate>();
  #completeFrom = BEGINNING;
  #silent: SilenceReason | undefined;
  #hasSpoken = false;
  #queue: VoteEntry[] = [];
  #flush: Promise<void> | undefined;
  #isWriting = false;
  #failure: Error | undefined;
  #sizeBytes = 0;
  #compactBytes = COMPACT_BYTES;
  #compaction: Promise<void> | undefined;

  private constructor(disk: VoteDisk, owner: VoteOwner, hasher: Hasher) {
    this.#disk = disk;
    this.owner = owner;
    this.#hasher = hasher;
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
    const log = new VoteLog(disk, owner, hasher);
    for (const entry of stored.entries) log.#take(entry);
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
    const log = new VoteLog(disk, owner, hasher);
    for (const entry of entries) log.#take(entry);
    await log.compact();
    return log;
  }

  /** From here on the log holds whatever its seat said, unless the seat is `silent`. */
  get completeFrom(): Place {
    return this.#completeFrom;
  }

  /** Why the seat must not speak. */
  get silent(): SilenceReason | undefined {
    return this.#silent;
  }

  /** False for a log that was made at the network's beginning and to which nothing came since. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether the seat said this. */
  holds(statement: Slot & Pick<SignedStatement, 'digest'>): boolean {
    const said = this.#statements.get(slotKey(statement));
    return said !== undefined && Buffer.compare(said.digest, statement.digest) === 0;
  }

  /** The epoch's statements as they were said; its certificates hang on the first. */
  statementsOf(epoch: number): SignedStatement[] {
    const [first, ...others] = [...this.#statements.values()].filter((one) => one.epoch === epoch);
    if (first === undefined) return [];
    const certificates = [...this.#certificates.values()].filter((one) => one.epoch === epoch);
    return [certificates.length === 0 ? first : { ...first, certificates }, ...others];
  }

  /** Everything that is remembered, in the order of a new file. */
  entries(): VoteEntry[] {
    return [
      this.#completeness(),
      ...[...this.#certificates.values()].map(
        (certificate) => ({ type: 'certificate', certificate }) as const,
      ),
      ...[...this.#statements.values()].map(
        (statement) => ({ type: 'statement', statement }) as const,
      ),
    ];
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
    const group = new Map<string, SignedStatement>();
    for (const statement of statements) {
      this.#checkAgainst(statement, group);
      group.set(slotKey(statement), statement);
    }
    for (const statement of statements) this.#add(statement);
  }

  /** Notes where the log is complete, or that its seat is silent. Resolves when it is written. */
  async mark(completeness: Completeness): Promise<void> {
    this.#enqueue(completeness);
    await this.#settle();
  }

  /** Forgets what lies before `place`. Resolves when the file is small again. */
  async forget(place: Place): Promise<void> {
    let endsEpoch = false;
    for (const [key, statement] of this.#statements) {
      if (!isBefore(statement, place)) continue;
      this.#statements.delete(key);
      endsEpoch ||= statement.epoch < place.epoch;
    }
    for (const [key, certificate] of this.#certificates) {
      if (isBefore(certificate, place)) this.#certificates.delete(key);
    }
    if (isBefore(this.#completeFrom, place)) this.#completeFrom = place;
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

  #completeness(): Completeness {
    if (this.#silent === undefined) return { type: 'complete', from: this.#completeFrom };
    return { type: 'silent', reason: this.#silent };
  }

  #checkAgainst(statement: SignedStatement, group: ReadonlyMap<string, SignedStatement>): void {
    const { kind, epoch, view } = statement;
    const find = (wanted: SignedStatement['kind']): SignedStatement | undefined => {
      const key = slotKey({ kind: wanted, epoch, view });
      return this.#statements.get(key) ?? group.get(key);
    };
    const same = find(kind);
    const isOther = same !== undefined && Buffer.compare(same.digest, statement.digest) !== 0;
    const isOpposite =
      (kind === 'nullify' && find('finalize') !== undefined) ||
      (kind === 'finalize' && find('nullify') !== undefined);
    if (isOther || isOpposite) {
      throw new VoteError(`${kind} in view ${view} of epoch ${epoch} contradicts what was said`);
    }
  }

  #add(statement: SignedStatement): void {
    if (this.holds(statement)) return;
    const { certificates = [], ...said } = statement;
    for (const certificate of certificates) {
      const isKnown = this.#certificates.has(certificateKey(certificate));
      const isOver = isBefore(certificate, this.#completeFrom) && this.#silent === undefined;
      if (!isKnown && !isOver) this.#enqueue({ type: 'certificate', certificate });
    }
    this.#enqueue({ type: 'statement', statement: said });
  }

  #enqueue(entry: VoteEntry): void {
    this.#take(entry);
    this.#queue.push(entry);
  }

  #take(entry: VoteEntry): void {
    switch (entry.type) {
      case 'statement':
        this.#statements.set(slotKey(entry.statement), entry.statement);
        this.#hasSpoken = true;
        break;
      case 'certificate':
        this.#certificates.set(certificateKey(entry.certificate), entry.certificate);
        break;
      case 'complete':
        this.#completeFrom = entry.from;
        this.#silent = undefined;
        this.#hasSpoken ||= isBefore(BEGINNING, entry.from);
        break;
      case 'silent':
        this.#silent = entry.reason;
        break;
    }
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

function slotKey({ kind, epoch, view }: Slot): string {
  return `${epoch}/${view}/${kind}`;
}

function certificateKey({ kind, epoch, view, digest }: Certificate): string {
  return `${epoch}/${view}/${kind}/${bytesToHex(digest)}`;
}
