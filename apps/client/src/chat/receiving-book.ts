/**
 * Chains of others: opened by a seed, matched by tag, and moved on by each message in the batch
 * that files it, so that its key is gone when the message is there. Notes what is missing and asks
 * for it. Before: letter-intake.ts, chat/chat-notes.ts; after: mail core, chain; tags/tag-lists.ts.
 * Spec: docs/spec/24-chain.md section 5, docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChainSeedNote } from '@tanglemail/mail/core/chain/note.ts';
import type { ChainId } from '@tanglemail/mail/core/chain/ratchet.ts';
import {
  CHAIN_KEPT_SECONDS,
  hasGap,
  missingNumbers,
  type OpenedChainMessage,
  openChainMessage,
  openReceivingChain,
  pruneReceivingChain,
  type ReceivingChain,
  releaseChainTags,
  watchedChainTags,
  wipeReceivingChain,
} from '@tanglemail/mail/core/chain/receiving.ts';
import { CHAIN_LIFE_SECONDS } from '@tanglemail/mail/core/chain/sending.ts';
import { decodeReceivingChain, encodeReceivingChain } from '@tanglemail/mail/core/chain/state.ts';
import { askStep, drainWaiting, markAsked } from '@tanglemail/mail/core/chain/waiting.ts';
import type { MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { CHAIN_WINDOW } from '@tanglemail/mail/core/limits.ts';
import { fail, type MailOutcome, succeed } from '@tanglemail/mail/core/outcome.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import {
  type MissingChain,
  missingChains,
  receivingChains,
  type ReceivingRecord,
} from '../store/chat-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { applyAll, StagedMap } from '../store/staged-map.ts';
import type { TagLists } from '../tags/tag-lists.ts';
import type { WaitingBook } from './waiting-book.ts';

/** An opened message, and on whose chain to whom it came. */
export interface ChainArrival {
  readonly from: MailAddress;
  /** 32 bytes, hex. */
  readonly audience: string;
  readonly opened: OpenedChainMessage;
}

export interface ReceivingBookDeps {
  readonly networkId: bigint;
  readonly store: SealedStore;
  readonly lists: TagLists;
  readonly waiting: WaitingBook;
  readonly suite: SealingSuite;
}

/** What must be asked for, and what nobody answered for. */
export interface MissingStep {
  readonly ask: readonly { readonly missing: MissingChain; readonly numbers: readonly number[] }[];
  readonly lost: readonly { readonly missing: MissingChain; readonly count: number }[];
  readonly apply: () => void;
}

/** Chains of one sender to one audience at once: a sender opens two a day at the very most. */
const MAX_CHAINS_OF_ONE = 64;
/** Chains of one sender of which something is missing: no more can be open than are held. */
const MAX_MISSING_OF_ONE = 64;
/** Providers watch a chain's tags as long as its sender may write on it, and two days more. */
const WATCH_SECONDS = CHAIN_LIFE_SECONDS + 2 * 86_400;
/** Numbers left under watched tags when more of them are watched. */
const PART_MARGIN = 28;

export class ReceivingBook {
  readonly #deps: ReceivingBookDeps;
  readonly #records = new StagedMap<ReceivingRecord>();
  readonly #missing = new StagedMap<MissingChain>();

  private constructor(deps: ReceivingBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: ReceivingBookDeps): Promise<ReceivingBook> {
    const book = new ReceivingBook(deps);
    for await (const { value } of deps.store.scan(receivingChains, { prefix: 'r/' })) {
      book.#records.load(value.chainId, value);
    }
    for await (const { value } of deps.store.scan(missingChains, { prefix: 'a/' })) {
      book.#missing.load(value.chainId, value);
    }
    return book;
  }

  /** Whether a chain waits for this tag. */
  match(tag: Uint8Array): boolean {
    return this.#deps.lists.match(tag) !== undefined;
  }

  /**
   * Opens the chain of a seed and whatever waited for it. Codes: as openReceivingChain; `too-many`
   * chains of one sender. A seed that is known changes nothing.
   */
  open(
    batch: SealedBatch,
    note: ChainSeedNote,
    from: MailAddress,
    now: number,
  ): MailOutcome<{ readonly arrivals: readonly ChainArrival[]; readonly apply: () => void }> {
    const { networkId, waiting, lists, suite } = this.#deps;
    const opened = openReceivingChain(note, { networkId, from }, now);
    if (!opened.ok) return opened;
    const { chainId } = opened.value;
    const audience = bytesToHex(note.audience);
    if (this.#records.get(chainId, batch) !== undefined) {
      return succeed({ arrivals: [], apply: () => {} });
    }
    const known = this.#records.values().filter((one) => one.from === from);
    if (known.filter((one) => one.audience === audience).length >= MAX_CHAINS_OF_ONE) {
      return fail('chain-seed-time', 'too many chains');
    }
    const tags = watchedChainTags(opened.value).map(({ tag }) => tag);
    const drained = drainWaiting(waiting.room(batch), opened.value, now, suite);
    const fresh = { state: '', isAnswered: false, listed: CHAIN_WINDOW, asked: 0, lost: 0 };
    const record = { chainId, from, audience, ...fresh };
    const applies = [
      waiting.replace(batch, drained.room),
      lists.watch(batch, chainId, 0, tags),
      this.#put(batch, record, drained.chain),
      this.#noteMissing(batch, note, { from, audience, now }),
    ];
    const arrivals = drained.opened.map((one) => ({ from, audience, opened: one }));
    return succeed({ arrivals, apply: applyAll(applies) });
  }

  /**
   * Opens an envelope under a matching tag; undefined when its chain is not held. Codes: as
   * openChainMessage.
   */
  take(
    batch: SealedBatch,
    envelope: MailEnvelope,
    now: number,
  ): MailOutcome<{ readonly arrival: ChainArrival; readonly apply: () => void }> | undefined {
    const chainId = this.#deps.lists.match(envelope.tag);
    const record = chainId === undefined ? undefined : this.#records.get(chainId, batch);
    if (record === undefined) return undefined;
    const before = stateOf(record);
    const outcome = openChainMessage(before, envelope, now, this.#deps.suite);
    if (!outcome.ok) return outcome;
    const { chain, opened } = outcome.value;
    const { from, audience } = record;
    const applies = [this.#put(batch, record, chain), () => wipeReceivingChain(before, chain)];
    return succeed({ arrival: { from, audience, opened }, apply: applyAll(applies) });
  }

  /** Chains whose senders were not told yet that their tags are watched. */
  unanswered(): readonly ReceivingRecord[] {
    return this.#records.values().filter((one) => !one.isAnswered);
  }

  markAnswered(batch: SealedBatch, chainId: string): () => void {
    const record = this.#records.get(chainId, batch);
    return record === undefined ? () => {} : this.#write(batch, { ...record, isAnswered: true });
  }

  /**
   * The sender has sent again, by letter, the messages with these tags: they are missed no more,
   * also when the chain's length is told once more. `now` in unix seconds.
   */
  settle(
    batch: SealedBatch,
    { chainId, tags, from }: { chainId: string; tags: readonly Uint8Array[]; from: MailAddress },
    now: number,
  ): () => void {
    const { waiting } = this.#deps;
    const applies: (() => void)[] = [];
    const record = this.#records.get(chainId, batch);
    const before = record?.from === from ? stateOf(record) : undefined;
    const after = before && releaseChainTags(before, tags, now);
    if (record !== undefined && before !== undefined && after !== undefined && after !== before) {
      applies.push(this.#put(batch, record, after), () => wipeReceivingChain(before, after));
    }
    const missing = this.#missing.get(chainId, batch);
    // What he left out is asked for again, and at last told as lost.
    const isWhole = !after || missingNumbers(after, missing?.length ?? 0).length === 0;
    if (missing?.from === from && isWhole) {
      applies.push(this.#putMissing(batch, chainId, undefined));
    }
    const named = new Set(tags.map(bytesToHex));
    const room = waiting.room(batch);
    const left = room.filter((one) => !named.has(bytesToHex(one.envelope.tag)));
    if (left.length < room.length) applies.push(waiting.replace(batch, left));
    return applyAll(applies);
  }

  /** What is due at `now` (unix seconds): requests, and what is lost after three of them. */
  dueRequests(batch: SealedBatch, now: number): MissingStep {
    const applies: (() => void)[] = [];
    const ask: { missing: MissingChain; numbers: readonly number[] }[] = [];
    const lost: { missing: MissingChain; count: number }[] = [];
    for (const missing of this.#missing.values()) {
      const { chainId, length } = missing;
      const record = this.#records.get(chainId, batch);
      const numbers = record === undefined ? [] : missingNumbers(stateOf(record), length);
      const isWhole = record !== undefined && numbers.length === 0;
      const step = isWhole ? 'whole' : askStep(missing, now);
      if (step === 'wait') continue;
      if (step === 'ask') {
        ask.push({ missing, numbers });
        applies.push(this.#putMissing(batch, chainId, { ...missing, ...markAsked(missing, now) }));
        continue;
      }
      if (step === 'lost') {
        const told = record?.lost ?? 0;
        const count = record === undefined ? length : numbers.filter((at) => at >= told).length;
        if (count > 0) lost.push({ missing, count });
        applies.push(this.#noteLost(batch, record, length));
      }
      applies.push(this.#putMissing(batch, chainId, undefined));
    }
    return { ask, lost, apply: applyAll(applies) };
  }

  #noteLost(batch: SealedBatch, record: ReceivingRecord | undefined, length: number): () => void {
    if (record === undefined) return () => {};
    const asked = Math.max(record.asked, length);
    return this.#write(batch, { ...record, asked, lost: Math.max(record.lost, length) });
  }

  /** Misses what was overtaken a day ago: its keys are not kept for ever. */
  noteGaps(batch: SealedBatch, now: number): () => void {
    const applies: (() => void)[] = [];
    for (const record of this.#records.values()) {
      const state = stateOf(record);
      if (hasGap(state, record.asked, now)) {
        const { from, audience } = record;
        const previous = { chainId: state.chainId, length: state.next };
        applies.push(
          this.#noteMissing(batch, { previous }, { from, audience, now }),
          this.#write(batch, { ...record, asked: state.next }),
        );
      }
      wipeReceivingChain(state);
    }
    return applyAll(applies);
  }

  /** Deletes keys that are too old, and whole chains; `isWanted` says whose are kept at all. */
  prune(
    batch: SealedBatch,
    now: number,
    isWanted: (record: ReceivingRecord) => boolean,
  ): () => void {
    const { store, lists } = this.#deps;
    const applies: (() => void)[] = [];
    for (const { chainId } of this.#records.values()) {
      const record = this.#records.get(chainId, batch);
      if (record === undefined) continue;
      const state = stateOf(record);
      const pruned = isWanted(record) ? pruneReceivingChain(state, now) : undefined;
      const openedAt = state.keepUntil - CHAIN_KEPT_SECONDS;
      const isOver = pruned === undefined || now >= openedAt + WATCH_SECONDS;
      if (isOver && record.listed > 0) applies.push(lists.drop(batch, record.chainId));
      if (pruned === undefined) {
        batch.del('chain', recordKey(store, record.chainId));
        applies.push(this.#records.set(batch, record.chainId, undefined));
      } else if (pruned !== state || (isOver && record.listed > 0)) {
        const left = { ...record, listed: isOver ? 0 : record.listed };
        applies.push(this.#write(batch, { ...left, state: hexOf(pruned) }));
      }
      wipeReceivingChain(state);
    }
    return applyAll(applies);
  }

  /**
   * So many messages went on a chain. One that we do not hold was watched before we were restored
   * from a backup; it is taken for one to `unheld`, for the note does not tell, or for nobody's.
   */
  noteLength(
    batch: SealedBatch,
    previous: { readonly chainId: ChainId; readonly length: number },
    about: {
      readonly from: MailAddress;
      readonly now: number;
      readonly unheld: string | undefined;
    },
  ): () => void {
    const { unheld, ...rest } = about;
    const audience = this.#records.get(previous.chainId, batch)?.audience ?? unheld;
    return audience === undefined
      ? () => {}
      : this.#noteMissing(batch, { previous }, { ...rest, audience });
  }

  #noteMissing(
    batch: SealedBatch,
    { previous }: Pick<ChainSeedNote, 'previous'>,
    { from, audience, now }: { from: MailAddress; audience: string; now: number },
  ): () => void {
    if (previous === undefined || previous.length === 0) return () => {};
    const { chainId, length } = previous;
    const record = this.#records.get(chainId, batch);
    if (record !== undefined && record.from !== from) return () => {};
    if (record !== undefined && missingNumbers(stateOf(record), length).length === 0) {
      return () => {};
    }
    const known = this.#missing.get(chainId, batch);
    if (known !== undefined && (known.from !== from || known.length >= length)) return () => {};
    const ofSender = this.#missing.values().filter((one) => one.from === from);
    if (known === undefined && ofSender.length >= MAX_MISSING_OF_ONE) return () => {};
    const ask = { since: now, asks: 0, askedAt: 0 };
    return this.#putMissing(batch, chainId, { chainId, from, audience, length, ...ask });
  }

  /** Writes a moved chain, and has more of its tags watched before those that are run out. */
  #put(batch: SealedBatch, record: ReceivingRecord, chain: ReceivingChain): () => void {
    const { listed } = record;
    const isEnough = listed === 0 || chain.next + PART_MARGIN <= listed;
    const ahead = isEnough ? [] : watchedChainTags(chain).filter((one) => one.number >= listed);
    const last = ahead.at(-1);
    if (last === undefined) return this.#write(batch, { ...record, state: hexOf(chain) });
    const tags = ahead.map((one) => one.tag);
    const watch = this.#deps.lists.watch(batch, record.chainId, listed, tags);
    const moved = { ...record, listed: last.number + 1, state: hexOf(chain) };
    return applyAll([watch, this.#write(batch, moved)]);
  }

  #write(batch: SealedBatch, record: ReceivingRecord): () => void {
    batch.put(receivingChains, recordKey(this.#deps.store, record.chainId), record);
    return this.#records.set(batch, record.chainId, record);
  }

  #putMissing(batch: SealedBatch, chainId: string, missing: MissingChain | undefined): () => void {
    const key = `a/${this.#deps.store.opaque(`missing/${chainId}`)}`;
    if (missing === undefined) batch.del('chain', key);
    else batch.put(missingChains, key, missing);
    return this.#missing.set(batch, chainId, missing);
  }
}

function recordKey(store: SealedStore, chainId: string): string {
  return `r/${store.opaque(`receiving/${chainId}`)}`;
}

function hexOf(chain: ReceivingChain): string {
  return bytesToHex(encodeReceivingChain(chain));
}

function stateOf(record: ReceivingRecord): ReceivingChain {
  const decoded = decodeReceivingChain(hexToBytes(record.state));
  if (!decoded.ok) throw new Error(`broken invariant: a stored chain is sound (${decoded.code})`);
  return decoded.value;
}
