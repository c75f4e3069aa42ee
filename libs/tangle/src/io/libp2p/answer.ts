/**
 * Collects the frames of one answer of the request protocol and says when it is whole. Bounded by
 * count and bytes, so that a peer cannot fill memory with an answer. Used by requester.ts.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import { MAX_ANSWER_SIZE } from '../../core/codec/frame.ts';
import type { AnswerEnd } from '../../core/codec/frame.ts';
import { MAX_BLOCK_SIZE } from '../../core/params/limits.ts';

/** A peer cuts only where the next block would not have fitted. */
const LEAST_CUT_SIZE = MAX_ANSWER_SIZE - MAX_BLOCK_SIZE;

export interface AnswerPart {
  readonly items: readonly Uint8Array[];
  readonly end: AnswerEnd;
}

export interface Answer {
  readonly items: Uint8Array[];
  /** False when the peer cut the answer at its size limit: there is more to ask for. */
  readonly complete: boolean;
}

/** `invalid`: longer than allowed. `more`: frames follow. Otherwise the whole answer. */
export type AnswerProgress = 'more' | 'invalid' | Answer;

/** What the longest answer may be. */
export interface AnswerBounds {
  readonly maxItems: number;
  /** Of all items; 4 MiB unless said otherwise. */
  readonly maxBytes?: number | undefined;
  /** An answer that is cut before its first item says that this item is too large for it. */
  readonly mayBeCutEmpty?: boolean;
}

export class AnswerCollector {
  readonly #bounds: AnswerBounds;
  readonly #items: Uint8Array[] = [];
  #bytes = 0;

  constructor(bounds: AnswerBounds) {
    this.#bounds = bounds;
  }

  /** Bytes of the items so far. */
  get bytes(): number {
    return this.#bytes;
  }

  add(part: AnswerPart): AnswerProgress {
    for (const item of part.items) {
      this.#bytes += item.length;
      this.#items.push(item);
    }
    const { maxItems, maxBytes = MAX_ANSWER_SIZE, mayBeCutEmpty = false } = this.#bounds;
    if (this.#items.length > maxItems || this.#bytes > maxBytes) return 'invalid';
    if (part.end === 'more') {
      // A frame that brings nothing and ends nothing would keep the time-out away for ever.
      return part.items.length === 0 ? 'invalid' : 'more';
    }
    // Cutting short long before the limit would let a peer answer in endless small parts.
    const isEmpty = this.#items.length === 0 && mayBeCutEmpty;
    if (part.end === 'cut' && this.#bytes < LEAST_CUT_SIZE && !isEmpty) return 'invalid';
    return { items: this.#items, complete: part.end === 'complete' };
  }
}
