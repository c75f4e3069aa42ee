/**
 * Everything that opens one parcel: key, roots of the parts, size and hash of the content. It is
 * part of the letter (letter.ts) and of the stored states (sender.ts, receiver.ts).
 * Spec: docs/spec/25-parcel.md, section 4.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { isParcelSize, MAX_PARTS, parcelLayout } from './layout.ts';

/** Everything that opens one parcel. Whoever has it reads the content. */
export interface ParcelManifest {
  /** Bytes of the content, 1 … MAX_PARCEL_SIZE. */
  readonly size: number;
  /** SHA-256 of the content, 32 bytes. */
  readonly contentHash: Uint8Array;
  /** 32 random bytes, drawn for this parcel. */
  readonly key: Uint8Array;
  /** Segment-tree root of every sealed part in order, 32 bytes each. */
  readonly roots: readonly Uint8Array[];
}

/** Bytes that a manifest of `partCount` parts takes. */
export function manifestSize(partCount: number): number {
  return 69 + 32 * partCount;
}

/** Writes a manifest; also part of the stored states in sender.ts and receiver.ts. */
export function writeManifest(writer: Writer, manifest: ParcelManifest): void {
  writer.u32(manifest.size);
  writer.fixed(manifest.contentHash, 32);
  writer.fixed(manifest.key, 32);
  writer.count8(manifest.roots.length, 1, MAX_PARTS);
  for (const root of manifest.roots) writer.fixed(root, 32);
}

/** Reads a manifest; `manifestFault` has still to be asked. */
export function readManifest(reader: Reader): ParcelManifest {
  const size = reader.u32();
  const contentHash = reader.bytes(32);
  const key = reader.bytes(32);
  const count = reader.count8(1, MAX_PARTS);
  const roots = Array.from({ length: count }, () => reader.bytes(32));
  return { size, contentHash, key, roots };
}

/** The name of the field that breaks a rule, or undefined. */
export function manifestFault(manifest: ParcelManifest): string | undefined {
  if (!isParcelSize(manifest.size)) return 'size';
  const { partCount } = parcelLayout(manifest.size);
  if (manifest.roots.length !== partCount) return 'partCount';
  return isDistinct(manifest.roots) ? undefined : 'roots';
}

function isDistinct(hashes: readonly Uint8Array[]): boolean {
  return new Set(hashes.map((hash) => bytesToHex(hash))).size === hashes.length;
}
