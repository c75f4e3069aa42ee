/**
 * How far a sender is with one parcel: which part is missing or stored at which provider. A pure
 * state machine: the shell writes each new state when a receipt tells it, and goes on from the
 * decoded state after a restart. The recipient's mailbox pays, so nothing is paid here. Before: seal.ts.
 * After: a provider's store; the letter leaves when enough copies are stored.
 * Spec: docs/spec/25-parcel.md, section 5.
 */
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { MarketErrorCode } from '../market/checks.ts';
import { checkReceipt } from '../market/receipt.ts';
import type { ReceiptExpectation, StorageReceipt } from '../market/receipt.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { MAX_PARTS, parcelLayout, sealedPartSize } from './layout.ts';
import { manifestFault, manifestSize, readManifest, writeManifest } from './manifest.ts';
import type { ParcelManifest } from './manifest.ts';
import { progressOf } from './progress.ts';
import type { ParcelProgress } from './progress.ts';

/** Providers of one parcel: three for each of 25 recipients that share it. */
export const MAX_PARCEL_PROVIDERS = 75;
/** States of a part at a provider with the numbers of the codec; never reused. */
export const UPLOAD_STATES = { missing: 0, stored: 2 } as const;
const VERSION = 1;
const ENTRY_SIZE = 5;
const MAX_STATE_SIZE =
  2 + manifestSize(MAX_PARTS) + MAX_PARCEL_PROVIDERS * (32 + MAX_PARTS * ENTRY_SIZE);

export type UploadState = keyof typeof UPLOAD_STATES;

/** One part at one provider. */
export interface Upload {
  readonly state: UploadState;
  /** End of the receipt, unix seconds of ledger time; 0 unless stored. */
  readonly until: number;
}

/** All parts at one provider. */
export interface UploadTarget {
  /** The provider, 64 hex digits. */
  readonly bondId: string;
  /** One per part, in order. */
  readonly parts: readonly Upload[];
}

/** A parcel on its way out. */
export interface ParcelSender {
  readonly manifest: ParcelManifest;
  /** Up to MAX_PARCEL_PROVIDERS, each once, in the order of preference. */
  readonly targets: readonly UploadTarget[];
}

const MISSING: Upload = { state: 'missing', until: 0 };

/** A sender that has sent nothing. `bondIds`: the providers, each once, 64 hex digits. */
export function startSender(manifest: ParcelManifest, bondIds: readonly string[]): ParcelSender {
  assert(bondIds.length <= MAX_PARCEL_PROVIDERS, 'a parcel goes to at most 75 providers');
  assert(new Set(bondIds).size === bondIds.length, 'a provider stands once');
  const parts = manifest.roots.map(() => MISSING);
  return { manifest, targets: bondIds.map((bondId) => ({ bondId, parts })) };
}

function changePart(
  sender: ParcelSender,
  bondId: string,
  index: number,
  change: (upload: Upload) => Upload,
): ParcelSender {
  assert(index >= 0 && index < sender.manifest.roots.length, 'a part stands inside its parcel');
  // An answer may come after its provider was dropped: then there is nothing to change.
  const targets = sender.targets.map((target) =>
    target.bondId === bondId
      ? { bondId, parts: target.parts.map((part, at) => (at === index ? change(part) : part)) }
      : target,
  );
  return { ...sender, targets };
}

/**
 * A receipt came for this part. It is checked against root and size here, so that no other object's
 * receipt counts. An older one than known changes nothing. Codes: those of `checkReceipt`.
 */
export function markStored(
  sender: ParcelSender,
  index: number,
  receipt: StorageReceipt,
  expected: Omit<ReceiptExpectation, 'root' | 'size'>,
  verifier: Verifier,
): Outcome<ParcelSender, MarketErrorCode> {
  const root = sender.manifest.roots[index];
  assert(root !== undefined, 'a part stands inside its parcel');
  const size = sealedPartSize(parcelLayout(sender.manifest.size), index);
  const checked = checkReceipt(receipt, { ...expected, root, size }, verifier);
  if (!checked.ok) return checked;
  const bondId = bytesToHex(receipt.bondId);
  return succeed(
    changePart(sender, bondId, index, (part) => ({
      state: 'stored',
      until: Math.max(part.until, receipt.until),
    })),
  );
}

/** The provider has not got this part (any more): it is sent again. */
export function markLost(sender: ParcelSender, bondId: string, index: number): ParcelSender {
  return changePart(sender, bondId, index, () => MISSING);
}

/** Gives a provider up; the letter then counts on the others. */
export function dropTarget(sender: ParcelSender, bondId: string): ParcelSender {
  return { ...sender, targets: sender.targets.filter((target) => target.bondId !== bondId) };
}

/** Up to `limit` parts to send to a provider now, in order. */
export function nextUploads(sender: ParcelSender, bondId: string, limit: number): number[] {
  const parts = sender.targets.find((target) => target.bondId === bondId)?.parts ?? [];
  const missing = parts.flatMap(({ state }, index) => (state === 'missing' ? [index] : []));
  return missing.slice(0, limit);
}

/** The providers that keep every part beyond `ledgerTime`: the n of "stored n/3". */
export function storedCopies(sender: ParcelSender, ledgerTime: number): string[] {
  return sender.targets
    .filter(({ parts }) => parts.every(({ until }) => until > ledgerTime))
    .map(({ bondId }) => bondId);
}

/** Stored parts and bytes of each provider, in the order of the targets. */
export function uploadProgress(sender: ParcelSender): ParcelProgress[] {
  const layout = parcelLayout(sender.manifest.size);
  return sender.targets.map(({ parts }) =>
    progressOf(layout, (index) => parts[index]?.state === 'stored'),
  );
}

/** The state for the disk, which holds the parcel's key: kept like the letter itself. */
export function encodeSender(sender: ParcelSender): Uint8Array {
  const writer = new Writer(1_024);
  writer.u8(VERSION);
  writeManifest(writer, sender.manifest);
  writer.count8(sender.targets.length, 0, MAX_PARCEL_PROVIDERS);
  for (const { bondId, parts } of sender.targets) {
    writer.hex(bondId, 32);
    for (const { state, until } of parts) {
      writer.u8(UPLOAD_STATES[state]);
      writer.u32(until);
    }
  }
  return writer.finish();
}

/** Codes: those of form, `parcel-state-invalid` (the detail names the field). */
export function decodeSender(bytes: Uint8Array): MailOutcome<ParcelSender> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return fail('parcel-version-unknown');
  const decoded = decodeWith(bytes, MAX_STATE_SIZE, (reader): ParcelSender => {
    reader.u8();
    const manifest = readManifest(reader);
    const count = reader.count8(0, MAX_PARCEL_PROVIDERS);
    const targets = Array.from({ length: count }, () => ({
      bondId: reader.hex(32),
      parts: manifest.roots.map(() => readUpload(reader)),
    }));
    return { manifest, targets };
  });
  if (!decoded.ok) return decoded;
  const { manifest, targets } = decoded.value;
  const fault = manifestFault(manifest) ?? targetsFault(targets);
  return fault === undefined ? decoded : fail('parcel-state-invalid', fault);
}

function readUpload(reader: Reader): Upload {
  const number = reader.u8();
  const until = reader.u32();
  if (number === UPLOAD_STATES.missing) return { state: 'missing', until };
  if (number === UPLOAD_STATES.stored) return { state: 'stored', until };
  return refuse('number-out-of-range', 'upload state');
}

function targetsFault(targets: readonly UploadTarget[]): string | undefined {
  if (new Set(targets.map(({ bondId }) => bondId)).size !== targets.length) return 'bondId';
  const isRight = targets.every(({ parts }) =>
    parts.every(({ state, until }) => (state === 'stored') === until > 0),
  );
  return isRight ? undefined : 'until';
}
