import { describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import fc from 'fast-check';
import { makePerson, TEST_NETWORK, TEST_NOW } from '../../testing/people.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { openEnvelope, sealEnvelope } from '../envelope/seal.ts';
import { chooseBundle } from '../identity/descriptor.ts';
import { encodeContent, letterIdFromBytes } from './content.ts';
import { checkRegistered, encodeRegistered } from './registered.ts';

const [alice, bob] = [makePerson(0), makePerson(1)];
const letterId = letterIdFromBytes(new Uint8Array(16).fill(3));
const message = utf8ToBytes('Subject: order\r\n\r\nTen of them.\r\n');
const { epoch, bundle } = chooseBundle(bob.descriptor, TEST_NOW);
const sealed = valueOf(
  sealEnvelope(
    {
      networkId: TEST_NETWORK,
      tag: new Uint8Array(16),
      sender: alice.sender,
      recipient: {
        address: bob.address,
        identityKey: bob.descriptor.identityKey,
        epoch,
        bundle,
      },
      draft: {
        kind: 'message',
        letterId,
        sentAt: TEST_NOW,
        wantsReceipt: true,
        message,
        registerWith: alice.keys.account.secretKey,
      },
      randomness: { ephemeralSecret: new Uint8Array(32).fill(1), kemMessage: new Uint8Array(32) },
      maxEnvelope: 24_576,
    },
    nobleSuite,
  ),
);
const opened = valueOf(
  openEnvelope(sealed.bytes, TEST_NETWORK, bob.reader, nobleSuite, nobleVerifier),
);
const content = {
  kind: opened.kind,
  wantsReceipt: opened.wantsReceipt,
  accountKey: opened.senderAccountKey,
  certificate: opened.senderCertificate,
  letterId: opened.letterId,
  sentAt: opened.sentAt,
  message: opened.message,
  signature: opened.signature ?? new Uint8Array(),
};
const bytes = encodeRegistered(content);
const shown = { networkId: TEST_NETWORK, recipient: bob.address, bytes };

describe('a registered letter that is shown to a third person', () => {
  it('proves who wrote what to whom, with what the recipient has', () => {
    const proven = valueOf(checkRegistered(shown, nobleVerifier));
    expect(proven).toEqual({ ...content, sender: alice.address });
  });

  it('registered-signature-invalid: for another recipient, network or text', () => {
    const others = [
      { ...shown, recipient: alice.address },
      { ...shown, networkId: 1n },
      { ...shown, bytes: encodeRegistered({ ...content, sentAt: TEST_NOW + 1 }) },
      { ...shown, bytes: encodeRegistered({ ...content, message: utf8ToBytes('x') }) },
    ];
    for (const one of others) {
      expect(codeOf(checkRegistered(one, nobleVerifier))).toBe('registered-signature-invalid');
    }
  });

  it('letter-malformed: padding, or no signature', () => {
    const { signature: _signature, ...unsigned } = content;
    const padded = [encodeContent(content, bytes.length + 1), encodeContent(unsigned, 300)];
    for (const one of padded) {
      const code = codeOf(checkRegistered({ ...shown, bytes: one }, nobleVerifier));
      expect(code).toBe('letter-malformed');
    }
    expect(() => encodeRegistered(unsigned)).toThrow('has a signature');
  });

  it('takes no changed byte, and throws at none', () => {
    const edits = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(edits, fc.nat(bytes.length), ([at, change], length) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(checkRegistered({ ...shown, bytes: changed }, nobleVerifier).ok).toBe(false);
        const cut = { ...shown, bytes: bytes.slice(0, length) };
        expect(checkRegistered(cut, nobleVerifier).ok).toBe(length === bytes.length);
      }),
      { numRuns: 60 },
    );
  });
});
