/**
 * What must hold in every run, seen from outside: one final milestone per index, the same order and
 * ledger everywhere, a constant supply, nothing spent twice, no view both nullified and finalised,
 * one committee per epoch; and after healing progress, convergence, and no honest block left
 * behind. The ledger is judged by a second, far simpler one that shares no code with the core's.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { bytesToHex, outputIdOf } from '@tanglemail/tangle/core/codec/ids.ts';
import type { BlockId, MilestoneId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import { encodeTransaction, transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { digestId } from '@tanglemail/tangle/core/consensus/round.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SimNetworkRules } from './chain.ts';
import { bondDealing, ElectionChecker, type ElectionRule } from './election-checker.ts';
import type { NodeWatch, SimNode } from './node.ts';
import type { Tally } from './tally.ts';

/** The rules, by the names that reports use. */
export type CheckedRule =
  | 'one-final-milestone'
  | 'same-order'
  | 'same-ledger'
  | 'constant-supply'
  | 'spent-once'
  | 'view-decided-once'
  | ElectionRule
  | 'honest-evidence'
  | 'honest-refused'
  | 'progress'
  | 'convergence'
  | 'block-left-behind';

export interface Violation {
  readonly atMs: number;
  readonly rule: CheckedRule;
  readonly detail: string;
}

/** What the first node that committed an index made of it. */
interface Agreed {
  readonly id: MilestoneId;
  readonly order: string;
  readonly stateRoot: string;
  readonly unspent: number;
}

interface Decided {
  nullified: boolean;
  notarized?: MilestoneId;
  finalized?: MilestoneId;
}

export class Checkers implements NodeWatch {
  readonly violations: Violation[] = [];
  evidence = 0;
  /** Blocks that a final milestone references. */
  readonly referenced = new Set<BlockId>();
  readonly #hasher: Hasher;
  readonly #nowMs: () => number;
  readonly #isHonest: (seat: number) => boolean;
  readonly #note: (line: string) => void;
  readonly #finals = new Map<number, MilestoneId>();
  readonly #agreed = new Map<number, Agreed>();
  readonly #views = new Map<string, Decided>();
  readonly #unspent = new Map<OutputId, Output>();
  readonly #elections: ElectionChecker;
  readonly #tally: Tally;
  readonly #placeOf: (publicKey: Uint8Array) => number | undefined;
  /** What the milestones spent, as the nodes have it. */
  readonly #spent = new Set<OutputId>();
  readonly #supply: bigint;

  constructor(
    rules: SimNetworkRules,
    deps: {
      tally: Tally;
      /** The node that holds the key. */
      placeOf: (publicKey: Uint8Array) => number | undefined;
      nowMs: () => number;
      isHonest: (seat: number) => boolean;
      note: (line: string) => void;
    },
  ) {
    this.#hasher = rules.hasher;
    this.#tally = deps.tally;
    this.#placeOf = deps.placeOf;
    this.#elections = new ElectionChecker(rules, {
      tally: deps.tally,
      fail: (rule, detail) => this.fail(rule, detail),
    });
    this.#nowMs = deps.nowMs;
    this.#isHonest = deps.isHonest;
    this.#note = deps.note;
    for (const { outputId, output } of rules.start.outputs) this.#unspent.set(outputId, output);
    this.#supply = sum(this.#unspent.values());
  }

  /** Greatest index that an honest node committed. */
  get latestIndex(): number {
    return Math.max(0, ...this.#agreed.keys());
  }

  fail(rule: CheckedRule, detail: string): void {
    this.#note(`VIOLATION ${rule} ${detail}`);
    this.violations.push({ atMs: this.#nowMs(), rule, detail });
  }

  onFinal(node: SimNode, id: MilestoneId, { header }: Milestone): void {
    if (!this.#isHonest(node.seat)) return;
    const known = this.#finals.get(header.index);
    this.#finals.set(header.index, known ?? id);
    if (known !== undefined && known !== id) {
      this.fail('one-final-milestone', `${header.index}: ${known} and ${id}`);
    }
  }

  onCommit(node: SimNode, id: MilestoneId): void {
    const { milestone, state, included, consumed } = node.disk.latest;
    const { index } = milestone.header;
    this.#note(`${this.#nowMs()} ${node.seat} commits ${index} ${id}`);
    if (!this.#isHonest(node.seat)) return;
    const mine: Agreed = {
      id,
      order: included.join(),
      stateRoot: bytesToHex(state.stateTree.root()),
      unspent: node.disk.ledger.unspent.size,
    };
    const first = this.#agreed.get(index);
    if (first === undefined) this.#elections.onNext(milestone, this.#unspent.values());
    this.#elections.onCommit(node.seat, node.disk.latest);
    if (first === undefined) {
      this.#agreed.set(index, mine);
      this.#applyAgain(node, included);
      for (const output of consumed) {
        if (this.#spent.has(output)) this.fail('spent-once', `${index}: ${output}`);
        this.#spent.add(output);
      }
      if (mine.unspent !== this.#unspent.size) {
        this.fail('same-ledger', `${index}: ${mine.unspent} unspent, not ${this.#unspent.size}`);
      }
      return;
    }
    if (first.id !== id) this.fail('one-final-milestone', `${index}: ${first.id} and ${id}`);
    if (first.order !== mine.order) this.fail('same-order', `${index} at ${node.seat}`);
    if (first.stateRoot !== mine.stateRoot || first.unspent !== mine.unspent) {
      this.fail('same-ledger', `${index} at ${node.seat}`);
    }
  }

  onView(node: SimNode, epoch: number, view: bigint): void {
    if (!this.#isHonest(node.seat)) return;
    const key = `${epoch}/${view}`;
    const decided: Decided = this.#views.get(key) ?? { nullified: false };
    this.#views.set(key, decided);
    for (const certificate of node.simplex.certificatesOf(view)) {
      const { kind } = certificate;
      if (kind === 'nullify') decided.nullified = true;
      else if (kind !== 'ratify') this.#decide(key, decided, kind, digestId(certificate));
    }
    if (decided.nullified && decided.finalized !== undefined) {
      this.fail('view-decided-once', `${key} nullified and finalised`);
    }
  }

  onEvidence(node: SimNode, { kind }: { kind: string }, publicKey: Uint8Array): void {
    this.evidence += 1;
    const place = this.#placeOf(publicKey);
    if (place === undefined) throw new Error('every key belongs to a node');
    if (this.#isHonest(node.seat) && this.#isHonest(place)) {
      this.fail('honest-evidence', `${kind} against seat ${place}`);
    }
  }

  /** The state of all honest nodes at the end: equal, and equal to the second ledger. */
  checkEnd(nodes: readonly SimNode[]): void {
    for (const { seat, disk } of nodes.filter((node) => this.#isHonest(node.seat))) {
      if (disk.latest.milestone.header.index !== this.latestIndex) continue;
      const total = disk.ledger.supply();
      if (total !== this.#supply) this.fail('constant-supply', `${total} at ${seat}`);
      for (const id of this.#unspent.keys()) {
        if (!disk.ledger.unspent.has(id)) this.fail('same-ledger', `${id} missing at ${seat}`);
      }
    }
  }

  #decide(key: string, decided: Decided, kind: 'notarize' | 'finalize', id: MilestoneId): void {
    const name = kind === 'notarize' ? 'notarized' : 'finalized';
    const known = decided[name];
    decided[name] = id;
    if (known !== undefined && known !== id) {
      this.fail('view-decided-once', `${key} ${name} twice`);
    }
  }

  /** White flag once more: what is unspent and adds up is applied. */
  #applyAgain(node: SimNode, included: readonly BlockId[]): void {
    for (const id of included) {
      this.referenced.add(id);
      const bytes = node.disk.block(id);
      const block = bytes && decodeBlock(bytes);
      if (block?.ok !== true) {
        this.fail('same-order', `${id} is not stored at ${node.seat}`);
        continue;
      }
      const { payload } = block.value;
      if (payload?.kind === 'transaction') this.#apply(payload);
    }
    const total = sum(this.#unspent.values());
    if (total !== this.#supply) this.fail('constant-supply', `${total}`);
  }

  #apply(transaction: Transaction): void {
    const { inputs, outputs } = transaction;
    const spent = inputs.flatMap((input) => this.#unspent.get(input) ?? []);
    if (spent.length !== inputs.length || sum(spent) !== sum(outputs)) return;
    const dealing = bondDealing(spent, transaction);
    if (dealing !== undefined) this.#tally.count(dealing);
    if (dealing === 'bond-theft') return;
    const id = transactionIdOf(encodeTransaction(transaction), this.#hasher);
    for (const input of inputs) {
      if (!this.#unspent.delete(input)) this.fail('spent-once', input);
    }
    for (const [at, output] of outputs.entries()) this.#unspent.set(outputIdOf(id, at), output);
  }
}

function sum(outputs: Iterable<Output>): bigint {
  let total = 0n;
  for (const { amount } of outputs) total += amount;
  return total;
}
