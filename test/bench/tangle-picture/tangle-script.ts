/**
 * What a node's socket tells of a growing tangle, the same for the same seed: blocks upon two of
 * the last ones, and every five seconds a milestone that references all that is older than a
 * second; one block in fifty is in conflict. After: page.tsx, and the tests of the feed.
 */
import {
  bytesToHex,
  type BlockId,
  type MilestoneId,
} from '../../../libs/tangle/src/core/codec/ids.ts';
import { encodeMilestone } from '../../../libs/tangle/src/core/codec/milestone.ts';
import { SeededRandom } from '../../fuzz/random-objects.ts';

const MILESTONE_STEP_MS = 5_000;
const REFERENCED_AFTER_MS = 1_000;
/** Parents are among so many of the last blocks. */
const RECENT = 40;
const CONFLICT_ONE_IN = 50;

export interface ScriptEvent {
  readonly atMs: number;
  readonly message: { readonly topic: string; readonly data: object };
}

interface Waiting {
  readonly atMs: number;
  readonly blockId: BlockId;
  readonly parents: readonly BlockId[];
}

/** The bytes of a milestone upon these blocks; nobody signed it. */
function milestoneBytes(index: number, timestampMs: number, parents: readonly BlockId[]): string {
  const root = new Uint8Array(32);
  const header = {
    version: 1 as const,
    epoch: 0,
    index,
    view: BigInt(index),
    timestampMs,
    previousId: '00'.repeat(32) as MilestoneId,
    parentsRoot: root,
    inclusionRoot: root,
    appliedRoot: root,
    stateRoot: root,
    committeeRoot: root,
    optionsRoot: root,
  };
  const statement = { kind: 'finalize' as const, epoch: 0, view: BigInt(index), digest: root };
  const certificate = { ...statement, bitmapLength: 1, signers: [0], signatures: [SIGNATURE] };
  const body = { parents: parents.toSorted(), options: {} };
  return bytesToHex(encodeMilestone({ header, body, certificate }));
}

const SIGNATURE = new Uint8Array(64);

export class TangleScript {
  readonly #random: SeededRandom;
  readonly #stepMs: number;
  #nextMs = 0;
  #milestoneMs = 0;
  #index = 0;
  #recent: BlockId[] = [];
  #waiting: Waiting[] = [];

  constructor(blocksPerSecond: number, seed: number) {
    this.#random = new SeededRandom(seed);
    this.#stepMs = 1_000 / blocksPerSecond;
  }

  start(atMs: number): void {
    this.#nextMs = atMs;
    this.#milestoneMs = atMs + MILESTONE_STEP_MS;
  }

  /** What happens up to a time, since the last call. */
  *until(untilMs: number): Generator<ScriptEvent> {
    for (; this.#nextMs <= untilMs; this.#nextMs += this.#stepMs) {
      const atMs = Math.floor(this.#nextMs);
      yield* this.#block(atMs);
      if (this.#nextMs < this.#milestoneMs) continue;
      yield* this.#milestone(atMs);
      this.#milestoneMs += MILESTONE_STEP_MS;
    }
  }

  *#block(atMs: number): Generator<ScriptEvent> {
    const blockId = this.#random.hex(32) as BlockId;
    const last = this.#recent.length - 1;
    const pick = (): BlockId[] => this.#recent.slice(this.#random.between(0, last)).slice(0, 1);
    const parents = last < 0 ? [] : [...new Set([...pick(), ...pick()])].toSorted();
    this.#recent = [...this.#recent, blockId].slice(-RECENT);
    this.#waiting.push({ atMs, blockId, parents });
    yield { atMs, message: { topic: 'blocks', data: { blockId, kind: 'none', parents } } };
  }

  *#milestone(atMs: number): Generator<ScriptEvent> {
    const index = ++this.#index;
    const done = this.#waiting.filter((one) => one.atMs <= atMs - REFERENCED_AFTER_MS);
    this.#waiting = this.#waiting.slice(done.length);
    for (const [whiteFlagIndex, { blockId, parents }] of done.entries()) {
      const isConflict = this.#random.chance(CONFLICT_ONE_IN);
      const ledgerInclusionState = isConflict ? 'conflicting' : 'noTransaction';
      const place = { referencedByMilestoneIndex: index, whiteFlagIndex, ledgerInclusionState };
      const data = { blockId, parents, solid: true, ...place };
      yield { atMs, message: { topic: 'block-metadata/referenced', data } };
    }
    const milestoneId = this.#random.hex(32);
    const roots = done.slice(-4).map(({ blockId }) => blockId);
    const bytes = milestoneBytes(index, atMs, roots);
    const named = { index, timestampMs: atMs, milestoneId };
    yield { atMs, message: { topic: 'milestones', data: { ...named, bytes } } };
    const counts = { blocks: done.length, applied: 0, conflicting: 0 };
    yield { atMs, message: { topic: 'milestones/confirmed', data: { ...named, ...counts } } };
  }
}
