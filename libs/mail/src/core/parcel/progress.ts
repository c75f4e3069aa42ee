/**
 * How far a parcel is, in numbers for people: what sender.ts and receiver.ts report.
 * Spec: docs/spec/25-parcel.md, section 5.
 */
import { sealedPartSize } from './layout.ts';
import type { ParcelLayout } from './layout.ts';

/** Sealed bytes and parts, done and in total; over several providers or parcels their sums. */
export interface ParcelProgress {
  readonly partsDone: number;
  readonly partsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** The progress of one copy of a parcel. */
export function progressOf(
  layout: ParcelLayout,
  isDone: (index: number) => boolean,
): ParcelProgress {
  let [partsDone, bytesDone] = [0, 0];
  for (let index = 0; index < layout.partCount; index++) {
    if (!isDone(index)) continue;
    partsDone += 1;
    bytesDone += sealedPartSize(layout, index);
  }
  const { partCount: partsTotal, sealedSize: bytesTotal } = layout;
  return { partsDone, partsTotal, bytesDone, bytesTotal };
}

/** The sum of several: all providers of a parcel, all parcels of a mail. */
export function sumProgress(list: readonly ParcelProgress[]): ParcelProgress {
  const sum = { partsDone: 0, partsTotal: 0, bytesDone: 0, bytesTotal: 0 };
  for (const one of list) {
    sum.partsDone += one.partsDone;
    sum.partsTotal += one.partsTotal;
    sum.bytesDone += one.bytesDone;
    sum.bytesTotal += one.bytesTotal;
  }
  return sum;
}

/** Whole per cent, rounded down: 100 means that nothing is left to do. */
export function percentDone(progress: ParcelProgress): number {
  if (progress.bytesTotal === 0) return 0;
  return Math.floor((progress.bytesDone * 100) / progress.bytesTotal);
}
