/**
 * How much room is left where a node keeps its data. Used by the metrics.
 * Spec: docs/operating.md, "When the disk is full".
 */
import { statfs } from 'node:fs/promises';

/** Bytes that this process may still write on the disk of a folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
