/**
 * What a wallet may ask the indexer for: one of the addresses, the tag or the time leads the
 * search, the others narrow it. Spec: docs/spec/11-node-api.md, "Indexer".
 */
import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex, parseOutputId, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import type { OutputKindDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type {
  OutputCursor,
  OutputIndexRepository,
  OutputPage,
} from '@tanglemail/tangle/io/level/output-index-repository.ts';

export interface OutputFilter {
  readonly address?: Address | undefined;
  readonly payee?: Address | undefined;
  readonly refundAddress?: Address | undefined;
  /** Owner of a validator bond. */
  readonly bondOwner?: Address | undefined;
  /** Key that a validator bond stands behind, in the form of an address. */
  readonly bondKey?: Address | undefined;
  /** Who gets a basic output back when it expires. */
  readonly returnAddress?: Address | undefined;
  readonly tag?: Uint8Array | undefined;
  readonly kind?: OutputKindDto | undefined;
  /** True or undefined: unspent ones; false: spent ones. */
  readonly unspent?: boolean | undefined;
  readonly hasTimelock?: boolean | undefined;
  readonly hasExpiration?: boolean | undefined;
  /** Time of the milestone that booked it, exclusive, in milliseconds since 1970. */
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
  /** As an earlier page gave it. */
  readonly cursor?: string | undefined;
  /** Outputs looked at for one page. */
  readonly limit: number;
}

/** Milestones between which outputs are looked for, both included. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** `milestone index - output id`. */
export function encodeCursor({ milestoneIndex, outputId }: OutputCursor): string {
  return `${milestoneIndex}-${outputId}`;
}

/** Undefined for text that no page gave. */
export function decodeCursor(text: string): OutputCursor | undefined {
  const match = /^([0-9]{1,10})-([0-9a-f]{68})$/.exec(text);
  const outputId = parseOutputId(match?.[2] ?? '');
  const milestoneIndex = Number(match?.[1]);
  if (outputId === undefined || milestoneIndex > 0xffff_ffff) return undefined;
  return { milestoneIndex, outputId };
}

/** The cursor behind everything that milestone `index` booked: no output id is greater. */
export function cursorBehind(index: number): OutputCursor {
  const outputId = parseOutputId('f'.repeat(68));
  if (outputId === undefined) throw new RangeError('68 digits are an output id');
  return { milestoneIndex: index, outputId };
}

/** The page of the index that leads the search; undefined when only the time can lead it. */
export function leadingPage(
  index: OutputIndexRepository,
  filter: OutputFilter,
  cursor: OutputCursor | undefined,
): Promise<OutputPage> | undefined {
  const { address, payee, refundAddress, bondOwner, bondKey, returnAddress, tag, limit } = filter;
  const spent = filter.unspent === false;
  const options = cursor === undefined ? { spent, limit } : { spent, limit, cursor };
  if (address !== undefined) return index.byAddress(address, 'owner', options);
  if (payee !== undefined) return index.byAddress(payee, 'payee', options);
  if (refundAddress !== undefined) return index.byAddress(refundAddress, 'refundAddress', options);
  if (bondOwner !== undefined) return index.byAddress(bondOwner, 'bondOwner', options);
  if (bondKey !== undefined) return index.byAddress(bondKey, 'bondKey', options);
  if (returnAddress !== undefined) return index.byAddress(returnAddress, 'returnAddress', options);
  if (tag !== undefined) return index.byTag(tag, options);
  return undefined;
}

/** The part of a page within a range; what lies behind the range ends the listing. */
export function cutPage(page: OutputPage, { last }: IndexRange): OutputPage {
  const items = page.items.filter(({ milestoneIndex }) => milestoneIndex <= last);
  return items.length === page.items.length ? page : { items };
}

/** Whether an output that a milestone of time `bookedMs` booked fits every field of the filter. */
export function fits(output: Output, bookedMs: number, filter: OutputFilter): boolean {
  const { kind, createdAfter, createdBefore } = filter;
  if (kind !== undefined && output.kind !== kind) return false;
  if (createdAfter !== undefined && bookedMs <= createdAfter) return false;
  if (createdBefore !== undefined && bookedMs >= createdBefore) return false;
  if (!mayFit(output.kind, filter)) return false;
  switch (output.kind) {
    case 'basic':
      return fitsBasic(output, filter);
    case 'channel':
      return fitsChannel(output, filter);
    default:
      return fitsBond(output, filter);
  }
}

/** Fields that outputs of other kinds never fit. */
const FIELDS_OF = {
  basic: ['address', 'returnAddress', 'tag'],
  channel: ['payee', 'refundAddress'],
  'validator-bond': ['bondOwner', 'bondKey'],
} as const satisfies Record<Output['kind'], readonly (keyof OutputFilter)[]>;

/** Whether nothing is asked for that only outputs of another kind have. */
function mayFit(kind: Output['kind'], filter: OutputFilter): boolean {
  const { hasTimelock, hasExpiration } = filter;
  if (kind !== 'basic' && (hasTimelock === true || hasExpiration === true)) return false;
  return Object.entries(FIELDS_OF).every(
    ([other, fields]) => other === kind || fields.every((field) => filter[field] === undefined),
  );
}

function fitsChannel(
  output: Extract<Output, { kind: 'channel' }>,
  { payee, refundAddress }: OutputFilter,
): boolean {
  return (
    (payee === undefined || output.payee === payee) &&
    (refundAddress === undefined || output.refundAddress === refundAddress)
  );
}

function fitsBond(
  output: Extract<Output, { kind: 'validator-bond' }>,
  { bondOwner, bondKey }: OutputFilter,
): boolean {
  return (
    (bondOwner === undefined || output.owner === bondOwner) &&
    (bondKey === undefined || bytesToHex(output.publicKey) === bondKey)
  );
}

function fitsBasic(
  output: Extract<Output, { kind: 'basic' }>,
  { address, returnAddress, tag, hasTimelock, hasExpiration }: OutputFilter,
): boolean {
  const { timelock, expiration } = output;
  if (hasTimelock !== undefined && (timelock !== undefined) !== hasTimelock) return false;
  if (hasExpiration !== undefined && (expiration !== undefined) !== hasExpiration) return false;
  if (returnAddress !== undefined && expiration?.returnAddress !== returnAddress) return false;
  const sameTag = tag === undefined || (output.tag !== undefined && equalBytes(output.tag, tag));
  return (address === undefined || output.address === address) && sameTag;
}
