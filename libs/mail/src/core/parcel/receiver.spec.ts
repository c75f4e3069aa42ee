import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { nativeSuite } from '../../io/crypto/native-suite.ts';
import { codeOf, fromHex, valueOf } from '../../testing/vectors.ts';
import { sha256 } from '../crypto/kdf.ts';
import { segmentRoot } from '../market/segment-tree.ts';
import { PART_CAPACITY } from './layout.ts';
import { percentDone } from './progress.ts';
import {
  concludeParcel,
  decodeReceiver,
  encodeReceiver,
  fetchProgress,
  markFailed,
  nextFetches,
  receiverPhase,
  retrySources,
  startReceiver,
  takePart,
} from './receiver.ts';
import type { ParcelReceiver } from './receiver.ts';
import { sealParcel } from './seal.ts';
import { anyManifest, exampleContent, mutantsOf, VECTORS } from '../../testing/parcels.ts';

const SOURCES = ['51'.repeat(32), '52'.repeat(32)];
const content = exampleContent(PART_CAPACITY + 100, 4);
const { manifest, parts } = valueOf(sealParcel(content, new Uint8Array(32).fill(8), nativeSuite));
const start = startReceiver(manifest, SOURCES);

function partAt(index: number): Uint8Array {
  const part = parts[index];
  if (!part) throw new Error('no such part');
  return part;
}

function take(receiver: ParcelReceiver, index: number, source = 0): ParcelReceiver {
  return takePart(receiver, index, source, partAt(index), nativeSuite).receiver;
}

describe('a receiver of a parcel', () => {
  it('goes from nothing to the content', () => {
    expect(nextFetches(start, 9)).toEqual([
      { index: 0, source: 0 },
      { index: 1, source: 0 },
    ]);
    const first = takePart(start, 0, 0, partAt(0), nativeSuite);
    expect(receiverPhase(first.receiver)).toBe('fetching');
    expect(nextFetches(first.receiver, 9)).toEqual([{ index: 1, source: 0 }]);
    const second = takePart(first.receiver, 1, 0, partAt(1), nativeSuite);
    expect(receiverPhase(second.receiver)).toBe('assembling');
    const whole = Buffer.concat([valueOf(first.content), valueOf(second.content)]);
    expect(whole.equals(content)).toBe(true);
    const end = concludeParcel(second.receiver, sha256(whole));
    expect(valueOf(end.result)).toBe(content.length);
    expect(receiverPhase(end.receiver)).toBe('complete');
    expect(nextFetches(end.receiver, 9)).toEqual([]);
  });

  it('goes to the next provider when one fails, is blocked when all did, and begins again', () => {
    const one = markFailed(start, 0, 0);
    expect(nextFetches(one, 1)).toEqual([{ index: 0, source: 1 }]);
    const none = take(markFailed(one, 0, 1), 1);
    expect(receiverPhase(none)).toBe('blocked');
    expect(nextFetches(none, 9)).toEqual([]);
    const again = retrySources(none);
    expect(receiverPhase(again)).toBe('fetching');
    expect(nextFetches(again, 9)).toEqual([{ index: 0, source: 0 }]);
  });

  it('parcel-part-root and -size: the provider is at fault and the part is asked elsewhere', () => {
    const wrong = takePart(start, 0, 0, partAt(0).with(5, 1), nativeSuite);
    expect(codeOf(wrong.content)).toBe('parcel-part-root');
    const short = takePart(start, 0, 0, partAt(0).subarray(9), nativeSuite);
    expect(codeOf(short.content)).toBe('parcel-part-size');
    for (const { receiver } of [wrong, short]) {
      expect(receiver.parts[0]).toEqual({ state: 'missing', source: 0, failed: 1 });
      expect(nextFetches(receiver, 1)).toEqual([{ index: 0, source: 1 }]);
      expect(receiver.verdict).toBe('open');
    }
  });

  it('keeps what one provider gave when another fails', () => {
    const verified = take(start, 0, 1);
    expect(markFailed(verified, 0, 0)).toEqual(verified);
    expect(markFailed(verified, 0, 1)).toEqual(verified);
  });

  it('forgives a provider that delivers after all', () => {
    const late = take(markFailed(start, 0, 0), 0, 0);
    expect(late.parts[0]).toEqual({ state: 'verified', source: 0, failed: 0 });
  });

  it('parcel-part-damaged: the sender is at fault and the parcel is refused', () => {
    const junk = exampleContent(partAt(1).length, 1);
    const roots = manifest.roots.with(1, segmentRoot(junk));
    const lied = startReceiver({ ...manifest, roots }, SOURCES);
    const taken = takePart(lied, 1, 0, junk, nativeSuite);
    expect(codeOf(taken.content)).toBe('parcel-part-damaged');
    expect(receiverPhase(taken.receiver)).toBe('refused');
    expect(nextFetches(taken.receiver, 9)).toEqual([]);
    expect(taken.receiver.parts).toEqual(lied.parts);
  });

  it('parcel-content-hash: refused although every part opens', () => {
    const all = take(take(start, 0), 1);
    const end = concludeParcel(all, new Uint8Array(32));
    expect(codeOf(end.result)).toBe('parcel-content-hash');
    expect(receiverPhase(end.receiver)).toBe('refused');
  });

  it('asks after a restart for what is not on the disk', () => {
    const restarted = valueOf(decodeReceiver(encodeReceiver(take(start, 1, 1))));
    expect(nextFetches(restarted, 9)).toEqual([{ index: 0, source: 0 }]);
  });

  it('says how far it is', () => {
    expect(percentDone(fetchProgress(start))).toBe(0);
    expect(fetchProgress(take(start, 0))).toEqual({
      partsDone: 1,
      partsTotal: 2,
      bytesDone: partAt(0).length,
      bytesTotal: partAt(0).length + partAt(1).length,
    });
    expect(percentDone(fetchProgress(take(take(start, 0), 1)))).toBe(100);
  });

  it('asserts its callers: sources, parts, and an end after the last part only', () => {
    expect(() => startReceiver(manifest, [])).toThrow('sources');
    expect(() => startReceiver(manifest, ['aa', 'aa'])).toThrow('once');
    expect(() => markFailed(start, 2, 0)).toThrow('inside');
    expect(() => markFailed(start, 0, 2)).toThrow('source');
    expect(() => concludeParcel(start, manifest.contentHash)).toThrow('verified');
  });
});

describe('the stored state of a receiver', () => {
  it('is that of the vectors', () => {
    const receiver = valueOf(decodeReceiver(fromHex(VECTORS.receiver)));
    expect(receiver.sources).toEqual(SOURCES);
    expect(receiver.verdict).toBe('open');
    expect(receiver.parts).toEqual([
      { state: 'verified', source: 1, failed: 1 },
      { state: 'missing', source: 0, failed: 2 },
    ]);
    expect(bytesToHex(encodeReceiver(receiver))).toBe(VECTORS.receiver);
  });

  it('survives a restart after any events, and a part never goes missing once verified', () => {
    const kinds = ['failed', 'good', 'wrong', 'retry'] as const;
    const event = fc.tuple(fc.constantFrom(...kinds), fc.constantFrom(0, 1), fc.constantFrom(0, 1));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 10 }), (events) => {
        let receiver = start;
        for (const [kind, index, source] of events) {
          const before = receiver.parts.filter(({ state }) => state === 'verified').length;
          receiver = changed(receiver, kind, index, source);
          const after = receiver.parts.filter(({ state }) => state === 'verified').length;
          expect(after).toBeGreaterThanOrEqual(before);
          expect(valueOf(decodeReceiver(encodeReceiver(receiver)))).toEqual(receiver);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('holds every manifest', () => {
    fc.assert(
      fc.property(anyManifest, fc.integer({ min: 1, max: 8 }), (any, count) => {
        const sources = Array.from({ length: count }, (_, at) => `${at}`.repeat(64));
        const receiver = startReceiver(any, sources);
        expect(decodeReceiver(encodeReceiver(receiver))).toEqual({ ok: true, value: receiver });
      }),
      { numRuns: 30 },
    );
  });

  it('is refused or canonical, whatever the bytes, and nothing is thrown', () => {
    let refused = 0;
    fc.assert(
      fc.property(mutantsOf(fromHex(VECTORS.receiver)), (mutant) => {
        const decoded = decodeReceiver(mutant);
        if (!decoded.ok) refused += 1;
        expect(decoded.ok ? encodeReceiver(decoded.value) : mutant).toEqual(mutant);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('parcel-state-invalid: what no order of events leads to', () => {
    const bytes = fromHex(VECTORS.receiver);
    const entries = bytes.length - 6;
    const says = (at: number, ...values: number[]): unknown => {
      const copy = bytes.slice();
      copy.set(values, at);
      const decoded = decodeReceiver(copy);
      return decoded.ok ? 'ok' : `${decoded.code} ${decoded.detail ?? ''}`.trim();
    };
    expect(says(entries, 3, 1, 1)).toBe('ok');
    expect(says(0, 2)).toBe('parcel-version-unknown');
    expect(says(1, 3)).toBe('number-out-of-range state');
    expect(says(1, 1)).toBe('parcel-state-invalid verdict');
    expect(says(entries, 4)).toBe('number-out-of-range state');
    expect(says(entries, 3, 2, 0)).toBe('parcel-state-invalid source');
    expect(says(entries, 0, 1, 1)).toBe('parcel-state-invalid source');
    expect(says(entries, 3, 1, 4)).toBe('parcel-state-invalid failed');
    expect(says(entries, 1, 1, 2)).toBe('number-out-of-range state');
    expect(says(entries, 3, 1, 2)).toBe('parcel-state-invalid failed');
    expect(says(entries - 32, ...new Uint8Array(32).fill(0x51))).toBe(
      'parcel-state-invalid sources',
    );
    expect(says(2, 0, 0, 0, 0)).toBe('parcel-state-invalid size');
  });
});

function changed(
  receiver: ParcelReceiver,
  kind: 'failed' | 'good' | 'wrong' | 'retry',
  index: number,
  source: number,
): ParcelReceiver {
  switch (kind) {
    case 'failed':
      return markFailed(receiver, index, source);
    case 'good':
      return take(receiver, index, source);
    case 'wrong':
      return takePart(receiver, index, source, new Uint8Array(3), nativeSuite).receiver;
    default:
      return retrySources(receiver);
  }
}
