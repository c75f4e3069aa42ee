import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GENESIS_BLOCK_ID, NULL_ADDRESS } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import type { Transaction, TransactionEssence } from '../codec/transaction.ts';
import { encodeTransaction, signingMessage, transactionIdOf } from '../codec/transaction.ts';
import type { Unlock } from '../codec/unlock.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier, signEd25519 } from '../crypto/ed25519-strict.ts';
import { VALIDATOR_UNBOND_SECONDS } from '../params/limits.ts';
import type { KeyPair } from '../testing/ledger-fixtures.ts';
import {
  ACCEPT_ALL,
  basic,
  bond,
  channel,
  evidenceOf,
  keyPair,
  MemoryLedger,
  NETWORK_ID,
  outputId,
  PARAMS,
  recordOf,
  signVoucher,
  sourceOf,
  testBlock,
} from '../testing/ledger-fixtures.ts';
import { applyMilestone } from './apply-milestone.ts';
import { conflictName } from './conflict.ts';
import { checkTransaction } from './transaction-rules.ts';

const [alice, bob, validator, other] = [1, 2, 3, 4].map(keyPair) as [
  KeyPair,
  KeyPair,
  KeyPair,
  KeyPair,
];
const NOW = 1_000_000;
const EARLIEST = NOW + VALIDATOR_UNBOND_SECONDS;
const PAIR = { key: validator, owner: alice };

type Way = KeyPair | Unlock;
type Spend = readonly [Output, Way];

const active = (amount: bigint, pair = PAIR): Output => bond(amount, pair);
const unbonding = (amount: bigint, at = EARLIEST): Output => bond(amount, PAIR, at);
const burnt = (amount: bigint): Output => basic(amount, NULL_ADDRESS);

function isKey(way: Way): way is KeyPair {
  return 'secretKey' in way;
}

/** The name of what the ledger says at second `at`. Each input is signed or unlocked as given. */
function verdict(inputs: readonly Spend[], outputs: readonly Output[], at = NOW): string {
  const ids = inputs.map((_, index) => outputId(index));
  const essence: TransactionEssence = {
    networkId: NETWORK_ID,
    inputs: ids,
    outputs,
    payload: null,
  };
  const message = signingMessage(essence, nobleHasher);
  const unlocks = inputs.map(([, way]): Unlock => {
    if (!isKey(way)) return way;
    const signature = signEd25519(way.secretKey, message);
    return { kind: 'signature', publicKey: way.publicKey, signature };
  });
  const code = checkTransaction(
    { kind: 'transaction', ...essence, unlocks },
    message,
    inputs.map(([output]) => output),
    { timeSeconds: at, params: PARAMS, hasher: nobleHasher, verifier: nobleVerifier },
  );
  return conflictName(code) ?? `code ${code}`;
}

describe('making a bond', () => {
  const make = (unbondAt: number): string =>
    verdict([[basic(5_000n, bob.address), bob]], [bond(5_000n, PAIR, unbondAt)]);

  it('none: an active one, of anybody for anybody', () => {
    expect(make(0)).toBe('none');
  });

  it('bond-unbonding-early: less than the waiting time ahead', () => {
    for (const at of [1, NOW, EARLIEST - 1]) expect(make(at)).toBe('bond-unbonding-early');
    for (const at of [EARLIEST, EARLIEST + 1]) expect(make(at)).toBe('none');
  });
});

describe('the owner of an active bond', () => {
  const spend = (...outputs: Output[]): string => verdict([[active(5_000n), alice]], outputs);

  it('none: tops it up, splits it, joins two', () => {
    const more: Spend[] = [
      [active(5_000n), alice],
      [basic(1_000n, bob.address), bob],
    ];
    expect(verdict(more, [active(6_000n)])).toBe('none');
    expect(spend(active(2_000n), active(3_000n))).toBe('none');
    const two: Spend[] = [
      [active(2_000n), alice],
      [active(3_000n), { kind: 'reference', index: 0 }],
    ];
    expect(verdict(two, [active(5_000n)])).toBe('none');
  });

  it('none: unbonds all of it, or a part', () => {
    expect(spend(unbonding(5_000n))).toBe('none');
    expect(spend(active(4_000n), unbonding(1_000n))).toBe('none');
    expect(spend(unbonding(5_000n, EARLIEST - 1))).toBe('bond-unbonding-early');
  });

  it('bond-locked: takes one base unit of it, or all', () => {
    expect(spend(active(4_999n), basic(1n, alice.address))).toBe('bond-locked');
    expect(spend(basic(5_000n, alice.address))).toBe('bond-locked');
    expect(spend(unbonding(4_999n), basic(1n, alice.address))).toBe('bond-locked');
  });

  it('bond-locked: gives it another key or owner', () => {
    expect(spend(active(5_000n, { key: other, owner: alice }))).toBe('bond-locked');
    expect(spend(active(5_000n, { key: validator, owner: bob }))).toBe('bond-locked');
  });

  it('bond-locked: two of them point at one output', () => {
    const two: Spend[] = [
      [active(5_000n), alice],
      [active(5_000n), { kind: 'reference', index: 0 }],
    ];
    const rest = basic(5_000n, alice.address);
    expect(verdict(two, [active(5_000n), rest])).toBe('bond-locked');
    expect(verdict(two, [active(9_999n), basic(1n, alice.address)])).toBe('bond-locked');
    expect(verdict(two, [active(5_000n), unbonding(5_000n)])).toBe('none');
  });

  it('bond-locked: a bond of another pair pays for this one', () => {
    const mixed: Spend[] = [
      [active(5_000n), alice],
      [active(5_000n, { key: other, owner: alice }), { kind: 'reference', index: 0 }],
    ];
    expect(verdict(mixed, [active(10_000n)])).toBe('bond-locked');
    const kept = [active(5_000n), active(5_000n, { key: other, owner: alice })];
    expect(verdict(mixed, kept)).toBe('none');
  });

  it('unlock-mismatch: nobody else may, nor by a claim', () => {
    for (const key of [bob, validator]) {
      expect(verdict([[active(5_000n), key]], [active(5_000n)])).toBe('unlock-mismatch');
    }
    const claim: Unlock = {
      kind: 'channel-claim',
      publicKey: alice.publicKey,
      signature: new Uint8Array(64),
      cumulative: 1n,
      voucherSignature: new Uint8Array(64),
    };
    expect(verdict([[active(5_000n), claim]], [active(5_000n)])).toBe('unlock-mismatch');
  });
});

describe('the owner of a bond that unbonds', () => {
  const take = (at: number, key = alice): string =>
    verdict([[unbonding(5_000n), key]], [basic(5_000n, bob.address)], at);

  it('bond-locked: until the second it names', () => {
    expect(take(EARLIEST - 1)).toBe('bond-locked');
    expect(take(EARLIEST)).toBe('none');
    expect(take(EARLIEST + 1)).toBe('none');
  });

  it('bond-locked: it cannot become active again before', () => {
    expect(verdict([[unbonding(5_000n), alice]], [active(5_000n)])).toBe('bond-locked');
    expect(verdict([[unbonding(5_000n), alice]], [active(5_000n)], EARLIEST)).toBe('none');
  });

  it('bond-locked: what becomes of it is no bond for an active one', () => {
    const both: Spend[] = [
      [active(5_000n), alice],
      [unbonding(5_000n), { kind: 'reference', index: 0 }],
    ];
    expect(verdict(both, [active(5_000n), basic(5_000n, bob.address)], EARLIEST)).toBe('none');
    expect(verdict(both, [active(4_999n), basic(5_001n, bob.address)], EARLIEST)).toBe(
      'bond-locked',
    );
  });

  it('unlock-mismatch: nobody else may, however late', () => {
    for (const key of [bob, validator]) expect(take(EARLIEST + 1, key)).toBe('unlock-mismatch');
  });
});

describe('evidence', () => {
  const proof = evidenceOf(validator);
  const slash = (outputs: readonly Output[], state = active(16_000n), unlock: Unlock = proof) =>
    verdict([[state, unlock]], outputs);
  const usual = [burnt(15_000n), basic(1_000n, bob.address)];

  it('none: fifteen sixteenths burn, whoever brings it', () => {
    expect(slash(usual)).toBe('none');
    expect(slash([burnt(16_000n)])).toBe('none');
    expect(slash([burnt(7_000n), burnt(8_000n), basic(1_000n, bob.address)])).toBe('none');
  });

  it('none: whatever the state of the bond is, as long as it is unspent', () => {
    expect(slash(usual, unbonding(16_000n))).toBe('none');
    expect(slash(usual, unbonding(16_000n, NOW - 5))).toBe('none');
  });

  it('none: a bond that is smaller than what elections count', () => {
    expect(slash([burnt(144n), basic(9n, bob.address)], active(153n))).toBe('none');
    expect(slash([burnt(143n), basic(10n, bob.address)], active(153n))).toBe('burn-missing');
  });

  it('none: for each contradicting pair', () => {
    const pairs = [
      [
        ['notarize', 1],
        ['notarize', 2],
      ],
      [
        ['finalize', 1],
        ['finalize', 2],
      ],
      [
        ['propose', 1],
        ['propose', 2],
      ],
      [
        ['ratify', 1],
        ['ratify', 2],
      ],
      [
        ['nullify', 0],
        ['finalize', 2],
      ],
    ] as const;
    for (const pair of pairs) {
      expect(slash(usual, active(16_000n), evidenceOf(validator, pair))).toBe('none');
    }
  });

  it('burn-missing: one base unit short, with a condition, or paid to somebody', () => {
    expect(slash([burnt(14_999n), basic(1_001n, bob.address)])).toBe('burn-missing');
    expect(slash([basic(16_000n, bob.address)])).toBe('burn-missing');
    const tagged = basic(15_000n, NULL_ADDRESS, { tag: new Uint8Array([1]) });
    expect(slash([tagged, basic(1_000n, bob.address)])).toBe('burn-missing');
    const back = { unixSeconds: NOW + 1, returnAddress: alice.address };
    const expiring = basic(15_000n, NULL_ADDRESS, { expiration: back });
    expect(slash([expiring, basic(1_000n, bob.address)])).toBe('burn-missing');
    expect(slash([active(16_000n)])).toBe('burn-missing');
  });

  it('burn-missing: two bonds cannot share one burn', () => {
    const both: Spend[] = [
      [active(16_000n), proof],
      [unbonding(16_000n), proof],
    ];
    expect(verdict(both, [burnt(15_000n), basic(17_000n, bob.address)])).toBe('burn-missing');
    expect(verdict(both, [burnt(30_000n), basic(2_000n, bob.address)])).toBe('none');
  });

  it('burn-missing: a refund to the null address is not the burn as well', () => {
    const open = {
      ...channel(15_100n, { payer: alice, payee: bob, refund: alice }, NOW + 100),
      refundAddress: NULL_ADDRESS,
    };
    const outputsOf = (nowhere: bigint): Output[] => [
      burnt(nowhere),
      basic(31_100n - nowhere, bob.address),
    ];
    const essence = (outputs: Output[]): TransactionEssence => ({
      networkId: NETWORK_ID,
      inputs: [outputId(0), outputId(1)],
      outputs,
      payload: null,
    });
    const claim = (outputs: Output[]): Unlock => ({
      kind: 'channel-claim',
      publicKey: bob.publicKey,
      signature: signEd25519(bob.secretKey, signingMessage(essence(outputs), nobleHasher)),
      cumulative: 100n,
      voucherSignature: signVoucher(alice, outputId(1), 100n),
    });
    const judge = (nowhere: bigint): string => {
      const outputs = outputsOf(nowhere);
      return verdict(
        [
          [active(16_000n), proof],
          [open, claim(outputs)],
        ],
        outputs,
      );
    };
    expect(judge(15_000n)).toBe('burn-missing');
    expect(judge(29_999n)).toBe('burn-missing');
    expect(judge(30_000n)).toBe('none');
  });

  it('signature-invalid: of another key, network, view or digest', () => {
    const [first, second] = proof.statements;
    const digest = new Uint8Array(32).fill(9);
    const wrong: Unlock[] = [
      evidenceOf(other),
      evidenceOf(validator, undefined, NETWORK_ID + 1n),
      { ...proof, view: proof.view + 1n },
      { ...proof, epoch: proof.epoch + 1 },
      { ...proof, statements: [first, { ...second, digest }] },
      { ...proof, statements: [first, evidenceOf(other).statements[1]] },
      { ...proof, statements: [evidenceOf(other).statements[0], second] },
    ];
    for (const unlock of wrong) {
      expect(slash(usual, active(16_000n), unlock)).toBe('signature-invalid');
    }
  });

  it('unlock-mismatch: for an output that is no bond', () => {
    expect(slash([basic(5_000n, bob.address)], basic(5_000n, alice.address))).toBe(
      'unlock-mismatch',
    );
    const open = channel(5_000n, { payer: validator, payee: bob, refund: alice }, NOW + 1);
    expect(slash([basic(5_000n, bob.address)], open)).toBe('unlock-mismatch');
  });

  it('none: in one transaction with the owner, who must still keep what is active', () => {
    const both: Spend[] = [
      [active(16_000n), proof],
      [active(5_000n), alice],
    ];
    const kept = [...usual, active(5_000n)];
    expect(verdict(both, kept)).toBe('none');
    expect(verdict(both, [...usual, basic(5_000n, alice.address)])).toBe('bond-locked');
  });

  it('signature-invalid: checked even if unlocks were checked on arrival', () => {
    const judge = (unlock: Unlock): string => {
      const essence = {
        networkId: NETWORK_ID,
        inputs: [outputId(0)],
        outputs: usual,
        payload: null,
      };
      const code = checkTransaction(
        { kind: 'transaction', ...essence, unlocks: [unlock] },
        signingMessage(essence, nobleHasher),
        [active(16_000n)],
        {
          timeSeconds: NOW,
          params: PARAMS,
          hasher: nobleHasher,
          verifier: nobleVerifier,
          signaturesChecked: true,
        },
      );
      return conflictName(code) ?? `code ${code}`;
    };
    expect(judge(proof)).toBe('none');
    expect(judge(evidenceOf(other))).toBe('signature-invalid');
  });
});

/** One random spend: which inputs, how they are unlocked, and what becomes of the sum. */
const step = fc.record({
  picks: fc.array(fc.tuple(fc.nat(20), fc.constantFrom('owner', 'evidence')), {
    minLength: 1,
    maxLength: 3,
  }),
  parts: fc.array(fc.constantFrom('basic', 'burn', 'active', 'unbonding'), {
    minLength: 1,
    maxLength: 3,
  }),
  seconds: fc.nat(VALIDATOR_UNBOND_SECONDS),
});

describe('any sequence of spends', () => {
  /** An output of this kind; the state is chosen so that some are refused and some are not. */
  function outputOf(kind: string, amount: bigint, timeSeconds: number): Output {
    if (kind === 'basic') return basic(amount, alice.address);
    if (kind === 'burn') return burnt(amount);
    const unbondAt = kind === 'active' ? 0 : timeSeconds + VALIDATOR_UNBOND_SECONDS;
    return bond(amount, PAIR, unbondAt);
  }

  it('keeps the supply, and no active bond of the owner becomes anything but a bond', () => {
    const signature = {
      kind: 'signature',
      publicKey: alice.publicKey,
      signature: new Uint8Array(64),
    };
    let [appliedInAll, burntInAll] = [0, 0];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const ledger = new MemoryLedger([
          recordOf(outputId(0), basic(50_000n, alice.address)),
          recordOf(outputId(1), bond(16_000n, PAIR)),
          recordOf(outputId(2), bond(32_000n, PAIR)),
        ]);
        const supply = ledger.supply();
        let timeSeconds = NOW;
        for (const { picks, parts, seconds } of steps) {
          timeSeconds += seconds;
          const unspent = [...ledger.unspent.values()];
          const chosen = new Map(picks.map(([at, way]) => [at % unspent.length, way]));
          const inputs = Array.from(chosen, ([at]) => unspent[at]!);
          const sum = inputs.reduce((total, { output }) => total + output.amount, 0n);
          const share = sum / BigInt(parts.length);
          const outputs = parts.map((kind, at) =>
            outputOf(kind, at === 0 ? sum - share * BigInt(parts.length - 1) : share, timeSeconds),
          );
          const ways = [...chosen.values()];
          const unlocks = ways.map((way) =>
            way === 'evidence' ? evidenceOf(validator) : signature,
          );
          const transaction = {
            kind: 'transaction',
            networkId: NETWORK_ID,
            inputs: inputs.map((one) => one.outputId),
            outputs,
            payload: null,
            unlocks,
          } as Transaction;
          const block = testBlock([GENESIS_BLOCK_ID], transaction, BigInt(timeSeconds));
          const applied = applyMilestone(
            { index: 1, timestampMs: timeSeconds * 1_000, order: [block.id] },
            {
              blocks: sourceOf([block]),
              outputs: ledger.get,
              params: PARAMS,
              verifier: ACCEPT_ALL,
              hasher: nobleHasher,
            },
          );
          ledger.apply(applied.diff);
          expect(ledger.supply()).toBe(supply);
          if (applied.applied.length === 0) continue;
          appliedInAll += 1;
          expect(transactionIdOf(encodeTransaction(transaction), nobleHasher)).toBe(
            block.transactionId,
          );
          const held = (list: readonly Output[], isActive: boolean): bigint =>
            list.reduce((total, one) => {
              const isBond = one.kind === 'validator-bond' && (!isActive || one.unbondAt === 0);
              return isBond ? total + one.amount : total;
            }, 0n);
          const owners = inputs.filter((_, at) => ways[at] === 'owner').map(({ output }) => output);
          expect(held(outputs, false)).toBeGreaterThanOrEqual(held(owners, true));
          if (ways.includes('evidence')) burntInAll += 1;
        }
      }),
      { numRuns: 200 },
    );
    expect(appliedInAll).toBeGreaterThan(50);
    expect(burntInAll).toBeGreaterThan(3);
  });
});
