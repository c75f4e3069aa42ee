/**
 * Transactions: inputs are consumed, outputs created, unlocks say why that is allowed. The essence
 * is what owners sign; the id covers the unlocks too, because they carry vouchers.
 * Spec: docs/spec/02-transaction.md.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { assert, type Outcome } from '../outcome.ts';
import {
  MAX_BLOCK_SIZE,
  MAX_INPUTS,
  MAX_OUTPUTS,
  MAX_TRANSACTION_PAYLOAD_SIZE,
} from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import {
  OUTPUT_ID_LENGTH,
  transactionIdFromBytes,
  type OutputId,
  type TransactionId,
} from './ids.ts';
import { outputSize, readOutput, writeOutput, type Output } from './output.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { readTaggedData, taggedDataSize, writeTaggedData, type TaggedData } from './tagged-data.ts';
import { readUnlock, unlockSize, writeUnlock, type Unlock } from './unlock.ts';
import { Writer } from './writer.ts';

/** The payload type on the wire. */
export const TRANSACTION_TYPE = 1;

/** What owners sign. */
export interface TransactionEssence {
  /** u64. */
  readonly networkId: bigint;
  /** 1–128, each once. */
  readonly inputs: readonly OutputId[];
  /** 1–128. */
  readonly outputs: readonly Output[];
  /** Rides along, at most 8 KiB with its type. */
  readonly payload: TaggedData | null;
}

export interface Transaction extends TransactionEssence {
  readonly kind: 'transaction';
  /** One for each input, in their order. */
  readonly unlocks: readonly Unlock[];
}

const SIGNING_DOMAIN = utf8ToBytes('tangle/tx/v1\0');

/** Bytes of the essence on the wire. */
function essenceSize(essence: TransactionEssence): number {
  let size = 8 + 1 + essence.inputs.length * OUTPUT_ID_LENGTH + 1 + 4;
  for (const output of essence.outputs) size += outputSize(output);
  return essence.payload === null ? size : size + taggedDataSize(essence.payload);
}

/** Bytes that `transaction` takes as a payload, its type included. */
export function transactionSize(transaction: Transaction): number {
  let size = 4 + essenceSize(transaction);
  for (const unlock of transaction.unlocks) size += unlockSize(unlock);
  return size;
}

function writeEssence(writer: Writer, essence: TransactionEssence): void {
  writer.u64(essence.networkId);
  writer.count8(essence.inputs.length, 1, MAX_INPUTS);
  for (const input of essence.inputs) writer.hex(input, OUTPUT_ID_LENGTH);
  writer.count8(essence.outputs.length, 1, MAX_OUTPUTS);
  for (const output of essence.outputs) writeOutput(writer, output);
  if (essence.payload === null) {
    writer.u32(0);
    return;
  }
  const size = taggedDataSize(essence.payload);
  assert(size <= MAX_TRANSACTION_PAYLOAD_SIZE, 'the payload of a transaction fits its limit');
  writer.u32(size);
  writeTaggedData(writer, essence.payload);
}

/** Writes the payload, type first. */
export function writeTransaction(writer: Writer, transaction: Transaction): void {
  assert(transaction.unlocks.length === transaction.inputs.length, 'one unlock for each input');
  writer.u32(TRANSACTION_TYPE);
  writeEssence(writer, transaction);
  for (const unlock of transaction.unlocks) writeUnlock(writer, unlock);
}

/** Reads what {@link writeTransaction} writes, behind the type. */
export function readTransactionBody(reader: Reader): Transaction {
  const networkId = reader.u64();
  const inputCount = reader.count8(1, MAX_INPUTS);
  const inputs = reader.hexList(inputCount, OUTPUT_ID_LENGTH) as OutputId[];
  const outputCount = reader.count8(1, MAX_OUTPUTS);
  const outputs: Output[] = [];
  for (let i = 0; i < outputCount; i++) outputs.push(readOutput(reader));
  const payload = readOptionalPayload(reader);
  const unlocks: Unlock[] = [];
  for (let i = 0; i < inputCount; i++) unlocks.push(readUnlock(reader));
  return { kind: 'transaction', networkId, inputs, outputs, payload, unlocks };
}

function readOptionalPayload(reader: Reader): TaggedData | null {
  const length = reader.u32();
  if (length === 0) return null;
  if (length > MAX_TRANSACTION_PAYLOAD_SIZE) refuse('payload-length-wrong');
  return reader.within(length, readTaggedData);
}

/** The payload's bytes, type and unlocks included: what the transaction id is the hash of. */
export function encodeTransaction(transaction: Transaction): Uint8Array {
  const writer = new Writer(transactionSize(transaction));
  writeTransaction(writer, transaction);
  return writer.finish();
}

/** Decodes a transaction payload, type included. Form only; rules are in block/rules.ts. */
export function decodeTransaction(bytes: Uint8Array): Outcome<Transaction> {
  return decodeWith(bytes, MAX_BLOCK_SIZE, (reader) => {
    if (reader.u32() !== TRANSACTION_TYPE) refuse('payload-type-unknown');
    return readTransactionBody(reader);
  });
}

/** The signed part: from the network id up to, without, the unlocks. */
export function encodeEssence(essence: TransactionEssence): Uint8Array {
  const writer = new Writer(essenceSize(essence));
  writeEssence(writer, essence);
  return writer.finish();
}

/**
 * What owners sign: "tangle/tx/v1\0" ‖ BLAKE2b-256(essence), 45 bytes. The network id stands in
 * the essence, so a signature is worth nothing on another network.
 * @param essence a transaction (with or without unlocks), or its essence's bytes.
 */
export function signingMessage(
  essence: TransactionEssence | Uint8Array,
  hasher: Hasher,
): Uint8Array {
  const bytes = 'inputs' in essence ? encodeEssence(essence) : essence;
  const message = new Uint8Array(SIGNING_DOMAIN.length + 32);
  message.set(SIGNING_DOMAIN);
  message.set(hasher.blake2b256(bytes), SIGNING_DOMAIN.length);
  return message;
}

/** @param bytes the payload's bytes, type and unlocks included. */
export function transactionIdOf(bytes: Uint8Array, hasher: Hasher): TransactionId {
  return transactionIdFromBytes(hasher.blake2b256(bytes));
}
