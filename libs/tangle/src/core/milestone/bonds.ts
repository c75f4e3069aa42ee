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

export class BondTable {
  readonly #minimum: bigint;
  /** By key in hex. At most MAX_COUNTED_BONDS: the supply divided by the minimum. */
  readonly #sums: ReadonlyMap<string, Candidate>;

  private constructor(minimum: bigint, sums: ReadonlyMap<string, Candidate>) {
    this.#minimum = minimum;
    this.#sums = sums;
  }

  /** @param minimum base units that a bond must hold to count; 0: none counts. */
  static empty(minimum: bigint): BondTable {
    return new BondTable(minimum, new Map());
  }

  /** Keys with counted bonds, in no order that means anything. */
  candidates(): Candidate[] {
    return [...this.#sums.values()];
  }

  /** The table after a diff; the same one if no bond of the diff counts. */
  apply({ created, consumed }: Changes): BondTable {
    const enter = created.map(({ output }) => output).filter(this.#counts);
    const leave = consumed.map(({ output }) => output).filter(this.#counts);
    if (enter.length === 0 && leave.length === 0) return this;
    const sums = new Map(this.#sums);
    for (const bond of enter) add(sums, bond, bond.amount);
    for (const bond of leave) add(sums, bond, -bond.amount);
    return new BondTable(this.#minimum, sums);
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
