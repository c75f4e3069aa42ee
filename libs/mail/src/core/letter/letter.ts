/**
 * Sealing and opening of letters: PQXDH without one-time prekeys, in two stages, since the
 * recipient must learn who writes before it can compute the part of the key that proves it. Stop
 * before: letter/content.ts; next: envelope/seal.ts. Spec: docs/spec/22-letter.md.
 */
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes, domain, equalBytes, hkdfSha256, sha256 } from '../crypto/kdf.ts';
import { u32Bytes, u64Bytes } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { addressOf, mailAddressToBytes } from '../identity/address.ts';
import { isIdentityCertified } from '../identity/certificate.ts';
import type { EpochBundle, EpochKeys } from '../identity/epoch.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { AEAD_TAG_LENGTH, MLKEM_CIPHERTEXT_LENGTH, X25519_KEY_LENGTH } from '../ports.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';
import type { LetterContent, LetterId, LetterKind } from './content.ts';
import { decodeContent, encodeContent, encodeUnsigned } from './content.ts';
import type { EpochKeyring } from './keyring.ts';

const LOCATOR_LENGTH = 8;
export const RECEIPT_LENGTH = 32;
const SENDER_BOX_LENGTH = X25519_KEY_LENGTH + AEAD_TAG_LENGTH;
const KEM_AT = X25519_KEY_LENGTH;
const LOCATOR_AT = KEM_AT + MLKEM_CIPHERTEXT_LENGTH;
const RECEIPT_AT = LOCATOR_AT + LOCATOR_LENGTH;
const SENDER_AT = RECEIPT_AT + RECEIPT_LENGTH;
const BODY_AT = SENDER_AT + SENDER_BOX_LENGTH;
/** Bytes that sealing adds to a padded content: 32 + 1,088 + 8 + 32 + 48 + 16. */
export const LETTER_OVERHEAD = BODY_AT + AEAD_TAG_LENGTH;

/** Every key is used for one plaintext only, so the nonce may be constant. */
const NONCE = new Uint8Array(12);
const TRANSCRIPT = domain('tmail/letter-transcript/v1');
const LOCATOR_SALT = domain('tmail/letter-locator/v1');
const SENDER_SALT = domain('tmail/letter-sender/v1');
const CONTENT_SALT = domain('tmail/letter/v1');
const REGISTERED = domain('tmail/registered/v1');

/** Who writes. */
export interface LetterSender {
  /** Ed25519 public key, 32 bytes. */
  readonly accountKey: Uint8Array;
  readonly identity: KeyPair;
  /** identity/certificate.ts, 64 bytes, for the same network. */
  readonly certificate: Uint8Array;
}

/** To whom, as its descriptor says (identity/descriptor.ts, chooseBundle). */
export interface LetterRecipient {
  readonly address: MailAddress;
  readonly identityKey: Uint8Array;
  readonly epoch: number;
  readonly bundle: EpochBundle;
}

/** What the sender says. */
export interface LetterDraft {
  readonly kind: LetterKind;
  readonly letterId: LetterId;
  /** Unix seconds. */
  readonly sentAt: number;
  readonly wantsReceipt: boolean;
  readonly message: Uint8Array;
  /** Given, the letter is registered: signed by this Ed25519 account secret, and not deniable. */
  readonly registerWith?: Uint8Array;
}

/**
 * Chance, 32 bytes each, fresh for every letter: used twice they would give two contents one key.
 */
export interface LetterRandomness {
  readonly ephemeralSecret: Uint8Array;
  readonly kemMessage: Uint8Array;
}

/**
 * A letter ready for its envelope, and the secret by which the recipient can prove it was opened.
 */
export interface SealedLetter {
  readonly bytes: Uint8Array;
  /** SHA-256 of it stands in the letter in the clear; keep it to check a receipt. */
  readonly receiptSecret: Uint8Array;
}

/** Who reads. */
export interface LetterReader {
  readonly address: MailAddress;
  readonly identity: KeyPair;
  readonly keyring: EpochKeyring;
}

/** What an opened letter proves and says. */
export interface OpenedLetter {
  readonly epoch: number;
  readonly senderAddress: MailAddress;
  readonly senderAccountKey: Uint8Array;
  readonly senderIdentityKey: Uint8Array;
  /** identity/certificate.ts, 64 bytes: shows others that the two keys belong together. */
  readonly senderCertificate: Uint8Array;
  readonly kind: LetterKind;
  readonly letterId: LetterId;
  /** By the sender's clock, unix seconds. */
  readonly sentAt: number;
  readonly message: Uint8Array;
  /** Anybody who sees this letter's content can prove who wrote it. */
  readonly isRegistered: boolean;
  /** Of a registered letter, 64 bytes: registered.ts shows it to others. */
  readonly signature?: Uint8Array;
  readonly wantsReceipt: boolean;
  /** 32 bytes; revealing it proves that somebody opened the letter. */
  readonly receiptSecret: Uint8Array;
}

interface Shared {
  /** DH(ek, IK_r). */
  readonly ephemeralIdentity: Uint8Array;
  /** DH(ek, EP_r). */
  readonly ephemeralEpoch: Uint8Array;
  /** ML-KEM-768 shared secret. */
  readonly kem: Uint8Array;
}

interface Public {
  readonly networkId: bigint;
  /** The envelope's version, class and tag, 18 bytes. */
  readonly header: Uint8Array;
  /** ek, KEM ciphertext and locator: the letter's first 1,128 bytes. */
  readonly opening: Uint8Array;
  readonly address: MailAddress;
  readonly recipientKey: Uint8Array;
  readonly epoch: number;
  readonly bundle: EpochBundle;
}

/** address 24 ‖ epoch u32 ‖ IK_r 32: what both stages' info begins with. */
function recipientInfo(view: Public): Uint8Array {
  return concatBytes(mailAddressToBytes(view.address), u32Bytes(view.epoch), view.recipientKey);
}

function transcriptHash(view: Public): Uint8Array {
  const { networkId, header, opening, bundle } = view;
  const network = u64Bytes(networkId);
  return sha256(concatBytes(TRANSCRIPT, network, header, bundle.x25519, bundle.mlkem, opening));
}

/** Stage 1: the key that hides the sender's identity key from everybody but the recipient. */
function senderKey(view: Public, shared: Shared, transcript: Uint8Array): Uint8Array {
  const secret = concatBytes(shared.ephemeralIdentity, shared.ephemeralEpoch, shared.kem);
  return hkdfSha256(secret, SENDER_SALT, concatBytes(recipientInfo(view), transcript), 32);
}

/** Stage 2: content key and receipt secret, from all four parts (mail.md section 3). */
function contentKeys(
  view: Public,
  shared: Shared,
  sender: { key: Uint8Array; senderEpoch: Uint8Array; box: Uint8Array; transcript: Uint8Array },
): { contentKey: Uint8Array; receiptSecret: Uint8Array } {
  const { ephemeralIdentity, ephemeralEpoch, kem } = shared;
  const secret = concatBytes(sender.senderEpoch, ephemeralIdentity, ephemeralEpoch, kem);
  const transcript = sha256(concatBytes(sender.transcript, sender.box));
  const info = concatBytes(recipientInfo(view), sender.key, transcript);
  const keys = hkdfSha256(secret, CONTENT_SALT, info, 32 + RECEIPT_LENGTH);
  return { contentKey: keys.subarray(0, 32), receiptSecret: keys.slice(32) };
}

/** Hides or shows the epoch number: xor with bytes that only sender and recipient can compute. */
function maskLocator(
  locator: Uint8Array,
  ephemeralIdentity: Uint8Array,
  ephemeralKey: Uint8Array,
  recipientKey: Uint8Array,
): Uint8Array {
  const info = concatBytes(ephemeralKey, recipientKey);
  const mask = hkdfSha256(ephemeralIdentity, LOCATOR_SALT, info, LOCATOR_LENGTH);
  return locator.map((byte, index) => byte ^ (mask[index] ?? 0));
}

/** "tmail/registered/v1\0" ‖ networkId u64 ‖ recipient's address 24 ‖ SHA-256(unsigned content). */
export function registeredMessage(
  networkId: bigint,
  recipient: MailAddress,
  content: LetterContent,
): Uint8Array {
  const hash = sha256(encodeUnsigned(content, true));
  return concatBytes(REGISTERED, u64Bytes(networkId), mailAddressToBytes(recipient), hash);
}

/**
 * Seals a letter into exactly `size` bytes. `header` are the envelope's first 18 bytes, which the
 * letter is bound to. Code: `recipient-key-invalid` when a key of the descriptor is of low order or
 * no ML-KEM key. A message that does not fit `size` is a broken invariant (envelope/seal.ts
 * checks).
 */
export function sealLetter(
  input: {
    readonly networkId: bigint;
    readonly header: Uint8Array;
    readonly size: number;
    readonly sender: LetterSender;
    readonly recipient: LetterRecipient;
    readonly draft: LetterDraft;
    readonly randomness: LetterRandomness;
  },
  suite: SealingSuite,
): MailOutcome<SealedLetter> {
  const { networkId, header, sender, recipient, randomness } = input;
  const { address, identityKey, epoch, bundle } = recipient;
  const ephemeralKey = suite.x25519PublicKey(randomness.ephemeralSecret);
  const ephemeralIdentity = suite.x25519(randomness.ephemeralSecret, identityKey);
  const ephemeralEpoch = suite.x25519(randomness.ephemeralSecret, bundle.x25519);
  const senderEpoch = suite.x25519(sender.identity.secretKey, bundle.x25519);
  const kem = suite.mlkemEncapsulate(bundle.mlkem, randomness.kemMessage);
  if (!ephemeralIdentity || !ephemeralEpoch || !senderEpoch || !kem) {
    return fail('recipient-key-invalid');
  }
  const shared = { ephemeralIdentity, ephemeralEpoch, kem: kem.sharedSecret };
  const plain = concatBytes(u32Bytes(epoch), new Uint8Array(4));
  const locator = maskLocator(plain, ephemeralIdentity, ephemeralKey, identityKey);
  const opening = concatBytes(ephemeralKey, kem.ciphertext, locator);
  const recipientKey = identityKey;
  const view: Public = { networkId, header, opening, address, recipientKey, epoch, bundle };
  const transcript = transcriptHash(view);
  const empty = new Uint8Array(0);
  const key = sender.identity.publicKey;
  const stageOne = senderKey(view, shared, transcript);
  const box = suite.chacha20poly1305Seal(stageOne, NONCE, key, empty);
  const part = { key, senderEpoch, box, transcript };
  const { contentKey, receiptSecret } = contentKeys(view, shared, part);
  const receipt = sha256(receiptSecret);
  const plaintext = encodeContent(signedContent(input), input.size - LETTER_OVERHEAD);
  const body = suite.chacha20poly1305Seal(contentKey, NONCE, plaintext, receipt);
  const bytes = concatBytes(opening, receipt, box, body);
  assert(bytes.length === input.size, 'a sealed letter has the size asked for');
  return succeed({ bytes, receiptSecret });
}

function signedContent(input: {
  readonly networkId: bigint;
  readonly sender: LetterSender;
  readonly recipient: LetterRecipient;
  readonly draft: LetterDraft;
}): LetterContent {
  const { accountKey, certificate } = input.sender;
  const { registerWith, ...stated } = input.draft;
  const content: LetterContent = { ...stated, accountKey, certificate };
  if (registerWith === undefined) return content;
  const message = registeredMessage(input.networkId, input.recipient.address, content);
  return { ...content, signature: signEd25519(registerWith, message) };
}

/**
 * Opens a letter. `bytes` and `header` come from a hostile world; nothing is thrown at them. Codes:
 * `not-for-us` (after one X25519), `epoch-secret-gone`, `epoch-too-far`, `letter-damaged`
 * (addressed to us, but altered or made with other keys), `letter-kind-unknown`,
 * `letter-malformed`, `certificate-invalid`, `registered-signature-invalid`.
 */
export function openLetter(
  input: { readonly networkId: bigint; readonly header: Uint8Array; readonly bytes: Uint8Array },
  reader: LetterReader,
  suite: SealingSuite,
  verifier: Verifier,
): MailOutcome<OpenedLetter> {
  if (input.bytes.length < LETTER_OVERHEAD) return fail('not-for-us', 'shorter than any letter');
  const ephemeralKey = input.bytes.slice(0, KEM_AT);
  const ephemeralIdentity = suite.x25519(reader.identity.secretKey, ephemeralKey);
  if (!ephemeralIdentity) return fail('not-for-us', 'the ephemeral key is of low order');
  const masked = input.bytes.slice(LOCATOR_AT, RECEIPT_AT);
  const publicKey = reader.identity.publicKey;
  const locator = maskLocator(masked, ephemeralIdentity, ephemeralKey, publicKey);
  // A letter for somebody else passes this by chance once in 2^32.
  if (!equalBytes(locator.subarray(4), new Uint8Array(4))) return fail('not-for-us');
  const epoch = new DataView(locator.buffer, locator.byteOffset).getUint32(0, true);
  const keys = reader.keyring.keysOf(epoch);
  if (!keys.ok) return keys;
  for (const candidate of keys.value) {
    const opened = openWith(input, reader, candidate, ephemeralIdentity, suite);
    if (opened) return readOpened(opened, input.networkId, reader.address, verifier);
  }
  return fail('letter-damaged', `epoch ${epoch}`);
}

interface Opened {
  readonly epoch: number;
  readonly senderIdentityKey: Uint8Array;
  readonly receiptSecret: Uint8Array;
  readonly plaintext: Uint8Array;
}

/** Both stages with the keys of one epoch line; undefined when either tag does not match. */
function openWith(
  input: { readonly networkId: bigint; readonly header: Uint8Array; readonly bytes: Uint8Array },
  reader: LetterReader,
  keys: EpochKeys,
  ephemeralIdentity: Uint8Array,
  suite: SealingSuite,
): Opened | undefined {
  const { networkId, header, bytes } = input;
  const ephemeralEpoch = suite.x25519(keys.x25519.secretKey, bytes.slice(0, KEM_AT));
  if (!ephemeralEpoch) return undefined;
  const kem = suite.mlkemDecapsulate(keys.mlkem.secretKey, bytes.slice(KEM_AT, LOCATOR_AT));
  const shared = { ephemeralIdentity, ephemeralEpoch, kem };
  const bundle = { x25519: keys.x25519.publicKey, mlkem: keys.mlkem.publicKey };
  const opening = bytes.subarray(0, RECEIPT_AT);
  const { address, identity } = reader;
  const { epoch } = keys;
  const recipientKey = identity.publicKey;
  const view: Public = { networkId, header, opening, address, recipientKey, epoch, bundle };
  const transcript = transcriptHash(view);
  const box = bytes.slice(SENDER_AT, BODY_AT);
  const stageOne = senderKey(view, shared, transcript);
  const key = suite.chacha20poly1305Open(stageOne, NONCE, box, new Uint8Array(0));
  const senderEpoch = key && suite.x25519(keys.x25519.secretKey, key);
  if (!key || !senderEpoch) return undefined;
  const part = { key, senderEpoch, box, transcript };
  const { contentKey, receiptSecret } = contentKeys(view, shared, part);
  const receipt = bytes.slice(RECEIPT_AT, SENDER_AT);
  if (!equalBytes(receipt, sha256(receiptSecret))) return undefined;
  const body = bytes.slice(BODY_AT);
  const plaintext = suite.chacha20poly1305Open(contentKey, NONCE, body, receipt);
  return plaintext && { epoch, senderIdentityKey: key, receiptSecret, plaintext };
}

/** Checks what the plaintext claims: form, certificate, signature of a registered letter. */
function readOpened(
  opened: Opened,
  networkId: bigint,
  recipient: MailAddress,
  verifier: Verifier,
): MailOutcome<OpenedLetter> {
  const decoded = decodeContent(opened.plaintext);
  if (!decoded.ok) return decoded;
  const content = decoded.value;
  const { accountKey, certificate, signature } = content;
  const { senderIdentityKey } = opened;
  if (!isIdentityCertified(networkId, accountKey, senderIdentityKey, certificate, verifier)) {
    return fail('certificate-invalid');
  }
  if (signature) {
    const message = registeredMessage(networkId, recipient, content);
    if (!verifier.verify(accountKey, message, signature)) {
      return fail('registered-signature-invalid');
    }
  }
  return succeed({
    epoch: opened.epoch,
    senderAddress: addressOf(accountKey),
    senderAccountKey: accountKey,
    senderIdentityKey,
    senderCertificate: certificate,
    kind: content.kind,
    letterId: content.letterId,
    sentAt: content.sentAt,
    message: content.message,
    isRegistered: signature !== undefined,
    ...(signature === undefined ? {} : { signature }),
    wantsReceipt: content.wantsReceipt,
    receiptSecret: opened.receiptSecret,
  });
}

/** The public hash in a letter, to check a receipt against: SHA-256 of the receipt secret. */
export function receiptHashOf(letter: Uint8Array): Uint8Array {
  return letter.slice(RECEIPT_AT, SENDER_AT);
}

/** Whether `receiptSecret` proves that `letter` (its sealed bytes) was opened. */
export function isReceiptFor(letter: Uint8Array, receiptSecret: Uint8Array): boolean {
  return equalBytes(receiptHashOf(letter), sha256(receiptSecret));
}
