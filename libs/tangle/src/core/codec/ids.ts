/**
 * Ids and addresses. On the wire they are raw bytes; in memory they are branded lowercase hex
 * strings, which are cheap keys of a Map, go to JSON and logs as they are, and cannot be mixed up.
 * Spec: docs/spec/01-block.md.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { assert } from '../outcome.ts';

declare const brand: unique symbol;
type Hex<B extends string> = string & { readonly [brand]: B };

/** BLAKE2b-256 of a block's bytes: 64 hex digits. */
export type BlockId = Hex<'BlockId'>;
/** BLAKE2b-256 of a transaction payload's bytes, unlocks included: 64 hex digits. */
export type TransactionId = Hex<'TransactionId'>;
/** BLAKE2b-256 of a milestone header's 249 bytes: 64 hex digits. */
export type MilestoneId = Hex<'MilestoneId'>;
/** Transaction id and output index (u16, little endian): 68 hex digits. */
export type OutputId = Hex<'OutputId'>;
/** BLAKE2b-256 of an Ed25519 public key: 64 hex digits. */
export type Address = Hex<'Address'>;

export const ID_LENGTH = 32;
export const OUTPUT_ID_LENGTH = 34;

/** The only solid entry point of a new network: 32 zero bytes, referenced by milestone 0. */
export const GENESIS_BLOCK_ID = '0'.repeat(64) as BlockId;
/** An address whose key nobody has: what is paid there is burnt, and the supply stays as it was. */
export const NULL_ADDRESS = '0'.repeat(64) as Address;
/** The predecessor that milestone 0 names: 32 zero bytes. */
export const NO_MILESTONE_ID = '0'.repeat(64) as MilestoneId;

const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_68 = /^[0-9a-f]{68}$/;

export { bytesToHex, hexToBytes };

/** Value of a lowercase hex digit by its character code; undefined for any other. */
const NIBBLES: readonly (number | undefined)[] = Array.from({ length: 103 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return digit < 0 ? undefined : digit;
});

/**
 * Writes an id's hex into `target` from `at` on. Encoders run this for every parent, input and
 * address; it takes a quarter of the time of `hexToBytes`, which allocates.
 */
export function writeHex(target: Uint8Array, at: number, hex: string): void {
  for (let i = 0; i < hex.length; i += 2) {
    const high = NIBBLES[hex.charCodeAt(i)];
    const low = NIBBLES[hex.charCodeAt(i + 1)];
    assert(high !== undefined && low !== undefined, 'an id is lowercase hex');
    target[at + i / 2] = (high << 4) | low;
  }
}

/** The order of two keys or digests of one length: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const differs = a.findIndex((byte, at) => byte !== b[at]);
  return differs === -1 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}

/** The id as raw bytes (32, or 34 for an output id). */
export function idToBytes(
  id: BlockId | TransactionId | MilestoneId | OutputId | Address,
): Uint8Array {
  const bytes = new Uint8Array(id.length / 2);
  writeHex(bytes, 0, id);
  return bytes;
}

export function blockIdFromBytes(bytes: Uint8Array): BlockId {
  return bytesToHex(bytes) as BlockId;
}

export function transactionIdFromBytes(bytes: Uint8Array): TransactionId {
  return bytesToHex(bytes) as TransactionId;
}

export function milestoneIdFromBytes(bytes: Uint8Array): MilestoneId {
  return bytesToHex(bytes) as MilestoneId;
}

export function outputIdFromBytes(bytes: Uint8Array): OutputId {
  return bytesToHex(bytes) as OutputId;
}

export function addressFromBytes(bytes: Uint8Array): Address {
  return bytesToHex(bytes) as Address;
}

/** Parses text of an API or a file; undefined unless it is exactly 64 lowercase hex digits. */
export function parseBlockId(text: string): BlockId | undefined {
  return HEX_64.test(text) ? (text as BlockId) : undefined;
}

export function parseTransactionId(text: string): TransactionId | undefined {
  return HEX_64.test(text) ? (text as TransactionId) : undefined;
}

export function parseMilestoneId(text: string): MilestoneId | undefined {
  return HEX_64.test(text) ? (text as MilestoneId) : undefined;
}

export function parseAddress(text: string): Address | undefined {
  return HEX_64.test(text) ? (text as Address) : undefined;
}

/** Undefined unless it is exactly 68 lowercase hex digits. */
export function parseOutputId(text: string): OutputId | undefined {
  return HEX_68.test(text) ? (text as OutputId) : undefined;
}

/** The id of output `index` (0–65535) of a transaction. */
export function outputIdOf(transactionId: TransactionId, index: number): OutputId {
  const low = (index & 0xff).toString(16).padStart(2, '0');
  const high = (index >>> 8).toString(16).padStart(2, '0');
  return `${transactionId}${low}${high}` as OutputId;
}

/** Splits an output id into transaction id and index. */
export function splitOutputId(id: OutputId): { transactionId: TransactionId; index: number } {
  const low = Number.parseInt(id.slice(64, 66), 16);
  const high = Number.parseInt(id.slice(66, 68), 16);
  return { transactionId: id.slice(0, 64) as TransactionId, index: low | (high << 8) };
}
