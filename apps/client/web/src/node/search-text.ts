/**
 * What a search text may be: told by its form alone, matched exactly by the node's indexes. User
 * text never becomes a pattern. Used by search-page.tsx.
 */
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';

export type CandidateKind =
  | 'block'
  | 'transaction'
  | 'milestone'
  | 'milestoneId'
  | 'output'
  | 'address'
  | 'tag';

export interface Candidate {
  readonly kind: CandidateKind;
  /** A decimal index, or lowercase hex. */
  readonly value: string;
}

/** Characters of a search text that are looked at. */
export const MAX_SEARCH_TEXT = 200;
/** Bytes of a tag, as the ledger bounds them. */
const MAX_TAG_BYTES = 64;
const MAX_INDEX = 0xffff_ffff;

const ADDRESS_NETWORKS = { tw1: 'main', twt1: 'test' } as const;

/** Everything that `text` may be, likely things first; empty when it can be nothing. */
export function candidatesOf(text: string): readonly Candidate[] {
  const typed = text.trim();
  if (typed === '' || typed.length > MAX_SEARCH_TEXT) return [];
  const address = writtenAddress(typed);
  if (address !== undefined) return [{ kind: 'address', value: address }];
  const low = typed.toLowerCase();
  const found = [...byIndex(low), ...byHex(low), ...byTag(typed)];
  const isFirst = ({ kind, value }: Candidate, place: number): boolean =>
    found.findIndex((one) => one.kind === kind && one.value === value) === place;
  return found.filter(isFirst);
}

function writtenAddress(typed: string): string | undefined {
  for (const [prefix, network] of Object.entries(ADDRESS_NETWORKS)) {
    if (!typed.toLowerCase().startsWith(prefix)) continue;
    const read = readAddress(typed, network);
    if (read.ok) return read.value;
  }
  return undefined;
}

function byIndex(low: string): Candidate[] {
  const isIndex = /^(?:0|[1-9][0-9]{0,9})$/.test(low) && Number(low) <= MAX_INDEX;
  return isIndex ? [{ kind: 'milestone', value: low }] : [];
}

function byHex(low: string): Candidate[] {
  if (!/^(?:[0-9a-f]{2}){1,64}$/.test(low)) return [];
  const kinds: CandidateKind[] = [];
  if (low.length === 64) kinds.push('block', 'transaction', 'milestoneId', 'address');
  if (low.length === 68) kinds.push('output');
  return [...kinds, 'tag' as const].map((kind) => ({ kind, value: low }));
}

/** The text itself as a tag. */
function byTag(typed: string): Candidate[] {
  const bytes = new TextEncoder().encode(typed);
  return bytes.length > MAX_TAG_BYTES ? [] : [{ kind: 'tag', value: bytesToHex(bytes) }];
}

/** The tag as people wrote it, when it is printable text; else undefined. */
export function tagText(hex: string): string | undefined {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /^[\P{C}]+$/u.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
