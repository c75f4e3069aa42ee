/** Transactions: bytes, essence, id, and one test for each code of their form. */
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../crypto/blake2b.ts';
import { bytesToHex, hexToBytes, type Address, type OutputId } from './ids.ts';
import {
  decodeTransaction,
  encodeEssence,
  encodeTransaction,
  signingMessage,
  transactionIdOf,
  type Transaction,
} from './transaction.ts';

const input = '11'.repeat(32) + '0200';
const address = 'aa'.repeat(32);
const HEAD = '010000000500000000000000';
const INPUTS = '01' + input;
const OUTPUTS = '0101e803000000000000' + address + '00';
const UNLOCK = '00' + 'cc'.repeat(32) + 'dd'.repeat(64);

const transaction: Transaction = {
  kind: 'transaction',
  networkId: 5n,
  inputs: [input as OutputId],
  outputs: [{ kind: 'basic', amount: 1_000n, address: address as Address }],
  payload: null,
  unlocks: [
    {
      kind: 'signature',
      publicKey: new Uint8Array(32).fill(0xcc),
      signature: new Uint8Array(64).fill(0xdd),
    },
  ],
};

function codeOf(hex: string): string {
  const outcome = decodeTransaction(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

function withUnlock(unlock: string): string {
  return codeOf(HEAD + INPUTS + OUTPUTS + '00000000' + unlock);
}

function withPayload(length: string, payload: string): string {
  return codeOf(HEAD + INPUTS + OUTPUTS + length + payload + UNLOCK);
}

describe('transaction', () => {
  it('has its bytes', () => {
    const hex = HEAD + INPUTS + OUTPUTS + '00000000' + UNLOCK;
    expect(bytesToHex(encodeTransaction(transaction))).toBe(hex);
    expect(decodeTransaction(hexToBytes(hex))).toEqual({ ok: true, value: transaction });
  });

  it('carries tagged data and every kind of unlock', () => {
    const rich: Transaction = {
      ...transaction,
      inputs: [input, '22'.repeat(34), '33'.repeat(34)] as OutputId[],
      payload: { kind: 'tagged-data', tag: Uint8Array.of(1), data: Uint8Array.of(2, 3) },
      unlocks: [
        ...transaction.unlocks,
        { kind: 'reference', index: 0 },
        {
          kind: 'channel-claim',
          publicKey: new Uint8Array(32).fill(1),
          signature: new Uint8Array(64).fill(2),
          cumulative: 77n,
          voucherSignature: new Uint8Array(64).fill(3),
        },
      ],
    };
    expect(decodeTransaction(encodeTransaction(rich))).toEqual({ ok: true, value: rich });
  });

  it('signs the essence: everything between type and unlocks', () => {
    const essence = encodeEssence(transaction);
    expect(bytesToHex(essence)).toBe((HEAD + INPUTS + OUTPUTS).slice(8) + '00000000');
    const message = signingMessage(transaction, nobleHasher);
    expect(message).toEqual(signingMessage(essence, nobleHasher));
    expect(bytesToHex(message)).toBe(
      bytesToHex(new TextEncoder().encode('tangle/tx/v1\0')) +
        bytesToHex(nobleHasher.blake2b256(essence)),
    );
  });

  it('has an id that covers the unlocks', () => {
    const changed = { ...transaction, unlocks: [{ kind: 'reference', index: 0 }] } as Transaction;
    const idOf = (one: Transaction) => transactionIdOf(encodeTransaction(one), nobleHasher);
    expect(idOf(changed)).not.toBe(idOf(transaction));
    expect(signingMessage(changed, nobleHasher)).toEqual(signingMessage(transaction, nobleHasher));
  });

  it('count-out-of-range', () => {
    expect(codeOf(HEAD + '00' + OUTPUTS)).toBe('count-out-of-range');
    expect(codeOf(HEAD + '81' + input)).toBe('count-out-of-range');
    expect(codeOf(HEAD + INPUTS + '0000000000' + UNLOCK)).toBe('count-out-of-range');
    expect(codeOf(HEAD + INPUTS + '81')).toBe('count-out-of-range');
  });

  it('payload-type-unknown', () => {
    expect(codeOf('02000000' + HEAD.slice(8))).toBe('payload-type-unknown');
    expect(withPayload('16000000', '02000000' + '00'.repeat(18))).toBe('payload-type-unknown');
  });

  it('payload-length-wrong', () => {
    expect(withPayload('01200000', '00'.repeat(8_193))).toBe('payload-length-wrong');
  });

  it('truncated and trailing-bytes inside the length of the tagged data', () => {
    expect(withPayload('0a000000', '03000000010100000000')).toBe('ok');
    expect(withPayload('09000000', '03000000010100000000')).toBe('truncated');
    expect(withPayload('0b000000', '0300000001010000000000')).toBe('trailing-bytes');
  });

  it('unlock-type-unknown', () => {
    expect(withUnlock('04' + UNLOCK.slice(2))).toBe('unlock-type-unknown');
  });

  it('truncated when an unlock is missing, trailing-bytes when there is one more', () => {
    expect(withUnlock('')).toBe('truncated');
    expect(withUnlock(UNLOCK + '010000')).toBe('trailing-bytes');
  });

  it('does not encode what it would not decode', () => {
    const data = new Uint8Array(8_192);
    const payload = { kind: 'tagged-data', tag: Uint8Array.of(1), data } as const;
    expect(() => encodeTransaction({ ...transaction, payload })).toThrow('broken');
    expect(() => encodeTransaction({ ...transaction, unlocks: [] })).toThrow('broken');
    expect(() => encodeTransaction({ ...transaction, inputs: [], unlocks: [] })).toThrow('broken');
  });
});
