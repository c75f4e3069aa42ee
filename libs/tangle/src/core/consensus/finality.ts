/**
 * From finality certificates to the row of final milestones: what a milestone stands on is final
 * with it, and is ratified where it has no certificate of its own. Path: `simplex.ts` → here →
 * `final-chain.ts`. Spec: docs/spec/15-consensus.md §8.
 */
import type { Certificate } from '../codec/certificate.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import type { SimplexOptions } from './actions.ts';
import type { FinalChain } from './final-chain.ts';
import type { Outbox } from './outbox.ts';
import { digestId } from './round.ts';
import type { Views } from './views.ts';
import type { Voter } from './voter.ts';

interface FinalityParts {
  readonly chain: FinalChain;
  readonly views: Views;
  readonly voter: Voter;
  readonly outbox: Outbox;
}

export class Finality {
  readonly #options: Pick<SimplexOptions, 'seat' | 'deltaMs'>;
  readonly #parts: FinalityParts;
  /** When ratifications are sent again; views may change too fast for their timer to fire. */
  #ratifyMs = Infinity;

  constructor(options: Pick<SimplexOptions, 'seat' | 'deltaMs'>, parts: FinalityParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** When `ratifyAgain` has something to do. */
  get wakeMs(): number {
    return this.#ratifyMs;
  }

  /** The clock was set back: what is open is sent again at once. */
  onClockSetBack(nowMs: number): void {
    this.#ratifyMs = Math.min(this.#ratifyMs, nowMs);
  }

  /**
   * A quorum finalised `id`: it and what it stands on is final.
   * @returns the milestone on the way that is not known, if there is one.
   */
  finalize(id: MilestoneId, nowMs: number): MilestoneId | undefined {
    const { chain, views, voter } = this.#parts;
    chain.proveDirectly(views.all());
    const { unproven, missing } = chain.finalize(id);
    for (const one of unproven) {
      const header = chain.headerOf(one);
      if (header !== undefined) voter.say('ratify', header.view, idToBytes(one));
    }
    if (chain.unproven.length > 0 && this.#ratifyMs === Infinity) {
      this.#ratifyMs = nowMs + this.#options.deltaMs;
    }
    return missing;
  }

  /** A certificate of kind ratify came or was completed. */
  prove(certificate: Certificate): void {
    this.#parts.chain.prove(digestId(certificate), certificate);
  }

  /** Hands out the proven milestones that follow the base. @returns whether there were any. */
  handOut(): boolean {
    const { chain, views, outbox } = this.#parts;
    chain.proveDirectly(views.all());
    const taken = chain.take();
    for (const { id, milestone } of taken) outbox.push({ do: 'final', id, milestone });
    return taken.length > 0;
  }

  /** Final milestones wait for a certificate: our part of it again, and theirs if there is one. */
  ratifyAgain(nowMs: number): void {
    const { chain, views, outbox } = this.#parts;
    const { seat, deltaMs } = this.#options;
    this.#ratifyMs = chain.unproven.length > 0 ? nowMs + deltaMs : Infinity;
    const open = chain.unproven.flatMap((id) => chain.headerOf(id)?.view ?? []);
    for (const view of open) {
      const votes = seat === undefined ? [] : views.round(view).votesOf(seat);
      const vote = votes.find(({ kind }) => kind === 'ratify');
      if (vote !== undefined) outbox.send({ type: 'vote', vote });
    }
    outbox.fetch(open, [], nowMs);
  }
}
