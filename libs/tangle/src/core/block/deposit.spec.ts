/** Storage deposits. */
import { describe, expect, it } from '@jest/globals';
import type { Address } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import { minimumAmount, refundDeposit, storageDeposit } from './deposit.ts';

const address = 'aa'.repeat(32) as Address;
const params = { ...NETWORK_PRESETS.test, depositPerByte: 3n };
const basic: Output = { kind: 'basic', amount: 1n, address };
const channel: Output = {
  kind: 'channel',
  amount: 1n,
  payerPublicKey: new Uint8Array(32),
  payee: address,
  refundAddress: address,
  expiry: 1,
};

describe('storage deposit', () => {
  it('pays for id, block id, index and the bytes of the output', () => {
    expect(storageDeposit(basic, params)).toBe(3n * (34n + 32n + 4n + 42n));
    expect(storageDeposit({ ...basic, tag: new Uint8Array(5) }, params)).toBe(3n * (112n + 6n));
    expect(storageDeposit(channel, params)).toBe(3n * (70n + 109n));
  });

  it('asks a bond for its bytes alone', () => {
    const bond: Output = {
      kind: 'validator-bond',
      amount: 1n,
      publicKey: new Uint8Array(32),
      owner: address,
      unbondAt: 0,
    };
    expect(minimumAmount(bond, params)).toBe(3n * (70n + 77n));
  });

  it('asks a channel for the deposit of its refund as well', () => {
    expect(refundDeposit(params)).toBe(storageDeposit(basic, params));
    expect(minimumAmount(basic, params)).toBe(storageDeposit(basic, params));
    expect(minimumAmount(channel, params)).toBe(3n * (70n + 109n) + 3n * 112n);
  });
});
