// Signature backends: the same verdict for every published vector.
// Spec: docs/spec/02-transaction.md.
import { describe, expect, it } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Verifier } from '../../core/ports.ts';
import { publicKeyOf, signEd25519 } from '../../core/crypto/ed25519-strict.ts';
import { STRICT_VECTORS } from './ed25519-vectors.ts';
import {
  bestVerifier,
  cachedVerifier,
  nobleStrictVerifier,
  nodeVerifier,
  sodiumVerifier,
  verifierPassesSelfTest,
} from './verifier.ts';
import type { NamedVerifier } from './verifier.ts';

interface Vector {
  readonly publicKey: string;
  readonly signature: string;
  readonly messageHex: string;
  readonly accept: boolean;
}

const VECTORS_URL = new URL('../../../../../test/vectors/ed25519-strict.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(VECTORS_URL, 'utf8')) as { cases: Vector[] }).cases;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function wrongVerdicts(verifier: Verifier): Vector[] {
  return vectors.filter(
    ({ publicKey, messageHex, signature, accept }) =>
      verifier.verify(bytes(publicKey), bytes(messageHex), bytes(signature)) !== accept,
  );
}

async function backends(): Promise<NamedVerifier[]> {
  const sodium = await sodiumVerifier();
  return [nobleStrictVerifier(), nodeVerifier(), ...(sodium ? [sodium] : [])];
}

function claimOf(seed: number): {
  publicKey: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
} {
  const secretKey = new Uint8Array(32).fill(seed);
  const message = new Uint8Array(45).fill(seed + 1);
  return {
    publicKey: publicKeyOf(secretKey),
    message,
    signature: signEd25519(secretKey, message),
  };
}

describe('signature backends', () => {
  it('give the STRICT verdict for all published vectors', async () => {
    for (const backend of await backends()) {
      expect({ backend: backend.backend, wrong: wrongVerdicts(backend) }).toEqual({
        backend: backend.backend,
        wrong: [],
      });
    }
  });

  it('pass the self-test', async () => {
    for (const backend of await backends()) expect(verifierPassesSelfTest(backend)).toBe(true);
  });

  it('the self-test table is a subset of the published vectors with every accepted one', () => {
    const key = (pk: string, sig: string, message: string, accept: boolean): string =>
      `${pk} ${sig} ${message} ${accept}`;
    const published = new Set(
      vectors.map((one) => key(one.publicKey, one.signature, one.messageHex, one.accept)),
    );
    const table = STRICT_VECTORS.map(([pk, r, s, message, accept]) =>
      key(pk, r + s, message, accept),
    );
    expect(table.filter((row) => !published.has(row))).toEqual([]);
    expect(STRICT_VECTORS.filter((row) => row[4])).toHaveLength(
      vectors.filter((one) => one.accept).length,
    );
  });

  it('the self-test refuses a bare node:crypto verify', () => {
    const bare: Verifier = {
      verify(publicKey, message, signature) {
        const prefix = Buffer.from('302a300506032b6570032100', 'hex');
        const key = Buffer.concat([prefix, publicKey]);
        const imported = createPublicKey({ key, format: 'der', type: 'spki' });
        return verify(null, message, imported, signature);
      },
    };
    expect(verifierPassesSelfTest(bare)).toBe(false);
  });

  it('the self-test refuses one that says always the same', () => {
    expect(verifierPassesSelfTest({ verify: () => true })).toBe(false);
    expect(verifierPassesSelfTest({ verify: () => false })).toBe(false);
  });

  it('the best one is native', async () => {
    expect(['sodium-native', 'node']).toContain((await bestVerifier()).backend);
  });

  it('node keeps giving right verdicts after its key cache turned over', () => {
    const verifier = nodeVerifier();
    const first = claimOf(1);
    const secretKey = new Uint8Array(32);
    expect(verifier.verify(first.publicKey, first.message, first.signature)).toBe(true);
    for (let i = 0; i < 1_100; i++) {
      secretKey[0] = i & 0xff;
      secretKey[1] = i >>> 8;
      verifier.verify(publicKeyOf(secretKey), first.message, first.signature);
    }
    expect(verifier.verify(first.publicKey, first.message, first.signature)).toBe(true);
  });
});

describe('cachedVerifier', () => {
  function counting(): { inner: Verifier; calls: () => number } {
    let calls = 0;
    const node = nodeVerifier();
    const inner: Verifier = {
      verify: (...claim) => {
        calls++;
        return node.verify(...claim);
      },
    };
    return { inner, calls: () => calls };
  }

  it('asks once for a true claim, always for a false one', () => {
    const { inner, calls } = counting();
    const cached = cachedVerifier(inner, 10);
    const { publicKey, message, signature } = claimOf(3);
    expect(cached.verify(publicKey, message, signature)).toBe(true);
    expect(cached.verify(publicKey, message, signature)).toBe(true);
    expect(calls()).toBe(1);
    expect(cached.verify(publicKey, message.subarray(1), signature)).toBe(false);
    expect(cached.verify(publicKey, message.subarray(1), signature)).toBe(false);
    expect(calls()).toBe(3);
    expect(cached.size).toBe(1);
  });

  it('keeps at most maxEntries, oldest out first', () => {
    const { inner, calls } = counting();
    const cached = cachedVerifier(inner, 2);
    for (const seed of [1, 2, 3]) cached.remember(claimOf(seed));
    expect(cached.size).toBe(2);
    const [first, third] = [claimOf(1), claimOf(3)];
    expect(cached.verify(third.publicKey, third.message, third.signature)).toBe(true);
    expect(calls()).toBe(0);
    expect(cached.verify(first.publicKey, first.message, first.signature)).toBe(true);
    expect(calls()).toBe(1);
  });

  it('does not take bytes moved between the fields for the same claim', () => {
    const cached = cachedVerifier({ verify: () => false }, 10);
    const { publicKey, message, signature } = claimOf(5);
    cached.remember({ publicKey, message, signature });
    const moved = Buffer.concat([signature, message.subarray(0, 1)]);
    expect(cached.verify(publicKey, message.subarray(1), moved)).toBe(false);
  });
});
