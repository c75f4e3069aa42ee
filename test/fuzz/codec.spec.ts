/**
 * Differential fuzz: the hand-written codecs against micro-packed declarations of the same formats.
 * Valid objects give the same bytes and come back equal; mutants are accepted by both or by none,
 * nothing is thrown, and what is accepted encodes to the bytes it came from.
 * FUZZ_ITERATIONS raises the effort, FUZZ_SEED repeats a run.
 */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { codecSays, FORMATS, oracleSays, type Format } from './formats.ts';
import { mutate, SeededRandom } from './random-objects.ts';

const iterations = Number(process.env['FUZZ_ITERATIONS'] ?? 150);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32);
const MUTANTS_PER_OBJECT = 4;

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
      const said = codecSays(format, mutant);
      if (said !== oracleSays(format, mutant)) return atSeed(i, 'differs', mutant);
      if (said !== 'refused' && said !== bytesToHex(mutant)) return atSeed(i, 'changes', mutant);
    }
    other = bytes;
  }
  return undefined;
}

describe(`codecs against their declarations (FUZZ_SEED=${seed})`, () => {
  it.each(FORMATS)('$name', (format) => {
    expect(firstFinding(format)).toBeUndefined();
  });
});
