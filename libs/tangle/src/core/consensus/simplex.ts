/**
 * The agreement on milestones: Simplex (Chan and Pass, "Simplex Consensus: A Simple and Fast
 * Consensus Protocol", 2023) as a state machine without clock, disk or network. What it wants done
 * it returns as actions, in order; the shell does them and calls back. One object serves one epoch.
 * Path: gossip → codec/consensus.ts → here → the node. Spec: docs/spec/15-consensus.md.
 */
import type { Certificate } from '../codec/certificate.ts';
import type { ConsensusMessage, Proposal, Vote } from '../codec/consensus.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { lastOfEpoch } from '../milestone/committee.ts';
import { assert, fail, succeed, type Outcome } from '../outcome.ts';
import type { Hasher, Verifier } from '../ports.ts';
import type { SignedStatement, SimplexAction, SimplexOptions } from './actions.ts';
import { Finality } from './finality.ts';
import { FinalChain, type Base, type Entry } from './final-chain.ts';
import { Gate } from './gate.ts';
import { MAX_FETCH_VIEWS, Outbox } from './outbox.ts';
import { Pacemaker } from './pacemaker.ts';
import { Proposals } from './proposals.ts';
import { digestId } from './round.ts';
import { Views } from './views.ts';
import { Voter } from './voter.ts';

export class Simplex {
  readonly #options: SimplexOptions;
  readonly #hasher: Hasher;
  readonly #gate: Gate;
  readonly #chain: FinalChain;
  readonly #views: Views;
  readonly #voter: Voter;
  readonly #pace: Pacemaker;
  readonly #outbox: Outbox;
  readonly #finality: Finality;
  readonly #proposals: Proposals;
  #view: bigint;
  #buildAsked = false;
  #nowMs = 0;

  constructor(options: SimplexOptions, crypto: { hasher: Hasher; verifier: Verifier }) {
    this.#options = options;
    this.#hasher = crypto.hasher;
    const chain = new FinalChain(options.base);
    const views = new Views(options.epoch, options.base);
    const outbox = new Outbox(options.deltaMs);
    const voter = new Voter(options, views, outbox);
    this.#chain = chain;
    this.#views = views;
    this.#outbox = outbox;
    this.#voter = voter;
    this.#gate = new Gate(options, { views, chain }, crypto);
    this.#pace = new Pacemaker(options.params, options.deltaMs);
    this.#proposals = new Proposals({ chain, views, voter, outbox, isLast: this.#isLast });
    this.#finality = new Finality(options, { chain, views, voter, outbox });
    this.#view = this.#views.baseView;
    for (const statement of options.signed) this.#remember(statement);
  }

  /** The epoch that this object serves. */
  get epoch(): number {
    return this.#options.epoch;
  }

  /** The view that this seat stands in. */
  get view(): bigint {
    return this.#view;
  }

  /** The last milestone that was handed out as final. */
  get base(): Base {
    return this.#chain.base;
  }

  /** The milestone of the greatest notarised view, or the base: what the next stands on. */
  get notarizedTop(): MilestoneId {
    return this.#views.parentFor(this.#view) ?? this.base.id;
  }

  /** True when the epoch's last milestone was handed out: the next one needs a new object. */
  get isOver(): boolean {
    return this.#isLast(this.base.header.index);
  }

  /** When `onTick` has something to do next, on the clock that is passed in. */
  get wakeMs(): number {
    const isDue = this.#isLeading() && !this.#buildAsked;
    const dueMs = isDue ? this.#pace.dueMs(this.#parentMs()) : Infinity;
    return Math.min(this.#pace.timerMs, this.#finality.wakeMs, dueMs);
  }

  /** Whose turn it is in `view`. */
  leaderOf(view: bigint): number {
    return this.#gate.leaderOf(view);
  }

  /** Begins; call once. What the log holds is signed again, so that peers hear of it. */
  start(nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      this.#enter(this.#views.baseView + 1n);
      for (const statement of this.#options.signed) {
        if (statement.kind === 'propose' || statement.view <= this.#views.baseView) continue;
        this.#outbox.push({ do: 'sign', statement });
      }
      for (const { certificates = [] } of this.#options.signed) certificates.forEach(this.#restore);
    });
  }

  /** Whether blocks wait for a milestone: it decides when the next one is due. */
  onWaiting(isWaiting: boolean, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (!this.#pace.setWaiting(isWaiting, nowMs)) return;
      if (this.#views.round(this.#view).own.nullify === undefined) {
        this.#pace.retime(this.#parentMs());
      }
    });
  }

  /** Time has passed. */
  onTick(nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (nowMs >= this.#pace.timerMs) this.#onTimer();
      if (nowMs >= this.#finality.wakeMs) this.#finality.ratifyAgain(nowMs);
    });
  }

  /** A message from a peer; the verdict says what to do with the sender. */
  onMessage(
    message: ConsensusMessage,
    nowMs: number,
  ): { verdict: Outcome<void>; actions: SimplexAction[] } {
    let verdict: Outcome<void> = succeed(undefined);
    const actions = this.#run(nowMs, () => {
      if (message.type === 'proposal') verdict = this.#onProposal(message.proposal);
      else if (message.type === 'vote') verdict = this.#onVote(message.vote);
      else verdict = this.#onCertificate(message.certificate);
    });
    return { verdict, actions };
  }

  /** A milestone that we were asked to build. Late ones are dropped. */
  onBuilt(view: bigint, entry: Entry, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (view !== this.#view || !this.#isLeading()) return;
      const id = milestoneIdOf(entry.header, this.#hasher);
      this.#chain.add(id, entry);
      this.#voter.say('propose', view, idToBytes(id));
    });
  }

  /** What the check of a proposal's content came to. */
  onChecked(view: bigint, id: MilestoneId, isValid: boolean, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      this.#proposals.onChecked(view, id, isValid);
      this.#consider();
    });
  }

  /** Our own statement is on the disk and signed. */
  onSigned(statement: SignedStatement, signature: Uint8Array, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      const { kind, epoch, view, digest } = statement;
      const { seat } = this.#options;
      assert(seat !== undefined, 'only a seat signs');
      this.#voter.onWritten(statement);
      if (kind === 'propose') {
        const entry = this.#chain.entry(digestId(statement));
        if (entry === undefined || view < this.#view) return;
        const proposal: Proposal = { epoch, view, signature, ...entry };
        this.#outbox.send({ type: 'proposal', proposal });
        this.#takeProposal(proposal, digestId(statement), true);
        return;
      }
      const vote: Vote = { kind, epoch, view, digest, seat, signature };
      this.#outbox.send({ type: 'vote', vote });
      if (view > this.#views.baseView) this.#count(vote);
    });
  }

  /** A final milestone that came by another way, its certificate checked, later than the base. */
  onFinal(base: Base, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (base.header.index <= this.base.header.index) return;
      this.#chain.moveTo(base);
      this.#onBaseMoved();
      this.#handOut();
    });
  }

  /** The certificates of a view, at most one of each kind. */
  certificatesOf(view: bigint): Certificate[] {
    return Object.values(this.#views.known(view)?.certificates ?? {});
  }

  /** Certificates or else votes of a view, for a peer that asks. */
  messagesOf(view: bigint): ConsensusMessage[] {
    return this.#views.messagesOf(view);
  }

  /** A signed proposal of this milestone, for a peer that asks. */
  proposalOf(id: MilestoneId): Proposal | undefined {
    return this.#views.proposalOf(id);
  }

  /** The milestone that the leader of `view` proposed, as far as we have heard it. */
  proposalAt(view: bigint): MilestoneId | undefined {
    return this.#views.known(view)?.proposal?.id;
  }

  /** A proposed milestone above the base, whichever view it was proposed in. */
  entryOf(id: MilestoneId): Entry | undefined {
    return this.#chain.entry(id);
  }

  #run(nowMs: number, step: () => void): SimplexAction[] {
    const isSetBack = nowMs < this.#nowMs;
    this.#nowMs = nowMs;
    if (isSetBack) this.#onClockSetBack();
    step();
    this.#lead();
    return this.#outbox.take();
  }

  #remember(statement: SignedStatement): void {
    this.#voter.remember(statement);
    const { proposal, view } = statement;
    if (proposal === undefined || view <= this.#views.baseView) return;
    const { header, body } = proposal;
    const id = digestId(statement);
    this.#chain.add(id, { header, body });
    const round = this.#views.round(view);
    round.proposal ??= { id, proposal };
    round.proposalState = 'valid';
  }

  #enter(view: bigint): void {
    if (view <= this.#view) return;
    this.#view = view;
    this.#buildAsked = false;
    this.#pace.enter(this.#parentMs(), this.#nowMs);
    this.#consider();
  }

  /** The time of the milestone that the one of this view will stand on. */
  #parentMs(): number {
    const parent = this.#views.parentFor(this.#view);
    const header = parent && this.#chain.headerOf(parent);
    return (header ?? this.base.header).timestampMs;
  }

  /** Timers of the clock as it was may lie far ahead: they begin anew. */
  #onClockSetBack(): void {
    this.#pace.enter(this.#parentMs(), this.#nowMs);
    this.#finality.onClockSetBack(this.#nowMs);
    this.#outbox.onClockSetBack();
  }

  /** Gives the view up, and says again what peers may not have heard. */
  #onTimer(): void {
    this.#pace.again(this.#nowMs);
    if (!this.#isEnding()) this.#voter.say('nullify', this.#view);
    this.#fetchMissing();
    const { seat } = this.#options;
    if (seat === undefined) return;
    const isLeader = this.leaderOf(this.#view) === seat;
    const { greatest } = this.#chain;
    for (const one of this.#views.saidIn(this.#view, seat, isLeader)) this.#outbox.send(one);
    if (greatest !== undefined) this.#outbox.send({ type: 'certificate', certificate: greatest });
  }

  /** True when the epoch's last milestone is final: nothing is proposed or voted on after it. */
  #isEnding(): boolean {
    const { greatest } = this.#chain;
    const header = greatest && this.#chain.headerOf(digestId(greatest));
    return header !== undefined && this.#isLast(header.index);
  }

  #isLeading(): boolean {
    if (!this.#voter.speaksIn(this.#view) || this.isOver || this.#isEnding()) return false;
    const { own } = this.#views.round(this.#view);
    if (own.propose !== undefined || own.nullify !== undefined) return false;
    return this.leaderOf(this.#view) === this.#options.seat;
  }

  /** Asks for a milestone when it is our turn and time. */
  #lead(): void {
    if (this.#buildAsked || !this.#isLeading()) return;
    if (this.#nowMs < this.#pace.dueMs(this.#parentMs())) return;
    const parent = this.#views.parentFor(this.#view);
    const header = parent && this.#chain.headerOf(parent);
    if (parent === undefined || header === undefined) {
      this.#fetchMissing();
      return;
    }
    this.#buildAsked = true;
    if (this.#isLast(header.index)) this.#voter.say('propose', this.#view, idToBytes(parent));
    else this.#outbox.push({ do: 'build', view: this.#view, parent });
  }

  readonly #isLast = (index: number): boolean =>
    index === lastOfEpoch(this.#options.epoch, this.#options.params);

  #onProposal(proposal: Proposal): Outcome<void> {
    const id = this.#gate.checkProposal(proposal, this.#view);
    if (id.ok) this.#takeProposal(proposal, id.value, false);
    return id.ok ? succeed(undefined) : id;
  }

  #takeProposal(proposal: Proposal, id: MilestoneId, isOwn: boolean): void {
    this.#proposals.take(proposal, id, { leader: this.leaderOf(proposal.view), isOwn });
    for (const open of this.#chain.open) this.#finalize(open);
    this.#consider();
  }

  /** Goes on with the current view's proposal. */
  #consider(): void {
    if (!this.#isEnding()) this.#proposals.consider(this.#view, this.#nowMs);
  }

  #onVote(vote: Vote): Outcome<void> {
    const checked = this.#gate.checkVote(vote, this.#view);
    if (!checked.ok) return checked;
    if (vote.view > this.#view) this.#fetchMissing(vote.view);
    return this.#count(vote) ? succeed(undefined) : fail('block-known');
  }

  #count(vote: Vote): boolean {
    const { length } = this.#options.committee;
    const { isNew, certificate, evidence } = this.#views.round(vote.view).add(vote, length);
    if (evidence !== undefined) this.#outbox.push({ do: 'evidence', evidence });
    if (certificate !== undefined) {
      if (this.#announces(certificate.view))
        this.#outbox.send({ type: 'certificate', certificate });
      this.#onNewCertificate(certificate);
    }
    return isNew;
  }

  /** Everybody counts the same votes; two seats send what came of them, the rest on a time-out. */
  #announces(view: bigint): boolean {
    return [view, view + 1n].some((one) => this.leaderOf(one) === this.#options.seat);
  }

  #onCertificate(certificate: Certificate): Outcome<void> {
    const checked = this.#gate.checkCertificate(certificate);
    if (!checked.ok) return checked;
    const { view, kind } = certificate;
    this.#views.round(view).certificates[kind] = certificate;
    this.#onNewCertificate(certificate);
    return succeed(undefined);
  }

  /** A certificate of the log; it was checked before it came there. */
  readonly #restore = (certificate: Certificate): void => {
    if (certificate.view <= this.#views.baseView) return;
    this.#views.round(certificate.view).certificates[certificate.kind] ??= certificate;
    this.#onNewCertificate(certificate);
  };

  #onNewCertificate(certificate: Certificate): void {
    const { kind, view, digest } = certificate;
    this.#voter.learn(certificate);
    if (kind === 'ratify') {
      this.#finality.prove(certificate);
      this.#handOut();
      return;
    }
    if (kind === 'notarize' && !this.#isEnding()) this.#voter.say('finalize', view, digest);
    if (kind === 'finalize') {
      this.#chain.note(certificate);
      this.#finalize(digestId(certificate));
    }
    this.#enter(view + 1n);
    this.#consider();
  }

  /** `id` and what it stands on is final. */
  #finalize(id: MilestoneId): void {
    const missing = this.#finality.finalize(id, this.#nowMs);
    if (missing !== undefined) this.#fetchMissing(this.#view, missing);
    this.#handOut();
  }

  #handOut(): void {
    if (this.#finality.handOut()) this.#onBaseMoved();
  }

  #onBaseMoved(): void {
    this.#views.moveTo(this.base);
    this.#enter(this.#views.baseView + 1n);
  }

  /** Asks for what is needed to know the way from the base to view `upTo`. */
  #fetchMissing(upTo = this.#view, id?: MilestoneId): void {
    const isKnown = (one: MilestoneId): boolean => this.#chain.headerOf(one) !== undefined;
    const { views, ids } = this.#views.missing(upTo, MAX_FETCH_VIEWS, isKnown);
    const more = [id, this.#chain.gapBelow(this.notarizedTop)].filter((one) => one !== undefined);
    this.#outbox.fetch(views, [...new Set([...more, ...ids])], this.#nowMs);
  }
}
