/**
 * Vouchers: a payer's promise in a channel, off the ledger until the payee claims.
 * Spec: docs/spec/02-transaction.md, section "Voucher".
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Outcome } from '../outcome.ts';
import { OUTPUT_ID_LENGTH, type OutputId } from './ids.ts';
import { decodeWith } from './reader.ts';
import { Writer } from './writer.ts';

/** Bytes of a voucher on the wire. */
export const VOUCHER_SIZE = OUTPUT_ID_LENGTH + 8 + 64;

export interface Voucher {
  /** The channel's output. */
  readonly channelId: OutputId;
  /** Base units promised since the channel was opened; each voucher replaces the one before. */
  readonly cumulative: bigint;
  /** By the channel's payer key over {@link voucherMessage}, 64 bytes. */
  readonly signature: Uint8Array;
}

const DOMAIN = utf8ToBytes('tmail/voucher/v1\0');

/** What the payer signs: "tmail/voucher/v1\0" ‖ networkId u64 ‖ channelId 34 ‖ cumulative u64. */
export function voucherMessage(
  networkId: bigint,
  channelId: OutputId,
  cumulative: bigint,
): Uint8Array {
  const writer = new Writer(DOMAIN.length + 8 + OUTPUT_ID_LENGTH + 8);
  writer.raw(DOMAIN);
  writer.u64(networkId);
  writer.hex(channelId, OUTPUT_ID_LENGTH);
  writer.u64(cumulative);
  return writer.finish();
}

/** `channelId 34 | cumulative u64 | signature 64`, 106 bytes. */
export function encodeVoucher(voucher: Voucher): Uint8Array {
  const writer = new Writer(VOUCHER_SIZE);
  writer.hex(voucher.channelId, OUTPUT_ID_LENGTH);
  writer.u64(voucher.cumulative);
  writer.fixed(voucher.signature, 64);
  return writer.finish();
}

/** Decodes 106 bytes; the signature is not checked. */
export function decodeVoucher(bytes: Uint8Array): Outcome<Voucher> {
  return decodeWith(bytes, VOUCHER_SIZE, (reader) => ({
    channelId: reader.hex(OUTPUT_ID_LENGTH) as OutputId,
    cumulative: reader.u64(),
    signature: reader.bytes(64),
  }));
}
