/**
 * The notes about chains that travel in letters of kind `control`: the seed of a chain, and the
 * request of somebody who lacks one. Stop before: chain/sending.ts or chain/waiting.ts; next:
 * letter/letter.ts. Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { TAG_LENGTH } from '../envelope/envelope.ts';
import { MAX_CHAIN_MESSAGES, MAX_REQUESTED_NUMBERS } from '../limits.ts';
import { fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ChainId } from './ratchet.ts';
import { AUDIENCE_LENGTH, CHAIN_ID_LENGTH, CHAIN_SEED_LENGTH } from './ratchet.ts';

/**
 * First byte of every note about chains. Other control notes begin otherwise, so that the reader of
 * a control letter can tell whose note it is.
 */
const NOTE_FAMILY = 0xc1;
const NOTE_VERSION = 1;
const TYPE_SEED = 1;
const TYPE_CHAIN_REQUEST = 2;
const TYPE_ENVELOPE_REQUEST = 3;
/** The longest note: a request with all its numbers. */
export const MAX_CHAIN_NOTE_SIZE = 3 + CHAIN_ID_LENGTH + 1 + 2 * MAX_REQUESTED_NUMBERS;

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

export type ChainNote = ChainSeedNote | ChainRequestNote | EnvelopeRequestNote;

/** The message of a control letter. */
export function encodeChainNote(note: ChainNote): Uint8Array {
  const writer = new Writer(MAX_CHAIN_NOTE_SIZE);
  writer.u8(NOTE_FAMILY);
  writer.u8(NOTE_VERSION);
  switch (note.type) {
    case 'seed':
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
  }
  return writer.finish();
}

function writeSeed(writer: Writer, note: ChainSeedNote): void {
  writer.u8(TYPE_SEED);
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
  const isKnown = type >= TYPE_SEED && type <= TYPE_ENVELOPE_REQUEST;
  if (family !== NOTE_FAMILY || version !== NOTE_VERSION || !isKnown) {
    return fail('chain-note-unknown');
  }
  return decodeWith(bytes, MAX_CHAIN_NOTE_SIZE, (reader) => {
    reader.view(3);
    if (type === TYPE_SEED) return readSeed(reader);
    if (type === TYPE_CHAIN_REQUEST) return readRequest(reader);
    return { type: 'envelope-request' as const, tag: reader.bytes(TAG_LENGTH) };
  });
}

function readChainId(reader: Reader): ChainId {
  return bytesToHex(reader.view(CHAIN_ID_LENGTH)) as ChainId;
}

function readSeed(reader: Reader): ChainSeedNote {
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
