/** Notes to oneself: both kinds come back, boxes open for their key only, no bytes throw. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deviceId } from '../../testing/self-log.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { nobleSuite as suite } from '../crypto/noble-suite.ts';
import type { KeyPair } from '../ports.ts';
import { decodeSelfNote, encodeSelfNote, openBox, sealBox, type SelfNote } from './note.ts';
import type { Operation } from './operation.ts';

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const pair = (byte: number): KeyPair => {
  const secretKey = fill(byte);
  return { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
};
const LINE: Operation = {
  device: deviceId(1),
  seq: 2,
  clock: 2,
  body: { kind: 'epoch-line', from: 9, epoch: 9, previousUntil: 12, secret: fill(5) },
};
const FLAG: Operation = {
  device: deviceId(1),
  seq: 3,
  clock: 3,
  body: { kind: 'add', set: 'flag', owner: 'aa'.repeat(32), element: '5c5365656e' },
};

describe('notes to oneself', () => {
  it('come back as they were', () => {
    const boxes = [valueOf(sealBox(LINE, pair(1).publicKey, fill(8), suite))];
    const notes: SelfNote[] = [
      { kind: 'operations', operations: [LINE, FLAG] },
      { kind: 'boxes', boxes },
    ];
    for (const note of notes) {
      expect(valueOf(decodeSelfNote(encodeSelfNote(note)))).toEqual(note);
    }
  });

  it('boxes open for the key that they are sealed to', () => {
    const box = valueOf(sealBox(LINE, pair(1).publicKey, fill(8), suite));
    expect(openBox(box, pair(1), suite)).toEqual(LINE);
    expect(openBox(box, pair(2), suite)).toBeUndefined();
    const turned = box.sealed.with(3, (box.sealed[3] ?? 0) ^ 1);
    expect(openBox({ ...box, sealed: turned }, pair(1), suite)).toBeUndefined();
    expect(codeOf(sealBox(LINE, fill(0), fill(8), suite))).toBe('recipient-key-invalid');
  });

  it('version-unknown, number-out-of-range, not-canonical, and codes of operations', () => {
    const bytes = encodeSelfNote({ kind: 'operations', operations: [FLAG] });
    expect(codeOf(decodeSelfNote(bytes.with(0, 0xc3)))).toBe('not-canonical');
    expect(codeOf(decodeSelfNote(bytes.with(1, 2)))).toBe('version-unknown');
    expect(codeOf(decodeSelfNote(bytes.with(2, 3)))).toBe('number-out-of-range');
    expect(codeOf(decodeSelfNote(bytes.with(8, 99)))).toBe('self-log-operation-invalid');
    expect(codeOf(decodeSelfNote(bytes.subarray(0, 9)))).toBe('truncated');
  });

  it('any bytes are read without throwing, and one way only', () => {
    const start = encodeSelfNote({ kind: 'operations', operations: [FLAG] });
    const near = fc
      .tuple(fc.nat(start.length - 1), fc.nat(255))
      .map(([at, value]) => start.slice().with(at, value));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), near), (bytes) => {
        const decoded = decodeSelfNote(new Uint8Array(bytes));
        const again = decoded.ok ? encodeSelfNote(decoded.value) : new Uint8Array(bytes);
        expect(again).toEqual(new Uint8Array(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
