/**
 * Reads all blocks of one milestone and proves that they are all: the certificate proves the root
 * over their ids. So a node learns of one milestone and of no envelope in it, can add nothing, can
 * leave nothing out, and its filter is judged by the way.
 * Before: filter-scan.ts, referee.ts; after: tangle/io/node-client.
 * Spec: docs/spec/17-filter.md §5.
 */
import { decodeBlock, type Block } from '@tanglemail/tangle/core/codec/block.ts';
import { compareBytes, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { isFilterOf } from '@tanglemail/tangle/core/filter/filter-chain.ts';
import { TAG_LENGTH } from '@tanglemail/tangle/core/filter/tag-filter.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { fail } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_CONE } from '@tanglemail/tangle/core/params/limits.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

/** The part of a node's API that finding mail by filters uses. */
export type FilterSource = Pick<
  NodeClient,
  'baseUrl' | 'filters' | 'filterHeader' | 'milestone' | 'milestoneBlockPage' | 'info'
>;

/** What a caller wants of the envelopes: whether to keep one that came at this unix second. */
export type Keep = (envelope: Uint8Array, arrivedAt: number) => boolean;

/** A milestone of which nothing is missing. */
export interface WholeMilestone {
  readonly kept: readonly Uint8Array[];
  /** Of its blocks. */
  readonly sizeBytes: number;
  /** Whether `filter`, encoded, is that of this milestone. */
  isFilter(filter: Uint8Array): boolean;
}

/** Version, class and tag: all that a filter is made of. */
const HEAD_LENGTH = 2 + TAG_LENGTH;

/**
 * Fetches milestone `index` page by page; only what `keep` wants stays in memory. Throws ProofError
 * when the node shows something else than what was certified, and what the node's client throws.
 */
export async function readWholeMilestone(
  node: Pick<FilterSource, 'milestone' | 'milestoneBlockPage'>,
  { checker, hasher }: Pick<TangleAccess, 'checker' | 'hasher'>,
  index: number,
  keep: Keep,
  signal: AbortSignal,
): Promise<WholeMilestone> {
  const { header } = await checker.milestone(await node.milestone(index, { signal }));
  if (header.index !== index) throw new ProofError(fail('proof-invalid', 'another milestone'));
  const arrivedAt = Math.floor(header.timestampMs / 1_000);
  const ids: BlockId[] = [];
  const heads: Pick<Block, 'payload'>[] = [];
  const kept: Uint8Array[] = [];
  let sizeBytes = 0;
  for (let skip: number | undefined = 0; skip !== undefined;) {
    const page = await node.milestoneBlockPage(index, undefined, skip, { signal });
    for (const { blockId, bytes } of page.blocks) {
      ids.push(blockId);
      sizeBytes += bytes.length;
      const envelope = envelopeIn(bytes);
      if (envelope === undefined) continue;
      heads.push({ payload: { kind: 'envelope', bytes: envelope.slice(0, HEAD_LENGTH) } });
      if (keep(envelope, arrivedAt)) kept.push(envelope);
    }
    const isEndless = ids.length > MAX_CONE || (page.next ?? skip + 1) <= skip;
    if (isEndless) throw new NodeApiError('answer-invalid', 200);
    skip = page.next;
  }
  // A milestone without blocks has the root of no ids, and no node can leave all of them out.
  if (compareBytes(rootOfIds(ids, hasher), header.inclusionRoot) !== 0) {
    throw new ProofError(fail('proof-invalid', 'not all blocks of the milestone'));
  }
  return { kept, sizeBytes, isFilter: (filter) => isFilterOf(filter, heads) };
}

function envelopeIn(block: Uint8Array): Uint8Array | undefined {
  const decoded = decodeBlock(block);
  if (!decoded.ok) throw new NodeApiError('answer-invalid', 200);
  const { payload } = decoded.value;
  return payload?.kind === 'envelope' ? payload.bytes : undefined;
}
