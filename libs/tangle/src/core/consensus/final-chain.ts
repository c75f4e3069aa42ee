/**
 * The proposed milestones above the last final one, and which of them are final and proven so. A
 * milestone is final when a quorum finalised it or one that stands on it; in the second case the
 * committee ratifies it, so that every final milestone has a certificate of one size.
 * Path: `simplex.ts`. Spec: docs/spec/15-consensus.md §8.
 */
import type { Certificate } from '../codec/certificate.ts';
import type { MilestoneId } from '../codec/ids.ts';
import type { Milestone, MilestoneBody, MilestoneHeader } from '../codec/milestone.ts';
import { digestId, type Round } from './round.ts';

/** A milestone on which the agreement builds: final, known to all. */
export interface Base {
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
}

/** A proposed milestone. */
export interface Entry {
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
}

/** A final milestone with its certificate. */
export interface ProvenMilestone {
  readonly id: MilestoneId;
  readonly milestone: Milestone;
}

export class FinalChain {
  readonly #entries = new Map<MilestoneId, Entry>();
  readonly #proofs = new Map<MilestoneId, Certificate>();
  readonly #final = new Set<MilestoneId>();
  /** Finalised, with something of their past still unknown. */
  readonly #open = new Set<MilestoneId>();
  /** Milestones that a final one stands on and whose content is not known. */
  readonly #wanted = new Set<MilestoneId>();
  #base: Base;
  #greatest: Certificate | undefined;

  constructor(base: Base) {
    this.#base = base;
  }

  get base(): Base {
    return this.#base;
  }

  /** The finality certificate of the greatest view that is known. */
  get greatest(): Certificate | undefined {
    return this.#greatest;
  }

  /** Notes a finality certificate, for peers that have not heard of it. */
  note(certificate: Certificate): void {
    if (certificate.view > (this.#greatest?.view ?? -1n)) this.#greatest = certificate;
  }

  /** The header of the base or of a proposal above it. */
  headerOf(id: MilestoneId): MilestoneHeader | undefined {
    return id === this.#base.id ? this.#base.header : this.#entries.get(id)?.header;
  }

  entry(id: MilestoneId): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Whether the content of this milestone is missing on the way to a final one. */
  wants(id: MilestoneId): boolean {
    return this.#wanted.has(id);
  }

  /**
   * The first milestone on the way from `id` down to the base whose content is unknown. Its view
   * may look nullified from here, while others saw it notarised and built on it.
   */
  gapBelow(id: MilestoneId): MilestoneId | undefined {
    let at = id;
    for (let header = this.headerOf(at); header !== undefined; header = this.headerOf(at)) {
      if (header.index <= this.#base.header.index) return undefined;
      at = header.previousId;
    }
    this.#wanted.add(at);
    return at;
  }

  add(id: MilestoneId, entry: Entry): void {
    this.#wanted.delete(id);
    if (entry.header.index > this.#base.header.index) this.#entries.set(id, entry);
  }

  /**
   * Notes that a quorum finalised `id`, and with it all that it stands on.
   * @returns the newly final milestones that have no proof yet, oldest first; and what is missing.
   */
  finalize(id: MilestoneId): { unproven: MilestoneId[]; missing?: MilestoneId } {
    const path: MilestoneId[] = [];
    for (let at = id; at !== this.#base.id;) {
      const entry = this.#entries.get(at);
      if (entry === undefined) {
        this.#open.add(id);
        this.#wanted.add(at);
        return { unproven: [], missing: at };
      }
      if (this.#final.has(at)) break;
      path.push(at);
      at = entry.header.previousId;
    }
    this.#open.delete(id);
    for (const one of path) this.#final.add(one);
    return { unproven: path.filter((one) => !this.#proofs.has(one)).toReversed() };
  }

  /** Finalised milestones whose past was not known yet. */
  get open(): readonly MilestoneId[] {
    return [...this.#open];
  }

  /** Final milestones that wait for a certificate of their own. */
  get unproven(): readonly MilestoneId[] {
    return [...this.#final].filter((id) => !this.#proofs.has(id));
  }

  /** A certificate that names the milestone at its own view: finalize or ratify. */
  prove(id: MilestoneId, certificate: Certificate): void {
    if (id !== this.#base.id) this.#proofs.set(id, certificate);
  }

  /** Finality certificates that name a milestone at its own view prove it as they are. */
  proveDirectly(rounds: Iterable<Pick<Round, 'certificates'>>): void {
    for (const { certificates } of rounds) {
      const { finalize } = certificates;
      if (finalize === undefined) continue;
      const id = digestId(finalize);
      if (this.headerOf(id)?.view === finalize.view) this.prove(id, finalize);
    }
  }

  /** Hands out the final milestones that follow the base and are proven, and moves the base. */
  take(): ProvenMilestone[] {
    const taken: ProvenMilestone[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      taken.push(next);
      this.moveTo({ id: next.id, header: next.milestone.header });
    }
    return taken;
  }

  /** Sets the base, also to one learned from elsewhere, and forgets what is not above it. */
  moveTo(base: Base): void {
    this.#base = base;
    for (const [id, { header }] of this.#entries) {
      if (header.index > base.header.index) continue;
      this.#entries.delete(id);
      this.#forget(id);
    }
    this.#forget(base.id);
    this.#wanted.clear();
  }

  #forget(id: MilestoneId): void {
    this.#proofs.delete(id);
    this.#final.delete(id);
    this.#open.delete(id);
  }

  #next(): ProvenMilestone | undefined {
    for (const id of this.#final) {
      const entry = this.#entries.get(id);
      const certificate = this.#proofs.get(id);
      if (entry === undefined || certificate === undefined) continue;
      if (entry.header.previousId !== this.#base.id) continue;
      return { id, milestone: { ...entry, certificate } };
    }
    return undefined;
  }
}
