/** Ids: parsing, output ids, and the two directions of hex. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  addressFromBytes,
  blockIdFromBytes,
  milestoneIdFromBytes,
  outputIdFromBytes,
  outputIdOf,
  parseAddress,
  parseBlockId,
  parseMilestoneId,
  parseOutputId,
  parseTransactionId,
  splitOutputId,
  transactionIdFromBytes,
  type TransactionId,
} from './ids.ts';

const A64 = 'a'.repeat(64);
const A68 = 'a'.repeat(68);

describe('ids', () => {
  it('parse exactly their own length in lowercase hex', () => {
    for (const parse of [parseBlockId, parseTransactionId, parseMilestoneId, parseAddress]) {
      expect(parse(A64)).toBe(A64);
      for (const text of ['', A68, A64.toUpperCase(), `${A64.slice(1)}g`, `${A64}\n`]) {
        expect(parse(text)).toBeUndefined();
      }
    }
    expect(parseOutputId(A68)).toBe(A68);
    expect(parseOutputId(A64)).toBeUndefined();
  });

  it('come from bytes', () => {
    const bytes = new Uint8Array(32).fill(0xaa);
    expect(blockIdFromBytes(bytes)).toBe(A64);
    expect(transactionIdFromBytes(bytes)).toBe(A64);
    expect(milestoneIdFromBytes(bytes)).toBe(A64);
    expect(addressFromBytes(bytes)).toBe(A64);
    expect(outputIdFromBytes(new Uint8Array(34).fill(0xaa))).toBe(A68);
  });

  it('an output id is the transaction id and the index, little endian', () => {
    expect(outputIdOf(A64 as TransactionId, 0x0102)).toBe(`${A64}0201`);
    const property = fc.property(fc.nat({ max: 0xffff }), (index) => {
      const id = outputIdOf(A64 as TransactionId, index);
      expect(splitOutputId(id)).toEqual({ transactionId: A64, index });
    });
    expect(() => fc.assert(property)).not.toThrow();
  });
});
