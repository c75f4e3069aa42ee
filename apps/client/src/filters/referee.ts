/**
 * Finds out which of two nodes that gave different filter headers lies: halves the segment to the
 * one milestone about which they differ, and holds both filters to all blocks of it, which the
 * validators' certificate proves. Nobody's word counts.
 * Before: filter-scan.ts; after: whole-milestone.ts. Spec: docs/spec/17-filter.md §5.
 */
import { compareBytes, type MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  disputeProbe,
  narrowDispute,
  nextFilterHeader,
  openDispute,
  segmentOf,
  segmentStart,
} from '@tanglemail/tangle/core/filter/filter-chain.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { FilterLiar } from '../store/filter-collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { type FilterSource, readWholeMilestone } from './whole-milestone.ts';

export interface RefereeDeps {
  readonly genesisId: MilestoneId;
  readonly tangle: Pick<TangleAccess, 'checker' | 'hasher'>;
}

/** Who lied, and where it began. */
export interface Verdict {
  /** The first milestone whose filters differ. */
  readonly milestoneIndex: number;
  /** The filter header before it. */
  readonly before: Uint8Array;
  readonly liars: readonly { readonly node: FilterSource; readonly reason: FilterLiar['reason'] }[];
}

/** What one of the two says of the milestone. */
interface Claim {
  readonly node: FilterSource;
  readonly before: Uint8Array;
  readonly filter: Uint8Array;
  readonly isSound: boolean;
}

/** The encoded filter of a milestone without envelopes. */
const EMPTY_FILTER = Uint8Array.of(0);

/** A node's filter header after milestone `index`; undefined when it does not have it. */
export async function headerOf(
  node: FilterSource,
  index: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await node.filterHeader(index, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Judges two nodes whose headers after milestone `index` differ. Undefined when that cannot be
 * decided here: what they differ about lies before everything that one of them still has. Throws
 * what the node's client throws, when one of them does not answer.
 */
export async function settle(
  pair: readonly [FilterSource, FilterSource],
  index: number,
  { genesisId, tangle }: RefereeDeps,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const { hasher } = tangle;
  let dispute = openDispute(index);
  let agreed: Uint8Array | undefined = segmentStart(genesisId, segmentOf(index), hasher);
  for (;;) {
    const probe = disputeProbe(dispute);
    if (probe === undefined) break;
    const [one, other] = await Promise.all(pair.map((node) => headerOf(node, probe, signal)));
    const isKnown = one !== undefined && other !== undefined;
    const isSame = !isKnown || compareBytes(one, other) === 0;
    // What is pruned is passed over: then the headers before the milestone must show agreement.
    if (isSame) agreed = isKnown ? one : undefined;
    dispute = narrowDispute(dispute, probe, isSame);
  }
  const { differ } = dispute;
  const claims: Claim[] = [];
  for (const node of pair) claims.push(await claimOf(node, differ, agreed, tangle, signal));
  const [first, second] = claims as [Claim, Claim];
  if (agreed === undefined && compareBytes(first.before, second.before) !== 0) return undefined;
  const before = agreed ?? first.before;
  const unsound = claims.filter((one) => !one.isSound);
  if (unsound.length > 0) return verdict(differ, before, unsound, 'header-false');
  const whole = await readFromEither(pair, differ, tangle, signal);
  const untrue = claims.filter((one) => !whole.isFilter(one.filter));
  return verdict(differ, before, untrue, 'filter-false');
}

function verdict(
  milestoneIndex: number,
  before: Uint8Array,
  claims: readonly Claim[],
  reason: FilterLiar['reason'],
): Verdict {
  return { milestoneIndex, before, liars: claims.map(({ node }) => ({ node, reason })) };
}

/** Asks for filter and header, which must belong together and to what both agreed about. */
async function claimOf(
  node: FilterSource,
  index: number,
  agreed: Uint8Array | undefined,
  { hasher }: Pick<TangleAccess, 'hasher'>,
  signal: AbortSignal,
): Promise<Claim> {
  const header = await node.filterHeader(index, { signal });
  const { first, before, filters } = await node.filters(index, 1, { signal });
  const filter = filters[0]?.bytes ?? EMPTY_FILTER;
  const isSound =
    first === index &&
    (agreed === undefined || compareBytes(before, agreed) === 0) &&
    compareBytes(nextFilterHeader(before, index, filter, hasher), header) === 0;
  return { node, before, filter, isSound };
}

/** All blocks of the milestone: whoever shows them, the certificate says that they are all. */
async function readFromEither(
  [first, second]: readonly [FilterSource, FilterSource],
  index: number,
  tangle: RefereeDeps['tangle'],
  signal: AbortSignal,
) {
  const none = (): boolean => false;
  try {
    return await readWholeMilestone(first, tangle, index, none, signal);
  } catch {
    signal.throwIfAborted();
    return await readWholeMilestone(second, tangle, index, none, signal);
  }
}
