/**
 * Milestones that passed the rules and are not committed yet, with what they change: proposals are
 * judged and built on them before they are final. The ledger of the last committed milestone stays
 * untouched below. Path: `simplex.ts` asks for a check or a milestone → here (`contextOn`) →
 * `milestone/rules.ts`, `milestone/build.ts` → here (`add`). Spec: docs/spec/15-consensus.md §6.
 */
import type { BlockId, MilestoneId, OutputId } from '../codec/ids.ts';
import type { MilestoneBody, MilestoneHeader } from '../codec/milestone.ts';
import type { OutputState } from '../ledger/apply-milestone.ts';
import {
  parentOf,
  type ContentContext,
  type MilestoneResult,
  type ParentMilestone,
} from '../milestone/rules.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import type { UnreferencedView } from '../tips/window.ts';

/**
 * Candidates that are kept. Each view's leader can add one, and a full one has 20,000 blocks. Views
 * that come to nothing leave the oldest; a branch is never cut below what was added last, for the
 * next milestone may stand on it however long finality takes.
 */
export const MAX_CANDIDATES = 32;

/** A checked milestone above the committed one. */
export interface Candidate {
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  readonly result: MilestoneResult;
}

interface Layer extends Candidate {
  readonly state: ParentMilestone;
  /** Blocks that it references newly or names: their root index is its own. */
  readonly marks: ReadonlySet<BlockId>;
  readonly outputs: ReadonlyMap<OutputId, OutputState>;
}

/** What the state after a milestone is computed with. */
interface Rules {
  readonly params: NetworkParams;
  readonly hasher: Hasher;
}

export class Candidates {
  readonly #rules: Rules;
  readonly #layers = new Map<MilestoneId, Layer>();
  #base: ParentMilestone;

  /** @param base the last committed milestone. */
  constructor(base: ParentMilestone, { params, hasher }: Rules) {
    this.#base = base;
    this.#rules = { params, hasher };
  }

  /** The last committed milestone. */
  get base(): ParentMilestone {
    return this.#base;
  }

  /** The base or a checked milestone above it, as the parent of the next. */
  stateOf(id: MilestoneId): ParentMilestone | undefined {
    return id === this.#base.id ? this.#base : this.#layers.get(id)?.state;
  }

  /** What a checked milestone does to the ledger. */
  resultOf(id: MilestoneId): MilestoneResult | undefined {
    return this.#layers.get(id)?.result;
  }

  /**
   * Takes a milestone in whose predecessor is here; it has passed `checkMilestone`. Of more than
   * MAX_CANDIDATES one of an old view leaves on which no other stands.
   */
  add(id: MilestoneId, { header, body, result }: Candidate): void {
    const before = this.stateOf(header.previousId);
    if (before === undefined || this.#layers.has(id)) return;
    const outputs = new Map<OutputId, OutputState>();
    for (const record of result.diff.created) outputs.set(record.outputId, record);
    for (const { outputId } of result.diff.consumed) outputs.set(outputId, 'spent');
    const state = parentOf({ header, body }, before, result, this.#rules);
    const marks = new Set([...result.included, ...body.parents]);
    this.#layers.set(id, { header, body, result, state, marks, outputs });
    if (this.#layers.size > MAX_CANDIDATES) this.#dropOldest(id);
  }

  /**
   * What the rules read after milestone `id`: the committed state under the layers up to it.
   * Undefined if the way from the base to it is not here.
   */
  contextOn(id: MilestoneId, committed: ContentContext): ContentContext | undefined {
    const layers = this.#pathTo(id);
    if (layers === undefined || layers.length === 0) return layers && committed;
    return {
      ...committed,
      outputs: (outputId) => {
        for (const { outputs } of layers) {
          const state = outputs.get(outputId);
          if (state !== undefined) return state;
        }
        return committed.outputs(outputId);
      },
      rootIndexOf: (blockId) => {
        const layer = layers.find(({ marks }) => marks.has(blockId));
        return layer?.header.index ?? committed.rootIndexOf(blockId);
      },
    };
  }

  /**
   * The DAG without what the milestones up to `id` reference: where its successor's parents are
   * chosen. Roots are those of the committed milestone: older than the true ones, never younger.
   */
  viewOn(id: MilestoneId, dag: UnreferencedView): UnreferencedView {
    const layers = this.#pathTo(id) ?? [];
    return {
      // At most so many: those of the layers are among them.
      unreferencedCount: dag.unreferencedCount,
      get: (blockId) => dag.get(blockId),
      coneRoots: (blockId) => dag.coneRoots(blockId),
      *unreferenced() {
        for (const blockId of dag.unreferenced()) {
          if (!layers.some(({ marks }) => marks.has(blockId))) yield blockId;
        }
      },
    };
  }

  /** A milestone was committed; what does not stand on it is forgotten. */
  moveTo(base: ParentMilestone): void {
    this.#base = base;
    for (const id of this.#layers.keys()) {
      if (this.#pathTo(id) === undefined || id === base.id) this.#layers.delete(id);
    }
  }

  /** The end of the branch whose last view is the oldest, if there is another branch than this. */
  #dropOldest(newest: MilestoneId): void {
    const hasNext = new Set(Array.from(this.#layers.values(), ({ header }) => header.previousId));
    const ends = [...this.#layers].filter(([id]) => id !== newest && !hasNext.has(id));
    ends.sort(([, a], [, b]) => (a.header.view < b.header.view ? -1 : 1));
    const [oldest] = ends;
    if (oldest !== undefined) this.#layers.delete(oldest[0]);
  }

  /** The layers from `id` down to the base, newest first; undefined if one is missing. */
  #pathTo(id: MilestoneId): Layer[] | undefined {
    const path: Layer[] = [];
    for (let at = id; at !== this.#base.id;) {
      const layer = this.#layers.get(at);
      if (layer === undefined) return undefined;
      path.push(layer);
      at = layer.header.previousId;
    }
    return path;
  }
}
