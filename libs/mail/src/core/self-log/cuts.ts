/**
 * Which operations count: a device that was removed counts up to what its remover had seen of it.
 * Stop before: self-log/log.ts; next: self-log/view.ts. Spec: docs/spec/26-self-log.md, section
 * "Removed devices".
 */
import type { DeviceId, DeviceRemove, Operation } from './operation.ts';
import { compareOperations } from './operation.ts';

/** By removed device, the number of its last operation that counts. */
export type Cuts = ReadonlyMap<DeviceId, number>;

/** Whether an operation counts. */
export function counts(operation: Operation, cuts: Cuts): boolean {
  return operation.seq <= (cuts.get(operation.device) ?? Number.MAX_SAFE_INTEGER);
}

/**
 * The cuts that a set of removals makes, in whatever order they came. Removals take effect in the
 * order of all operations; one that turns out to be beyond its own author's cut never was, and the
 * rest is done again without it. An author's first removal of a device is the one that counts,
 * which bounds the work by the square of MAX_DEVICES.
 */
export function cutsOf(removals: Iterable<Operation<DeviceRemove>>): Cuts {
  let valid = firstOfEach([...removals].toSorted(compareOperations));
  for (;;) {
    const { cuts, effective } = takeEffect(valid);
    const voided = effective.find((one) => !counts(one, cuts));
    if (!voided) return cuts;
    valid = valid.filter((one) => one !== voided);
  }
}

function firstOfEach(sorted: Operation<DeviceRemove>[]): Operation<DeviceRemove>[] {
  const seen = new Set<string>();
  return sorted.filter((one) => {
    const pair = `${one.device}/${one.body.device}`;
    const isFirst = !seen.has(pair);
    seen.add(pair);
    return isFirst;
  });
}

function takeEffect(valid: readonly Operation<DeviceRemove>[]): {
  cuts: Map<DeviceId, number>;
  effective: Operation<DeviceRemove>[];
} {
  const cuts = new Map<DeviceId, number>();
  const effective = valid.filter((one) => {
    if (!counts(one, cuts)) return false;
    const { device, lastSeq } = one.body;
    cuts.set(device, Math.min(lastSeq, cuts.get(device) ?? lastSeq));
    return true;
  });
  return { cuts, effective };
}
