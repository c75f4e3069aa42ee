import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { safetyNumber } from '@tanglemail/mail/core/identity/safety-number.ts';
import { SafetyNumbers } from './safety-numbers.ts';

const OWN = new Uint8Array(32).fill(1);
const keyOf = (at: number): Uint8Array => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, at);
  return key;
};

describe('safety numbers', () => {
  it('are those of the two keys, again and again', () => {
    const numbers = new SafetyNumbers(OWN);
    for (const at of [7, 8, 7]) {
      expect(numbers.of(bytesToHex(keyOf(at)))).toBe(safetyNumber(OWN, keyOf(at)));
    }
  });

  it('are computed once, and a bounded number of them is kept', () => {
    let computed = 0;
    const numbers = new SafetyNumbers(OWN, (_own, key) => {
      computed += 1;
      return bytesToHex(key);
    });
    const ask = (at: number): string => numbers.of(bytesToHex(keyOf(at)));
    for (let at = 0; at < 4_096; at += 1) ask(at);
    for (let at = 0; at < 4_096; at += 1) expect(ask(at)).toBe(bytesToHex(keyOf(at)));
    expect(computed).toBe(4_096);
    // One more takes the place of the first.
    ask(4_096);
    ask(1);
    expect(computed).toBe(4_097);
    ask(0);
    expect(computed).toBe(4_098);
  });
});
