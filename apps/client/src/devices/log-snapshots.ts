/**
 * Whole logs for devices that lack what the others have dropped: one that was linked and lay in a
 * drawer, or came back from an old backup. Sealed to that device's own key, in parts over the same
 * way as all notes. Before: self-notes.ts; after: device-log.ts.
 * Spec: docs/spec/26-self-log.md, section "Notes".
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { needsSnapshot } from '@tanglemail/mail/core/self-log/log.ts';
import {
  encodeSelfNote,
  MAX_SNAPSHOT_PARTS,
  openSnapshot,
  sealSnapshot,
  type SnapshotPart,
} from '@tanglemail/mail/core/self-log/note.ts';
import type { DeviceId, Operation, Seen } from '@tanglemail/mail/core/self-log/operation.ts';
import { decodeSnapshot, encodeSnapshot } from '@tanglemail/mail/core/self-log/snapshot.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { z } from 'zod';
import { collection, count, hex } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';

/** Between two snapshots for one device. */
const REST_MS = 72_000_000;
/** Bytes of an unpacked snapshot that is taken: what 4 MiB of parts can honestly hold. */
const MAX_PLAIN = 67_108_864;
/** Left out of what a restored store takes over (backup/start-anew.ts): it is for this device. */
const KEY = 'own/snapshot';

const arriving = collection(
  'device',
  z.strictObject({ id: hex, count, have: z.array(count).max(MAX_SNAPSHOT_PARTS) }),
);

export interface LogSnapshotsDeps {
  readonly log: DeviceLog;
  readonly store: SealedStore;
  readonly suite: SealingSuite;
  readonly random: (length: number) => Uint8Array;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export class LogSnapshots {
  readonly #deps: LogSnapshotsDeps;
  /** How often each device has asked since it was answered, and when that was. */
  readonly #asked = new Map<DeviceId, { times: number; answeredAtMs: number }>();

  constructor(deps: LogSnapshotsDeps) {
    this.#deps = deps;
  }

  /**
   * The notes that answer what a device says it has seen; none when it lacks nothing that was
   * dropped, or when it is another device's turn: the n-th of the list answers the n-th time.
   */
  answer(seen: Operation<Seen>): Uint8Array[] {
    const { log, suite, random, nowMs, logger } = this.#deps;
    const { devices } = log.view();
    const to = devices.find((one) => one.device === seen.device);
    if (to === undefined || !needsSnapshot(log.log, seen.body.heads)) return [];
    const others = devices.filter((one) => one.device !== seen.device);
    const turn = others.findIndex((one) => one.device === log.own.id);
    const asked = this.#asked.get(seen.device) ?? { times: 0, answeredAtMs: -Infinity };
    asked.times += 1;
    this.#asked.set(seen.device, asked);
    if (asked.times <= turn || nowMs() - asked.answeredAtMs < REST_MS) return [];
    const snapshot = encodeSnapshot(log.log, MAX_PLAIN);
    const parts = snapshot.ok
      ? sealSnapshot(gzipSync(snapshot.value), to, random(32), suite)
      : snapshot;
    if (!parts.ok) {
      logger.warn({ code: parts.code }, 'a device lacks more than notes carry: link it anew');
      return [];
    }
    Object.assign(asked, { times: 0, answeredAtMs: nowMs() });
    return parts.value.map((part) => encodeSelfNote({ kind: 'snapshot', ...part }));
  }

  /** Keeps a part that came for this device; with the last one the log is merged. */
  take(batch: SealedBatch, part: SnapshotPart): void {
    const { log, store } = this.#deps;
    if (part.to !== log.own.id) return;
    const known = store.get(arriving, KEY);
    const isSame = known?.id === part.id && known.count === part.count;
    if (known !== undefined && !isSame) this.#forget(batch, known.have);
    const before = isSame ? known.have : [];
    if (before.includes(part.index)) return;
    const have = [...before, part.index];
    if (have.length < part.count) {
      batch.putBytes('device', partKey(part.index), part.bytes);
      batch.put(arriving, KEY, { id: part.id, count: part.count, have });
      return;
    }
    const parts = Array.from({ length: part.count }, (_, index) =>
      index === part.index ? part.bytes : store.getBytes('device', partKey(index)),
    );
    this.#merge(
      batch,
      parts.filter((one) => one !== undefined),
    );
    this.#forget(batch, before);
    batch.del('device', KEY);
  }

  #forget(batch: SealedBatch, have: readonly number[]): void {
    for (const index of have) batch.del('device', partKey(index));
  }

  #merge(batch: SealedBatch, parts: readonly Uint8Array[]): void {
    const { log, suite, logger } = this.#deps;
    const packed = openSnapshot(parts, log.own.keys, suite);
    const plain = packed && unpacked(packed);
    const other = plain && decodeSnapshot(plain);
    if (other === undefined) return logger.debug({}, 'a snapshot that this device cannot open');
    const code = other.ok ? log.merge(batch, other.value) : other.code;
    if (code !== undefined) logger.warn({ code }, 'a snapshot of another device is not taken');
  }
}

function unpacked(packed: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(gunzipSync(packed, { maxOutputLength: MAX_PLAIN }));
  } catch {
    return undefined;
  }
}

function partKey(index: number): string {
  return `${KEY}/${index.toString().padStart(3, '0')}`;
}
