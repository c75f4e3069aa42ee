/**
 * What the API asks about the filters of milestones: a range in one answer, and single headers.
 * Path: api/filters.controller.ts → here → the store. Spec: docs/spec/17-filter.md §6, §7.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { segmentOf } from '@tanglemail/tangle/core/filter/filter-chain.ts';
import {
  encodeFilterRange,
  type StoredFilter,
} from '@tanglemail/tangle/core/filter/filter-range.ts';
import { FILTER_SEGMENT, MAX_FILTER_RANGE_SIZE } from '@tanglemail/tangle/core/params/limits.ts';
import type { FilterRepository } from '@tanglemail/tangle/io/level/filter-repository.ts';

/** Why there is no answer: the milestone's filter is gone, was never here, or is not there yet. */
export type NoFilters =
  | { readonly code: 'pruned'; readonly prunedIndex: number }
  | { readonly code: 'not-found' };

/** An answer and what is known of its future. */
export interface FilterAnswer {
  readonly bytes: Uint8Array;
  /** Names its content: the same for the same milestones of the same chain. */
  readonly tag: string;
  /** The same question will always have this answer. */
  readonly isFinal: boolean;
}

export class FilterQuery {
  readonly #filters: Pick<FilterRepository, 'span' | 'headerBefore' | 'headerAfter' | 'range'>;

  constructor(filters: Pick<FilterRepository, 'span' | 'headerBefore' | 'headerAfter' | 'range'>) {
    this.#filters = filters;
  }

  /** The filters of `count` milestones from `first` on, as far as one segment and the chain go. */
  async range(first: number, count: number): Promise<FilterAnswer | NoFilters> {
    const missing = this.#missing(first);
    const before = await this.#filters.headerBefore(first);
    if (missing !== undefined) return missing;
    if (before === undefined) return { code: 'not-found' };
    const asked = Math.min(first + count, (segmentOf(first) + 1) * FILTER_SEGMENT) - 1;
    const next = this.#filters.span()?.next ?? first;
    const last = Math.min(asked, next - 1);
    const { filters, sizeBytes } = await this.#collect(first, last);
    const bytes = encodeFilterRange({ first, last }, before, filters);
    const [end, sum] = [filters.at(-1)?.index ?? 'none', bytesToHex(before).slice(0, 16)];
    const tag = `"${first}-${last}-${end}-${sizeBytes}-${sum}"`;
    return { bytes, tag, isFinal: last === asked };
  }

  /** The filter header after milestone `index`, 32 bytes. */
  async header(index: number): Promise<Uint8Array | NoFilters> {
    const header = await this.#filters.headerAfter(index);
    return header ?? this.#missing(index) ?? { code: 'not-found' };
  }

  #missing(index: number): NoFilters | undefined {
    const span = this.#filters.span();
    if (span === undefined || index >= span.next) return { code: 'not-found' };
    return index < span.first ? { code: 'pruned', prunedIndex: span.first - 1 } : undefined;
  }

  /** No more of them than one answer holds, and the one with which it would be too large. */
  async #collect(
    first: number,
    last: number,
  ): Promise<{ readonly filters: StoredFilter[]; readonly sizeBytes: number }> {
    const filters: StoredFilter[] = [];
    let sizeBytes = 0;
    for await (const filter of this.#filters.range(first, last)) {
      filters.push(filter);
      sizeBytes += filter.bytes.length;
      if (sizeBytes > MAX_FILTER_RANGE_SIZE) break;
    }
    return { filters, sizeBytes };
  }
}
