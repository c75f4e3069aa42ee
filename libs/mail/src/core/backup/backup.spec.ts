/** The backup format: vectors, round trips, and nothing opens that was touched. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { bytesToHex } from '@noble/hashes/utils.js';
import { concatBytes, sha256 } from '../crypto/kdf.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import {
  backupFileKey,
  decodeBackupHead,
  encodeBackupHead,
  lockForWords,
  MAX_BACKUP_HEAD,
  openWordsLock,
  recoveryKeyOf,
  recoverySecret,
  type PassphraseLock,
} from './lock.ts';
import { type BackupRecord, encodeBackupRecord, readBackupRecord } from './record.ts';
import { BACKUP_CHUNK, openBackupChunk, sealBackupChunk } from './stream.ts';

const vectors = readVectors('backup') as Record<
  'passphraseFile' | 'wordsHead' | 'wordsSecret' | 'seed' | 'recoveryKeyHash',
  string
>;
const fill = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
const LOCK: PassphraseLock = {
  kind: 'passphrase',
  memoryKiB: 65_536,
  passes: 3,
  parallelism: 4,
  salt: fill(2, 16),
};
const RECORDS: readonly BackupRecord[] = [
  { kind: 'manifest', json: new TextEncoder().encode('{}') },
  { kind: 'value', bucket: 1, key: 'example', value: fill(5, 3) },
  { kind: 'end', count: 1 },
];

function wholeFile(): Uint8Array {
  const head = encodeBackupHead(LOCK);
  const body = concatBytes(...RECORDS.map(encodeBackupRecord));
  return concatBytes(head, sealBackupChunk(backupFileKey(fill(7, 32), head), 0, true, body));
}

describe('vectors', () => {
  it('a file for a passphrase', () => {
    expect(bytesToHex(wholeFile())).toBe(vectors.passphraseFile);
  });

  it('a head for the words, which only they open', () => {
    const seed = fromHex(vectors.seed);
    const secret = recoverySecret(seed, 0);
    const key = recoveryKeyOf(secret, nobleSuite);
    expect(bytesToHex(sha256(key))).toBe(vectors.recoveryKeyHash);
    const randomness = { ephemeralSecret: fill(3, 32), kemMessage: fill(4, 32) };
    const made = valueOf(lockForWords(key, randomness, nobleSuite));
    expect(bytesToHex(encodeBackupHead(made.lock))).toBe(vectors.wordsHead);
    expect(bytesToHex(made.secret)).toBe(vectors.wordsSecret);
    expect(openWordsLock(made.lock, secret, nobleSuite)).toEqual({ ok: true, value: made.secret });
    const other = valueOf(openWordsLock(made.lock, recoverySecret(seed, 1), nobleSuite));
    expect(other).not.toEqual(made.secret);
  });

  it('recipient-key-invalid: a recovery key that is none', () => {
    const randomness = { ephemeralSecret: fill(3, 32), kemMessage: fill(4, 32) };
    expect(codeOf(lockForWords(fill(0, 1_216), randomness, nobleSuite))).toBe(
      'recipient-key-invalid',
    );
    expect(codeOf(lockForWords(fill(1, 9), randomness, nobleSuite))).toBe('recipient-key-invalid');
  });
});

describe('the head', () => {
  it('backup-not-one, version-unknown, number-out-of-range, truncated', () => {
    const head = encodeBackupHead(LOCK);
    expect(codeOf(decodeBackupHead(fill(0x20, 60)))).toBe('backup-not-one');
    expect(codeOf(decodeBackupHead(head.with(8, 2)))).toBe('version-unknown');
    expect(codeOf(decodeBackupHead(head.with(9, 3)))).toBe('number-out-of-range');
    expect(codeOf(decodeBackupHead(head.subarray(0, 30)))).toBe('truncated');
  });

  it('backup-head-invalid: costs that would take all memory, a key of low order', () => {
    for (const more of [{ memoryKiB: 1_048_577 }, { passes: 0 }, { parallelism: 17 }]) {
      const head = encodeBackupHead({ ...LOCK, ...more });
      expect(codeOf(decodeBackupHead(head))).toBe('backup-head-invalid');
    }
    const low = { kind: 'words', ephemeralKey: fill(0, 32), ciphertext: fill(1, 1_088) } as const;
    expect(codeOf(openWordsLock(low, fill(1, 32), nobleSuite))).toBe('backup-head-invalid');
  });

  it('takes any bytes without throwing, and what it reads it writes the same', () => {
    const noise = fc.uint8Array({ maxLength: MAX_BACKUP_HEAD + 8 });
    const near: fc.Arbitrary<Uint8Array> = noise.map((bytes) => {
      const head = concatBytes(encodeBackupHead(LOCK).subarray(0, 9), bytes);
      return head.slice();
    });
    fc.assert(
      fc.property(fc.oneof(noise, near) as fc.Arbitrary<Uint8Array>, (bytes) => {
        const decoded = decodeBackupHead(bytes);
        if (!decoded.ok) return;
        const { lock, length } = decoded.value;
        expect(encodeBackupHead(lock)).toEqual(bytes.slice(0, length));
      }),
    );
  });
});

describe('chunks', () => {
  const key = fill(9, 32);
  const full = fill(1, BACKUP_CHUNK);

  it('open in their place only', () => {
    const sealed = sealBackupChunk(key, 1, false, full);
    expect(valueOf(openBackupChunk(key, 1, false, sealed))).toEqual(full);
    expect(codeOf(openBackupChunk(key, 2, false, sealed))).toBe('backup-damaged');
    expect(codeOf(openBackupChunk(key, 1, true, sealed))).toBe('backup-damaged');
    expect(codeOf(openBackupChunk(key, 0, false, sealed))).toBe('backup-locked');
    expect(codeOf(openBackupChunk(fill(8, 32), 1, false, sealed))).toBe('backup-damaged');
    expect(codeOf(openBackupChunk(key, 1, false, sealed.subarray(1)))).toBe('backup-damaged');
    expect(codeOf(openBackupChunk(key, 1, true, fill(0, 15)))).toBe('backup-damaged');
  });

  it('show no bit that was turned', () => {
    const sealed = sealBackupChunk(key, 3, true, fill(1, 40));
    for (let at = 0; at < sealed.length; at++) {
      const turned = sealed.with(at, (sealed[at] ?? 0) ^ 1);
      expect(codeOf(openBackupChunk(key, 3, true, turned))).toBe('backup-damaged');
    }
  });
});

describe('records', () => {
  it('come back as they were, however the bytes arrive', () => {
    let bytes = concatBytes(...RECORDS.map(encodeBackupRecord));
    for (const record of RECORDS) {
      const whole = encodeBackupRecord(record);
      for (let length = 0; length < whole.length; length++) {
        expect(readBackupRecord(bytes.subarray(0, length))).toBeUndefined();
      }
      const found = readBackupRecord(bytes);
      expect(found && valueOf(found)).toEqual({ record, length: whole.length });
      bytes = bytes.slice(whole.length);
    }
  });

  it('backup-damaged, and codes of form: unknown kinds, sizes beyond the limits, odd keys', () => {
    const codeOfBytes = (...bytes: number[]): string => {
      const found = readBackupRecord(Uint8Array.from(bytes));
      return found === undefined ? 'more' : codeOf(found);
    };
    expect(codeOfBytes(4, 0, 0, 0, 0)).toBe('backup-damaged');
    expect(codeOfBytes(3, 5, 0, 0, 0)).toBe('backup-damaged');
    expect(codeOfBytes(2, 0, 0, 0, 0xff)).toBe('backup-damaged');
    expect(codeOfBytes(2, 4, 0, 0, 0, 1, 1, 0, 0x07)).toBe('not-canonical');
    expect(codeOfBytes(2, 3, 0, 0, 0, 1, 0, 0)).toBe('count-out-of-range');
    expect(codeOfBytes(3, 0, 0, 0, 0)).toBe('truncated');
  });

  it('any bytes are read without throwing, and one way only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 64 }), (bytes) => {
        const found = readBackupRecord(bytes);
        if (found === undefined || !found.ok) return;
        const { record, length } = found.value;
        expect(encodeBackupRecord(record)).toEqual(bytes.slice(0, length));
      }),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 0, max: 255 }),
        (value, bucket) => {
          const record = { kind: 'value', bucket, key: 'k', value } as const;
          expect(readBackupRecord(encodeBackupRecord(record))).toMatchObject({ ok: true });
        },
      ),
    );
  });
});
