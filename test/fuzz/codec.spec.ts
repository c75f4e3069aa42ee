/**
 * Differential fuzz: the hand-written codecs against micro-packed declarations of the same formats.
 * Valid objects give the same bytes and come back equal; mutants are accepted by both or by none,
 * nothing is thrown, and what is accepted encodes to the bytes it came from.
 * FUZZ_ITERATIONS raises the effort, FUZZ_SEED repeats a run.
 */
import { describe, expect, it } from '@jest/globals';
import type { CoderType } from 'micro-packed';
import { decodeBlock, encodeBlock } from '../../libs/tangle/src/core/codec/block.ts';
import {
  decodeCertificate,
  encodeCertificate,
} from '../../libs/tangle/src/core/codec/certificate.ts';
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
import type { Outcome } from '../../libs/tangle/src/core/outcome.ts';
import {
  oracleAuditPath,
  oracleBlock,
  oracleCertificate,
  oracleMilestone,
  oracleOutput,
  oraclePack,
  oraclePayload,
  oracleTransaction,
  oracleVoucher,
} from './oracle.ts';
import {
  mutate,
  randomBlock,
  randomCertificate,
  randomMilestone,
  randomOutput,
  randomPayload,
  randomTransaction,
  randomVoucher,
  SeededRandom,
} from './random-objects.ts';

const iterations = Number(process.env['FUZZ_ITERATIONS'] ?? 150);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const MUTANTS_PER_OBJECT = 4;

interface Format<T> {
  readonly oracle: CoderType<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Outcome<T>;
  readonly make: (random: SeededRandom) => T;
}

/** What one side says of bytes: its bytes again, or 'refused'. A thrown error is a finding. */
function oursSays<T>(format: Format<T>, bytes: Uint8Array): string {
  const outcome = format.decode(bytes);
  return outcome.ok ? bytesToHex(format.encode(outcome.value)) : 'refused';
}

function oracleSays<T>(format: Format<T>, bytes: Uint8Array): string {
  let value: T;
  try {
    value = format.oracle.decode(bytes);
  } catch {
    return 'refused';
  }
  return bytesToHex(format.oracle.encode(value));
}

/** Text of the failure that a reader needs to repeat it. */
function atSeed(iteration: number, what: string, bytes: Uint8Array): string {
  return `FUZZ_SEED=${seed} iteration ${iteration} ${what} ${bytesToHex(bytes)}`;
}

function firstFinding<T>(format: Format<T>): string | undefined {
  const random = new SeededRandom(seed);
  let other: Uint8Array = new Uint8Array(8);
  for (let i = 0; i < iterations; i++) {
    const value = format.make(random);
    const bytes = format.encode(value);
    const same = bytesToHex(bytes);
    if (bytesToHex(format.oracle.encode(value)) !== same) return atSeed(i, 'encodes', bytes);
    expect(format.decode(bytes)).toEqual({ ok: true, value });
    expect(format.oracle.decode(bytes)).toEqual(value);
    for (let j = 0; j < MUTANTS_PER_OBJECT; j++) {
      const mutant = mutate(random, bytes, other);
      const said = oursSays(format, mutant);
      if (said !== oracleSays(format, mutant)) return atSeed(i, 'differs', mutant);
      if (said !== 'refused' && said !== bytesToHex(mutant)) return atSeed(i, 'changes', mutant);
    }
    other = bytes;
  }
  return undefined;
}

describe(`codecs against their declarations (FUZZ_SEED=${seed})`, () => {
  it('block', () => {
    const format = { oracle: oracleBlock, encode: encodeBlock, decode: decodeBlock };
    expect(firstFinding({ ...format, make: randomBlock })).toBeUndefined();
  });

  it('payload', () => {
    const format = { oracle: oraclePayload, encode: encodePayload, decode: decodePayload };
    expect(firstFinding({ ...format, make: randomPayload })).toBeUndefined();
  });

  it('transaction', () => {
    const format = {
      oracle: oracleTransaction,
      encode: encodeTransaction,
      decode: decodeTransaction,
    };
    expect(firstFinding({ ...format, make: randomTransaction })).toBeUndefined();
  });

  it('output', () => {
    const format = { oracle: oracleOutput, encode: encodeOutput, decode: decodeOutput };
    expect(firstFinding({ ...format, make: randomOutput })).toBeUndefined();
  });

  it('certificate', () => {
    const format = {
      oracle: oracleCertificate,
      encode: encodeCertificate,
      decode: decodeCertificate,
    };
    expect(firstFinding({ ...format, make: randomCertificate })).toBeUndefined();
  });

  it('milestone', () => {
    const format = { oracle: oracleMilestone, encode: encodeMilestone, decode: decodeMilestone };
    expect(firstFinding({ ...format, make: randomMilestone })).toBeUndefined();
  });

  it('voucher', () => {
    const format = { oracle: oracleVoucher, encode: encodeVoucher, decode: decodeVoucher };
    expect(firstFinding({ ...format, make: randomVoucher })).toBeUndefined();
  });

  it('pack', () => {
    const make = (random: SeededRandom) =>
      random.list(random.between(1, 6), () => random.bytes(random.between(1, 90)));
    const format = { oracle: oraclePack, encode: encodePack, decode: decodePack };
    expect(firstFinding({ ...format, make })).toBeUndefined();
  });

  it('audit path', () => {
    const make = (random: SeededRandom) => {
      const leaves = random.list(random.between(1, 40), () => random.bytes(32));
      return auditPath(leaves, random.between(0, leaves.length - 1), nobleHasher);
    };
    const format = { oracle: oracleAuditPath, encode: encodeAuditPath, decode: decodeAuditPath };
    expect(firstFinding({ ...format, make })).toBeUndefined();
  });
});
