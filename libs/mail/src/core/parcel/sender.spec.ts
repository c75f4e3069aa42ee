import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import fc from 'fast-check';
import { codeOf, fromHex, valueOf } from '../../testing/vectors.ts';
import { signOffer } from '../market/offer.ts';
import { signReceipt } from '../market/receipt.ts';
import type { ReceiptFields, StorageReceipt } from '../market/receipt.ts';
import {
  BOND_PUBLIC_KEY,
  BOND_SECRET_KEY,
  NETWORK_ID,
  NOW,
  OFFER_FIELDS,
} from '../market/testing/offer-example.ts';
import { parcelLayout, sealedPartSize } from './layout.ts';
import type { ParcelManifest } from './manifest.ts';
import { percentDone, sumProgress } from './progress.ts';
import {
  decodeSender,
  dropTarget,
  encodeSender,
  MAX_PARCEL_PROVIDERS,
  markLost,
  markStored,
  nextUploads,
  startSender,
  storedCopies,
  uploadProgress,
} from './sender.ts';
import type { ParcelSender } from './sender.ts';
import { anyManifest, mutantsOf, VECTORS } from '../../testing/parcels.ts';

const HERE = bytesToHex(BOND_PUBLIC_KEY);
const THERE = '52'.repeat(32);
const UNTIL = NOW + 30 * 86_400;
const CONTEXT = {
  networkId: NETWORK_ID,
  ledgerTime: NOW,
  offer: signOffer({ ...OFFER_FIELDS, maxPart: 1_048_576 }, BOND_SECRET_KEY),
  bondPublicKey: BOND_PUBLIC_KEY,
};
const manifest: ParcelManifest = {
  size: 2_200_000,
  contentHash: new Uint8Array(32).fill(1),
  key: new Uint8Array(32).fill(2),
  roots: [3, 4, 5].map((value) => new Uint8Array(32).fill(value)),
};
const layout = parcelLayout(manifest.size);

function receiptFor(index: number, more: Partial<ReceiptFields> = {}): StorageReceipt {
  const fields: ReceiptFields = {
    networkId: NETWORK_ID,
    bondId: BOND_PUBLIC_KEY,
    root: manifest.roots[index] ?? new Uint8Array(32),
    size: sealedPartSize(layout, index),
    until: UNTIL,
    penalty: 1_000n,
    challengeDeposit: 1_000n,
    releasePublicKey: new Uint8Array(32),
  };
  return signReceipt({ ...fields, ...more }, BOND_SECRET_KEY);
}

function stored(sender: ParcelSender, index: number): ParcelSender {
  return valueOf(markStored(sender, index, receiptFor(index), CONTEXT, nobleVerifier));
}

describe('a sender of a parcel', () => {
  const start = startSender(manifest, [HERE, THERE]);

  it('sends what is missing, and nothing that is stored', () => {
    expect(nextUploads(start, HERE, 10)).toEqual([0, 1, 2]);
    expect(nextUploads(start, HERE, 1)).toEqual([0]);
    expect(nextUploads(stored(start, 1), HERE, 10)).toEqual([0, 2]);
    expect(nextUploads(stored(start, 1), THERE, 10)).toEqual([0, 1, 2]);
    expect(nextUploads(start, 'ff'.repeat(32), 10)).toEqual([]);
  });

  it('counts a copy only when one provider keeps every part', () => {
    const two = stored(stored(start, 0), 1);
    expect(storedCopies(two, NOW)).toEqual([]);
    const three = stored(two, 2);
    expect(storedCopies(three, NOW)).toEqual([HERE]);
    expect(storedCopies(three, UNTIL)).toEqual([]);
    expect(storedCopies(markLost(three, HERE, 1), NOW)).toEqual([]);
    expect(nextUploads(markLost(three, HERE, 1), HERE, 10)).toEqual([1]);
  });

  it('says how far it is, in bytes and parts of each provider', () => {
    const [here, there] = uploadProgress(stored(start, 0));
    expect(here).toMatchObject({ partsDone: 1, partsTotal: 3, bytesDone: 1_048_576 });
    expect(there).toMatchObject({ partsDone: 0, bytesTotal: layout.sealedSize });
    const all = sumProgress(uploadProgress(stored(start, 0)));
    expect(percentDone(all)).toBe(Math.floor((100 * 1_048_576) / (2 * layout.sealedSize)));
    expect(percentDone(sumProgress([]))).toBe(0);
    const whole = [0, 1, 2].reduce(stored, dropTarget(start, THERE));
    expect(uploadProgress(whole).map(percentDone)).toEqual([100]);
  });

  it('is changed once by what is told twice', () => {
    const kept = stored(start, 0);
    expect(stored(kept, 0)).toEqual(kept);
    const older = receiptFor(0, { until: NOW + 1 });
    expect(valueOf(markStored(kept, 0, older, CONTEXT, nobleVerifier))).toEqual(kept);
  });

  it('receipt-mismatch and signature-invalid: a receipt for something else counts nothing', () => {
    const take = (index: number, receipt: StorageReceipt): string =>
      codeOf(markStored(start, index, receipt, CONTEXT, nobleVerifier));
    expect(take(0, receiptFor(0))).toBe('ok');
    expect(take(0, receiptFor(1))).toBe('receipt-mismatch');
    expect(take(2, receiptFor(2, { size: 1 }))).toBe('receipt-mismatch');
    expect(take(0, receiptFor(0, { until: NOW }))).toBe('receipt-mismatch');
    expect(take(0, { ...receiptFor(0), until: UNTIL + 1 })).toBe('signature-invalid');
  });

  it('takes a late answer of a provider that was dropped as none', () => {
    const one = dropTarget(start, HERE);
    expect(stored(one, 0)).toEqual(one);
    expect(storedCopies(dropTarget(one, THERE), NOW)).toEqual([]);
  });

  it('is started with providers of its own only', () => {
    expect(() => startSender(manifest, [HERE, HERE])).toThrow('once');
    const many = Array.from({ length: MAX_PARCEL_PROVIDERS + 1 }, (_, at) =>
      at.toString(16).padStart(64, '0'),
    );
    expect(() => startSender(manifest, many)).toThrow('75');
    expect(() => markLost(start, HERE, 3)).toThrow('inside');
  });
});

describe('the stored state of a sender', () => {
  it('is that of the vectors', () => {
    const sender = valueOf(decodeSender(fromHex(VECTORS.sender)));
    expect(sender.targets.map(({ bondId }) => bondId)).toEqual(['51'.repeat(32), THERE]);
    expect(sender.targets[0]?.parts).toEqual([
      { state: 'stored', until: 1_702_592_000 },
      { state: 'missing', until: 0 },
    ]);
    expect(bytesToHex(encodeSender(sender))).toBe(VECTORS.sender);
  });

  it('survives a restart after any events, and then asks for the same parts', () => {
    const event = fc.tuple(
      fc.constantFrom('stored', 'lost', 'drop'),
      fc.constantFrom(HERE, THERE),
      fc.nat({ max: 2 }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        let sender = startSender(manifest, [HERE, THERE]);
        for (const [kind, bondId, index] of events) {
          if (kind === 'stored') sender = stored(sender, index);
          else if (kind === 'lost') sender = markLost(sender, bondId, index);
          else sender = dropTarget(sender, bondId);
          expect(valueOf(decodeSender(encodeSender(sender)))).toEqual(sender);
          const { parts = [] } = sender.targets.find((one) => one.bondId === bondId) ?? {};
          const open = parts.filter(({ state }) => state !== 'stored').length;
          expect(nextUploads(sender, bondId, 99).length).toBe(open);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('holds every manifest and as many providers as may be', () => {
    const names = Array.from({ length: MAX_PARCEL_PROVIDERS }, (_, at) =>
      at.toString(16).padStart(64, '0'),
    );
    fc.assert(
      fc.property(anyManifest, fc.nat({ max: MAX_PARCEL_PROVIDERS }), (any, count) => {
        const sender = startSender(any, names.slice(0, count));
        expect(decodeSender(encodeSender(sender))).toEqual({ ok: true, value: sender });
      }),
      { numRuns: 30 },
    );
  });

  it('is refused or canonical, whatever the bytes, and nothing is thrown', () => {
    let refused = 0;
    fc.assert(
      fc.property(mutantsOf(fromHex(VECTORS.sender)), (mutant) => {
        const decoded = decodeSender(mutant);
        if (!decoded.ok) refused += 1;
        expect(decoded.ok ? encodeSender(decoded.value) : mutant).toEqual(mutant);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('parcel-state-invalid, parcel-version-unknown and a state without a number', () => {
    const bytes = fromHex(VECTORS.sender);
    // Version, manifest of two parts, count of targets: then bondId 32, state u8, until u32.
    const target = 1 + 69 + 64 + 1;
    const says = (change: (copy: Uint8Array) => void): unknown => {
      const copy = bytes.slice();
      change(copy);
      return decodeSender(copy);
    };
    expect(says((copy) => copy.fill(2, 0, 1))).toMatchObject({ code: 'parcel-version-unknown' });
    for (const unknown of [1, 3]) {
      expect(says((copy) => copy.fill(unknown, target + 32, target + 33))).toMatchObject({
        code: 'number-out-of-range',
      });
    }
    expect(says((copy) => copy.fill(0, target + 32, target + 33))).toMatchObject({
      code: 'parcel-state-invalid',
      detail: 'until',
    });
    expect(says((copy) => copy.fill(0x51, target + 42, target + 74))).toMatchObject({
      code: 'parcel-state-invalid',
      detail: 'bondId',
    });
    expect(says((copy) => copy.fill(0, 1, 5))).toMatchObject({ detail: 'size' });
  });
});
