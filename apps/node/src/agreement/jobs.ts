/**
 * Checking and building of milestones: one at a time, always the newest that the agreement asked
 * for. What it stands on is checked first; what waits for blocks asks for them and is tried again
 * when some came. Path: `agreement.ts` → here → confirmation/ → back.
 * Spec: docs/spec/15-consensus.md §5, §6.
 */
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { SpeculativeEngine } from '../confirmation/speculation.ts';
import type { Leader } from './leader.ts';
import type { Timers } from './ports.ts';

type Check = Extract<SimplexAction, { do: 'check' }>;
type Build = Extract<SimplexAction, { do: 'build' }>;
export type Job = Check | Build;

export interface JobsDeps {
  readonly engine: Pick<SpeculativeEngine, 'latest' | 'halted' | 'has' | 'check' | 'build'>;
  readonly leader: Pick<Leader, 'choose'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** False while the node is far behind: nothing is built then. */
  isFollowing(): boolean;
  wantBlocks(ids: readonly BlockId[]): void;
  onChecked(simplex: Simplex, job: Check, isValid: boolean): void;
  onBuilt(simplex: Simplex, job: Build, entry: Entry): void;
  readonly logger: Logger;
  onFatal(error: unknown): void;
}

/**
 * Pause after a job that could not be done yet. Blocks become solid hundreds of times a second, and
 * each attempt walks the cone as far as it is there.
 */
const RETRY_MS = 50;

interface Asked {
  readonly job: Job;
  /** Who asked, and knows what leads to the milestone. */
  readonly simplex: Simplex;
}

export class Jobs {
  readonly #deps: JobsDeps;
  #asked: Asked | undefined;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();
  /** Something happened since the last attempt began. */
  #isStale = false;
  #endPause: (() => void) | undefined;
  #isStopped = false;
  /** Ancestors that break a rule, until the next milestone is committed. */
  readonly #refused = { index: -1, ids: new Set<MilestoneId>() };

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /** Takes a job in place of the one that waited. */
  take(job: Job, simplex: Simplex): void {
    this.#asked = { job, simplex };
    this.#endPause?.();
    this.#endPause = undefined;
    this.wake();
  }

  /** What waited is not wanted any more. */
  drop(): void {
    this.#asked = undefined;
  }

  /** Blocks came, a milestone was committed, or time has passed: a job may go on. */
  wake(): void {
    if (this.#current() === undefined) return;
    this.#isStale = true;
    if (this.#isRunning || this.#endPause !== undefined) return;
    this.#isRunning = true;
    this.#run = this.#work();
  }

  /** Resolves when nothing is being checked or built. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause?.();
    await this.#run;
  }

  /** The job, unless its view is over. */
  #current(): Asked | undefined {
    const asked = this.#asked;
    if (asked === undefined || this.#isStopped) return undefined;
    if (asked.job.view < asked.simplex.view) this.#asked = undefined;
    return this.#asked;
  }

  async #work(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const asked = this.#current();
        if (asked === undefined || this.#deps.engine.halted !== undefined) break;
        const isDone = await this.#do(asked);
        if (this.#asked !== asked) continue;
        if (!isDone) {
          this.#pause();
          break;
        }
        this.#asked = undefined;
      }
    } catch (error) {
      this.#isStopped = true;
      this.#deps.onFatal(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** What happens meanwhile is looked at after the pause. */
  #pause(): void {
    if (this.#isStopped) return;
    this.#endPause = this.#deps.timers.after(RETRY_MS, () => {
      this.#endPause = undefined;
      if (this.#isStale) this.wake();
    });
  }

  #do(asked: Asked): Promise<boolean> {
    const { job, simplex } = asked;
    return job.do === 'check' ? this.#check(asked, job, simplex) : this.#build(asked, job, simplex);
  }

  async #check(asked: Asked, job: Check, simplex: Simplex): Promise<boolean> {
    const { engine, clock, logger } = this.#deps;
    const { id, header, body } = job;
    if (!(await this.#isReady(header.previousId, asked))) return false;
    const checked = await engine.check(id, { header, body }, clock.nowMs());
    if (this.#isMissing(checked) || this.#isUnjudged(checked)) return false;
    if (!checked.ok) {
      const { code, detail } = checked;
      logger.debug({ code, detail, index: header.index }, 'a proposed milestone breaks a rule');
    }
    // Of what is outdated meanwhile the agreement takes what it still needs.
    this.#deps.onChecked(simplex, job, checked.ok);
    return true;
  }

  async #build(asked: Asked, job: Build, simplex: Simplex): Promise<boolean> {
    const { engine, leader, logger } = this.#deps;
    if (!this.#deps.isFollowing() || !(await this.#isReady(job.parent, asked))) return false;
    const built = await engine.build(job.parent, job.view, (parent, view) =>
      leader.choose(parent, view),
    );
    if (!built.ok) {
      logger.debug({ code: built.code, detail: built.detail }, 'no milestone could be built');
      return false;
    }
    const { header, body } = built.value;
    this.#deps.onBuilt(simplex, job, { header, body });
    return true;
  }

  /** Whether the state after milestone `id` is known; checks what leads to it, each once. */
  async #isReady(id: MilestoneId, asked: Asked): Promise<boolean> {
    const { engine } = this.#deps;
    const way = this.#wayTo(id, asked.simplex);
    if (way === undefined) return false;
    for (const [one, entry] of way) {
      if (this.#asked !== asked || this.#isRefused(one)) return false;
      const checked = await engine.check(one, entry);
      if (checked.ok) continue;
      if (!this.#isMissing(checked) && !this.#isUnjudged(checked)) this.#refuse(one, checked);
      return false;
    }
    return true;
  }

  /** The milestones from what is known up to `id`, oldest first; undefined if one is missing. */
  #wayTo(id: MilestoneId, simplex: Simplex): [MilestoneId, Entry][] | undefined {
    const { engine } = this.#deps;
    const way: [MilestoneId, Entry][] = [];
    for (let at = id; !engine.has(at);) {
      const entry = simplex.entryOf(at);
      if (entry === undefined || entry.header.index <= engine.latest.header.index) return undefined;
      way.push([at, entry]);
      at = entry.header.previousId;
    }
    return way.toReversed();
  }

  #isRefused(id: MilestoneId): boolean {
    const { index } = this.#deps.engine.latest.header;
    if (index !== this.#refused.index) this.#refused.ids.clear();
    this.#refused.index = index;
    return this.#refused.ids.has(id);
  }

  /**
   * Nothing is said of the milestone: the engine has halted, or what it stands on has left its
   * memory in the meantime.
   */
  #isUnjudged(checked: Outcome<void>): boolean {
    if (checked.ok) return false;
    return this.#deps.engine.halted !== undefined || checked.code === 'milestone-previous';
  }

  #refuse(id: MilestoneId, { code, detail }: { code: string; detail?: string | undefined }): void {
    this.#refused.ids.add(id);
    this.#deps.logger.warn({ code }, 'a milestone that a quorum took breaks a rule here');
    this.#deps.logger.debug({ milestone: id, detail }, 'it is this one');
  }

  /** Asks for the block that a cone lacks; false if something else is wrong, or nothing. */
  #isMissing(checked: Outcome<void>): boolean {
    if (checked.ok || checked.code !== 'milestone-cone-missing') return false;
    if (checked.detail !== undefined) this.#deps.wantBlocks([checked.detail as BlockId]);
    return true;
  }
}
