/** Blocks and payloads: bytes, id, and one test for each code of their form. */
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../crypto/blake2b.ts';
import { MAX_BLOCK_SIZE } from '../params/limits.ts';
import {
  blockIdOf,
  decodeBlock,
  encodeBlock,
  encodeBlockWithoutNonce,
  payloadBytesOf,
  type Block,
} from './block.ts';
import { bytesToHex, hexToBytes, type BlockId } from './ids.ts';
import { decodePayload, encodePayload, type Payload } from './payload.ts';

const a = 'aa'.repeat(32);
const b = 'bb'.repeat(32);
const HEAD = `010500000000000000`;
const PARENTS = `02${a}${b}`;
const NONCE = '0700000000000000';
const ENVELOPE = `02000000${'ee'.repeat(18)}`;

const block: Block = {
  version: 1,
  networkId: 5n,
  parents: [a as BlockId, b as BlockId],
  payload: { kind: 'envelope', bytes: new Uint8Array(18).fill(0xee) },
  nonce: 7n,
};
const HEX = `${HEAD}${PARENTS}16000000${ENVELOPE}${NONCE}`;

function codeOf(hex: string): string {
  const outcome = decodeBlock(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

function payloadCodeOf(hex: string): string {
  const outcome = decodePayload(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

describe('block', () => {
  it('has its bytes and its id', () => {
    const bytes = encodeBlock(block);
    expect(bytesToHex(bytes)).toBe(HEX);
    expect(decodeBlock(bytes)).toEqual({ ok: true, value: block });
    expect(blockIdOf(bytes, nobleHasher)).toBe(bytesToHex(nobleHasher.blake2b256(bytes)));
    expect(bytesToHex(encodeBlockWithoutNonce(block))).toBe(HEX.slice(0, -16));
    expect(bytesToHex(payloadBytesOf(bytes))).toBe(ENVELOPE);
  });

  it('may be without a payload', () => {
    const bare = { ...block, payload: null };
    const bytes = encodeBlock(bare);
    expect(decodeBlock(bytes)).toEqual({ ok: true, value: bare });
    expect(payloadBytesOf(bytes)).toHaveLength(0);
  });

  it('reaches the limit and not one byte more', () => {
    const room = MAX_BLOCK_SIZE - 86 - 4;
    const largest: Block = { ...block, payload: { kind: 'envelope', bytes: new Uint8Array(room) } };
    const bytes = encodeBlock(largest);
    expect(bytes).toHaveLength(MAX_BLOCK_SIZE);
    expect(decodeBlock(bytes)).toEqual({ ok: true, value: largest });
    const beyond: Payload = { kind: 'envelope', bytes: new Uint8Array(room + 1) };
    expect(() => encodeBlock({ ...block, payload: beyond })).toThrow('broken');
  });

  it('too-large', () => {
    expect(codeOf('01'.repeat(MAX_BLOCK_SIZE + 1))).toBe('too-large');
  });

  it('version-unknown', () => {
    expect(codeOf(`00${HEX.slice(2)}`)).toBe('version-unknown');
    expect(codeOf(`02${HEX.slice(2)}`)).toBe('version-unknown');
  });

  it('truncated', () => {
    expect(codeOf('')).toBe('truncated');
    expect(codeOf(HEAD)).toBe('truncated');
    expect(codeOf(HEAD + PARENTS)).toBe('truncated');
  });

  it('count-out-of-range', () => {
    expect(codeOf(`${HEAD}00`)).toBe('count-out-of-range');
    expect(codeOf(`${HEAD}09`)).toBe('count-out-of-range');
  });

  it('parents-not-sorted', () => {
    const rest = `00000000${NONCE}`;
    expect(codeOf(`${HEAD}02${a}${b}${rest}`)).toBe('ok');
    expect(codeOf(`${HEAD}02${b}${a}${rest}`)).toBe('parents-not-sorted');
    expect(codeOf(`${HEAD}02${a}${a}${rest}`)).toBe('parents-not-sorted');
  });

  it('payload-length-wrong', () => {
    expect(codeOf(`${HEAD}${PARENTS}15000000${ENVELOPE}${NONCE}`)).toBe('payload-length-wrong');
    expect(codeOf(`${HEAD}${PARENTS}17000000${ENVELOPE}${NONCE}`)).toBe('payload-length-wrong');
    expect(codeOf(`${HEAD}${PARENTS}00000000${NONCE}00`)).toBe('payload-length-wrong');
    expect(codeOf(`${HEAD}${PARENTS}00000000${NONCE.slice(2)}`)).toBe('payload-length-wrong');
  });

  it('payload-type-unknown', () => {
    expect(payloadCodeOf(`00000000${'00'.repeat(20)}`)).toBe('payload-type-unknown');
    expect(payloadCodeOf(`04000000${'00'.repeat(20)}`)).toBe('payload-type-unknown');
    expect(payloadCodeOf(`02000001${'00'.repeat(20)}`)).toBe('payload-type-unknown');
  });

  it('envelope-too-short', () => {
    expect(payloadCodeOf(`02000000${'00'.repeat(17)}`)).toBe('envelope-too-short');
    expect(payloadCodeOf(`02000000${'00'.repeat(18)}`)).toBe('ok');
    const payload: Payload = { kind: 'envelope', bytes: new Uint8Array(17) };
    expect(() => encodePayload(payload)).toThrow('broken');
  });

  it('does not encode parents that it would not decode', () => {
    const encode = (parents: string[]) => () =>
      encodeBlock({ ...block, parents: parents as BlockId[] });
    expect(encode([])).toThrow('broken');
    expect(encode([b, a])).toThrow('broken');
    expect(encode([a, a])).toThrow('broken');
  });
});

describe('tagged data', () => {
  const value = { kind: 'tagged-data', tag: Uint8Array.of(1, 2), data: Uint8Array.of(3) } as const;

  it('has its bytes', () => {
    const hex = '030000000201020100000003';
    expect(bytesToHex(encodePayload(value))).toBe(hex);
    expect(decodePayload(hexToBytes(hex))).toEqual({ ok: true, value });
  });

  it('count-out-of-range for a tag of 0 or 65 bytes', () => {
    expect(payloadCodeOf('030000000000000000')).toBe('count-out-of-range');
    expect(payloadCodeOf(`0300000041${'00'.repeat(69)}`)).toBe('count-out-of-range');
  });

  it('truncated and trailing-bytes', () => {
    expect(payloadCodeOf('03000000010001000000')).toBe('truncated');
    expect(payloadCodeOf('0300000001000000000000')).toBe('trailing-bytes');
  });
});
