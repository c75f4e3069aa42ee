/**
 * Goal 4, strictness: a million mutants of all wire objects. One that a codec accepts must encode
 * to its own bytes, and the micro-packed declaration must accept it too. The fuzz test does the
 * same with other seeds and also asks the declaration about refused ones (FUZZ_ITERATIONS).
 */
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { codecSays, FORMATS, oracleSays } from '../fuzz/formats.ts';
import { mutate, SeededRandom } from '../fuzz/random-objects.ts';
import { valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';

const MUTANTS_PER_OBJECT = 50;

interface Tally {
  mutants: number;
  accepted: number;
  /** Accepted, though not the bytes that the codec writes or the declaration takes. */
  findings: number;
}

function tryFormat(row: (typeof FORMATS)[number], objects: number, seed: number): Tally {
  const random = new SeededRandom(seed);
  const tally = { mutants: 0, accepted: 0, findings: 0 };
  let other: Uint8Array = new Uint8Array(8);
  for (let i = 0; i < objects; i++) {
    const bytes = row.encode(row.make(random));
    for (let j = 0; j < MUTANTS_PER_OBJECT; j++) {
      const mutant = mutate(random, bytes, other);
      tally.mutants += 1;
      const said = codecSays(row, mutant);
      if (said === 'refused') continue;
      tally.accepted += 1;
      if (said !== bytesToHex(mutant) || said !== oracleSays(row, mutant)) {
        tally.findings += 1;
        console.error(`${row.name}: seed ${seed} object ${i} ${bytesToHex(mutant)}`);
      }
    }
    other = bytes;
  }
  return tally;
}

function run(context: BenchContext): Promise<Measurement[]> {
  const total = context.quick ? 10_000 : 1_000_000;
  const objects = Math.ceil(total / MUTANTS_PER_OBJECT / FORMATS.length);
  const tallies = FORMATS.map((row) => tryFormat(row, objects, context.seed));
  const sum = (of: keyof Tally) => tallies.reduce((all, tally) => all + tally[of], 0);
  const accepted = `${sum('accepted')} accepted`;
  return Promise.resolve([
    {
      name: `non-canonical accepts, of ${sum('mutants')} mutants (${accepted})`,
      value: sum('findings'),
      limit: null,
      unit: 'mutants',
      ratio: null,
      goal: valueAtMost(0),
    },
  ]);
}

export const mutants: Bench = { name: 'mutants', goal: 4, run };
