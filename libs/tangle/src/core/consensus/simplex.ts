/**
 * The agreement on milestones: Simplex (Chan and Pass, "Simplex Consensus: A Simple and Fast
 * Consensus Protocol", 2023) as a state machine without clock, disk or network. What it wants done
 * it returns as actions, in order; the shell does them and calls back. One object serves one epoch.
 * Path: gossip → codec/consensus.ts → here → the node's validator, which checks and builds
 * milestones, writes votes to the disk, signs and sends. Spec: docs/spec/15-consensus.md.
 */
import type { Certificate, StatementKind } from '../codec/certificate.ts';
import type { ConsensusMessage, Proposal, Vote } from '../codec/consensus.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf, type Milestone } from '../codec/milestone.ts';
import { checkCertificate, checkProposer, checkVote } from '../milestone/certificate.ts';
import { leaderSeat } from '../milestone/committee.ts';
import { assert, fail, succeed, type Outcome } from '../outcome.ts';
import { MAX_VIEWS_AHEAD } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher, Verifier } from '../ports.ts';
import { FinalChain, type Base, type Entry } from './final-chain.ts';
import { digestId, Round, type Evidence, type OwnStatements } from './round.ts';

/** What a seat signs. */
export interface SignedStatement {
  readonly kind: StatementKind;
  readonly epoch: number;
  readonly view: bigint;
  /** Zero for `nullify`. */
  readonly digest: Uint8Array;
  /**
   * What `notarize` is for. It is kept with the vote: a quorum may make it final, and all may have
   * stopped before anybody wrote it elsewhere.
   */
  readonly proposal?: Proposal;
}

export interface SimplexOptions {
  readonly networkId: bigint;
  readonly epoch: number;
  /** Keys of this epoch's committee in seat order. */
  readonly committee: readonly Uint8Array[];
  /** Our seat; undefined for somebody who only listens. */
  readonly seat: number | undefined;
  readonly params: NetworkParams;
  /** The longest that a message between honest validators is expected to take, milliseconds. */
  readonly deltaMs: number;
  /** The last final milestone. */
  readonly base: Base;
  /** What the vote log holds of this epoch. */
  readonly signed: readonly SignedStatement[];
  /** The seat signs nothing below this view: its log may have lost what it signed there. */
  readonly silentBelow?: bigint;
}

/** What the shell is asked to do. */
export type SimplexAction =
  /** Write the statement to the vote log, sync, sign it, and call `onSigned`. */
  | { readonly do: 'sign'; readonly statement: SignedStatement }
  | { readonly do: 'send'; readonly message: ConsensusMessage }
  /** Build a milestone on `parent` and call `onBuilt`. */
  | { readonly do: 'build'; readonly view: bigint; readonly parent: MilestoneId }
  /** Check the content as soon as its cone is there, and call `onChecked`. */
  | ({ readonly do: 'check'; readonly view: bigint; readonly id: MilestoneId } & Entry)
  /** Ask peers for the certificates of these views, and for the proposals of these ids. */
  | {
      readonly do: 'fetch';
      readonly views: readonly bigint[];
      readonly ids: readonly MilestoneId[];
    }
  /** The next final milestone. */
  | { readonly do: 'final'; readonly id: MilestoneId; readonly milestone: Milestone }
  | { readonly do: 'evidence'; readonly evidence: Evidence };

/** Times the longest that a message between honest validators is expected to take. */
const TIMEOUT_DELTAS = 3;
/** Views whose certificates are asked for at once. */
const MAX_FETCH_VIEWS = 16;
const NO_DIGEST = new Uint8Array(32);

export class Simplex {
  readonly #options: SimplexOptions;
  readonly #hasher: Hasher;
  readonly #verifier: Verifier;
  readonly #chain: FinalChain;
  readonly #rounds = new Map<bigint, Round>();
  readonly #ratified = new Set<MilestoneId>();
  /** View at which the base counts as notarised: its own, or 0 when it ended the epoch before. */
  #baseView: bigint;
  #view: bigint;
  #enteredMs = 0;
  #waitingSinceMs: number | undefined;
  #timerMs = Infinity;
  #buildAsked = false;
  #fetchedMs = -Infinity;
  /** The finality certificate of the greatest view. */
  #lastFinality: Certificate | undefined;
  #nowMs = 0;
  #actions: SimplexAction[] = [];

  constructor(options: SimplexOptions, crypto: { hasher: Hasher; verifier: Verifier }) {
    this.#options = options;
    this.#hasher = crypto.hasher;
    this.#verifier = crypto.verifier;
    this.#chain = new FinalChain(options.base);
    this.#baseView = this.#viewOfBase();
    this.#view = this.#baseView;
    for (const statement of options.signed) this.#remember(statement);
  }

  /** The view that this seat stands in. */
  get view(): bigint {
    return this.#view;
  }

  /** The epoch that this object serves. */
  get epoch(): number {
    return this.#options.epoch;
  }

  /** The milestone of the greatest notarised view, or the base: what the next stands on. */
  get notarizedTop(): MilestoneId {
    return this.#parentFor(this.#view)?.id ?? this.base.id;
  }

  /** The last milestone that was handed out as final. */
  get base(): Base {
    return this.#chain.base;
  }

  /** True when the epoch's last milestone is final: the next one needs a new object. */
  get isOver(): boolean {
    return this.#isLast(this.base.header.index);
  }

  /** When `onTick` has something to do next, on the clock that is passed in. */
  get wakeMs(): number {
    const dueMs = this.#isLeading() && !this.#buildAsked ? this.#dueMs() : Infinity;
    return Math.min(this.#timerMs, dueMs);
  }

  /** Whose turn it is in `view`. */
  leaderOf(view: bigint): number {
    const { networkId, epoch, committee } = this.#options;
    return leaderSeat(networkId, epoch, view, committee.length, this.#hasher);
  }

  /** Begins; call once. What the log holds is signed again, so that peers hear of it. */
  start(nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      this.#enter(this.#baseView + 1n);
      for (const statement of this.#options.signed) {
        if (statement.kind === 'propose' || statement.view <= this.#baseView) continue;
        this.#actions.push({ do: 'sign', statement });
      }
    });
  }

  /** Whether blocks wait for a milestone: it decides when the next one is due. */
  onWaiting(isWaiting: boolean, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (isWaiting === (this.#waitingSinceMs !== undefined)) return;
      this.#waitingSinceMs = isWaiting ? nowMs : undefined;
      if (this.#round(this.#view).own.nullify === undefined) this.#timerMs = this.#timeoutMs();
    });
  }

  /** Time has passed. */
  onTick(nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      if (nowMs >= this.#timerMs) this.#onTimer();
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
      this.#sign('propose', view, idToBytes(id));
    });
  }

  /** What the check of a proposal's content came to. */
  onChecked(view: bigint, id: MilestoneId, isValid: boolean, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      const round = this.#rounds.get(view);
      if (round?.proposal?.id !== id || round.proposalState !== 'checking') return;
      round.proposalState = isValid ? 'valid' : 'invalid';
      this.#judge(round);
    });
  }

  /** Our own statement is on the disk and signed. */
  onSigned(statement: SignedStatement, signature: Uint8Array, nowMs: number): SimplexAction[] {
    return this.#run(nowMs, () => {
      const { kind, epoch, view, digest } = statement;
      const { seat } = this.#options;
      assert(seat !== undefined, 'only a seat signs');
      if (kind === 'propose') {
        const entry = this.#chain.entry(digestId(statement));
        if (entry === undefined || view < this.#view) return;
        const proposal: Proposal = { epoch, view, signature, ...entry };
        this.#send({ type: 'proposal', proposal });
        this.#takeProposal(proposal, 'valid');
        return;
      }
      const vote: Vote = { kind, epoch, view, digest, seat, signature };
      this.#send({ type: 'vote', vote });
      if (kind === 'ratify' || view > this.#baseView) this.#count(vote);
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

  /** The certificates of a view, for a peer that asks: at most one of each kind. */
  certificatesOf(view: bigint): Certificate[] {
    return Object.values(this.#rounds.get(view)?.certificates ?? {});
  }

  /** A signed proposal of this milestone, for a peer that asks. */
  proposalOf(id: MilestoneId): Proposal | undefined {
    for (const { proposal } of this.#rounds.values()) {
      if (proposal?.id === id) return proposal.proposal;
    }
    return undefined;
  }

  /** The milestone that the leader of `view` proposed, as far as we have heard it. */
  proposalAt(view: bigint): MilestoneId | undefined {
    return this.#rounds.get(view)?.proposal?.id;
  }

  /** A proposed milestone above the base, whichever view it was proposed in. */
  entryOf(id: MilestoneId): Entry | undefined {
    return this.#chain.entry(id);
  }

  #run(nowMs: number, step: () => void): SimplexAction[] {
    this.#nowMs = nowMs;
    step();
    this.#lead();
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #send(message: ConsensusMessage): void {
    this.#actions.push({ do: 'send', message });
  }

  #round(view: bigint): Round {
    const known = this.#rounds.get(view);
    if (known !== undefined) return known;
    const round = new Round(view);
    this.#rounds.set(view, round);
    return round;
  }

  #remember({ kind, view, digest, proposal }: SignedStatement): void {
    if (proposal !== undefined && view > this.#baseView) {
      const { header, body } = proposal;
      const id = digestId({ digest });
      this.#chain.add(id, { header, body });
      const round = this.#round(view);
      round.proposal ??= { id, proposal };
      round.proposalState = 'valid';
    }
    if (kind === 'ratify') this.#ratified.add(digestId({ digest }));
    else if (kind === 'nullify') this.#round(view).own.nullify = true;
    else this.#round(view).own[kind] = digestId({ digest });
  }

  /** Asks for a signature unless this seat has none, must be silent, or has said otherwise. */
  #sign(kind: StatementKind, view: bigint, digest: Uint8Array = NO_DIGEST): void {
    const { seat, epoch, silentBelow = 0n } = this.#options;
    if (seat === undefined || (view < silentBelow && kind !== 'ratify')) return;
    const own: OwnStatements = kind === 'ratify' ? {} : this.#round(view).own;
    const isKnown =
      kind === 'ratify' ? this.#ratified.has(digestId({ digest })) : own[kind] !== undefined;
    if (isKnown) return;
    if (kind === 'finalize' && own.nullify !== undefined) return;
    if (kind === 'nullify' && own.finalize !== undefined) return;
    const proposal = kind === 'notarize' ? this.#round(view).proposal?.proposal : undefined;
    const said = { kind, epoch, view, digest };
    const statement: SignedStatement = proposal === undefined ? said : { ...said, proposal };
    this.#remember(statement);
    this.#actions.push({ do: 'sign', statement });
  }

  #enter(view: bigint): void {
    if (view <= this.#view) return;
    this.#view = view;
    this.#enteredMs = this.#nowMs;
    this.#buildAsked = false;
    this.#timerMs = this.#timeoutMs();
    this.#tryNotarize(this.#round(view));
  }

  /** When the milestone of this view may be made. A clock that is behind waits a heartbeat only. */
  #dueMs(): number {
    const { milestoneIntervalMs, heartbeatMs } = this.#options.params;
    const parent = this.#parentFor(this.#view);
    const header = (parent && this.#chain.headerOf(parent.id)) ?? this.base.header;
    const isWaiting = this.#waitingSinceMs !== undefined;
    const pauseMs = isWaiting ? milestoneIntervalMs : heartbeatMs;
    return Math.min(header.timestampMs + pauseMs, this.#enteredMs + pauseMs);
  }

  /** Three deltas after the milestone is due, or after the block came that made it due. */
  #timeoutMs(): number {
    const fromMs = Math.max(this.#enteredMs, this.#dueMs(), this.#waitingSinceMs ?? 0);
    return fromMs + TIMEOUT_DELTAS * this.#options.deltaMs;
  }

  #onTimer(): void {
    const { seat, deltaMs } = this.#options;
    this.#timerMs = this.#nowMs + deltaMs;
    this.#sign('nullify', this.#view);
    this.#fetchMissing();
    if (seat === undefined) return;
    const round = this.#round(this.#view);
    for (const vote of round.votesOf(seat)) this.#send({ type: 'vote', vote });
    const { proposal } = round;
    if (proposal !== undefined && this.leaderOf(this.#view) === seat) {
      this.#send({ type: 'proposal', proposal: proposal.proposal });
    }
    const { notarize, nullify } = this.#round(this.#view - 1n).certificates;
    for (const certificate of [notarize, nullify, this.#lastFinality]) {
      if (certificate !== undefined) this.#send({ type: 'certificate', certificate });
    }
    for (const id of this.#chain.unproven) {
      const view = this.#chain.headerOf(id)?.view;
      const votes = view === undefined ? [] : this.#round(view).votesOf(seat);
      for (const vote of votes.filter(({ kind }) => kind === 'ratify')) {
        this.#send({ type: 'vote', vote });
      }
    }
  }

  /**
   * The milestone to build on in `view`: that of the greatest notarised view below it, if every
   * view between is nullified. The base counts as notarised at its own view.
   */
  #parentFor(view: bigint): { view: bigint; id: MilestoneId } | undefined {
    for (let below = view - 1n; below > this.#baseView; below--) {
      const round = this.#rounds.get(below);
      if (round?.notarized !== undefined) return { view: below, id: round.notarized };
      if (round?.isNullified !== true) return undefined;
    }
    return { view: this.#baseView, id: this.base.id };
  }

  /**
   * The views below `view` whose nullification is still needed before one may build on `id`; empty
   * when it was notarised at a view above which all are nullified.
   */
  #obstacles(id: MilestoneId, view: bigint): bigint[] {
    const open: bigint[] = [];
    for (let below = view - 1n; below > this.#baseView; below--) {
      const round = this.#rounds.get(below);
      if (round?.notarized === id) return open;
      if (round?.isNullified !== true) open.push(below);
    }
    return id === this.base.id ? open : [...open, this.#baseView];
  }

  #isLeading(): boolean {
    const { seat, silentBelow = 0n } = this.#options;
    if (seat === undefined || this.#view < silentBelow || this.isOver) return false;
    const { own } = this.#round(this.#view);
    if (own.propose !== undefined || own.nullify !== undefined) return false;
    return this.leaderOf(this.#view) === seat;
  }

  /** Asks for a milestone when it is our turn and time. */
  #lead(): void {
    if (this.#buildAsked || !this.#isLeading() || this.#nowMs < this.#dueMs()) return;
    const parent = this.#parentFor(this.#view);
    const header = parent && this.#chain.headerOf(parent.id);
    if (parent === undefined || header === undefined) {
      this.#fetchMissing();
      return;
    }
    this.#buildAsked = true;
    if (this.#isLast(header.index)) this.#sign('propose', this.#view, idToBytes(parent.id));
    else this.#actions.push({ do: 'build', view: this.#view, parent: parent.id });
  }

  #isLast(index: number): boolean {
    const { epoch, params } = this.#options;
    return index === (epoch + 1) * params.epochLength - 1;
  }

  #isForeign(epoch: number, view: bigint): boolean {
    return epoch !== this.#options.epoch || view > this.#view + MAX_VIEWS_AHEAD;
  }

  #onProposal(proposal: Proposal): Outcome<void> {
    const { epoch, view, header } = proposal;
    if (this.#isForeign(epoch, view) || view <= this.#baseView) return fail('consensus-view');
    const seat = this.leaderOf(view);
    const { networkId, committee } = this.#options;
    const id = milestoneIdOf(header, this.#hasher);
    if (this.#rounds.get(view)?.proposal?.id === id) return fail('block-known');
    if (!checkProposer(proposal, id, committee[seat], networkId, this.#verifier)) {
      return fail('consensus-signature');
    }
    this.#takeProposal(proposal, 'waiting', id);
    return succeed(undefined);
  }

  #takeProposal(
    proposal: Proposal,
    state: 'waiting' | 'valid',
    id = milestoneIdOf(proposal.header, this.#hasher),
  ): void {
    const round = this.#round(proposal.view);
    const first = round.proposal?.proposal;
    const { header, body } = proposal;
    this.#chain.add(id, { header, body });
    if (first !== undefined) {
      const seat = this.leaderOf(proposal.view);
      this.#actions.push({
        do: 'evidence',
        evidence: { kind: 'proposals', seat, pair: [first, proposal] },
      });
    } else {
      round.proposal = { id, proposal };
      round.proposalState = state;
    }
    for (const open of this.#chain.open) this.#finalize(open);
    if (state === 'valid') this.#judge(round);
    else this.#tryNotarize(this.#round(this.#view));
  }

  /** Has the content of the current view's proposal checked once its parent is certain. */
  #tryNotarize(round: Round): void {
    const { proposal, own } = round;
    if (proposal === undefined || round.view !== this.#view) return;
    if (own.notarize !== undefined || own.nullify !== undefined) return;
    if (round.proposalState !== 'waiting') {
      this.#judge(round);
      return;
    }
    const { id, proposal: { header, body } } = proposal;
    const isRepeated = header.view < round.view && this.#isLast(header.index);
    if (header.view !== round.view && !isRepeated) {
      round.proposalState = 'invalid';
      this.#judge(round);
      return;
    }
    const obstacles = this.#obstacles(isRepeated ? id : header.previousId, round.view);
    if (obstacles.length > 0) {
      this.#fetch(obstacles.toReversed());
      return;
    }
    // What a quorum notarised was checked before; only its repetition in this view is new.
    round.proposalState = isRepeated ? 'valid' : 'checking';
    if (isRepeated) this.#judge(round);
    else this.#actions.push({ do: 'check', view: round.view, id, header, body });
  }

  /** Votes by what the check came to; only in the current view. */
  #judge(round: Round): void {
    if (round.view !== this.#view || round.proposal === undefined) return;
    if (round.own.nullify !== undefined) return;
    if (round.proposalState === 'valid') {
      this.#sign('notarize', round.view, idToBytes(round.proposal.id));
    } else if (round.proposalState === 'invalid') {
      this.#sign('nullify', round.view);
    }
  }

  #onVote(vote: Vote): Outcome<void> {
    const { epoch, view, kind } = vote;
    const isOld = view <= this.#baseView && kind !== 'ratify';
    if (this.#isForeign(epoch, view) || isOld) return fail('consensus-view');
    const { committee, networkId } = this.#options;
    if (!checkVote(vote, committee, networkId, this.#verifier)) return fail('consensus-signature');
    if (view > this.#view) this.#fetchMissing(view);
    return this.#count(vote) ? succeed(undefined) : fail('block-known');
  }

  #count(vote: Vote): boolean {
    const { isNew, certificate, evidence } = this.#round(vote.view).add(
      vote,
      this.#options.committee.length,
    );
    if (evidence !== undefined) this.#actions.push({ do: 'evidence', evidence });
    if (certificate !== undefined) {
      if (this.#announces(certificate.view)) this.#send({ type: 'certificate', certificate });
      this.#onNewCertificate(certificate);
    }
    return isNew;
  }

  /** Everybody counts the same votes; two seats send what came of them, the rest on a time-out. */
  #announces(view: bigint): boolean {
    const { seat } = this.#options;
    return seat === this.leaderOf(view) || seat === this.leaderOf(view + 1n);
  }

  #onCertificate(certificate: Certificate): Outcome<void> {
    const { epoch, view, kind } = certificate;
    if (epoch !== this.#options.epoch) return fail('consensus-view');
    if (view <= this.#baseView && kind !== 'ratify') return fail('consensus-view');
    if (this.#rounds.get(view)?.certificates[kind] !== undefined) return fail('block-known');
    const { committee, networkId } = this.#options;
    const checked = checkCertificate(certificate, committee, networkId, this.#verifier);
    if (!checked.ok) return checked;
    this.#round(view).certificates[kind] = certificate;
    this.#onNewCertificate(certificate);
    return succeed(undefined);
  }

  #onNewCertificate(certificate: Certificate): void {
    const { kind, view } = certificate;
    const id = digestId(certificate);
    if (kind === 'ratify') {
      this.#chain.prove(id, certificate);
      this.#handOut();
      return;
    }
    if (kind === 'notarize') this.#sign('finalize', view, certificate.digest);
    if (kind === 'finalize') {
      if (view > (this.#lastFinality?.view ?? -1n)) this.#lastFinality = certificate;
      this.#finalize(id);
    }
    this.#enter(view + 1n);
    this.#tryNotarize(this.#round(this.#view));
  }

  /** `id` and what it stands on is final; what has no certificate of its own view is ratified. */
  #finalize(id: MilestoneId): void {
    this.#proveDirectly();
    const { unproven, missing } = this.#chain.finalize(id);
    if (missing !== undefined) this.#fetchMissing(this.#view, missing);
    for (const one of unproven) {
      const header = this.#chain.headerOf(one);
      if (header !== undefined) this.#sign('ratify', header.view, idToBytes(one));
    }
    this.#handOut();
  }

  /** Finality certificates that name a milestone at its own view prove it as they are. */
  #proveDirectly(): void {
    for (const { certificates } of this.#rounds.values()) {
      const { finalize } = certificates;
      if (finalize === undefined) continue;
      const id = digestId(finalize);
      if (this.#chain.headerOf(id)?.view === finalize.view) this.#chain.prove(id, finalize);
    }
  }

  #handOut(): void {
    this.#proveDirectly();
    const taken = this.#chain.take();
    for (const { id, milestone } of taken) this.#actions.push({ do: 'final', id, milestone });
    if (taken.length > 0) this.#onBaseMoved();
  }

  #onBaseMoved(): void {
    this.#baseView = this.#viewOfBase();
    for (const view of this.#rounds.keys()) if (view < this.#baseView) this.#rounds.delete(view);
    this.#enter(this.#baseView + 1n);
  }

  #viewOfBase(): bigint {
    const { header } = this.base;
    return header.epoch === this.#options.epoch && header.index > 0 ? header.view : 0n;
  }

  /** Asks for what is needed to know the way from the base to view `upTo`. */
  #fetchMissing(upTo = this.#view, id?: MilestoneId): void {
    const views: bigint[] = [];
    const ids = new Set(id === undefined ? [] : [id]);
    for (let view = this.#baseView + 1n; view < upTo && views.length < MAX_FETCH_VIEWS; view++) {
      const round = this.#rounds.get(view);
      const { notarized } = round ?? {};
      if (notarized === undefined && round?.isNullified !== true) views.push(view);
      if (notarized !== undefined && this.#chain.headerOf(notarized) === undefined) {
        ids.add(notarized);
      }
    }
    this.#fetch(views, [...ids]);
  }

  /** Asks peers, at most once per delta. */
  #fetch(views: readonly bigint[], ids: readonly MilestoneId[] = []): void {
    if (views.length === 0 && ids.length === 0) return;
    if (this.#nowMs < this.#fetchedMs + this.#options.deltaMs) return;
    this.#fetchedMs = this.#nowMs;
    this.#actions.push({ do: 'fetch', views: views.slice(0, MAX_FETCH_VIEWS), ids });
  }
}
