/**
 * Payloads: what a block carries. The first four bytes are the type.
 * Spec: docs/spec/01-block.md, section "Payload".
 */
import type { Outcome } from '../outcome.ts';
import { MAX_BLOCK_SIZE } from '../params/limits.ts';
import {
  ENVELOPE_TYPE,
  envelopeSize,
  readEnvelopeBody,
  writeEnvelope,
  type Envelope,
} from './envelope.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import {
  readTaggedDataBody,
  TAGGED_DATA_TYPE,
  taggedDataSize,
  writeTaggedData,
  type TaggedData,
} from './tagged-data.ts';
import {
  readTransactionBody,
  TRANSACTION_TYPE,
  transactionSize,
  writeTransaction,
  type Transaction,
} from './transaction.ts';
import { Writer } from './writer.ts';

export type Payload = Transaction | Envelope | TaggedData;
export type PayloadKind = Payload['kind'];

/** Bytes that `payload` takes on the wire, its type included. */
export function payloadSize(payload: Payload): number {
  if (payload.kind === 'transaction') return transactionSize(payload);
  return payload.kind === 'envelope' ? envelopeSize(payload) : taggedDataSize(payload);
}

/** Writes a payload, type first. */
export function writePayload(writer: Writer, payload: Payload): void {
  if (payload.kind === 'transaction') writeTransaction(writer, payload);
  else if (payload.kind === 'envelope') writeEnvelope(writer, payload);
  else writeTaggedData(writer, payload);
}

/** Reads a payload that fills the whole reader, type first. */
export function readPayload(reader: Reader): Payload {
  switch (reader.u32()) {
    case TRANSACTION_TYPE:
      return readTransactionBody(reader);
    case ENVELOPE_TYPE:
      return readEnvelopeBody(reader);
    case TAGGED_DATA_TYPE:
      return readTaggedDataBody(reader);
    default:
      return refuse('payload-type-unknown');
  }
}

/** A payload's bytes, type included: what the API takes and gives. */
export function encodePayload(payload: Payload): Uint8Array {
  const writer = new Writer(payloadSize(payload));
  writePayload(writer, payload);
  return writer.finish();
}

/** Decodes a payload, type included. Form only. */
export function decodePayload(bytes: Uint8Array): Outcome<Payload> {
  return decodeWith(bytes, MAX_BLOCK_SIZE, readPayload);
}
