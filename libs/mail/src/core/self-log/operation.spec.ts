import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { deviceId, logOf } from '../../testing/self-log.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { PADDED_SIZES } from '../limits.ts';
import type { DeviceId, Operation, OperationBody } from './operation.ts';
import {
  decodeOperation,
  dotKey,
  encodeOperation,
  flagElement,
  flagOfElement,
  MAX_CLOCK_STEP,
  MAX_DEVICES,
  MAX_KEY_LENGTH,
  MAX_OPERATION_SIZE,
  MAX_REMOVED_DOTS,
  MAX_VALUE_LENGTH,
  settle,
} from './operation.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

const vectors = readVectors('self-log') as {
  operations: { what: string; device: DeviceId; seq: number; clock: number; bytes: string }[];
  snapshot: string;
};
const examples = vectors.operations.map((one) => valueOf(decodeOperation(fromHex(one.bytes))));

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const hex = (min: number, max: number) => bytes(min, max).map((one) => bytesToHex(one));
const device = fc.integer({ min: 1, max: 200 }).map(deviceId);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const dot = fc.record({ device, seq: fc.integer({ min: 1, max: 0xffff_ffff }) });
const dots = (min: number, max: number) =>
  fc
    .uniqueArray(dot, { minLength: min, maxLength: max, selector: (one) => one.device })
    .map((list) => list.toSorted((a, b) => (a.device < b.device ? -1 : 1)));
const later: fc.Arbitrary<OperationBody> = fc.oneof(
  fc.record({
    kind: fc.constant('device-remove' as const),
    device,
    lastSeq: fc.integer({ min: 1, max: 0xffff_ffff }),
  }),
  fc.record({ kind: fc.constant('seen' as const), heads: dots(0, MAX_DEVICES) }),
  fc.record(
    {
      kind: fc.constant('set' as const),
      register: fc.constantFrom('profile', 'petname', 'draft', 'contact', 'tag-seed'),
      key: hex(0, MAX_KEY_LENGTH),
      value: bytes(0, 200),
    },
    { requiredKeys: ['kind', 'register', 'key'] },
  ),
  fc.record({
    kind: fc.constant('add' as const),
    set: fc.constantFrom('flag', 'folder'),
    owner: hex(1, MAX_KEY_LENGTH),
    element: hex(1, MAX_KEY_LENGTH),
  }),
  fc.record({ kind: fc.constant('remove' as const), dots: dots(1, MAX_REMOVED_DOTS) }),
  fc
    .tuple(u32, fc.integer({ min: 0, max: 20 }), bytes(32, 32))
    .filter(([from, past]) => from + past <= 0xffff_ffff)
    .map(([from, past, secret]) => {
      const previousUntil = Math.min(from, 7);
      return { kind: 'epoch-line' as const, from, epoch: from + past, previousUntil, secret };
    }),
);
const opening: fc.Arbitrary<Operation> = fc
  .tuple(device, bytes(1, 64), bytes(32, 32), fc.integer({ min: 1, max: MAX_CLOCK_STEP }))
  .map(([id, name, key, clock]) => {
    return { device: id, seq: 1, clock, body: { kind: 'device-add', name, key } };
  });
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  opening,
  fc
    .tuple(device, fc.integer({ min: 2, max: 0xffff_ffff }), later)
    .map(([id, seq, body]) => ({ device: id, seq, clock: seq * 3, body })),
);

describe('the bytes of an operation', () => {
  it('are those of the vectors, for every kind', () => {
    vectors.operations.forEach((one, index) => {
      const operation = examples[index];
      expect(operation).toMatchObject({ device: one.device, seq: one.seq, clock: one.clock });
      expect(operation?.body.kind).toBe(one.what);
      expect(operation && bytesToHex(encodeOperation(operation))).toBe(one.bytes);
    });
    expect(new Set(examples.map((one) => one.body.kind)).size).toBe(7);
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(anyOperation, (operation) => {
        const encoded = encodeOperation(operation);
        expect(valueOf(decodeOperation(encoded))).toEqual(operation);
        expect(encoded.length).toBeLessThanOrEqual(MAX_OPERATION_SIZE);
      }),
    );
  });

  it('are never thrown at, and have one form', () => {
    const cut = fc
      .tuple(fc.constantFrom(...vectors.operations), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([{ bytes: whole }, at, byte]) => {
        const changed = fromHex(whole);
        changed[at % changed.length] = byte;
        return at % 3 === 0 ? changed.slice(0, at % changed.length) : changed;
      });
    const headed = bytes(0, 90).map((rest) => Uint8Array.of(1, (rest[0] ?? 0) % 9, ...rest));
    fc.assert(
      fc.property(fc.oneof(cut, headed, bytes(0, 200)), (hostile) => {
        const outcome = decodeOperation(hostile);
        expect(outcome.ok ? encodeOperation(outcome.value) : hostile).toEqual(hostile);
      }),
      { numRuns: 3_000 },
    );
  });

  it('of the largest operation fit a letter of the largest class', () => {
    const value = new Uint8Array(MAX_VALUE_LENGTH);
    const body = { kind: 'set', register: 'draft', key: 'ab'.repeat(64), value } as const;
    const encoded = encodeOperation({ device: deviceId(1), seq: 2, clock: 2, body });
    expect(encoded).toHaveLength(MAX_OPERATION_SIZE);
    expect(encoded.length).toBeLessThan((PADDED_SIZES.at(-1) ?? 0) - 4 - 1_242 - 187);
    expect(decodeOperation(encoded).ok).toBe(true);
    expect(codeOf(decodeOperation(new Uint8Array(MAX_OPERATION_SIZE + 1)))).toBe('too-large');
  });
});

describe('the page', () => {
  it('shows the bytes of the vectors', () => {
    const url = new URL('../../../../../docs/spec/26-self-log.md', import.meta.url);
    const example = readFileSync(url, 'utf8').split('## 11.')[1]?.split('```')[1] ?? '';
    const shown = [...example.matchAll(/^ *\d+ {2}([0-9a-f]+)/gm)].map((line) => line[1]);
    expect(shown.join('')).toBe(vectors.operations[5]?.bytes);
  });

  it('states the limits of the code', () => {
    expect(MAX_OPERATION_SIZE).toBe(16_483);
  });
});

describe('a decoder of operations says', () => {
  const valid = fromHex(vectors.operations[4]?.bytes ?? '');
  const changed = (at: number, ...values: number[]): Uint8Array => {
    const copy = valid.slice();
    copy.set(values, at);
    return copy;
  };

  it.each([
    ['version-unknown', changed(0, 2)],
    ['truncated', Uint8Array.of(1)],
    ['truncated', valid.slice(0, -1)],
    ['trailing-bytes', Uint8Array.of(...valid, 0)],
    ['number-out-of-range', changed(30, 9)],
    ['number-out-of-range', changed(29, 1)],
    ['count-out-of-range', changed(31, 65)],
  ])('%s', (code, hostile) => {
    expect(codeOf(decodeOperation(hostile))).toBe(code);
  });

  it('self-log-operation-invalid', () => {
    const twice = fromHex(vectors.operations[8]?.bytes ?? '');
    twice.set(twice.slice(31, 47), 51);
    const removal = fromHex(vectors.operations[9]?.bytes ?? '');
    removal.set([0, 0, 0, 0], 46);
    const line = fromHex(vectors.operations[1]?.bytes ?? '');
    line.set([0x9b, 0x0b], 38);
    const hostile = [
      changed(1, 8),
      changed(18, 0), // number 0
      changed(18, 1), // number 1 that is no opening
      changed(22, 0), // clock 0
      changed(26, 1), // a clock of 2^32 at number 2
      twice, // the same device twice
      removal, // a last number of 0
      line, // bundles published further than any line's
    ];
    expect(hostile.map((one) => codeOf(decodeOperation(one)))).toEqual(
      hostile.map(() => 'self-log-operation-invalid'),
    );
  });
});

describe('two operations of one dot', () => {
  it('settle to the same whatever the order and the grouping', () => {
    fc.assert(
      fc.property(anyOperation, anyOperation, anyOperation, (a, b, c) => {
        const form = (one: Operation): string => bytesToHex(encodeOperation(one));
        expect(form(settle(a, b))).toBe(form(settle(b, a)));
        expect(form(settle(settle(a, b), c))).toBe(form(settle(a, settle(b, c))));
        expect(settle(a, a)).toBe(a);
      }),
    );
  });
});

describe('flags', () => {
  it('are elements and back', () => {
    for (const flag of ['\\Seen', '$Forwarded', 'k']) {
      expect(flagOfElement(flagElement(flag))).toBe(flag);
    }
    expect(flagOfElement('0a41ff')).toBe('?A?');
    expect(() => flagElement('')).toThrow('broken');
    expect(() => flagElement('a b')).toThrow('broken');
  });
});

describe('the bytes of a snapshot', () => {
  const snapshot = fromHex(vectors.snapshot);

  it('are those of the vectors, whatever the order of arrival', () => {
    expect(bytesToHex(valueOf(encodeSnapshot(logOf(examples))))).toBe(vectors.snapshot);
    expect(bytesToHex(valueOf(encodeSnapshot(logOf(examples.toReversed()))))).toBe(
      vectors.snapshot,
    );
    const log = valueOf(decodeSnapshot(snapshot));
    expect(encodeSnapshot(log, snapshot.length).ok).toBe(true);
    expect(codeOf(encodeSnapshot(log, snapshot.length - 1))).toBe('self-log-full');
    const held = [...log.operations].map(([key]) => key);
    expect(new Set(held)).toEqual(new Set(examples.map(dotKey)));
  });

  it('are never thrown at, and have one form', () => {
    const change = fc.tuple(fc.nat(snapshot.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.nat(snapshot.length), (changes, end) => {
        const hostile = snapshot.slice();
        for (const [at, byte] of changes) hostile[at] = byte;
        const part = end % 2 === 0 ? hostile : hostile.slice(0, end);
        const outcome = decodeSnapshot(part);
        expect(outcome.ok ? valueOf(encodeSnapshot(outcome.value)) : part).toEqual(part);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are refused: form, a hostile count, an operation, and what contradicts itself', () => {
    const changed = (at: number, ...values: number[]): Uint8Array => {
      const copy = snapshot.slice();
      copy.set(values, at);
      return copy;
    };
    const countAt = 2 + 2 * 32;
    expect(codeOf(decodeSnapshot(changed(0, 2)))).toBe('version-unknown');
    expect(codeOf(decodeSnapshot(changed(1, 129)))).toBe('count-out-of-range');
    expect(codeOf(decodeSnapshot(changed(countAt, 0, 0, 16, 0)))).toBe('truncated');
    expect(codeOf(decodeSnapshot(changed(countAt, 1, 0, 16, 0)))).toBe('count-out-of-range');
    expect(codeOf(decodeSnapshot(changed(countAt + 6, 2)))).toBe('version-unknown');
    expect(codeOf(decodeSnapshot(changed(countAt + 7, 9)))).toBe('self-log-operation-invalid');
    const contradictions = [
      changed(18, 7), // a head further than what is held, and nothing dropped
      changed(18, 5), // an operation beyond its head
      changed(30, 7), // dropped beyond the head
      changed(22, 9), // a clock before that of the newest operation
    ];
    expect(contradictions.map((one) => codeOf(decodeSnapshot(one)))).toEqual(
      contradictions.map(() => 'self-log-snapshot-invalid'),
    );
  });
});
