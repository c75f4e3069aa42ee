/**
 * The validators' bonds that count in an election: the active ones that hold at least what the
 * genesis asks for, summed up by key. A table never changes; a milestone's diff makes another.
 * Path: `ledger/ledger-diff.ts` → here → `milestone/election.ts`.
 * Spec: docs/spec/04-milestone.md §6.
 */
import { bytesToHex } from '../codec/ids.ts';
import type { Output, ValidatorBondOutput } from '../codec/output.ts';
import type { LedgerDiff } from '../ledger/ledger-diff.ts';
import { assert } from '../outcome.ts';

/** A key that may be elected. */
export interface Candidate {
  readonly publicKey: Uint8Array;
  /** Sum of its counted bonds in base units. */
  readonly amount: bigint;
}

/** What the table reads of a diff or of a ledger's outputs. */
interface Changes {
  readonly created: readonly { readonly output: Output }[];
  readonly consumed: LedgerDiff['consumed'] | readonly { readonly output: Output }[];
}

/** Sums by key in hex. */
type Shard = ReadonlyMap<string, Candidate>;

/** Parts of a table, by the key's first byte: a diff copies those that it touches. */
const SHARDS = 256;

export class BondTable {
  readonly #minimum: bigint;
  /** In all at most MAX_COUNTED_BONDS: the supply divided by the minimum. */
  readonly #shards: readonly Shard[];

  private constructor(minimum: bigint, shards: readonly Shard[]) {
    this.#minimum = minimum;
    this.#shards = shards;
  }

  /** @param minimum base units that a bond must hold to count; 0: none counts. */
  static empty(minimum: bigint): BondTable {
    const none: Shard = new Map();
    return new BondTable(
      minimum,
      Array.from({ length: SHARDS }, () => none),
    );
  }

  /** Keys with counted bonds, in no order that means anything. */
  candidates(): Candidate[] {
    return this.#shards.flatMap((shard) => [...shard.values()]);
  }

  /** The table after a diff; the same one if no bond of the diff counts. */
  apply({ created, consumed }: Changes): BondTable {
    const enter = created.map(({ output }) => output).filter(this.#counts);
    const leave = consumed.map(({ output }) => output).filter(this.#counts);
    if (enter.length === 0 && leave.length === 0) return this;
    const touched = new Map<number, Map<string, Candidate>>();
    const sumsOf = ({ publicKey }: ValidatorBondOutput): Map<string, Candidate> => {
      const at = publicKey[0] ?? 0;
      const sums = touched.get(at) ?? new Map(this.#shards[at]);
      touched.set(at, sums);
      return sums;
    };
    for (const bond of enter) add(sumsOf(bond), bond, bond.amount);
    for (const bond of leave) add(sumsOf(bond), bond, -bond.amount);
    const shards = this.#shards.map((shard, at) => touched.get(at) ?? shard);
    return new BondTable(this.#minimum, shards);
  }

  readonly #counts = (output: Output): output is ValidatorBondOutput =>
    output.kind === 'validator-bond' &&
    output.unbondAt === 0 &&
    this.#minimum > 0n &&
    output.amount >= this.#minimum;
}

function add(
  sums: Map<string, Candidate>,
  { publicKey }: ValidatorBondOutput,
  change: bigint,
): void {
  const key = bytesToHex(publicKey);
  const amount = (sums.get(key)?.amount ?? 0n) + change;
  assert(amount >= 0n, 'a bond that leaves was there');
  if (amount === 0n) sums.delete(key);
  else sums.set(key, { publicKey, amount });
}
