/**
 * Finds mail without naming a tag to anybody: reads the filters of all milestones from the nodes
 * that are configured, looks through them here, and fetches the milestones that may have mail, each
 * as a whole. Several nodes are held to each other; what they fetch is proven. The position is on
 * the disk, so a client that was away reads on where it stopped.
 * Before: client.ts; after: whole-milestone.ts, letter-intake.ts.
 * Spec: docs/spec/17-filter.md, docs/spec/42-delivery.md §8.
 */
import { bytesToHex, compareBytes, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import {
  nextFilterHeader,
  segmentOf,
  segmentStart,
} from '@tanglemail/tangle/core/filter/filter-chain.ts';
import { checkFilterRange, type RangeFilter } from '@tanglemail/tangle/core/filter/filter-range.ts';
import { FILTER_SEGMENT } from '@tanglemail/tangle/core/params/limits.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { ClientError } from '../client-error.ts';
import type { LetterIntake } from '../inbox/letter-intake.ts';
import type { FilterLiar, FilterPosition } from '../store/filter-collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { FilterMemory } from './filter-memory.ts';
import { type MayHold, ownWatch } from './own-watch.ts';
import { headerOf, settle, type Verdict } from './referee.ts';
import { type FilterSource, readWholeMilestone, type WholeMilestone } from './whole-milestone.ts';

export interface FilterScanOptions {
  /** Strangers' mail is looked for too; else a provider has it. */
  readonly strangers: boolean;
  /** Other milestones that are fetched with each one that may have mail. */
  readonly decoys: number;
}

export interface FilterScanDeps {
  /** At least one; the first is asked first. */
  readonly nodes: readonly FilterSource[];
  readonly genesisId: MilestoneId;
  readonly tangle: Pick<TangleAccess, 'checker' | 'hasher' | 'clock' | 'random'>;
  readonly store: SealedStore;
  readonly intake: Pick<LetterIntake, 'isOurs' | 'take'>;
  /** All exact tags under which mail may come, 16 bytes each. */
  readonly tags: { watched(): Uint8Array[] };
  /** The keys that name our buckets of strangers' mail. */
  readonly introKeys: () => readonly Uint8Array[];
  readonly logger: Logger;
}

type Range = Awaited<ReturnType<NodeClient['filters']>>;
/** What the nodes have behind the position. */
type Found =
  | { readonly kind: 'range'; readonly node: FilterSource; readonly range: Range }
  | { readonly kind: 'end' }
  | { readonly kind: 'pruned'; readonly next: number };

/** What became of one milestone. */
interface Fetched {
  readonly mails: number;
  /** Of all blocks that were fetched for it. */
  readonly sizeBytes: number;
  /** It has an envelope under a tag of ours, known or new. */
  readonly isOurs: boolean;
  /** Its filter is that of its blocks. */
  readonly isTrue: boolean;
}

/** Answers that one call reads at most: some 260,000 milestones. */
const MAX_RANGES = 64;
/** Milestones that are fetched between two writes of the position. */
const SAVE_EVERY = 16;
/** While nothing comes, the time of the last look is written down this seldom. */
const SAVE_SECONDS = 600;
/** From so many mails in one milestone on it is read again: the windows of tags have moved on. */
const MANY_MAILS = 32;
/** Readings of one milestone. */
const MAX_READINGS = 64;

export class FilterScan {
  readonly #options: FilterScanOptions;
  readonly #deps: FilterScanDeps;
  readonly #memory: FilterMemory;
  #running: Promise<number> | undefined;

  constructor(options: FilterScanOptions, deps: FilterScanDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#memory = new FilterMemory(deps.store);
  }

  /** Undefined before the first look. */
  get position(): FilterPosition | undefined {
    return this.#memory.position;
  }

  /** The nodes with what is held against them. */
  get nodes(): { readonly url: string; readonly liar: FilterLiar | undefined }[] {
    return this.#deps.nodes.map(({ baseUrl: url }) => ({ url, liar: this.#memory.liar(url) }));
  }

  /** Unix seconds of the last time when nothing was left to read; undefined before the first. */
  get caughtUpAt(): number | undefined {
    const at = this.position?.caughtUpAt ?? 0;
    return at === 0 ? undefined : at;
  }

  /**
   * Reads on from where the last call ended; gives the number of mails that were found. A second
   * call while one is under way waits for that one. Throws ClientError `node-untrusted` when no
   * node is left that was not found to lie, and what the node's client throws.
   */
  sync(signal: AbortSignal): Promise<number> {
    this.#running ??= this.#sync(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Has everything from milestone `from` on read again, as far as the nodes have it. */
  async rescan(from: number): Promise<void> {
    await this.#running?.catch(() => undefined);
    const known = this.position ?? FilterMemory.at(from);
    await this.#memory.save({ ...known, next: from, header: '', caughtUpAt: 0, comparedTo: 0 });
  }

  async #sync(signal: AbortSignal): Promise<number> {
    const startedAt = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    const before = this.position?.mails ?? 0;
    for (let ranges = 0; ranges < MAX_RANGES; ranges += 1) {
      signal.throwIfAborted();
      const position = this.position ?? (await this.#begin(signal));
      const found = await this.#ask(position.next, signal);
      if (found.kind === 'range') await this.#look(found, position, signal);
      else if (found.kind === 'pruned') await this.#passOver(position, found.next);
      else {
        const isOld = startedAt - position.caughtUpAt >= SAVE_SECONDS;
        if (isOld || ranges > 0) await this.#memory.save({ ...position, caughtUpAt: startedAt });
        break;
      }
    }
    return (this.position?.mails ?? before) - before;
  }

  /** The first start begins at the present: older mail is found by `rescan`. */
  async #begin(signal: AbortSignal): Promise<FilterPosition> {
    const { index } = await this.#fromAny(this.#trusted(), async (node) => {
      return (await node.info({ signal })).status.confirmedMilestone;
    });
    const position = FilterMemory.at(index);
    await this.#memory.save(position);
    return position;
  }

  #trusted(): FilterSource[] {
    const trusted = this.#deps.nodes.filter((node) => !this.#memory.liar(node.baseUrl));
    const [first] = this.#deps.nodes;
    if (trusted.length === 0) throw new ClientError('node-untrusted', first?.baseUrl);
    return trusted;
  }

  /** The first node that has more decides; one that is behind, or has pruned, does not. */
  async #ask(next: number, signal: AbortSignal): Promise<Found> {
    const floors: number[] = [];
    let isEnd = false;
    let failure: unknown;
    for (const node of this.#trusted()) {
      try {
        return { kind: 'range', node, range: await node.filters(next, FILTER_SEGMENT, { signal }) };
      } catch (error) {
        signal.throwIfAborted();
        const { code, problem } = error instanceof NodeApiError ? error : {};
        if (code === 'pruned') floors.push((problem?.prunedIndex ?? next) + 1);
        else if (code === 'not-found') isEnd = true;
        else failure = error;
      }
    }
    if (isEnd) return { kind: 'end' };
    const nearest = Math.min(...floors);
    if (nearest > next && floors.length > 0) return { kind: 'pruned', next: nearest };
    throw failure ?? new NodeApiError('answer-invalid', 404);
  }

  /** What no node has any more is lost to this client; it says so and goes on. */
  async #passOver(position: FilterPosition, next: number): Promise<void> {
    const wasRead = position.header !== '';
    const missed = position.missed + (wasRead ? next - position.next : 0);
    if (wasRead) this.#deps.logger.warn({ from: position.next, next }, 'milestones were missed');
    await this.#memory.save({ ...position, next, header: '', missed });
  }

  /** Checks an answer, compares its node with the others, then reads what may be ours. */
  async #look(
    { node, range }: Extract<Found, { kind: 'range' }>,
    position: FilterPosition,
    signal: AbortSignal,
  ): Promise<void> {
    const { hasher } = this.#deps.tangle;
    const { next } = position;
    const last = (segmentOf(next) + 1) * FILTER_SEGMENT - 1;
    const expected = this.#expectedBefore(position) ?? range.before;
    const checked = checkFilterRange(range, { first: next, last }, expected, hasher);
    if (!checked.ok) {
      if (checked.detail !== 'header before') throw new NodeApiError('answer-invalid', 200);
      await this.#onOtherChain(node, position);
      return;
    }
    const end = range.first + range.milestones - 1;
    const comparison = await this.#compare(node, end, checked.value, signal);
    if (comparison.verdict !== undefined) {
      await this.#goBack(position, comparison.verdict);
      return;
    }
    const filterBytes = position.filterBytes + range.sizeBytes;
    const comparedTo = comparison.isCompared ? end : position.comparedTo;
    await this.#read(node, range, { ...position, filterBytes, comparedTo }, signal);
  }

  /** The header before the position, where it is known. */
  #expectedBefore({ next, header }: FilterPosition): Uint8Array | undefined {
    const { genesisId, tangle } = this.#deps;
    if (next % FILTER_SEGMENT === 0) {
      return segmentStart(genesisId, segmentOf(next), tangle.hasher);
    }
    return header === '' ? undefined : hexToBytes(header);
  }

  /**
   * The node goes on from another header than the one that was read up to here. At the start of a
   * segment it lies; inside, whoever was read before may have lied: the segment is read anew.
   */
  async #onOtherChain(node: FilterSource, position: FilterPosition): Promise<void> {
    const { next } = position;
    if (next % FILTER_SEGMENT === 0) await this.#accuse(node, next, 'header-false');
    else {
      const from = segmentOf(next) * FILTER_SEGMENT;
      this.#deps.logger.warn({ url: node.baseUrl, from, next }, 'filters are read anew');
      await this.#memory.save({ ...position, next: from, header: '', comparedTo: 0 });
    }
  }

  /** Holds the header after `end` to those of the other nodes; one that is behind is left out. */
  async #compare(
    node: FilterSource,
    end: number,
    header: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly isCompared: boolean; readonly verdict?: Verdict }> {
    let isCompared = false;
    for (const other of this.#trusted()) {
      if (other === node) continue;
      try {
        const theirs = await headerOf(other, end, signal);
        if (theirs === undefined) continue;
        if (compareBytes(theirs, header) === 0) {
          isCompared = true;
          continue;
        }
        const verdict = await settle([node, other], end, this.#deps, signal);
        for (const liar of verdict?.liars ?? []) {
          await this.#accuse(liar.node, verdict?.milestoneIndex ?? end, liar.reason);
        }
        if (verdict?.liars.some((one) => one.node === node)) return { isCompared, verdict };
      } catch (error) {
        signal.throwIfAborted();
        this.#deps.logger.debug({ ...errorFields(error), url: other.baseUrl }, 'not compared');
      }
    }
    return { isCompared };
  }

  async #accuse(
    { baseUrl: url }: FilterSource,
    milestoneIndex: number,
    reason: FilterLiar['reason'],
  ): Promise<void> {
    const atMs = this.#deps.tangle.clock.nowMs();
    this.#deps.logger.error({ url, milestoneIndex, reason }, 'a node gave a false filter');
    await this.#memory.accuse({ url, atMs, milestoneIndex, reason });
  }

  /** What was read from a liar before it was found out is read again from others. */
  async #goBack(position: FilterPosition, { milestoneIndex, before }: Verdict): Promise<void> {
    if (milestoneIndex >= position.next) return;
    const header = bytesToHex(before);
    await this.#memory.save({ ...position, next: milestoneIndex, header, comparedTo: 0 });
  }

  /** Fetches the milestones of an answer that may have mail for us, and moves the position on. */
  async #read(
    node: FilterSource,
    range: Range,
    started: FilterPosition,
    signal: AbortSignal,
  ): Promise<void> {
    const { hasher } = this.#deps.tangle;
    let mayHold = await this.#watch(node, range, signal);
    const decoys = this.#decoys(range.filters, mayHold);
    let position = started;
    let header = range.before;
    let fetched = 0;
    for (const { index, bytes, filter } of range.filters) {
      signal.throwIfAborted();
      const isHit = mayHold(filter);
      if (isHit || decoys.has(index)) {
        const fetchedOne = await this.#fetch(node, index, bytes, signal);
        if (!fetchedOne.isTrue) {
          await this.#memory.save({ ...position, next: index, header: bytesToHex(header) });
          await this.#accuse(node, index, 'filter-false');
          return;
        }
        position = counted(position, isHit, fetchedOne);
        if (fetchedOne.mails > 0) mayHold = await this.#watch(node, range, signal);
        fetched += 1;
      }
      header = nextFilterHeader(header, index, bytes, hasher);
      if (fetched >= SAVE_EVERY) {
        position = { ...position, next: index + 1, header: headerAt(index + 1, header) };
        await this.#memory.save(position);
        fetched = 0;
      }
    }
    const next = range.first + range.milestones;
    await this.#memory.save({ ...position, next, header: headerAt(next, header) });
  }

  /** Buckets go by days, so the times of the answer's first and last milestone are asked for. */
  async #watch(node: FilterSource, range: Range, signal: AbortSignal): Promise<MayHold> {
    const { tags, introKeys } = this.#deps;
    if (!this.#options.strangers) return ownWatch(tags.watched());
    const bits = STRANGER_BUCKET_BITS;
    const isNeeded = bits > 0 && range.filters.length > 0;
    const timeOf = async (index: number): Promise<number> => {
      const milestone = decodeMilestone(await node.milestone(index, { signal }));
      if (!milestone.ok) throw new NodeApiError('answer-invalid', 200);
      return Math.floor(milestone.value.header.timestampMs / 1_000);
    };
    const [from, to] = isNeeded
      ? [await timeOf(range.first), await timeOf(range.first + range.milestones - 1)]
      : [0, 0];
    return ownWatch(tags.watched(), { introKeys: introKeys(), bits, from, to });
  }

  /** Milestones with mail that do not match, chosen by chance: as many as the setting says. */
  #decoys(filters: readonly RangeFilter[], mayHold: MayHold): ReadonlySet<number> {
    const { random } = this.#deps.tangle;
    const others = filters.filter(({ filter }) => !mayHold(filter)).map(({ index }) => index);
    const wanted = (filters.length - others.length) * this.#options.decoys;
    const chosen = new Set<number>();
    while (chosen.size < wanted && others.length > 0) {
      const [index] = others.splice(random.below(others.length), 1);
      if (index !== undefined) chosen.add(index);
    }
    return chosen;
  }

  /**
   * Reads a milestone, from another node than the one that gave its filter if there is one, and
   * takes in what is ours. It is read again while it brings so much that windows of tags move.
   */
  async #fetch(
    node: FilterSource,
    index: number,
    filter: Uint8Array,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const { tangle, intake } = this.#deps;
    const others = this.#trusted().filter((one) => one !== node);
    const keep = (bytes: Uint8Array, arrivedAt: number): boolean => {
      const envelope = decodeEnvelope(bytes);
      return envelope.ok && intake.isOurs(envelope.value, arrivedAt);
    };
    let [mails, sizeBytes, isOurs] = [0, 0, false];
    for (let readings = 0; readings < MAX_READINGS; readings += 1) {
      const whole: WholeMilestone = await this.#fromAny([...others, node], (one) =>
        readWholeMilestone(one, tangle, index, keep, signal),
      );
      sizeBytes += whole.sizeBytes;
      isOurs ||= whole.kept.length > 0;
      if (!whole.isFilter(filter)) return { mails, sizeBytes, isOurs, isTrue: false };
      let taken = 0;
      for (const bytes of whole.kept) if ((await intake.take(bytes)).kind === 'delivered') taken++;
      mails += taken;
      if (taken < MANY_MAILS) break;
    }
    return { mails, sizeBytes, isOurs, isTrue: true };
  }

  /** The first node whose answer can be used; the last one's error when there is none. */
  async #fromAny<T>(
    nodes: readonly FilterSource[],
    ask: (node: FilterSource) => Promise<T>,
  ): Promise<T> {
    let failure: unknown;
    for (const node of nodes) {
      try {
        return await ask(node);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

/** A segment begins without a header of its own to remember. */
function headerAt(next: number, header: Uint8Array): string {
  return next % FILTER_SEGMENT === 0 ? '' : bytesToHex(header);
}

function counted(position: FilterPosition, isHit: boolean, fetched: Fetched): FilterPosition {
  const { mails, sizeBytes, isOurs } = fetched;
  return {
    ...position,
    hits: position.hits + (isHit ? 1 : 0),
    falseHits: position.falseHits + (isHit && !isOurs ? 1 : 0),
    decoys: position.decoys + (isHit ? 0 : 1),
    mails: position.mails + mails,
    blockBytes: position.blockBytes + sizeBytes,
  };
}
