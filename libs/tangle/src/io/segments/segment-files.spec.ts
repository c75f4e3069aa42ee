// Segments: what was appended is read, whatever stands between, and damage is never taken for
// content. Spec: docs/spec/10-storage.md.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodeRecords, MAX_RECORD_SIZE, RECORD_HEADER_SIZE, recordAt } from './record.ts';
import type { Location } from './segment-files.ts';
import { comparePositions, SegmentFiles } from './segment-files.ts';
import { MAX_OPEN_SEGMENTS, segmentName, segmentOfName } from './segment-handles.ts';
import { FaultyDisk, Machine } from './testing/faulty-disk.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
/** A content that tells its number. */
const content = (number: number, length = 100): Uint8Array => {
  const one = new Uint8Array(length).fill(number & 0xff);
  new DataView(one.buffer).setUint32(0, number);
  return one;
};
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'segments-'));
  folders.push(folder);
  return folder;
}

async function scanned(files: SegmentFiles, segment: number) {
  const found: [Location, number][] = [];
  const end = await files.scan({ segment, offset: 0 }, (location, one) => {
    found.push([location, new DataView(one.buffer, one.byteOffset).getUint32(0)]);
  });
  return { found, end };
}

describe('records', () => {
  it('are length, CRC-32 and content', () => {
    const record = encodeRecords([bytes(1, 2, 3, 4)]);
    expect(Buffer.from(record).toString('hex')).toBe('04000000cdfb3cb601020304');
    expect(recordAt(record, 0)).toEqual(bytes(1, 2, 3, 4));
  });

  it('are found again, and no damaged, cut or empty one is', () => {
    const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(contents, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, place, flip) => {
        const records = encodeRecords(all);
        let at = 0;
        for (const one of all) {
          expect(recordAt(records, at)).toEqual(one);
          expect(recordAt(records.subarray(0, at + RECORD_HEADER_SIZE + one.length - 1), at)).toBe(
            undefined,
          );
          at += RECORD_HEADER_SIZE + one.length;
        }
        const damaged = Uint8Array.from(records);
        const target = place % (RECORD_HEADER_SIZE + (all[0]?.length ?? 0));
        damaged[target] = (damaged[target] ?? 0) ^ flip;
        expect(recordAt(damaged, 0)).toBeUndefined();
      }),
    );
    expect(recordAt(new Uint8Array(100), 0)).toBeUndefined();
    expect(recordAt(encodeRecords([new Uint8Array(MAX_RECORD_SIZE + 1)]), 0)).toBeUndefined();
  });
});

describe('segment files', () => {
  it('give back what was appended, one by one and many together, over a restart', async () => {
    const folder = newFolder();
    const files = await SegmentFiles.open(folder, { segmentBytes: 20_000 });
    const locations: Location[] = [];
    for (let at = 0; at < 1_000; at += 10) {
      const group = Array.from({ length: 10 }, (_, i) => content(at + i, 50 + ((at * 7) % 900)));
      locations.push(...(await files.append(group)));
    }
    await files.sync();
    await files.close();
    const again = await SegmentFiles.open(folder, { segmentBytes: 20_000 });
    expect(again.segments().length).toBeGreaterThan(10);
    expect(again.segments()).toEqual(files.segments());
    expect(comparePositions(again.end, files.end)).toBe(0);
    const random = fc.shuffledSubarray([...locations.keys()], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(random, async (numbers) => {
        const some = numbers.map((number) => locations[number] as Location);
        const together = await again.readMany(some);
        numbers.forEach((number, i) => {
          const one = together[i] as Uint8Array;
          expect(new DataView(one.buffer, one.byteOffset).getUint32(0)).toBe(number);
        });
        expect(Buffer.compare(again.read(some[0] as Location) ?? bytes(), together[0]!)).toBe(0);
      }),
      { numRuns: 30 },
    );
    await again.close();
  });

  it('keep their size, their names, and their owner to themselves', async () => {
    const folder = newFolder();
    const files = await SegmentFiles.open(join(folder, 'a', 'blocks'), { segmentBytes: 1_000 });
    for (let i = 0; i < 40; i++) await files.append([content(i)]);
    await files.close();
    const path = join(folder, 'a', 'blocks');
    const names = readdirSync(path);
    expect(names[0]).toBe('00000001.blocks');
    expect(names.every((name) => statSync(join(path, name)).size <= 1_000)).toBe(true);
    expect(statSync(join(path, names[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(segmentOfName(segmentName(0xabc))).toBe(0xabc);
    expect(['LOCK', '1.blocks', '00000001.blocks~'].map(segmentOfName)).toEqual(
      Array.from({ length: 3 }),
    );
  });

  it('hold few files open, however many there are', async () => {
    const disk = new FaultyDisk(new Machine());
    const files = await SegmentFiles.open('blocks', { layer: disk, segmentBytes: 150 });
    const locations: Location[] = [];
    for (let i = 0; i < 200; i++) locations.push(...(await files.append([content(i)])));
    expect(files.segments()).toHaveLength(200);
    expect(await files.readMany(locations)).toHaveLength(200);
    for (const location of locations) files.read(location);
    // One is opened before another is closed, and those that are being read stay.
    expect(disk.openMost).toBeLessThanOrEqual(MAX_OPEN_SEGMENTS + 4);
    await files.close();
    expect(disk.openCount).toBe(0);
  });

  it('a removed segment has nothing any more, and its number does not come back', async () => {
    const disk = new FaultyDisk(new Machine());
    const files = await SegmentFiles.open('blocks', { layer: disk, segmentBytes: 150 });
    const [first] = await files.append([content(1)]);
    const [second] = await files.append([content(2)]);
    await files.remove(1);
    expect(files.read(first as Location)).toBeUndefined();
    const many = Array.from({ length: 5 }, () => [first, second] as Location[]).flat();
    const contents = await files.readMany(many);
    expect(contents.map((one) => one === undefined)).toEqual(many.map((one) => one === first));
    files.startAfter(9);
    expect((await files.append([content(3)]))[0]?.segment).toBe(10);
    await files.close();
  });

  it('SEGMENT_CORRUPT: bytes that changed; a scan ends before them', async () => {
    const disk = new FaultyDisk(new Machine());
    const files = await SegmentFiles.open('blocks', { layer: disk });
    const locations = await files.append([content(1), content(2), content(3)]);
    const second = locations[1] as Location;
    disk.damage(segmentName(1), second.offset + RECORD_HEADER_SIZE + 50, bytes(0xee));
    expect(() => files.read(second)).toThrow(expect.objectContaining({ code: 'SEGMENT_CORRUPT' }));
    const many = [...locations, ...locations];
    await expect(files.readMany(many)).rejects.toMatchObject({ code: 'SEGMENT_CORRUPT' });
    const wrong = { ...second, length: 99 };
    expect(() => files.read(wrong)).toThrow(expect.objectContaining({ code: 'SEGMENT_CORRUPT' }));
    const { found, end } = await scanned(files, 1);
    expect(found.map(([, number]) => number)).toEqual([1]);
    expect(end).toEqual({ segment: 1, offset: second.offset });
    await files.truncate(end);
    const [next] = await files.append([content(4)]);
    expect(next?.offset).toBe(second.offset);
    expect((await scanned(files, 1)).found.map(([, number]) => number)).toEqual([1, 4]);
    await files.close();
  });

  it('SEGMENT_CLOSED: after close, which may be called twice', async () => {
    const files = await SegmentFiles.open('blocks', { layer: new FaultyDisk(new Machine()) });
    const [location] = await files.append([content(1)]);
    await files.close();
    await files.close();
    const closed = { code: 'SEGMENT_CLOSED' };
    expect(() => files.read(location as Location)).toThrow(expect.objectContaining(closed));
    await expect(files.append([content(2)])).rejects.toMatchObject(closed);
    await expect(files.readMany([])).rejects.toMatchObject(closed);
    await expect(files.sync()).rejects.toMatchObject(closed);
  });

  it.each([
    ['nothing new', 0],
    ['a record in the same segment', 1],
    ['one in the next segment', 9],
  ])('sync keeps its promise while another one is under way, with %s', async (_, more) => {
    const disk = new FaultyDisk(new Machine());
    const files = await SegmentFiles.open('blocks', { layer: disk, segmentBytes: 300 });
    await files.append([content(0)]);
    const first = files.sync();
    const appends = Array.from({ length: more }, (__, at) => files.append([content(at + 1)]));
    const others = [files.sync(), files.sync(), files.sync()];
    await others.at(-1);
    const dark = disk.afterPowerCut(new Machine(), () => 0);
    const again = await SegmentFiles.open('blocks', { layer: dark, segmentBytes: 300 });
    const left = await Promise.all(again.segments().map((one) => scanned(again, one)));
    const numbers = left.flatMap(({ found }) => found.map(([, number]) => number));
    expect(numbers).toEqual(Array.from({ length: more + 1 }, (__, at) => at));
    await Promise.all([first, ...appends, ...others]);
    await files.close();
  });

  it('sync brings to the disk at once what many wait for, and nothing twice', async () => {
    const machine = new Machine();
    const files = await SegmentFiles.open('blocks', { layer: new FaultyDisk(machine) });
    await files.append([content(1)]);
    const before = machine.steps;
    const first = files.sync();
    while (machine.steps === before) await Promise.resolve();
    const second = files.append([content(2)]);
    await Promise.all([first, second, ...Array.from({ length: 20 }, () => files.sync())]);
    // The write, a sync of the file and of its name, and one more sync for all the others.
    expect(machine.steps - before).toBe(4);
    await files.sync();
    expect(machine.steps - before).toBe(4);
    await files.close();
  });

  it('a sync that fails fails for all who wait for it', async () => {
    const machine = new Machine(3, 'EIO');
    const files = await SegmentFiles.open('blocks', { layer: new FaultyDisk(machine) });
    await files.append([content(1)]);
    const ends = await Promise.allSettled([1, 2, 3].map(() => files.sync()));
    expect(ends.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    await expect(files.append([content(2)])).rejects.toMatchObject({ code: 'EIO' });
    expect(machine.stepsAfterFault).toBe(0);
    await files.close();
  });

  it('after a failed write every further one fails, also those that wait already', async () => {
    const machine = new Machine(3, 'ENOSPC');
    const files = await SegmentFiles.open('blocks', { layer: new FaultyDisk(machine) });
    const appends = [1, 2, 3, 4].map((i) => files.append([content(i)]));
    const ends = await Promise.allSettled(appends);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', ...Array(3).fill('rejected')]);
    await expect(files.sync()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(machine.stepsAfterFault).toBe(0);
    await files.close();
  });
});
