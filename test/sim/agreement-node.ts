/**
 * One node of a simulation whose agreement is the one of `apps/node`: the same rules, disk and
 * links as in `node.ts`, and between them and the core the driver that a real node runs. What it
 * awaits takes virtual time; a crash leaves everything that is under way unfinished for good.
 */
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  encodeMilestone,
  milestoneIdOf,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { Agreement } from '../../apps/node/src/agreement/agreement.ts';
import type { AgreementMetrics, ConsensusEvidence } from '../../apps/node/src/agreement/ports.ts';
import type { SeatMemory, SilenceReason } from '../../apps/node/src/agreement/seat-memory.ts';
import { genesisCommittees } from '../../apps/node/src/committees.ts';
import type { SpeculativeEngine } from '../../apps/node/src/confirmation/speculation.ts';
import { rangeFrom, readProven } from './answers.ts';
import { SimChain, type SimNetworkRules } from './chain.ts';
import type { VirtualClock } from './clock.ts';
import { Disk } from './disk.ts';
import { GossipMemory } from './gossip-memory.ts';
import type { RangeItem, SimMessage } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { Signing } from './signing.ts';
import { VoteFile } from './vote-file.ts';

/** Where the seat may speak, as a test sets it. */
export interface Silence {
  from: bigint | undefined;
  reason: SilenceReason | undefined;
  readonly foreign: bigint[];
  /** Speaks after views in which it hears itself, as an operator may allow; else falls silent. */
  passesOver: boolean;
  /** Where the node stood when it had followed its peers for the first time. */
  readonly caughtUpAt: number[];
}

export interface AgreementNodeOptions {
  /** Its place on the network; the seat too, unless `isObserver`. */
  readonly place: number;
  readonly isObserver: boolean;
  /** Nodes of the network. */
  readonly size: number;
  readonly deltaMs: number;
}

export interface AgreementNodeDeps {
  readonly rules: SimNetworkRules;
  readonly signing: Signing;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  send(to: number, message: SimMessage): void;
}

/** What a node said, in order. */
export interface Published {
  readonly atMs: number;
  readonly attempt: number;
  readonly message: ConsensusMessage;
}

const RANGE_LENGTH = 8;
const STATUS_MS = 500;
const CHECK_MS = 5;
const SYNC_MS = 3;

const NO_METRICS: AgreementMetrics = {
  message: () => undefined,
  viewEnded: () => undefined,
  final: () => undefined,
  votesWritten: () => undefined,
  seatVote: () => undefined,
  evidence: () => undefined,
};

export class AgreementNode {
  readonly place: number;
  readonly disk: Disk;
  readonly silence: Silence = {
    from: 0n,
    reason: undefined,
    foreign: [],
    passesOver: false,
    caughtUpAt: [],
  };
  readonly published: Published[] = [];
  readonly publishedMilestones: number[] = [];
  readonly asked: (readonly BlockId[])[] = [];
  readonly evidence: ConsensusEvidence[] = [];
  readonly errors: unknown[] = [];
  /** How often the log was read to begin anew. */
  openings = 0;
  /** Requests for votes that went out. */
  requests = 0;
  isFollowing = true;
  isUp = false;
  chain: SimChain;
  agreement: Agreement | undefined;
  readonly #options: AgreementNodeOptions;
  readonly #deps: AgreementNodeDeps;
  #generation = 0;
  #finals = new Map<number, Milestone>();
  #heard: GossipMemory;

  constructor(options: AgreementNodeOptions, deps: AgreementNodeDeps) {
    this.place = options.place;
    this.#options = options;
    this.#deps = deps;
    const { start, hasher } = deps.rules;
    const publicKey = deps.signing.publicKey(options.place);
    const votes = new VoteFile({ networkId: start.networkId, publicKey }, hasher);
    this.disk = new Disk(start, votes);
    this.chain = this.#openChain();
    this.#heard = this.#newMemory();
  }

  start(): void {
    this.isUp = true;
    this.#generation += 1;
    this.#finals = new Map();
    this.#heard = this.#newMemory();
    this.chain = this.#openChain();
    this.agreement = this.#newAgreement();
    this.agreement.start();
    this.#sayStatus();
  }

  /** The machine stops between two events; what was not synced is lost. */
  crash(): void {
    this.isUp = false;
    this.#generation += 1;
    this.disk.crash();
  }

  /** Makes a block and sends it to `to`, by default to all. */
  issue(payload: Payload, to: readonly number[] = this.#peers()): BlockId {
    const bytes = this.chain.mine(payload);
    const added = this.chain.addBlock(bytes);
    for (const peer of to) this.#deps.send(peer, { kind: 'block', bytes });
    this.agreement?.onSolid();
    if (!added.ok) throw new Error(added.code);
    return added.value.id;
  }

  receive(from: number, message: SimMessage): void {
    if (!this.isUp) return;
    switch (message.kind) {
      case 'block':
        this.#onBlock(from, message.bytes);
        break;
      case 'consensus':
        this.#onGossip(message.bytes);
        break;
      case 'status':
        if (message.index > this.chain.latest.header.index) {
          const next = this.chain.latest.header.index + 1;
          this.#deps.send(from, { kind: 'want-range', from: next });
        }
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
        this.#onRange(message.items);
        break;
      case 'want-consensus': {
        const { epoch, views, ids } = message;
        const answers = this.agreement?.messagesFor(epoch, views, ids) ?? [];
        // An attempt of an answer: it does not go through gossip.
        for (const bytes of answers) {
          this.#deps.send(from, { kind: 'consensus', bytes: withAttempt(bytes, 0, 1) });
        }
        break;
      }
    }
  }

  #newMemory(): GossipMemory {
    return new GossipMemory(() => this.#deps.clock.nowMs);
  }

  #openChain(): SimChain {
    const { rules, random, clock } = this.#deps;
    return new SimChain(rules, this.disk, { random, nowMs: () => clock.nowMs });
  }

  #newAgreement(): Agreement {
    const { rules, signing, clock, random } = this.#deps;
    const { start, params, committee, hasher } = rules;
    return new Agreement(
      { deltaMs: this.#options.deltaMs },
      {
        networkId: start.networkId,
        params,
        hasher,
        verifier: signing.verifier,
        clock: { nowMs: () => clock.nowMs },
        timers: { after: (delayMs, run) => this.#after(delayMs, run) },
        committees: { of: () => committee },
        engine: this.#engine(),
        memory: this.#options.isObserver ? undefined : this.#memory(),
        wire: {
          publish: (message, attempt) => this.#gossip(message, attempt),
          ask: async (epoch, views, ids) => {
            this.requests += 1;
            for (let turn = 0; turn < 2 && this.#options.size > 1; turn += 1) {
              const to = random.pick(this.#peers());
              this.#deps.send(to, { kind: 'want-consensus', epoch, views, ids });
            }
            await this.#pause(SYNC_MS);
          },
          publishMilestone: (bytes) => {
            this.publishedMilestones.push(this.chain.latest.header.index + 1);
            const items = [{ milestone: bytes, cone: [] }];
            for (const to of this.#peers()) this.#deps.send(to, { kind: 'range', items });
          },
        },
        onFinal: async (milestone) => {
          await this.#pause(1);
          this.#takeFinal(milestone);
        },
        onEvidence: async (one) => {
          this.evidence.push(one);
          await Promise.resolve();
        },
        wantBlocks: (ids) => {
          this.asked.push(ids);
          this.#want(ids);
        },
        leader: {
          waitingBlocks: () => this.chain.dag.unreferencedCount,
          queueFill: () => 0,
          confirmMs: () => CHECK_MS,
          heaviest: (...args) => this.chain.tips.heaviest(...args),
        },
        isFollowing: () => this.isFollowing,
        logger: SILENT_LOGGER,
        metrics: NO_METRICS,
        onFatal: (error) => this.errors.push(error),
      },
    );
  }

  #engine(): SpeculativeEngine {
    const { chain } = this;
    return {
      get latest(): ParentMilestone {
        return chain.candidates.base;
      },
      halted: undefined,
      has: (id) => chain.candidates.stateOf(id) !== undefined,
      check: async (id, entry, nowMs) => {
        await this.#pause(CHECK_MS);
        return chain.check(id, entry, nowMs);
      },
      build: async (parent, view, choose) => {
        await this.#pause(CHECK_MS);
        return chain.buildChosen(parent, view, choose);
      },
      isWaiting: (id) => chain.isWaiting(id),
      syncBlocks: async () => {
        await this.#pause(SYNC_MS);
        this.disk.syncBlocks();
      },
    };
  }

  #memory(): SeatMemory {
    const { signing, rules } = this.#deps;
    const { networkId } = rules.start;
    const { silence, place: seat } = this;
    const sign = ({ kind, epoch, view, digest }: SignedStatement): Uint8Array =>
      signing.sign(seat, signedMessage(networkId, kind, epoch, view, digest));
    return {
      publicKey: signing.publicKey(seat),
      statementsOf: (epoch) => {
        this.openings += 1;
        return this.disk.votes.statementsOf(epoch);
      },
      record: async (statements, syncCone) => {
        if (statements.some(({ kind }) => kind === 'notarize')) await syncCone();
        this.disk.votes.write(statements);
        await this.#pause(SYNC_MS);
        this.disk.votes.sync();
        return statements.map(sign);
      },
      forget: async (belowEpoch, belowView) => {
        this.disk.votes.forget({ epoch: belowEpoch, view: belowView });
        await Promise.resolve();
      },
      silence: {
        silentBelow: (epoch) => {
          const { from } = silence;
          const { completeFrom } = this.disk.votes;
          const isOlder = from !== undefined && epoch === completeFrom.epoch;
          return isOlder && completeFrom.view > from ? completeFrom.view : from;
        },
        get reason() {
          return silence.reason;
        },
        onConfirmed: () => undefined,
        onCaughtUp: ({ index }) => silence.caughtUpAt.push(index),
        onForeignOwn: (_, view) => {
          silence.foreign.push(view);
          const { from, passesOver } = silence;
          if (passesOver && from !== undefined && view >= from) silence.from = view + 1n;
          else if (!passesOver) silence.from = undefined;
        },
      },
      close: () => Promise.resolve(),
    };
  }

  #after(delayMs: number, run: () => void): () => void {
    const generation = this.#generation;
    let isWanted = true;
    this.#deps.clock.after(delayMs, () => {
      if (isWanted && generation === this.#generation) run();
    });
    return () => {
      isWanted = false;
    };
  }

  /** Never ends if the machine stops meanwhile. */
  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#after(delayMs, resolve);
    return promise;
  }

  #gossip(message: ConsensusMessage, attempt: number): void {
    this.published.push({ atMs: this.#deps.clock.nowMs, attempt, message });
    const bytes = withAttempt(encodeConsensusMessage(message), attempt, 0);
    for (const to of this.#peers()) this.#deps.send(to, { kind: 'consensus', bytes });
  }

  /** Gossip drops what it has carried; answers to a request do not go through it. */
  #onGossip(bytes: Uint8Array): void {
    const isAnswer = bytes[1] === 1;
    if (!isAnswer && this.#heard.knows(bytes)) return;
    const decoded = decodeConsensusMessage(bytes.subarray(2));
    if (decoded.ok) this.agreement?.onMessage(decoded.value);
  }

  #onBlock(from: number, bytes: Uint8Array): void {
    const added = this.chain.addBlock(bytes, `${from}`);
    if (!added.ok) return;
    this.#want(added.value.missing);
    this.#commitAll();
    this.agreement?.onSolid();
  }

  #want(ids: readonly BlockId[]): void {
    const open = ids.filter((id) => !this.chain.reload(id) && !this.chain.recall(id));
    const all = [...open, ...this.chain.dag.missingParents(RANGE_LENGTH)];
    if (all.length === 0 || this.#options.size === 1) return;
    const to = this.#deps.random.pick(this.#peers());
    this.#deps.send(to, { kind: 'want-blocks', ids: all });
  }

  #takeFinal(milestone: Milestone): void {
    this.#finals.set(milestone.header.index, milestone);
    this.#commitAll();
  }

  #commitAll(): void {
    for (;;) {
      const milestone = this.#finals.get(this.chain.latest.header.index + 1);
      if (milestone === undefined) return;
      const id = milestoneIdOf(milestone.header, this.#deps.rules.hasher);
      if (this.chain.candidates.stateOf(id) === undefined) {
        const checked = this.chain.check(id, milestone);
        if (!checked.ok) {
          if (checked.detail !== undefined) this.#want([checked.detail as BlockId]);
          return;
        }
      }
      const result = this.chain.candidates.resultOf(id);
      if (result === undefined) throw new Error('a checked milestone has a result');
      this.#finals.delete(milestone.header.index);
      this.chain.commit(milestone);
      const bytes = encodeMilestone(milestone);
      this.agreement?.onConfirmed({ id, milestone, bytes, result, elapsedMs: 1 });
    }
  }

  #sayStatus(): void {
    const { index } = this.chain.latest.header;
    for (const to of this.#peers()) this.#deps.send(to, { kind: 'status', index });
    this.#after(STATUS_MS, () => this.#sayStatus());
  }

  /** Milestones of gossip, without their cones, and of answers. */
  #onRange(items: readonly RangeItem[]): void {
    const { rules } = this.#deps;
    const committees = genesisCommittees(rules.committee);
    for (const { milestone, cone } of items) {
      const proven = readProven(milestone, { ...rules, committees });
      if (!proven.ok) continue;
      const { header } = proven.value;
      this.agreement?.onMilestoneHeard(milestoneIdOf(header, rules.hasher));
      if (header.index <= this.chain.latest.header.index) continue;
      for (const block of cone) this.chain.addBlock(block);
      this.#takeFinal(proven.value);
    }
  }

  #peers(): number[] {
    return Array.from({ length: this.#options.size }, (_, at) => at).filter(
      (at) => at !== this.place,
    );
  }
}

/** `attempt | whether it is an answer | message`. */
function withAttempt(bytes: Uint8Array, attempt: number, isAnswer: 0 | 1): Uint8Array {
  return new Uint8Array([attempt, isAnswer, ...bytes]);
}
