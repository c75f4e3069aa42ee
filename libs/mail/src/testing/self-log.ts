/**
 * Devices of one account for tests: each has a log of its own and exchanges operations, or whole
 * snapshots, with the others.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { SelfLog } from '../core/self-log/log.ts';
import {
  applySelfLogDiff,
  headsOf,
  mergeSelfLogs,
  newSelfLog,
  operationsSince,
  receiveOperation,
  selfLogDiff,
  writeOperation,
} from '../core/self-log/log.ts';
import type { DeviceId, Operation, OperationBody } from '../core/self-log/operation.ts';
import { decodeOperation, encodeOperation } from '../core/self-log/operation.ts';
import { decodeSnapshot, encodeSnapshot } from '../core/self-log/snapshot.ts';
import { valueOf } from './vectors.ts';

/** The device with this number; numbers and ids sort alike. */
export function deviceId(index: number): DeviceId {
  return index.toString(16).padStart(2, '0').repeat(16) as DeviceId;
}

/** Writes an operation into a log, as its device would, and gives what was written. */
export function writeInto(log: SelfLog, device: DeviceId, body: OperationBody): Operation[] {
  const take = writeOperation(log, device, body);
  if (!take) throw new Error('the numbers of a test device are not used up');
  applySelfLogDiff(log, selfLogDiff({ take }));
  return take;
}

/** Opens a device in a log. */
export function openDevice(log: SelfLog, device: DeviceId): Operation[] {
  const name = utf8ToBytes(`device ${device.slice(0, 2)}`);
  return writeInto(log, device, { kind: 'device-add', name, key: new Uint8Array(32).fill(7) });
}

/** Hands an operation over as bytes; 'ok' or the code. */
export function deliver(log: SelfLog, operation: Operation): string {
  const outcome = receiveOperation(log, valueOf(decodeOperation(encodeOperation(operation))));
  if (!outcome.ok) return outcome.code;
  applySelfLogDiff(log, outcome.value);
  return 'ok';
}

/** A log that took these operations up, in this order. */
export function logOf(operations: readonly Operation[]): SelfLog {
  const log = newSelfLog();
  for (const operation of operations) deliver(log, operation);
  return log;
}

/** A copy that shares no map with the log, by way of its bytes. */
export function copyOf(log: SelfLog): SelfLog {
  return valueOf(decodeSnapshot(valueOf(encodeSnapshot(log))));
}

/** What `to` has after it asked `from` for everything it misses. */
export function pull(to: SelfLog, from: SelfLog): SelfLog {
  const missing = operationsSince(from, headsOf(to));
  if (!missing) return valueOf(mergeSelfLogs(to, copyOf(from)));
  for (const operation of missing) deliver(to, operation);
  return to;
}
