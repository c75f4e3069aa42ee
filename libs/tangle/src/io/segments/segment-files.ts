/**
 * Append-only files of records, some 64 MiB each, in one folder. What is appended is in the files
 * when `append` resolves and survives the end of the process; `sync` makes it survive the end of
 * the machine. After the first failure to write, every further one fails with the same error.
 * Path: level/block-repository.ts → here → file-layer.ts. Spec: docs/spec/10-storage.md.
 */
import { join } from 'node:path';
import type { FileLayer } from './file-layer.ts';
import { NODE_FILES } from './file-layer.ts';
import { encodeRecords, RECORD_HEADER_SIZE, recordAt } from './record.ts';
import { SegmentError } from './segment-error.ts';
import { SegmentHandles, segmentName, segmentOfName } from './segment-handles.ts';

/** A place between two records. Segments count from 1. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

/** Where a record stands. */
export interface Location extends Position {
  /** Bytes of the content. */
  readonly length: number;
}

export interface SegmentOptions {
  /** A segment that has reached it gets no further record. */
  readonly segmentBytes?: number;
  readonly layer?: FileLayer;
}

/** Before the first record. */
export const FIRST_POSITION: Position = { segment: 1, offset: 0 };

const MEBIBYTE = 1_048_576;
const SEGMENT_BYTES = 64 * MEBIBYTE;
/** Records that stand closer are read in one go, up to a group of so many bytes. */
const GROUP_GAP = 16_384;
const GROUP_BYTES = MEBIBYTE;
/** Groups that are read at a time. */
const GROUPS_AT_ONCE = 4;
/** A handful is read at once without a detour over threads. */
const FEW = 4;
const COPY_BYTES = MEBIBYTE;

/** By place in the files. */
export function comparePositions(a: Position, b: Position): number {
  return a.segment - b.segment || a.offset - b.offset;
}

export class SegmentFiles {
  readonly #folder: string;
  readonly #layer: FileLayer;
  readonly #limit: number;
  readonly #handles: SegmentHandles;
  /** Bytes of each segment, those that are being written included. */
  readonly #sizes = new Map<number, number>();
  /** Segments with bytes that no sync has covered. */
  readonly #unsynced = new Set<number>();
  /** Where the next record goes. */
  #end: Position = FIRST_POSITION;
  /** Appends one after the other. */
  #tail: Promise<void> = Promise.resolve();
  #hasNewNames = false;
  /** Changes so far, and how many of them a sync that has ended covers. */
  #changes = 0;
  #synced = 0;
  /** Syncs one after the other. */
  #syncTail: Promise<void> = Promise.resolve();
  #failure: unknown;
  #closed = false;

  private constructor(folder: string, { layer, segmentBytes }: SegmentOptions) {
    this.#folder = folder;
    this.#layer = layer ?? NODE_FILES;
    this.#limit = segmentBytes ?? SEGMENT_BYTES;
    this.#handles = new SegmentHandles(folder, this.#layer);
  }

  /** Opens or makes the folder. Nothing is read yet: `scan` follows. */
  static async open(folder: string, options: SegmentOptions = {}): Promise<SegmentFiles> {
    const files = new SegmentFiles(folder, options);
    await files.#layer.makeFolder(folder);
    for (const { name, size } of await files.#layer.list(folder)) {
      const segment = segmentOfName(name);
      if (segment !== undefined) files.#sizes.set(segment, size);
    }
    const last = Math.max(0, ...files.#sizes.keys());
    if (last > 0) files.#end = { segment: last, offset: files.#sizes.get(last) ?? 0 };
    return files;
  }

  /** Numbers of all segments, ascending. */
  segments(): number[] {
    return [...this.#sizes.keys()].toSorted((a, b) => a - b);
  }

  /** Bytes of a segment; undefined when there is no such file. */
  sizeOf(segment: number): number | undefined {
    return this.#sizes.get(segment);
  }

  /** Where the next record will stand, or behind it when a new segment is due. */
  get end(): Position {
    return this.#end;
  }

  /** New records go into segments behind this one, which is gone: a number serves once. */
  startAfter(segment: number): void {
    if (segment >= this.#end.segment) this.#end = { segment: segment + 1, offset: 0 };
  }

  /** Writes records, all into one segment. Nothing is synced. */
  async append(contents: readonly Uint8Array[]): Promise<Location[]> {
    this.#check();
    const bytes = encodeRecords(contents);
    const { segment, offset } = this.#reserve(bytes.length);
    const written = this.#write(this.#tail, bytes, { segment, offset });
    this.#tail = written.catch(() => undefined);
    await written;
    let at = offset;
    return contents.map(({ length }) => {
      const location = { segment, offset: at, length };
      at += RECORD_HEADER_SIZE + length;
      return location;
    });
  }

  /**
   * The disk has everything whose `append` was called before; returns the end of that. Whoever
   * comes while a sync is under way waits for it, and then for one more, which serves all who wait.
   */
  async sync(): Promise<Position> {
    this.#check();
    const end = this.#end;
    const changes = this.#changes;
    if (this.#synced === changes) return end;
    const done = this.#syncTail.then(() => this.#syncUpTo(changes));
    this.#syncTail = done.catch(() => undefined);
    await done;
    return end;
  }

  /**
   * A record's content; undefined when its segment was removed since. Blocks the thread for some
   * microseconds.
   */
  read(location: Location): Uint8Array | undefined {
    this.#checkOpen();
    if (!this.#sizes.has(location.segment)) return undefined;
    const record = Buffer.allocUnsafe(RECORD_HEADER_SIZE + location.length);
    const count = this.#handles.now(location.segment).readSync(record, location.offset);
    return contentOf(record.subarray(0, count), 0, location);
  }

  /** The contents of many records, in their order; neighbours are read together. */
  async readMany(locations: readonly Location[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen();
    if (locations.length <= FEW) return locations.map((location) => this.read(location));
    const contents = Array.from<Uint8Array | undefined>({ length: locations.length });
    const groups = groupsOf(locations);
    for (let at = 0; at < groups.length; at += GROUPS_AT_ONCE) {
      const some = groups.slice(at, at + GROUPS_AT_ONCE);
      await Promise.all(some.map((group) => this.#readGroup(group, locations, contents)));
    }
    return contents;
  }

  /**
   * Shows all records of a segment from `offset` on, in order, until a place where no whole record
   * stands; returns that place. A content is valid only while `visit` runs.
   * @param rest is waited for after each mebibyte of records.
   */
  async scan(
    { segment, offset }: Position,
    visit: (location: Location, content: Uint8Array) => void,
    rest: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Position> {
    const size = this.#sizes.get(segment) ?? 0;
    const chunk = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, Math.max(0, size - offset)));
    let at = offset;
    while (at < size) {
      const from = at;
      const count = await this.#handles.with(segment, (file) => file.read(chunk, from));
      const bytes = chunk.subarray(0, count);
      for (let content = recordAt(bytes, 0); content; content = recordAt(bytes, at - from)) {
        visit({ segment, offset: at, length: content.length }, content);
        at += RECORD_HEADER_SIZE + content.length;
      }
      await rest();
      // A chunk is larger than any record, so one that begins with none is the end.
      if (at === from) break;
    }
    return { segment, offset: at };
  }

  /** Cuts a torn tail off. */
  async truncate({ segment, offset }: Position): Promise<void> {
    if ((this.#sizes.get(segment) ?? 0) === offset) return;
    await this.#handles.with(segment, (file) => file.truncate(offset));
    this.#sizes.set(segment, offset);
    this.#touch(segment);
    if (this.#end.segment === segment) this.#end = { segment, offset };
  }

  /**
   * Writes the bytes from `position` to the end of its segment once more. What could be read after
   * a failed sync need not be on the disk, and a second sync would not put it there.
   */
  async rewrite({ segment, offset }: Position): Promise<void> {
    const size = this.#sizes.get(segment) ?? 0;
    if (offset >= size) return;
    this.#touch(segment);
    await this.#handles.with(segment, async (file) => {
      for (let at = offset; at < size; at += COPY_BYTES) {
        const chunk = new Uint8Array(Math.min(COPY_BYTES, size - at));
        await file.write(chunk.subarray(0, await file.read(chunk, at)), at);
      }
    });
  }

  /** Removes a segment's file; never the last one. */
  async remove(segment: number): Promise<void> {
    this.#sizes.delete(segment);
    this.#unsynced.delete(segment);
    this.#handles.forget(segment);
    await this.#layer.remove(join(this.#folder, segmentName(segment)));
  }

  /** Refuses every further write with this error. */
  refuse(error: unknown): void {
    this.#failure ??= error;
  }

  /** Waits for writes under way. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
    this.#handles.closeAll();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#closed) throw new SegmentError('SEGMENT_CLOSED', 'the segments are closed');
  }

  /** Brings the changes up to this number to the disk, and all later ones that are there by now. */
  async #syncUpTo(wanted: number): Promise<void> {
    if (this.#synced >= wanted) return;
    const changes = this.#changes;
    const segments = [...this.#unsynced];
    const last = this.#end.segment;
    await this.#tail;
    this.#check();
    try {
      for (const segment of segments) {
        await this.#handles.with(segment, (file) => file.sync());
        if (segment < last) this.#unsynced.delete(segment);
      }
      if (this.#hasNewNames) {
        this.#hasNewNames = false;
        await this.#layer.syncFolder(this.#folder);
      }
      this.#synced = changes;
    } catch (error) {
      // What a failed sync leaves on the disk is unknown: only opening the folder again tells.
      this.refuse(error);
      throw error;
    }
  }

  async #write(
    previous: Promise<void>,
    bytes: Uint8Array,
    { segment, offset }: Position,
  ): Promise<void> {
    await previous;
    this.#check();
    try {
      await this.#handles.with(segment, (file) => file.write(bytes, offset));
    } catch (error) {
      this.refuse(error);
      throw error;
    }
  }

  /** Takes the place of the next records, in a new segment when the last one is full. */
  #reserve(size: number): Position {
    const isFull = this.#end.offset > 0 && this.#end.offset + size > this.#limit;
    if (isFull) this.#end = { segment: this.#end.segment + 1, offset: 0 };
    const { segment, offset } = this.#end;
    if (!this.#sizes.has(segment)) {
      try {
        this.#handles.create(segment);
      } catch (error) {
        this.refuse(error);
        throw error;
      }
      this.#hasNewNames = true;
    }
    this.#end = { segment, offset: offset + size };
    this.#sizes.set(segment, offset + size);
    this.#touch(segment);
    return { segment, offset };
  }

  #touch(segment: number): void {
    this.#unsynced.add(segment);
    this.#changes++;
  }

  async #readGroup(
    group: readonly number[],
    locations: readonly Location[],
    contents: (Uint8Array | undefined)[],
  ): Promise<void> {
    const first = locations[group[0]!]!;
    const last = locations[group.at(-1)!]!;
    if (!this.#sizes.has(first.segment)) return;
    const bytes = Buffer.allocUnsafeSlow(endOf(last) - first.offset);
    const count = await this.#handles.with(first.segment, (file) => file.read(bytes, first.offset));
    for (const index of group) {
      const location = locations[index]!;
      const at = location.offset - first.offset;
      contents[index] = contentOf(bytes.subarray(0, count), at, location);
    }
  }
}

function endOf({ offset, length }: Location): number {
  return offset + RECORD_HEADER_SIZE + length;
}

/** The content of the record that the index says is there. */
function contentOf(bytes: Uint8Array, at: number, location: Location): Uint8Array {
  const content = recordAt(bytes, at);
  if (content?.length !== location.length) {
    const place = `${location.segment}:${location.offset}`;
    throw new SegmentError('SEGMENT_CORRUPT', `no whole record at ${place}`);
  }
  return content;
}

/** Indexes into `locations` by place, in groups that are worth one read each. */
function groupsOf(locations: readonly Location[]): number[][] {
  const order = locations.map((_, index) => index);
  order.sort((a, b) => comparePositions(locations[a]!, locations[b]!));
  const groups: number[][] = [];
  let start: Location | undefined;
  let end = 0;
  for (const index of order) {
    const location = locations[index]!;
    const isNear =
      start?.segment === location.segment &&
      location.offset - end <= GROUP_GAP &&
      endOf(location) - start.offset <= GROUP_BYTES;
    if (isNear) groups.at(-1)?.push(index);
    else {
      groups.push([index]);
      start = location;
    }
    end = endOf(location);
  }
  return groups;
}
