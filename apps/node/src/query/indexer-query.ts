/**
 * Searches over the confirmed ledger: outputs by address, tag and time, tagged data by tag.
 * Path: api/indexer.controller.ts → here → the indexes of the store. Spec:
 * docs/spec/11-node-api.md, "Indexer".
 */
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type {
  OutputCursor,
  OutputPage,
} from '@tanglemail/tangle/io/level/output-index-repository.ts';
import type { TaggedPlace } from '@tanglemail/tangle/io/level/tagged-data-repository.ts';
import type { OutputsPageDto, TaggedDataPageDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { NodeStore } from '../store/node-store.ts';
import {
  cursorBehind,
  cutPage,
  decodeCursor,
  encodeCursor,
  fits,
  leadingPage,
  type IndexRange,
  type OutputFilter,
} from './output-filter.ts';

export interface IndexerQueryDeps {
  readonly store: Pick<
    NodeStore,
    'blocks' | 'outputIndex' | 'ledger' | 'milestones' | 'taggedData' | 'prunedIndex'
  >;
  confirmedIndex(): number;
}

/** Milestones that one page looks into when only the time leads: most of them booked nothing. */
const MILESTONES_PER_PAGE = 512;

/** `milestone index - white-flag position`; undefined for text that no page gave. */
function decodePlace(text: string): TaggedPlace | undefined {
  const match = /^([0-9]{1,10})-([0-9]{1,10})$/.exec(text);
  const [milestoneIndex, position] = [Number(match?.[1]), Number(match?.[2])];
  const isPlace = milestoneIndex <= 0xffff_ffff && position <= 0xffff_ffff;
  return isPlace ? { milestoneIndex, position } : undefined;
}

export class IndexerQuery {
  readonly #deps: IndexerQueryDeps;

  constructor(deps: IndexerQueryDeps) {
    this.#deps = deps;
  }

  /** A page of outputs; what is malformed in the request stands in the failure's detail. */
  async outputs(filter: OutputFilter): Promise<Outcome<OutputsPageDto>> {
    const { outputIndex, ledger } = this.#deps.store;
    const cursor = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
    if (filter.cursor !== undefined && cursor === undefined) {
      return fail('not-canonical', 'the cursor is none of an earlier page');
    }
    const ledgerIndex = this.#deps.confirmedIndex();
    const range = this.#rangeOf(filter, ledgerIndex);
    const from = cursor ?? (range.first > 0 ? cursorBehind(range.first - 1) : undefined);
    const isTimed = filter.createdAfter !== undefined || filter.createdBefore !== undefined;
    const led = leadingPage(outputIndex, filter, from);
    if (led === undefined && !isTimed) {
      return fail('not-canonical', 'expected an address, a tag or a time');
    }
    const page = led === undefined ? this.#pageByTime(filter, range, from) : await led;
    const { items, cursor: next } = cutPage(page, range);
    const ids = items.map(({ outputId }) => outputId);
    const found = await ledger.outputs(ids);
    const wanted = ids.filter((id: OutputId) => {
      const stored = found.get(id);
      if (stored === undefined) return false;
      if (led === undefined && (stored.spent !== undefined) !== (filter.unspent === false)) {
        return false;
      }
      return fits(stored.output, stored.milestoneTimestampMs, filter);
    });
    if (next === undefined) return succeed({ ledgerIndex, items: wanted });
    return succeed({ ledgerIndex, items: wanted, cursor: encodeCursor(next) });
  }

  /** A page of blocks with this tag that a milestone references, newest first. */
  async taggedData(
    tag: Uint8Array,
    limit: number,
    cursorText?: string,
  ): Promise<Outcome<TaggedDataPageDto>> {
    const { taggedData, blocks } = this.#deps.store;
    const cursor = cursorText === undefined ? undefined : decodePlace(cursorText);
    if (cursorText !== undefined && cursor === undefined) {
      return fail('not-canonical', 'the cursor is none of an earlier page');
    }
    // One more than asked tells whether there is another page.
    const found = await taggedData.newest(tag, limit + 1, cursor);
    const items = found.slice(0, limit).map(({ blockId, milestoneIndex }) => {
      return { blockId, milestoneIndex };
    });
    const last = found.length > limit ? items.at(-1) : undefined;
    const meta = last && blocks.meta(last.blockId);
    if (meta === undefined) return succeed({ items });
    return succeed({ items, cursor: `${meta.milestoneIndex}-${meta.position}` });
  }

  /** The milestones whose time fits; what was booked before the pruned ones are over is kept in. */
  #rangeOf({ createdAfter, createdBefore }: OutputFilter, latest: number): IndexRange {
    const first = createdAfter === undefined ? 0 : this.#firstAfter(createdAfter, latest);
    const last = createdBefore === undefined ? latest : this.#firstAfter(createdBefore - 1, latest);
    if (createdBefore === undefined) return { first, last };
    const { prunedIndex } = this.#deps.store;
    return { first, last: last === 0 ? prunedIndex : last - 1 };
  }

  /**
   * The first milestone with a time above `ms`, by bisection: times grow with indexes. 0 when that
   * is the first one that is stored, because earlier ones may fit as well; `latest + 1` for none.
   */
  #firstAfter(ms: number, latest: number): number {
    const { milestones, prunedIndex } = this.#deps.store;
    const stored = prunedIndex === 0 ? 0 : prunedIndex + 1;
    let [low, high] = [stored, latest + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const timestampMs = milestones.summary(middle)?.timestampMs ?? 0;
      if (timestampMs > ms) high = middle;
      else low = middle + 1;
    }
    return low === stored ? 0 : low;
  }

  /** Outputs in the order of milestones and ids, from what each milestone booked. */
  #pageByTime(
    filter: OutputFilter,
    { first, last }: IndexRange,
    cursor: OutputCursor | undefined,
  ): OutputPage {
    const { ledger, prunedIndex } = this.#deps.store;
    const stored = prunedIndex === 0 ? 0 : prunedIndex + 1;
    const start = Math.max(first, stored, cursor?.milestoneIndex ?? 0);
    const end = Math.min(last, start + MILESTONES_PER_PAGE - 1);
    const items: OutputCursor[] = [];
    for (let milestoneIndex = start; milestoneIndex <= end; milestoneIndex++) {
      const created = ledger.diff(milestoneIndex)?.created ?? [];
      const ids = created.map(({ outputId }) => outputId).toSorted();
      for (const outputId of ids) {
        const isKnown =
          cursor !== undefined &&
          milestoneIndex === cursor.milestoneIndex &&
          outputId <= cursor.outputId;
        if (isKnown) continue;
        items.push({ milestoneIndex, outputId });
        if (items.length >= filter.limit) return { items, cursor: { milestoneIndex, outputId } };
      }
    }
    return end < last ? { items, cursor: cursorBehind(end) } : { items };
  }
}
