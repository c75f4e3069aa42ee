/**
 * Goal 19: filters of tags, on a busy second of the tangle: bits of a tag, building and encoding,
 * reading an answer, and matching what a client with a few contacts waits for. The limits are the
 * information that a filter of this error rate must hold; and the hashes alone that a filter keyed
 * by the milestone, as in BIP-158, would ask for, which is why this one has no key.
 */
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import {
  checkFilterRange,
  decodeFilterRange,
  encodeFilterRange,
} from '../../libs/tangle/src/core/filter/filter-range.ts';
import { matchFilter, watchFor } from '../../libs/tangle/src/core/filter/match.ts';
import {
  buildFilter,
  encodeFilter,
  QUERIES_PER_FALSE_HIT,
} from '../../libs/tangle/src/core/filter/tag-filter.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { compare, interleave, median, repeat } from './measure.ts';

/** Envelopes of a busy second: a million users at 30 mails a day. */
const TAGS = 350;
/** Tags that a client waits for. */
const WATCHED = 500;
/** Milestones of one answer: as many busy ones as a megabyte holds. */
const MILESTONES = 1_000;
/** Calls in a row: the portable hashes of one filter take most of a millisecond. */
const CALLS = 4;
/** Bytes that a keyed filter hashes for each tag: a key of 16 and the tag. */
const KEYED_INPUT_SIZE = 32;

/** Bits of a tag, against log2(M) + log2(e): what any such set of random numbers takes. */
function measureSize(tags: readonly Uint8Array[]): Measurement {
  const value = (encodeFilter(buildFilter(tags)).length * 8) / tags.length;
  const limit = Math.log2(QUERIES_PER_FALSE_HIT) + Math.LOG2E;
  const goal = atMost(1.02);
  return { name: 'filter, size', value, limit, unit: 'bits/tag', ratio: value / limit, goal };
}

/** Reads an answer of busy milestones as a client does: form, values, headers. */
function readAnswer(filter: Uint8Array): () => unknown {
  const request = { first: 0, last: MILESTONES - 1 };
  const before = new Uint8Array(32);
  const filters = Array.from({ length: MILESTONES }, (_, index) => ({ index, bytes: filter }));
  const answer = encodeFilterRange(request, before, filters);
  return () => {
    const range = decodeFilterRange(answer);
    if (!range.ok) throw new Error(range.code);
    return checkFilterRange(range.value, request, before, nobleHasher);
  };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const { quick, rounds } = context;
  const random = new SeededRandom(context.seed);
  const tags = random.list(TAGS, () => random.bytes(16));
  const watched = random.list(WATCHED, () => random.bytes(16));
  const filter = buildFilter(tags);
  const bytes = encodeFilter(filter);
  const watch = watchFor(watched);
  const input = random.bytes(KEYED_INPUT_SIZE);
  const hashes = (count: number) => () => {
    for (let i = 0; i < count; i++) nobleHasher.blake2b256(input);
  };
  const costs = await interleave(rounds, {
    build: repeat(quick, () => encodeFilter(buildFilter(tags)), CALLS),
    answer: repeat(quick, readAnswer(bytes), 1),
    match: repeat(quick, () => matchFilter(filter, watch), CALLS),
    tagHashes: repeat(quick, hashes(TAGS), CALLS),
    watchHashes: repeat(quick, hashes(WATCHED), CALLS),
  });
  const build = compare(costs.build, costs.tagHashes, 'thread');
  const match = compare(costs.match, costs.watchHashes, 'thread');
  return [
    measureSize(tags),
    {
      name: 'filter, build and encode / portable hashes of a keyed one',
      value: build.value / TAGS,
      limit: build.limit / TAGS,
      unit: 'µs/tag',
      ratio: build.costRatio,
      goal: null,
    },
    {
      name: `filter of ${TAGS} tags in an answer, decode and chain`,
      value: median(costs.answer.map(({ thread }) => thread)) / MILESTONES,
      limit: null,
      unit: 'µs/filter',
      ratio: null,
      goal: null,
    },
    {
      name: `filter of ${TAGS} tags, match ${WATCHED} / portable hashes of a keyed one`,
      value: match.value,
      limit: match.limit,
      unit: 'µs/filter',
      ratio: match.costRatio,
      goal: atMost(0.02),
    },
  ];
}

export const filter: Bench = { name: 'filter', goal: 19, run };
