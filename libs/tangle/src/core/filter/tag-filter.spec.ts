/** Filters: the checked-in vectors and the page, every code of the decoder, and properties. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '../codec/ids.ts';
import type { Payload } from '../codec/payload.ts';
import { Writer } from '../codec/writer.ts';
import { MAX_CONE } from '../params/limits.ts';
import { encodeGaps } from './gaps.ts';
import {
  buildFilter,
  decodeFilter,
  encodeFilter,
  envelopeTags,
  QUERIES_PER_FALSE_HIT,
  MAX_FILTER_SIZE,
  pointOf,
  scalePoint,
  valueLimit,
  writeCompact,
  type TagFilter,
} from './tag-filter.ts';

interface Vectors {
  readonly bip158: { readonly filters: readonly string[] };
  readonly filters: readonly {
    readonly name: string;
    readonly tags: readonly string[];
    readonly values: readonly number[];
    readonly filter: string;
  }[];
}

const root = new URL('../../../../../', import.meta.url);
const vectors = JSON.parse(
  readFileSync(new URL('test/vectors/filter.json', root), 'utf8'),
) as Vectors;
const page = readFileSync(new URL('docs/spec/17-filter.md', root), 'utf8');

const tag = fc.uint8Array({ minLength: 16, maxLength: 16 });

function codeOf(bytes: Uint8Array): string {
  const outcome = decodeFilter(bytes);
  return outcome.ok ? 'ok' : outcome.code;
}

function unwrap(bytes: Uint8Array): TagFilter {
  const outcome = decodeFilter(bytes);
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.value;
}

/** A filter that says `count` and holds `values`, whether they fit it or not. */
function forge(count: number, values: readonly number[]): Uint8Array {
  const writer = new Writer(8);
  writeCompact(writer, count);
  writer.raw(encodeGaps(Float64Array.from(values)));
  return writer.finish();
}

/** `count` tags whose points lie evenly over all that there are. */
function evenTags(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(0, (BigInt(i) << 64n) / BigInt(count));
    return bytes;
  });
}

describe('the vectors', () => {
  it.each(vectors.filters)('$name', ({ tags, values, filter }) => {
    const built = buildFilter(tags.map((hex) => hexToBytes(hex)));
    expect([...built.values]).toEqual(values);
    expect(bytesToHex(encodeFilter(built))).toBe(filter);
    expect([...unwrap(hexToBytes(filter)).values]).toEqual(values);
  });

  it.each(vectors.bip158.filters)('published by BIP-158: %s', (filter) => {
    const { values } = unwrap(hexToBytes(filter));
    expect(values.length).toBe(Number.parseInt(filter.slice(0, 2), 16));
    expect(bytesToHex(encodeFilter({ values }))).toBe(filter);
  });

  it('have the worked example of the page', () => {
    const example = vectors.filters.find(({ name }) => name === 'the page');
    expect(example).toBeDefined();
    const shown = [...(example?.tags ?? []), ...(example?.values ?? []), example?.filter ?? ''];
    for (const text of shown) expect(page).toContain(`${text}`);
  });
});

describe('envelopeTags', () => {
  it('takes bytes 2 to 17 of envelopes, of any version, and of nothing else', () => {
    const envelope = (version: number, fill: number): Payload => {
      const bytes = new Uint8Array(40).fill(fill);
      bytes[0] = version;
      return { kind: 'envelope', bytes };
    };
    const data: Payload = { kind: 'tagged-data', tag: new Uint8Array(16), data: new Uint8Array(9) };
    const payloads = [envelope(1, 7), data, null, envelope(9, 8)];
    const found = envelopeTags(payloads.map((payload) => ({ payload })));
    expect(found).toEqual([new Uint8Array(16).fill(7), new Uint8Array(16).fill(8)]);
  });
});

describe('buildFilter', () => {
  it('does not depend on the order of the tags, nor on how often one is named', () => {
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 40 }), (tags) => {
        const once = encodeFilter(buildFilter(tags));
        expect(encodeFilter(buildFilter([...tags.toReversed(), ...tags]))).toEqual(once);
      }),
    );
  });

  it('leaves values ascending below their limit', () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 60 }), (tags) => {
        const { values } = buildFilter(tags);
        expect(values).toEqual(values.toSorted());
        expect(values.at(-1)).toBeLessThan(valueLimit(values.length));
      }),
    );
  });

  it('refuses a tag of another length as a fault of our own', () => {
    expect(() => buildFilter([new Uint8Array(15)])).toThrow('a tag has 16 bytes');
  });
});

describe('scalePoint', () => {
  it('is the exact quotient for every count that a filter can have', () => {
    const counts = fc.integer({ min: 0, max: MAX_CONE });
    fc.assert(
      fc.property(tag, counts, (bytes, count) => {
        const point = pointOf(bytes);
        expect(bytesToHex(bytes.subarray(0, 6))).toBe(point.toString(16).padStart(12, '0'));
        const exact = (BigInt(point) * BigInt(valueLimit(count))) >> 48n;
        expect(scalePoint(point, valueLimit(count))).toBe(Number(exact));
      }),
    );
  });

  it('is exact at the highest point of the largest filter', () => {
    const highest = 2 ** 48 - 1;
    expect(scalePoint(highest, valueLimit(MAX_CONE))).toBe(MAX_CONE * QUERIES_PER_FALSE_HIT - 1);
  });
});

describe('the codec', () => {
  it('takes about 21 bits a tag, and never more than its limit', () => {
    const bits = (tags: readonly Uint8Array[]): number =>
      (encodeFilter(buildFilter(tags)).length * 8) / tags.length;
    expect(bits(evenTags(1_000))).toBeLessThan(21.5);
    const full = evenTags(MAX_CONE);
    expect(encodeFilter(buildFilter(full)).length).toBeLessThanOrEqual(MAX_FILTER_SIZE);
    expect(bits(full)).toBeGreaterThan(20);
  });

  it('stays within its limit when all tags lie at the ends', () => {
    const ends = Array.from({ length: MAX_CONE }, (_, i) => {
      const bytes = new Uint8Array(16).fill(i % 2 === 0 ? 0 : 0xff);
      new DataView(bytes.buffer).setUint16(4, i);
      return bytes;
    });
    const filter = buildFilter(ends);
    expect(filter.values.length).toBe(MAX_CONE);
    const bytes = encodeFilter(filter);
    expect(bytes.length).toBeLessThanOrEqual(MAX_FILTER_SIZE);
    expect(unwrap(bytes)).toEqual(filter);
  });

  it('gives back what it was given', () => {
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 300 }), (tags) => {
        const filter = buildFilter(tags);
        expect(unwrap(encodeFilter(filter))).toEqual(filter);
      }),
    );
  });

  it('never throws at hostile bytes, and writes again what it accepts', () => {
    const noise = fc.uint8Array({ maxLength: 60 });
    const mutant = fc
      .tuple(fc.array(tag, { minLength: 1, maxLength: 20 }), fc.nat(), fc.integer({ max: 255 }))
      .map(([tags, at, byte]) => {
        const bytes = encodeFilter(buildFilter(tags));
        bytes[at % bytes.length] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(noise, mutant), (bytes) => {
        const outcome = decodeFilter(bytes);
        const said = outcome.ok ? encodeFilter(outcome.value) : outcome.action;
        expect(said).toEqual(outcome.ok ? bytes : 'reject');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('hostile filters', () => {
  it('too-large: more than a full cone can need', () => {
    expect(codeOf(new Uint8Array(MAX_FILTER_SIZE + 1))).toBe('too-large');
  });

  it('truncated: nothing, half a count, fewer bits than the count asks for', () => {
    expect(codeOf(new Uint8Array(0))).toBe('truncated');
    expect(codeOf(hexToBytes('fd01'))).toBe('truncated');
    expect(codeOf(forge(3, [1, 2]))).toBe('truncated');
    expect(codeOf(forge(MAX_CONE, [1, 2]))).toBe('truncated');
    // Two tags in 32 bits: refused before room for them is made, or a value is read.
    expect(codeOf(hexToBytes('02f0000000'))).toBe('truncated');
  });

  it('truncated: a quotient that runs over the end', () => {
    expect(codeOf(hexToBytes('0200000c0000'))).toBe('truncated');
  });

  it('count-out-of-range: more tags than a milestone has blocks', () => {
    expect(codeOf(forge(MAX_CONE + 1, []))).toBe('count-out-of-range');
  });

  it('number-out-of-range: a value that no point has, and ones without end', () => {
    expect(codeOf(forge(1, [QUERIES_PER_FALSE_HIT - 1]))).toBe('ok');
    expect(codeOf(forge(1, [QUERIES_PER_FALSE_HIT]))).toBe('number-out-of-range');
    expect(codeOf(forge(2, [5, 2 * QUERIES_PER_FALSE_HIT]))).toBe('number-out-of-range');
    const ones = new Uint8Array(MAX_FILTER_SIZE).fill(0xff);
    ones[0] = 1;
    expect(codeOf(ones)).toBe('number-out-of-range');
  });

  it('not-canonical: a short count in three bytes, a byte that counts nothing', () => {
    expect(codeOf(hexToBytes('fd0000'))).toBe('not-canonical');
    expect(codeOf(hexToBytes('fdfc00'))).toBe('not-canonical');
    expect(codeOf(hexToBytes('fe00000000'))).toBe('not-canonical');
    expect(codeOf(hexToBytes('ff'))).toBe('not-canonical');
  });

  it('not-canonical: padding that is not zero', () => {
    const bytes = forge(1, [5]);
    bytes[bytes.length - 1]! |= 1;
    expect(codeOf(bytes)).toBe('not-canonical');
  });

  it('trailing-bytes: behind the last bit, behind an empty filter', () => {
    expect(codeOf(Uint8Array.of(...forge(1, [5]), 0))).toBe('trailing-bytes');
    expect(codeOf(Uint8Array.of(0, 0))).toBe('trailing-bytes');
  });
});
