/**
 * Notes to oneself: operations on their way to the account's other devices, and epoch lines that
 * only listed devices may open. Stop before: self-log/log.ts; next: letter/letter.ts, as the body
 * of a note of family 0xc4. Spec: docs/spec/26-self-log.md, section "Notes".
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { concatBytes, deriveKey } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';
import type { Operation } from './operation.ts';
import {
  decodeOperation,
  DEVICE_ID_LENGTH,
  type DeviceId,
  deviceIdFromBytes,
  encodeOperation,
  MAX_OPERATION_SIZE,
} from './operation.ts';

/** First byte of every note to oneself. */
export const SELF_NOTE_FAMILY = 0xc4;
/** Bytes of the largest note: one envelope carries it. */
export const MAX_SELF_NOTE = 20_480;
/** Operations of one note. */
export const MAX_NOTE_OPERATIONS = 512;
/** Keys that one note is sealed to: devices, and backups that sleep. */
export const MAX_BOXES = 136;
/** Bytes of one part of a snapshot, and how many parts it may have: 4 MiB together. */
export const MAX_SNAPSHOT_PART = 16_384;
export const MAX_SNAPSHOT_PARTS = 256;
const VERSION = 1;
const MAX_BOX_CONTENT = 128;

/** An operation sealed to the key of one device or backup. */
export interface SealedBox {
  /** The ephemeral public key, 32 bytes. */
  readonly ephemeralKey: Uint8Array;
  /** 17 bytes at least. */
  readonly sealed: Uint8Array;
}

/** One part of a snapshot that is sealed to one device. */
export interface SnapshotPart {
  readonly to: DeviceId;
  /** First 16 bytes of the SHA-256 of the whole, hex. */
  readonly id: string;
  readonly index: number;
  readonly count: number;
  /** MAX_SNAPSHOT_PART bytes, the last part's 1 at least. */
  readonly bytes: Uint8Array;
}

export type SelfNote =
  | ({ readonly kind: 'snapshot' } & SnapshotPart)
  | { readonly kind: 'operations'; readonly operations: readonly Operation[] }
  | { readonly kind: 'boxes'; readonly boxes: readonly SealedBox[] }
  /** Says nothing: the parts of a copy were uploaded under its tag, and are kept from now on. */
  | { readonly kind: 'settles' };

/** The bytes of a note. */
export function encodeSelfNote(note: SelfNote): Uint8Array {
  const writer = new Writer(1_024);
  writer.u8(SELF_NOTE_FAMILY);
  writer.u8(VERSION);
  if (note.kind === 'operations') {
    writer.u8(1);
    writer.count16(note.operations.length, 1, MAX_NOTE_OPERATIONS);
    for (const operation of note.operations) {
      const bytes = encodeOperation(operation);
      writer.u16(bytes.length);
      writer.raw(bytes);
    }
  } else if (note.kind === 'snapshot') {
    writer.u8(3);
    writer.hex(note.to, DEVICE_ID_LENGTH);
    writer.hex(note.id, 16);
    writer.count16(note.count, 1, MAX_SNAPSHOT_PARTS);
    writer.u16(note.index);
    writer.count16(note.bytes.length, 1, MAX_SNAPSHOT_PART);
    writer.raw(note.bytes);
  } else if (note.kind === 'settles') {
    writer.u8(4);
  } else {
    writer.u8(2);
    writer.count8(note.boxes.length, 1, MAX_BOXES);
    for (const { ephemeralKey, sealed } of note.boxes) {
      writer.fixed(ephemeralKey, 32);
      writer.count8(sealed.length, 17, MAX_BOX_CONTENT + 16);
      writer.raw(sealed);
    }
  }
  const bytes = writer.finish();
  assert(bytes.length <= MAX_SELF_NOTE, 'a note of our own fits an envelope');
  return bytes;
}

/** Reads a note. Codes: those of form, `version-unknown`, those of `decodeOperation`. */
export function decodeSelfNote(bytes: Uint8Array): MailOutcome<SelfNote> {
  const parts = decodeWith(bytes, MAX_SELF_NOTE, readNote);
  if (!parts.ok) return parts;
  if (parts.value.kind !== 'operations') return succeed(parts.value);
  const operations: Operation[] = [];
  for (const one of parts.value.encoded) {
    const decoded = decodeOperation(one);
    if (!decoded.ok) return decoded;
    operations.push(decoded.value);
  }
  return succeed({ kind: 'operations', operations });
}

type RawNote =
  | ({ readonly kind: 'snapshot' } & SnapshotPart)
  | { readonly kind: 'operations'; readonly encoded: readonly Uint8Array[] }
  | { readonly kind: 'boxes'; readonly boxes: readonly SealedBox[] }
  | { readonly kind: 'settles' };

function readNote(reader: Reader): RawNote {
  if (reader.u8() !== SELF_NOTE_FAMILY) refuse('not-canonical');
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const type = reader.u8();
  if (type === 1) {
    const count = reader.count16(1, MAX_NOTE_OPERATIONS);
    const encoded: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const length = reader.u16();
      if (length > MAX_OPERATION_SIZE) refuse('too-large');
      encoded.push(reader.view(length));
    }
    return { kind: 'operations', encoded };
  }
  if (type === 3) return { kind: 'snapshot', ...readPart(reader) };
  if (type === 4) return { kind: 'settles' };
  if (type !== 2) refuse('number-out-of-range');
  const count = reader.count8(1, MAX_BOXES);
  const boxes: SealedBox[] = [];
  for (let index = 0; index < count; index++) {
    const ephemeralKey = reader.bytes(32);
    boxes.push({ ephemeralKey, sealed: reader.bytes(reader.count8(17, MAX_BOX_CONTENT + 16)) });
  }
  return { kind: 'boxes', boxes };
}

function readPart(reader: Reader): SnapshotPart {
  const to = deviceIdFromBytes(reader.view(DEVICE_ID_LENGTH));
  const id = reader.hex(16);
  const count = reader.count16(1, MAX_SNAPSHOT_PARTS);
  const index = reader.u16();
  if (index >= count) refuse('number-out-of-range');
  const size = reader.count16(1, MAX_SNAPSHOT_PART);
  if (index < count - 1 && size !== MAX_SNAPSHOT_PART) refuse('not-canonical');
  return { to, id, count, index, bytes: reader.bytes(size) };
}

const NONCE = new Uint8Array(12);
const NO_AAD = new Uint8Array(0);

const BOX = 'tmail/device-box/v1';
const SNAPSHOT = 'tmail/device-snapshot/v1';

function boxKey(
  shared: Uint8Array,
  label: typeof BOX | typeof SNAPSHOT,
  [ephemeralKey, publicKey]: readonly [Uint8Array, Uint8Array],
): Uint8Array {
  return deriveKey(shared, label, [ephemeralKey, publicKey]);
}

/**
 * Seals an operation to one key, with a fresh ephemeral secret (32 random bytes, used once: so the
 * nonce can be zero). Code: `recipient-key-invalid` for a key of low order.
 */
export function sealBox(
  operation: Operation,
  publicKey: Uint8Array,
  ephemeralSecret: Uint8Array,
  suite: SealingSuite,
): MailOutcome<SealedBox> {
  const shared = suite.x25519(ephemeralSecret, publicKey);
  if (shared === undefined) return fail('recipient-key-invalid');
  const ephemeralKey = suite.x25519PublicKey(ephemeralSecret);
  const content = encodeOperation(operation);
  assert(content.length <= MAX_BOX_CONTENT, 'a box holds a short operation');
  const key = boxKey(shared, BOX, [ephemeralKey, publicKey]);
  const sealed = suite.chacha20poly1305Seal(key, NONCE, content, NO_AAD);
  return succeed({ ephemeralKey, sealed });
}

/** Opens the box that is for this key; undefined when it is for another one. */
export function openBox(box: SealedBox, own: KeyPair, suite: SealingSuite): Operation | undefined {
  const shared = suite.x25519(own.secretKey, box.ephemeralKey);
  if (shared === undefined) return undefined;
  const key = boxKey(shared, BOX, [box.ephemeralKey, own.publicKey]);
  const content = suite.chacha20poly1305Open(key, NONCE, box.sealed, NO_AAD);
  if (content === undefined) return undefined;
  const decoded = decodeOperation(content);
  return decoded.ok ? decoded.value : undefined;
}

/**
 * A snapshot (compressed) in parts that only one device can put together. Ephemeral secret as for
 * `sealBox`. Codes: `recipient-key-invalid` for a key of low order, `self-log-full` beyond
 * MAX_SNAPSHOT_PARTS.
 */
export function sealSnapshot(
  content: Uint8Array,
  to: { readonly device: DeviceId; readonly key: Uint8Array },
  ephemeralSecret: Uint8Array,
  suite: SealingSuite,
): MailOutcome<SnapshotPart[]> {
  const shared = suite.x25519(ephemeralSecret, to.key);
  if (shared === undefined) return fail('recipient-key-invalid');
  const ephemeralKey = suite.x25519PublicKey(ephemeralSecret);
  const key = boxKey(shared, SNAPSHOT, [ephemeralKey, to.key]);
  const sealed = suite.chacha20poly1305Seal(key, NONCE, content, NO_AAD);
  const whole = concatBytes(ephemeralKey, sealed);
  const count = Math.ceil(whole.length / MAX_SNAPSHOT_PART);
  if (count > MAX_SNAPSHOT_PARTS) return fail('self-log-full', `${count} parts`);
  const id = bytesToHex(sha256(whole).subarray(0, 16));
  return succeed(
    Array.from({ length: count }, (_, index): SnapshotPart => {
      const from = index * MAX_SNAPSHOT_PART;
      const bytes = whole.slice(from, from + MAX_SNAPSHOT_PART);
      return { to: to.device, id, index, count, bytes };
    }),
  );
}

/** What was sealed in these parts, all of them in order; undefined when it is not for this key. */
export function openSnapshot(
  parts: readonly Uint8Array[],
  own: KeyPair,
  suite: SealingSuite,
): Uint8Array | undefined {
  const whole = concatBytes(...parts);
  if (whole.length < 48) return undefined;
  const ephemeralKey = whole.slice(0, 32);
  const shared = suite.x25519(own.secretKey, ephemeralKey);
  if (shared === undefined) return undefined;
  const key = boxKey(shared, SNAPSHOT, [ephemeralKey, own.publicKey]);
  return suite.chacha20poly1305Open(key, NONCE, whole.slice(32), NO_AAD);
}
