/** Ranges of filters and their headers: vectors, hostile answers, and finding who of two lies. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes, type MilestoneId } from '../codec/ids.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { FILTER_SEGMENT, MAX_CONE, MAX_FILTER_RANGE_SIZE } from '../params/limits.ts';
import {
  disputeProbe,
  hidesEnvelope,
  isFilterOf,
  narrowDispute,
  nextFilterHeader,
  openDispute,
  segmentOf,
  segmentStart,
} from './filter-chain.ts';
import {
  checkFilterRange,
  decodeFilterRange,
  encodeFilterRange,
  type FilterRange,
  type StoredFilter,
} from './filter-range.ts';
import { buildFilter, encodeFilter } from './tag-filter.ts';

interface Vectors {
  readonly chain: {
    readonly genesisId: string;
    readonly segment: number;
    readonly start: string;
    readonly first: number;
    readonly last: number;
    readonly filters: readonly {
      readonly index: number;
      readonly tags: readonly string[];
      readonly header: string;
    }[];
    readonly range: string;
  };
}

const root = new URL('../../../../../', import.meta.url);
const { chain } = JSON.parse(
  readFileSync(new URL('test/vectors/filter.json', root), 'utf8'),
) as Vectors;
const page = readFileSync(new URL('docs/spec/17-filter.md', root), 'utf8');
const GENESIS = chain.genesisId as MilestoneId;
const BEFORE = hexToBytes(chain.start);
const FIRST = chain.first;

function tagOf(...bytes: number[]): Uint8Array {
  const tag = new Uint8Array(16);
  tag.set(bytes);
  return tag;
}

function stored(index: number, ...tags: Uint8Array[]): StoredFilter {
  return { index, bytes: encodeFilter(buildFilter(tags)) };
}

function carrier(tag: Uint8Array) {
  return { payload: { kind: 'envelope', bytes: Uint8Array.of(1, 2, ...tag, 9, 9) } } as const;
}

function codeOf(bytes: Uint8Array): string {
  const outcome = decodeFilterRange(bytes);
  return outcome.ok ? 'ok' : outcome.code;
}

function unwrap(bytes: Uint8Array): FilterRange {
  const outcome = decodeFilterRange(bytes);
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

/** A range whose head says what is asked, with `entries` behind it. */
function forge(first: number, milestones: number, entries: string, version = 1): Uint8Array {
  const head = new Uint8Array(39);
  const words = new DataView(head.buffer);
  head[0] = version;
  words.setUint32(1, first, true);
  words.setUint16(5, milestones, true);
  head.set(BEFORE, 7);
  return Uint8Array.of(...head, ...hexToBytes(entries));
}

/** The filter of one tag whose point is 0: count 1 and twenty bits. */
const ONE = '01000000';

describe('the vectors', () => {
  const filters = chain.filters.map(({ index, tags }) =>
    stored(index, ...tags.map((hex) => hexToBytes(hex))),
  );

  it('have the headers of the chain', () => {
    const start = segmentStart(GENESIS, chain.segment, nobleHasher);
    expect(bytesToHex(start)).toBe(chain.start);
    expect(page).toContain(chain.start);
    let header = start;
    for (const [i, { index, bytes }] of filters.entries()) {
      header = nextFilterHeader(header, index, bytes, nobleHasher);
      expect(bytesToHex(header)).toBe(chain.filters[i]?.header);
    }
    for (const { header: shown } of chain.filters.slice(0, 2)) expect(page).toContain(shown);
  });

  it('have the bytes of an answer, which leads to the last header', () => {
    const request = { first: FIRST, last: chain.last };
    const bytes = encodeFilterRange(request, BEFORE, filters);
    expect(bytesToHex(bytes)).toBe(chain.range);
    const range = unwrap(hexToBytes(chain.range));
    expect(range.filters.map(({ index, bytes: one }) => ({ index, bytes: one }))).toEqual(filters);
    const header = checkFilterRange(range, request, BEFORE, nobleHasher);
    expect(header).toEqual({ ok: true, value: hexToBytes(chain.filters.at(-1)?.header ?? '') });
  });
});

describe('filter headers', () => {
  it('stay as they are over a milestone without envelopes', () => {
    const empty = stored(FIRST);
    expect(nextFilterHeader(BEFORE, FIRST, empty.bytes, nobleHasher)).toBe(BEFORE);
  });

  it('differ by index, by filter and by what came before', () => {
    const { bytes } = stored(FIRST, tagOf(1));
    const other = stored(FIRST, tagOf(2)).bytes;
    const headers = [
      nextFilterHeader(BEFORE, FIRST, bytes, nobleHasher),
      nextFilterHeader(BEFORE, FIRST + 1, bytes, nobleHasher),
      nextFilterHeader(BEFORE, FIRST, other, nobleHasher),
      nextFilterHeader(segmentStart(GENESIS, 3, nobleHasher), FIRST, bytes, nobleHasher),
    ];
    expect(new Set(headers.map((one) => bytesToHex(one))).size).toBe(headers.length);
  });
});

describe('a range', () => {
  it('comes back as it was, whatever it holds', () => {
    const entry = fc.tuple(
      fc.nat(400),
      fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { minLength: 1, maxLength: 9 }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 9 }), (entries) => {
        let next = FIRST;
        const filters = entries.map(([gap, tags]) => {
          const one = stored(next + gap, ...tags);
          next = one.index + 1;
          return one;
        });
        const last = FIRST + FILTER_SEGMENT - 1;
        const range = unwrap(encodeFilterRange({ first: FIRST, last }, BEFORE, filters));
        expect(range).toMatchObject({ first: FIRST, milestones: FILTER_SEGMENT, before: BEFORE });
        expect(range.filters.map(({ index, bytes }) => ({ index, bytes }))).toEqual(filters);
        const again = encodeFilterRange({ first: FIRST, last }, range.before, range.filters);
        expect(unwrap(again)).toEqual(range);
      }),
    );
  });

  it('ends before the filter that would make it too large, and goes on from there', () => {
    const tags = Array.from({ length: MAX_CONE }, (_, i) => tagOf(i >> 8, i & 0xff, 1));
    const { bytes } = stored(FIRST, ...tags);
    const filters = Array.from({ length: 40 }, (_, i) => ({ index: FIRST + 2 * i, bytes }));
    const request = { first: FIRST, last: FIRST + 100 };
    const part = encodeFilterRange(request, BEFORE, filters);
    expect(part.length).toBeLessThanOrEqual(MAX_FILTER_RANGE_SIZE);
    expect(part.length).toBeGreaterThan(MAX_FILTER_RANGE_SIZE - bytes.length - 3);
    const range = unwrap(part);
    const left = filters.slice(range.filters.length);
    expect(range.milestones).toBe(left[0]!.index - FIRST);
    const header = checkFilterRange(range, request, BEFORE, nobleHasher);
    if (!header.ok) throw new Error(header.code);
    const rest = { first: FIRST + range.milestones, last: request.last };
    const second = unwrap(encodeFilterRange(rest, header.value, left));
    expect(second).toMatchObject({ first: rest.first, before: header.value });
    expect(second.filters[0]?.index).toBe(rest.first);
  });

  it('is of one segment: anything else is a fault of our own', () => {
    const request = { first: FIRST - 1, last: FIRST };
    expect(() => encodeFilterRange(request, BEFORE, [])).toThrow('a range lies in one segment');
  });
});

describe('hostile ranges', () => {
  it('too-large, version-unknown, truncated', () => {
    expect(codeOf(new Uint8Array(MAX_FILTER_RANGE_SIZE + 1))).toBe('too-large');
    expect(codeOf(forge(FIRST, 1, '', 2))).toBe('version-unknown');
    expect(codeOf(forge(FIRST, 1, '').subarray(0, 38))).toBe('truncated');
    expect(codeOf(forge(FIRST, 1, '000100'))).toBe('truncated');
  });

  it('count-out-of-range: no milestones, more than a segment, a filter that is empty', () => {
    expect(codeOf(forge(FIRST, 0, ''))).toBe('count-out-of-range');
    expect(codeOf(forge(FIRST, FILTER_SEGMENT + 1, ''))).toBe('count-out-of-range');
    expect(codeOf(forge(FIRST, 9, '0000'))).toBe('count-out-of-range');
  });

  it('number-out-of-range: two segments, or a filter behind the range', () => {
    expect(codeOf(forge(FIRST, FILTER_SEGMENT, ''))).toBe('ok');
    expect(codeOf(forge(FIRST + 1, FILTER_SEGMENT, ''))).toBe('number-out-of-range');
    expect(codeOf(forge(0xffff_ffff, 1, ''))).toBe('ok');
    expect(codeOf(forge(0xffff_ffff, 2, ''))).toBe('number-out-of-range');
    expect(codeOf(forge(FIRST, 2, `01${ONE}`))).toBe('ok');
    expect(codeOf(forge(FIRST, 2, `02${ONE}`))).toBe('number-out-of-range');
    expect(codeOf(forge(FIRST, 2, `00${ONE}00${ONE}00${ONE}`))).toBe('number-out-of-range');
  });

  it('not-canonical: padding of a filter in the middle, a gap in too many bytes', () => {
    expect(codeOf(forge(FIRST, 9, `000100000100${ONE}`))).toBe('not-canonical');
    expect(codeOf(forge(FIRST, 9, `fd0000${ONE}`))).toBe('not-canonical');
  });

  it('never throw, and encode to themselves when they are accepted', () => {
    const good = hexToBytes(chain.range);
    const mutant = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(mutant, { maxLength: 3 }), fc.nat(good.length), (changes, end) => {
        const bytes = good.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        const cut = end % 2 === 0 ? bytes : bytes.subarray(0, end);
        const outcome = decodeFilterRange(cut);
        if (!outcome.ok) return;
        const { first, milestones, before, filters } = outcome.value;
        const request = { first, last: first + milestones - 1 };
        expect(encodeFilterRange(request, before, filters)).toEqual(Uint8Array.from(cut));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('checkFilterRange', () => {
  const request = { first: FIRST + 5, last: FIRST + 9 };
  const range = unwrap(encodeFilterRange(request, BEFORE, [stored(FIRST + 6, tagOf(1))]));
  const check = (asked: typeof request, before: Uint8Array) => {
    const outcome = checkFilterRange(range, asked, before, nobleHasher);
    return outcome.ok ? 'ok' : `${outcome.code} ${outcome.detail}`;
  };

  it('proof-invalid: another begin, more than was asked, another header before', () => {
    expect(check(request, BEFORE)).toBe('ok');
    expect(check({ first: FIRST + 4, last: FIRST + 9 }, BEFORE)).toBe('proof-invalid first');
    expect(check({ first: FIRST + 5, last: FIRST + 8 }, BEFORE)).toBe('proof-invalid last');
    expect(check(request, new Uint8Array(32))).toBe('proof-invalid header before');
  });
});

describe('two nodes of which one lies', () => {
  /** Every third milestone of the segment carries one envelope. */
  const tagAt = (index: number): Uint8Array => tagOf(index & 0xff, index >> 8, 3);
  const tagsAt = (index: number): Uint8Array[] => ((index - FIRST) % 3 === 0 ? [tagAt(index)] : []);
  const end = FIRST + 999;

  /** The header after each milestone of a node that tells `lie` of milestone `at`. */
  function headersOf(at: number, lie: readonly Uint8Array[]): Uint8Array[] {
    const headers: Uint8Array[] = [];
    let header: Uint8Array = BEFORE;
    for (let index = FIRST; index <= end; index++) {
      const tags = index === at ? lie : tagsAt(index);
      header = nextFilterHeader(header, index, stored(index, ...tags).bytes, nobleHasher);
      headers.push(header);
    }
    return headers;
  }

  const honest = headersOf(-1, []);

  it.each([
    ['hides an envelope', 0],
    ['hides an envelope', 999],
    ['adds a tag', 500],
    ['has another tag', 333],
  ])('%s in milestone %i of the segment: found, and known by the blocks', (what, offset) => {
    const at = FIRST + offset;
    const invented = tagOf(0xaa, 0xbb, offset & 0xff);
    const truth = tagsAt(at);
    const lies = { 'hides an envelope': [], 'adds a tag': [...truth, invented] };
    const lie = what in lies ? lies[what as keyof typeof lies] : [invented];
    const liar = headersOf(at, lie);
    let dispute = openDispute(end);
    let probes = 0;
    for (let probe = disputeProbe(dispute); probe !== undefined; probe = disputeProbe(dispute)) {
      const [a, b] = [honest[probe - FIRST], liar[probe - FIRST]];
      dispute = narrowDispute(dispute, probe, bytesToHex(a!) === bytesToHex(b!));
      probes += 1;
    }
    expect(dispute).toEqual({ agreed: at - 1, differ: at });
    expect(probes).toBeLessThanOrEqual(10);
    expect(isFilterOf(stored(at, ...truth).bytes, truth.map(carrier))).toBe(true);
    expect(isFilterOf(stored(at, ...lie).bytes, truth.map(carrier))).toBe(false);
    const hides = truth.some((tag) => hidesEnvelope(buildFilter(lie), carrier(tag)));
    expect(hides).toBe(what !== 'adds a tag');
    expect(truth.some((tag) => hidesEnvelope(buildFilter(truth), carrier(tag)))).toBe(false);
  });

  it('begin their dispute at the segment', () => {
    expect(openDispute(end)).toEqual({ agreed: FIRST - 1, differ: end });
    expect(segmentOf(FIRST - 1)).toBe(chain.segment - 1);
    expect(() => narrowDispute(openDispute(end), end, true)).toThrow('a probe lies inside');
  });
});
