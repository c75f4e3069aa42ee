/**
 * The notes about chains that travel in letters of kind `control`: the seed of a chain, the word
 * that its tags are watched, the request of somebody who lacks it, and a text for whoever does not
 * watch it yet. Stop before: chain/sending.ts or chain/waiting.ts; next: letter/letter.ts.
 * Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { TAG_LENGTH } from '../envelope/envelope.ts';
import type { LetterId } from '../letter/content.ts';
import { LETTER_ID_LENGTH, letterIdFromBytes } from '../letter/content.ts';
import { MAX_CHAIN_MESSAGES, MAX_REQUESTED_NUMBERS, MAX_TEXT_SIZE } from '../limits.ts';
import { fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ChainId } from './ratchet.ts';
import { AUDIENCE_LENGTH, CHAIN_ID_LENGTH, CHAIN_SEED_LENGTH } from './ratchet.ts';

/**
 * First byte of every note about chains. Other control notes begin otherwise, so that the reader of
 * a control letter can tell whose note it is.
 */
export const CHAIN_NOTE_FAMILY = 0xc1;
const NOTE_VERSION = 1;
const TYPE_SEED = 1;
const TYPE_CHAIN_REQUEST = 2;
const TYPE_ENVELOPE_REQUEST = 3;
const TYPE_WATCHED = 4;
const TYPE_TEXT = 5;
const TYPE_ANSWERED = 6;
const TYPE_LENGTH = 7;
/** The longest note: a text of the greatest size. */
export const MAX_CHAIN_NOTE_SIZE = 3 + LETTER_ID_LENGTH + 4 + MAX_TEXT_SIZE;

/** A new chain. */
export interface ChainSeedNote {
  readonly type: 'seed';
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** 32 bytes: chain/ratchet.ts, ChainScope. */
  readonly audience: Uint8Array;
  /** Unix seconds by the sender's clock. */
  readonly openedAt: number;
  /** The chain before this one, and how many messages it had. */
  readonly previous?: { readonly chainId: ChainId; readonly length: number };
}

/** "I know of your chain and lack its seed" (no numbers), or lack these messages of it. */
export interface ChainRequestNote {
  readonly type: 'chain-request';
  readonly chainId: ChainId;
  /** Ascending, at most 128; empty for the seed and so for everything. */
  readonly numbers: readonly number[];
}

/** "An envelope of yours with this tag has come, and no chain that I hold opens it." */
export interface EnvelopeRequestNote {
  readonly type: 'envelope-request';
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

/** "I hold your chain, and whoever keeps my mail watches its tags: write on it." */
export interface ChainWatchedNote {
  readonly type: 'watched';
  readonly chainId: ChainId;
}

/** A line of chat for somebody of whom it is not known that he watches our chain. */
export interface ChatTextNote {
  readonly type: 'text';
  /** Of the message, not of this letter: it may come again, in another letter or on a chain. */
  readonly letterId: LetterId;
  /** Unix seconds by the sender's clock: when it was written. */
  readonly sentAt: number;
  /** UTF-8, 1 to 16,000 bytes; what a reader shows as untrusted text. */
  readonly text: Uint8Array;
}

/** "What you asked for is sent again, in letters of its own; do not wait for it on this chain." */
export interface ChainAnsweredNote {
  readonly type: 'answered';
  readonly chainId: ChainId;
  /** Of what was asked for, 16 bytes each, at most 128: their keys and envelopes are let go. */
  readonly tags: readonly Uint8Array[];
}

/** "So many messages went on this chain by now", where no seed has said it. */
export interface ChainLengthNote {
  readonly type: 'length';
  readonly chainId: ChainId;
  readonly length: number;
}

export type ChainNote =
  | ChainLengthNote
  | ChainAnsweredNote
  | ChainSeedNote
  | ChainRequestNote
  | EnvelopeRequestNote
  | ChainWatchedNote
  | ChatTextNote;

/** The message of a control letter. */
export function encodeChainNote(note: ChainNote): Uint8Array {
  const writer = new Writer(512);
  writer.u8(CHAIN_NOTE_FAMILY);
  writer.u8(NOTE_VERSION);
  switch (note.type) {
    case 'seed':
      writer.u8(TYPE_SEED);
      writeSeed(writer, note);
      break;
    case 'chain-request':
      writer.u8(TYPE_CHAIN_REQUEST);
      writer.hex(note.chainId, CHAIN_ID_LENGTH);
      writer.count8(note.numbers.length, 0, MAX_REQUESTED_NUMBERS);
      for (const number of note.numbers) writer.u16(number);
      break;
    case 'envelope-request':
      writer.u8(TYPE_ENVELOPE_REQUEST);
      writer.fixed(note.tag, TAG_LENGTH);
      break;
    case 'watched':
      writer.u8(TYPE_WATCHED);
      writer.hex(note.chainId, CHAIN_ID_LENGTH);
      break;
    case 'text':
      writer.u8(TYPE_TEXT);
      writer.hex(note.letterId, LETTER_ID_LENGTH);
      writer.u32(note.sentAt);
      writer.raw(note.text);
      break;
    case 'answered':
      writer.u8(TYPE_ANSWERED);
      writer.hex(note.chainId, CHAIN_ID_LENGTH);
      writer.count8(note.tags.length, 0, MAX_REQUESTED_NUMBERS);
      for (const tag of note.tags) writer.fixed(tag, TAG_LENGTH);
      break;
    case 'length':
      writer.u8(TYPE_LENGTH);
      writer.hex(note.chainId, CHAIN_ID_LENGTH);
      writer.u16(note.length);
  }
  return writer.finish();
}

/** The fields of a seed, which a group's note has too: group/note.ts. */
export function writeSeed(writer: Writer, note: ChainSeedNote): void {
  writer.fixed(note.seed, CHAIN_SEED_LENGTH);
  writer.fixed(note.audience, AUDIENCE_LENGTH);
  writer.u32(note.openedAt);
  writer.u8(note.previous ? 1 : 0);
  if (!note.previous) return;
  writer.hex(note.previous.chainId, CHAIN_ID_LENGTH);
  writer.u16(note.previous.length);
}

/**
 * Reads the message of a control letter. Codes: `chain-note-unknown` (no note about chains, or of a
 * later version or type), and those of form.
 */
export function decodeChainNote(bytes: Uint8Array): MailOutcome<ChainNote> {
  const [family, version, type = 0] = bytes;
  const isKnown = type >= TYPE_SEED && type <= TYPE_LENGTH;
  if (family !== CHAIN_NOTE_FAMILY || version !== NOTE_VERSION || !isKnown) {
    return fail('chain-note-unknown');
  }
  return decodeWith(bytes, MAX_CHAIN_NOTE_SIZE, (reader) => {
    reader.view(3);
    if (type === TYPE_SEED) return readSeed(reader);
    if (type === TYPE_CHAIN_REQUEST) return readRequest(reader);
    if (type === TYPE_WATCHED) return { type: 'watched' as const, chainId: readChainId(reader) };
    if (type === TYPE_TEXT) return readText(reader);
    if (type === TYPE_ANSWERED) return readAnswer(reader);
    if (type === TYPE_LENGTH) {
      const chainId = readChainId(reader);
      const length = reader.count16(0, MAX_CHAIN_MESSAGES);
      return { type: 'length' as const, chainId, length };
    }
    return { type: 'envelope-request' as const, tag: reader.bytes(TAG_LENGTH) };
  });
}

function readChainId(reader: Reader): ChainId {
  return bytesToHex(reader.view(CHAIN_ID_LENGTH)) as ChainId;
}

function readText(reader: Reader): ChatTextNote {
  const letterId = letterIdFromBytes(reader.view(LETTER_ID_LENGTH));
  const sentAt = reader.u32();
  if (reader.remaining === 0 || reader.remaining > MAX_TEXT_SIZE) refuse('count-out-of-range');
  return { type: 'text', letterId, sentAt, text: reader.bytes(reader.remaining) };
}

function readAnswer(reader: Reader): ChainAnsweredNote {
  const chainId = readChainId(reader);
  const count = reader.count8(0, MAX_REQUESTED_NUMBERS);
  const tags = Array.from({ length: count }, () => reader.bytes(TAG_LENGTH));
  return { type: 'answered', chainId, tags };
}

/** As writeSeed wrote it. */
export function readSeed(reader: Reader): ChainSeedNote {
  const seed = reader.bytes(CHAIN_SEED_LENGTH);
  const audience = reader.bytes(AUDIENCE_LENGTH);
  const openedAt = reader.u32();
  const note = { type: 'seed' as const, seed, audience, openedAt };
  if (reader.count8(0, 1) === 0) return note;
  const chainId = readChainId(reader);
  const length = reader.count16(0, MAX_CHAIN_MESSAGES);
  return { ...note, previous: { chainId, length } };
}

function readRequest(reader: Reader): ChainRequestNote {
  const chainId = readChainId(reader);
  const count = reader.count8(0, MAX_REQUESTED_NUMBERS);
  const numbers: number[] = [];
  for (let index = 0; index < count; index++) {
    const number = reader.count16(0, MAX_CHAIN_MESSAGES - 1);
    if (number <= (numbers.at(-1) ?? -1)) refuse('not-canonical');
    numbers.push(number);
  }
  return { type: 'chain-request', chainId, numbers };
}
