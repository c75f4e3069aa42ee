/**
 * An upload: the parts of a parcel that are announced and sent to a mailbox ahead of the letter
 * which names them. The letter's exact tag, as long as nobody has seen it, is the permission, and
 * the list of roots is fixed before the tag shows itself. Before: the sender's parcel. After:
 * stored-object.ts. Spec: docs/spec/33-mailbox.md, section "Parts".
 */
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { DAY_SECONDS, MAX_UPLOAD_PARTS } from './constants.ts';
import type { MarketTimes } from './constants.ts';
import { ingestCost, releaseRefund } from './prices.ts';
import type { Prices } from './prices.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';
import { storeObject } from './stored-object.ts';
import type { ArrivedObject, StoredObject } from './stored-object.ts';

/** One announced part. */
export interface UploadPart {
  /** Segment-tree root, 64 hex digits. */
  readonly root: string;
  readonly size: number;
}

/** What was announced under one tag, and to whom. */
export interface Upload {
  /** Mailboxes that watch the tag and take the parts: ids, 64 hex digits each. */
  readonly mailboxes: readonly string[];
  readonly parts: readonly UploadPart[];
  /** Ledger time from which nothing more is taken, unix seconds. */
  readonly closesAt: number;
  /** Ledger time at which the envelope with the tag arrived; 0 until then. */
  readonly envelopeAt: number;
}

/** What a provider and a mailbox take. */
export interface UploadLimits {
  /** Bytes of one part, from the offer. */
  readonly maxPart: number;
  /** Bytes of all parts under one tag, from the mailbox's policy. */
  readonly maxUpload: number;
}

/** Whether parts may be announced: `request-malformed`, `body-too-large`, `upload-too-large`. */
export function checkAnnouncement(
  parts: readonly UploadPart[],
  limits: UploadLimits,
): Outcome<number, ProblemCode> {
  const isCounted = parts.length >= 1 && parts.length <= MAX_UPLOAD_PARTS;
  const isDistinct = new Set(parts.map(({ root }) => root)).size === parts.length;
  if (!isCounted || !isDistinct || parts.some(({ size }) => size < 1)) {
    return refuse('request-malformed', 'parts');
  }
  if (parts.some(({ size }) => size > limits.maxPart)) {
    return refuse('body-too-large', `parts of at most ${limits.maxPart} bytes`);
  }
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  if (bytes > limits.maxUpload) {
    return refuse('upload-too-large', `at most ${limits.maxUpload} bytes`);
  }
  return { ok: true, value: bytes };
}

/** True when both name the same parts: the announcement was repeated. */
export function isSameUpload(upload: Upload, parts: readonly UploadPart[]): boolean {
  const text = (list: readonly UploadPart[]): string =>
    list.map(({ root, size }) => `${root} ${size}`).join();
  return text(upload.parts) === text(parts);
}

/** What all parts cost when each is kept for `days`. */
export function uploadCost(parts: readonly UploadPart[], prices: Prices, days: number): bigint {
  return parts.reduce((sum, { size }) => sum + ingestCost(prices, size, days), 0n);
}

/** The announced part with this root. Codes: `upload-closed`, `part-unannounced`. */
export function announcedPart(
  upload: Upload,
  part: UploadPart,
  now: number,
): Outcome<UploadPart, ProblemCode> {
  if (now >= upload.closesAt) return refuse('upload-closed');
  const known = upload.parts.find(({ root }) => root === part.root);
  return known?.size === part.size ? { ok: true, value: known } : refuse('part-unannounced');
}

/** The envelope with the tag is in a milestone: from now on the upload has its last hours. */
export function noteEnvelope(upload: Upload, now: number, times: MarketTimes): Upload {
  if (upload.envelopeAt > 0) return upload;
  return { ...upload, envelopeAt: now, closesAt: now + times.uploadRest };
}

/**
 * A part as it is stored: paid for `days`. Until the envelope is there, its receipts reach no
 * further than the upload does, because then it is dropped.
 */
export function storePart(
  arrived: ArrivedObject,
  days: number,
  prices: Prices,
  upload: Upload,
): { readonly object: StoredObject; readonly cost: bigint } {
  const { object, cost } = storeObject(arrived, days, prices, arrived.arrivedAt);
  const part: StoredObject = { ...object, isPart: true };
  if (upload.envelopeAt > 0 || object.until <= upload.closesAt) return { object: part, cost };
  return { object: { ...part, until: upload.closesAt, paidUntil: object.until }, cost };
}

/** A part whose envelope has come is kept as long as it is paid. */
export function settlePart(object: StoredObject): StoredObject {
  const { paidUntil, ...part } = object;
  return paidUntil === undefined ? object : { ...part, until: paidUntil };
}

/** The rent that comes back for a part whose envelope never came: unused whole days. */
export function droppedRefund(object: StoredObject, now: number): bigint {
  const days = Math.floor(((object.paidUntil ?? now) - now) / DAY_SECONDS);
  return releaseRefund(object.rentPerMiBDay, object.sizeBytes, Math.max(days, 0));
}
