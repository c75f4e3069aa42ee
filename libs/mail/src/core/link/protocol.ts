/**
 * Linking a device: what the old and the new one say to each other through the tangle, and the
 * number by which their owner sees that nobody stands in between. Stop before: identity/keys.ts;
 * next: the client, devices/link-host.ts and link-guest.ts. Spec: docs/spec/44-device-link.md.
 */
import { base64urlnopad } from '@scure/base';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { concatBytes, deriveKey, domain, equalBytes, sha256, u32Bytes } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';

/** Bytes of the one-time key in a code. */
export const LINK_KEY_LENGTH = 32;
/** Seconds for which a code can be used. */
export const LINK_SECONDS = 600;
/** Bytes of the archive in one block. */
export const LINK_CHUNK = 16_384;
/** Bytes of the whole archive, sealed: 64 blocks. */
export const MAX_LINK_ARCHIVE = 1_048_576;
const PREFIX = 'tmlink1:';
const VERSION = 1;
const MAX_NAME = 64;
const MAX_SAY = 256;
const NONCE_LENGTH = 12;

/** Who speaks, and what: each has its own tag and key. */
const ROLES = { hello: 0, answer: 1, reveal: 2, archive: 3 } as const;
export type LinkRole = keyof typeof ROLES;

/** The first word of the new device: it commits to its key before it sees the other's. */
export interface LinkHello {
  /** SHA-256 of the reveal, 32 bytes. */
  readonly commitment: Uint8Array;
  /** UTF-8, 1 to 64 bytes. */
  readonly name: Uint8Array;
}

/** The new device's key, which its hello committed to. */
export interface LinkReveal {
  readonly publicKey: Uint8Array;
  /** 32 random bytes. */
  readonly salt: Uint8Array;
}

/** A code as text, from 32 random bytes. */
export function formatLinkCode(key: Uint8Array): string {
  assert(key.length === LINK_KEY_LENGTH, 'a link key has 32 bytes');
  return `${PREFIX}${base64urlnopad.encode(key)}`;
}

/** Reads a code as it was typed or scanned. Code: `link-invalid`. */
export function parseLinkCode(text: string): MailOutcome<Uint8Array> {
  const found = /^tmlink1:([A-Za-z0-9_-]{43})$/.exec(text.trim());
  if (found?.[1] === undefined) return fail('link-invalid');
  try {
    // It refuses digits that hold more than the 32 bytes: one key has one text.
    return succeed(base64urlnopad.decode(found[1]));
  } catch {
    return fail('link-invalid');
  }
}

/** The tag of tagged data under which one of the two speaks, 32 bytes. */
export function linkTag(key: Uint8Array, role: LinkRole, index = 0): Uint8Array {
  return deriveKey(key, 'tmail/link-tag/v1', [Uint8Array.of(ROLES[role]), u32Bytes(index)]);
}

/** Seals what is said with the code; each role speaks once under a code. */
export function sealLinkSay(
  key: Uint8Array,
  role: LinkRole,
  content: Uint8Array,
  suite: SealingSuite,
): Uint8Array {
  const sayKey = deriveKey(key, 'tmail/link-say/v1', [Uint8Array.of(ROLES[role])]);
  return suite.chacha20poly1305Seal(
    sayKey,
    new Uint8Array(NONCE_LENGTH),
    content,
    linkTag(key, role),
  );
}

/** Opens it; undefined for anything else. */
export function openLinkSay(
  key: Uint8Array,
  role: LinkRole,
  sealed: Uint8Array,
  suite: SealingSuite,
): Uint8Array | undefined {
  if (sealed.length > MAX_SAY) return undefined;
  const sayKey = deriveKey(key, 'tmail/link-say/v1', [Uint8Array.of(ROLES[role])]);
  return suite.chacha20poly1305Open(
    sayKey,
    new Uint8Array(NONCE_LENGTH),
    sealed,
    linkTag(key, role),
  );
}

/** What a hello commits to. */
export function linkCommitment(reveal: LinkReveal): Uint8Array {
  return sha256(concatBytes(domain('tmail/link-commit/v1'), reveal.publicKey, reveal.salt));
}

/** Whether a reveal is what the hello committed to. */
export function isRevealOf(reveal: LinkReveal, hello: LinkHello): boolean {
  return equalBytes(linkCommitment(reveal), hello.commitment);
}

export function encodeLinkHello(hello: LinkHello): Uint8Array {
  const writer = new Writer(128);
  writer.u8(VERSION);
  writer.fixed(hello.commitment, 32);
  writer.count8(hello.name.length, 1, MAX_NAME);
  writer.raw(hello.name);
  return writer.finish();
}

/** Codes: those of form, `version-unknown`. */
export function decodeLinkHello(bytes: Uint8Array): MailOutcome<LinkHello> {
  return decodeWith(bytes, MAX_SAY, (reader) => {
    readVersion(reader);
    const commitment = reader.bytes(32);
    return { commitment, name: reader.bytes(reader.count8(1, MAX_NAME)) };
  });
}

export function encodeLinkReveal(reveal: LinkReveal): Uint8Array {
  const writer = new Writer(65);
  writer.u8(VERSION);
  writer.fixed(reveal.publicKey, 32);
  writer.fixed(reveal.salt, 32);
  return writer.finish();
}

/** Codes: those of form, `version-unknown`. */
export function decodeLinkReveal(bytes: Uint8Array): MailOutcome<LinkReveal> {
  return decodeWith(bytes, MAX_SAY, (reader) => {
    readVersion(reader);
    return { publicKey: reader.bytes(32), salt: reader.bytes(32) };
  });
}

/** The old device's answer: its public key. */
export function encodeLinkAnswer(publicKey: Uint8Array): Uint8Array {
  const writer = new Writer(33);
  writer.u8(VERSION);
  writer.fixed(publicKey, 32);
  return writer.finish();
}

/** Codes: those of form, `version-unknown`. */
export function decodeLinkAnswer(bytes: Uint8Array): MailOutcome<Uint8Array> {
  return decodeWith(bytes, MAX_SAY, (reader) => {
    readVersion(reader);
    return reader.bytes(32);
  });
}

function readVersion(reader: Reader): void {
  if (reader.u8() !== VERSION) refuse('version-unknown');
}

/** What both have once the keys are out. */
export interface LinkSession {
  /** 32 bytes: seals the archive. */
  readonly key: Uint8Array;
  /** Six digits, shown by both. */
  readonly number: string;
}

/**
 * The session of one's own key and the other's. `guestKey` and `hostKey` are the public keys of the
 * new and of the old device. Code: `recipient-key-invalid` for a key of low order.
 */
export function linkSession(
  own: KeyPair,
  keys: {
    readonly guestKey: Uint8Array;
    readonly hostKey: Uint8Array;
    readonly linkKey: Uint8Array;
  },
  suite: SealingSuite,
): MailOutcome<LinkSession> {
  const { guestKey, hostKey, linkKey } = keys;
  const other = equalBytes(own.publicKey, guestKey) ? hostKey : guestKey;
  const shared = suite.x25519(own.secretKey, other);
  if (shared === undefined) return fail('recipient-key-invalid');
  const context = [guestKey, hostKey];
  const secret = concatBytes(shared, linkKey);
  const digest = sha256(concatBytes(domain('tmail/link-number/v1'), linkKey, ...context));
  const value = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true) % 1_000_000;
  const number = value.toString().padStart(6, '0');
  return succeed({ key: deriveKey(secret, 'tmail/link-archive/v1', context), number });
}

function archiveNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(NONCE_LENGTH);
  new DataView(nonce.buffer).setUint32(0, index, true);
  nonce[4] = isLast ? 1 : 0;
  return nonce;
}

const NO_AAD = new Uint8Array(0);

/** The archive in sealed parts, each for one block. Code: `too-large` beyond MAX_LINK_ARCHIVE. */
export function sealLinkArchive(
  key: Uint8Array,
  archive: Uint8Array,
  suite: SealingSuite,
): MailOutcome<Uint8Array[]> {
  if (archive.length > MAX_LINK_ARCHIVE) return fail('too-large', `${archive.length} bytes`);
  const parts: Uint8Array[] = [];
  const count = Math.max(1, Math.ceil(archive.length / LINK_CHUNK));
  for (let index = 0; index < count; index++) {
    const plain = archive.subarray(index * LINK_CHUNK, (index + 1) * LINK_CHUNK);
    const nonce = archiveNonce(index, index === count - 1);
    parts.push(suite.chacha20poly1305Seal(key, nonce, plain, NO_AAD));
  }
  return succeed(parts);
}

/** Opens part `index`; undefined when it is not that part of this archive. */
export function openLinkPart(
  key: Uint8Array,
  index: number,
  sealed: Uint8Array,
  suite: SealingSuite,
): { readonly plain: Uint8Array; readonly isLast: boolean } | undefined {
  if (sealed.length > LINK_CHUNK + 16 || index * LINK_CHUNK >= MAX_LINK_ARCHIVE) return undefined;
  for (const isLast of [false, true]) {
    const nonce = archiveNonce(index, isLast);
    const plain = suite.chacha20poly1305Open(key, nonce, sealed, NO_AAD);
    if (plain !== undefined) return { plain, isLast };
  }
  return undefined;
}
