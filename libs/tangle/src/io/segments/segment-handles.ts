/**
 * Open files of segments, at most some dozens however many segments there are: the one that was
 * used longest ago is closed first. Path: segment-files.ts → here → file-layer.ts.
 */
import { join } from 'node:path';
import type { FileLayer, RandomFile } from './file-layer.ts';

/** Files that stay open. A node with 30 GB has some 500 segments. */
export const MAX_OPEN_SEGMENTS = 64;

interface Handle {
  readonly file: RandomFile;
  /** Calls under way that must not lose their file. */
  users: number;
}

const NAME = /^([0-9a-f]{8})\.blocks$/;

/** The file of a segment: its number in eight hex digits. */
export function segmentName(segment: number): string {
  return `${segment.toString(16).padStart(8, '0')}.blocks`;
}

/** The opposite; undefined for any other file. */
export function segmentOfName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

export class SegmentHandles {
  readonly #folder: string;
  readonly #layer: FileLayer;
  /** In the order of use. */
  readonly #handles = new Map<number, Handle>();

  constructor(folder: string, layer: FileLayer) {
    this.#folder = folder;
    this.#layer = layer;
  }

  /** For a call that ends before anything else runs. */
  now(segment: number): RandomFile {
    return this.#take(segment, false).file;
  }

  /** Runs `use` with the file, which stays open as long. */
  async with<T>(segment: number, use: (file: RandomFile) => Promise<T>): Promise<T> {
    const handle = this.#take(segment, false);
    handle.users++;
    try {
      return await use(handle.file);
    } finally {
      handle.users--;
      if (handle.users === 0 && this.#handles.get(segment) !== handle) handle.file.close();
    }
  }

  /** Makes the file of a new segment. */
  create(segment: number): void {
    this.#take(segment, true);
  }

  /** Closes the file of a segment, when the last call on it has ended. */
  forget(segment: number): void {
    const handle = this.#handles.get(segment);
    this.#handles.delete(segment);
    if (handle?.users === 0) handle.file.close();
  }

  closeAll(): void {
    for (const segment of this.#handles.keys()) this.forget(segment);
  }

  #take(segment: number, create: boolean): Handle {
    const known = this.#handles.get(segment);
    const handle = known ?? this.#open(segment, create);
    this.#handles.delete(segment);
    this.#handles.set(segment, handle);
    if (known === undefined) this.#evict();
    return handle;
  }

  #open(segment: number, create: boolean): Handle {
    return { file: this.#layer.open(join(this.#folder, segmentName(segment)), create), users: 0 };
  }

  /** Closes what was used longest ago, but never the last one: it was asked for a moment ago. */
  #evict(): void {
    let left = this.#handles.size - 1;
    for (const [segment, { users }] of this.#handles) {
      if (this.#handles.size <= MAX_OPEN_SEGMENTS || left-- === 0) return;
      if (users === 0) this.forget(segment);
    }
  }
}
