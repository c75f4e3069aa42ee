/** Frames of the request protocol: round trip, byte tables, one test per error code. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { bytesToHex, hexToBytes, type BlockId, type MilestoneId } from './ids.ts';
import { MAX_FETCH_VIEWS } from '../consensus/outbox.ts';
import { MAX_REQUEST_VIEWS } from '../params/limits.ts';
import { MAX_CONSENSUS_SIZE } from './consensus.ts';
import {
  decodeFrame,
  encodeFrame,
  FRAME_LENGTH_BYTES,
  MAX_CONSENSUS_ANSWER,
  MAX_CONSENSUS_ANSWER_ITEMS,
  type AnswerEnd,
  type Frame,
  type RefusalReason,
} from './frame.ts';

const u32 = fc.nat({ max: 0xffff_ffff });
const id = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => bytesToHex(bytes) as BlockId);
const milestoneId = id.map((text) => text as string as MilestoneId);
const items = fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { maxLength: 20 });
const status = fc.record({
  solidIndex: u32,
  latestIndex: u32,
  prunedIndex: u32,
  peers: fc.nat({ max: 0xffff }),
});

const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('status' as const), status }),
  fc.record({
    type: fc.constant('get-blocks' as const),
    requestId: u32,
    ids: fc.array(id, { minLength: 1, maxLength: 256 }),
  }),
  fc.record({
    type: fc.constantFrom('blocks' as const, 'milestones' as const),
    requestId: u32,
    end: fc.constantFrom<AnswerEnd>('more', 'complete', 'cut'),
    items,
  }),
  fc.record({
    type: fc.constant('get-milestones' as const),
    requestId: u32,
    fromIndex: u32,
    count: fc.integer({ min: 1, max: 64 }),
  }),
  fc.record({ type: fc.constant('get-cone' as const), requestId: u32, index: u32, skip: u32 }),
  fc.record({
    type: fc.constant('get-cones' as const),
    requestId: u32,
    fromIndex: u32,
    count: fc.integer({ min: 1, max: 64 }),
  }),
  fc.record({
    type: fc.constant('cones' as const),
    requestId: u32,
    end: fc.constantFrom<AnswerEnd>('more', 'complete'),
    items: fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 }),
  }),
  fc
    .record({
      type: fc.constant('get-consensus' as const),
      requestId: u32,
      epoch: u32,
      views: fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 16 }),
      ids: fc.array(milestoneId, { maxLength: 16 }),
    })
    .filter(({ views, ids }) => views.length + ids.length > 0),
  fc.record({
    type: fc.constant('consensus' as const),
    requestId: u32,
    end: fc.constantFrom<AnswerEnd>('more', 'complete'),
    items,
  }),
  fc.record({
    type: fc.constant('error' as const),
    requestId: u32,
    reason: fc.constantFrom<RefusalReason>('busy', 'failed'),
  }),
);

function code(hex: string): string {
  const outcome = decodeFrame(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

describe('frame', () => {
  it('decodes what it encodes, bit for bit', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const bytes = encodeFrame(frame);
        const body = bytes.subarray(FRAME_LENGTH_BYTES);
        expect(new DataView(bytes.buffer).getUint32(0, true)).toBe(body.length);
        expect(decodeFrame(body)).toEqual({ ok: true, value: frame });
      }),
    );
  });

  it('has the worked examples of the spec', () => {
    const heartbeat: Frame = {
      type: 'status',
      status: { solidIndex: 41, latestIndex: 42, prunedIndex: 0, peers: 3 },
    };
    expect(bytesToHex(encodeFrame(heartbeat))).toBe('0f00000001290000002a000000000000000300');
    const request: Frame = { type: 'get-milestones', requestId: 7, fromIndex: 42, count: 10 };
    expect(bytesToHex(encodeFrame(request))).toBe('0b00000004070000002a0000000a00');
    const cones: Frame = {
      type: 'cones',
      requestId: 8,
      end: 'complete',
      items: [Uint8Array.of(0xaa, 0xbb), new Uint8Array(), new Uint8Array()],
    };
    expect(bytesToHex(encodeFrame(cones))).toBe('1000000009080000000103000200aabb00000000');
    const asked: Frame = {
      type: 'get-consensus',
      requestId: 9,
      epoch: 1,
      views: [7n, 258n],
      ids: ['11'.repeat(32) as MilestoneId],
    };
    expect(bytesToHex(encodeFrame(asked))).toBe(
      `3b0000000a0900000001000000020700000000000000020100000000000001${'11'.repeat(32)}`,
    );
    const told: Frame = {
      type: 'consensus',
      requestId: 9,
      end: 'complete',
      items: [Uint8Array.of(0xaa, 0xbb), Uint8Array.of(0xcc)],
    };
    expect(bytesToHex(encodeFrame(told))).toBe('0f0000000b090000000102000200aabb0100cc');
    const refusal: Frame = { type: 'error', requestId: 7, reason: 'busy' };
    expect(bytesToHex(encodeFrame(refusal))).toBe('06000000070700000001');
  });

  it('never throws at any bytes, and what decodes encodes to the same bytes', () => {
    const reencoded = (bytes: Uint8Array): Uint8Array => {
      const outcome = decodeFrame(bytes);
      return outcome.ok ? encodeFrame(outcome.value).subarray(FRAME_LENGTH_BYTES) : bytes;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(reencoded(bytes)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('frame-type-unknown', () => {
    expect(code('00')).toBe('frame-type-unknown');
    expect(code('0c')).toBe('frame-type-unknown');
  });

  it('truncated', () => {
    expect(code('')).toBe('truncated');
    expect(code('0101000000')).toBe('truncated');
  });

  it('trailing-bytes', () => {
    expect(code('07070000000100')).toBe('trailing-bytes');
  });

  it('count-out-of-range', () => {
    expect(code('02070000000000')).toBe('count-out-of-range');
    expect(code('02070000000101')).toBe('count-out-of-range');
    expect(code('0407000000010000004100')).toBe('count-out-of-range');
    expect(code('0807000000010000000000')).toBe('count-out-of-range');
    expect(code('0307000000030000')).toBe('count-out-of-range');
    expect(code('0307000000010108')).toBe('count-out-of-range');
    expect(code('03070000000101000000')).toBe('count-out-of-range');
    // Neither a view nor an id; 17 of them; an item without bytes, and one that is too long.
    expect(code('0a07000000010000000000')).toBe('count-out-of-range');
    expect(code('0a070000000100000011')).toBe('count-out-of-range');
    expect(code('0a07000000010000000011')).toBe('count-out-of-range');
    expect(code('0b0700000001010000000000')).toBe('count-out-of-range');
    expect(code('0b070000000101000000c239')).toBe('count-out-of-range');
    expect(code('070700000000')).toBe('count-out-of-range');
    expect(code('070700000003')).toBe('count-out-of-range');
  });

  it('bounds an answer about the agreement by what an honest one can hold', () => {
    const certificate = 1 + 4 + 8 + 32 + 1 + 4 + 1 + 32 * 64;
    const view = 4 * 32 * 111 + 4 * (1 + certificate);
    const largest = 16 * view + 16 * MAX_CONSENSUS_SIZE;
    expect(largest).toBe(598_288);
    expect(largest).toBeLessThan(MAX_CONSENSUS_ANSWER);
    expect(MAX_CONSENSUS_ANSWER_ITEMS).toBe(2_128);
    expect(MAX_FETCH_VIEWS).toBeLessThanOrEqual(MAX_REQUEST_VIEWS);
  });

  it('too-large', () => {
    const outcome = decodeFrame(new Uint8Array(131_073));
    expect(outcome.ok ? 'ok' : outcome.code).toBe('too-large');
  });
});
