/**
 * What a wallet may ask the indexer for: one of address, payee, refund address or tag leads the
 * search, the others narrow it. Spec: docs/spec/11-node-api.md, "Indexer".
 */
import { parseOutputId, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import type {
  OutputCursor,
  OutputIndexRepository,
  OutputPage,
} from '@tanglemail/tangle/io/level/output-index-repository.ts';

export interface OutputFilter {
  readonly address: Address | undefined;
  readonly payee: Address | undefined;
  readonly refundAddress: Address | undefined;
  readonly tag: Uint8Array | undefined;
  readonly kind: 'basic' | 'channel' | undefined;
  /** True or undefined: unspent ones; false: spent ones. */
  readonly unspent: boolean | undefined;
  /** As an earlier page gave it. */
  readonly cursor: string | undefined;
  /** Outputs looked at for one page. */
  readonly limit: number;
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

/** The page of the index that leads the search; undefined when nothing leads it. */
export function leadingPage(
  index: OutputIndexRepository,
  filter: OutputFilter,
  cursor: OutputCursor | undefined,
): Promise<OutputPage> | undefined {
  const { address, payee, refundAddress, tag, limit } = filter;
  const spent = filter.unspent === false;
  const options = cursor === undefined ? { spent, limit } : { spent, limit, cursor };
  if (address !== undefined) return index.byAddress(address, 'owner', options);
  if (payee !== undefined) return index.byAddress(payee, 'payee', options);
  if (refundAddress !== undefined) return index.byAddress(refundAddress, 'refundAddress', options);
  if (tag !== undefined) return index.byTag(tag, options);
  return undefined;
}

/** Whether an output fits every field of the filter. */
export function fits(output: Output, filter: OutputFilter): boolean {
  const { address, payee, refundAddress, tag, kind } = filter;
  if (kind !== undefined && output.kind !== kind) return false;
  if (output.kind === 'channel') {
    if (address !== undefined || tag !== undefined) return false;
    return (
      (payee === undefined || output.payee === payee) &&
      (refundAddress === undefined || output.refundAddress === refundAddress)
    );
  }
  if (payee !== undefined || refundAddress !== undefined) return false;
  const sameTag =
    tag === undefined ||
    (output.tag !== undefined && Buffer.compare(Buffer.from(output.tag), Buffer.from(tag)) === 0);
  return (address === undefined || output.address === address) && sameTag;
}
