// The store: ranges, atomic batches, owners, and every error code. Spec: docs/spec/10-storage.md.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { prefixRange } from './buckets.ts';
import { openKvStore } from './kv-store.ts';
import type { KvStore, StoreOwner } from './kv-store.ts';
import { STORE_ERRORS, StoreError, toStoreError } from './store-error.ts';

const OWNER: StoreOwner = { kind: 'test', networkId: 5n, schema: 1 };
const FILL_DISK = fileURLToPath(new URL('./testing/fill-disk.ts', import.meta.url));
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

let folder: string;
const opened: KvStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kv-store-'));
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(owner: StoreOwner = OWNER): Promise<KvStore> {
  const store = await openKvStore(join(folder, 'a', 'b'), owner);
  opened.push(store);
  return store;
}

async function keysOf(iteration: AsyncIterable<[Uint8Array, Uint8Array]>): Promise<number[][]> {
  const keys: number[][] = [];
  for await (const [key] of iteration) keys.push([...key]);
  return keys;
}

describe('KvStore', () => {
  it('keeps bytes over a restart, whatever they are', async () => {
    const store = await open();
    const value = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.batch().put(value, value).put(bytes(1), bytes()).write({ sync: true });
    await store.close();
    const again = await open();
    expect(again.getSync(value)).toEqual(value);
    expect(again.getSync(bytes(1))).toEqual(bytes());
    expect(again.getSync(bytes(2))).toBeUndefined();
    expect(await again.getMany([bytes(2), value])).toEqual([undefined, value]);
    expect(await again.getMany([])).toEqual([]);
  });

  it('iterates a range in both directions, with a limit, over more than one chunk', async () => {
    const store = await open();
    const batch = store.batch();
    for (let i = 0; i < 600; i++) batch.put(bytes(7, i >>> 8, i & 0xff), bytes(i & 0xff));
    batch.put(bytes(6, 255), bytes()).put(bytes(8), bytes());
    expect(batch.length).toBe(602);
    await batch.write({ sync: false });
    const range = prefixRange(bytes(7));
    expect(await keysOf(store.iterate(range))).toHaveLength(600);
    expect(await keysOf(store.iterate({ ...range, limit: 2 }))).toEqual([
      [7, 0, 0],
      [7, 0, 1],
    ]);
    expect(await keysOf(store.iterate({ ...range, limit: 1, reverse: true }))).toEqual([
      [7, 2, 87],
    ]);
  });

  it('an iteration sees the store as it was when it began', async () => {
    const store = await open();
    await store.batch().put(bytes(7, 1), bytes()).put(bytes(7, 2), bytes()).write({ sync: false });
    const iteration = store.iterate(prefixRange(bytes(7)))[Symbol.asyncIterator]();
    await iteration.next();
    await store.batch().del(bytes(7, 2)).put(bytes(7, 3), bytes()).write({ sync: false });
    const second = await iteration.next();
    expect(second.value).toEqual([bytes(7, 2), bytes()]);
    expect((await iteration.next()).done).toBe(true);
  });

  it('a snapshot sees the store as it was, until it is closed', async () => {
    const store = await open();
    await store.batch().put(bytes(7, 1), bytes(1)).put(bytes(7, 2), bytes()).write({ sync: false });
    const view = store.snapshot();
    await store.batch().del(bytes(7, 2)).put(bytes(7, 1), bytes(2)).write({ sync: true });
    expect(view.getSync(bytes(7, 1))).toEqual(bytes(1));
    expect(await view.getMany([bytes(7, 1), bytes(7, 2)])).toEqual([bytes(1), bytes()]);
    expect(await keysOf(view.iterate(prefixRange(bytes(7))))).toHaveLength(2);
    expect(store.getSync(bytes(7, 1))).toEqual(bytes(2));
    await view.close();
    await view.close();
    expect(() => view.getSync(bytes(7, 1))).toThrow(StoreError);
    // One that was forgotten does not keep the store from closing.
    store.snapshot();
    await store.close();
  });

  it('refuses every write once it was told of a failure elsewhere, and reads on', async () => {
    const store = await open();
    await store.batch().put(bytes(7), bytes(1)).write({ sync: false });
    store.refuse(new StoreError('no-space'));
    const write = store.batch().put(bytes(7), bytes(2)).write({ sync: true });
    await expect(write).rejects.toMatchObject({ code: 'no-space' });
    expect(store.getSync(bytes(7))).toEqual(bytes(1));
  });

  it('a batch that is not written changes nothing', async () => {
    const store = await open();
    store.batch().put(bytes(7), bytes(1));
    expect(store.getSync(bytes(7))).toBeUndefined();
  });

  it('behaves like a sorted map', async () => {
    const store = await open();
    const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((one) => bytes(9, ...one));
    const change = fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 4 })));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        const clean = store.batch();
        for await (const [old] of store.iterate(prefixRange(bytes(9)))) clean.del(old);
        await clean.write({ sync: false });
        const model = new Map<string, Uint8Array>();
        const batch = store.batch();
        for (const [at, value] of changes) {
          const name = Buffer.from(at).toString('hex');
          if (value) {
            batch.put(at, value);
            model.set(name, value);
          } else {
            batch.del(at);
            model.delete(name);
          }
        }
        await batch.write({ sync: false });
        const found: [string, Uint8Array][] = [];
        for await (const [at, value] of store.iterate(prefixRange(bytes(9)))) {
          found.push([Buffer.from(at).toString('hex'), value]);
        }
        expect(found).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      }),
      { numRuns: 50 },
    );
  });
});

describe('prefixRange', () => {
  it('holds exactly the keys with the prefix', () => {
    const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 4 }).map((one) => bytes(3, ...one)),
        fc.uint8Array({ minLength: 1, maxLength: 6 }),
        (prefix, other) => {
          const { gte, lt } = prefixRange(prefix);
          for (const key of [other, bytes(...prefix, ...other), prefix]) {
            const isInside = compare(key, gte) >= 0 && compare(key, lt) < 0;
            expect(isInside).toBe(Buffer.from(key).subarray(0, prefix.length).equals(prefix));
          }
        },
      ),
    );
  });
});

describe('StoreError', () => {
  it('locked: the folder is open already', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ name: 'StoreError', code: 'locked' });
  });

  it('wrong-network, wrong-kind, wrong-schema: the folder belongs to somebody else', async () => {
    await (await open()).close();
    await expect(open({ ...OWNER, networkId: 6n })).rejects.toMatchObject({
      code: 'wrong-network',
    });
    await expect(open({ ...OWNER, kind: 'other' })).rejects.toMatchObject({ code: 'wrong-kind' });
    await expect(open({ ...OWNER, schema: 2 })).rejects.toMatchObject({ code: 'wrong-schema' });
    // A refusal leaves nothing open and nothing changed.
    expect(await (await open()).getMany([bytes(1)])).toEqual([undefined]);
  });

  it('wrong-schema: there are keys but no owner', async () => {
    const store = await open();
    await store.batch().del(bytes(0)).put(bytes(1), bytes(1)).write({ sync: true });
    await store.close();
    await expect(open()).rejects.toMatchObject({ code: 'wrong-schema' });
  });

  it('corrupt: a damaged manifest', async () => {
    await (await open()).close();
    const path = join(folder, 'a', 'b');
    const manifest = readdirSync(path).find((name) => name.startsWith('MANIFEST')) ?? '';
    writeFileSync(join(path, manifest), 'this is not a manifest');
    await expect(open()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('corrupt: an owner that does not decode', async () => {
    const store = await open();
    await store
      .batch()
      .put(bytes(0), bytes(1, 2, 3))
      .write({ sync: true });
    await store.close();
    await expect(open()).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('makes folders that only their owner can look into', async () => {
    await open();
    const modeOf = (...names: string[]) => statSync(join(folder, ...names)).mode & 0o777;
    expect([modeOf('a'), modeOf('a', 'b')]).toEqual([0o700, 0o700]);
  });

  it('io: the path is a file', async () => {
    writeFileSync(join(folder, 'a'), 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'io' });
  });

  it('closed: after close, which may be called twice', async () => {
    const store = await open();
    await store.close();
    await store.close();
    expect(() => store.getSync(bytes(1))).toThrow(StoreError);
    await expect(store.getMany([bytes(1)])).rejects.toMatchObject({ code: 'closed' });
    await expect(keysOf(store.iterate(prefixRange(bytes(1))))).rejects.toMatchObject({
      code: 'closed',
    });
  });

  it('maps what the library throws, through its wrappings', () => {
    const wrapped = (text: string, code: string): Error =>
      Object.assign(new Error('Database is not open'), {
        code: 'LEVEL_DATABASE_NOT_OPEN',
        cause: Object.assign(new Error(text), { code }),
      });
    const codeOf = (error: unknown): string => toStoreError(error).code;
    expect(codeOf(wrapped('IO error: lock', 'LEVEL_LOCKED'))).toBe('locked');
    expect(codeOf(wrapped('Corruption: bad record', 'LEVEL_CORRUPTION'))).toBe('corrupt');
    expect(codeOf(wrapped('x.log: No space left on device', 'LEVEL_IO_ERROR'))).toBe('no-space');
    expect(codeOf(Object.assign(new Error('mkdir'), { code: 'ENOSPC' }))).toBe('no-space');
    expect(codeOf(Object.assign(new Error('IO error'), { code: 'LEVEL_IO_ERROR' }))).toBe('io');
    expect(codeOf('not even an error')).toBe('io');
    expect(Object.keys(STORE_ERRORS)).toContain(codeOf(new Error('anything')));
  });
});

describe('a full disk', () => {
  interface Report {
    acknowledged: number;
    first: string;
    second: string;
    canRead: boolean;
    whole: number;
    torn: number;
    refused: number;
    afterwards: string;
  }

  /** What the report says beyond numbers that vary. */
  const verdictOf = ({ acknowledged, whole, ...rest }: Report): object => ({
    ...rest,
    wrote: acknowledged > 3,
    // Nothing acknowledged is lost; the batch that failed is there as a whole or not at all.
    extra: [0, 1].includes(whole - acknowledged),
  });
  const good = {
    first: 'no-space',
    second: 'no-space',
    canRead: true,
    torn: 0,
    refused: 0,
    afterwards: 'written',
    wrote: true,
    extra: true,
  };

  const run = (command: string, args: string[]): Report => {
    const output = execFileSync(command, args, { encoding: 'utf8', timeout: 100_000 });
    return JSON.parse(output) as Report;
  };

  it('no-space: refuses further writes until it is opened again', () => {
    const report = run(process.execPath, [FILL_DISK, folder, 'injected']);
    expect(verdictOf(report)).toEqual(good);
  });

  it('no-space: the same on a small file system of its own, where one can be mounted', () => {
    // The mount lives in a name space of the child process and goes away with it.
    const mount = `mount -t tmpfs -o size=48m tmpfs "${folder}"`;
    const spaces = [['--mount'], ['--user', '--map-root-user', '--mount']];
    const flags = spaces.find((one) => {
      return spawnSync('unshare', [...one, 'sh', '-c', mount]).status === 0;
    });
    const script = `${mount} && exec "${process.execPath}" "${FILL_DISK}" "${folder}" disk`;
    const report = flags
      ? run('unshare', [...flags, 'sh', '-c', script])
      : run(process.execPath, [FILL_DISK, folder, 'injected']);
    expect(verdictOf(report)).toEqual(good);
  });
});
