/**
 * A whole self-log as bytes: the archive by which a device is linked, and the backup. It holds
 * secrets, so it only leaves a device sealed. What waits is not part of it. Stop before:
 * self-log/compact.ts; next: self-log/log.ts, `mergeSelfLogs`, on the device that takes it.
 * Spec: docs/spec/26-self-log.md, section "Snapshot".
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailFailure, MailOutcome } from '../outcome.ts';
import type { Head, SelfLog } from './log.ts';
import { hold, MAX_OPERATIONS, newSelfLog } from './log.ts';
import type { Operation } from './operation.ts';
import {
  compareDots,
  decodeOperation,
  DEVICE_ID_LENGTH,
  deviceIdFromBytes,
  dotKey,
  encodeOperation,
  MAX_CLOCK_STEP,
  MAX_DEVICES,
  MAX_OPERATION_SIZE,
  MIN_OPERATION_SIZE,
} from './operation.ts';

/** Bytes of a snapshot: 256 MiB. */
export const MAX_SNAPSHOT_SIZE = 268_435_456;
const VERSION = 1;
const HEAD_LENGTH = DEVICE_ID_LENGTH + 4 + 8 + 4;

/**
 * The bytes of a log. Two logs with the same content have the same bytes. Code: `self-log-full`
 * beyond `maxSize` bytes; large values are the reason, and writing them off to parcels the remedy.
 */
export function encodeSnapshot(
  log: SelfLog,
  maxSize: number = MAX_SNAPSHOT_SIZE,
): MailOutcome<Uint8Array> {
  const writer = new Writer(8 + log.heads.size * HEAD_LENGTH + log.operations.size * 128);
  writer.u8(VERSION);
  writer.count8(log.heads.size, 0, MAX_DEVICES);
  const devices = [...log.heads].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [device, head] of devices) {
    writer.hex(device, DEVICE_ID_LENGTH);
    writer.u32(head.seq);
    writer.u53(head.clock);
    writer.u32(head.dropped);
  }
  writer.u32(log.operations.size);
  let size = 2 + log.heads.size * HEAD_LENGTH + 4;
  for (const operation of [...log.operations.values()].toSorted(compareDots)) {
    const bytes = encodeOperation(operation);
    size += 2 + bytes.length;
    if (size > maxSize) return fail('self-log-full', `${maxSize} bytes`);
    writer.u16(bytes.length);
    writer.raw(bytes);
  }
  return succeed(writer.finish());
}

/**
 * Reads a snapshot. Codes: those of form, those of `decodeOperation`, and
 * `self-log-snapshot-invalid` when heads and operations contradict each other.
 */
export function decodeSnapshot(bytes: Uint8Array): MailOutcome<SelfLog> {
  const log = newSelfLog();
  // An operation's own failure is a mail code, which a reader cannot carry.
  const failures: MailFailure[] = [];
  const decoded = decodeWith(bytes, MAX_SNAPSHOT_SIZE, (reader) => {
    readHeads(reader, log);
    failures.push(...readOperations(reader, log));
    return log;
  });
  if (failures[0]) return failures[0];
  return decoded.ok && !isConsistent(log) ? fail('self-log-snapshot-invalid') : decoded;
}

function readHeads(reader: Reader, log: SelfLog): void {
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const count = reader.count8(0, MAX_DEVICES);
  let before = '';
  for (let index = 0; index < count; index++) {
    const device = deviceIdFromBytes(reader.view(DEVICE_ID_LENGTH));
    if (device <= before) refuse('not-canonical');
    before = device;
    const head = { seq: reader.u32(), clock: reader.u53(), dropped: reader.u32() };
    log.heads.set(device, head);
  }
}

/** Reads all operations into the log; the first that is refused ends it. */
function readOperations(reader: Reader, log: SelfLog): MailFailure[] {
  const count = reader.u32();
  if (count > MAX_OPERATIONS) refuse('count-out-of-range');
  if (count * (2 + MIN_OPERATION_SIZE) > reader.remaining) refuse('truncated');
  let before: Operation | undefined;
  for (let index = 0; index < count; index++) {
    const length = reader.u16();
    if (length > MAX_OPERATION_SIZE) refuse('too-large');
    const decoded = decodeOperation(reader.view(length));
    if (!decoded.ok) {
      reader.view(reader.remaining);
      return [decoded];
    }
    if (before && compareDots(before, decoded.value) >= 0) refuse('not-canonical');
    before = decoded.value;
    hold(log, before);
  }
  return [];
}

/** Whether the log can be what a device came to by taking operations up and dropping some. */
function isConsistent(log: SelfLog): boolean {
  for (const [device, head] of log.heads) {
    if (!isHeadSound(head) || !log.operations.has(dotKey({ device, seq: 1 }))) return false;
  }
  const last = new Map<string, Operation>();
  for (const operation of log.operations.values()) {
    const head = log.heads.get(operation.device);
    const before = last.get(operation.device) ?? { seq: 0, clock: 0 };
    if (!head || operation.seq > head.seq || !isBetween(before, operation)) return false;
    // A gap between two that are held was dropped, and the head says so.
    if (operation.seq - before.seq > 1 && head.dropped < operation.seq - 1) return false;
    last.set(operation.device, operation);
  }
  return [...log.heads].every(([device, head]) => {
    const end = last.get(device);
    if (!end) return false;
    if (end.seq === head.seq) return end.clock <= head.clock;
    return isBetween(end, head) && head.dropped === head.seq;
  });
}

function isHeadSound(head: Head): boolean {
  const isClockSound = head.clock >= 1 && head.clock <= head.seq * MAX_CLOCK_STEP;
  return head.seq >= 1 && isClockSound && head.dropped <= head.seq;
}

/** Whether `after` can follow `before` on one device, with dropped operations in between. */
function isBetween(
  before: { readonly seq: number; readonly clock: number },
  after: { readonly seq: number; readonly clock: number },
): boolean {
  const [numbers, step] = [after.seq - before.seq, after.clock - before.clock];
  return step >= numbers && step <= numbers * MAX_CLOCK_STEP;
}
