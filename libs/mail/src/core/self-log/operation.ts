/**
 * One operation of the self-log: a change that one device of an account made and that all others
 * take up. Its bytes are the content of a note to oneself. Next stop: self-log/log.ts.
 * Spec: docs/spec/26-self-log.md.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { PUBLISHED_EPOCHS } from '../identity/epoch.ts';
import { assert, fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

declare const brand: unique symbol;
/** 16 random bytes as 32 lowercase hex digits, drawn anew at every set-up, link and restore. */
export type DeviceId = string & { readonly [brand]: 'DeviceId' };

export const DEVICE_ID_LENGTH = 16;
/** Devices that an account ever had. Bounds every list of heads. */
export const MAX_DEVICES = 128;
/** Bytes of a value. A whole operation then fits one letter of the largest class. */
export const MAX_VALUE_LENGTH = 16_384;
/** Bytes of a register's key, of a set's owner and of an element. */
export const MAX_KEY_LENGTH = 64;
/** Bytes of a device's name, UTF-8. */
export const MAX_DEVICE_NAME_LENGTH = 64;
/** Additions that one removal names; a larger removal is several operations. */
export const MAX_REMOVED_DOTS = 64;
/**
 * What a device's clock may gain from one of its operations to the next. Operations are numbered
 * below 2^32, so no clock ever reaches 2^52: nobody can use the numbers up, and no operation has a
 * clock that the others could not pass by writing one.
 */
export const MAX_CLOCK_STEP = 1_048_576;

const VERSION = 1;
const HEADER_LENGTH = 1 + 1 + DEVICE_ID_LENGTH + 4 + 8;
/** Bytes of the largest operation, a register with the longest key and value. */
export const MAX_OPERATION_SIZE = HEADER_LENGTH + 1 + 1 + MAX_KEY_LENGTH + 1 + 2 + MAX_VALUE_LENGTH;
/** Bytes of the smallest operation; a reader of many bounds their count by it. */
export const MIN_OPERATION_SIZE = HEADER_LENGTH + 1;

/** Registers: the last writer wins. The key's meaning stands on the spec page. */
const REGISTER_CODES = {
  profile: 1,
  petname: 2,
  setting: 3,
  draft: 4,
  folder: 5,
  'sent-copy': 6,
  contact: 7,
  'tag-seed': 8,
  rules: 9,
  invite: 10,
  'sub-address': 11,
  trust: 12,
} as const;
/** Sets: what was added and not removed by somebody who saw it added. */
const SET_CODES = { flag: 1, folder: 2 } as const;

export type Register = keyof typeof REGISTER_CODES;
export type SetName = keyof typeof SET_CODES;

/** Names one operation: the `seq`-th of a device, from 1. */
export interface Dot {
  readonly device: DeviceId;
  readonly seq: number;
}

/** Opens a device's operations: always its number 1, and never later. */
export interface DeviceAdd {
  readonly kind: 'device-add';
  /** UTF-8, 1 to MAX_DEVICE_NAME_LENGTH bytes, for display. */
  readonly name: Uint8Array;
  /** The device's own public key, 32 bytes: notes are sealed to the keys of listed devices. */
  readonly key: Uint8Array;
}

/** Ends a device: of its operations those up to `lastSeq` count, which its author had seen. */
export interface DeviceRemove {
  readonly kind: 'device-remove';
  readonly device: DeviceId;
  readonly lastSeq: number;
}

/** Says what its device has taken up: lets the others compact. Also moves a clock forward. */
export interface Seen {
  readonly kind: 'seen';
  /** Ascending by device, each once. */
  readonly heads: readonly Dot[];
}

/** Writes a register. Without a value it is deleted. */
export interface SetRegister {
  readonly kind: 'set';
  readonly register: Register;
  /** Lowercase hex, 0 to MAX_KEY_LENGTH bytes. */
  readonly key: string;
  readonly value?: Uint8Array;
}

/** Adds an element to the set of an owner. */
export interface AddElement {
  readonly kind: 'add';
  readonly set: SetName;
  /** Lowercase hex, 1 to MAX_KEY_LENGTH bytes: the message. */
  readonly owner: string;
  /** Lowercase hex, 1 to MAX_KEY_LENGTH bytes: a flag's ASCII, or a folder's id. */
  readonly element: string;
}

/** Takes additions back that its author had seen; an addition made meanwhile stays. */
export interface RemoveElements {
  readonly kind: 'remove';
  /** Ascending by device and number, 1 to MAX_REMOVED_DOTS. */
  readonly dots: readonly Dot[];
}

/** A line of epoch secrets: from the set-up, or after fresh randomness was mixed in. */
export interface EpochLineStart {
  readonly kind: 'epoch-line';
  /** The line's first epoch. */
  readonly from: number;
  /** The oldest epoch that `secret` still opens; moves on as secrets are forgotten. */
  readonly epoch: number;
  /** The last epoch for which bundles of older lines had been published. */
  readonly previousUntil: number;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

export type OperationBody =
  | DeviceAdd
  | DeviceRemove
  | Seen
  | SetRegister
  | AddElement
  | RemoveElements
  | EpochLineStart;

export interface Operation<B extends OperationBody = OperationBody> extends Dot {
  /** Lamport clock of its device at the time, below 2^52. */
  readonly clock: number;
  readonly body: B;
}

const KIND_CODES = {
  'device-add': 1,
  'device-remove': 2,
  seen: 3,
  set: 4,
  add: 5,
  remove: 6,
  'epoch-line': 7,
} as const satisfies Record<OperationBody['kind'], number>;

/** 16 bytes as a device's id. */
export function deviceIdFromBytes(bytes: Uint8Array): DeviceId {
  assert(bytes.length === DEVICE_ID_LENGTH, 'a device id has 16 bytes');
  return bytesToHex(bytes) as DeviceId;
}

/** A dot as the key of a map. */
export function dotKey(dot: Dot): string {
  return `${dot.device}/${dot.seq}`;
}

/** By device and number. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.device !== b.device) return a.device < b.device ? -1 : 1;
  return a.seq - b.seq;
}

/** The order of all operations, the same on every device: clock, then device, then number. */
export function compareOperations(a: Operation, b: Operation): number {
  return a.clock - b.clock || compareDots(a, b);
}

/** Whether an operation has a body of this kind. */
export function isKind<K extends OperationBody['kind']>(
  operation: Operation,
  kind: K,
): operation is Operation<Extract<OperationBody, { kind: K }>> {
  return operation.body.kind === kind;
}

/** The bytes of an operation. */
export function encodeOperation(operation: Operation): Uint8Array {
  const { body } = operation;
  const writer = new Writer(256);
  writer.u8(VERSION);
  writer.u8(KIND_CODES[body.kind]);
  writeDot(writer, operation);
  writer.u53(operation.clock);
  writeBody(writer, body);
  const bytes = writer.finish();
  assert(isSound(operation), 'an operation of our own is sound');
  return bytes;
}

function writeBody(writer: Writer, body: OperationBody): void {
  switch (body.kind) {
    case 'device-add':
      writer.count8(body.name.length, 1, MAX_DEVICE_NAME_LENGTH);
      writer.raw(body.name);
      writer.fixed(body.key, 32);
      break;
    case 'device-remove':
      writer.hex(body.device, DEVICE_ID_LENGTH);
      writer.u32(body.lastSeq);
      break;
    case 'seen':
      writer.count8(body.heads.length, 0, MAX_DEVICES);
      for (const head of body.heads) writeDot(writer, head);
      break;
    case 'set':
      writeRegister(writer, body);
      break;
    case 'add':
      writer.u8(SET_CODES[body.set]);
      writeKey(writer, body.owner, 1);
      writeKey(writer, body.element, 1);
      break;
    case 'remove':
      writer.count8(body.dots.length, 1, MAX_REMOVED_DOTS);
      for (const dot of body.dots) writeDot(writer, dot);
      break;
    case 'epoch-line':
      writer.u32(body.from);
      writer.u32(body.epoch);
      writer.u32(body.previousUntil);
      writer.fixed(body.secret, 32);
      break;
  }
}

function writeDot(writer: Writer, dot: Dot): void {
  writer.hex(dot.device, DEVICE_ID_LENGTH);
  writer.u32(dot.seq);
}

function writeKey(writer: Writer, key: string, minimum: number): void {
  writer.count8(key.length / 2, minimum, MAX_KEY_LENGTH);
  writer.hex(key, key.length / 2);
}

function writeRegister(writer: Writer, body: SetRegister): void {
  writer.u8(REGISTER_CODES[body.register]);
  writeKey(writer, body.key, 0);
  writer.u8(body.value ? 1 : 0);
  if (!body.value) return;
  writer.count16(body.value.length, 0, MAX_VALUE_LENGTH);
  writer.raw(body.value);
}

/**
 * Reads an operation. Codes: those of form, `version-unknown`, and `self-log-operation-invalid` for
 * a kind that is not known, an order that is not kept or numbers that contradict each other.
 */
export function decodeOperation(bytes: Uint8Array): MailOutcome<Operation> {
  const kind = bytes[0] === VERSION ? kindOf(bytes[1]) : undefined;
  if (bytes[0] === VERSION && bytes.length > 1 && kind === undefined) {
    return fail('self-log-operation-invalid', `kind ${bytes[1]}`);
  }
  const decoded = decodeWith(bytes, MAX_OPERATION_SIZE, (reader) => readOperation(reader));
  if (!decoded.ok || isSound(decoded.value)) return decoded;
  return fail('self-log-operation-invalid', decoded.value.body.kind);
}

function kindOf(code: number | undefined): OperationBody['kind'] | undefined {
  const kinds = Object.keys(KIND_CODES) as OperationBody['kind'][];
  return kinds.find((one) => KIND_CODES[one] === code);
}

function readOperation(reader: Reader): Operation {
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const kind = kindOf(reader.u8()) ?? refuse('not-canonical');
  const { device, seq } = readDot(reader);
  const clock = reader.u53();
  return { device, seq, clock, body: readBody(reader, kind) };
}

function readBody(reader: Reader, kind: OperationBody['kind']): OperationBody {
  switch (kind) {
    case 'device-add': {
      const name = reader.bytes(reader.count8(1, MAX_DEVICE_NAME_LENGTH));
      return { kind, name, key: reader.bytes(32) };
    }
    case 'device-remove':
      return { kind, device: readDevice(reader), lastSeq: reader.u32() };
    case 'seen':
      return { kind, heads: readDots(reader, reader.count8(0, MAX_DEVICES)) };
    case 'set':
      return readRegister(reader);
    case 'add': {
      const set = nameOf(SET_CODES, reader.u8());
      return { kind, set, owner: readKey(reader, 1), element: readKey(reader, 1) };
    }
    case 'remove':
      return { kind, dots: readDots(reader, reader.count8(1, MAX_REMOVED_DOTS)) };
    default: {
      const [from, epoch, previousUntil] = [reader.u32(), reader.u32(), reader.u32()];
      return { kind, from, epoch, previousUntil, secret: reader.bytes(32) };
    }
  }
}

function readDevice(reader: Reader): DeviceId {
  return deviceIdFromBytes(reader.view(DEVICE_ID_LENGTH));
}

function readDot(reader: Reader): Dot {
  return { device: readDevice(reader), seq: reader.u32() };
}

function readDots(reader: Reader, count: number): Dot[] {
  const dots: Dot[] = [];
  for (let index = 0; index < count; index++) dots.push(readDot(reader));
  return dots;
}

function readKey(reader: Reader, minimum: number): string {
  return reader.hex(reader.count8(minimum, MAX_KEY_LENGTH));
}

function readRegister(reader: Reader): SetRegister {
  const register = nameOf(REGISTER_CODES, reader.u8());
  const key = readKey(reader, 0);
  const hasValue = reader.count8(0, 1) === 1;
  if (!hasValue) return { kind: 'set', register, key };
  const value = reader.bytes(reader.count16(0, MAX_VALUE_LENGTH));
  return { kind: 'set', register, key, value };
}

function nameOf<T extends string>(codes: Record<T, number>, code: number): T {
  const name = (Object.keys(codes) as T[]).find((one) => codes[one] === code);
  return name ?? refuse('number-out-of-range');
}

/** What the fields alone do not say; a decoder refuses the rest, an author never makes it. */
function isSound({ seq, clock, body }: Operation): boolean {
  const isOpening = body.kind === 'device-add';
  if (seq < 1 || clock < 1 || clock > seq * MAX_CLOCK_STEP) return false;
  if ((seq === 1) !== isOpening) return false;
  switch (body.kind) {
    case 'device-remove':
      return body.lastSeq >= 1;
    case 'seen':
      return areAscending(body.heads, (a, b) => (a.device < b.device ? -1 : 1));
    case 'remove':
      return areAscending(body.dots, compareDots);
    case 'epoch-line':
      return body.epoch >= body.from && body.previousUntil < body.from + PUBLISHED_EPOCHS;
    default:
      return true;
  }
}

function areAscending(dots: readonly Dot[], compare: (a: Dot, b: Dot) => number): boolean {
  return dots.every((dot, index) => {
    const before = dots[index - 1];
    return dot.seq >= 1 && (before === undefined || compare(before, dot) < 0);
  });
}

/** Whether two operations of the same dot are the same; secrets that moved on do not count. */
export function isSameOperation(a: Operation, b: Operation): boolean {
  if (isKind(a, 'epoch-line') && isKind(b, 'epoch-line')) {
    return a.clock === b.clock && a.body.from === b.body.from;
  }
  return bytesToHex(encodeOperation(a)) === bytesToHex(encodeOperation(b));
}

/**
 * Which of two operations of the same dot stays, whatever the order in which they came: of a line
 * of epochs the one that has forgotten more, else the one whose bytes are smaller.
 */
export function settle(a: Operation, b: Operation): Operation {
  if (isKind(a, 'epoch-line') && isKind(b, 'epoch-line') && a.body.epoch !== b.body.epoch) {
    return a.body.epoch > b.body.epoch ? a : b;
  }
  if (a === b) return a;
  return bytesToHex(encodeOperation(a)) <= bytesToHex(encodeOperation(b)) ? a : b;
}

/** Text as the hex of its UTF-8 bytes' ASCII part, for flags: IMAP's flags are ASCII. */
export function flagElement(flag: string): string {
  assert(/^[\x21-\x7e]{1,64}$/.test(flag), 'a flag is 1 to 64 printable ASCII characters');
  return Array.from(flag, (one) => one.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

/** The flag that an element names; bytes that are no printable ASCII become '?'. */
export function flagOfElement(element: string): string {
  const printable = (code: number): boolean => code >= 0x21 && code <= 0x7e;
  const codes = Array.from(hexToBytes(element), (code) => (printable(code) ? code : 0x3f));
  return String.fromCharCode(...codes);
}
