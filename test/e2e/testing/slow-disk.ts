/**
 * Loaded into a node by `--import`: makes its disk slow, as a worn card or a shared volume is.
 * Every sync takes 25 ms more, every write of a file or of the database 2 ms more.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';

const SYNC_MS = 25;
const WRITE_MS = 2;

/** Calls `original` some time later; what hangs on the function itself stays. */
function delayed<F extends (...args: never[]) => unknown>(original: F, ms: number): F {
  const late = (...args: never[]): void => {
    setTimeout(() => original(...args), ms);
  };
  return Object.defineProperties(late, Object.getOwnPropertyDescriptors(original)) as unknown as F;
}

fs.fsync = delayed(fs.fsync, SYNC_MS);
fs.fdatasync = delayed(fs.fdatasync, SYNC_MS);
fs.write = delayed(fs.write as never, WRITE_MS);
syncBuiltinESMExports();

type Write = (this: unknown, ...args: unknown[]) => Promise<void>;

/** How long a write of the database takes, by its options. */
function levelMs(options: unknown): number {
  return (options as { sync?: boolean } | undefined)?.sync === true ? SYNC_MS : WRITE_MS;
}

/** The methods that implementations of abstract-level override. */
const INNER = { batch: '_batch', chainedBatch: '_chainedBatch', write: '_write' } as const;

interface Internals {
  [INNER.batch]: Write;
  [INNER.chainedBatch]: (this: unknown) => { [INNER.write]: Write };
}

const level = ClassicLevel.prototype as unknown as Internals;
const { [INNER.batch]: batch, [INNER.chainedBatch]: chainedBatch } = level;
level[INNER.batch] = async function batchLate(operations, options) {
  await sleep(levelMs(options));
  await batch.call(this, operations, options);
};
level[INNER.chainedBatch] = function chainedBatchLate() {
  const chain = chainedBatch.call(this);
  const { [INNER.write]: write } = chain;
  chain[INNER.write] = async function writeLate(options) {
    await sleep(levelMs(options));
    await write.call(this, options);
  };
  return chain;
};
