/**
 * The elections of a snapshot: from the committee of genesis on, each certified by the one before,
 * they prove who certified the milestones of the window. Path: verifier.ts → here → window.ts.
 * Spec: docs/spec/12-snapshot.md §4.
 */
import type { MilestoneId } from '../codec/ids.ts';
import { decodeMilestone, milestoneIdOf, type Milestone } from '../codec/milestone.ts';
import { epochOf } from '../milestone/committee.ts';
import { checkNewTerm, Terms } from '../milestone/terms.ts';
import { assert, succeed } from '../outcome.ts';
import type { SnapshotHeader } from './codec.ts';
import { refuseSnapshot, type SnapshotOutcome } from './codes.ts';
import type { SnapshotTrust } from './trust.ts';

/** A milestone that is proven to have named the committee of `epoch` and what follows. */
export interface ProvenElection {
  readonly epoch: number;
  /** As it travels, with its certificate. */
  readonly bytes: Uint8Array;
}

/** Takes the elections of one file in their order; then it answers for the window. */
export class ProvenElections {
  readonly #trust: SnapshotTrust;
  readonly #header: SnapshotHeader;
  /** Those that the window needs: one that ended before it is let go. */
  #terms: Terms;
  /** Of elections inside the window, by index. */
  readonly #inWindow = new Map<number, MilestoneId>();

  constructor(trust: SnapshotTrust, header: SnapshotHeader) {
    const { committee } = trust.genesis.parent;
    this.#trust = trust;
    this.#header = header;
    this.#terms = new Terms([{ epoch: 0, committee }]);
  }

  /** Codes: `snapshot-form`, `snapshot-order`, `snapshot-election`. */
  take(bytes: Uint8Array): SnapshotOutcome<ProvenElection> {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return refuseSnapshot('snapshot-form', `an election: ${decoded.code}`);
    const milestone = decoded.value;
    const { index, epoch } = milestone.header;
    const { genesis, params, hasher, verifier } = this.#trust;
    const { last } = this.#terms;
    if (epoch < last.epoch) return refuseSnapshot('snapshot-order', `election ${index}`);
    if (index > this.#header.target.index) {
      return refuseSnapshot('snapshot-election', `${index} is behind the target`);
    }
    const context = { networkId: genesis.networkId, params, hasher, verifier };
    const elected = checkNewTerm(milestone, last.committee, context);
    if (!elected.ok) return refuseSnapshot('snapshot-election', `${elected.code} at ${index}`);
    const term = elected.value;
    if (term.epoch <= epochOf(this.#header.windowFirst, params)) this.#terms = new Terms([term]);
    else this.#terms.add(term);
    if (index >= this.#header.windowFirst) {
      this.#inWindow.set(index, milestoneIdOf(milestone.header, hasher));
    }
    return succeed({ epoch: term.epoch, bytes });
  }

  /** The keys in seat order that certify milestone `index`, from the window on. */
  committeeOf(index: number): readonly Uint8Array[] {
    const term = this.#terms.at(epochOf(index, this.#trust.params));
    assert(term !== undefined, 'terms reach back to the window');
    return term.committee;
  }

  /**
   * Elections of the window stand in both places, and nowhere else: a start between an election and
   * the end of its epoch must know it. Code: `snapshot-election`.
   */
  checkListed({ header, body }: Milestone, id: MilestoneId): SnapshotOutcome<void> {
    const named = body.options.nextCommittee === undefined ? undefined : id;
    return this.#inWindow.get(header.index) === named
      ? succeed(undefined)
      : refuseSnapshot('snapshot-election', `that of ${header.index} is not the one listed`);
  }
}
