/**
 * Brings a payload into the tangle and watches over it: tips, proof of work, submission, then
 * confirmation proven by the light client, with the same payload in a new block when the old one is
 * left behind. Before: wallet.ts, outbox of the client, provider; after: node-client.ts.
 * Spec: docs/spec/01-block.md, "Proof of work"; docs/spec/03-dag.md, "Re-attachment".
 */
import { powDifficulty, powDigest } from '../../core/block/pow.ts';
import {
  blockIdOf,
  encodeBlock,
  encodeBlockWithoutNonce,
  NONCE_LENGTH,
} from '../../core/codec/block.ts';
import type { UnminedBlock } from '../../core/codec/block.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import { encodePayload } from '../../core/codec/payload.ts';
import type { Payload } from '../../core/codec/payload.ts';
import { transactionIdOf } from '../../core/codec/transaction.ts';
import { conflictName } from '../../core/ledger/conflict.ts';
import type { ConflictName } from '../../core/ledger/conflict.ts';
import type { TrustedMilestone } from '../../core/milestone/light-client.ts';
import { MAX_PARENTS } from '../../core/params/limits.ts';
import type { NetworkParams } from '../../core/params/networks.ts';
import type { Hasher } from '../../core/ports.ts';
import { isTimeOver, withinTime } from '../within-time.ts';
import type { BlockMetadataDto } from './dto.ts';
import { isNotFound, isTransient, NodeApiError } from './errors.ts';
import type { NodeClient } from './node-client.ts';
import type { NodeEvents } from './node-events.ts';
import type { ProofChecker } from './proof-checker.ts';

/** What the search of nonces must offer; PowPool and a Web Worker do. */
export interface ProofOfWork<P> {
  solve(
    digest: Uint8Array,
    difficulty: number,
    options?: { signal?: AbortSignal; onProgress?: (progress: P) => void },
  ): Promise<{ readonly nonce: bigint }>;
}

export type IssuerNode = Pick<
  NodeClient,
  'info' | 'tips' | 'submitBlock' | 'blockMetadata' | 'blockProof' | 'includedBlock'
>;

export interface BlockIssuerOptions {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  /** A search that outlives this starts again with fresh tips (nothing is lost: searches have no
   * memory); default 20 s. */
  readonly freshTipsMs?: number;
  /** Between two looks at a block when no event comes; default 2 s. */
  readonly pollMs?: number;
  /** Blocks that carry one payload, the first included; default 8. */
  readonly maxAttachments?: number;
}

export interface BlockIssuerDeps<P> {
  readonly node: IssuerNode;
  readonly proofOfWork: ProofOfWork<P>;
  readonly checker: ProofChecker;
  readonly hasher: Hasher;
  /** Wakes waiting confirmations at each milestone; without it they only poll. */
  readonly events?: Pick<NodeEvents, 'subscribe'>;
}

export interface IssueOptions<P> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: P) => void) | undefined;
  /** Called before a block leaves for the node: from now on it may end up in the tangle. */
  readonly onSubmitting?: ((blockId: BlockId) => void) | undefined;
}

export interface IssuedBlock {
  readonly blockId: BlockId;
  readonly bytes: Uint8Array;
  readonly payload: Payload | null;
  readonly powMs: number;
}

export interface Confirmation {
  /** The block that was referenced; another than the first after a re-attachment. */
  readonly blockId: BlockId;
  readonly milestoneIndex: number;
  /** `included` is proven by the milestone's appliedRoot, the others by inclusionRoot alone. */
  readonly state: 'noTransaction' | 'included' | 'conflicting';
  readonly conflict?: ConflictName | 'unknown';
  readonly milestone: TrustedMilestone;
}

export interface ConfirmOptions<P> extends IssueOptions<P> {
  /** Default 5 minutes. */
  readonly timeoutMs?: number;
  /** Called with each block that carries the payload anew: a caller that stores ids adds it. */
  readonly onReattached?: (block: IssuedBlock) => void;
}

export type IssueErrorCode = 'timed-out' | 'too-many-attachments' | 'difficulty-rising';

export class IssueError extends Error {
  readonly code: IssueErrorCode;

  constructor(code: IssueErrorCode, message: string) {
    super(message);
    this.name = 'IssueError';
    this.code = code;
  }
}

const DEFAULT_TIMEOUT_MS = 300_000;
/** The load term may rise between our question and our submission; more often is no accident. */
const MAX_SUBMISSIONS = 4;

export class BlockIssuer<P = unknown> {
  readonly #options: Required<BlockIssuerOptions>;
  readonly #deps: BlockIssuerDeps<P>;

  constructor(options: BlockIssuerOptions, deps: BlockIssuerDeps<P>) {
    this.#options = { freshTipsMs: 20_000, pollMs: 2_000, maxAttachments: 8, ...options };
    this.#deps = deps;
  }

  /**
   * Puts `payload` into a block and submits it. Throws what the node answered, IssueError
   * `difficulty-rising`, or the signal's reason.
   */
  async issue(payload: Payload | null, options: IssueOptions<P> = {}): Promise<IssuedBlock> {
    const startedMs = performance.now();
    for (let attempt = 0; attempt < MAX_SUBMISSIONS; attempt += 1) {
      const bytes = await this.#mine(payload, options);
      options.onSubmitting?.(blockIdOf(bytes, this.#deps.hasher));
      try {
        const blockId = await this.#deps.node.submitBlock(bytes, { signal: options.signal });
        return { blockId, bytes, payload, powMs: performance.now() - startedMs };
      } catch (error) {
        if (!isTooLittleWork(error)) throw error;
      }
    }
    throw new IssueError('difficulty-rising', 'the network asks for more work each time');
  }

  /**
   * Waits until a milestone references the block, proven; re-attaches when the node advises it. A
   * node that is out of reach for a while is waited for. Throws IssueError `timed-out` or
   * `too-many-attachments`, ProofError when the node's proof is wrong, or the signal's reason.
   */
  async awaitConfirmation(
    issued: IssuedBlock,
    options: ConfirmOptions<P> = {},
  ): Promise<Confirmation> {
    const limitMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return await withinTime(limitMs, [options.signal], async (signal) => {
      try {
        return await this.#watch(issued, { ...options, signal });
      } catch (error) {
        if (isTimeOver(signal) && options.signal?.aborted !== true) {
          throw new IssueError('timed-out', 'no milestone referenced the block in time');
        }
        throw error;
      }
    });
  }

  /** `issue` and `awaitConfirmation` in one. */
  async issueAndConfirm(
    payload: Payload | null,
    options: ConfirmOptions<P> = {},
  ): Promise<Confirmation> {
    return await this.awaitConfirmation(await this.issue(payload, options), options);
  }

  /** A block with enough work for the network's present load. */
  async #mine(payload: Payload | null, options: IssueOptions<P>): Promise<Uint8Array> {
    for (;;) {
      const [tips, info] = await Promise.all([
        this.#deps.node.tips({ signal: options.signal }),
        this.#deps.node.info({ signal: options.signal }),
      ]);
      const parents = [...new Set(tips)].slice(0, MAX_PARENTS).toSorted();
      const { networkId, params } = this.#options;
      const block: UnminedBlock = { version: 1, networkId, parents, payload };
      const unmined = encodeBlockWithoutNonce(block);
      const size = unmined.length + NONCE_LENGTH;
      const difficulty = powDifficulty(size, params, info.params.powLoadBits);
      const nonce = await this.#search(powDigest(unmined, this.#deps.hasher), difficulty, options);
      if (nonce !== undefined) return encodeBlock({ ...block, nonce });
    }
  }

  /** Undefined when the tips grew old meanwhile. */
  async #search(
    digest: Uint8Array,
    difficulty: number,
    { signal, onProgress }: IssueOptions<P>,
  ): Promise<bigint | undefined> {
    return await withinTime(this.#options.freshTipsMs, [signal], async (fresh) => {
      try {
        const solution = await this.#deps.proofOfWork.solve(digest, difficulty, {
          signal: fresh,
          ...(onProgress === undefined ? {} : { onProgress }),
        });
        return solution.nonce;
      } catch (error) {
        signal?.throwIfAborted();
        if (isTimeOver(fresh)) return undefined;
        throw error;
      }
    });
  }

  /** Looks until a milestone references the block, at most until the signal ends it. */
  async #watch(
    issued: IssuedBlock,
    options: ConfirmOptions<P> & { readonly signal: AbortSignal },
  ): Promise<Confirmation> {
    const attachments = [issued];
    const bell = new Bell();
    const unsubscribe = this.#deps.events?.subscribe('milestones/confirmed', () => bell.ring());
    try {
      for (;;) {
        const confirmation = await this.#look(attachments, options);
        if (confirmation !== undefined) return confirmation;
        await bell.wait(this.#options.pollMs, options.signal);
        options.signal.throwIfAborted();
      }
    } finally {
      unsubscribe?.();
    }
  }

  /** One look at all blocks that carry the payload. */
  async #look(
    attachments: IssuedBlock[],
    options: ConfirmOptions<P>,
  ): Promise<Confirmation | undefined> {
    try {
      const referenced: BlockMetadataDto[] = [];
      let open = 0;
      for (const { blockId, bytes } of attachments) {
        const metadata = await this.#metadata(blockId, bytes, options.signal);
        if (metadata?.referencedByMilestoneIndex !== undefined) referenced.push(metadata);
        else if (metadata?.shouldReattach !== true) open += 1;
      }
      const best =
        referenced.find((m) => m.ledgerInclusionState !== 'conflicting') ?? referenced[0];
      if (best !== undefined) return await this.#prove(best, attachments, options.signal);
      if (open === 0) await this.#reattach(attachments, options);
    } catch (error) {
      // The block is in the tangle or not, whether or not the node can say so right now.
      if (!isTransient(error) && !isNotFound(error)) throw error;
    }
    return undefined;
  }

  /** A node that does not know the block (any more) is given it again. */
  async #metadata(
    blockId: BlockId,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<BlockMetadataDto | undefined> {
    try {
      return await this.#deps.node.blockMetadata(blockId, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      await this.#deps.node.submitBlock(bytes, { signal });
      return undefined;
    } catch (error) {
      if (!isTooOld(error) && !isTooLittleWork(error)) throw error;
      return { blockId, parents: [], solid: false, shouldReattach: true };
    }
  }

  async #reattach(attachments: IssuedBlock[], options: ConfirmOptions<P>): Promise<void> {
    const [first] = attachments;
    if (first === undefined || attachments.length >= this.#options.maxAttachments) {
      throw new IssueError('too-many-attachments', 'the payload stays unreferenced');
    }
    const again = await this.issue(first.payload, options);
    attachments.push(again);
    options.onReattached?.(again);
  }

  async #prove(
    metadata: BlockMetadataDto,
    attachments: readonly IssuedBlock[],
    signal: AbortSignal | undefined,
  ): Promise<Confirmation> {
    const { blockId } = metadata;
    const { payload } = attachments[0] ?? { payload: null };
    const proof = await this.#deps.node.blockProof(blockId, { signal });
    const { milestone, applied } = await this.#deps.checker.inclusion(blockId, proof);
    const milestoneIndex = milestone.header.index;
    const base = { blockId, milestoneIndex, milestone };
    if (payload?.kind !== 'transaction') return { ...base, state: 'noTransaction' };
    if (applied) return { ...base, state: 'included' };
    // Another block with this transaction, perhaps from before a restart, may have won.
    const other = await this.#provenInclusion(payload, signal);
    if (other !== undefined) return other;
    const conflict = conflictName(metadata.conflictCode ?? 0) ?? 'unknown';
    return { ...base, state: 'conflicting', conflict };
  }

  async #provenInclusion(
    payload: Payload,
    signal: AbortSignal | undefined,
  ): Promise<Confirmation | undefined> {
    const { node, checker, hasher } = this.#deps;
    try {
      const transactionId = transactionIdOf(encodePayload(payload), hasher);
      const bytes = await node.includedBlock(transactionId, { signal });
      const blockId = blockIdOf(bytes, hasher);
      const proof = await node.blockProof(blockId, { signal });
      const { milestone, applied, block } = await checker.inclusion(blockId, proof);
      if (!applied || block.payload?.kind !== 'transaction') return undefined;
      if (transactionIdOf(encodePayload(block.payload), hasher) !== transactionId) return undefined;
      return { blockId, milestoneIndex: milestone.header.index, milestone, state: 'included' };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** Wakes a waiting loop; a ring while nobody waits is kept for the next wait. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at a ring, after `timeMs`, or on `signal`. */
  async wait(timeMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', finish);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(finish, timeMs);
        signal.addEventListener('abort', finish);
        this.#wake = finish;
      });
    }
    this.#rung = false;
  }
}

/** The node will not take this block again: its parents lie too deep. */
function isTooOld(error: unknown): boolean {
  return error instanceof NodeApiError && error.code === 'below-max-depth';
}

function isTooLittleWork(error: unknown): boolean {
  if (!(error instanceof NodeApiError)) return false;
  return error.code === 'pow-insufficient' || error.code === 'pow-below-load';
}
