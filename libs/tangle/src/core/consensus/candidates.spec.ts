import { describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID, type BlockId } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { Dag } from '../dag/dag.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import { buildMilestone, type BuiltMilestone } from '../milestone/build.ts';
import { TestChain } from '../testing/chain-fixture.ts';
import { basic, bond, keyPair, PARAMS, testGenesis } from '../testing/ledger-fixtures.ts';
import { Candidates, MAX_CANDIDATES } from './candidates.ts';

const RULES = { params: PARAMS, hasher: nobleHasher };
const [alice, bob] = [keyPair(1), keyPair(2)];

/** The next milestone on `on`, added as a candidate. */
function extend(
  chain: TestChain,
  candidates: Candidates,
  on: BuiltMilestone['id'],
  parents: readonly BlockId[],
): BuiltMilestone {
  const parent = candidates.stateOf(on);
  const context = candidates.contextOn(on, chain.context);
  if (parent === undefined || context === undefined) throw new Error('an unknown predecessor');
  const timestampMs = parent.header.timestampMs + 1_000;
  const view = parent.header.view + 1n;
  const made = buildMilestone({ parent, parents, timestampMs, view }, context);
  if (!made.ok) throw new Error(made.code);
  candidates.add(made.value.id, made.value);
  return made.value;
}

/** Alice pays Bob everything of the genesis output, or makes these outputs of it. */
function pay(chain: TestChain, outputs?: readonly Output[]): BlockId {
  const [first] = chain.start.outputs;
  if (first === undefined) throw new Error('genesis has an output');
  const made = buildTransaction({
    networkId: chain.networkId,
    inputs: [{ ...first, unlock: { kind: 'signature', secretKey: alice.secretKey } }],
    outputs: outputs ?? [basic(first.output.amount, bob.address)],
    changeAddress: alice.address,
    params: PARAMS,
    hasher: nobleHasher,
  });
  if (!made.ok) throw new Error(made.code);
  return chain.attach([GENESIS_BLOCK_ID], made.value.transaction);
}

describe('candidates', () => {
  it('show the ledger and the root indexes after each, and leave the committed ones alone', () => {
    const chain = new TestChain();
    const candidates = new Candidates(chain.parent, RULES);
    const paid = pay(chain);
    const one = extend(chain, candidates, chain.parent.id, [paid]);
    const spent = chain.start.outputs[0]!.outputId;
    const created = one.result.diff.created[0]!.outputId;
    const after = candidates.contextOn(one.id, chain.context);
    expect(after?.outputs(spent)).toBe('spent');
    expect(after?.outputs(created)).toMatchObject({ outputId: created });
    expect(after?.rootIndexOf(paid)).toBe(1);
    expect(chain.context.outputs(created)).toBe('unknown');
    expect(chain.context.rootIndexOf(paid)).toBeUndefined();
  });

  it('give what a chain without them gives, milestone by milestone', () => {
    const chain = new TestChain();
    const candidates = new Candidates(chain.parent, RULES);
    const first = pay(chain);
    const second = chain.attach([first]);
    const one = extend(chain, candidates, chain.parent.id, [first]);
    const two = extend(chain, candidates, one.id, [second]);
    expect(chain.confirm([first]).id).toBe(one.id);
    expect(chain.confirm([second]).id).toBe(two.id);
  });

  it('forget what does not stand on the committed milestone', () => {
    const chain = new TestChain();
    const candidates = new Candidates(chain.parent, RULES);
    const [left, right] = [chain.attach([GENESIS_BLOCK_ID]), chain.attach([GENESIS_BLOCK_ID])];
    const base = chain.parent.id;
    const taken = extend(chain, candidates, base, [left]);
    const other = extend(chain, candidates, base, [right]);
    const next = extend(chain, candidates, taken.id, [right]);
    candidates.moveTo(candidates.stateOf(taken.id)!);
    expect(candidates.stateOf(other.id)).toBeUndefined();
    expect(candidates.resultOf(taken.id)).toBeUndefined();
    expect(candidates.stateOf(next.id)?.id).toBe(next.id);
    expect(candidates.contextOn(other.id, chain.context)).toBeUndefined();
  });

  it('are bounded: the ends of branches leave, the oldest view first, but never the newest', () => {
    const chain = new TestChain();
    const candidates = new Candidates(chain.parent, RULES);
    const block = (): BlockId => chain.attach([GENESIS_BLOCK_ID]);
    const base = chain.parent.id;
    // A branch of two, of which the lower has the oldest view, and others beside it.
    const first = extend(chain, candidates, base, [block()]);
    const second = extend(chain, candidates, first.id, [block()]);
    const others = Array.from({ length: MAX_CANDIDATES }, () => {
      return extend(chain, candidates, base, [block()]);
    });
    const isKept = ({ id }: BuiltMilestone): boolean => candidates.resultOf(id) !== undefined;
    // Those beside it are of the first view too: the first two of them made room for the last two.
    expect([first, second].map(isKept)).toEqual([true, true]);
    expect(others.map(isKept)).toEqual(others.map((_, at) => at >= 2));
    let top = second;
    const long = Array.from({ length: MAX_CANDIDATES + 8 }, () => {
      return (top = extend(chain, candidates, top.id, [block()]));
    });
    expect(others.some(isKept)).toBe(false);
    expect([first, second, ...long].every(isKept)).toBe(true);
    candidates.moveTo(candidates.stateOf(second.id)!);
    expect(long.every(isKept)).toBe(true);
    expect([first, second].some(isKept)).toBe(false);
  });

  it('carry bonds and elections on, each branch its own', () => {
    const params = { ...PARAMS, epochLength: 4, validatorBondMin: 1_000n };
    const chain = new TestChain(4, { ...testGenesis(4), params });
    const candidates = new Candidates(chain.parent, { params, hasher: nobleHasher });
    const keys = [20, 21, 22, 23].map((seed) => keyPair(seed));
    const bonds = keys.map((key) => bond(1_000n, { key, owner: alice }));
    const bonding = pay(chain, bonds);
    const idle = (): BlockId => chain.attach([GENESIS_BLOCK_ID]);
    const bonded = extend(chain, candidates, chain.parent.id, [bonding]);
    const other = extend(chain, candidates, chain.parent.id, [idle()]);
    // Milestone 2 holds the election, 3 is the last of its epoch.
    const branches = [bonded, other].map(({ id }) => {
      const election = extend(chain, candidates, id, [idle()]);
      const last = extend(chain, candidates, election.id, [idle()]);
      return { election, last, after: candidates.stateOf(last.id) };
    });
    const [left, right] = branches as [(typeof branches)[0], (typeof branches)[0]];
    const elected = left.election.body.options.nextCommittee;
    expect(elected).toHaveLength(4);
    expect(right.election.body.options).toEqual({});
    expect(left.after).toMatchObject({ committee: elected, elected: undefined });
    expect(left.after?.bonds.candidates()).toHaveLength(4);
    expect(right.after?.committee).toEqual(chain.genesis.committee);
    expect(right.after?.bonds.candidates()).toEqual([]);
    expect(left.last.header.committeeRoot).not.toEqual(right.last.header.committeeRoot);
  });

  it('hide from the next leader what they reference', () => {
    const chain = new TestChain();
    const candidates = new Candidates(chain.parent, RULES);
    const dag = new Dag({ belowMaxDepth: PARAMS.belowMaxDepth });
    dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
    const [left, right] = [chain.attach([GENESIS_BLOCK_ID]), chain.attach([GENESIS_BLOCK_ID])];
    for (const id of [left, right]) dag.add(id, [GENESIS_BLOCK_ID]);
    const one = extend(chain, candidates, chain.parent.id, [left]);
    expect([...candidates.viewOn(one.id, dag).unreferenced()]).toEqual([right]);
    expect([...candidates.viewOn(chain.parent.id, dag).unreferenced()]).toEqual([left, right]);
  });
});
