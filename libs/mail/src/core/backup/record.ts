/**
 * What the body of a backup says: a manifest, then values of the store, then the end with their
 * count. Stop before: backup/stream.ts; next: the client's restore. Spec: docs/spec/29-backup.md.
 */
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { utf8ToBytes } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

/** JSON about the account: secrets, network, settings. */
export interface ManifestRecord {
  readonly kind: 'manifest';
  readonly json: Uint8Array;
}

/** One value of the store, in the clear. */
export interface ValueRecord {
  readonly kind: 'value';
  readonly bucket: number;
  /** ASCII, 1 to MAX_BACKUP_KEY characters. */
  readonly key: string;
  readonly value: Uint8Array;
}

export interface EndRecord {
  readonly kind: 'end';
  /** Values in the whole file. */
  readonly count: number;
}

export type BackupRecord = ManifestRecord | ValueRecord | EndRecord;

export const MAX_BACKUP_MANIFEST = 4_194_304;
export const MAX_BACKUP_VALUE = 67_108_864;
export const MAX_BACKUP_KEY = 512;
const FRAME_LENGTH = 5;
const KINDS = { manifest: 1, value: 2, end: 3 } as const;
const MAX_LENGTH = {
  1: MAX_BACKUP_MANIFEST,
  2: 3 + MAX_BACKUP_KEY + MAX_BACKUP_VALUE,
  3: 4,
} as const;

/** kind u8 · length u32 · body. */
export function encodeBackupRecord(record: BackupRecord): Uint8Array {
  const writer = new Writer(1_024);
  writer.u8(KINDS[record.kind]);
  if (record.kind === 'manifest') {
    assert(record.json.length <= MAX_BACKUP_MANIFEST, 'a manifest is bounded');
    writer.u32(record.json.length);
    writer.raw(record.json);
  } else if (record.kind === 'end') {
    writer.u32(4);
    writer.u32(record.count);
  } else {
    const key = utf8ToBytes(record.key);
    assert(record.value.length <= MAX_BACKUP_VALUE, 'a value is bounded');
    writer.u32(3 + key.length + record.value.length);
    writer.u8(record.bucket);
    writer.count16(key.length, 1, MAX_BACKUP_KEY);
    writer.raw(key);
    writer.raw(record.value);
  }
  return writer.finish();
}

/** A record at the start of `bytes`, and how many bytes it took. */
export interface ReadRecord {
  readonly record: BackupRecord;
  readonly length: number;
}

/**
 * Reads the record at the start of `bytes`; undefined while more bytes are needed. Codes:
 * `backup-damaged`, and those of form.
 */
export function readBackupRecord(bytes: Uint8Array): MailOutcome<ReadRecord> | undefined {
  if (bytes.length < FRAME_LENGTH) return undefined;
  const kind = bytes[0] as keyof typeof MAX_LENGTH;
  const most: number | undefined = MAX_LENGTH[kind];
  if (most === undefined) return fail('backup-damaged', `record ${kind}`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  if (size > most) return fail('backup-damaged', `record of ${size} bytes`);
  const length = FRAME_LENGTH + size;
  if (bytes.length < length) return undefined;
  const body = bytes.subarray(FRAME_LENGTH, length);
  if (kind === 1) return succeed({ record: { kind: 'manifest', json: body }, length });
  const decoded = decodeWith<BackupRecord>(body, most, kind === 2 ? readValue : readEnd);
  return decoded.ok ? succeed({ record: decoded.value, length }) : decoded;
}

function readValue(reader: Reader): ValueRecord {
  const bucket = reader.u8();
  const key = String.fromCharCode(...reader.view(reader.count16(1, MAX_BACKUP_KEY)));
  if (!/^[\x20-\x7e]+$/.test(key)) refuse('not-canonical');
  return { kind: 'value', bucket, key, value: reader.view(reader.remaining) };
}

function readEnd(reader: Reader): EndRecord {
  return { kind: 'end', count: reader.u32() };
}
