/**
 * What the agreement asked for last: to check a milestone, or to build one. It is tried again as
 * blocks come, until it is done or its view is over.
 * Path: `node.ts` → here → `chain.ts`, and the answer back to the agreement.
 */
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { SimChain } from './chain.ts';

export type Job = Extract<SimplexAction, { do: 'check' | 'build' }>;

/** What changes with a restart or an epoch is asked for each time. */
export interface JobsDeps {
  readonly chain: () => SimChain;
  readonly simplex: () => Simplex;
  readonly nowMs: () => number;
  readonly act: (actions: readonly SimplexAction[]) => void;
  /** Asks peers for a block and for all that blocks lack. */
  readonly want: (id: BlockId) => void;
}

export class Jobs {
  readonly #deps: JobsDeps;
  #job: Job | undefined;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /** What was asked for before is not wanted any more. */
  take(job: Job | undefined): void {
    this.#job = job;
  }

  /** Goes on with what waits for blocks. */
  work(): void {
    const job = this.#job;
    if (job === undefined) return;
    if (job.view < this.#deps.simplex().view) this.#job = undefined;
    else if (job.do === 'check') this.#check(job);
    else this.#build(job);
  }

  /** Asks for the block that a cone lacks; false if something else is wrong. */
  isMissing({ code, detail }: { code: string; detail?: string | undefined }): boolean {
    if (code !== 'milestone-cone-missing' || detail === undefined) return false;
    const id = detail as BlockId;
    if (!this.#deps.chain().reload(id)) this.#deps.want(id);
    return true;
  }

  #check(job: Extract<Job, { do: 'check' }>): void {
    const { chain, simplex, nowMs, act } = this.#deps;
    if (!this.#isReady(job.header.previousId)) return;
    const checked = chain().check(job.id, job, nowMs());
    if (!checked.ok && this.isMissing(checked)) return;
    this.#job = undefined;
    act(simplex().onChecked(job.view, job.id, checked.ok, nowMs()));
  }

  #build(job: Extract<Job, { do: 'build' }>): void {
    const { chain, simplex, nowMs, act } = this.#deps;
    if (!this.#isReady(job.parent)) return;
    const built = chain().build(job.parent, job.view, nowMs());
    if (!built.ok) return;
    this.#job = undefined;
    act(simplex().onBuilt(job.view, built.value, nowMs()));
  }

  /** Whether the state after milestone `id` is known; checks what leads to it. */
  #isReady(id: MilestoneId): boolean {
    const chain = this.#deps.chain();
    if (chain.candidates.stateOf(id) !== undefined) return true;
    const entry = this.#deps.simplex().entryOf(id);
    if (entry === undefined || entry.header.index <= chain.latest.header.index) return false;
    if (!this.#isReady(entry.header.previousId)) return false;
    const checked = chain.check(id, entry);
    if (!checked.ok) this.isMissing(checked);
    return checked.ok;
  }
}
