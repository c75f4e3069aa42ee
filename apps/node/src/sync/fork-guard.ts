/**
 * What stops a node for good: two certified milestones of one index, or a certified milestone that
 * breaks a rule here. The evidence is written, synced, and halts confirmation after a restart, too,
 * until an operator removes it (`tools db evidence --clear`). Used by milestone-sync.ts and
 * node.ts. Spec: docs/spec/13-sync.md §8.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';

/** A milestone kept as proof. */
export interface Evidence {
  readonly index: number;
  readonly bytes: Uint8Array;
}

export interface ForkGuardDeps {
  readonly engine: Pick<ConfirmationEngine, 'halt' | 'halted'>;
  readonly store: { saveEvidence(index: number, milestones: readonly Uint8Array[]): Promise<void> };
  readonly logger: Logger;
  /** The evidence could not be written. */
  onFatal(error: unknown): void;
}

export class ForkGuard {
  readonly #deps: ForkGuardDeps;

  constructor(deps: ForkGuardDeps) {
    this.#deps = deps;
  }

  /** Two final milestones of one index: more than a third of the committee is at fault. */
  async onFork(index: number, milestones: readonly Uint8Array[]): Promise<void> {
    const { engine, logger } = this.#deps;
    if (engine.halted !== undefined) return;
    engine.halt(forkReason(index));
    logger.error(
      { index },
      'FORK: two certified milestones have one index. This node confirms nothing more, also ' +
        'after a restart. The evidence is kept in its store; see docs/spec/13-sync.md',
    );
    await this.#save(index, milestones);
  }

  /** A certified milestone that this node cannot follow: no peer's fault but a disagreement. */
  async onBrokenRule(index: number, bytes: Uint8Array, code: string, why?: string): Promise<void> {
    const { engine, logger } = this.#deps;
    if (engine.halted !== undefined) return;
    engine.halt(`${brokenRuleReason(index)}: ${code}`);
    logger.error(
      { index, code, detail: why },
      'a certified milestone breaks a rule on this node, which therefore confirms nothing more',
    );
    await this.#save(index, [bytes]);
  }

  async #save(index: number, milestones: readonly Uint8Array[]): Promise<void> {
    const { logger, store } = this.#deps;
    try {
      await store.saveEvidence(index, milestones);
    } catch (error) {
      logger.error(errorFields(error), 'the evidence could not be written');
      this.#deps.onFatal(error);
    }
  }
}

/** Halts an engine whose store holds evidence of an earlier run; true when it does. */
export function haltOnEvidence(
  evidence: readonly Evidence[],
  engine: Pick<ConfirmationEngine, 'halt'>,
  logger: Logger,
): boolean {
  const [first] = evidence;
  if (first === undefined) return false;
  const { index } = first;
  const isFork = evidence.filter((one) => one.index === index).length > 1;
  engine.halt(isFork ? forkReason(index) : brokenRuleReason(index));
  logger.error(
    { index, milestones: evidence.length },
    'the store holds evidence against the committee: this node confirms nothing. When it has ' +
      'been looked into, remove it with `tangle-node tools db evidence --clear`',
  );
  return true;
}

function forkReason(index: number): string {
  return `two different final milestones have index ${index}`;
}

function brokenRuleReason(index: number): string {
  return `milestone ${index} is certified but breaks a rule on this node`;
}
