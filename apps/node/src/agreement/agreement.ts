/**
 * The agreement of this node: one `Simplex` per epoch, and around it all that it must not know:
 * time, disk, peers, and the milestones themselves. Every call of it and what it then wants done
 * happen in one turn, one after the other; what takes time comes back as another call.
 * Path: gossip → here → core/consensus → `pen.ts`, `jobs.ts` → sync → confirmation → here.
 * Spec: docs/spec/15-consensus.md §3.
 */
import {
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import { MAX_FETCH_VIEWS } from '@tanglemail/tangle/core/consensus/outbox.ts';
import { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { seatIn, type Committees } from '../committees.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import type { SpeculativeEngine } from '../confirmation/speculation.ts';
import { Serial } from '../signal.ts';
import { Announcer } from './announcer.ts';
import { Jobs } from './jobs.ts';
import { Leader } from './leader.ts';
import { accusedView, foreignView, Pen } from './pen.ts';
import {
  PROCESS_TIMERS,
  type AgreementMetrics,
  type AgreementState,
  type AgreementWire,
  type ConsensusEvidence,
  type LeaderFacts,
  type Timers,
} from './ports.ts';
import type { SeatMemory } from './seat-memory.ts';
import { Sightings } from './sightings.ts';

/** What the agreement tells its node, and what it is told; the node joins them in parts.ts. */
export interface AgreementDeps {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  /** The wall clock, which stamps milestones. */
  readonly clock: Clock;
  readonly committees: Pick<Committees, 'of'>;
  readonly engine: SpeculativeEngine;
  /** Undefined for a node that only listens. */
  readonly memory: SeatMemory | undefined;
  readonly wire: AgreementWire;
  /** Takes a milestone that is final and proven; its cone may have to be fetched. */
  onFinal(milestone: Milestone): Promise<void>;
  /** Keeps two contradicting statements. */
  onEvidence(evidence: ConsensusEvidence): Promise<void>;
  /** Asks for blocks that a proposal's cone lacks; for one that is here, for its parents. */
  wantBlocks(ids: readonly BlockId[]): void;
  readonly leader: LeaderFacts;
  /**
   * False while the node is far behind: it fetches nothing and builds nothing then. A seat speaks
   * only after it was true once, so that a restored disk hears what it signed.
   */
  isFollowing(): boolean;
  readonly logger: Logger;
  readonly metrics: AgreementMetrics;
  onFatal(error: unknown): void;
  readonly timers?: Timers;
}

/** A timer never lies further ahead, so that a clock that is set is noticed. */
const TICK_MAX_MS = 250;
/** Nor nearer: what is due and cannot be done would else be tried without a pause. */
const TICK_MIN_MS = 20;
/** After a change that may have made something due; many changes make one look. */
const SOON_MS = 2;
/** Requests under way; the next time-out asks again for what was left out. */
const MAX_ASKING = 4;

interface Wanted {
  readonly simplex: Simplex;
  readonly action: SimplexAction;
}

export class Agreement {
  readonly #options: { readonly deltaMs: number };
  readonly #deps: AgreementDeps;
  readonly #timers: Timers;
  readonly #jobs: Jobs;
  readonly #leader: Leader;
  readonly #announcer: Announcer;
  readonly #pen: Pen | undefined;
  readonly #sightings: Sightings;
  readonly #finals = new Serial();
  #simplex: Simplex;
  /** The first view in which the seat speaks; undefined while it only listens. */
  #speaksFrom: bigint | undefined;
  #isRunning = false;
  #hasFollowed = false;
  #isWaiting = false;
  #wanted: Wanted[] = [];
  #isActing = false;
  #asking = 0;
  #wakeAtMs = Infinity;
  #cancelWake: (() => void) | undefined;

  constructor(options: { readonly deltaMs: number }, deps: AgreementDeps) {
    const { clock, hasher, params, engine, wire, metrics, logger, memory } = deps;
    const { timers = PROCESS_TIMERS } = deps;
    const { deltaMs } = options;
    const onFatal = (error: unknown): void => this.#fail(error);
    this.#options = options;
    this.#deps = deps;
    this.#timers = timers;
    const loadBits = engine.latest.powLoadBits;
    this.#leader = new Leader({ deltaMs, loadBits }, { params, clock, facts: deps.leader, logger });
    this.#announcer = new Announcer(options, { clock, hasher, timers, wire });
    this.#sightings = new Sightings({ clock, metrics });
    this.#jobs = new Jobs({
      engine,
      leader: this.#leader,
      clock,
      timers,
      logger,
      onFatal,
      isFollowing: () => deps.isFollowing(),
      wantBlocks: (ids) => deps.wantBlocks(ids),
      onChecked: (simplex, { view, id }, isValid) =>
        this.#call(simplex, (nowMs) => simplex.onChecked(view, id, isValid, nowMs)),
      onBuilt: (simplex, { view }, entry) =>
        this.#call(simplex, (nowMs) => simplex.onBuilt(view, entry, nowMs)),
    });
    this.#pen =
      memory &&
      new Pen(options, {
        memory,
        engine,
        metrics,
        logger,
        onFatal,
        timers,
        isCurrent: (simplex) => simplex === this.#simplex,
        onSigned: (simplex, statement, signature) =>
          this.#call(simplex, (nowMs) => simplex.onSigned(statement, signature, nowMs)),
      });
    this.#simplex = this.#newSimplex();
  }

  /** Begins to take part; the chain stands where the disk left it. */
  start(): void {
    this.#isRunning = true;
    this.#open();
    this.#look();
  }

  /** Resolves when nothing is under way: timers, jobs, then the log. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancelWake?.();
    this.#announcer.stop();
    await this.#jobs.stop();
    await this.#finals.run(() => Promise.resolve());
    await this.#pen?.stop();
  }

  get state(): AgreementState {
    const simplex = this.#simplex;
    const { epoch, view } = simplex;
    const seat = this.#seatIn(epoch);
    const speaks = this.#speaksFrom !== undefined && view >= this.#speaksFrom;
    const reason = this.#deps.memory?.silence.reason ?? 'catching-up';
    return {
      epoch,
      view,
      seat,
      ...(seat === undefined || speaks ? {} : { silent: reason }),
      isLeading: seat !== undefined && simplex.leaderOf(view) === seat,
      undecidedViews: Number(view - this.#baseView() - 1n),
      sinceMs: this.#sightings.enteredMs,
    };
  }

  /** A message of the topic, or of an answer. Never throws. */
  onMessage(message: ConsensusMessage): Verdict {
    const simplex = this.#simplex;
    if (!this.#isRunning || this.#isBeyond(message)) return 'ignore';
    let verdict: Verdict = 'ignore';
    this.#call(simplex, (nowMs) => {
      const { verdict: outcome, actions } = simplex.onMessage(message, nowMs);
      verdict = outcome.ok ? 'accept' : outcome.action;
      if (outcome.ok) this.#sightings.taken(message, simplex);
      this.#watchOwn(simplex, message, { outcome, actions });
      return actions;
    });
    return verdict;
  }

  /**
   * What a peer lacks: encoded messages of these views, proposals of these milestones; of 16 each.
   * At most 16 views of four kinds of votes by 32 seats, and 16 proposals: some 360 KB.
   */
  messagesFor(epoch: number, views: readonly bigint[], ids: readonly MilestoneId[]): Uint8Array[] {
    const simplex = this.#simplex;
    if (!this.#isRunning || epoch !== simplex.epoch) return [];
    const messages = views.slice(0, MAX_FETCH_VIEWS).flatMap((view) => simplex.messagesOf(view));
    for (const id of ids.slice(0, MAX_FETCH_VIEWS)) {
      const proposal = simplex.proposalOf(id);
      if (proposal !== undefined) messages.push({ type: 'proposal', proposal });
    }
    return messages.map(encodeConsensusMessage);
  }

  /** A milestone was committed, whoever it came from; the engine's `latest` is this one. */
  onConfirmed(confirmed: ConfirmedMilestone): void {
    try {
      this.#leader.onConfirmed(confirmed);
      if (this.#isRunning) this.#follow(confirmed);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The milestone came by gossip, with a certificate that holds: nobody need send it again. */
  onMilestoneHeard(id: MilestoneId): void {
    this.#announcer.heard(id);
  }

  /** Blocks became solid: one may be what a job waits for, or the first that waits. */
  onSolid(): void {
    if (!this.#isRunning) return;
    this.#jobs.wake();
    if (!this.#isWaiting) this.#wakeIn(0, SOON_MS);
  }

  #follow({ id, milestone }: ConfirmedMilestone): void {
    const { header, certificate } = milestone;
    const simplex = this.#simplex;
    const epoch = epochOf(header.index + 1, this.#deps.params);
    this.#deps.memory?.silence.onConfirmed(header, certificate);
    if (epoch === simplex.epoch) {
      this.#call(simplex, (nowMs) => simplex.onFinal({ id, header }, nowMs));
      this.#reviewSilence();
    } else {
      this.#open();
      const seats = this.#deps.committees.of(epoch).length;
      this.#deps.logger.info({ epoch, seats, seat: this.#seatIn(epoch) }, 'an epoch begins');
    }
    const belowView = epoch === header.epoch ? header.view : 0n;
    this.#announcer.forgetBelow(belowView);
    this.#pen?.forget(epoch, belowView);
    this.#look();
  }

  /** A seat, or a node that follows, hears all; one that is far behind only what proves itself. */
  #isBeyond({ type }: ConsensusMessage): boolean {
    if (type === 'certificate' || this.#speaksFrom !== undefined) return false;
    return !this.#deps.isFollowing();
  }

  /** A new object on the last committed milestone, for its epoch. */
  #open(): void {
    this.#jobs.drop();
    const simplex = this.#newSimplex();
    this.#simplex = simplex;
    this.#call(simplex, (nowMs) => simplex.start(nowMs));
  }

  #newSimplex(): Simplex {
    const { networkId, params, engine, committees, memory, hasher, verifier } = this.#deps;
    const { id, header } = engine.latest;
    const epoch = epochOf(header.index + 1, params);
    const signed = memory?.statementsOf(epoch) ?? [];
    const speaksFrom = this.#maySpeakFrom(epoch);
    this.#speaksFrom = speaksFrom;
    this.#pen?.open(signed);
    return new Simplex(
      {
        networkId,
        epoch,
        params,
        deltaMs: this.#options.deltaMs,
        base: { id, header },
        committee: committees.of(epoch),
        // A silent seat listens: what it may not say it need not keep either.
        ...(speaksFrom === undefined
          ? { seat: undefined, signed: [] }
          : { seat: this.#seatIn(epoch), signed, silentBelow: speaksFrom }),
      },
      { hasher, verifier },
    );
  }

  /** The key's seat in that epoch's committee. */
  #seatIn(epoch: number): number | undefined {
    const { memory, committees } = this.#deps;
    return memory && seatIn(committees.of(epoch), memory.publicKey);
  }

  #maySpeakFrom(epoch: number): bigint | undefined {
    const { memory, engine } = this.#deps;
    if (memory === undefined) return undefined;
    if (!this.#hasFollowed) {
      if (!this.#deps.isFollowing()) return undefined;
      this.#hasFollowed = true;
      memory.silence.onCaughtUp(engine.latest.header);
    }
    return this.#seatIn(epoch) === undefined ? undefined : memory.silence.silentBelow(epoch);
  }

  /** Falls silent at once when it must; speaks again when the log holds all that was said. */
  #reviewSilence(): void {
    const speaksFrom = this.#maySpeakFrom(this.#simplex.epoch);
    if (this.#isAsBefore(speaksFrom)) return;
    if (speaksFrom !== undefined && this.#pen?.isBusy === true) return;
    const { silence } = this.#deps.memory ?? {};
    const { logger } = this.#deps;
    if (speaksFrom === undefined) logger.warn({ reason: silence?.reason }, 'the seat falls silent');
    else logger.info({ fromView: String(speaksFrom) }, 'the seat speaks');
    this.#open();
  }

  /** Where nothing is said any more it does not matter what may be said. */
  #isAsBefore(speaksFrom: bigint | undefined): boolean {
    const before = this.#speaksFrom;
    if (speaksFrom === undefined || before === undefined) return speaksFrom === before;
    const open = this.#baseView() + 1n;
    return speaksFrom === before || (speaksFrom <= open && before <= open);
  }

  /** Our signature under what we do not remember: the log is older than what was said. */
  #watchOwn(
    simplex: Simplex,
    message: ConsensusMessage,
    { outcome, actions }: { outcome: Outcome<void>; actions: readonly SimplexAction[] },
  ): void {
    const { memory } = this.#deps;
    const pen = this.#pen;
    const seat = this.#seatIn(simplex.epoch);
    if (memory === undefined || pen === undefined || seat === undefined) return;
    const foreign =
      accusedView(actions, seat) ??
      (outcome.ok ? foreignView(message, { simplex, pen, seat }) : undefined);
    if (foreign === undefined) return;
    memory.silence.onForeignOwn(simplex.epoch, foreign);
    this.#reviewSilence();
  }

  /** One call of the object, and all that it wants done, in this turn. */
  #call(simplex: Simplex, step: (nowMs: number) => readonly SimplexAction[]): void {
    if (simplex !== this.#simplex || !this.#isRunning) return;
    try {
      const { view } = simplex;
      for (const action of step(this.#deps.clock.nowMs())) this.#wanted.push({ simplex, action });
      if (simplex.view !== view) this.#onView(simplex, view);
      this.#act();
      this.#wakeIn(simplex.wakeMs - this.#deps.clock.nowMs());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** In order; what one of them leads to comes after those that were there before. */
  #act(): void {
    if (this.#isActing) return;
    this.#isActing = true;
    try {
      for (let next = this.#wanted.shift(); next !== undefined; next = this.#wanted.shift()) {
        this.#do(next);
      }
    } finally {
      this.#isActing = false;
    }
  }

  #do({ simplex, action }: Wanted): void {
    // Final is final, and evidence too; nothing else of an object that is gone matters.
    if (action.do === 'final') this.#takeFinal(simplex, action.id, action.milestone);
    else if (action.do === 'evidence') this.#keep({ ...action.evidence, epoch: simplex.epoch });
    else if (simplex !== this.#simplex) return;
    else if (action.do === 'sign') this.#pen?.write(simplex, action.statement);
    else if (action.do === 'send') this.#send(simplex, action.message);
    else if (action.do === 'fetch') this.#fetch(simplex.epoch, action.views, action.ids);
    else this.#jobs.take(action, simplex);
  }

  /** A committee of one has nobody to tell. */
  #send(simplex: Simplex, message: ConsensusMessage): void {
    if (message.type === 'proposal') {
      this.#sightings.proposed(simplex.proposalAt(message.proposal.view));
    }
    if (this.#deps.committees.of(simplex.epoch).length === 1) return;
    this.#announcer.publish(message);
    this.#deps.metrics.message('out', message.type);
  }

  #fetch(epoch: number, views: readonly bigint[], ids: readonly MilestoneId[]): void {
    const { wire, logger } = this.#deps;
    if (this.#asking >= MAX_ASKING || !this.#deps.isFollowing()) return;
    this.#asking += 1;
    wire
      .ask(epoch, views, ids, (message) => this.onMessage(message))
      .catch((error: unknown) => logger.debug(errorFields(error), 'asking for votes failed'))
      .finally(() => {
        this.#asking -= 1;
      });
  }

  #takeFinal(simplex: Simplex, id: MilestoneId, milestone: Milestone): void {
    const { view } = milestone.header;
    const seat = this.#speaksFrom === undefined ? undefined : this.#seatIn(simplex.epoch);
    if (seat !== undefined) {
      const isOurTurn = [view, view + 1n].some((one) => simplex.leaderOf(one) === seat);
      this.#announcer.announce(id, encodeMilestone(milestone), isOurTurn);
    }
    this.#sightings.final(id);
    this.#finals
      .run(() => this.#deps.onFinal(milestone))
      .catch((error: unknown) => this.#fail(error));
  }

  #keep(evidence: ConsensusEvidence): void {
    const { metrics, logger } = this.#deps;
    const { kind, seat, epoch } = evidence;
    logger.warn({ kind, seat, epoch }, 'a seat contradicts itself');
    metrics.evidence(kind);
    this.#deps.onEvidence(evidence).catch((error: unknown) => {
      logger.error(errorFields(error), 'evidence could not be kept');
    });
  }

  #onView(simplex: Simplex, from: bigint): void {
    this.#sightings.entered(simplex, from);
    this.#wakeIn(0, SOON_MS);
  }

  /** Time has passed, or something has changed that the agreement is not told. */
  #look(): void {
    if (!this.#isRunning) return;
    this.#cancelWake?.();
    this.#wakeAtMs = Infinity;
    try {
      this.#reviewSilence();
      this.#isWaiting = this.#deps.engine.isWaiting(this.#top());
    } catch (error) {
      this.#fail(error);
    }
    const simplex = this.#simplex;
    this.#call(simplex, (nowMs) => simplex.onWaiting(this.#isWaiting, nowMs));
    this.#call(simplex, (nowMs) => simplex.onTick(nowMs));
    this.#jobs.wake();
    this.#wakeIn(TICK_MAX_MS);
  }

  /** The checked milestone that the next will probably stand on. */
  #top(): MilestoneId {
    const { engine } = this.#deps;
    const { notarizedTop } = this.#simplex;
    return engine.has(notarizedTop) ? notarizedTop : engine.latest.id;
  }

  /** Looks again in so many milliseconds, or earlier. */
  #wakeIn(delayMs: number, leastMs = TICK_MIN_MS): void {
    if (!this.#isRunning) return;
    const waitMs = Math.min(TICK_MAX_MS, Math.max(leastMs, delayMs));
    const atMs = this.#deps.clock.nowMs() + waitMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#cancelWake?.();
    this.#wakeAtMs = atMs;
    this.#cancelWake = this.#timers.after(waitMs, () => this.#look());
  }

  #baseView(): bigint {
    const { base, epoch } = this.#simplex;
    return base.header.epoch === epoch && base.header.index > 0 ? base.header.view : 0n;
  }

  /** The state may be half of what it should be: nothing more is said. */
  #fail(error: unknown): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#cancelWake?.();
    this.#deps.logger.error(errorFields(error), 'the agreement failed');
    this.#deps.onFatal(error);
  }
}
