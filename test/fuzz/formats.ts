/**
 * Every wire object with its codec, its micro-packed declaration and a maker of random ones: what
 * the fuzz test and the benchmark of the codecs go through.
 */
import { decodeBlock, encodeBlock } from '../../libs/tangle/src/core/codec/block.ts';
import {
  decodeCertificate,
  encodeCertificate,
} from '../../libs/tangle/src/core/codec/certificate.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../libs/tangle/src/core/codec/checkpoint.ts';
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
} from '../../libs/tangle/src/core/codec/consensus.ts';
import {
  decodeFrame,
  encodeFrame,
  FRAME_LENGTH_BYTES,
} from '../../libs/tangle/src/core/codec/frame.ts';
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { decodeMilestone, encodeMilestone } from '../../libs/tangle/src/core/codec/milestone.ts';
import { decodeOutput, encodeOutput } from '../../libs/tangle/src/core/codec/output.ts';
import { decodePack, encodePack } from '../../libs/tangle/src/core/codec/pack.ts';
import { decodePayload, encodePayload } from '../../libs/tangle/src/core/codec/payload.ts';
import {
  decodeTransaction,
  encodeTransaction,
} from '../../libs/tangle/src/core/codec/transaction.ts';
import { decodeVoucher, encodeVoucher } from '../../libs/tangle/src/core/codec/voucher.ts';
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import {
  auditPath,
  decodeAuditPath,
  encodeAuditPath,
} from '../../libs/tangle/src/core/crypto/merkle.ts';
import { fail, type Outcome } from '../../libs/tangle/src/core/outcome.ts';
import {
  oracleAuditPath,
  oracleBlock,
  oracleCertificate,
  oracleCheckpoint,
  oracleConsensusFrame,
  oracleConsensusMessage,
  oracleMilestone,
  oracleOutput,
  oraclePack,
  oraclePayload,
  oracleTransaction,
  oracleVoucher,
  type ConsensusFrame,
} from './oracle.ts';
import {
  randomBlock,
  randomCertificate,
  randomCheckpoint,
  randomConsensusFrame,
  randomConsensusMessage,
  randomMilestone,
  randomOutput,
  randomPayload,
  randomTransaction,
  randomVoucher,
  type SeededRandom,
} from './random-objects.ts';

/** Method syntax, so that formats of different objects fit one list. */
export interface Format<T> {
  readonly name: string;
  readonly oracle: { encode(value: T): Uint8Array; decode(bytes: Uint8Array): T };
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): Outcome<T>;
  make(random: SeededRandom): T;
}

/** Keeps the types of one row together. */
function format<T>(row: Format<T>): Format<unknown> {
  return row;
}

function randomPack(random: SeededRandom): Uint8Array[] {
  return random.list(random.between(1, 6), () => random.bytes(random.between(1, 90)));
}

function randomAuditPath(random: SeededRandom) {
  const leaves = random.list(random.between(1, 40), () => random.bytes(32));
  return auditPath(leaves, random.between(0, leaves.length - 1), nobleHasher);
}

/** The declaration beside it knows frames 10 and 11 only. */
function decodeConsensusFrame(bytes: Uint8Array): Outcome<ConsensusFrame> {
  const frame = decodeFrame(bytes);
  if (!frame.ok) return frame;
  const { value } = frame;
  if (value.type === 'get-consensus' || value.type === 'consensus') return { ok: true, value };
  return fail('frame-type-unknown');
}

export const FORMATS: readonly Format<unknown>[] = [
  format({
    name: 'block',
    oracle: oracleBlock,
    encode: encodeBlock,
    decode: decodeBlock,
    make: randomBlock,
  }),
  format({
    name: 'payload',
    oracle: oraclePayload,
    encode: encodePayload,
    decode: decodePayload,
    make: randomPayload,
  }),
  format({
    name: 'transaction',
    oracle: oracleTransaction,
    encode: encodeTransaction,
    decode: decodeTransaction,
    make: randomTransaction,
  }),
  format({
    name: 'output',
    oracle: oracleOutput,
    encode: encodeOutput,
    decode: decodeOutput,
    make: randomOutput,
  }),
  format({
    name: 'certificate',
    oracle: oracleCertificate,
    encode: encodeCertificate,
    decode: decodeCertificate,
    make: randomCertificate,
  }),
  format({
    name: 'milestone',
    oracle: oracleMilestone,
    encode: encodeMilestone,
    decode: decodeMilestone,
    make: randomMilestone,
  }),
  format({
    name: 'consensus message',
    oracle: oracleConsensusMessage,
    encode: encodeConsensusMessage,
    decode: decodeConsensusMessage,
    make: randomConsensusMessage,
  }),
  format({
    name: 'checkpoint',
    oracle: oracleCheckpoint,
    encode: encodeCheckpoint,
    decode: decodeCheckpoint,
    make: randomCheckpoint,
  }),
  format({
    name: 'frame of the agreement',
    oracle: oracleConsensusFrame,
    encode: (frame) => encodeFrame(frame).subarray(FRAME_LENGTH_BYTES),
    decode: decodeConsensusFrame,
    make: randomConsensusFrame,
  }),
  format({
    name: 'voucher',
    oracle: oracleVoucher,
    encode: encodeVoucher,
    decode: decodeVoucher,
    make: randomVoucher,
  }),
  format({
    name: 'pack',
    oracle: oraclePack,
    encode: encodePack,
    decode: decodePack,
    make: randomPack,
  }),
  format({
    name: 'audit path',
    oracle: oracleAuditPath,
    encode: encodeAuditPath,
    decode: decodeAuditPath,
    make: randomAuditPath,
  }),
];

/** What the codec says of bytes: the hex that it would write for them, or 'refused'. */
export function codecSays<T>(row: Format<T>, bytes: Uint8Array): string {
  const outcome = row.decode(bytes);
  return outcome.ok ? bytesToHex(row.encode(outcome.value)) : 'refused';
}

/** What the declaration says of them, in the same words. */
export function oracleSays<T>({ oracle }: Format<T>, bytes: Uint8Array): string {
  let value: T;
  try {
    value = oracle.decode(bytes);
  } catch {
    return 'refused';
  }
  return bytesToHex(oracle.encode(value));
}
