import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { makePerson, TEST_NOW } from '../../testing/people.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import type { MailAddress } from '../identity/address.ts';
import { deriveEpochKeys } from '../identity/epoch.ts';
import type { LetterId } from '../letter/content.ts';
import { PADDED_SIZES } from '../limits.ts';
import { succeed } from '../outcome.ts';
import { decodeEnvelope, envelopeBytes, ephemeralKeyOf, sealedBytes } from './envelope.ts';
import type { EnvelopeInput } from './seal.ts';
import { letterClass, maxMessageSize, openEnvelope, sealEnvelope } from './seal.ts';

interface Case {
  isRegistered: boolean;
  tag: string;
  ephemeralSecret: string;
  kemMessage: string;
  letterId: LetterId;
  sentAt: number;
  message: string;
  receiptSecret: string;
  envelope: string;
}
const vectors = readVectors('letter') as {
  networkId: string;
  sender: Record<'accountSecret' | 'accountKey' | 'identitySecret' | 'certificate', string>;
  recipient: { address: MailAddress; identitySecret: string; epoch: number; epochSecret: string };
  cases: Case[];
};
const networkId = BigInt(vectors.networkId);

const { epoch } = vectors.recipient;
const keys = deriveEpochKeys(fromHex(vectors.recipient.epochSecret), epoch, nobleSuite);
const pair = (secret: string): { secretKey: Uint8Array; publicKey: Uint8Array } => ({
  secretKey: fromHex(secret),
  publicKey: nobleSuite.x25519PublicKey(fromHex(secret)),
});
const recipientIdentity = pair(vectors.recipient.identitySecret);
const reader = {
  address: vectors.recipient.address,
  identity: recipientIdentity,
  keyring: { keysOf: () => succeed([keys]) },
};

function inputOf(one: Case): EnvelopeInput {
  const { letterId, sentAt, isRegistered } = one;
  return {
    networkId,
    tag: fromHex(one.tag),
    sender: {
      accountKey: fromHex(vectors.sender.accountKey),
      identity: pair(vectors.sender.identitySecret),
      certificate: fromHex(vectors.sender.certificate),
    },
    recipient: {
      address: vectors.recipient.address,
      identityKey: recipientIdentity.publicKey,
      epoch,
      bundle: { x25519: keys.x25519.publicKey, mlkem: keys.mlkem.publicKey },
    },
    draft: {
      kind: 'message',
      letterId,
      sentAt,
      wantsReceipt: isRegistered,
      message: utf8ToBytes(one.message),
      ...(isRegistered ? { registerWith: fromHex(vectors.sender.accountSecret) } : {}),
    },
    randomness: {
      ephemeralSecret: fromHex(one.ephemeralSecret),
      kemMessage: fromHex(one.kemMessage),
    },
    maxEnvelope: 24_576,
  };
}
const [first] = vectors.cases;
if (!first) throw new Error('no vector');

describe('sealed envelope', () => {
  it('is that of the vectors, byte for byte', () => {
    for (const one of vectors.cases) {
      const sealed = valueOf(sealEnvelope(inputOf(one), nobleSuite));
      expect(bytesToHex(sealed.bytes)).toBe(one.envelope);
      expect(bytesToHex(sealed.receiptSecret)).toBe(one.receiptSecret);
    }
  });

  it('opens as the vectors say', () => {
    for (const one of vectors.cases) {
      const bytes = fromHex(one.envelope);
      const opened = valueOf(openEnvelope(bytes, networkId, reader, nobleSuite, nobleVerifier));
      expect(opened).toMatchObject({
        letterId: one.letterId,
        sentAt: TEST_NOW,
        message: utf8ToBytes(one.message),
        isRegistered: one.isRegistered,
        senderAddress: makePerson(0).address,
      });
    }
  });

  it('has a padded size for every size of message, and opens', () => {
    const sizes = PADDED_SIZES.slice(2).flatMap((size) => {
      const most = maxMessageSize(size, false);
      return [most, most + 1];
    });
    for (const size of [0, ...sizes.slice(0, -1)]) {
      const input = inputOf(first);
      const draft = { ...input.draft, message: new Uint8Array(size).fill(0x41) };
      const sealed = valueOf(sealEnvelope({ ...input, draft }, nobleSuite));
      expect(PADDED_SIZES).toContain(sealed.bytes.length + 4);
      expect(sealed.bytes.length).toBe(envelopeBytes(sealed.sizeClass));
      const opened = openEnvelope(sealed.bytes, networkId, reader, nobleSuite, nobleVerifier);
      expect(valueOf(opened).message).toHaveLength(size);
    }
  });

  it('message-too-large: names the greatest size that fits', () => {
    const most = maxMessageSize(4_096, false);
    const attempt = (size: number, maxEnvelope: number): unknown => {
      const input = inputOf(first);
      const draft = { ...input.draft, message: new Uint8Array(size) };
      return sealEnvelope({ ...input, draft, maxEnvelope }, nobleSuite);
    };
    expect(attempt(most, 4_096)).toMatchObject({ ok: true });
    expect(attempt(most + 1, 4_096)).toMatchObject({
      code: 'message-too-large',
      detail: `at most ${most} bytes`,
    });
    expect(attempt(30_000, 24_576)).toMatchObject({ detail: 'at most 23207 bytes' });
    expect(attempt(0, 1_024)).toMatchObject({ detail: 'at most 0 bytes' });
  });

  it('leaves a registered letter 64 bytes less', () => {
    expect(maxMessageSize(2_048, false) - maxMessageSize(2_048, true)).toBe(64);
    expect(maxMessageSize(100, false)).toBe(0);
    expect(letterClass(23_207, false)).toBe(6);
    expect(letterClass(23_208, false)).toBeUndefined();
  });
});

describe('envelope', () => {
  const bytes = fromHex(first.envelope);

  it('shows version, class, tag and ephemeral key without being opened', () => {
    const envelope = valueOf(decodeEnvelope(bytes));
    expect(envelope).toMatchObject({ version: 1, sizeClass: 2, tag: fromHex(first.tag) });
    const ephemeral = nobleSuite.x25519PublicKey(fromHex(first.ephemeralSecret));
    expect(ephemeralKeyOf(envelope)).toEqual(ephemeral);
    expect(envelope.sealed).toHaveLength(sealedBytes(2));
  });

  it('truncated: less than its header', () => {
    expect(codeOf(decodeEnvelope(bytes.subarray(0, 17)))).toBe('truncated');
  });

  it('envelope-version-unknown', () => {
    expect(decodeEnvelope(bytes.with(0, 2))).toMatchObject({
      code: 'envelope-version-unknown',
      action: 'ignore',
    });
  });

  it('envelope-class-unknown', () => {
    expect(codeOf(decodeEnvelope(bytes.with(1, 7)))).toBe('envelope-class-unknown');
  });

  it('envelope-size: not the size of its class', () => {
    expect(codeOf(decodeEnvelope(bytes.with(1, 3)))).toBe('envelope-size');
    expect(codeOf(decodeEnvelope(bytes.subarray(0, -1)))).toBe('envelope-size');
  });

  it('never throws at any bytes', () => {
    const near = fc.uint8Array({ minLength: 508, maxLength: 508 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), near), (any) => {
        any.set([1, 0].slice(0, any.length));
        const opened = openEnvelope(any, networkId, reader, nobleSuite, nobleVerifier);
        expect(opened.ok).toBe(false);
      }),
    );
  });
});
