import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { makePerson, TEST_NETWORK, TEST_NOW } from '../../testing/people.ts';
import type { Person } from '../../testing/people.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { chooseBundle, signDescriptor } from '../identity/descriptor.ts';
import { epochOf, mixEpochs, pruneEpochs, publicBundles, startEpochs } from '../identity/epoch.ts';
import { deriveEpochRoot } from '../identity/keys.ts';
import type { MailOutcome } from '../outcome.ts';
import { decodeContent, encodeContent, letterIdFromBytes } from './content.ts';
import { createKeyring } from './keyring.ts';
import type { LetterDraft, LetterReader, LetterSender, OpenedLetter } from './letter.ts';
import { isReceiptFor, LETTER_OVERHEAD, openLetter, receiptHashOf, sealLetter } from './letter.ts';

const alice = makePerson(0);
const bob = makePerson(1);
const header = new Uint8Array(18).fill(9);
const SIZE = 2_048 - 4 - 18;
const draft: LetterDraft = {
  kind: 'message',
  letterId: letterIdFromBytes(new Uint8Array(16).fill(0x1d)),
  sentAt: TEST_NOW,
  wantsReceipt: true,
  message: utf8ToBytes('Subject: x\r\n\r\nHello Bob.\r\n'),
};

interface Change {
  from?: LetterSender;
  to?: Person;
  draft?: Partial<LetterDraft>;
  nowSeconds?: number;
  chance?: number;
}

function sealed(
  change: Change = {},
): MailOutcome<{ bytes: Uint8Array; receiptSecret: Uint8Array }> {
  const to = change.to ?? bob;
  const { epoch, bundle } = chooseBundle(to.descriptor, change.nowSeconds ?? TEST_NOW);
  const identityKey = to.descriptor.identityKey;
  const input = {
    networkId: TEST_NETWORK,
    header,
    size: SIZE,
    sender: change.from ?? alice.sender,
    recipient: { address: to.address, identityKey, epoch, bundle },
    draft: { ...draft, ...change.draft },
    randomness: {
      ephemeralSecret: new Uint8Array(32).fill(change.chance ?? 0xe1),
      kemMessage: new Uint8Array(32).fill(change.chance ?? 0xe2),
    },
  };
  return sealLetter(input, nobleSuite);
}

function open(
  bytes: Uint8Array,
  reader: LetterReader = bob.reader,
  head: Uint8Array = header,
): MailOutcome<OpenedLetter> {
  const input = { networkId: TEST_NETWORK, header: head, bytes };
  return openLetter(input, reader, nobleSuite, nobleVerifier);
}

const plain = valueOf(sealed());

describe('letter', () => {
  it('opens to what was sealed, and proves who wrote it', () => {
    const opened = valueOf(open(plain.bytes));
    expect(plain.bytes).toHaveLength(SIZE);
    expect(opened).toEqual({
      epoch: epochOf(TEST_NOW),
      senderAddress: alice.address,
      senderAccountKey: alice.keys.account.publicKey,
      senderIdentityKey: alice.keys.identity.publicKey,
      senderCertificate: alice.sender.certificate,
      kind: 'message',
      letterId: draft.letterId,
      sentAt: TEST_NOW,
      message: draft.message,
      isRegistered: false,
      wantsReceipt: true,
      receiptSecret: plain.receiptSecret,
    });
  });

  it('carries any bytes unchanged, registered or not', () => {
    const anyDraft = fc.record({
      message: fc.uint8Array({ maxLength: 600 }),
      kind: fc.constantFrom('message' as const, 'control' as const, 'parcel' as const),
      wantsReceipt: fc.boolean(),
      sentAt: fc.integer({ min: 0, max: 0xffff_ffff }),
    });
    const registerWith = alice.keys.account.secretKey;
    fc.assert(
      fc.property(anyDraft, fc.boolean(), (any, isRegistered) => {
        const change = isRegistered ? { ...any, registerWith } : any;
        const opened = valueOf(open(valueOf(sealed({ draft: change })).bytes));
        expect(opened).toMatchObject({ ...any, isRegistered });
      }),
      { numRuns: 20 },
    );
  });

  it('shows an observer nothing that depends on who wrote it but random bytes', () => {
    const carol = makePerson(2);
    const other = valueOf(sealed({ from: carol.sender })).bytes;
    // The same chance gives the same ephemeral key, KEM ciphertext and locator for both senders.
    expect(other.subarray(0, 1_128)).toEqual(plain.bytes.subarray(0, 1_128));
    for (const person of [alice, bob]) {
      for (const key of [person.keys.identity.publicKey, person.keys.account.publicKey]) {
        expect(bytesToHex(plain.bytes)).not.toContain(bytesToHex(key));
      }
    }
  });

  it('lets a receipt prove that it was opened', () => {
    const { receiptSecret } = valueOf(open(plain.bytes));
    expect(isReceiptFor(plain.bytes, receiptSecret)).toBe(true);
    expect(isReceiptFor(plain.bytes, receiptHashOf(plain.bytes))).toBe(false);
  });

  it('recipient-key-invalid: low-order keys and false KEM keys are not sealed to', () => {
    const broken = (change: { x25519?: Uint8Array; mlkem?: Uint8Array }): Person => {
      const bundles = bob.descriptor.bundles.map((one) => Object.assign({}, one, change));
      const { signature: _, ...body } = bob.descriptor;
      const descriptor = signDescriptor({ ...body, bundles }, bob.keys.account.secretKey);
      return { ...bob, descriptor };
    };
    const zero = broken({ x25519: new Uint8Array(32) });
    const noKem = broken({ mlkem: new Uint8Array(1_184).fill(0xff) });
    expect(codeOf(sealed({ to: zero }))).toBe('recipient-key-invalid');
    expect(codeOf(sealed({ to: noKem }))).toBe('recipient-key-invalid');
  });
});

describe('opening', () => {
  it('not-for-us: somebody else’s letter, and random bytes', () => {
    expect(codeOf(open(plain.bytes, alice.reader))).toBe('not-for-us');
    expect(codeOf(open(plain.bytes.subarray(0, LETTER_OVERHEAD - 1)))).toBe('not-for-us');
    expect(codeOf(open(new Uint8Array(SIZE)))).toBe('not-for-us');
  });

  it('epoch-secret-gone: for us, but too late', () => {
    const later = TEST_NOW + 60 * 86_400;
    const keyring = createKeyring(pruneEpochs(bob.epochs, later), nobleSuite);
    expect(open(plain.bytes, { ...bob.reader, keyring })).toMatchObject({
      code: 'epoch-secret-gone',
      detail: `epoch ${epochOf(TEST_NOW)}`,
    });
  });

  it('epoch-too-far: an epoch far ahead of what the state holds', () => {
    const old = startEpochs(deriveEpochRoot(new Uint8Array(64), 1), 0);
    const reader = { ...bob.reader, keyring: createKeyring(old, nobleSuite) };
    expect(codeOf(open(plain.bytes, reader))).toBe('epoch-too-far');
  });

  it('letter-damaged: no altered byte goes unnoticed', () => {
    fc.assert(
      fc.property(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const altered = plain.bytes.with(at, (plain.bytes[at] ?? 0) ^ mask);
        const code = codeOf(open(altered));
        // The first 32 bytes and the check half of the locator decide whether it is for us at all.
        const codes = ['letter-damaged', 'not-for-us', 'epoch-secret-gone', 'epoch-too-far'];
        expect(codes).toContain(code);
        expect(at < 1_128 || code === 'letter-damaged').toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('letter-damaged: another tag, class or network, another account of the same keys', () => {
    expect(codeOf(open(plain.bytes, bob.reader, header.with(5, 1)))).toBe('letter-damaged');
    expect(codeOf(open(plain.bytes, { ...bob.reader, address: alice.address }))).toBe(
      'letter-damaged',
    );
    const input = { networkId: TEST_NETWORK + 1n, header, bytes: plain.bytes };
    expect(codeOf(openLetter(input, bob.reader, nobleSuite, nobleVerifier))).toBe('letter-damaged');
  });

  it('certificate-invalid: an account key that never certified the identity key', () => {
    const from = { ...alice.sender, accountKey: bob.keys.account.publicKey };
    expect(codeOf(open(valueOf(sealed({ from })).bytes))).toBe('certificate-invalid');
  });

  it('registered-signature-invalid: signed by another account', () => {
    const registerWith = bob.keys.account.secretKey;
    const { bytes } = valueOf(sealed({ draft: { registerWith } }));
    expect(codeOf(open(bytes))).toBe('registered-signature-invalid');
  });

  it('never throws at any bytes', () => {
    const long = fc.uint8Array({ minLength: LETTER_OVERHEAD, maxLength: SIZE });
    fc.assert(
      fc.property(fc.oneof(long, fc.uint8Array({ maxLength: 2_000 })), (any) => {
        expect(open(any).ok).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a recipient that was away', () => {
  it('opens a letter of every day of the last 30 days after a restore from its words', () => {
    const seed = new Uint8Array(64).fill(0x42);
    for (const days of [0, 8, 17, 30]) {
      const { bytes } = valueOf(sealed({ nowSeconds: TEST_NOW }));
      const restored = startEpochs(deriveEpochRoot(seed, 1), TEST_NOW + days * 86_400);
      const keyring = createKeyring(restored, nobleSuite);
      expect(open(bytes, { ...bob.reader, keyring }).ok).toBe(true);
    }
  });

  it('opens letters to its last bundle once its silence was longer than eight weeks', () => {
    const late = TEST_NOW + 100 * 86_400;
    const { bytes } = valueOf(sealed({ nowSeconds: late }));
    expect(open(bytes)).toMatchObject({ value: { epoch: epochOf(TEST_NOW) + 7 } });
  });

  it('opens letters to both lines after fresh randomness was mixed in', () => {
    const today = epochOf(TEST_NOW);
    const entropy = new Uint8Array(32).fill(0xe7);
    const mixed = valueOf(mixEpochs(bob.epochs, today, today + 7, entropy));
    const bundles = valueOf(publicBundles(mixed, today, nobleSuite));
    const { signature: _, ...body } = bob.descriptor;
    const descriptor = signDescriptor({ ...body, bundles }, bob.keys.account.secretKey);
    const fresh = valueOf(sealed({ to: { ...bob, descriptor } }));
    const reader = { ...bob.reader, keyring: createKeyring(mixed, nobleSuite) };
    expect(open(fresh.bytes, reader).ok).toBe(true);
    expect(open(plain.bytes, reader).ok).toBe(true);
    // Who holds only the old secrets cannot open the new letter.
    expect(codeOf(open(fresh.bytes))).toBe('letter-damaged');
  });
});

describe('keyring', () => {
  it('keeps few epochs derived', () => {
    const keyring = createKeyring(bob.epochs, nobleSuite);
    const today = epochOf(TEST_NOW);
    const first = valueOf(keyring.keysOf(today));
    expect(valueOf(keyring.keysOf(today))).toBe(first);
    for (let epoch = today + 1; epoch <= today + 16; epoch++) valueOf(keyring.keysOf(epoch));
    const again = valueOf(keyring.keysOf(today));
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});

describe('content', () => {
  const { accountKey, certificate } = alice.sender;
  const { registerWith: _, ...stated } = draft;
  const content = { ...stated, accountKey, certificate };
  const bytes = encodeContent(content, 400);

  it('round-trips', () => {
    expect(valueOf(decodeContent(bytes))).toEqual(content);
  });

  it('letter-kind-unknown: a later version or kind', () => {
    expect(codeOf(decodeContent(bytes.with(0, 2)))).toBe('letter-kind-unknown');
    expect(codeOf(decodeContent(bytes.with(1, 4)))).toBe('letter-kind-unknown');
    expect(codeOf(decodeContent(new Uint8Array(0)))).toBe('letter-kind-unknown');
  });

  it('letter-malformed: unknown flags, padding that is not zero, lengths beyond the end', () => {
    expect(codeOf(decodeContent(bytes.with(2, 4)))).toBe('letter-malformed');
    expect(codeOf(decodeContent(bytes.with(399, 1)))).toBe('letter-malformed');
    expect(codeOf(decodeContent(bytes.with(122, 1)))).toBe('letter-malformed');
    expect(codeOf(decodeContent(bytes.subarray(0, 100)))).toBe('letter-malformed');
  });

  it('never throws at any bytes, and has one encoding', () => {
    const any = fc.tuple(fc.nat(399), fc.nat(255)).map(([at, value]) => bytes.with(at, value));
    fc.assert(
      fc.property(fc.oneof(any, fc.uint8Array({ maxLength: 300 })), (input) => {
        const decoded = decodeContent(input);
        const again = decoded.ok ? encodeContent(decoded.value, input.length) : input;
        expect(again).toEqual(input);
      }),
    );
  });
});

describe('vectors', () => {
  it('name the keys of the people in these tests', () => {
    const { sender } = readVectors('letter') as { sender: Record<string, string> };
    expect(fromHex(sender['certificate'] ?? '')).toEqual(alice.sender.certificate);
  });
});
