/** Notes to oneself: all kinds come back, what is sealed opens for its key only, nothing throws. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deviceId } from '../../testing/self-log.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { nobleSuite as suite } from '../crypto/noble-suite.ts';
import type { KeyPair } from '../ports.ts';
import {
  decodeSelfNote,
  encodeSelfNote,
  MAX_SNAPSHOT_PART,
  MAX_SNAPSHOT_PARTS,
  openBox,
  openSnapshot,
  sealBox,
  sealSnapshot,
  type SelfNote,
} from './note.ts';
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
      { kind: 'settles' },
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

  it('snapshots go in parts, open for one key only, and are bounded', () => {
    const content = new Uint8Array(3 * MAX_SNAPSHOT_PART - 48).fill(7);
    const to = { device: deviceId(2), key: pair(1).publicKey };
    const parts = valueOf(sealSnapshot(content, to, fill(8), suite));
    expect(parts.map((one) => one.bytes.length)).toEqual(Array(3).fill(MAX_SNAPSHOT_PART));
    for (const part of parts) {
      const note: SelfNote = { kind: 'snapshot', ...part };
      expect(valueOf(decodeSelfNote(encodeSelfNote(note)))).toEqual(note);
    }
    const bytes = parts.map((one) => one.bytes);
    expect(openSnapshot(bytes, pair(1), suite)).toEqual(content);
    expect(openSnapshot(bytes, pair(2), suite)).toBeUndefined();
    expect(openSnapshot(bytes.toReversed(), pair(1), suite)).toBeUndefined();
    expect(openSnapshot([new Uint8Array(47)], pair(1), suite)).toBeUndefined();
    const large = new Uint8Array(MAX_SNAPSHOT_PARTS * MAX_SNAPSHOT_PART - 47);
    expect(codeOf(sealSnapshot(large, to, fill(8), suite))).toBe('self-log-full');
    expect(codeOf(sealSnapshot(content, { ...to, key: fill(0) }, fill(8), suite))).toBe(
      'recipient-key-invalid',
    );
    const first = encodeSelfNote({ kind: 'snapshot', ...parts[0]! });
    const short = encodeSelfNote({ kind: 'snapshot', ...parts[0]!, bytes: fill(1) });
    expect(codeOf(decodeSelfNote(first.with(37, 3)))).toBe('number-out-of-range');
    expect(codeOf(decodeSelfNote(short))).toBe('not-canonical');
  });

  it('version-unknown, number-out-of-range, not-canonical, and codes of operations', () => {
    const bytes = encodeSelfNote({ kind: 'operations', operations: [FLAG] });
    expect(codeOf(decodeSelfNote(bytes.with(0, 0xc3)))).toBe('not-canonical');
    expect(codeOf(decodeSelfNote(bytes.with(1, 2)))).toBe('version-unknown');
    expect(codeOf(decodeSelfNote(bytes.with(2, 5)))).toBe('number-out-of-range');
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
