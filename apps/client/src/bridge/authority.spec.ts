/** The local authority: made once, limited to loopback, its leaves verify under it. */
import { X509Certificate } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { WriteLock } from '../store/write-lock.ts';
import { type Authority, openAuthority } from './authority.ts';

const DAY_MS = 86_400_000;

async function open(disk: Disk, nowMs = Date.now()): Promise<Authority> {
  const store = sealedMemoryStore(memoryStore(disk).store);
  return openAuthority({
    store,
    writes: new WriteLock(),
    random: SYSTEM_RANDOM,
    nowMs: () => nowMs,
  });
}

it('is made once, and anew when it would end before a leaf does', async () => {
  const disk: Disk = new Map();
  const first = await open(disk);
  expect((await open(disk)).certPem).toBe(first.certPem);
  const later = await open(disk, Date.now() + 3_400 * DAY_MS);
  expect(later.fingerprint).not.toBe(first.fingerprint);
});

it('is an authority for loopback names only, and says so critically', async () => {
  const { certPem, fingerprint } = await open(new Map());
  const cert = new X509Certificate(certPem);
  expect(cert.ca).toBe(true);
  expect(cert.fingerprint256).toBe(fingerprint);
  const der = cert.raw.toString('hex');
  // Name constraints (2.5.29.30), critical; permitted: localhost and the two addresses.
  expect(der).toContain('0603551d1e0101ff');
  expect(der).toContain(`8209${Buffer.from('localhost').toString('hex')}`);
  expect(der).toContain('87087f000001ffffffff');
  expect(der).toContain(`8720${'00'.repeat(15)}01${'ff'.repeat(16)}`);
});

it('signs leaves for this machine, each with a key of its own', async () => {
  const authority = await open(new Map());
  const [one, other] = [await authority.issue(), await authority.issue()];
  expect(one.key).not.toBe(other.key);
  const issuer = new X509Certificate(authority.certPem);
  const leaf = new X509Certificate(one.cert);
  expect(leaf.verify(issuer.publicKey)).toBe(true);
  expect(leaf.checkIssued(issuer)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkIP('::1')).toBe('::1');
  expect(leaf.checkHost('example.org')).toBeUndefined();
});
