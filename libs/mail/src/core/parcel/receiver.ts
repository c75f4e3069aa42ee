/**
 * How far a recipient is with one parcel: which part is missing or verified, and which provider
 * failed at it. A pure state machine: the shell writes each new state in the batch of the
 * thing that it tells, and goes on from the decoded state after a restart. Before: a provider's
 * store. After: the attachment. Spec: docs/spec/25-parcel.md, section 6.
 */
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import type { Sha256 } from '../market/segment-tree.ts';
import { equalBytes } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import { MAX_PARTS, parcelLayout } from './layout.ts';
import { manifestFault, manifestSize, readManifest, writeManifest } from './manifest.ts';
import type { ParcelManifest } from './manifest.ts';
import { progressOf } from './progress.ts';
import type { ParcelProgress } from './progress.ts';
import { openPart } from './seal.ts';

/** Providers that a parcel is fetched from: one bit each in `failed`. */
export const MAX_PARCEL_SOURCES = 8;
/** States of a part with the numbers of the codec; never reused. */
export const FETCH_STATES = { missing: 0, verified: 3 } as const;
/** How a parcel ended, with the numbers of the codec; never reused. */
export const VERDICTS = { open: 0, complete: 1, refused: 2 } as const;
const VERSION = 1;
const ENTRY_SIZE = 3;
const MAX_STATE_SIZE =
  3 + manifestSize(MAX_PARTS) + 32 * MAX_PARCEL_SOURCES + MAX_PARTS * ENTRY_SIZE;

export type FetchState = keyof typeof FETCH_STATES;
export type Verdict = keyof typeof VERDICTS;

/** One part on its way in. */
export interface Fetch {
  /** `verified`: it has the right root, was opened, and its content is on the disk. */
  readonly state: FetchState;
  /** Index of the provider that gave the bytes; 0 while missing. */
  readonly source: number;
  /** Bit i: provider i gave nothing or wrong bytes. */
  readonly failed: number;
}

/** A parcel on its way in. */
export interface ParcelReceiver {
  readonly manifest: ParcelManifest;
  /** The providers, 64 hex digits each, best first; 1 … MAX_PARCEL_SOURCES, each once. */
  readonly sources: readonly string[];
  /** One per part, in order. */
  readonly parts: readonly Fetch[];
  /** `refused`: no provider can help, the sender's parts or hash are wrong. */
  readonly verdict: Verdict;
}

/** What is to be done next: see `receiverPhase`. */
export type ReceiverPhase = 'fetching' | 'blocked' | 'assembling' | 'complete' | 'refused';

/** A receiver that has nothing yet. `sources`: where the recipient has mailboxes, each once. */
export function startReceiver(
  manifest: ParcelManifest,
  sources: readonly string[],
): ParcelReceiver {
  assert(sources.length >= 1 && sources.length <= MAX_PARCEL_SOURCES, '1 to 8 sources');
  assert(new Set(sources).size === sources.length, 'a provider stands once');
  const parts = manifest.roots.map((): Fetch => ({ state: 'missing', source: 0, failed: 0 }));
  return { manifest, sources, parts, verdict: 'open' };
}

function changePart(
  receiver: ParcelReceiver,
  index: number,
  change: (part: Fetch) => Fetch,
): ParcelReceiver {
  assert(index >= 0 && index < receiver.parts.length, 'a part stands inside its parcel');
  const parts = receiver.parts.map((part, at) => (at === index ? change(part) : part));
  return { ...receiver, parts };
}

/** A source that delivers after all is no longer one that failed. */
function verified(part: Fetch, source: number): Fetch {
  return { state: 'verified', source, failed: part.failed & ~(1 << source) };
}

function assertSource(receiver: ParcelReceiver, source: number): void {
  assert(source >= 0 && source < receiver.sources.length, 'a source is one of the list');
}

/** A provider gave nothing (or wrong bytes) for this part; it is asked elsewhere. */
export function markFailed(
  receiver: ParcelReceiver,
  index: number,
  source: number,
): ParcelReceiver {
  assertSource(receiver, source);
  return changePart(receiver, index, (part) =>
    part.state === 'verified' ? part : { ...part, failed: part.failed | (1 << source) },
  );
}

/**
 * Looks at the bytes of a part. Wrong size or root: the provider's fault, and the part is asked
 * elsewhere. Damaged under the right root: the sender's fault, and the parcel is refused. In both
 * cases the failure stands beside the new state, as a value.
 */
export function takePart(
  receiver: ParcelReceiver,
  index: number,
  source: number,
  bytes: Uint8Array,
  suite: SealingSuite,
  sha256?: Sha256,
): { readonly receiver: ParcelReceiver; readonly content: MailOutcome<Uint8Array> } {
  assertSource(receiver, source);
  const content = openPart(receiver.manifest, index, bytes, suite, sha256);
  if (content.ok) {
    const next = changePart(receiver, index, (part) => verified(part, source));
    return { receiver: next, content };
  }
  if (content.code === 'parcel-part-damaged') {
    return { receiver: { ...receiver, verdict: 'refused' }, content };
  }
  return { receiver: markFailed(receiver, index, source), content };
}

/**
 * The end: the hash of the whole content, counted by the shell while it put the parts together.
 * `parcel-content-hash`: the parts are what the sender sealed and the content is not what it named.
 */
export function concludeParcel(
  receiver: ParcelReceiver,
  contentHash: Uint8Array,
): { readonly receiver: ParcelReceiver; readonly result: MailOutcome<number> } {
  assert(receiverPhase(receiver) === 'assembling', 'every part is verified before the end');
  const { manifest } = receiver;
  if (!equalBytes(contentHash, manifest.contentHash)) {
    return { receiver: { ...receiver, verdict: 'refused' }, result: fail('parcel-content-hash') };
  }
  return { receiver: { ...receiver, verdict: 'complete' }, result: succeed(manifest.size) };
}

/** Forgets which providers failed: asked by the user, or some hours later. */
export function retrySources(receiver: ParcelReceiver): ParcelReceiver {
  return { ...receiver, parts: receiver.parts.map((part) => ({ ...part, failed: 0 })) };
}

/** Up to `limit` parts to fetch, each from the first provider that has not failed at it. */
export function nextFetches(
  receiver: ParcelReceiver,
  limit: number,
): { readonly index: number; readonly source: number }[] {
  if (receiver.verdict !== 'open') return [];
  const missing = receiver.parts.flatMap((part, index) => {
    const source = sourceFor(receiver, part);
    return part.state === 'missing' && source !== undefined ? [{ index, source }] : [];
  });
  return missing.slice(0, limit);
}

function sourceFor(receiver: ParcelReceiver, part: Fetch): number | undefined {
  const source = receiver.sources.findIndex((_, at) => (part.failed & (1 << at)) === 0);
  return source < 0 ? undefined : source;
}

/**
 * `fetching`: there is something to fetch. `blocked`: every provider failed at the
 * parts that are left. `assembling`: all parts are verified, the hash is not.
 */
export function receiverPhase(receiver: ParcelReceiver): ReceiverPhase {
  if (receiver.verdict !== 'open') return receiver.verdict;
  if (receiver.parts.every(({ state }) => state === 'verified')) return 'assembling';
  return nextFetches(receiver, 1).length > 0 ? 'fetching' : 'blocked';
}

/** Verified parts and bytes. */
export function fetchProgress(receiver: ParcelReceiver): ParcelProgress {
  const { manifest, parts } = receiver;
  return progressOf(parcelLayout(manifest.size), (at) => parts[at]?.state === 'verified');
}

/** The state for the disk, which holds the parcel's key: kept like the letter itself. */
export function encodeReceiver(receiver: ParcelReceiver): Uint8Array {
  const writer = new Writer(MAX_STATE_SIZE);
  writer.u8(VERSION);
  writer.u8(VERDICTS[receiver.verdict]);
  writeManifest(writer, receiver.manifest);
  writer.count8(receiver.sources.length, 1, MAX_PARCEL_SOURCES);
  for (const source of receiver.sources) writer.hex(source, 32);
  for (const { state, source, failed } of receiver.parts) {
    writer.u8(FETCH_STATES[state]);
    writer.u8(source);
    writer.u8(failed);
  }
  return writer.finish();
}

/** Codes: those of form, `parcel-state-invalid` (the detail names the field). */
export function decodeReceiver(bytes: Uint8Array): MailOutcome<ParcelReceiver> {
  if (bytes.length > 0 && bytes[0] !== VERSION) return fail('parcel-version-unknown');
  const decoded = decodeWith(bytes, MAX_STATE_SIZE, (reader): ParcelReceiver => {
    reader.u8();
    const verdict = readName(reader, VERDICTS);
    const manifest = readManifest(reader);
    const count = reader.count8(1, MAX_PARCEL_SOURCES);
    const sources = Array.from({ length: count }, () => reader.hex(32));
    const parts = manifest.roots.map(() => ({
      state: readName(reader, FETCH_STATES),
      source: reader.u8(),
      failed: reader.u8(),
    }));
    return { manifest, sources, parts, verdict };
  });
  if (!decoded.ok) return decoded;
  const fault = manifestFault(decoded.value.manifest) ?? receiverFault(decoded.value);
  return fault === undefined ? decoded : fail('parcel-state-invalid', fault);
}

/** The name that a table gives to the next u8. */
function readName<N extends string>(reader: Reader, table: Readonly<Record<N, number>>): N {
  const number = reader.u8();
  const names = Object.keys(table) as N[];
  return names.find((name) => table[name] === number) ?? refuse('number-out-of-range', 'state');
}

/** What no order of events leads to. */
function receiverFault(receiver: ParcelReceiver): string | undefined {
  const { sources, parts, verdict } = receiver;
  if (new Set(sources).size !== sources.length) return 'sources';
  for (const { state, source, failed } of parts) {
    if (source >= sources.length || (state === 'missing' && source !== 0)) return 'source';
    if (failed >= 1 << sources.length) return 'failed';
    // A provider that gave the part has not failed at it.
    if (state !== 'missing' && (failed & (1 << source)) !== 0) return 'failed';
  }
  const isWhole = parts.every(({ state }) => state === 'verified');
  return verdict === 'complete' && !isWhole ? 'verdict' : undefined;
}
