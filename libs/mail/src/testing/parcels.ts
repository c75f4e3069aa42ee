/**
 * Contents, manifests and the vectors of parcels, for tests and the worked example
 * of docs/spec/25-parcel.md. Not part of production.
 */
import fc from 'fast-check';
import { readVectors } from './vectors.ts';
import { MAX_PARCEL_SIZE, parcelLayout } from '../core/parcel/layout.ts';
import type { ParcelManifest } from '../core/parcel/manifest.ts';

export interface ParcelCase {
  readonly size: number;
  readonly seed: number;
  readonly key: string;
  readonly contentHash: string;
  readonly sealedSize: number;
  readonly parts: readonly { size: number; root: string; first: string; tag: string }[];
}

export const VECTORS = readVectors('parcel') as {
  readonly paddedSizes: readonly { size: number; sealedSize: number }[];
  readonly cases: readonly ParcelCase[];
  readonly letter: string;
  readonly sender: string;
  readonly receiver: string;
};

/** `size` bytes; byte i is (7 i + seed) mod 256. */
export function exampleContent(size: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) & 0xff);
}

const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Manifests of any size that keep every rule; nothing is sealed under their roots. */
export const anyManifest: fc.Arbitrary<ParcelManifest> = fc
  .oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: MAX_PARCEL_SIZE }))
  .chain((size) => {
    const { partCount } = parcelLayout(size);
    const fields = fc.record({ contentHash: hash32, key: hash32, first: hash32 });
    return fields.map(({ contentHash, key, first }) => {
      const roots = Array.from({ length: partCount }, (_, index) => numbered(first, index));
      return { size, contentHash, key, roots };
    });
  });

/** `bytes` with the first byte replaced: distinct roots without a search. */
export function numbered(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.with(0, index);
}

/** Hostile bytes: random ones, and `bytes` with a byte changed, cut off or added. */
export function mutantsOf(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat({ max: bytes.length - 1 });
  return fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(at, fc.nat({ max: 255 })).map(([index, byte]) => bytes.with(index, byte)),
    at.map((length) => bytes.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => Uint8Array.of(...bytes, ...more)),
  );
}
