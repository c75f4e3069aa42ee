import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { letterIdFromBytes } from '../letter/content.ts';
import { MAX_CHAIN_MESSAGES, MAX_REQUESTED_NUMBERS, MAX_TEXT_SIZE } from '../limits.ts';
import type { ChainContent } from './content.ts';
import { decodeChainContent, encodeChainContent } from './content.ts';
import type { ChainNote } from './note.ts';
import { decodeChainNote, encodeChainNote, MAX_CHAIN_NOTE_SIZE } from './note.ts';
import type { ChainId } from './ratchet.ts';
import {
  decodeReceivingChain,
  decodeSendingChain,
  encodeReceivingChain,
  encodeSendingChain,
} from './state.ts';
import { makeChain, receiveAll, sealMany, textOf } from '../../testing/chains.ts';

const { sending, receiving, note } = makeChain();
const received = receiveAll(receiving, sealMany(sending, 6).slice(5));
const chainId = 'ab'.repeat(16) as ChainId;
const tag = new Uint8Array(16).fill(9);
const notes: readonly ChainNote[] = [
  note,
  { ...note, previous: { chainId, length: MAX_CHAIN_MESSAGES } },
  { type: 'chain-request', chainId, numbers: [] },
  { type: 'chain-request', chainId, numbers: [0, 5, MAX_CHAIN_MESSAGES - 1] },
  { type: 'envelope-request', tag },
  { type: 'watched', chainId },
  { type: 'length', chainId, length: MAX_CHAIN_MESSAGES },
  { type: 'answered', chainId, tags: [] },
  { type: 'answered', chainId, tags: [tag, tag] },
  { type: 'text', letterId: letterIdFromBytes(tag), sentAt: 7, text: tag },
];
const contents: readonly ChainContent[] = [
  textOf('hello'),
  { ...textOf(''), letterId: letterIdFromBytes(tag) },
];

interface Codec {
  readonly name: string;
  readonly examples: readonly Uint8Array[];
  /** Decodes, and encodes again what it took. */
  readonly again: (bytes: Uint8Array) => Uint8Array | undefined;
}

function codec<T>(
  name: string,
  values: readonly T[],
  encode: (value: T, size: number) => Uint8Array,
  decode: (bytes: Uint8Array) => { ok: true; value: T } | { ok: false; code: string },
): Codec {
  return {
    name,
    examples: values.map((value) => encode(value, 64)),
    again: (bytes) => {
      const decoded = decode(bytes);
      return decoded.ok ? encode(decoded.value, bytes.length) : undefined;
    },
  };
}

const codecs: readonly Codec[] = [
  codec('content', contents, encodeChainContent, decodeChainContent),
  codec('note', notes, encodeChainNote, decodeChainNote),
  codec('sending state', [sending], encodeSendingChain, decodeSendingChain),
  codec('receiving state', [receiving, received], encodeReceivingChain, decodeReceivingChain),
];

describe.each(codecs)('codec of the $name', ({ examples, again }) => {
  it('gives back what it was given', () => {
    expect(examples.map(again)).toEqual(examples);
  });

  it('throws at no bytes, and has one form for everything it takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(again(bytes) ?? bytes).toEqual(bytes);
      }),
    );
    const example = fc.constantFrom(...examples);
    const changes = fc.array(fc.tuple(fc.nat(399), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(example, changes, fc.nat(400), (bytes, edits, length) => {
        const broken = bytes.slice(0, length);
        for (const [at, value] of edits) if (at < broken.length) broken[at] = value;
        expect(again(broken) ?? broken).toEqual(broken);
      }),
      { numRuns: 500 },
    );
  });
});

describe('form of states', () => {
  const bytes = encodeReceivingChain(received);
  const edited = (at: number, ...values: number[]): Uint8Array => {
    const copy = bytes.slice();
    copy.set(values, at);
    return copy;
  };

  it('has the sizes of the page', () => {
    expect(encodeSendingChain(sending)).toHaveLength(60);
    expect(encodeReceivingChain(receiving)).toHaveLength(58);
    expect(bytes).toHaveLength(58 + 5 * 54);
  });

  it('chain-state-invalid: role, order of kept keys, a kept key above the next number', () => {
    expect(codeOf(decodeReceivingChain(edited(1, 1)))).toBe('chain-state-invalid');
    expect(codeOf(decodeReceivingChain(edited(58, 1)))).toBe('chain-state-invalid');
    expect(codeOf(decodeReceivingChain(edited(50, 4)))).toBe('chain-state-invalid');
    const older = { ...sending, lastSentAt: sending.openedAt - 1 };
    expect(codeOf(decodeSendingChain(encodeSendingChain(older)))).toBe('chain-state-invalid');
  });

  it('refuses other versions, counts and lengths', () => {
    expect(codeOf(decodeReceivingChain(edited(0, 2)))).toBe('version-unknown');
    expect(codeOf(decodeReceivingChain(edited(56, 0xd1, 7)))).toBe('count-out-of-range');
    expect(codeOf(decodeReceivingChain(edited(50, 0xd1, 7)))).toBe('count-out-of-range');
    expect(codeOf(decodeReceivingChain(bytes.slice(0, -1)))).toBe('truncated');
    expect(codeOf(decodeReceivingChain(new Uint8Array(108_059)))).toBe('too-large');
    expect(codeOf(decodeSendingChain(new Uint8Array(61)))).toBe('too-large');
  });
});

describe('form of notes', () => {
  const request = (...numbers: number[]): Uint8Array =>
    encodeChainNote({ type: 'chain-request', chainId, numbers });

  it('chain-note-unknown: another family, version or type', () => {
    const other = [[], [0xc0, 1, 1], [0xc1, 2, 1], [0xc1, 1, 0], [0xc1, 1, 8], [0xc1, 1]];
    const codes = other.map((head) => codeOf(decodeChainNote(Uint8Array.from(head))));
    expect(new Set(codes)).toEqual(new Set(['chain-note-unknown']));
  });

  it('refuses numbers that do not ascend or that no chain has', () => {
    expect(codeOf(decodeChainNote(request(3, 3)))).toBe('not-canonical');
    expect(codeOf(decodeChainNote(request(3, 2)))).toBe('not-canonical');
    expect(codeOf(decodeChainNote(request(MAX_CHAIN_MESSAGES)))).toBe('count-out-of-range');
  });

  it('holds a full request', () => {
    const numbers = Array.from({ length: MAX_REQUESTED_NUMBERS }, (_, at) => at * 2);
    const full = request(...numbers);
    expect(full).toHaveLength(3 + 16 + 1 + 2 * 128);
    expect(valueOf(decodeChainNote(full))).toEqual({ type: 'chain-request', chainId, numbers });
    const longer = new Uint8Array(full.length + 1);
    longer.set(full);
    expect(codeOf(decodeChainNote(longer))).toBe('trailing-bytes');
  });

  it('holds a text of 1 to 16,000 bytes', () => {
    const noteOf = (size: number): Uint8Array =>
      encodeChainNote({
        type: 'text',
        letterId: letterIdFromBytes(tag),
        sentAt: 0,
        text: new Uint8Array(size).fill(0x61),
      });
    expect(noteOf(MAX_TEXT_SIZE)).toHaveLength(MAX_CHAIN_NOTE_SIZE);
    expect(decodeChainNote(noteOf(MAX_TEXT_SIZE)).ok).toBe(true);
    expect(codeOf(decodeChainNote(noteOf(0)))).toBe('count-out-of-range');
    expect(codeOf(decodeChainNote(noteOf(MAX_TEXT_SIZE + 1)))).toBe('too-large');
  });
});
