/**
 * The storage receipt: 192 bytes in which a provider signs that it keeps an object until a time,
 * and what it owes if it does not. Before: segment-tree.ts makes the root. After: the sender keeps
 * it as evidence. Spec: docs/spec/32-receipt.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { decodeWith } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { succeed } from '@tanglemail/tangle/core/outcome.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { fail } from './checks.ts';
import type { MarketOutcome } from './checks.ts';
import type { Offer } from './offer.ts';

/** Bytes of a receipt on the wire, the signature included. */
export const RECEIPT_SIZE = 192;
const DOMAIN = utf8ToBytes('tmail/receipt/v1\0');

/** What the provider signs. */
export interface ReceiptFields {
  readonly networkId: bigint;
  /** 32 bytes. */
  readonly bondId: Uint8Array;
  /** Segment-tree root, 32 bytes; binds the size. */
  readonly root: Uint8Array;
  /** Bytes of the object, u32. */
  readonly size: number;
  /** Unix seconds to which the object is paid, u32. */
  readonly until: number;
  /** Base units owed for a lost object. */
  readonly penalty: bigint;
  /** Base units that a challenger has to deposit. */
  readonly challengeDeposit: bigint;
  /** Key that may release the provider: the recipient's mailbox key, or 32 zero bytes. */
  readonly releasePublicKey: Uint8Array;
}

export interface StorageReceipt extends ReceiptFields {
  /** By the bond key, 64 bytes. */
  readonly signature: Uint8Array;
}

function writeFields(writer: Writer, receipt: ReceiptFields): void {
  writer.u64(receipt.networkId);
  writer.fixed(receipt.bondId, 32);
  writer.fixed(receipt.root, 32);
  writer.u32(receipt.size);
  writer.u32(receipt.until);
  writer.u64(receipt.penalty);
  writer.u64(receipt.challengeDeposit);
  writer.fixed(receipt.releasePublicKey, 32);
}

/** `"tmail/receipt/v1\0"` ‖ the 128 bytes of the fields. */
export function receiptMessage(receipt: ReceiptFields): Uint8Array {
  const writer = new Writer(DOMAIN.length + RECEIPT_SIZE - 64);
  writer.raw(DOMAIN);
  writeFields(writer, receipt);
  return writer.finish();
}

/** Signs with the bond key; deterministic, so asking twice gives the same bytes. */
export function signReceipt(fields: ReceiptFields, bondSecretKey: Uint8Array): StorageReceipt {
  return { ...fields, signature: signEd25519(bondSecretKey, receiptMessage(fields)) };
}

/** 192 bytes: the fields in the order of the interface, then the signature. */
export function encodeReceipt(receipt: StorageReceipt): Uint8Array {
  const writer = new Writer(RECEIPT_SIZE);
  writeFields(writer, receipt);
  writer.fixed(receipt.signature, 64);
  return writer.finish();
}

/** Decodes 192 bytes; the signature is not checked. */
export function decodeReceipt(bytes: Uint8Array): Outcome<StorageReceipt> {
  return decodeWith(bytes, RECEIPT_SIZE, (reader) => ({
    networkId: reader.u64(),
    bondId: reader.bytes(32),
    root: reader.bytes(32),
    size: reader.u32(),
    until: reader.u32(),
    penalty: reader.u64(),
    challengeDeposit: reader.u64(),
    releasePublicKey: reader.bytes(32),
    signature: reader.bytes(64),
  }));
}

/** What a holder expects of a receipt before it counts the provider as a replica. */
export interface ReceiptExpectation {
  readonly networkId: bigint;
  readonly root: Uint8Array;
  readonly size: number;
  /** Present ledger time: a receipt that has run out proves nothing. */
  readonly ledgerTime: number;
  readonly offer: Offer;
  /** The bond's key: `bondPublicKeyOf(offer)` while there are no bonds. */
  readonly bondPublicKey: Uint8Array;
}

/**
 * Checks a receipt against the object and the offer under which it was sold. Codes:
 * `network-id-wrong`, `receipt-mismatch` (detail names the field), `signature-invalid`.
 */
export function checkReceipt(
  receipt: StorageReceipt,
  expected: ReceiptExpectation,
  verifier: Verifier,
): MarketOutcome<StorageReceipt> {
  const { offer } = expected;
  if (receipt.networkId !== expected.networkId) return fail('network-id-wrong');
  if (!equalBytes(receipt.bondId, offer.bondId)) return fail('receipt-mismatch', 'bondId');
  if (!equalBytes(receipt.root, expected.root)) return fail('receipt-mismatch', 'root');
  if (receipt.size !== expected.size) return fail('receipt-mismatch', 'size');
  if (receipt.until <= expected.ledgerTime) return fail('receipt-mismatch', 'until');
  if (receipt.penalty < offer.penaltyMin) return fail('receipt-mismatch', 'penalty');
  if (receipt.challengeDeposit > offer.challengeDepositMax) {
    return fail('receipt-mismatch', 'challengeDeposit');
  }
  const message = receiptMessage(receipt);
  return verifier.verify(expected.bondPublicKey, message, receipt.signature)
    ? succeed(receipt)
    : fail('signature-invalid');
}
