import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import fc from 'fast-check';
import {
  bondPublicKeyOf,
  checkOffer,
  decodeOffer,
  encodeOffer,
  inconsistentField,
  MAX_OFFER_SIZE,
  OFFER_FLAG_BONDED,
  signOffer,
} from './offer.ts';
import type { OfferFields } from './offer.ts';
import {
  BOND_PUBLIC_KEY,
  BOND_SECRET_KEY,
  NETWORK_ID,
  NOW,
  OFFER_FIELDS,
} from './testing/offer-example.ts';

const OFFER = signOffer(OFFER_FIELDS, BOND_SECRET_KEY);
const CONTEXT = { networkId: NETWORK_ID, ledgerTime: NOW };

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const period = fc.record({
  period: u32,
  issueFrom: u32,
  issueUntil: u32,
  redeemUntil: u32,
  denominations: fc.array(fc.record({ value: u32, publicKey: bytes32 }), {
    minLength: 1,
    maxLength: 4,
  }),
});
const fields: fc.Arbitrary<OfferFields> = fc.record({
  networkId: u64,
  bondId: bytes32,
  seq: u64,
  issuedAt: u32,
  validUntil: u32,
  payee: bytes32.map((bytes) => bytesToHex(bytes) as Address),
  endpoints: fc.array(fc.stringMatching(/^[!-~]{1,128}$/), { minLength: 1, maxLength: 4 }),
  rentPerMiBDay: u32,
  ingressPerMiB: u32,
  egressPerMiB: u32,
  perObject: u32,
  perRequest: u32,
  perPushDay: u32,
  maxObject: u32,
  maxPart: u32,
  maxRetentionDays: u16,
  minRetentionDays: u16,
  minChannel: u64,
  minTtl: u32,
  maxTtl: u32,
  maxBalance: u64,
  penaltyMin: u64,
  penaltyX: u32,
  challengeDepositMax: u64,
  unsolicitedPerDay: u16,
  unsolicitedMax: u32,
  periods: fc.array(period, { maxLength: 2 }),
  freeBytesLog2: fc.integer({ min: 0, max: 255 }),
  flags: fc.constantFrom(0, OFFER_FLAG_BONDED),
});

function codeOf(outcome: { ok: boolean; code?: string; detail?: string }): string {
  return outcome.ok ? 'ok' : `${outcome.code} ${outcome.detail ?? ''}`.trim();
}

function check(more: Partial<OfferFields>, secretKey = BOND_SECRET_KEY): string {
  const offer = signOffer({ ...OFFER_FIELDS, ...more }, secretKey);
  return codeOf(checkOffer(offer, CONTEXT, nobleVerifier));
}

describe('offers on the wire', () => {
  it('read back as they were written, bit for bit', () => {
    fc.assert(
      fc.property(fields, (one) => {
        const offer = { ...one, signature: new Uint8Array(64).fill(5) };
        const bytes = encodeOffer(offer);
        expect(bytes.length).toBeLessThanOrEqual(MAX_OFFER_SIZE);
        const decoded = decodeOffer(bytes);
        expect(decoded).toEqual({ ok: true, value: offer });
        expect(decoded.ok && encodeOffer(decoded.value)).toEqual(bytes);
      }),
    );
  });

  it('never throw at bytes from outside, and take only the one encoding', () => {
    const good = encodeOffer(OFFER);
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(good.length + 3), (changes, length) => {
        const bytes = new Uint8Array(length);
        bytes.set(good.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        const decoded = decodeOffer(bytes);
        expect(decoded.ok ? encodeOffer(decoded.value) : bytes).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  const bytes = encodeOffer(OFFER);
  const edited = (at: number, value: number): Uint8Array =>
    bytes.map((byte, index) => (index === at ? value : byte));
  it.each([
    ['version-unknown', edited(0, 2)],
    ['count-out-of-range', edited(89, 0)],
    ['not-canonical', edited(91, 0x20)],
    ['not-canonical', edited(bytes.length - 66, 2)],
    ['truncated', bytes.subarray(0, bytes.length - 1)],
    ['trailing-bytes', Uint8Array.of(...bytes, 0)],
    ['too-large', new Uint8Array(MAX_OFFER_SIZE + 1)],
  ])('%s', (code, wrong) => {
    expect(codeOf(decodeOffer(wrong)).split(' ')[0]).toBe(code);
  });
});

describe('checkOffer', () => {
  it('accepts what the provider signed until it ends', () => {
    expect(codeOf(checkOffer(OFFER, CONTEXT, nobleVerifier))).toBe('ok');
    const last = { ...CONTEXT, ledgerTime: OFFER.validUntil };
    expect(codeOf(checkOffer(OFFER, last, nobleVerifier))).toBe('ok');
  });

  it('offer-expired: one second after its end', () => {
    const late = { ...CONTEXT, ledgerTime: OFFER.validUntil + 1 };
    expect(codeOf(checkOffer(OFFER, late, nobleVerifier))).toBe('offer-expired');
  });

  it('network-id-wrong: an offer of another network', () => {
    expect(check({ networkId: 1n })).toBe('network-id-wrong');
  });

  it('signature-invalid: signed by another key, or changed', () => {
    expect(check({}, new Uint8Array(32).fill(8))).toBe('signature-invalid');
    const cheaper = { ...OFFER, rentPerMiBDay: 1 };
    expect(codeOf(checkOffer(cheaper, CONTEXT, nobleVerifier))).toBe('signature-invalid');
  });

  it.each<[string, Partial<OfferFields>]>([
    ['validUntil', { validUntil: NOW + 72 * 3_600 + 1 }],
    ['validUntil', { validUntil: NOW }],
    ['minRetentionDays', { minRetentionDays: 0 }],
    ['maxRetentionDays', { minRetentionDays: 31 }],
    ['maxTtl', { maxTtl: 1 }],
    ['maxObject', { maxObject: 0 }],
    ['endpoints', { endpoints: ['ftp://prov.example'] }],
  ])('offer-invalid: %s', (name, more) => {
    expect(check(more)).toBe(`offer-invalid ${name}`);
    expect(inconsistentField({ ...OFFER_FIELDS, ...more })).toBe(name);
  });

  it('takes the key of a bond from the ledger when the offer has one', () => {
    const bonded = { ...OFFER_FIELDS, bondId: new Uint8Array(32), flags: OFFER_FLAG_BONDED };
    expect(bondPublicKeyOf(bonded)).toBeUndefined();
    expect(check(bonded)).toBe('offer-invalid bondId');
    const offer = signOffer(bonded, BOND_SECRET_KEY);
    const known = { ...CONTEXT, bondPublicKey: BOND_PUBLIC_KEY };
    expect(codeOf(checkOffer(offer, known, nobleVerifier))).toBe('ok');
  });
});
