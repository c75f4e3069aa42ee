import { describe, expect, it } from '@jest/globals';
import type { Certificate, Statement } from '../codec/certificate.ts';
import { decodeCertificate, encodeCertificate } from '../codec/certificate.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import type { KeyPair } from '../testing/ledger-fixtures.ts';
import { committeeKeys, keyPair, NETWORK_ID, testGenesis } from '../testing/ledger-fixtures.ts';
import type { Vote } from '../codec/consensus.ts';
import {
  assembleCertificate,
  checkCertificate,
  checkFinality,
  checkVote,
  signVote,
  statementOf,
} from './certificate.ts';
import { faultsTolerated, quorum } from './committee.ts';
import { genesisMilestone } from './genesis.ts';

const { header } = genesisMilestone(testGenesis(4), nobleHasher);
const FINALIZE = statementOf(header, 'finalize', nobleHasher);

function votesOf(size: number, statement: Statement = FINALIZE): Vote[] {
  return committeeKeys(size).map((key, seat) =>
    signVote(statement, NETWORK_ID, seat, key.secretKey),
  );
}

function certificateOf(votes: readonly Vote[], size: number): Certificate {
  const certificate = assembleCertificate(votes, size);
  if (certificate === undefined) throw new Error('no quorum');
  return certificate;
}

const publicKeys = (keys: readonly KeyPair[]): Uint8Array[] =>
  keys.map(({ publicKey }) => publicKey);

function check(certificate: Certificate, size: number, networkId = NETWORK_ID): unknown {
  return checkCertificate(certificate, publicKeys(committeeKeys(size)), networkId, nobleVerifier);
}

/** The certificate with another signature at `position`. */
function withSignature(certificate: Certificate, position: number, bytes: Uint8Array): Certificate {
  const signatures = certificate.signatures.map((one, at) => (at === position ? bytes : one));
  return { ...certificate, signatures };
}

describe.each([1, 4, 7, 10, 32])('a committee of %i', (size) => {
  const votes = votesOf(size);
  const certificate = certificateOf(votes, size);

  it('certifies with exactly q signatures, whoever the other f are', () => {
    expect(certificate.signers.length).toBe(quorum(size));
    expect(check(certificate, size)).toMatchObject({ ok: true });
    const others = certificateOf(votes.slice(faultsTolerated(size)), size);
    expect(check(others, size)).toMatchObject({ ok: true });
    const decoded = decodeCertificate(encodeCertificate(certificate));
    expect(decoded).toEqual({ ok: true, value: certificate });
  });

  it('does not certify with q − 1 votes, however often they are repeated', () => {
    const few = votes.slice(0, quorum(size) - 1);
    expect(assembleCertificate([...few, ...few, ...few], size)).toBeUndefined();
  });

  it('certificate-quorum: one signature too few, one too many, a seat twice', () => {
    const { signers, signatures } = certificate;
    const fewer = { ...certificate, signers: signers.slice(1), signatures: signatures.slice(1) };
    expect(check(fewer, size)).toMatchObject({ code: 'certificate-quorum' });
    const all = {
      signers: votes.map(({ seat }) => seat),
      signatures: votes.map((v) => v.signature),
    };
    const padded = { ...certificate, ...all };
    const paddedCode = size === quorum(size) ? { ok: true } : { code: 'certificate-quorum' };
    expect(check(padded, size)).toMatchObject(paddedCode);
    if (quorum(size) === 1) return;
    const twice = { ...certificate, signers: signers.map(() => 0) };
    expect(check(twice, size)).toMatchObject({ code: 'certificate-quorum' });
  });

  it('certificate-signature: f honest signatures short, f seats lie', () => {
    const last = certificate.signatures.length - 1;
    const forged = signVote(FINALIZE, NETWORK_ID, 0, keyPair(99).secretKey).signature;
    const forgery = withSignature(certificate, last, forged);
    expect(check(forgery, size)).toMatchObject({ code: 'certificate-signature' });
    const wrongStatement = signVote(
      { ...FINALIZE, kind: 'notarize' },
      NETWORK_ID,
      certificate.signers[last] as number,
      (committeeKeys(size)[certificate.signers[last] as number] as KeyPair).secretKey,
    );
    const mixed = withSignature(certificate, last, wrongStatement.signature);
    expect(check(mixed, size)).toMatchObject({ code: 'certificate-signature' });
  });
});

describe('checkCertificate', () => {
  const certificate = certificateOf(votesOf(4), 4);

  it('certificate-quorum: a bitmap for another committee size', () => {
    expect(check({ ...certificate, bitmapLength: 2 }, 4)).toMatchObject({
      code: 'certificate-quorum',
    });
    expect(check(certificate, 10)).toMatchObject({ code: 'certificate-quorum' });
  });

  it('certificate-quorum: a seat that the committee does not have', () => {
    const beyond = { ...certificate, signers: [0, 1, 7] };
    expect(check(beyond, 4)).toMatchObject({ code: 'certificate-quorum' });
  });

  it('certificate-signature: signed for another network, epoch, view or digest', () => {
    const wrong: Certificate[] = [
      { ...certificate, epoch: 1 },
      { ...certificate, view: 1n },
      { ...certificate, digest: new Uint8Array(32) },
      { ...certificate, kind: 'notarize' },
    ];
    for (const one of wrong) {
      expect(check(one, 4)).toMatchObject({ code: 'certificate-signature' });
    }
    expect(check(certificate, 4, 1n)).toMatchObject({ code: 'certificate-signature' });
  });

  it('certificate-signature: S + L, the same point by another encoding', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = Uint8Array.from(certificate.signatures[0] as Uint8Array);
    let scalar = order;
    for (let at = 0; at < 32; at++) scalar += BigInt(signature[32 + at] ?? 0) << BigInt(8 * at);
    for (let at = 0; at < 32; at++) signature[32 + at] = Number((scalar >> BigInt(8 * at)) & 255n);
    expect(check(withSignature(certificate, 0, signature), 4)).toMatchObject({
      code: 'certificate-signature',
    });
  });
});

describe('checkFinality', () => {
  const certificate = certificateOf(votesOf(4), 4);
  const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
  const committee = publicKeys(committeeKeys(4));
  const judge = (one: Certificate): unknown =>
    checkFinality(header, one, committee, NETWORK_ID, crypto);

  it('accepts the finality certificate of this header', () => {
    expect(judge(certificate)).toMatchObject({ ok: true });
  });

  it('certificate-mismatch: of another header, or only notarised', () => {
    const notarised = votesOf(4, statementOf(header, 'notarize', nobleHasher));
    expect(judge(certificateOf(notarised, 4))).toMatchObject({ code: 'certificate-mismatch' });
    const elsewhere = votesOf(4, { ...FINALIZE, digest: new Uint8Array(32).fill(1) });
    expect(judge(certificateOf(elsewhere, 4))).toMatchObject({ code: 'certificate-mismatch' });
    const otherView = votesOf(4, { ...FINALIZE, view: 9n });
    expect(judge(certificateOf(otherView, 4))).toMatchObject({ code: 'certificate-mismatch' });
  });
});

describe('votes', () => {
  const committee = publicKeys(committeeKeys(4));
  const [vote] = votesOf(4) as [Vote];

  it('come from their seat or do not count', () => {
    expect(checkVote(vote, committee, NETWORK_ID, nobleVerifier)).toBe(true);
    expect(checkVote({ ...vote, seat: 1 }, committee, NETWORK_ID, nobleVerifier)).toBe(false);
    expect(checkVote({ ...vote, seat: 4 }, committee, NETWORK_ID, nobleVerifier)).toBe(false);
    expect(checkVote({ ...vote, view: 1n }, committee, NETWORK_ID, nobleVerifier)).toBe(false);
    expect(checkVote(vote, committee, 1n, nobleVerifier)).toBe(false);
  });

  it('under different statements never make one certificate', () => {
    const mixed = [...votesOf(4).slice(0, 2), ...votesOf(4, { ...FINALIZE, view: 9n }).slice(2)];
    expect(() => assembleCertificate(mixed, 4)).toThrow('broken invariant');
  });
});
