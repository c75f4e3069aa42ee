/** Starts the peer of flood-peer.ts on a thread of its own, for tests. */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Worker } from 'node:worker_threads';
import type { FloodOptions } from './flood-peer.ts';

export interface Flood {
  /** Blocks that it published so far. */
  readonly offered: () => number;
  /** What the next blocks name as parents; none are made before. */
  readonly name: (parents: readonly BlockId[]) => void;
  readonly stop: () => Promise<void>;
}

export function startFlood(target: Omit<FloodOptions, 'counts'>): Flood {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const workerData: FloodOptions = { ...target, counts };
  const worker = new Worker(new URL('flood-peer.ts', import.meta.url), { workerData });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject).once('exit', () => resolve());
  });
  return {
    offered: () => Atomics.load(counts, 0),
    name: (parents) => worker.postMessage(parents),
    stop: async () => {
      Atomics.store(counts, 1, 1);
      await ended;
    },
  };
}
