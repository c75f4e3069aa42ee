/**
 * Sealing and opening of a parcel's parts: ChaCha20-Poly1305 in the STREAM construction (Hoang,
 * Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-
 * Resistance", section 7), one part at a time. Before: manifest.ts or an attachment. After: the
 * provider's store, or the attachment. Spec: docs/spec/25-parcel.md, section 3.
 */
import { segmentRoot } from '../market/segment-tree.ts';
import type { Sha256 } from '../market/segment-tree.ts';
import { deriveKey, equalBytes, sha256 as nobleSha256, u32Bytes } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { AEAD_TAG_LENGTH } from '../ports.ts';
import type { SealingSuite } from '../ports.ts';
import { contentRange, isParcelSize, parcelLayout, sealedPartSize } from './layout.ts';
import { MAX_PARCEL_SIZE } from './layout.ts';
import type { ParcelManifest } from './manifest.ts';

const NO_DATA = new Uint8Array(0);
const INDEX_OFFSET = 7;
const LAST_OFFSET = 11;

/** A parcel before its parts are sealed: a manifest that has no roots yet. */
export type ParcelDraft = Omit<ParcelManifest, 'roots'>;

/** One part as a provider stores it. */
export interface SealedPart {
  readonly bytes: Uint8Array;
  /** Segment-tree root, 32 bytes. */
  readonly root: Uint8Array;
}

/** Refuses a content that no parcel holds: `parcel-empty`, `parcel-too-large`. */
export function checkParcelSize(size: number): MailOutcome<number> {
  if (size === 0) return fail('parcel-empty');
  return isParcelSize(size)
    ? succeed(size)
    : fail('parcel-too-large', `at most ${MAX_PARCEL_SIZE} bytes`);
}

/**
 * The key of all parts. Hash and size of the content go into it: a parcel key that was drawn twice
 * by mistake does not use a nonce twice for two contents, and parts of two parcels never mix.
 */
function partKey(draft: ParcelDraft): Uint8Array {
  assert(draft.key.length === 32, 'a parcel key has 32 bytes');
  assert(draft.contentHash.length === 32, 'a content hash has 32 bytes');
  return deriveKey(draft.key, 'tmail/parcel/v1', [draft.contentHash, u32Bytes(draft.size)]);
}

/** `7 zero bytes ‖ part index u32 ‖ last u8`. */
function partNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(u32Bytes(index), INDEX_OFFSET);
  nonce[LAST_OFFSET] = isLast ? 1 : 0;
  return nonce;
}

/**
 * Seals part `index`.
 * @param content the bytes of `contentRange(parcelLayout(draft.size), index)`.
 */
export function sealPart(
  draft: ParcelDraft,
  index: number,
  content: Uint8Array,
  suite: SealingSuite,
  sha256: Sha256 = nobleSha256,
): SealedPart {
  const layout = parcelLayout(draft.size);
  const { from, to } = contentRange(layout, index);
  assert(content.length === to - from, 'a part is given the bytes of its range');
  const padded = new Uint8Array(sealedPartSize(layout, index) - AEAD_TAG_LENGTH);
  padded.set(content);
  const nonce = partNonce(index, index === layout.partCount - 1);
  const bytes = suite.chacha20poly1305Seal(partKey(draft), nonce, padded, NO_DATA);
  return { bytes, root: segmentRoot(bytes, sha256) };
}

/**
 * Seals a whole content that is in memory; a shell that reads from disk calls `sealPart` itself.
 * @param key 32 random bytes.
 */
export function sealParcel(
  content: Uint8Array,
  key: Uint8Array,
  suite: SealingSuite,
  sha256: Sha256 = nobleSha256,
): MailOutcome<{ readonly manifest: ParcelManifest; readonly parts: readonly Uint8Array[] }> {
  const size = checkParcelSize(content.length);
  if (!size.ok) return size;
  const draft: ParcelDraft = { size: size.value, contentHash: sha256(content), key };
  const layout = parcelLayout(size.value);
  const sealed = Array.from({ length: layout.partCount }, (_, index) => {
    const { from, to } = contentRange(layout, index);
    return sealPart(draft, index, content.subarray(from, to), suite, sha256);
  });
  const manifest = { ...draft, roots: sealed.map(({ root }) => root) };
  return succeed({ manifest, parts: sealed.map(({ bytes }) => bytes) });
}

/**
 * Makes a part again after a restart, from the attachment on disk. `parcel-content-changed` when it
 * is not the part of the manifest: it must not leave then, since key and nonce were used before.
 */
export function resealPart(
  manifest: ParcelManifest,
  index: number,
  content: Uint8Array,
  suite: SealingSuite,
  sha256: Sha256 = nobleSha256,
): MailOutcome<Uint8Array> {
  const { from, to } = contentRange(parcelLayout(manifest.size), index);
  if (content.length !== to - from) return fail('parcel-content-changed');
  const { bytes, root } = sealPart(manifest, index, content, suite, sha256);
  return equalBytes(root, rootAt(manifest, index))
    ? succeed(bytes)
    : fail('parcel-content-changed');
}

/** Whether a provider gave the right bytes: `parcel-part-size`, `parcel-part-root`. */
export function checkPart(
  manifest: ParcelManifest,
  index: number,
  bytes: Uint8Array,
  sha256: Sha256 = nobleSha256,
): MailOutcome<Uint8Array> {
  const expected = sealedPartSize(parcelLayout(manifest.size), index);
  if (bytes.length !== expected) return fail('parcel-part-size', `expected ${expected} bytes`);
  const isRight = equalBytes(segmentRoot(bytes, sha256), rootAt(manifest, index));
  return isRight ? succeed(bytes) : fail('parcel-part-root');
}

/**
 * Opens part `index` to its bytes of the content. Codes of `checkPart` are the provider's fault,
 * `parcel-part-damaged` (does not open, or its padding is not zero) is the sender's.
 */
export function openPart(
  manifest: ParcelManifest,
  index: number,
  bytes: Uint8Array,
  suite: SealingSuite,
  sha256: Sha256 = nobleSha256,
): MailOutcome<Uint8Array> {
  const checked = checkPart(manifest, index, bytes, sha256);
  if (!checked.ok) return checked;
  const layout = parcelLayout(manifest.size);
  const nonce = partNonce(index, index === layout.partCount - 1);
  const padded = suite.chacha20poly1305Open(partKey(manifest), nonce, bytes, NO_DATA);
  if (!padded) return fail('parcel-part-damaged');
  const { from, to } = contentRange(layout, index);
  const isClean = padded.subarray(to - from).every((byte) => byte === 0);
  return isClean ? succeed(padded.subarray(0, to - from)) : fail('parcel-part-damaged');
}

function rootAt(manifest: ParcelManifest, index: number): Uint8Array {
  const root = manifest.roots[index];
  assert(root !== undefined, 'a part stands inside its parcel');
  return root;
}
