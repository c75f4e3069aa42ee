/**
 * The outer form of a snapshot file: ten bytes that say what it is, then frames, each with the
 * checksum of everything up to it. A frame is checked before its body is decoded, so that damage
 * shows as damage, and a reader never holds more than one frame.
 * Path: io/snapshot (bytes of a file) → here → parser.ts. Spec: docs/spec/12-snapshot.md §2.
 *
 * ```
 * PREFIX    magic 8 "TANGLSNP" | version u16
 * FRAME     kind u8 | length u32 | body | checksum 32
 * checksum₀ = BLAKE2b-256(PREFIX)
 * checksumₙ = BLAKE2b-256(checksumₙ₋₁ | kind | length | body)
 * ```
 */
import { equalBytes } from '@noble/curves/utils.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { Writer } from '../codec/writer.ts';
import { assert, succeed } from '../outcome.ts';
import { MAX_SNAPSHOT_FRAME_SIZE } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { refuseSnapshot, type SnapshotOutcome } from './codes.ts';

/** The version of the format that this program writes, and the newest that it reads. */
export const SNAPSHOT_VERSION = 1;

const MAGIC = utf8ToBytes('TANGLSNP');
const PREFIX_SIZE = MAGIC.length + 2;
const CHECKSUM_SIZE = 32;
const FRAME_HEAD_SIZE = 5;

/** The first bytes of every file. */
export function encodePrefix(): Uint8Array {
  const writer = new Writer(PREFIX_SIZE);
  writer.raw(MAGIC);
  writer.u16(SNAPSHOT_VERSION);
  return writer.finish();
}

/** Puts bodies into frames; one object per file, because the checksums form a chain. */
export class FrameWriter {
  readonly #hasher: Hasher;
  #checksum: Uint8Array;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
    this.#checksum = hasher.blake2b256(encodePrefix());
  }

  /** The bytes of the next frame. */
  frame(kind: number, body: Uint8Array): Uint8Array {
    assert(body.length <= MAX_SNAPSHOT_FRAME_SIZE, 'a frame of a snapshot keeps its limit');
    const writer = new Writer(2 * CHECKSUM_SIZE + FRAME_HEAD_SIZE + body.length);
    writer.fixed(this.#checksum, CHECKSUM_SIZE);
    writer.u8(kind);
    writer.u32(body.length);
    writer.raw(body);
    writer.fixed(new Uint8Array(CHECKSUM_SIZE), CHECKSUM_SIZE);
    const all = writer.finish();
    this.#checksum = this.#hasher.blake2b256(all.subarray(0, all.length - CHECKSUM_SIZE));
    all.set(this.#checksum, all.length - CHECKSUM_SIZE);
    return all.subarray(CHECKSUM_SIZE);
  }
}

/** A frame whose checksum held. The body is good until the next call of the reader. */
export interface Frame {
  readonly kind: number;
  readonly body: Uint8Array;
}

/**
 * Cuts a stream of bytes into frames. The buffer begins with the checksum so far, so that frame and
 * chain are hashed in one call.
 */
export class FrameReader {
  readonly #hasher: Hasher;
  #buffer: Uint8Array = new Uint8Array(PREFIX_SIZE);
  /** Bytes of the buffer that are filled. */
  #filled = 0;
  /** Bytes that the buffer must have before something can be said. */
  #needed = PREFIX_SIZE;
  #checksum: Uint8Array | undefined;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** True between two frames: a file may end here. False inside a frame and in an empty file. */
  get isBetweenFrames(): boolean {
    return this.#checksum !== undefined && this.#filled === CHECKSUM_SIZE;
  }

  /**
   * Takes bytes from `bytes`, from `offset` on, until a frame is whole or all are taken.
   * @returns the frame, if there is one, and the offset at which to go on.
   */
  take(
    bytes: Uint8Array,
    offset: number,
  ): SnapshotOutcome<{ readonly frame?: Frame; readonly offset: number }> {
    let at = offset;
    while (at < bytes.length) {
      const part = bytes.subarray(at, at + this.#needed - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#needed) break;
      const step = this.#step();
      if (!step.ok) return step;
      if (step.value !== undefined) return succeed({ frame: step.value, offset: at });
    }
    return succeed({ offset: at });
  }

  /** The buffer has what was needed: prefix, head of a frame, or a whole frame. */
  #step(): SnapshotOutcome<Frame | undefined> {
    if (this.#checksum === undefined) return this.#readPrefix();
    if (this.#needed === CHECKSUM_SIZE + FRAME_HEAD_SIZE) return this.#readHead();
    return this.#readFrame(this.#checksum);
  }

  #readPrefix(): SnapshotOutcome<undefined> {
    if (!equalBytes(this.#buffer.subarray(0, MAGIC.length), MAGIC)) {
      return refuseSnapshot('snapshot-magic');
    }
    const version =
      (this.#buffer[MAGIC.length] ?? 0) | ((this.#buffer[MAGIC.length + 1] ?? 0) << 8);
    if (version !== SNAPSHOT_VERSION) {
      return version > SNAPSHOT_VERSION
        ? refuseSnapshot('snapshot-version', `version ${version}`)
        : refuseSnapshot('snapshot-magic', `version ${version}`);
    }
    this.#startFrame(this.#hasher.blake2b256(this.#buffer));
    return succeed(undefined);
  }

  #readHead(): SnapshotOutcome<undefined> {
    const length = this.#bodyLength();
    if (length > MAX_SNAPSHOT_FRAME_SIZE) {
      // A damaged length cannot be told from a false one: neither is followed.
      return refuseSnapshot('snapshot-form', `a frame of ${length} bytes`);
    }
    this.#needed += length + CHECKSUM_SIZE;
    if (this.#buffer.length < this.#needed) {
      const larger = new Uint8Array(this.#needed);
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    return succeed(undefined);
  }

  #readFrame(previous: Uint8Array): SnapshotOutcome<Frame> {
    const end = this.#needed - CHECKSUM_SIZE;
    this.#buffer.set(previous);
    const checksum = this.#hasher.blake2b256(this.#buffer.subarray(0, end));
    if (!equalBytes(checksum, this.#buffer.subarray(end, this.#needed))) {
      return refuseSnapshot('snapshot-checksum');
    }
    const kind = this.#buffer[CHECKSUM_SIZE] ?? 0;
    const body = this.#buffer.subarray(CHECKSUM_SIZE + FRAME_HEAD_SIZE, end);
    this.#startFrame(checksum);
    return succeed({ kind, body });
  }

  #startFrame(checksum: Uint8Array): void {
    this.#checksum = checksum;
    this.#filled = CHECKSUM_SIZE;
    this.#needed = CHECKSUM_SIZE + FRAME_HEAD_SIZE;
    if (this.#buffer.length < this.#needed) this.#buffer = new Uint8Array(this.#needed);
  }

  #bodyLength(): number {
    const { buffer, byteOffset } = this.#buffer;
    return new DataView(buffer, byteOffset).getUint32(CHECKSUM_SIZE + 1, true);
  }
}
