/**
 * Envelopes: sealed mail, opaque to a node. Only the least length is checked here; the layout
 * behind it belongs to the mail library. Spec: docs/spec/01-block.md, section "Envelope".
 */
import { assert } from '../outcome.ts';
import { MIN_ENVELOPE_SIZE } from '../params/limits.ts';
import { refuse, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** The payload type on the wire. */
export const ENVELOPE_TYPE = 2;

export interface Envelope {
  readonly kind: 'envelope';
  /** Everything behind the payload type, ≥ 18 bytes; shares memory with the input when decoded. */
  readonly bytes: Uint8Array;
}

/** Bytes that `envelope` takes as a payload, its type included. */
export function envelopeSize(envelope: Envelope): number {
  return 4 + envelope.bytes.length;
}

/** Writes `type u32 = 2 | bytes`. */
export function writeEnvelope(writer: Writer, envelope: Envelope): void {
  assert(envelope.bytes.length >= MIN_ENVELOPE_SIZE, 'an envelope has its least length');
  writer.u32(ENVELOPE_TYPE);
  writer.raw(envelope.bytes);
}

/** Reads the rest of the payload, behind the type. */
export function readEnvelopeBody(reader: Reader): Envelope {
  if (reader.remaining < MIN_ENVELOPE_SIZE) refuse('envelope-too-short');
  return { kind: 'envelope', bytes: reader.view(reader.remaining) };
}
