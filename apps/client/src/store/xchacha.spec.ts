/** Held to the portable cipher, and to the example of the draft. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { nativeSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { xchachaOpen, xchachaSeal } from './xchacha.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sealings = fc.record({ key: bytes(32), nonce: bytes(24), aad: fc.uint8Array() });

describe.each([
  ['portable', nobleSuite],
  ['native', nativeSuite],
])('XChaCha20-Poly1305 over the %s suite', (_name, suite) => {
  it('gives the bytes of the portable one, and opens them', () => {
    const property = fc.property(sealings, fc.uint8Array({ maxLength: 300 }), (sealing, plain) => {
      const { key, nonce, aad } = sealing;
      const sealed = xchachaSeal(suite, sealing, plain);
      expect(sealed).toEqual(xchacha20poly1305(key, nonce, aad).encrypt(plain));
      expect(xchachaOpen(suite, sealing, sealed)).toEqual(plain);
    });
    fc.assert(property);
  });

  it('is the example of draft-irtf-cfrg-xchacha-03, A.3.1', () => {
    const plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the " +
      'future, sunscreen would be it.';
    const sealing = {
      key: Uint8Array.from({ length: 32 }, (_, at) => 0x80 + at),
      nonce: Uint8Array.from({ length: 24 }, (_, at) => 0x40 + at),
      aad: hexToBytes('50515253c0c1c2c3c4c5c6c7'),
    };
    const sealed = xchachaSeal(suite, sealing, new TextEncoder().encode(plain));
    expect(bytesToHex(sealed.subarray(-16))).toBe('c0875924c1c7987947deafd8780acf49');
  });

  it('opens nothing that was changed, shortened, bound elsewhere or sealed with other keys', () => {
    const sealing = {
      key: new Uint8Array(32).fill(1),
      nonce: new Uint8Array(24).fill(2),
      aad: new Uint8Array(5).fill(3),
    };
    const sealed = xchachaSeal(suite, sealing, new Uint8Array(40));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(xchachaOpen(suite, sealing, changed)).toBeUndefined();
    }
    for (const length of [0, 15, 16, sealed.length - 1]) {
      expect(xchachaOpen(suite, sealing, sealed.subarray(0, length))).toBeUndefined();
    }
    for (const part of ['key', 'nonce', 'aad'] as const) {
      for (let at = 0; at < sealing[part].length; at += 1) {
        const other = sealing[part].slice();
        other[at] = (other[at] ?? 0) ^ 1;
        expect(xchachaOpen(suite, { ...sealing, [part]: other }, sealed)).toBeUndefined();
      }
    }
  });
});
