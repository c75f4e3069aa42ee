/**
 * What this node saw of the load at each milestone, whoever made it, so that its seat can say how
 * dear the next block shall be when it leads: a seat leads one view in n, and what it knows only of
 * its own milestones would make a flood look n times as short. On the path: node.ts tells it of
 * every confirmed milestone → here → core/milestone/load → who leads.
 * Spec: docs/spec/14-load.md §5.
 */
import { LoadControl, type LoadFacts } from '@tanglemail/tangle/core/milestone/load.ts';
import { powLoadBitsOf } from '@tanglemail/tangle/core/milestone/rules.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ConfirmedMilestone } from './confirmation-engine.ts';

export interface LoadWatchDeps {
  readonly params: NetworkParams;
  readonly dag: { readonly unreferencedCount: number };
  /** Share of the intake queues that is in use, 0–1. */
  queueFill(): number;
  readonly logger: Logger;
}

export class LoadWatch {
  readonly #deps: LoadWatchDeps;
  readonly #control: LoadControl;
  #loadBits: number;
  #confirmMs = 0;

  /** `loadBits` is the load term of the last milestone of the store. */
  constructor(deps: LoadWatchDeps, loadBits: number) {
    this.#deps = deps;
    this.#control = new LoadControl(deps.params);
    this.#loadBits = loadBits;
  }

  /** The load term for a milestone at `timestampMs` on one with `loadBits`, by what waits now. */
  choose(loadBits: number, timestampMs: number): number {
    return this.#control.choose(loadBits, timestampMs, this.#facts(0));
  }

  /** A milestone is final; `dag` has followed it already. */
  onConfirmed({ milestone, result, elapsedMs }: Confirmed): void {
    const before = this.#loadBits;
    const load = powLoadBitsOf(milestone.body.options);
    this.#confirmMs = elapsedMs;
    const facts = this.#facts(result.included.length);
    this.#control.made(before, load, milestone.header.timestampMs, facts);
    this.#loadBits = load;
    if (load !== before) this.#deps.logger.info({ before, load, ...facts }, 'difficulty changes');
  }

  /** `taken`: blocks that waited until the milestone that came just now. */
  #facts(taken: number): LoadFacts {
    return {
      waitingBlocks: this.#deps.dag.unreferencedCount + taken,
      queueFill: this.#deps.queueFill(),
      confirmMs: this.#confirmMs,
    };
  }
}

type Confirmed = Pick<ConfirmedMilestone, 'elapsedMs'> & {
  readonly milestone: Pick<ConfirmedMilestone['milestone'], 'header' | 'body'>;
  readonly result: Pick<ConfirmedMilestone['result'], 'included'>;
};
