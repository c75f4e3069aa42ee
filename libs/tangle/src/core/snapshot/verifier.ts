/**
 * Whether a snapshot is true, by the genesis document alone: every milestone of its window carries
 * a certificate of the committee, its cones give the certified inclusion roots, its outputs give
 * the certified state root and add up to the supply. So the place that a file comes from need not
 * be trusted. Path: parser.ts → here → the importer and `tools snapshot verify`.
 * Spec: docs/spec/12-snapshot.md §4.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { encodeOutput } from '../codec/output.ts';
import type { MilestoneId, OutputId } from '../codec/ids.ts';
import type { Milestone } from '../codec/milestone.ts';
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { stateEntryOf } from '../ledger/ledger-diff.ts';
import { verifyStateProof } from '../ledger/state-proof.ts';
import { StateTree, type StateEntry } from '../ledger/state-tree.ts';
import { assert, succeed } from '../outcome.ts';
import type { LedgerChange, SnapshotHeader } from './codec.ts';
import { refuseSnapshot, type SnapshotOutcome } from './codes.ts';
import type { SnapshotPart } from './parser.ts';
import { ProvenElections, type ProvenElection } from './elections.ts';
import type { SnapshotTrust } from './trust.ts';
import { checkWindowMilestone, windowFirstOf } from './window.ts';

/** A ledger that was proven: the base of a delta. */
export interface ProvenLedger {
  readonly index: number;
  readonly id: MilestoneId;
  readonly stateTree: StateTree;
}

/** What a whole file proved. */
export interface VerifiedSnapshot extends ProvenLedger {
  readonly header: SnapshotHeader;
  /** The target. */
  readonly milestone: Milestone;
  /** All that were held up to the target, ascending. */
  readonly elections: readonly ProvenElection[];
}

/** Takes the parts of one file in their order, then `finish`. */
export class SnapshotVerifier {
  readonly #trust: SnapshotTrust;
  readonly #base: ProvenLedger | undefined;
  #header: SnapshotHeader | undefined;
  #committees: ProvenElections | undefined;
  /** Every one costs its committee's signatures, so that a file holds as many as were held. */
  readonly #elections: ProvenElection[] = [];
  #last: Milestone | undefined;
  #lastId: MilestoneId | undefined;
  /** Outputs of a full snapshot; their number is bounded by the header's and by the file. */
  readonly #entries: StateEntry[] = [];
  /** The base's tree as the changes leave it. */
  #tree: StateTree | undefined;
  #supply = 0n;

  /** @param base for a delta: what the full snapshot before it proved. */
  constructor(trust: SnapshotTrust, base?: ProvenLedger) {
    this.#trust = trust;
    this.#base = base;
    this.#tree = base?.stateTree;
  }

  /** Checks one part; nothing that was taken in is proven before `finish`. */
  take(part: SnapshotPart): SnapshotOutcome<void> {
    switch (part.type) {
      case 'header':
        this.#header = part.header;
        this.#committees = new ProvenElections(this.#trust, part.header);
        return this.#checkHeader(part.header);
      case 'election': {
        const taken = this.#committees!.take(part.bytes);
        if (!taken.ok) return taken;
        this.#elections.push(taken.value);
        return succeed(undefined);
      }
      case 'milestone': {
        const elections = this.#committees!;
        const context = { ...this.#trust, header: this.#header!, elections };
        const previous =
          this.#last === undefined ? undefined : { header: this.#last.header, id: this.#lastId! };
        const checked = checkWindowMilestone(part.milestone, previous, context);
        if (!checked.ok) return checked;
        this.#last = checked.value.milestone;
        this.#lastId = checked.value.id;
        return succeed(undefined);
      }
      case 'outputs':
        return this.#takeOutputs(part.records);
      case 'changes':
        return this.#takeChanges(part.changes);
      default:
        return succeed(undefined);
    }
  }

  /** After the parser's `finish`: the roots. Builds the state tree, about 3 µs for each output. */
  finish(): SnapshotOutcome<VerifiedSnapshot> {
    const [header, milestone] = [this.#header, this.#last];
    assert(header !== undefined && milestone !== undefined, 'a parsed file has its parts');
    const { hasher, genesis } = this.#trust;
    const { index, id } = header.target;
    if (this.#lastId !== id || milestone.header.timestampMs !== header.target.timestampMs) {
      return refuseSnapshot('snapshot-window', 'the last milestone is not the target');
    }
    const stateTree = this.#tree ?? StateTree.build(this.#entries, hasher);
    if (!equalBytes(stateTree.root(), milestone.header.stateRoot)) {
      return refuseSnapshot('snapshot-state-root', `milestone ${index}`);
    }
    if (stateTree.size !== header.unspentCount) {
      return refuseSnapshot('snapshot-count', `${stateTree.size} outputs`);
    }
    const supply = genesis.outputs.reduce((sum, { output }) => sum + output.amount, 0n);
    // A delta leaves the supply of its base, which was checked, as it was.
    if (this.#supply !== (this.#base === undefined ? supply : 0n)) {
      return refuseSnapshot('snapshot-supply', `${this.#supply}`);
    }
    return succeed({ index, id, stateTree, header, milestone, elections: this.#elections });
  }

  #checkHeader(header: SnapshotHeader): SnapshotOutcome<void> {
    const { genesis, params } = this.#trust;
    if (header.networkId !== genesis.networkId || header.genesisId !== genesis.id) {
      return refuseSnapshot('snapshot-network');
    }
    const base = this.#base;
    if (header.base === undefined) {
      if (base !== undefined) return refuseSnapshot('snapshot-base', 'a full snapshot has none');
    } else {
      const { index, id } = header.base;
      if (base === undefined)
        return refuseSnapshot('snapshot-base', `milestone ${index} is missing`);
      if (base.id !== id || base.index !== index || header.target.index <= index) {
        return refuseSnapshot('snapshot-base', `it changes milestone ${index}, not ${base.index}`);
      }
    }
    const first = windowFirstOf(header.target.index, params);
    return header.windowFirst === first
      ? succeed(undefined)
      : refuseSnapshot('snapshot-window', `from ${header.windowFirst}, not ${first}`);
  }

  #takeOutputs(records: readonly OutputRecord[]): SnapshotOutcome<void> {
    const { hasher } = this.#trust;
    for (const record of records) {
      const booked = this.#checkBooking(record);
      if (!booked.ok) return booked;
      this.#entries.push(stateEntryOf(record, hasher));
      this.#supply += record.output.amount;
    }
    return succeed(undefined);
  }

  #takeChanges(changes: readonly LedgerChange[]): SnapshotOutcome<void> {
    const { hasher } = this.#trust;
    let tree = this.#tree;
    assert(tree !== undefined, 'a delta has a base');
    for (const change of changes) {
      if (change.kind === 'created') {
        const booked = this.#checkBooking(change.record);
        if (!booked.ok) return booked;
        const { outputId, output } = change.record;
        if (tree.has(outputId)) return refuseSnapshot('snapshot-ledger', `${outputId} is there`);
        tree = tree.insert(stateEntryOf(change.record, hasher));
        this.#supply += output.amount;
      } else {
        const { outputId, output } = change;
        const outputHash = hasher.blake2b256(encodeOutput(output));
        if (!this.#isInBase(outputId, outputHash)) {
          return refuseSnapshot('snapshot-ledger', `${outputId} was not unspent`);
        }
        tree = tree.delete(outputId);
        this.#supply -= output.amount;
      }
    }
    this.#tree = tree;
    return succeed(undefined);
  }

  /** The base's own tree is asked: its hashes are there, those of the changed one are not. */
  #isInBase(outputId: OutputId, outputHash: Uint8Array): boolean {
    const { hasher } = this.#trust;
    const tree = this.#base!.stateTree;
    const proof = tree.proof(outputId);
    if (proof === undefined) return false;
    return verifyStateProof(tree.root(), outputId, outputHash, proof, hasher);
  }

  /** Where an output was booked is not proven; it must at least be possible. */
  #checkBooking({ outputId, ...record }: OutputRecord): SnapshotOutcome<void> {
    const { target } = this.#header!;
    const isPossible =
      record.milestoneIndex <= target.index && record.milestoneTimestampMs <= target.timestampMs;
    return isPossible
      ? succeed(undefined)
      : refuseSnapshot('snapshot-ledger', `${outputId} was booked after the target`);
  }
}
