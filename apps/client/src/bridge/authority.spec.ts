/** The local authority: made once, limited to loopback, its leaves verify under it. */
import { webcrypto, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, it } from '@jest/globals';
import 'reflect-metadata';
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { authorities } from '../store/bridge-collections.ts';
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

it('names its key in each leaf, which strict programs demand', async () => {
  const authority = await open(new Map());
  const leaf = new X509Certificate((await authority.issue()).cert).raw.toString('hex');
  const issuer = new X509Certificate(authority.certPem).raw.toString('hex');
  // Subject key identifier (2.5.29.14) there, authority key identifier (2.5.29.35) here.
  const [, key = ''] = /0603551d0e04160414([0-9a-f]{40})/.exec(issuer) ?? [];
  expect(leaf).toContain(`0603551d23041830168014${key}`);
});

it('is worth nothing for another name, even in the hands of a thief', async () => {
  const disk: Disk = new Map();
  const { certPem } = await open(disk);
  const stolen = sealedMemoryStore(memoryStore(disk).store).get(authorities, 'authority');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = PemConverter.decodeFirst(stolen?.key ?? '');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const cert = await X509CertificateGenerator.create(
    {
      issuer: new X509Certificate(certPem).subject,
      subject: 'CN=example.org',
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey as never,
      signingKey: signingKey as never,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'example.org' }])],
    },
    webcrypto,
  );
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const key = PemConverter.encode(pkcs8, 'PRIVATE KEY');
  const server = createServer({ key, cert: `${cert.toString('pem')}\n${certPem}` });
  // It must read, or it would not see that the other side leaves.
  server.on('secureConnection', (other) => other.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', servername: 'example.org', ca: certPem });
  const [error] = (await once(socket, 'error')) as unknown[];
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  expect(error).toMatchObject({ message: 'permitted subtree violation' });
});
