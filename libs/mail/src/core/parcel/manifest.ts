/**
 * What a letter carries of its attachments: for each parcel the key, the roots of its parts, size
 * and hash of the content, and which attachment is which parcel. No names and no types: they stand
 * in the message beside it. Before: seal.ts. After: letter/letter.ts.
 * Spec: docs/spec/25-parcel.md, section 4.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeWith } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { isParcelSize, MAX_PARCEL_SIZE, MAX_PARTS, parcelLayout } from './layout.ts';

/** Attachments of one mail, and so parcels. Bounds what one letter makes a recipient plan for. */
export const MAX_ATTACHMENTS = 64;
/** Bytes of a list: 64 parcels of at most 89 parts together take 7,395. */
export const MAX_PARCEL_LIST_SIZE = 8_192;
const VERSION = 1;

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

/** The parcels of one mail. */
export interface ParcelList {
  /** 1 … MAX_ATTACHMENTS, no content twice. */
  readonly parcels: readonly ParcelManifest[];
  /** For every attachment, in the order of the message, the index of its parcel. */
  readonly uses: readonly number[];
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

/** `version u8 ‖ count u8 ‖ manifests ‖ count u8 ‖ uses u8 each`, for the letter. */
export function encodeParcelList(list: ParcelList): Uint8Array {
  const fault = listFault(list);
  assert(fault === undefined, `a list of parcels keeps its rules (${fault})`);
  const writer = new Writer(1_024);
  writer.u8(VERSION);
  writer.count8(list.parcels.length, 1, MAX_ATTACHMENTS);
  for (const manifest of list.parcels) writeManifest(writer, manifest);
  writer.count8(list.uses.length, 1, MAX_ATTACHMENTS);
  for (const use of list.uses) writer.u8(use);
  return writer.finish();
}

/**
 * Decodes and checks what a letter carries. Codes: those of form, `parcel-version-unknown`,
 * `parcel-manifest` (the detail names the field).
 */
export function decodeParcelList(bytes: Uint8Array): MailOutcome<ParcelList> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return fail('parcel-version-unknown');
  const decoded = decodeWith(bytes, MAX_PARCEL_LIST_SIZE, (reader): ParcelList => {
    reader.u8();
    const parcelCount = reader.count8(1, MAX_ATTACHMENTS);
    const parcels = Array.from({ length: parcelCount }, () => readManifest(reader));
    const useCount = reader.count8(1, MAX_ATTACHMENTS);
    const uses = Array.from({ length: useCount }, () => reader.u8());
    return { parcels, uses };
  });
  if (!decoded.ok) return decoded;
  const fault = listFault(decoded.value);
  return fault === undefined ? succeed(decoded.value) : fail('parcel-manifest', fault);
}

/** The name of the first field of a list that breaks a rule, or undefined. */
function listFault(list: ParcelList): string | undefined {
  const { parcels, uses } = list;
  for (const manifest of parcels) {
    const fault = manifestFault(manifest);
    if (fault !== undefined) return fault;
  }
  const total = parcels.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_PARCEL_SIZE) return 'size';
  if (!isDistinct(parcels.map(({ contentHash }) => contentHash))) return 'contentHash';
  if (!isDistinct(parcels.flatMap(({ roots }) => roots))) return 'roots';
  return isInOrder(uses, parcels.length) ? undefined : 'uses';
}

function isDistinct(hashes: readonly Uint8Array[]): boolean {
  return new Set(hashes.map((hash) => bytesToHex(hash))).size === hashes.length;
}

/** Parcels are numbered by their first use and every one is used: one way to write a list. */
function isInOrder(uses: readonly number[], parcelCount: number): boolean {
  let next = 0;
  for (const use of uses) {
    if (use > next) return false;
    if (use === next) next += 1;
  }
  return next === parcelCount;
}

/**
 * Finds attachments with the same bytes within one mail, which become one parcel. Never across
 * mails: a provider that sees a root again would learn that two mails have the same attachment.
 * @param contentHashes SHA-256 of every attachment in the order of the message.
 * @returns `firsts`, the attachment that stands for each parcel, and the list's `uses`.
 */
export function uniteContents(contentHashes: readonly Uint8Array[]): {
  readonly firsts: readonly number[];
  readonly uses: readonly number[];
} {
  const parcelByHash = new Map<string, number>();
  const firsts: number[] = [];
  const uses = contentHashes.map((hash, attachment) => {
    const key = bytesToHex(hash);
    const known = parcelByHash.get(key);
    if (known !== undefined) return known;
    const parcel = firsts.push(attachment) - 1;
    parcelByHash.set(key, parcel);
    return parcel;
  });
  return { firsts, uses };
}
