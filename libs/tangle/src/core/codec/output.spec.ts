/** Outputs: byte tables and one test for each code. Random objects: test/fuzz/codec.spec.ts. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes, type Address } from './ids.ts';
import { decodeOutput, encodeOutput, outputSize, type Output } from './output.ts';

const address = 'aa'.repeat(32) as Address;
const other = 'bb'.repeat(32) as Address;
const BASIC = `01e803000000000000${address}`;

const samples: readonly [string, Output, string][] = [
  ['basic', { kind: 'basic', amount: 1_000n, address }, `${BASIC}00`],
  [
    'basic with a tag',
    { kind: 'basic', amount: 1_000n, address, tag: Uint8Array.of(7, 8) },
    `${BASIC}01020708`,
  ],
  [
    'basic with a timelock',
    { kind: 'basic', amount: 1_000n, address, timelock: 0x01020304 },
    `${BASIC}0204030201`,
  ],
  [
    'basic with everything',
    {
      kind: 'basic',
      amount: 1_000n,
      address,
      tag: Uint8Array.of(7),
      timelock: 1,
      expiration: { unixSeconds: 2, returnAddress: other },
    },
    `${BASIC}0701070100000002000000${other}`,
  ],
  [
    'channel',
    {
      kind: 'channel',
      amount: 1_000n,
      payerPublicKey: new Uint8Array(32).fill(0xcc),
      payee: address,
      refundAddress: other,
      expiry: 3,
    },
    `10e803000000000000${'cc'.repeat(32)}${address}${other}03000000`,
  ],
  [
    'validator bond',
    {
      kind: 'validator-bond',
      amount: 1_000n,
      publicKey: new Uint8Array(32).fill(0xcc),
      owner: address,
      unbondAt: 0x01020304,
    },
    `13e803000000000000${'cc'.repeat(32)}${address}04030201`,
  ],
];

function codeOf(hex: string): string {
  const outcome = decodeOutput(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

describe('output', () => {
  it.each(samples)('%s has its bytes', (_name, output, hex) => {
    expect(bytesToHex(encodeOutput(output))).toBe(hex);
    expect(decodeOutput(hexToBytes(hex))).toEqual({ ok: true, value: output });
    expect(outputSize(output)).toBe(hex.length / 2);
  });

  it('output-type-unknown', () => {
    expect(codeOf(`00${BASIC.slice(2)}00`)).toBe('output-type-unknown');
    expect(codeOf(`02${BASIC.slice(2)}00`)).toBe('output-type-unknown');
    expect(codeOf('14')).toBe('output-type-unknown');
  });

  it('output-type-reserved', () => {
    expect(codeOf(`11${'00'.repeat(117)}`)).toBe('output-type-reserved');
    expect(codeOf('12')).toBe('output-type-reserved');
  });

  it('output-flags-unknown', () => {
    expect(codeOf(`${BASIC}08`)).toBe('output-flags-unknown');
    expect(codeOf(`${BASIC}80`)).toBe('output-flags-unknown');
  });

  it('output-field-zero', () => {
    expect(codeOf(`${BASIC}0200000000`)).toBe('output-field-zero');
    expect(codeOf(`${BASIC}0400000000${other}`)).toBe('output-field-zero');
  });

  it('count-out-of-range for a tag of 0 or 65 bytes', () => {
    expect(codeOf(`${BASIC}0100`)).toBe('count-out-of-range');
    expect(codeOf(`${BASIC}0141${'00'.repeat(65)}`)).toBe('count-out-of-range');
    expect(codeOf(`${BASIC}0140${'00'.repeat(64)}`)).toBe('ok');
  });

  it('too-large', () => {
    expect(codeOf('00'.repeat(200))).toBe('too-large');
  });

  it('trailing-bytes', () => {
    expect(codeOf(`${BASIC}0000`)).toBe('trailing-bytes');
  });

  it('does not encode what it would not decode', () => {
    const tag = new Uint8Array(65);
    expect(() => encodeOutput({ kind: 'basic', amount: 1n, address, tag })).toThrow('broken');
    expect(() => encodeOutput({ kind: 'basic', amount: 1n, address, timelock: 0 })).toThrow(
      'broken',
    );
    expect(() => encodeOutput({ kind: 'basic', amount: -1n, address })).toThrow('broken');
  });
});
