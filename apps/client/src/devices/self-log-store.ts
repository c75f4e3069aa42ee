/**
 * The self-log on the disk: one value for each operation, and the heads. Before: device-log.ts;
 * after: store. Spec: docs/spec/26-self-log.md, docs/spec/40-client-store.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  applySelfLogDiff,
  type Head,
  hold,
  MAX_OPERATIONS,
  newSelfLog,
  type OperationMap,
  type SelfLog,
  type SelfLogDiff,
} from '@tanglemail/mail/core/self-log/log.ts';
import {
  decodeOperation,
  type DeviceId,
  dotKey,
  encodeOperation,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { z } from 'zod';
import { collection, count, hex } from '../store/collections.ts';
import { type SealedBatch, type SealedStore, SealedStoreError } from '../store/sealed-store.ts';

const HEADS = 'heads';

const head = z.strictObject({ seq: count, clock: count, dropped: count });

export const selfLogHeads = collection(
  'device',
  z.strictObject({
    heads: z.record(z.string().regex(/^[0-9a-f]{32}$/), head),
    /** Keys of operations that wait for one before them. */
    waiting: z.array(z.string()),
  }),
);

/** `device/0000000012`. */
function keyOf({ device, seq }: Pick<Operation, 'device' | 'seq'>): string {
  return `${device}/${seq.toString().padStart(10, '0')}`;
}

/** Reads everything. Throws SealedStoreError when a value is none of ours. */
export async function loadSelfLog(store: SealedStore): Promise<SelfLog> {
  const log = newSelfLog();
  const stored = store.get(selfLogHeads, HEADS) ?? { heads: {}, waiting: [] };
  for (const [device, one] of Object.entries(stored.heads)) {
    log.heads.set(device as DeviceId, one);
  }
  const waiting = new Set(stored.waiting);
  for await (const { key, value } of store.scanBytes('selfLog')) {
    const decoded = decodeOperation(value);
    if (!decoded.ok) throw new SealedStoreError('an operation of the self-log is damaged');
    const operation = decoded.value;
    if (waiting.has(key)) log.waiting.set(`${operation.device}/${operation.seq}`, operation);
    else hold(log, operation);
  }
  return log;
}

/**
 * The log as changes make it that may not reach the disk. Only what is few is copied (devices, what
 * waits); the operations lie below, so a change costs what it changes.
 */
export function layerSelfLog(log: SelfLog): SelfLog {
  return {
    heads: new Map(log.heads),
    operations: new LayeredMap(log.operations),
    removals: new Map(log.removals),
    waiting: new Map(log.waiting),
  };
}

/** Takes a diff up in `log`, and puts it into the batch. */
export function putSelfLogDiff(batch: SealedBatch, log: SelfLog, diff: SelfLogDiff): void {
  applySelfLogDiff(log, diff);
  for (const one of [...diff.take, ...diff.wait, ...diff.replace]) {
    batch.putBytes('selfLog', keyOf(one), encodeOperation(one));
  }
  for (const one of [...diff.refuse, ...diff.drop]) batch.del('selfLog', keyOf(one));
  putHeads(batch, log);
}

/** Puts a whole log into the batch: an account that was linked, or a merge. */
export function putSelfLog(batch: SealedBatch, log: SelfLog): void {
  for (const one of log.operations.values()) {
    batch.putBytes('selfLog', keyOf(one), encodeOperation(one));
  }
  putHeads(batch, log);
}

/** What a merge took away, until it has had its effect: after a crash only this tells of it. */
const GONE = 'own/self-log-gone';
const goneOperations = collection(
  'device',
  z.strictObject({ list: z.array(hex).max(MAX_OPERATIONS) }),
);

/** Operations that a merge took away and that have not had their effect yet. */
export function goneFrom(store: SealedStore): Operation[] {
  return (store.get(goneOperations, GONE)?.list ?? []).flatMap((one) => {
    const decoded = decodeOperation(hexToBytes(one));
    return decoded.ok ? [decoded.value] : [];
  });
}

/** They have it with this batch. */
export function forgetGone(batch: SealedBatch): void {
  batch.del('device', GONE);
}

/**
 * Makes `log` what `merged` is, and puts that into the batch where there is one. Gives what came
 * and what went.
 */
export function becomeSelfLog(
  log: SelfLog,
  merged: SelfLog,
  disk?: { readonly store: SealedStore; readonly batch: SealedBatch },
): Operation[] {
  const came = [...merged.operations].flatMap(([key, one]) =>
    log.operations.get(key) === one ? [] : [one],
  );
  const gone = [...log.operations].flatMap(([key, one]) =>
    merged.operations.has(key) ? [] : [one],
  );
  const waited = [...log.waiting.values()];
  for (const one of came) hold(log, one);
  for (const one of gone) {
    log.operations.delete(dotKey(one));
    log.removals.delete(dotKey(one));
  }
  for (const [device, one] of merged.heads) log.heads.set(device, one);
  log.waiting.clear();
  for (const [key, one] of merged.waiting) log.waiting.set(key, one);
  if (disk !== undefined) {
    const { store, batch } = disk;
    for (const one of [...gone, ...waited]) batch.del('selfLog', keyOf(one));
    for (const one of [...came, ...merged.waiting.values()]) {
      batch.putBytes('selfLog', keyOf(one), encodeOperation(one));
    }
    for (const one of waited) {
      const held = merged.operations.get(dotKey(one));
      if (held !== undefined) batch.putBytes('selfLog', keyOf(one), encodeOperation(held));
    }
    const list = [...goneFrom(store), ...gone].map((one) => bytesToHex(encodeOperation(one)));
    batch.put(goneOperations, GONE, { list });
    putHeads(batch, log);
  }
  return [...came, ...gone];
}

function putHeads(batch: SealedBatch, log: SelfLog): void {
  const heads: Record<string, Head> = {};
  for (const [device, { seq, clock, dropped }] of log.heads)
    heads[device] = { seq, clock, dropped };
  const waiting = [...log.waiting.values()].map(keyOf);
  batch.put(selfLogHeads, HEADS, { heads, waiting });
}

/** Changes over operations that stay as they are. */
export class LayeredMap implements OperationMap {
  readonly #below: OperationMap;
  /** Undefined for what was deleted. */
  readonly #changes = new Map<string, Operation | undefined>();
  #size: number;

  constructor(below: OperationMap) {
    this.#below = below;
    this.#size = below.size;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): Operation | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#below.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, operation: Operation): this {
    if (!this.has(key)) this.#size += 1;
    this.#changes.set(key, operation);
    return this;
  }

  delete(key: string): boolean {
    const isThere = this.has(key);
    if (isThere) this.#size -= 1;
    this.#changes.set(key, undefined);
    return isThere;
  }

  *[Symbol.iterator](): Generator<[string, Operation]> {
    for (const entry of this.#below) if (!this.#changes.has(entry[0])) yield entry;
    for (const [key, operation] of this.#changes) if (operation) yield [key, operation];
  }

  *values(): Generator<Operation> {
    for (const [, operation] of this) yield operation;
  }
}
