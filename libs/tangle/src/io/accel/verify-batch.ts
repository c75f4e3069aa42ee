/**
 * The form in which a batch of signature claims goes to a verify thread: one buffer, moved and not
 * copied. Path: verify-pool.ts → here → verify-worker.ts. Spec: docs/spec/02-transaction.md.
 *
 * `count u16 | count × (publicKey 32 | signature 64 | messageLength u32 | message)`, little endian.
 */
import type { SignatureClaim } from '../../core/ports.ts';

/** Claims in one message: 64 cost the main thread 2.5 µs each, singles 30. */
export const MAX_BATCH_CLAIMS = 64;
/** Batches that may wait for a thread. Bounds what a flood of transactions keeps in memory. */
export const MAX_QUEUED_BATCHES = 256;

const HEADER_SIZE = 2;
const CLAIM_SIZE = 32 + 64 + 4;

/** One message to a thread. */
export interface VerifyRequest {
  readonly batchId: number;
  readonly claims: ArrayBuffer;
}

/** Its answer: one byte per claim, 1 for true. */
export interface VerifyAnswer {
  readonly batchId: number;
  readonly verdicts: Uint8Array<ArrayBuffer>;
}

/** True if the claim has the lengths that the encoding presumes; every other claim is false. */
export function isEncodable(claim: SignatureClaim): boolean {
  return claim.publicKey.length === 32 && claim.signature.length === 64;
}

/** Encodes at most `MAX_BATCH_CLAIMS` encodable claims. */
export function encodeClaims(claims: readonly SignatureClaim[]): ArrayBuffer {
  const messagesSize = claims.reduce((sum, { message }) => sum + message.length, 0);
  const bytes = new Uint8Array(HEADER_SIZE + claims.length * CLAIM_SIZE + messagesSize);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, claims.length, true);
  let at = HEADER_SIZE;
  for (const { publicKey, signature, message } of claims) {
    bytes.set(publicKey, at);
    bytes.set(signature, at + 32);
    view.setUint32(at + 96, message.length, true);
    bytes.set(message, at + CLAIM_SIZE);
    at += CLAIM_SIZE + message.length;
  }
  return bytes.buffer;
}

/** The claims as views into `buffer`, which came from `encodeClaims` of this process. */
export function decodeClaims(buffer: ArrayBuffer): SignatureClaim[] {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const claims: SignatureClaim[] = [];
  let at = HEADER_SIZE;
  for (let left = view.getUint16(0, true); left > 0; left--) {
    const messageAt = at + CLAIM_SIZE;
    const end = messageAt + view.getUint32(at + 96, true);
    claims.push({
      publicKey: bytes.subarray(at, at + 32),
      signature: bytes.subarray(at + 32, at + 96),
      message: bytes.subarray(messageAt, end),
    });
    at = end;
  }
  return claims;
}
