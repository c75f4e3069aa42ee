/**
 * One node of a simulation: the real core behind a shell that the virtual clock drives. It takes
 * messages in, asks for what is missing, catches up with certified milestones, and does what the
 * agreement asks for. A crash ends it between any two events; it starts again from its disk.
 */
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  milestoneIdOf,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { SignedStatement, SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { Alter, ByzantineSeat } from './byzantine.ts';
import { SimChain, type SimNetworkRules } from './chain.ts';
import type { VirtualClock } from './clock.ts';
import { Disk } from './disk.ts';
import type { RangeItem, SimMessage } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { Signing } from './signing.ts';

/** What a node tells the checkers. */
export interface NodeWatch {
  onFinal(node: SimNode, id: MilestoneId, milestone: Milestone): void;
  onCommit(node: SimNode, id: MilestoneId): void;
  onView(node: SimNode, epoch: number, view: bigint): void;
  onEvidence(node: SimNode, evidence: Evidence): void;
}

/** Safety measures that a test may leave out, to see the checkers find what follows. */
export interface Measures {
  /** Votes are synced before they are sent. */
  readonly syncsVotes: boolean;
  /** A cone's blocks are synced before its milestone is notarised. */
  readonly syncsCones: boolean;
  /** What is said again has other bytes; else gossip takes it for a duplicate and drops it. */
  readonly variesRepeats: boolean;
}

export interface NodeOptions {
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

/** Milliseconds between two looks at the timers, between two status messages, two requests. */
const TICK_MS = 40;
const STATUS_MS = 500;
const RETRY_MS = 400;
const RANGE_LENGTH = 8;
const MAX_WANTED = 64;
/** How long gossip remembers a message (docs/spec/07-gossip.md). */
const GOSSIP_MEMORY_MS = 120_000;

type Job = Extract<SimplexAction, { do: 'check' | 'build' }>;

export class SimNode implements ByzantineSeat {
  readonly seat: number;
  readonly disk: Disk;
  readonly signing: Signing;
  /** How far this node's clock leads. */
  offsetMs = 0;
  isUp = false;
  /** Set for a byzantine seat. */
  alter: Alter | undefined;
  /** A byzantine seat that tells nobody again what it said up to this view. */
  forgotten: bigint | undefined;
  chain: SimChain;
  simplex: Simplex;
  readonly #options: NodeOptions;
  readonly #deps: NodeDeps;
  #generation = 0;
  #job: Job | undefined;
  #finals = new Map<number, Milestone>();
  #peerIndexes = new Map<number, number>();
  #askedMs = new Map<BlockId, number>();
  readonly #gossiped = new Map<string, number>();
  #rangeMs = 0;
  #statusMs = 0;

  constructor(options: NodeOptions, deps: NodeDeps) {
    this.seat = options.seat;
    this.signing = deps.signing;
    this.#options = options;
    this.#deps = deps;
    this.disk = new Disk(deps.rules.start);
    this.chain = this.#openChain();
    this.simplex = this.#openEpoch();
  }

  get nowMs(): number {
    return this.#deps.clock.nowMs + this.offsetMs;
  }

  /** A clock that nobody sets. */
  get #steadyMs(): number {
    return this.#deps.clock.nowMs;
  }

  get epoch(): number {
    return epochOf(this.chain.latest.header.index + 1, this.#deps.rules.params);
  }

  /** Starts from the disk. */
  start(): void {
    this.isUp = true;
    this.#generation += 1;
    this.#job = undefined;
    this.#finals = new Map();
    this.#peerIndexes = new Map();
    this.#askedMs = new Map();
    this.chain = this.#openChain();
    this.#enterEpoch();
    this.#tick();
  }

  /** The machine stops between two events. @returns unsynced writes that are lost. */
  crash(): number {
    this.isUp = false;
    this.#generation += 1;
    return this.disk.crash();
  }

  /** Makes a block, takes it in and sends it to `to`, by default to all. */
  issue(payload: Payload, options: { to?: readonly number[]; parents?: BlockId[] } = {}): BlockId {
    const bytes = this.chain.mine(payload, options.parents);
    const added = this.chain.addBlock(bytes);
    for (const to of options.to ?? this.#peers()) this.#deps.send(to, { kind: 'block', bytes });
    return added.ok ? added.value.id : ('' as BlockId);
  }

  /** A message came. */
  receive(from: number, message: SimMessage): void {
    if (!this.isUp) return;
    switch (message.kind) {
      case 'block':
        this.#onBlock(from, message.bytes);
        break;
      case 'consensus':
        this.#onConsensus(message.bytes);
        break;
      case 'status':
        this.#peerIndexes.set(from, message.index);
        this.#catchUp();
        break;
      case 'want-blocks':
        for (const id of message.ids) {
          const bytes = this.disk.block(id);
          if (bytes !== undefined) this.#deps.send(from, { kind: 'block', bytes });
        }
        break;
      case 'want-range':
        this.#deps.send(from, { kind: 'range', items: this.#rangeFrom(message.from) });
        break;
      case 'range':
        this.#onRange(message.items);
        break;
      case 'want-consensus':
        this.#answerConsensus(from, message);
        break;
    }
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

  #openEpoch(): Simplex {
    const { rules, signing } = this.#deps;
    const { epoch } = this;
    return new Simplex(
      {
        networkId: rules.start.networkId,
        epoch,
        committee: rules.committee,
        seat: this.seat,
        params: rules.params,
        deltaMs: this.#options.deltaMs,
        base: this.chain.latest,
        signed: this.disk.votes.filter((one) => one.epoch === epoch),
      },
      { hasher: rules.hasher, verifier: signing.verifier },
    );
  }

  #enterEpoch(): void {
    this.simplex = this.#openEpoch();
    this.disk.forgetVotes(this.epoch);
    this.#do(this.simplex.start(this.nowMs));
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
      this.#askForParents();
      if (this.#steadyMs - this.#statusMs >= STATUS_MS) this.#sayStatus();
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
          this.#job = action;
          this.#later(this.#deps.random.between(0, 5), () => this.#work());
          break;
        case 'fetch':
          for (const to of this.#somePeers(2)) {
            const { views, ids } = action;
            this.#deps.send(to, { kind: 'want-consensus', epoch: this.epoch, views, ids });
          }
          break;
        case 'final':
          this.#takeFinal(action.id, action.milestone);
          this.#later(0, () => this.#commitAll());
          break;
        case 'evidence':
          this.#deps.watch.onEvidence(this, action.evidence);
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
      if (syncsCones && statement.kind === 'notarize') this.disk.syncBlocks();
      this.disk.writeVote(statement);
      if (syncsVotes) this.disk.syncVotes();
      this.#later(random.between(0, 2), () => {
        if (simplex !== this.simplex) return;
        this.#do(simplex.onSigned(statement, this.signStatement(statement), this.nowMs));
      });
    });
  }

  #broadcast(message: ConsensusMessage): void {
    const bytes = encodeConsensusMessage(message);
    if (!this.#options.measures.variesRepeats && this.#isDuplicate(bytes)) return;
    for (const to of this.#peers()) {
      const altered = this.alter?.(this, to, message);
      const all = altered === undefined ? [bytes] : altered.map(encodeConsensusMessage);
      for (const one of all) this.#deps.send(to, { kind: 'consensus', bytes: one });
    }
  }

  #isDuplicate(bytes: Uint8Array): boolean {
    const key = Buffer.from(bytes).toString('latin1');
    const saidMs = this.#gossiped.get(key) ?? -Infinity;
    if (this.#steadyMs - saidMs < GOSSIP_MEMORY_MS) return true;
    this.#gossiped.set(key, this.#steadyMs);
    return false;
  }

  #onBlock(from: number, bytes: Uint8Array): void {
    const added = this.chain.addBlock(bytes, `${from}`);
    if (!added.ok) return;
    this.#ask(added.value.missing, [from]);
    const [peer] = this.#somePeers(1);
    if (peer !== undefined && peer !== from) this.#deps.send(peer, { kind: 'block', bytes });
    this.#work();
  }

  #onConsensus(bytes: Uint8Array): void {
    const decoded = decodeConsensusMessage(bytes);
    if (!decoded.ok) return;
    const { verdict, actions } = this.simplex.onMessage(decoded.value, this.nowMs);
    this.#do(actions);
    if (!verdict.ok) return;
    const { type } = decoded.value;
    if (type === 'vote') this.#seeView(decoded.value.vote.view);
    else if (type === 'certificate') this.#seeView(decoded.value.certificate.view);
  }

  #seeView(view: bigint): void {
    this.#deps.watch.onView(this, this.epoch, view);
  }

  /** Goes on with the check or the building that waits for blocks, and with final milestones. */
  #work(): void {
    this.#commitAll();
    const job = this.#job;
    if (job === undefined) return;
    if (job.view < this.simplex.view) this.#job = undefined;
    else if (job.do === 'check') this.#check(job);
    else this.#build(job);
  }

  #check(job: Extract<Job, { do: 'check' }>): void {
    if (!this.#isReady(job.header.previousId)) return;
    const checked = this.chain.check(job.id, job, this.nowMs);
    if (!checked.ok && this.#isMissing(checked)) return;
    this.#job = undefined;
    this.#do(this.simplex.onChecked(job.view, job.id, checked.ok, this.nowMs));
  }

  #build(job: Extract<Job, { do: 'build' }>): void {
    if (!this.#isReady(job.parent)) return;
    const built = this.chain.build(job.parent, job.view, this.nowMs);
    if (!built.ok) return;
    this.#job = undefined;
    this.#do(this.simplex.onBuilt(job.view, built.value, this.nowMs));
  }

  /** Whether the state after milestone `id` is known; checks what leads to it. */
  #isReady(id: MilestoneId): boolean {
    if (this.chain.candidates.stateOf(id) !== undefined) return true;
    const entry = this.simplex.entryOf(id);
    if (entry === undefined || entry.header.index <= this.chain.latest.header.index) return false;
    if (!this.#isReady(entry.header.previousId)) return false;
    const checked = this.chain.check(id, entry);
    if (!checked.ok) this.#isMissing(checked);
    return checked.ok;
  }

  /** Asks for the block that a cone lacks; false if something else is wrong. */
  #isMissing({ code, detail }: { code: string; detail?: string | undefined }): boolean {
    if (code !== 'milestone-cone-missing' || detail === undefined) return false;
    const id = detail as BlockId;
    if (!this.chain.reload(id)) this.#ask([id, ...this.chain.dag.missingParents(MAX_WANTED)]);
    return true;
  }

  #takeFinal(id: MilestoneId, milestone: Milestone): void {
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
          this.#isMissing(checked);
          break;
        }
      }
      this.#finals.delete(milestone.header.index);
      this.chain.commit(milestone);
      this.#deps.watch.onCommit(this, id);
      if (this.epoch !== this.simplex.epoch) this.#enterEpoch();
      else this.#do(this.simplex.onFinal({ id, header: milestone.header }, this.nowMs));
    }
  }

  #sayStatus(): void {
    this.#statusMs = this.#steadyMs;
    const { index } = this.chain.latest.header;
    for (const to of this.#peers()) this.#deps.send(to, { kind: 'status', index });
  }

  /** Asks somebody who is ahead for certified milestones. */
  #catchUp(): void {
    const { index } = this.chain.latest.header;
    const ahead = [...this.#peerIndexes].filter(([, theirs]) => theirs > index);
    if (ahead.length === 0 || this.#steadyMs - this.#rangeMs < RETRY_MS) return;
    this.#rangeMs = this.#steadyMs;
    const [to] = this.#deps.random.pick(ahead);
    this.#deps.send(to, { kind: 'want-range', from: index + 1 });
  }

  #rangeFrom(from: number): RangeItem[] {
    return this.disk.chain.slice(from, from + RANGE_LENGTH).map(({ milestone, included }) => ({
      milestone: encodeMilestone(milestone),
      cone: included.flatMap((id) => this.disk.block(id) ?? []),
    }));
  }

  #onRange(items: readonly RangeItem[]): void {
    const { start, committee, hasher } = this.#deps.rules;
    const { verifier } = this.signing;
    for (const { milestone: bytes, cone } of items) {
      const decoded = decodeMilestone(bytes);
      if (!decoded.ok) return;
      const { header, certificate } = decoded.value;
      if (header.index <= this.chain.latest.header.index) continue;
      const crypto = { hasher, verifier };
      if (!checkFinality(header, certificate, committee, start.networkId, crypto).ok) return;
      for (const block of cone) this.chain.addBlock(block);
      this.#takeFinal(milestoneIdOf(header, hasher), decoded.value);
      this.#commitAll();
    }
  }

  #answerConsensus(to: number, asked: Extract<SimMessage, { kind: 'want-consensus' }>): void {
    if (asked.epoch !== this.simplex.epoch || this.forgotten !== undefined) return;
    const answers: ConsensusMessage[] = [];
    for (const view of asked.views) answers.push(...this.simplex.messagesOf(view));
    for (const id of asked.ids) {
      const proposal = this.simplex.proposalOf(id);
      if (proposal !== undefined) answers.push({ type: 'proposal', proposal });
    }
    for (const message of answers) {
      this.#deps.send(to, { kind: 'consensus', bytes: encodeConsensusMessage(message) });
    }
  }

  #askForParents(): void {
    const nowMs = this.#steadyMs;
    const isAsked = (id: BlockId): boolean => nowMs - (this.#askedMs.get(id) ?? 0) < RETRY_MS;
    const missing = this.chain.dag.missingParents(MAX_WANTED, isAsked);
    this.#ask(missing.filter((id) => !this.chain.recall(id)));
  }

  #ask(ids: readonly BlockId[], peers: readonly number[] = this.#somePeers(2)): void {
    const nowMs = this.#steadyMs;
    const open = ids.filter((id) => nowMs - (this.#askedMs.get(id) ?? 0) >= RETRY_MS);
    if (open.length === 0) return;
    for (const id of open) this.#askedMs.set(id, nowMs);
    for (const to of peers) this.#deps.send(to, { kind: 'want-blocks', ids: open });
  }

  #peers(): number[] {
    const all = Array.from({ length: this.#options.size }, (_, seat) => seat);
    return all.filter((seat) => seat !== this.seat);
  }

  #somePeers(count: number): number[] {
    const peers = this.#peers();
    while (peers.length > count) peers.splice(this.#deps.random.below(peers.length), 1);
    return peers;
  }
}
