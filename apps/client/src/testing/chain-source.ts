/**
 * For specs: what a node says of filters and milestones, over the chain of the small real node:
 * real certificates, blocks and filters, and every way in which a node may fail or lie about them.
 */
import type { Block } from '@tanglemail/tangle/core/codec/block.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  nextFilterHeader,
  segmentOf,
  segmentStart,
} from '@tanglemail/tangle/core/filter/filter-chain.ts';
import {
  decodeFilterRange,
  encodeFilterRange,
} from '@tanglemail/tangle/core/filter/filter-range.ts';
import {
  buildFilter,
  encodeFilter,
  envelopeTags,
} from '@tanglemail/tangle/core/filter/tag-filter.ts';
import { FILTER_SEGMENT } from '@tanglemail/tangle/core/params/limits.ts';
import { NodeApiError, NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { SmallNode } from '@tanglemail/tangle/io/node-client/testing/small-node.ts';
import type { FilterSource } from '../filters/whole-milestone.ts';

export class ChainSource implements FilterSource {
  readonly baseUrl: string;
  /** Tags, as hex, that its filters leave out. */
  readonly hidden = new Set<string>();
  /** Milestones whose blocks it does not show in full. */
  readonly cut = new Set<number>();
  /** It gives headers that do not belong to its filters from this milestone on. */
  falseHeadersFrom = Number.POSITIVE_INFINITY;
  /** Milestones up to here are gone. */
  prunedIndex = 0;
  /** Newest milestone that it knows. */
  newest = Number.POSITIVE_INFINITY;
  isDown = false;
  /** Milestones whose blocks were asked for, in order. */
  readonly fetched: number[] = [];
  /** Questions for filters. */
  asked = 0;
  readonly #node: SmallNode;

  constructor(node: SmallNode, name: string) {
    this.#node = node;
    this.baseUrl = `http://${name}.example`;
  }

  get #latest(): number {
    return Math.min(this.newest, this.#node.chain.length - 1);
  }

  #enter(): void {
    if (this.isDown) throw new NodeUnreachableError('network', undefined);
  }

  #refuse(index: number): void {
    this.#enter();
    if (index > this.#latest) throw new NodeApiError('not-found', 404);
    if (index > this.prunedIndex || this.prunedIndex === 0) return;
    const problem = { code: 'pruned', prunedIndex: this.prunedIndex };
    throw new NodeApiError('pruned', 404, problem);
  }

  filterAt(index: number): Uint8Array {
    const tags = envelopeTags(this.#blocksOf(index));
    const shown = tags.filter((tag) => !this.hidden.has(bytesToHex(tag)));
    return encodeFilter(buildFilter(shown));
  }

  #blocksOf(index: number): Block[] {
    const ids = this.#node.chain[index]?.result?.included ?? [];
    return ids.map((id) => this.#node.blocks.get(id)!.block);
  }

  #headerBefore(index: number): Uint8Array {
    const segment = segmentOf(index);
    let header = segmentStart(this.#node.start0.id, segment, nobleHasher);
    for (let at = segment * FILTER_SEGMENT; at < index; at++) {
      header = nextFilterHeader(header, at, this.filterAt(at), nobleHasher);
    }
    return index > this.falseHeadersFrom ? header.map((byte) => byte ^ 1) : header;
  }

  async filters(from: number, count: number) {
    this.asked += 1;
    this.#refuse(from);
    const end = Math.min(from + count, (segmentOf(from) + 1) * FILTER_SEGMENT, this.#latest + 1);
    const stored = Array.from({ length: end - from }, (_, at) => {
      return { index: from + at, bytes: this.filterAt(from + at) };
    }).filter(({ bytes }) => bytes.length > 1);
    const request = { first: from, last: end - 1 };
    const bytes = encodeFilterRange(request, this.#headerBefore(from), stored);
    const range = decodeFilterRange(bytes);
    if (!range.ok) throw new Error(range.code);
    return { ...range.value, sizeBytes: bytes.length };
  }

  async filterHeader(index: number): Promise<Uint8Array> {
    if (index !== this.prunedIndex) this.#refuse(index);
    else this.#enter();
    return this.#headerBefore(index + 1);
  }

  async milestone(index: number | 'latest'): Promise<Uint8Array> {
    this.#refuse(Number(index));
    return this.#node.chain[Number(index)]!.bytes;
  }

  async milestoneBlockPage(index: number, _kind: unknown, skip: number) {
    this.#refuse(index);
    if (skip === 0) this.fetched.push(index);
    const ids = this.#node.chain[index]?.result?.included ?? [];
    const shown = this.cut.has(index) ? ids.slice(1) : ids;
    // Small pages, so that every spec goes over the end of one.
    const blocks = shown.slice(skip, skip + 2).map((blockId) => {
      return { blockId, bytes: this.#node.blocks.get(blockId)!.bytes };
    });
    return skip + 2 < shown.length ? { blocks, next: skip + 2 } : { blocks };
  }

  async info() {
    this.#enter();
    const index = this.#latest;
    return { status: { confirmedMilestone: { index } } } as Awaited<
      ReturnType<FilterSource['info']>
    >;
  }
}
