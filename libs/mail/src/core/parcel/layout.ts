/**
 * How large a sealed parcel is and how it is cut: padding, part sizes, which bytes of the content
 * stand in which part. Everything follows from the content's size. Next on the path: seal.ts.
 * Spec: docs/spec/25-parcel.md, sections 1 and 2.
 */
import { MAX_MESSAGE_SIZE } from '../limits.ts';
import { assert } from '../outcome.ts';
import { AEAD_TAG_LENGTH } from '../ports.ts';

/** Bytes of a sealed part; the last part of a parcel may be shorter. */
export const PART_SIZE = 1_048_576;
/** Bytes of content and padding in a full part. */
export const PART_CAPACITY = PART_SIZE - AEAD_TAG_LENGTH;
/** Bytes of one parcel's content, and of all parcels of a mail together. */
export const MAX_PARCEL_SIZE = MAX_MESSAGE_SIZE;
/** Parts of the largest parcel: 35 MiB and its tags are padded to 36 MiB. */
export const MAX_PARTS = 36;
/** The least sealed size: everything smaller looks alike. */
export const MIN_SEALED_SIZE = 16_384;
/** Sealed sizes per doubling: 8 keep the padding below 1/8 and leave 90 sizes up to 36 MiB. */
const STEPS_PER_DOUBLING = 8;

/** The cut of one parcel. */
export interface ParcelLayout {
  /** Bytes of the content, 1 … MAX_PARCEL_SIZE. */
  readonly size: number;
  /** Bytes of all sealed parts together: what a provider sees. */
  readonly sealedSize: number;
  readonly partCount: number;
}

/** True for a size that a parcel can have. */
export function isParcelSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= MAX_PARCEL_SIZE;
}

/** The least size of the ladder 2^k · (8 … 15) / 8 that is `least` or more. */
function ladderSize(least: number): number {
  if (least <= MIN_SEALED_SIZE) return MIN_SEALED_SIZE;
  // The power of two strictly below `least`: a power of two itself is the top of its own octave.
  const power = 2 ** (31 - Math.clz32(least - 1));
  const step = power / STEPS_PER_DOUBLING;
  return Math.ceil(least / step) * step;
}

/** Bytes of content and padding that `sealedSize` bytes of parts hold. */
function capacityOf(sealedSize: number): number {
  return sealedSize - AEAD_TAG_LENGTH * Math.ceil(sealedSize / PART_SIZE);
}

/** The layout of a content of `size` bytes, for which `isParcelSize` must hold. */
export function parcelLayout(size: number): ParcelLayout {
  assert(isParcelSize(size), 'a parcel has 1 to 36,700,160 bytes');
  let sealedSize = ladderSize(size);
  // A step of the ladder holds more than the tags of all parts, so this runs at most once.
  while (capacityOf(sealedSize) < size) sealedSize = ladderSize(sealedSize + 1);
  return { size, sealedSize, partCount: Math.ceil(sealedSize / PART_SIZE) };
}

/** Bytes of sealed part `index` (0 … partCount − 1). */
export function sealedPartSize(layout: ParcelLayout, index: number): number {
  assert(index >= 0 && index < layout.partCount, 'a part stands inside its parcel');
  const isLast = index === layout.partCount - 1;
  return isLast ? layout.sealedSize - index * PART_SIZE : PART_SIZE;
}

/** The bytes `from … to − 1` of the content that part `index` holds; none in pure padding. */
export function contentRange(
  layout: ParcelLayout,
  index: number,
): { readonly from: number; readonly to: number } {
  assert(index >= 0 && index < layout.partCount, 'a part stands inside its parcel');
  const from = Math.min(layout.size, index * PART_CAPACITY);
  return { from, to: Math.min(layout.size, from + PART_CAPACITY) };
}
