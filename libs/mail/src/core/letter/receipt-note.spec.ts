import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { maxMessageSize } from '../envelope/seal.ts';
import { PADDED_SIZES } from '../limits.ts';
import { letterIdFromBytes } from './content.ts';
import {
  decodeReceiptNote,
  encodeReceiptNote,
  type LetterReceipt,
  MAX_RECEIPT_NOTE_SIZE,
  MAX_RECEIPTS,
} from './receipt-note.ts';

const vectors = readVectors('receipt-note') as {
  receipts: { kind: LetterReceipt['kind']; letterId: string; secret: string; hash: string }[];
  note: string;
  refused: { code: string; note: string }[];
};
const receipts = vectors.receipts.map(({ kind, letterId, secret }): LetterReceipt => ({
  kind,
  letterId: letterIdFromBytes(fromHex(letterId)),
  secret: fromHex(secret),
}));
const full = Array.from({ length: MAX_RECEIPTS }, () => receipts[0] as LetterReceipt);

describe('a note with receipts', () => {
  it('is that of the vectors, and of the page, and comes back', () => {
    const note = encodeReceiptNote(receipts);
    expect(bytesToHex(note)).toBe(vectors.note);
    expect(valueOf(decodeReceiptNote(note))).toEqual(receipts);
    const hashes = receipts.map(({ secret }) => bytesToHex(sha256(secret)));
    expect(hashes).toEqual(vectors.receipts.map(({ hash }) => hash));
    const url = new URL('../../../../../docs/spec/28-receipt-note.md', import.meta.url);
    expect(readFileSync(url, 'utf8').replaceAll(/\s/g, '')).toContain(vectors.note);
  });

  it('fits the smallest letter, however many there are', () => {
    const smallest = PADDED_SIZES.find((size) => maxMessageSize(size, false) > 0) ?? 0;
    expect(encodeReceiptNote(full)).toHaveLength(MAX_RECEIPT_NOTE_SIZE);
    expect(MAX_RECEIPT_NOTE_SIZE).toBeLessThanOrEqual(maxMessageSize(smallest, false));
  });

  it.each(vectors.refused)('refuses: $code', ({ code, note }) => {
    expect(codeOf(decodeReceiptNote(fromHex(note)))).toBe(code);
  });

  it('has 1 to 13 receipts', () => {
    expect(() => encodeReceiptNote([])).toThrow('1 to 13');
    expect(() => encodeReceiptNote([...full, ...full])).toThrow('1 to 13');
  });

  it('throws at no bytes, and has one form for everything it takes', () => {
    const example = encodeReceiptNote(receipts);
    const changes = fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 3 });
    const broken = fc.tuple(changes, fc.nat(150)).map(([edits, length]) => {
      const bytes = example.slice(0, length);
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (bytes) => {
        const decoded = decodeReceiptNote(bytes);
        expect(decoded.ok ? encodeReceiptNote(decoded.value) : bytes).toEqual(bytes);
      }),
      { numRuns: 1_000 },
    );
  });
});
