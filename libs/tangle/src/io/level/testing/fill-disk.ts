/**
 * A process for the test of a full disk: writes synced batches until the store refuses, makes room,
 * opens the store again, counts what is there, and says what it saw as one line of JSON.
 * Arguments: a folder, and `disk` (it lies on a small file system) or `injected` (after some writes
 * the database fails in the words of LevelDB). Used by kv-store.spec.ts.
 * Spec: docs/spec/10-storage.md.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import type { KvStore } from '../kv-store.ts';
import { LevelKvStore, openKvStore } from '../kv-store.ts';
import { StoreError } from '../store-error.ts';

const ENTRIES = 8;
const VALUE_SIZE = 32_768;
const MAX_BATCHES = 400;
const INJECTED_BATCHES = 12;
/** Recovery writes a table while the log is still there: so much room must come back. */
const FILLER_SIZE = 24 * 1_048_576;
const OWNER = { kind: 'fill-disk', networkId: 1n, schema: 1 };
const [, , folder = '', mode = 'injected'] = process.argv;
const path = join(folder, 'store');
const filler = join(folder, 'filler');

const keyOf = (batch: number, entry: number): Uint8Array => {
  const key = Buffer.alloc(7, 1);
  key.writeUInt32BE(batch, 1);
  key.writeUInt16BE(entry, 5);
  return key;
};

/** Over a database whose writes fail from some point on, in the words that LevelDB uses. */
async function openInjected(): Promise<KvStore> {
  await (await openKvStore(path, OWNER)).close();
  const options = { keyEncoding: 'view', valueEncoding: 'view' } as const;
  const db = new Level<Uint8Array, Uint8Array>(path, options);
  await db.open();
  const makeBatch = db.batch.bind(db);
  let left = INJECTED_BATCHES;
  db.batch = ((): ReturnType<typeof db.batch> => {
    const batch = makeBatch();
    const write = batch.write.bind(batch);
    batch.write = async () => {
      if (left-- > 0) return write();
      const text = `IO error: ${path}/000003.log: No space left on device`;
      throw Object.assign(new Error(text), { code: 'LEVEL_IO_ERROR' });
    };
    return batch;
  }) as typeof db.batch;
  return new LevelKvStore(db);
}

async function writeBatch(store: KvStore, number: number): Promise<string> {
  const batch = store.batch();
  for (let entry = 0; entry < ENTRIES; entry++) {
    batch.put(keyOf(number, entry), randomBytes(VALUE_SIZE));
  }
  try {
    await batch.write({ sync: true });
    return 'written';
  } catch (error) {
    return error instanceof StoreError ? error.code : `not a StoreError: ${String(error)}`;
  }
}

async function countEntries(store: KvStore, batch: number): Promise<number> {
  const range = { gte: keyOf(batch, 0), lt: keyOf(batch + 1, 0) };
  let count = 0;
  for await (const [, value] of store.iterate(range)) if (value.length === VALUE_SIZE) count++;
  return count;
}

if (mode === 'disk') writeFileSync(filler, randomBytes(FILLER_SIZE));
const store = mode === 'disk' ? await openKvStore(path, OWNER) : await openInjected();
let acknowledged = 0;
let first = 'written';
while (first === 'written' && acknowledged < MAX_BATCHES) {
  first = await writeBatch(store, acknowledged);
  if (first === 'written') acknowledged++;
}
rmSync(filler, { force: true });
// There is room again, but only reopening tells what the disk has.
const second = await writeBatch(store, acknowledged + 1);
const canRead = store.getSync(keyOf(0, 0))?.length === VALUE_SIZE;
await store.close();

const reopened = await openKvStore(path, OWNER);
let whole = 0;
while ((await countEntries(reopened, whole)) === ENTRIES) whole++;
const torn = await countEntries(reopened, whole);
const refused = await countEntries(reopened, acknowledged + 1);
const afterwards = await writeBatch(reopened, acknowledged + 2);
await reopened.close();
const report = { acknowledged, first, second, canRead, whole, torn, refused, afterwards };
process.stdout.write(`${JSON.stringify(report)}\n`);
