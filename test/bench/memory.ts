/** What lives in memory, measured after garbage collection. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const garbageCollect = runInNewContext('gc') as () => void;

export function collect(): void {
  // Twice: the first run frees what finalizers hold.
  for (let i = 0; i < 2; i++) garbageCollect();
}

/** Bytes of the heap and of all buffers that something still holds. */
export function liveBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
