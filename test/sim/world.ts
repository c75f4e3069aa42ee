/**
 * One run: nodes, network, users and faults of one seed on one virtual clock. First the safety
 * phase, in which everything may go wrong; then all links and nodes are healed, and the committee
 * must go on and agree within a bound. Spec: docs/spec/15-consensus.md §10.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { equalBytes } from '@noble/curves/utils.js';
import { BondTraffic } from './bond-traffic.ts';
import { alterBy, type Collusion } from './byzantine.ts';
import type { SimNetworkRules } from './chain.ts';
import { Checkers, type Violation } from './checkers.ts';
import { VirtualClock } from './clock.ts';
import { drawPlan, type Fault, type Loss, type Plan } from './faults.ts';
import { Network, type SimMessage } from './network.ts';
import { SimNode, type NodeWatch } from './node.ts';
import { SeededRandom } from './random.ts';
import {
  ALL_MEASURES,
  PHASE_MS,
  setUp,
  START_MS,
  type Setup,
  type SimOptions,
  type SimTools,
} from './setup.ts';
import { Tally } from './tally.ts';
import { Trace } from './trace.ts';
import { Traffic } from './traffic.ts';

export interface SimResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Length of the schedule that was used. */
  readonly scheduled: number;
  readonly milestones: number;
  /** Virtual time between healing and agreement; the bound if it was not reached. */
  readonly healMs: number;
  readonly digest: string;
}

const DELTA_MS = 300;
/** Users go on for so long after healing. */
const TRAFFIC_AFTER_MS = 2_000;
/** All must have agreed on so many more milestones, so long after healing. */
const HEALED_MILESTONES = 5;
export const HEAL_BOUND_MS = 40_000;
const LOOK_MS = 250;
/** Parts the chance of later faults from the rest, so that old seeds play what they played. */
const MORE_CHANCE = 0x5bd1_e995;

/** Plays one seed. */
export function simulate(options: SimOptions, tools: SimTools): SimResult {
  return new World(options, tools).play();
}

/** Faults that a user or a validator commits, and not the machines. */
type Misuse = 'spam' | 'double-spend' | 'withhold' | 'replay';

class World {
  readonly #options: SimOptions;
  readonly #setup: Setup;
  readonly #random: SeededRandom;
  readonly #clock = new VirtualClock(START_MS);
  readonly #tally = new Tally();
  readonly #trace: Trace;
  readonly #plan: Plan;
  readonly #network: Network;
  readonly #checkers: Checkers;
  readonly #traffic: Traffic;
  readonly #bonds: BondTraffic | undefined;
  readonly #nodes: SimNode[];
  readonly #issued = new Set<BlockId>();
  readonly #hidden = new Set<Uint8Array>();
  #isHealed = false;
  #isDone = false;

  constructor(options: SimOptions, tools: SimTools) {
    const setup = setUp(options, tools);
    const { rules, hasher, signing, size, faultyMax } = setup;
    this.#options = options;
    this.#setup = setup;
    this.#random = new SeededRandom(options.seed);
    this.#trace = new Trace(options.print);
    const { byzantine, phaseMs = PHASE_MS } = options;
    const byzantineMax = byzantine ?? faultyMax;
    const isForced = byzantine !== undefined;
    const { isStormy = false, isForgetful = false, isPlain = false, wiped = 0 } = options;
    const plan = { size, byzantineMax, isForced, phaseMs, isStormy, isForgetful, wiped };
    const more = new SeededRandom(options.seed ^ MORE_CHANCE);
    this.#plan = drawPlan(this.#random.fork(), { ...plan, ...(isPlain ? {} : { more }) });
    this.#network = new Network({
      clock: this.#clock,
      random: this.#random.fork(),
      tally: this.#tally,
      relays: more.fork(),
      lateMs: DELTA_MS,
      deliver: (from, to, message, isGarbled) => this.#deliver(from, to, message, isGarbled),
    });
    this.#checkers = new Checkers(rules, {
      tally: this.#tally,
      placeOf: (key) => this.#nodes.find(({ publicKey }) => equalBytes(publicKey, key))?.seat,
      nowMs: () => this.#clock.nowMs - START_MS,
      isHonest: (seat) => this.#isHonest(seat),
      note: (line) => this.#trace.note(line),
    });
    const { networkId } = rules.start;
    this.#traffic = new Traffic({ signing, hasher, networkId, random: this.#random.fork() });
    this.#nodes = Array.from({ length: size }, (_, seat) => this.#createNode(seat, rules));
    const { elections } = setup;
    const keys = this.#nodes.map(({ publicKey }) => publicKey);
    const traffic = this.#traffic;
    this.#bonds = elections && new BondTraffic({ rules, traffic, keys, random: elections });
    const areSet = this.#plan.offsetsMs.filter((offsetMs) => offsetMs !== 0);
    this.#tally.count('clock-offset', areSet.length);
  }

  play(): SimResult {
    const { phaseMs = PHASE_MS, faultsMax = Infinity } = this.#options;
    const faults = this.#plan.faults.slice(0, faultsMax);
    Object.assign(this.#network.quality, this.#plan.weather);
    for (const node of this.#nodes) {
      node.start();
      this.#issueFrom(node);
    }
    for (const fault of faults) this.#clock.after(fault.atMs, () => this.#inject(fault));
    this.#clock.runUntil(START_MS + phaseMs);
    const healMs = this.#heal(START_MS + phaseMs);
    this.#checkers.checkEnd(this.#nodes);
    this.#tally.count('evidence', this.#checkers.evidence);
    return {
      seed: this.#options.seed,
      violations: this.#checkers.violations,
      events: this.#clock.ran,
      faults: this.#tally.counts,
      scheduled: faults.length,
      milestones: this.#checkers.latestIndex,
      healMs,
      digest: this.#trace.digest(),
    };
  }

  #createNode(seat: number, rules: SimNetworkRules): SimNode {
    const measures = { ...ALL_MEASURES, ...this.#options.measures };
    const { signing, size } = this.#setup;
    const node = new SimNode(
      { seat, size, deltaMs: DELTA_MS, measures },
      {
        rules,
        signing,
        clock: this.#clock,
        random: this.#random.fork(),
        watch: this.#watch(),
        send: (to, message) => this.#send(seat, to, message),
      },
    );
    node.offsetMs = this.#plan.offsetsMs[seat] ?? 0;
    this.#options.sabotage?.(node, 'made');
    const behaviours = this.#plan.byzantine.get(seat);
    if (behaviours !== undefined) {
      const { hasher } = this.#setup;
      const random = this.#random.fork();
      const collusion = this.#collusion;
      node.alter = alterBy(behaviours, { hasher, random, tally: this.#tally, collusion });
    }
    return node;
  }

  #watch(): NodeWatch {
    const checkers = this.#checkers;
    const { sabotage } = this.#options;
    return {
      onFinal: (...found) => checkers.onFinal(...found),
      onView: (...found) => checkers.onView(...found),
      onEvidence: (node, evidence, publicKey) => {
        this.#bonds?.learn(evidence, publicKey);
        checkers.onEvidence(node, evidence, publicKey);
      },
      onCommit: (node, id) => {
        sabotage?.(node, 'committed');
        checkers.onCommit(node, id);
      },
    };
  }

  readonly #collusion: Collusion = { twins: new Map(), said: [] };

  #isHonest(seat: number): boolean {
    return !this.#plan.byzantine.has(seat);
  }

  get #honest(): SimNode[] {
    return this.#nodes.filter(({ seat }) => this.#isHonest(seat));
  }

  #send(from: number, to: number, message: SimMessage): void {
    // A withheld block is told to one peer only.
    const isHidden = message.kind === 'block' && this.#hidden.has(message.bytes);
    if (isHidden && !this.#isHonest(from) && to !== (from + 1) % this.#nodes.length) {
      this.#tally.count('withheld');
      return;
    }
    this.#network.send(from, to, message);
  }

  #deliver(from: number, to: number, message: SimMessage, isGarbled: boolean): void {
    this.#trace.note(`${this.#clock.nowMs} ${from}>${to} ${message.kind}`);
    const fault = this.#nodes[to]?.receive(from, message);
    if (fault === undefined) return;
    // Peers are banned for what is refused: it must never be what an honest one said.
    if (isGarbled) this.#tally.count(`refused-${fault}`);
    else if (this.#isHonest(from) && this.#isHonest(to)) {
      this.#checkers.fail('honest-refused', `${message.kind} of ${from} at ${to}: ${fault}`);
    }
  }

  #issueFrom(node: SimNode): void {
    this.#clock.after(this.#random.between(300, 1_500), () => {
      const { phaseMs = PHASE_MS } = this.#options;
      if (this.#clock.nowMs > START_MS + phaseMs + TRAFFIC_AFTER_MS) return;
      if (node.isSynced) {
        const id = this.#bonds?.issue(node) ?? this.#traffic.issue(node);
        if (this.#isHonest(node.seat)) this.#issued.add(id);
      }
      this.#issueFrom(node);
    });
  }

  #inject(fault: Fault): void {
    this.#trace.note(`${this.#clock.nowMs} fault ${fault.kind}`);
    switch (fault.kind) {
      case 'crash':
        for (const seat of fault.seats) this.#crash(seat, fault.downMs);
        break;
      case 'partition':
        this.#partition(fault);
        break;
      case 'blackout':
        this.#tally.count('blackout');
        this.#partition({ side: [fault.seat], isOneWay: false, lastsMs: fault.lastsMs });
        for (const { seat } of this.#nodes) {
          if (fault.wiped?.includes(seat) === true) this.#wipe({ ...fault, seat, what: 'votes' });
          else if (seat !== fault.seat) this.#crash(seat, fault.downMs);
        }
        break;
      case 'wipe':
        if (this.#mayWipe(fault.seat)) this.#wipe(fault);
        break;
      case 'garble':
        this.#tally.count('garble');
        this.#network.garbledShare = fault.share;
        this.#clock.after(fault.lastsMs, () => {
          this.#network.garbledShare = 0;
        });
        break;
      case 'weather':
        this.#tally.count('weather');
        Object.assign(this.#network.quality, fault.quality);
        this.#clock.after(fault.lastsMs, () => {
          if (!this.#isHealed) Object.assign(this.#network.quality, this.#plan.weather);
        });
        break;
      case 'clock':
        this.#tally.count(fault.isWrong ? 'clock-wrong' : 'clock-set');
        this.#setClock(fault.seat, fault.offsetMs);
        this.#clock.after(fault.lastsMs, () => {
          this.#setClock(fault.seat, this.#plan.offsetsMs[fault.seat] ?? 0);
        });
        break;
      default:
        this.#misuse(fault);
    }
  }

  #setClock(seat: number, offsetMs: number): void {
    const node = this.#nodes[seat];
    if (node !== undefined) node.offsetMs = offsetMs;
  }

  /** What needs a node that is up: spam, double spends, withheld and repeated blocks. */
  #misuse(fault: Extract<Fault, { kind: Misuse }>): void {
    const node = this.#nodes[fault.seat];
    if (node === undefined || !node.isUp) return;
    const peers = this.#nodes.map(({ seat }) => seat).filter((seat) => seat !== fault.seat);
    if (fault.kind === 'double-spend') {
      if (!this.#traffic.doubleSpend(node, peers)) return;
    } else if (fault.kind === 'spam') {
      this.#traffic.spam(node, fault.count);
    } else if (fault.kind === 'replay') {
      const all = [...node.disk.blocks()].slice(0, fault.count);
      for (const [, bytes] of all) {
        for (const to of peers) this.#send(node.seat, to, { kind: 'block', bytes });
      }
    } else {
      const data = this.#random.bytes(8);
      const tag = new Uint8Array([2]);
      const id = node.issue({ kind: 'tagged-data', tag, data }, { to: [] });
      const bytes = node.disk.block(id);
      if (bytes !== undefined) this.#hidden.add(bytes);
    }
    this.#tally.count(fault.kind);
  }

  /** Whether the committee bears one more seat that knows nothing. */
  #mayWipe(seat: number): boolean {
    const { byzantine, faults } = this.#plan;
    const silent = this.#honest.filter((node) => node.isWiped && node.seat !== seat).length;
    const wrong = faults.some((one) => one.kind === 'clock' && one.isWrong) ? 1 : 0;
    return byzantine.size + wrong + silent < this.#setup.faultyMax;
  }

  #wipe({ seat, what, downMs }: { seat: number; what: Loss; downMs: number }): void {
    const node = this.#nodes[seat];
    if (node === undefined || !node.isUp) return;
    this.#crash(seat, downMs);
    // Without a milestone it would look new to itself, and rightly so to all it can ask.
    if (node.chain.latest.header.index === 0) return;
    node.wipe(what);
    this.#tally.count(`wipe-${what}`);
  }

  #crash(seat: number, downMs: number): void {
    const node = this.#nodes[seat];
    if (node === undefined || !node.isUp) return;
    this.#tally.count('crash');
    for (const [one, behaviours] of this.#plan.byzantine) {
      const liar = this.#nodes[one];
      if (liar && behaviours.includes('forgetful')) liar.forgotten = liar.simplex.view;
    }
    this.#tally.count('lost-writes', node.crash());
    this.#clock.after(downMs, () => this.#restart(node));
  }

  #restart(node: SimNode): void {
    if (node.isUp) return;
    this.#tally.count('restart');
    node.start();
  }

  #partition(fault: {
    readonly side: readonly number[];
    readonly isOneWay: boolean;
    readonly lastsMs: number;
  }): void {
    const inside = new Set(fault.side);
    const links: [number, number][] = [];
    for (const { seat: from } of this.#nodes) {
      for (const { seat: to } of this.#nodes) {
        if (inside.has(from) && !inside.has(to)) links.push([from, to]);
        if (!fault.isOneWay && !inside.has(from) && inside.has(to)) links.push([from, to]);
      }
    }
    if (links.length > 0) this.#tally.count(fault.isOneWay ? 'partition-one-way' : 'partition');
    for (const [from, to] of links) this.#network.cut(from, to);
    this.#clock.after(fault.lastsMs, () => {
      for (const [from, to] of links) this.#network.restore(from, to);
    });
  }

  /** Everything works again: the honest must agree on more, and leave no block behind. */
  #heal(healedMs: number): number {
    this.#isHealed = true;
    this.#network.heal();
    for (const node of this.#nodes) this.#restart(node);
    const wanted = this.#checkers.latestIndex + HEALED_MILESTONES;
    this.#look(wanted, healedMs + TRAFFIC_AFTER_MS + DELTA_MS);
    this.#clock.runUntil(healedMs + HEAL_BOUND_MS, () => this.#isDone);
    const { byzantine = 0, wiped = 0 } = this.#options;
    const isBorne = byzantine <= this.#setup.faultyMax && wiped === 0;
    if (!this.#isDone && isBorne) this.#blame(wanted);
    return this.#clock.nowMs - healedMs;
  }

  #look(wanted: number, notBeforeMs: number): void {
    this.#clock.after(LOOK_MS, () => {
      const isQuiet = this.#clock.nowMs >= notBeforeMs;
      const indexes = this.#honestIndexes();
      const isLive = Math.min(...indexes) >= wanted && spread(indexes) <= 1;
      const isHeard = this.#silent().length === 0;
      this.#isDone = isQuiet && isLive && isHeard && this.#leftBehind().length === 0;
      if (!this.#isDone) this.#look(wanted, notBeforeMs);
    });
  }

  #blame(wanted: number): void {
    const indexes = this.#honestIndexes();
    if (Math.max(...indexes) < wanted) {
      this.#checkers.fail('progress', `${indexes.join()}, ${wanted} wanted`);
    } else if (Math.min(...indexes) < wanted || spread(indexes) > 1) {
      this.#checkers.fail('convergence', `${indexes.join()}, ${wanted} wanted`);
    }
    const silent = this.#silent();
    if (silent.length > 0) this.#checkers.fail('convergence', `silent: ${silent.join()}`);
    const left = this.#leftBehind();
    if (left.length > 0) this.#checkers.fail('block-left-behind', `${left.length}, ${left[0]}`);
  }

  /** Honest nodes with a seat that take no part. */
  #silent(): number[] {
    return this.#honest.filter((node) => node.isSeated && !node.isSpeaking).map(({ seat }) => seat);
  }

  #honestIndexes(): number[] {
    return this.#honest.map(({ chain }) => chain.latest.header.index);
  }

  /** Honest users' blocks that some honest node holds and that wait although they could go in. */
  #leftBehind(): BlockId[] {
    const nodes = this.#honest;
    return [...this.#issued].filter(
      (id) =>
        !this.#checkers.referenced.has(id) &&
        nodes.some(({ chain }) => {
          const { index } = chain.latest.header;
          return chain.dag.isSolid(id) && !chain.dag.isBelowMaxDepth(id, index);
        }),
    );
  }
}

function spread(numbers: readonly number[]): number {
  return Math.max(...numbers) - Math.min(...numbers);
}
