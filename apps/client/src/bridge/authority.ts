/**
 * Encryption for mail programs: a certificate authority of this account alone, which may vouch for
 * this machine's loopback names and nothing else, and leaf certificates under it. It is made once,
 * so a program is asked once whether it trusts it; its key lies sealed in the store. Before:
 * bridge.ts; after: the library @peculiar/x509. Source: RFC 5280 §4.2.1.10. Spec:
 * docs/spec/45-mail-programs.md.
 */
import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import { AsnConvert } from '@peculiar/asn1-schema';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import type { TlsKey } from '@tanglemail/mail/io/socket/mail-server.ts';
import { authorities } from '../store/bridge-collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

const KEY = 'authority';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
/** Programs of Apple refuse more than 825 days. */
const LEAF_DAYS = 397;
/** Clocks of two programs on one machine are the same, but a restored one may be behind. */
const BACK_MS = DAY_MS;
const SERIAL_LENGTH = 16;
const NAMES = ['localhost'];
const ADDRESSES = ['127.0.0.1', '::1'];
/** The same, each with the length of its mask. */
const RANGES = ['127.0.0.1/32', '::1/128'];

export interface AuthorityDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly random: Random;
  readonly nowMs: () => number;
}

/** What programs are given to trust. */
export interface Authority {
  readonly certPem: string;
  /** SHA-256 of the certificate, hex with colons, as programs show it. */
  readonly fingerprint: string;
  /** A fresh key and certificate for the servers, the authority's behind it. */
  issue(): Promise<TlsKey>;
}

/** The authority of the account; made now if there is none, or if it ends within a leaf's life. */
export async function openAuthority(deps: AuthorityDeps): Promise<Authority> {
  const known = deps.store.get(authorities, KEY);
  const endMs = known && new X509Certificate(known.cert).notAfter.getTime();
  const isGood = endMs !== undefined && endMs > deps.nowMs() + LEAF_DAYS * DAY_MS;
  const pair = known !== undefined && isGood ? known : await makeAuthority(deps);
  const cert = new X509Certificate(pair.cert);
  const digest = bytesToHex(
    new Uint8Array(await cert.getThumbprint('SHA-256', webcrypto as never)),
  );
  return {
    certPem: pair.cert,
    fingerprint: digest.toUpperCase().match(/../g)?.join(':') ?? '',
    issue: async () => await makeLeaf(pair, deps),
  };
}

async function makeAuthority(deps: AuthorityDeps): Promise<TlsKey> {
  const { store, writes, random, nowMs } = deps;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const serialNumber = bytesToHex(random.bytes(SERIAL_LENGTH));
  const cert = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber,
      // The number tells authorities of several accounts of one person apart.
      name: `CN=Tanglemail on this machine ${serialNumber.slice(0, 8)}`,
      notBefore: new Date(nowMs() - BACK_MS),
      notAfter: new Date(nowMs() + AUTHORITY_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys: keys as never,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
        nameConstraints(),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const pair = { key: await pemOf(keys.privateKey), cert: cert.toString('pem') };
  await writes.run(() => store.batch().put(authorities, KEY, pair).write());
  return pair;
}

async function makeLeaf(authority: TlsKey, { random, nowMs }: AuthorityDeps): Promise<TlsKey> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(authority.key),
    ALGORITHM,
    false,
    ['sign'],
  );
  const cert = await X509CertificateGenerator.create(
    {
      serialNumber: bytesToHex(random.bytes(SERIAL_LENGTH)),
      issuer: issuer.subject,
      subject: 'CN=localhost',
      notBefore: new Date(nowMs() - BACK_MS),
      notAfter: new Date(nowMs() + LEAF_DAYS * DAY_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey as never,
      signingKey: signingKey as never,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([
          ...NAMES.map((value) => ({ type: 'dns', value }) as const),
          ...ADDRESSES.map((value) => ({ type: 'ip', value }) as const),
        ]),
        // RFC 5280 §4.2.1.1 demands it; Python's and OpenSSL's strict checks refuse without it.
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return {
    key: await pemOf(keys.privateKey),
    cert: `${cert.toString('pem')}\n${authority.cert}`,
  };
}

/** Critical: a program that does not understand the limits must not trust the authority at all. */
function nameConstraints(): Extension {
  const permitted = [
    ...NAMES.map((dNSName) => ({ dNSName })),
    ...RANGES.map((iPAddress) => ({ iPAddress })),
  ].map((name) => new GeneralSubtree({ base: new GeneralName(name) }));
  const permittedSubtrees = new GeneralSubtrees(permitted);
  const value = AsnConvert.serialize(new NameConstraints({ permittedSubtrees }));
  return new Extension(id_ce_nameConstraints, true, value);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key);
  return PemConverter.encode(bytes, 'PRIVATE KEY');
}
