/** Evidence: its bytes, its one order, and what it refuses. Other unlocks: transaction.spec.ts. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from './ids.ts';
import { decodeWith } from './reader.ts';
import { compareStatements, readUnlock, unlockSize, writeUnlock, type Unlock } from './unlock.ts';
import { Writer } from './writer.ts';

const [low, high] = ['01'.repeat(32), '02'.repeat(32)] as const;
const [sigA, sigB] = ['aa'.repeat(64), 'bb'.repeat(64)] as const;
const HEAD = '03050000000900000000000000';

const evidence: Unlock = {
  kind: 'evidence',
  epoch: 5,
  view: 9n,
  statements: [
    { kind: 'notarize', digest: hexToBytes(low), signature: hexToBytes(sigA) },
    { kind: 'finalize', digest: hexToBytes(high), signature: hexToBytes(sigB) },
  ],
};

function encode(unlock: Unlock): string {
  const writer = new Writer(unlockSize(unlock));
  writeUnlock(writer, unlock);
  return bytesToHex(writer.finish());
}

function codeOf(hex: string): string {
  const outcome = decodeWith(hexToBytes(hex), 1_000, readUnlock);
  return outcome.ok ? 'ok' : outcome.code;
}

describe('evidence', () => {
  it('has its bytes', () => {
    const hex = `${HEAD}01${low}${sigA}03${high}${sigB}`;
    expect(encode(evidence)).toBe(hex);
    expect(unlockSize(evidence)).toBe(hex.length / 2);
    expect(decodeWith(hexToBytes(hex), 1_000, readUnlock)).toEqual({ ok: true, value: evidence });
  });

  it('not-canonical: statements out of order, or the same twice', () => {
    expect(codeOf(`${HEAD}01${low}${sigA}01${high}${sigB}`)).toBe('ok');
    expect(codeOf(`${HEAD}01${high}${sigB}01${low}${sigA}`)).toBe('not-canonical');
    expect(codeOf(`${HEAD}03${low}${sigA}01${high}${sigB}`)).toBe('not-canonical');
    expect(codeOf(`${HEAD}01${low}${sigA}01${low}${sigB}`)).toBe('not-canonical');
  });

  it('certificate-kind-unknown: a kind that nobody signs', () => {
    for (const kind of ['00', '06', 'ff']) {
      expect(codeOf(`${HEAD}01${low}${sigA}${kind}${high}${sigB}`)).toBe(
        'certificate-kind-unknown',
      );
    }
    expect(codeOf(`${HEAD}04${low}${sigA}05${low}${sigB}`)).toBe('ok');
  });

  it('truncated', () => {
    expect(codeOf(`${HEAD}01${low}${sigA}03${high}${sigB.slice(2)}`)).toBe('truncated');
  });

  it('does not encode what it would not decode', () => {
    const [first, second] = evidence.statements;
    expect(() => encode({ ...evidence, statements: [second, first] })).toThrow('ascend');
    expect(() => encode({ ...evidence, statements: [first, first] })).toThrow('ascend');
  });

  it('is ordered by the number of the kind, then by digest', () => {
    const [a, b] = [hexToBytes(low), hexToBytes(high)];
    expect(compareStatements({ kind: 'notarize', digest: b }, { kind: 'ratify', digest: a })).toBe(
      -4,
    );
    const [one, other] = [
      { kind: 'propose', digest: a },
      { kind: 'propose', digest: b },
    ] as const;
    expect(compareStatements(one, other)).toBeLessThan(0);
    expect(compareStatements(other, one)).toBeGreaterThan(0);
    expect(compareStatements(one, one)).toBe(0);
  });
});
