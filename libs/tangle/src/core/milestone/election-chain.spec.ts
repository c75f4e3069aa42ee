/**
 * Elections on a chain of two epochs and more: bonded keys take over from the genesis, one of them
 * is slashed and leaves. And what a leader may not do at an election.
 */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, GENESIS_BLOCK_ID, NULL_ADDRESS, type BlockId } from '../codec/ids.ts';
import type { MilestoneHeader, MilestoneOptions } from '../codec/milestone.ts';
import { optionsRootOf } from '../codec/milestone.ts';
import type { Output } from '../codec/output.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import { burnDue } from '../ledger/bond-rules.ts';
import { buildTransaction, burns, type TransactionInput } from '../ledger/transaction-builder.ts';
import type { Outcome } from '../outcome.ts';
import { TestChain, type FinalMilestone } from '../testing/chain-fixture.ts';
import {
  basic,
  bond,
  evidenceOf,
  keyPair,
  PARAMS,
  testGenesis,
  type KeyPair,
} from '../testing/ledger-fixtures.ts';
import type { BuiltMilestone } from './build.ts';
import { BondTable } from './bonds.ts';
import { checkCertificate } from './certificate.ts';
import { committeeRoot } from './committee.ts';
import { checkMilestone } from './rules.ts';

const EPOCH = 10;
const ELECTION = 8;
const MINIMUM = 10_000n;
const alice = keyPair(1);
const FIVE = [20, 21, 22, 23, 24].map((seed) => keyPair(seed));
const nameOf = ({ publicKey }: KeyPair): string => bytesToHex(publicKey);
/** Who sits in the first two seats of the first committee that is elected. */
const [slashed, one] = FIVE.slice(0, 4).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) as [
  KeyPair,
  KeyPair,
];

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

function network(validatorBondMin = MINIMUM): TestChain {
  const params = { ...PARAMS, epochLength: EPOCH, validatorBondMin };
  const chain = new TestChain(4, { ...testGenesis(4), params });
  chain.learn(FIVE);
  return chain;
}

/** The keys in the order of seats that an election gives. */
function seatsOf(pairs: readonly KeyPair[]): Uint8Array[] {
  return pairs
    .map(({ publicKey }) => publicKey)
    .toSorted((a, b) => (bytesToHex(a) < bytesToHex(b) ? -1 : 1));
}

/** A block in which Alice pays for these outputs, with what she spends besides. */
function pay(
  chain: TestChain,
  outputs: readonly Output[],
  more: readonly TransactionInput[] = [],
): BlockId {
  const records = [...chain.ledger.unspent.values()].filter(
    ({ output }) => output.kind === 'basic' && output.address === alice.address,
  );
  const unlock = { kind: 'signature', secretKey: alice.secretKey } as const;
  const own = records.map(({ outputId, output }) => ({ outputId, output, unlock }));
  const { networkId } = chain;
  const plan = { networkId, params: chain.genesis.params, hasher: nobleHasher };
  const built = buildTransaction({
    ...plan,
    inputs: [...more, ...own],
    outputs,
    changeAddress: alice.address,
  });
  return chain.attach([GENESIS_BLOCK_ID], unwrap(built).transaction);
}

const bondsOf = (pairs: readonly KeyPair[], amount = MINIMUM): Output[] =>
  pairs.map((key) => bond(amount, { key, owner: alice }));

/** Milestones that carry nothing of importance, up to and with `index`. */
function goTo(chain: TestChain, index: number): FinalMilestone | undefined {
  let last: FinalMilestone | undefined;
  while (chain.parent.header.index < index) {
    last = chain.confirm([chain.attach([GENESIS_BLOCK_ID])]);
  }
  return last;
}

const nextIndex = (chain: TestChain): number => chain.parent.header.index + 1;

/** The next milestone as an honest leader builds it. */
function honest(chain: TestChain): BuiltMilestone {
  return unwrap(chain.build([chain.attach([GENESIS_BLOCK_ID])]));
}

/** What others say of it with these options. */
function withOptions(chain: TestChain, options: MilestoneOptions): string {
  const { header, body } = honest(chain);
  const changed: MilestoneHeader = { ...header, optionsRoot: optionsRootOf(options, nobleHasher) };
  const milestone = { header: changed, body: { ...body, options } };
  const checked = checkMilestone(milestone, chain.parent, chain.context);
  return checked.ok ? 'ok' : checked.code;
}

describe('a chain with bonds', () => {
  it('is taken over by four bonded keys, and left by the one that is slashed', () => {
    const chain = network();
    const { committee } = chain.genesis;
    const supply = chain.ledger.supply();
    chain.confirm([pay(chain, bondsOf(FIVE.slice(0, 4)))]);
    const elected = seatsOf(FIVE.slice(0, 4));
    expect(goTo(chain, ELECTION - 1)?.body.options).toEqual({});
    const election = goTo(chain, ELECTION) as FinalMilestone;
    expect(election.body.options).toEqual({ nextCommittee: elected });
    expect(chain.parent).toMatchObject({ committee, elected });
    expect(election.header.committeeRoot).toEqual(committeeRoot(committee, nobleHasher));
    const last = goTo(chain, EPOCH - 1) as FinalMilestone;
    expect(last.header.committeeRoot).toEqual(committeeRoot(elected, nobleHasher));
    expect(chain.parent).toMatchObject({ committee: elected, elected: undefined });

    chain.confirm([pay(chain, bondsOf(FIVE.slice(4)))]);
    const first = chain.parent.header;
    expect(first).toMatchObject({ index: EPOCH, epoch: 1 });
    const record = [...chain.ledger.unspent.values()].find(
      ({ output }) => output.kind === 'validator-bond' && output.publicKey === slashed.publicKey,
    );
    if (record === undefined) throw new Error('it is bonded');
    const proof = evidenceOf(slashed, undefined, chain.networkId);
    const inputs = [{ ...record, unlock: proof }];
    expect(burns(inputs)).toEqual([basic(burnDue({ amount: MINIMUM }), NULL_ADDRESS)]);
    const { result } = chain.confirm([pay(chain, burns(inputs), inputs)]);
    expect([...result.conflicts]).toEqual([]);
    expect(chain.parent.bonds.candidates()).toHaveLength(4);
    expect(chain.ledger.supply()).toBe(supply);

    const left = seatsOf(FIVE.filter((pair) => pair !== slashed));
    expect(goTo(chain, EPOCH + ELECTION)?.body.options).toEqual({ nextCommittee: left });
    goTo(chain, 2 * EPOCH - 1);
    expect(chain.parent.committee).toEqual(left);
    const beyond = goTo(chain, 2 * EPOCH) as FinalMilestone;
    expect(beyond.header.epoch).toBe(2);
    const judged = (keys: readonly Uint8Array[]): Outcome<unknown> =>
      checkCertificate(beyond.milestone.certificate, keys, chain.networkId, nobleVerifier);
    expect(judged(left)).toMatchObject({ ok: true });
    expect(judged(elected)).toMatchObject({ ok: false });
    // Nothing has changed since: the third election names nobody.
    expect(goTo(chain, 2 * EPOCH + ELECTION)?.body.options).toEqual({});
    goTo(chain, 3 * EPOCH);
    expect(chain.parent.committee).toEqual(left);
  });

  it('knows after every milestone what its unspent outputs give', () => {
    const chain = network();
    const rebuilt = (): BondTable =>
      BondTable.empty(MINIMUM).apply({ created: [...chain.ledger.unspent.values()], consumed: [] });
    for (const amount of [MINIMUM, MINIMUM - 1n, MINIMUM * 2n]) {
      chain.confirm([pay(chain, bondsOf(FIVE, amount))]);
      expect(new Set(chain.parent.bonds.candidates())).toEqual(new Set(rebuilt().candidates()));
    }
  });

  it('keeps its committee while fewer than four are bonded', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf(FIVE.slice(0, 3)))]);
    expect(goTo(chain, ELECTION)?.body.options).toEqual({});
    goTo(chain, EPOCH);
    expect(chain.parent.committee).toEqual(chain.genesis.committee);
  });

  it('counts what was bonded before the election milestone, not with it', () => {
    const early = network();
    goTo(early, ELECTION - 2);
    early.confirm([pay(early, bondsOf(FIVE))]);
    expect(nextIndex(early)).toBe(ELECTION);
    expect(honest(early).body.options.nextCommittee).toEqual(seatsOf(FIVE));
    const late = network();
    goTo(late, ELECTION - 1);
    const made = late.confirm([pay(late, bondsOf(FIVE))]);
    expect(made.header.index).toBe(ELECTION);
    expect(made.body.options).toEqual({});
    expect(goTo(late, EPOCH + ELECTION)?.body.options.nextCommittee).toEqual(seatsOf(FIVE));
  });

  it('carries a load term beside an election', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf(FIVE))]);
    goTo(chain, ELECTION - 1);
    const block = chain.attach([GENESIS_BLOCK_ID]);
    const { body } = chain.confirm([block], { options: { powLoadBits: 1 } });
    expect(body.options).toEqual({ powLoadBits: 1, nextCommittee: seatsOf(FIVE) });
  });
});

describe('milestone-committee', () => {
  const due = seatsOf(FIVE);

  it('milestone-committee: an election that is left out or has another result', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf(FIVE))]);
    goTo(chain, ELECTION - 1);
    expect(withOptions(chain, { nextCommittee: due })).toBe('ok');
    const stranger = keyPair(77).publicKey;
    const wrong: MilestoneOptions[] = [
      {},
      { nextCommittee: due.toReversed() },
      { nextCommittee: due.slice(1) },
      { nextCommittee: [...due, stranger] },
      { nextCommittee: [...due.slice(0, 4), stranger] },
      { nextCommittee: [stranger, ...due.slice(1)] },
      { nextCommittee: chain.genesis.committee },
    ];
    for (const options of wrong) expect(withOptions(chain, options)).toBe('milestone-committee');
  });

  it('milestone-committee: at any other index', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf(FIVE))]);
    for (let index = 2; index <= EPOCH + 1; index++) {
      expect(nextIndex(chain)).toBe(index);
      const expected = index === ELECTION ? 'ok' : 'milestone-committee';
      expect(withOptions(chain, { nextCommittee: due })).toBe(expected);
      goTo(chain, index);
    }
  });

  it('milestone-committee: where nothing changes', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf([one, slashed]))]);
    goTo(chain, ELECTION - 1);
    expect(withOptions(chain, {})).toBe('ok');
    expect(withOptions(chain, { nextCommittee: seatsOf([one, slashed]) })).toBe(
      'milestone-committee',
    );
    expect(withOptions(chain, { nextCommittee: chain.genesis.committee })).toBe(
      'milestone-committee',
    );
  });

  it('milestone-committee: in a network that does not elect', () => {
    const chain = network(0n);
    chain.confirm([pay(chain, bondsOf(FIVE))]);
    goTo(chain, ELECTION - 1);
    expect(withOptions(chain, {})).toBe('ok');
    expect(withOptions(chain, { nextCommittee: due })).toBe('milestone-committee');
  });

  it('milestone-root: a header that names another committee than the state gives', () => {
    const chain = network();
    chain.confirm([pay(chain, bondsOf(FIVE))]);
    const judge = (committee: readonly Uint8Array[]): string => {
      const { header, body } = honest(chain);
      const changed = { ...header, committeeRoot: committeeRoot(committee, nobleHasher) };
      const checked = checkMilestone({ header: changed, body }, chain.parent, chain.context);
      return checked.ok ? 'ok' : checked.code;
    };
    goTo(chain, ELECTION - 1);
    for (const index of [ELECTION, EPOCH - 1, EPOCH]) {
      expect(nextIndex(chain)).toBe(index);
      const isOver = index >= EPOCH - 1;
      expect(judge(due)).toBe(isOver ? 'ok' : 'milestone-root');
      expect(judge(chain.genesis.committee)).toBe(isOver ? 'milestone-root' : 'ok');
      goTo(chain, index);
    }
  });
});
