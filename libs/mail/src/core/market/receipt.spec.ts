import { describe, expect, it } from '@jest/globals';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import fc from 'fast-check';
import { signOffer } from './offer.ts';
import {
  checkReceipt,
  decodeReceipt,
  encodeReceipt,
  RECEIPT_SIZE,
  receiptMessage,
  signReceipt,
} from './receipt.ts';
import type { ReceiptFields } from './receipt.ts';
import { segmentRoot } from './segment-tree.ts';
import {
  BOND_PUBLIC_KEY,
  BOND_SECRET_KEY,
  NETWORK_ID,
  NOW,
  OFFER_FIELDS,
} from './testing/offer-example.ts';

const OBJECT = new Uint8Array(1_020).fill(1);
const FIELDS: ReceiptFields = {
  networkId: NETWORK_ID,
  bondId: BOND_PUBLIC_KEY,
  root: segmentRoot(OBJECT),
  size: 1_020,
  until: NOW + 30 * 86_400,
  penalty: 1_000n,
  challengeDeposit: 1_000n,
  releasePublicKey: new Uint8Array(32).fill(3),
};
const EXPECTED = {
  networkId: NETWORK_ID,
  root: FIELDS.root,
  size: 1_020,
  ledgerTime: NOW,
  offer: signOffer(OFFER_FIELDS, BOND_SECRET_KEY),
  bondPublicKey: BOND_PUBLIC_KEY,
};

function check(more: Partial<ReceiptFields>, secretKey = BOND_SECRET_KEY): string {
  const receipt = signReceipt({ ...FIELDS, ...more }, secretKey);
  const outcome = checkReceipt(receipt, EXPECTED, nobleVerifier);
  return outcome.ok ? 'ok' : `${outcome.code} ${outcome.detail ?? ''}`.trim();
}

describe('receipts', () => {
  it('are 192 bytes that read back as they were written', () => {
    const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 192, maxLength: 192 }), u64, (bytes, penalty) => {
        const decoded = decodeReceipt(bytes);
        expect(decoded.ok).toBe(true);
        if (!decoded.ok) return;
        expect(encodeReceipt(decoded.value)).toEqual(bytes);
        const other = { ...decoded.value, penalty };
        expect(decodeReceipt(encodeReceipt(other))).toEqual({ ok: true, value: other });
      }),
    );
  });

  it.each([
    ['truncated', RECEIPT_SIZE - 1],
    ['too-large', RECEIPT_SIZE + 1],
  ])('%s', (code, length) => {
    expect(decodeReceipt(new Uint8Array(length))).toMatchObject({ ok: false, code });
  });

  it('sign the same bytes twice', () => {
    const receipt = signReceipt(FIELDS, BOND_SECRET_KEY);
    expect(receiptMessage(FIELDS)).toHaveLength(17 + 128);
    expect(signReceipt(FIELDS, BOND_SECRET_KEY)).toEqual(receipt);
  });

  it('prove what the offer sold', () => {
    expect(check({})).toBe('ok');
    expect(check({ penalty: 5_000n, challengeDeposit: 0n })).toBe('ok');
  });

  it('network-id-wrong: a receipt of another network', () => {
    expect(check({ networkId: 1n })).toBe('network-id-wrong');
  });

  it('signature-invalid: another key', () => {
    expect(check({}, new Uint8Array(32).fill(9))).toBe('signature-invalid');
  });

  it.each<[string, Partial<ReceiptFields>]>([
    ['bondId', { bondId: new Uint8Array(32) }],
    ['root', { root: new Uint8Array(32) }],
    ['size', { size: 1_021 }],
    ['until', { until: NOW }],
    ['penalty', { penalty: 999n }],
    ['challengeDeposit', { challengeDeposit: 1_001n }],
  ])('receipt-mismatch: %s', (name, more) => {
    expect(check(more)).toBe(`receipt-mismatch ${name}`);
  });
});
