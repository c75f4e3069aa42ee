/**
 * Snapshots for tests: a chain with payments and double spends, the parts of a true file at any of
 * its milestones, and ways to write them that the real writer would refuse. Not part of production.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { GENESIS_BLOCK_ID, outputIdOf } from '../codec/ids.ts';
import type { BlockId, MilestoneId, TransactionId } from '../codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  milestoneIdOf,
  type MilestoneHeader,
} from '../codec/milestone.ts';
import type { Output } from '../codec/output.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import type { NetworkParams } from '../params/networks.ts';
import type {
  LedgerChange,
  SnapshotBase,
  SnapshotHeader,
  SnapshotMilestone,
} from '../snapshot/codec.ts';
import type { SnapshotOutcome } from '../snapshot/codes.ts';
import { SnapshotEncoder } from '../snapshot/encoder.ts';
import { SnapshotParser } from '../snapshot/parser.ts';
import {
  SnapshotVerifier,
  type ProvenLedger,
  type VerifiedSnapshot,
} from '../snapshot/verifier.ts';
import type { SnapshotTrust } from '../snapshot/trust.ts';
import { windowFirstOf } from '../snapshot/window.ts';
import { TestChain } from './chain-fixture.ts';
import { basic, bond, keyPair, testGenesis, type KeyPair } from './ledger-fixtures.ts';

/** The content of one file; tests change a field and encode it. */
export interface SnapshotFile {
  readonly header: SnapshotHeader;
  /** Of a network in which there were some. */
  readonly elections?: readonly Uint8Array[];
  readonly milestones: readonly SnapshotMilestone[];
  /** Of a full snapshot. */
  readonly outputs?: readonly OutputRecord[];
  /** Of a delta. */
  readonly changes?: readonly LedgerChange[];
}

const RECORDS_PER_FRAME = 3;

/** A chain of which every state can be written as a snapshot. */
export class SnapshotFixture {
  readonly chain: TestChain;
  /** By milestone index. */
  readonly milestones: SnapshotMilestone[] = [];
  readonly headers: TestChain['parent'][] = [];
  readonly ledgers: OutputRecord[][] = [];
  #tip: BlockId = GENESIS_BLOCK_ID;

  constructor(committeeSize = 4, belowMaxDepth = 3, electing: Partial<NetworkParams> = {}) {
    const genesis = testGenesis(committeeSize);
    const params = { ...genesis.params, belowMaxDepth, ...electing };
    this.chain = new TestChain(committeeSize, { ...genesis, params });
    this.#keep({ bytes: new Uint8Array(), cone: [] });
  }

  get trust(): SnapshotTrust {
    const { genesis, start } = this.chain;
    return {
      genesis: start,
      params: genesis.params,
      hasher: nobleHasher,
      verifier: nobleVerifier,
    };
  }

  /** Makes `count` milestones, each with a payment, a double spend of it and a plain block. */
  advance(count: number): void {
    for (let left = count; left > 0; left--) {
      const payment = this.chain.attach([this.#tip], this.#payment([to(1_000n)]));
      const rival = this.chain.attach([this.#tip], this.#payment([to(2_000n)]));
      this.#tip = this.chain.attach([payment, rival]);
      const { bytes, result } = this.chain.confirm([this.#tip]);
      this.#keep({ bytes, cone: result.included });
    }
  }

  /** Makes one milestone in which each of these keys gets an active bond. */
  bond(keys: readonly KeyPair[], amount = this.chain.genesis.params.validatorBondMin): void {
    this.chain.learn(keys);
    const outputs = keys.map((key) => bond(amount, { key, owner: keyPair(1) }));
    this.#tip = this.chain.attach([this.#tip], this.#payment(outputs));
    const { bytes, result } = this.chain.confirm([this.#tip]);
    this.#keep({ bytes, cone: result.included });
  }

  /** The true full snapshot at milestone `index` (not 0), or the delta from `base` to it. */
  file(index: number, base?: number): SnapshotFile {
    const { start, genesis } = this.chain;
    const target = this.headers[index]!;
    const first = windowFirstOf(index, genesis.params);
    const header = {
      networkId: start.networkId,
      genesisId: start.id,
      target: { index, id: target.id, timestampMs: target.header.timestampMs },
      windowFirst: first,
      unspentCount: this.ledgers[index]!.length,
    };
    const upTo = this.milestones.slice(0, index + 1);
    const elections = upTo.filter(isElection).map(({ bytes }) => bytes);
    const milestones = upTo.slice(first);
    const outputs = this.ledgers[index]!;
    if (base === undefined) return { header, elections, milestones, outputs };
    const baseOf: SnapshotBase = { index: base, id: this.headers[base]!.id };
    return {
      header: { ...header, base: baseOf },
      elections,
      milestones,
      changes: changesBetween(this.ledgers[base]!, this.ledgers[index]!),
    };
  }

  /** The id of a header that a test changed. */
  idOf(header: MilestoneHeader): MilestoneId {
    return milestoneIdOf(header, nobleHasher);
  }

  #payment(outputs: readonly Output[]) {
    const { genesis, networkId, ledger } = this.chain;
    const owner = keyPair(1);
    const purse = [...ledger.unspent.values()].find(
      ({ output }) => output.kind === 'basic' && output.address === owner.address,
    );
    if (purse === undefined) throw new Error('key 1 has a purse');
    const built = buildTransaction({
      networkId,
      inputs: [{ ...purse, unlock: { kind: 'signature', secretKey: owner.secretKey } }],
      outputs,
      changeAddress: owner.address,
      params: genesis.params,
      hasher: nobleHasher,
    });
    if (!built.ok) throw new Error(built.code);
    return built.value.transaction;
  }

  #keep(milestone: SnapshotMilestone): void {
    const isStart = this.milestones.length === 0;
    const bytes = isStart ? encodeMilestone(this.chain.start.milestone) : milestone.bytes;
    this.milestones.push({ bytes, cone: milestone.cone });
    this.headers.push(this.chain.parent);
    this.ledgers.push(
      [...this.chain.ledger.unspent.values()].toSorted((a, b) =>
        a.outputId < b.outputId ? -1 : 1,
      ),
    );
  }
}

function to(amount: bigint): Output {
  return basic(amount, keyPair(2).address, { tag: Uint8Array.of(1, 2, 3) });
}

/** Whether a milestone named a committee. */
function isElection({ bytes }: SnapshotMilestone): boolean {
  const decoded = decodeMilestone(bytes);
  return decoded.ok && decoded.value.body.options.nextCommittee !== undefined;
}

function changesBetween(
  before: readonly OutputRecord[],
  after: readonly OutputRecord[],
): LedgerChange[] {
  const [had, has] = [before, after].map((list) => new Set(list.map(({ outputId }) => outputId)));
  const consumed = before
    .filter(({ outputId }) => !has!.has(outputId))
    .map(({ outputId, output }) => ({ kind: 'consumed', outputId, output }) as const);
  const created = after
    .filter(({ outputId }) => !had!.has(outputId))
    .map((record) => ({ kind: 'created', record }) as const);
  const idOf = (change: LedgerChange) =>
    change.kind === 'created' ? change.record.outputId : change.outputId;
  return [...consumed, ...created].toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/** The bytes of a file with true checksums, whatever its content. */
export function encodeFile(file: SnapshotFile): Uint8Array {
  const { header, elections = [], milestones, outputs, changes } = file;
  const encoder = new SnapshotEncoder(nobleHasher);
  const frames = encoder.start(header);
  for (const election of elections) frames.push(encoder.election(election));
  for (const milestone of milestones) frames.push(encoder.milestone(milestone));
  for (const some of slices(outputs ?? [])) frames.push(encoder.outputs(some));
  for (const some of slices(changes ?? [])) frames.push(encoder.changes(some));
  frames.push(encoder.end());
  return concatBytes(...frames);
}

function* slices<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += RECORDS_PER_FRAME) {
    yield list.slice(at, at + RECORDS_PER_FRAME);
  }
}

/** Reads and verifies a file that comes in pieces of `chunk` bytes. */
export function verifyBytes(
  bytes: Uint8Array,
  trust: SnapshotTrust,
  base?: ProvenLedger,
  chunk = 1_000,
): SnapshotOutcome<VerifiedSnapshot> {
  const parser = new SnapshotParser(trust.hasher);
  const verifier = new SnapshotVerifier(trust, base);
  for (let at = 0; at < bytes.length; at += chunk) {
    const parts = parser.push(bytes.subarray(at, at + chunk));
    if (!parts.ok) return parts;
    for (const part of parts.value) {
      const taken = verifier.take(part);
      if (!taken.ok) return taken;
    }
  }
  const ended = parser.finish();
  return ended.ok ? verifier.finish() : ended;
}

/** An output that nobody ever made. */
export function inventedRecord(like: OutputRecord): OutputRecord {
  const outputId = outputIdOf('ff'.repeat(32) as TransactionId, 0);
  return { ...like, outputId };
}
