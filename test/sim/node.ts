/**
 * One node of a simulation: the real core behind a shell that the virtual clock drives. It takes
 * messages in, asks for what is missing, catches up with certified milestones, and does what the
 * agreement asks for. A crash ends it between any two events; it starts again from its disk.
 */
import { signedMessage, type Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { SignedStatement, SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Base, Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import { succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { SilenceReason } from '../../apps/node/src/agreement/seat-memory.ts';
import { seatIn, type Committees } from '../../apps/node/src/committees.ts';
import { consensusFor, faultOf, rangeFrom, readProven } from './answers.ts';
import type { Alter, ByzantineSeat } from './byzantine.ts';
import { SimChain, type SimNetworkRules } from './chain.ts';
import type { VirtualClock } from './clock.ts';
import { committeesOn, Disk } from './disk.ts';
import { GossipMemory } from './gossip-memory.ts';
import { Jobs } from './jobs.ts';
import type { RangeItem, SimMessage } from './network.ts';
import type { SeededRandom } from './random.ts';
import { Requests } from './requests.ts';
import { isSameVoice, SimSeat } from './seat.ts';
import type { Signing } from './signing.ts';
import { VoteFile } from './vote-file.ts';

/** What a node tells the checkers. */
export interface NodeWatch {
  onFinal(node: SimNode, id: MilestoneId, milestone: Milestone): void;
  onCommit(node: SimNode, id: MilestoneId): void;
  onView(node: SimNode, epoch: number, view: bigint): void;
  /** Of the key that contradicted itself. */
  onEvidence(node: SimNode, evidence: Evidence, publicKey: Uint8Array): void;
}

/** Safety measures that a test may leave out, to see the checkers find what follows. */
export interface Measures {
  /** Votes are synced before they are sent. */
  readonly syncsVotes: boolean;
  /** A cone's blocks are synced before its milestone is notarised. */
  readonly syncsCones: boolean;
  /** What is said again has other bytes; else gossip takes it for a duplicate and drops it. */
  readonly variesRepeats: boolean;
  /** A seat whose votes are lost is silent until it cannot contradict them. */
  readonly guardsSilence: boolean;
  /** A milestone's body must be the one that its certified header names. */
  readonly checksBodies: boolean;
}

export interface NodeOptions {
  /** Its number; where nobody is elected that of its seat as well. */
  readonly seat: number;
  readonly size: number;
  readonly deltaMs: number;
  readonly measures: Measures;
}

export interface NodeDeps {
  readonly rules: SimNetworkRules;
  readonly signing: Signing;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly watch: NodeWatch;
  send(to: number, message: SimMessage): void;
}

/** Milliseconds between two looks at the timers. */
const TICK_MS = 40;

export class SimNode implements ByzantineSeat {
  readonly seat: number;
  readonly signing: Signing;
  disk: Disk;
  /** How far this node's clock leads. */
  offsetMs = 0;
  isUp = false;
  /** Set for a byzantine seat. */
  alter: Alter | undefined;
  /** A byzantine seat that tells nobody again what it said up to this view. */
  forgotten: bigint | undefined;
  /** Its disk was lost, and its seat has not spoken since. */
  isWiped = false;
  chain: SimChain;
  committees: Committees;
  simplex: Simplex;
  readonly #options: NodeOptions;
  readonly #deps: NodeDeps;
  #generation = 0;
  #finals = new Map<number, Milestone>();
  readonly #jobs: Jobs;
  readonly #gossiped: GossipMemory;
  readonly #requests: Requests;
  #own: SimSeat;
  /** The first view in which the seat speaks; undefined while it only listens. */
  #speaksFrom: bigint | undefined;

  constructor(options: NodeOptions, deps: NodeDeps) {
    this.seat = options.seat;
    this.signing = deps.signing;
    this.#options = options;
    this.#deps = deps;
    const nowMs = (): number => deps.clock.nowMs;
    this.#requests = new Requests(options, { ...deps, nowMs });
    this.#gossiped = new GossipMemory(nowMs);
    this.#jobs = new Jobs({
      chain: () => this.chain,
      simplex: () => this.simplex,
      nowMs: () => this.nowMs,
      act: (actions) => this.#do(actions),
      want: (id) => this.#requests.askWithParents(id, this.chain.dag),
    });
    this.disk = new Disk(deps.rules.start, this.#newVotes());
    this.committees = committeesOn(this.disk, deps.rules);
    this.chain = this.#openChain();
    this.#own = this.#openSeat();
    this.simplex = this.#openEpoch();
  }

  get nowMs(): number {
    return this.#deps.clock.nowMs + this.offsetMs;
  }

  get epoch(): number {
    return epochOf(this.chain.latest.header.index + 1, this.#deps.rules.params);
  }

  /** Starts from the disk. */
  start(): void {
    this.isUp = true;
    this.#generation += 1;
    this.#jobs.take(undefined);
    this.#finals = new Map();
    this.#requests.restart();
    this.committees = committeesOn(this.disk, this.#deps.rules);
    this.chain = this.#openChain();
    this.#own = this.#openSeat();
    this.#enterEpoch();
    this.#tick();
  }

  /** The machine stops between two events. @returns unsynced writes that are lost. */
  crash(): number {
    this.isUp = false;
    this.#generation += 1;
    return this.disk.crash();
  }

  /** Of a machine that stands still its votes are lost, or all that it had. */
  wipe(what: 'votes' | 'all'): void {
    this.isWiped = true;
    const hasSpoken =
      this.chain.latest.header.index > 0 && this.committees.hasSat(this.publicKey, this.epoch);
    if (what === 'all') this.disk = new Disk(this.#deps.rules.start, this.#newVotes());
    // Who had a seat said something: so `openSeat` of a node has it.
    else this.disk.votes = this.#newVotes(hasSpoken ? 'log-missing' : undefined);
  }

  get publicKey(): Uint8Array {
    return this.signing.publicKey(this.seat);
  }

  /** Whether it has a seat in the committee of the present epoch. */
  get isSeated(): boolean {
    return this.#seatIn(this.epoch) !== undefined;
  }

  /** Whether the seat takes part in the agreement. */
  get isSpeaking(): boolean {
    return this.isUp && this.#speaksFrom !== undefined;
  }

  /** False for a node that lost all and has not come to where its peers are. */
  get isSynced(): boolean {
    return this.isUp && (!this.isWiped || this.#own.hasFollowed);
  }

  /** Makes a block, takes it in and sends it to `to`, by default to all. */
  issue(payload: Payload, options: { to?: readonly number[]; parents?: BlockId[] } = {}): BlockId {
    const bytes = this.chain.mine(payload, options.parents);
    const added = this.chain.addBlock(bytes);
    for (const to of options.to ?? this.#requests.peers)
      this.#deps.send(to, { kind: 'block', bytes });
    return added.ok ? added.value.id : ('' as BlockId);
  }

  /** A message came. @returns the code if its sender is at fault. */
  receive(from: number, message: SimMessage): string | undefined {
    if (!this.isUp) return undefined;
    switch (message.kind) {
      case 'block':
        return faultOf(this.#onBlock(from, message.bytes));
      case 'consensus':
        return faultOf(this.#onConsensus(message.bytes));
      case 'status':
        this.#requests.onStatus(from, message.index, this.chain.latest.header.index);
        break;
      case 'want-blocks':
        for (const id of message.ids) {
          const bytes = this.disk.block(id);
          if (bytes !== undefined) this.#deps.send(from, { kind: 'block', bytes });
        }
        break;
      case 'want-range':
        this.#deps.send(from, { kind: 'range', items: rangeFrom(this.disk, message.from) });
        break;
      case 'range':
        return faultOf(this.#onRange(message.items));
      case 'want-consensus':
        this.#answerConsensus(from, message);
        break;
    }
    return undefined;
  }

  proposalAt(view: bigint): MilestoneId | undefined {
    return this.simplex.proposalAt(view);
  }

  buildOn(parent: MilestoneId, view: bigint): Entry | undefined {
    const built = this.chain.build(parent, view, this.nowMs);
    return built.ok ? built.value : undefined;
  }

  /** Signs a statement with this seat's key. */
  signStatement({ kind, epoch, view, digest }: Omit<SignedStatement, 'proposal'>): Uint8Array {
    const { networkId } = this.#deps.rules.start;
    return this.signing.sign(this.seat, signedMessage(networkId, kind, epoch, view, digest));
  }

  #openChain(): SimChain {
    const { rules, random } = this.#deps;
    return new SimChain(rules, this.disk, { random, nowMs: () => this.nowMs });
  }

  #seatIn(epoch: number): number | undefined {
    return seatIn(this.committees.of(epoch), this.publicKey);
  }

  #newVotes(reason?: SilenceReason): VoteFile {
    const { start, hasher } = this.#deps.rules;
    const owner = { networkId: start.networkId, publicKey: this.publicKey };
    return new VoteFile(owner, hasher, reason);
  }

  #openSeat(): SimSeat {
    const { params } = this.#deps.rules;
    const isGuarded = this.#options.measures.guardsSilence && this.alter === undefined;
    return new SimSeat(
      { maxDriftMs: params.maxDriftMs, isGuarded },
      {
        seatIn: (epoch) => this.#seatIn(epoch),
        isNew: ({ index }) =>
          index === 0 || !this.committees.hasSat(this.publicKey, epochOf(index + 1, params)),
        votes: this.disk.votes,
        clock: { nowMs: () => this.nowMs },
        latest: () => this.chain.latest.header,
        hasCaughtUp: () =>
          !this.isWiped || this.#requests.hasCaughtUp(this.chain.latest.header.index),
      },
    );
  }

  #openEpoch(): Simplex {
    const { rules, signing } = this.#deps;
    const { epoch } = this;
    const speaksFrom = this.#own.speaksFrom(epoch);
    this.#speaksFrom = speaksFrom;
    if (speaksFrom !== undefined) this.isWiped = false;
    return new Simplex(
      {
        networkId: rules.start.networkId,
        epoch,
        committee: this.committees.of(epoch),
        params: rules.params,
        deltaMs: this.#options.deltaMs,
        base: this.chain.latest,
        ...(speaksFrom === undefined
          ? { seat: undefined, signed: [] }
          : {
              seat: this.#seatIn(epoch),
              signed: this.disk.votes.statementsOf(epoch),
              silentBelow: speaksFrom,
            }),
      },
      { hasher: rules.hasher, verifier: signing.verifier },
    );
  }

  #enterEpoch(): void {
    this.simplex = this.#openEpoch();
    this.#do(this.simplex.start(this.nowMs));
  }

  /** Falls silent when it must, and speaks again when it may. */
  #reviewSilence(): void {
    const voices = [this.#speaksFrom, this.#own.speaksFrom(this.epoch)] as const;
    if (!isSameVoice(voices, this.epoch, this.chain.latest)) this.#enterEpoch();
  }

  #later(delayMs: number, run: () => void): void {
    const generation = this.#generation;
    this.#deps.clock.after(delayMs, () => {
      if (this.#generation === generation) run();
    });
  }

  #tick(): void {
    this.#later(TICK_MS * this.#deps.random.between(0.5, 1.5), () => {
      const { id } = this.#top();
      this.#do(this.simplex.onWaiting(this.chain.isWaiting(id), this.nowMs));
      this.#do(this.simplex.onTick(this.nowMs));
      this.#work();
      this.#reviewSilence();
      this.#requests.askForParents(this.chain.dag, (one) => this.chain.recall(one));
      this.#requests.sayStatus(this.chain.latest.header.index);
      // A leader takes in what it holds.
      if (!this.isSeated) this.#requests.offerAgain(this);
      this.#tick();
    });
  }

  /** The checked milestone that the next will probably stand on. */
  #top(): { id: MilestoneId } {
    const { notarizedTop } = this.simplex;
    return this.chain.candidates.stateOf(notarizedTop) ? { id: notarizedTop } : this.chain.latest;
  }

  #do(actions: readonly SimplexAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'sign':
          this.#sign(action.statement);
          break;
        case 'send':
          this.#broadcast(action.message);
          break;
        case 'check':
        case 'build':
          this.#jobs.take(action);
          this.#later(this.#deps.random.between(0, 5), () => this.#work());
          break;
        case 'fetch':
          for (const to of this.#requests.some(2)) {
            const { views, ids } = action;
            this.#deps.send(to, { kind: 'want-consensus', epoch: this.epoch, views, ids });
          }
          break;
        case 'final':
          this.#takeFinal(action.id, action.milestone);
          this.#later(0, () => this.#commitAll());
          break;
        case 'evidence':
          this.#accuse(action.evidence);
          break;
      }
    }
  }

  /** To the disk, synced, and only then to the world; a crash may come between any two steps. */
  #sign(statement: SignedStatement): void {
    const { random } = this.#deps;
    const { syncsVotes, syncsCones } = this.#options.measures;
    const { simplex } = this;
    this.#later(random.between(1, 4), () => {
      if (!this.#own.maySay(statement)) return;
      if (syncsCones && statement.kind === 'notarize') this.disk.syncBlocks();
      this.disk.votes.write([statement]);
      this.#later(random.between(0, 2), () => {
        if (syncsVotes) this.disk.votes.sync();
        if (simplex !== this.simplex) return;
        this.#do(simplex.onSigned(statement, this.signStatement(statement), this.nowMs));
      });
    });
  }

  #broadcast(message: ConsensusMessage): void {
    const bytes = encodeConsensusMessage(message);
    if (!this.#options.measures.variesRepeats && this.#gossiped.knows(bytes)) return;
    for (const to of this.#requests.peers) {
      const altered = this.alter?.(this, to, message);
      const all = altered === undefined ? [bytes] : altered.map(encodeConsensusMessage);
      for (const one of all) this.#deps.send(to, { kind: 'consensus', bytes: one });
    }
  }

  #onBlock(from: number, bytes: Uint8Array): Outcome<unknown> {
    const added = this.chain.addBlock(bytes, `${from}`);
    if (!added.ok) return added;
    this.#requests.ask(added.value.missing, [from]);
    const [peer] = this.#requests.some(1);
    if (peer !== undefined && peer !== from) this.#deps.send(peer, { kind: 'block', bytes });
    this.#work();
    return added;
  }

  #onConsensus(bytes: Uint8Array): Outcome<unknown> {
    const decoded = decodeConsensusMessage(bytes);
    if (!decoded.ok) return decoded;
    const { simplex } = this;
    const taken = simplex.onMessage(decoded.value, this.nowMs);
    this.#do(taken.actions);
    const { verdict } = taken;
    this.#own.onMessage(decoded.value, simplex, taken);
    if (!verdict.ok) return verdict;
    const { type } = decoded.value;
    if (type === 'vote') this.#seeView(decoded.value.vote.view);
    else if (type === 'certificate') this.#seeView(decoded.value.certificate.view);
    return verdict;
  }

  #seeView(view: bigint): void {
    this.#deps.watch.onView(this, this.epoch, view);
  }

  /** Goes on with what waits for blocks, and with final milestones. */
  #work(): void {
    this.#commitAll();
    this.#jobs.work();
  }

  #accuse(evidence: Evidence): void {
    const publicKey = this.committees.of(this.simplex.epoch)[evidence.seat];
    if (publicKey === undefined) throw new Error('evidence is against a seat of the committee');
    this.#deps.watch.onEvidence(this, evidence, publicKey);
  }

  #takeFinal(id: MilestoneId, milestone: Milestone): void {
    this.committees.learn(milestone);
    this.#deps.watch.onFinal(this, id, milestone);
    const { index } = milestone.header;
    if (index > this.chain.latest.header.index && !this.#finals.has(index)) {
      this.#finals.set(index, milestone);
    }
  }

  #commitAll(): void {
    const { hasher } = this.#deps.rules;
    for (;;) {
      const milestone = this.#finals.get(this.chain.latest.header.index + 1);
      if (milestone === undefined) break;
      const id = milestoneIdOf(milestone.header, hasher);
      if (this.chain.candidates.stateOf(id) === undefined) {
        const checked = this.chain.check(id, milestone);
        if (!checked.ok) {
          this.#jobs.isMissing(checked);
          break;
        }
      }
      this.#finals.delete(milestone.header.index);
      this.chain.commit(milestone);
      this.#deps.watch.onCommit(this, id);
      this.#requests.onProgress();
      this.#follow({ id, header: milestone.header }, milestone.certificate);
    }
  }

  /** The agreement goes on from a committed milestone, and the log forgets what lies below. */
  #follow(base: Base, certificate: Certificate): void {
    const { epoch } = this;
    this.#own.onConfirmed(base.header, certificate);
    if (epoch !== this.simplex.epoch) this.#enterEpoch();
    else this.#do(this.simplex.onFinal(base, this.nowMs));
    this.#reviewSilence();
    this.disk.votes.forget({ epoch, view: epoch === base.header.epoch ? base.header.view : 0n });
  }

  #onRange(items: readonly RangeItem[]): Outcome<unknown> {
    const { rules } = this.#deps;
    const { committees } = this;
    const { checksBodies } = this.#options.measures;
    for (const { milestone, cone } of items) {
      const proven = readProven(milestone, { ...rules, committees }, checksBodies);
      if (!proven.ok) return proven;
      const { header } = proven.value;
      if (header.index <= this.chain.latest.header.index) continue;
      for (const block of cone) this.chain.addBlock(block);
      this.#takeFinal(milestoneIdOf(header, rules.hasher), proven.value);
      this.#commitAll();
    }
    return succeed(undefined);
  }

  #answerConsensus(to: number, asked: Extract<SimMessage, { kind: 'want-consensus' }>): void {
    if (asked.epoch !== this.simplex.epoch || this.forgotten !== undefined) return;
    for (const bytes of consensusFor(this.simplex, asked)) {
      this.#deps.send(to, { kind: 'consensus', bytes });
    }
  }
}
