import { describe, expect, it } from '@jest/globals';
import { refundDeposit } from '../block/deposit.ts';
import type { OutputId } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import type { Transaction, TransactionEssence } from '../codec/transaction.ts';
import { signingMessage } from '../codec/transaction.ts';
import type { Unlock } from '../codec/unlock.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier, signEd25519 } from '../crypto/ed25519-strict.ts';
import type { KeyPair } from '../testing/ledger-fixtures.ts';
import {
  basic,
  channel,
  keyPair,
  NETWORK_ID,
  outputId,
  PARAMS,
  signVoucher,
} from '../testing/ledger-fixtures.ts';
import { conflictName } from './conflict.ts';
import type { InputState } from './transaction-rules.ts';
import { checkTransaction } from './transaction-rules.ts';

const [alice, bob, carol, mallory, payer] = [1, 2, 3, 4, 5].map(keyPair) as [
  KeyPair,
  KeyPair,
  KeyPair,
  KeyPair,
  KeyPair,
];
const NOW = 1_000_000;
const EXPIRY = NOW + 100;
const D = refundDeposit(PARAMS);

/** How a test unlocks an input: a signature, a reference, or a claim with a voucher. */
type Way =
  | { sign: KeyPair }
  | { refer: number }
  | { claim: KeyPair; cumulative: bigint; voucher: Uint8Array };

interface Spend {
  readonly inputs: readonly (readonly [InputState, Way])[];
  readonly outputs: readonly Output[];
  readonly at?: number;
  /** Changes the finished transaction, as somebody on the way might. */
  readonly tamper?: (transaction: Transaction) => Transaction;
  readonly signaturesChecked?: boolean;
}

function unlockOf(way: Way, message: Uint8Array): Unlock {
  if ('refer' in way) return { kind: 'reference', index: way.refer };
  const key = 'sign' in way ? way.sign : way.claim;
  const { publicKey } = key;
  const signature = signEd25519(key.secretKey, message);
  if ('sign' in way) return { kind: 'signature', publicKey, signature };
  const { cumulative, voucher: voucherSignature } = way;
  return { kind: 'channel-claim', publicKey, signature, cumulative, voucherSignature };
}

function verdict({ inputs, outputs, at = NOW, tamper, signaturesChecked = false }: Spend): string {
  const ids = inputs.map((_, index) => outputId(index));
  const essence: TransactionEssence = {
    networkId: NETWORK_ID,
    inputs: ids,
    outputs,
    payload: null,
  };
  const message = signingMessage(essence, nobleHasher);
  const unlocks = inputs.map(([, way]) => unlockOf(way, message));
  const signed: Transaction = { kind: 'transaction', ...essence, unlocks };
  const transaction = tamper === undefined ? signed : tamper(signed);
  const code = checkTransaction(
    transaction,
    signingMessage(transaction, nobleHasher),
    inputs.map(([state]) => state),
    {
      timeSeconds: at,
      params: PARAMS,
      hasher: nobleHasher,
      verifier: nobleVerifier,
      signaturesChecked,
    },
  );
  return conflictName(code) ?? `code ${code}`;
}

const pay = (
  state: InputState,
  way: Way,
  outputs: readonly Output[] = [basic(1_000n, bob.address)],
  more: Partial<Spend> = {},
): string => verdict({ inputs: [[state, way]], outputs, ...more });

describe('plain payments', () => {
  it('none: the owner spends what is unspent', () => {
    expect(pay(basic(1_000n, alice.address), { sign: alice })).toBe('none');
  });

  it('none: one signature unlocks all inputs of its owner', () => {
    const inputs: Spend['inputs'] = [
      [basic(400n, alice.address), { sign: alice }],
      [basic(600n, alice.address), { refer: 0 }],
    ];
    expect(verdict({ inputs, outputs: [basic(1_000n, bob.address)] })).toBe('none');
  });

  it('input-spent-earlier', () => {
    expect(pay('spent-earlier', { sign: alice })).toBe('input-spent-earlier');
  });

  it('input-spent-in-milestone', () => {
    expect(pay('spent-in-milestone', { sign: alice })).toBe('input-spent-in-milestone');
  });

  it('input-unknown', () => {
    expect(pay('unknown', { sign: alice })).toBe('input-unknown');
  });

  it('the first input that cannot be spent names the conflict', () => {
    const inputs: Spend['inputs'] = [
      [basic(400n, alice.address), { sign: alice }],
      ['unknown', { refer: 0 }],
      ['spent-earlier', { refer: 0 }],
    ];
    expect(verdict({ inputs, outputs: [basic(1n, bob.address)] })).toBe('input-unknown');
  });

  it('sums-differ: neither more nor less leaves than came in', () => {
    for (const amount of [999n, 1_001n]) {
      const outputs = [basic(amount, bob.address)];
      expect(pay(basic(1_000n, alice.address), { sign: alice }, outputs)).toBe('sums-differ');
    }
  });

  it('unlock-mismatch: a stranger signs', () => {
    expect(pay(basic(1_000n, alice.address), { sign: mallory })).toBe('unlock-mismatch');
  });

  it('unlock-mismatch: a reference leads to another owner', () => {
    const inputs: Spend['inputs'] = [
      [basic(400n, mallory.address), { sign: mallory }],
      [basic(600n, alice.address), { refer: 0 }],
    ];
    expect(verdict({ inputs, outputs: [basic(1_000n, mallory.address)] })).toBe('unlock-mismatch');
  });

  it('unlock-mismatch: a channel claim on a basic output', () => {
    const way: Way = { claim: alice, cumulative: 1n, voucher: new Uint8Array(64) };
    expect(pay(basic(1_000n, alice.address), way)).toBe('unlock-mismatch');
  });

  it('signature-invalid: the outputs were changed after signing', () => {
    const tamper = (transaction: Transaction): Transaction => ({
      ...transaction,
      outputs: [basic(1_000n, mallory.address)],
    });
    const state = basic(1_000n, alice.address);
    expect(pay(state, { sign: alice }, undefined, { tamper })).toBe('signature-invalid');
  });

  it('signature-invalid: signed for another network', () => {
    const tamper = (transaction: Transaction): Transaction => ({ ...transaction, networkId: 1n });
    const state = basic(1_000n, alice.address);
    expect(pay(state, { sign: alice }, undefined, { tamper })).toBe('signature-invalid');
  });

  it('leaves unlock signatures alone when the caller checked them on arrival', () => {
    const tamper = (transaction: Transaction): Transaction => ({ ...transaction, networkId: 1n });
    const state = basic(1_000n, alice.address);
    const more = { tamper, signaturesChecked: true };
    expect(pay(state, { sign: alice }, undefined, more)).toBe('none');
  });
});

describe('timelock and expiration', () => {
  const locked = basic(1_000n, alice.address, { timelock: EXPIRY });
  const expiration = { unixSeconds: EXPIRY, returnAddress: carol.address };
  const expiring = basic(1_000n, alice.address, { expiration });
  const at = (time: number): Partial<Spend> => ({ at: time });

  it('timelocked until its second, not after', () => {
    const spend = (time: number): string => pay(locked, { sign: alice }, undefined, at(time));
    expect(spend(EXPIRY - 1)).toBe('timelocked');
    expect(spend(EXPIRY)).toBe('none');
    expect(spend(EXPIRY + 1)).toBe('none');
  });

  it('an expiring output is its owner’s before, its returner’s from the second on', () => {
    const spend = (key: KeyPair, time: number): string =>
      pay(expiring, { sign: key }, undefined, at(time));
    expect(spend(alice, EXPIRY - 1)).toBe('none');
    expect(spend(carol, EXPIRY - 1)).toBe('unlock-mismatch');
    expect(spend(alice, EXPIRY)).toBe('unlock-mismatch');
    expect(spend(carol, EXPIRY)).toBe('none');
    expect(spend(alice, EXPIRY + 1)).toBe('unlock-mismatch');
    expect(spend(carol, EXPIRY + 1)).toBe('none');
  });

  it('timelocked: expiry does not lift a timelock', () => {
    const both = basic(1_000n, alice.address, { expiration, timelock: EXPIRY + 50 });
    expect(pay(both, { sign: carol }, undefined, at(EXPIRY))).toBe('timelocked');
    expect(pay(both, { sign: carol }, undefined, at(EXPIRY + 50))).toBe('none');
  });
});

describe('channel claim', () => {
  const parties = { payer, payee: bob, refund: alice };
  const AMOUNT = 10_000n;
  const open = channel(AMOUNT, parties, EXPIRY);
  const claimOf = (cumulative: bigint, id: OutputId = outputId(0), signer = payer): Way => ({
    claim: bob,
    cumulative,
    voucher: signVoucher(signer, id, cumulative),
  });
  const split = (cumulative: bigint): Output[] => [
    basic(cumulative, bob.address),
    basic(AMOUNT - cumulative, alice.address),
  ];
  const claim = (cumulative: bigint, more: Partial<Spend> = {}): string =>
    pay(open, claimOf(cumulative), split(cumulative), more);

  it('none: up to the amount less the deposit of the refund', () => {
    expect(claim(4_000n)).toBe('none');
    expect(claim(1n)).toBe('none');
    expect(claim(AMOUNT - D)).toBe('none');
  });

  it('claim-out-of-range: nothing, or what the refund output needs', () => {
    expect(claim(0n)).toBe('claim-out-of-range');
    expect(claim(AMOUNT - D + 1n)).toBe('claim-out-of-range');
    const outputs = [basic(AMOUNT, bob.address)];
    expect(pay(open, claimOf(2n ** 64n - 1n), outputs)).toBe('claim-out-of-range');
  });

  it('channel-expired: from the second of its expiry on', () => {
    expect(claim(4_000n, { at: EXPIRY - 1 })).toBe('none');
    expect(claim(4_000n, { at: EXPIRY })).toBe('channel-expired');
    expect(claim(4_000n, { at: EXPIRY + 1 })).toBe('channel-expired');
  });

  it('unlock-mismatch: somebody else presents the voucher', () => {
    const way: Way = { ...(claimOf(4_000n) as Way & { claim: KeyPair }), claim: mallory };
    expect(pay(open, way, split(4_000n))).toBe('unlock-mismatch');
  });

  it('signature-invalid: a voucher of another channel, sum, network or signer', () => {
    const wrong: Way[] = [
      claimOf(4_000n, outputId(9)),
      { claim: bob, cumulative: 4_000n, voucher: signVoucher(payer, outputId(0), 3_999n) },
      claimOf(4_000n, outputId(0), mallory),
      { claim: bob, cumulative: 4_000n, voucher: new Uint8Array(64) },
    ];
    for (const way of wrong) expect(pay(open, way, split(4_000n))).toBe('signature-invalid');
  });

  it('signature-invalid: the voucher is checked even if unlocks were checked on arrival', () => {
    const way = claimOf(4_000n, outputId(0), mallory);
    const more = { signaturesChecked: true };
    expect(pay(open, way, split(4_000n), more)).toBe('signature-invalid');
  });

  it('signature-invalid: the payee’s signature does not fit', () => {
    const tamper = (transaction: Transaction): Transaction => ({
      ...transaction,
      outputs: [...split(4_000n), basic(0n, mallory.address)],
    });
    expect(claim(4_000n, { tamper })).toBe('signature-invalid');
  });

  it('refund-missing: too little, elsewhere, or with a condition', () => {
    const rest = AMOUNT - 4_000n;
    const alternatives: Output[][] = [
      [basic(4_001n, bob.address), basic(rest - 1n, alice.address)],
      [basic(4_000n, bob.address), basic(rest, bob.address)],
      [basic(4_000n, bob.address), basic(rest, alice.address, { timelock: NOW + 9_999 })],
      [basic(4_000n, bob.address), basic(rest, alice.address, { tag: new Uint8Array([1]) })],
      [
        basic(4_000n, bob.address),
        basic(rest, alice.address, {
          expiration: { unixSeconds: NOW + 1, returnAddress: bob.address },
        }),
      ],
      [basic(4_000n, bob.address), channel(rest, parties, EXPIRY)],
    ];
    for (const outputs of alternatives) {
      expect(pay(open, claimOf(4_000n), outputs)).toBe('refund-missing');
    }
  });

  it('none: a refund may come in parts', () => {
    const outputs = [
      basic(4_000n, bob.address),
      basic(5_000n, alice.address),
      basic(1_000n, alice.address),
    ];
    expect(pay(open, claimOf(4_000n), outputs)).toBe('none');
  });

  it('refund-missing: two claims cannot share one refund output', () => {
    const inputs: Spend['inputs'] = [
      [open, claimOf(4_000n, outputId(0))],
      [open, claimOf(5_000n, outputId(1))],
    ];
    const shared = [basic(14_000n, bob.address), basic(6_000n, alice.address)];
    expect(verdict({ inputs, outputs: shared })).toBe('refund-missing');
    const summed = [basic(9_000n, bob.address), basic(11_000n, alice.address)];
    expect(verdict({ inputs, outputs: summed })).toBe('none');
  });

  it('refund-missing: each refund address is owed for itself', () => {
    const other = channel(AMOUNT, { ...parties, refund: carol }, EXPIRY);
    const inputs: Spend['inputs'] = [
      [open, claimOf(4_000n, outputId(0))],
      [other, claimOf(4_000n, outputId(1))],
    ];
    const outputs = [basic(8_000n, bob.address), basic(12_000n, alice.address)];
    expect(verdict({ inputs, outputs })).toBe('refund-missing');
  });
});

describe('channel refund', () => {
  const open = channel(10_000n, { payer, payee: bob, refund: alice }, EXPIRY);
  const back = [basic(10_000n, alice.address)];
  const refund = (way: Way, at: number): string => pay(open, way, back, { at });

  it('channel-not-expired: until the second of its expiry', () => {
    expect(refund({ sign: alice }, EXPIRY - 1)).toBe('channel-not-expired');
    expect(refund({ sign: alice }, EXPIRY)).toBe('none');
    expect(refund({ sign: alice }, EXPIRY + 1)).toBe('none');
  });

  it('unlock-mismatch: payee, voucher key and strangers get nothing back', () => {
    for (const key of [bob, payer, mallory]) {
      expect(refund({ sign: key }, EXPIRY)).toBe('unlock-mismatch');
    }
  });

  it('none: a reference to the payer’s other input is enough', () => {
    const inputs: Spend['inputs'] = [
      [basic(500n, alice.address), { sign: alice }],
      [open, { refer: 0 }],
    ];
    const outputs = [basic(10_500n, carol.address)];
    expect(verdict({ inputs, outputs, at: EXPIRY })).toBe('none');
  });
});

describe('channel creation', () => {
  it('channel-expiry-past: the expiry must lie after the milestone', () => {
    const create = (expiry: number): string =>
      pay(basic(10_000n, alice.address), { sign: alice }, [
        channel(10_000n, { payer, payee: bob, refund: alice }, expiry),
      ]);
    expect(create(NOW - 1)).toBe('channel-expiry-past');
    expect(create(NOW)).toBe('channel-expiry-past');
    expect(create(NOW + 1)).toBe('none');
  });
});
