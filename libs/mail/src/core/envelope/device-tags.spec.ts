/** Notes about a contact's further devices, and the keys of their tags. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import type { MailAddress } from '../identity/address.ts';
import { nobleSuite as suite } from '../crypto/noble-suite.ts';
import { decodeDeviceNote, deviceTagKey, encodeDeviceNote, selfTagKey } from './device-tags.ts';
import { tagAt } from './tags.ts';

const DEVICE = 'a1'.repeat(16);
const seed = new Uint8Array(32).fill(3);
const [alice, bob] = ['0a'.repeat(24) as MailAddress, '0b'.repeat(24) as MailAddress];

describe('tags of further devices', () => {
  it('differ by device and direction', () => {
    const one = deviceTagKey(seed, { from: alice, to: bob });
    const back = deviceTagKey(seed, { from: bob, to: alice });
    const other = deviceTagKey(seed.with(0, 4), { from: alice, to: bob });
    const tags = [one, back, other].map((key) => Buffer.from(tagAt(key, 0)).toString('hex'));
    expect(new Set(tags).size).toBe(3);
  });

  it('to oneself differ by device and account, and every device makes them alike', () => {
    const identity = (byte: number) => {
      const secretKey = new Uint8Array(32).fill(byte);
      return { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
    };
    const other = 'b2'.repeat(16);
    const keys = [
      selfTagKey(identity(1), DEVICE, suite),
      selfTagKey(identity(1), other, suite),
      selfTagKey(identity(2), DEVICE, suite),
    ];
    expect(new Set(keys.map((key) => Buffer.from(key ?? []).toString('hex'))).size).toBe(3);
    expect(selfTagKey(identity(1), DEVICE, suite)).toEqual(keys[0]);
    const broken = { ...identity(1), publicKey: new Uint8Array(32) };
    expect(selfTagKey(broken, DEVICE, suite)).toBeUndefined();
  });

  it('are told and known by notes that come back as they were', () => {
    const tell = { kind: 'tell', device: DEVICE, seed } as const;
    const know = { kind: 'know', device: DEVICE } as const;
    const renew = { kind: 'renew', device: DEVICE } as const;
    for (const note of [tell, know, renew]) {
      expect(valueOf(decodeDeviceNote(encodeDeviceNote(note)))).toEqual(note);
    }
    const bytes = encodeDeviceNote(tell);
    expect(codeOf(decodeDeviceNote(bytes.with(0, 0xc4)))).toBe('not-canonical');
    expect(codeOf(decodeDeviceNote(bytes.with(1, 2)))).toBe('version-unknown');
    expect(codeOf(decodeDeviceNote(bytes.with(2, 4)))).toBe('number-out-of-range');
    expect(codeOf(decodeDeviceNote(bytes.subarray(0, 50)))).toBe('truncated');
  });

  it('any bytes are read without throwing, and one way only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (noise, isNear) => {
        const start = isNear ? [0xc5, 1] : [];
        const bytes = Uint8Array.from([...start, ...noise]);
        const decoded = decodeDeviceNote(bytes);
        expect(decoded.ok ? encodeDeviceNote(decoded.value) : bytes).toEqual(bytes);
      }),
    );
  });
});
