/** Linking: one number for both sides, no number for a third, and no bytes that throw. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { nobleSuite as suite } from '../crypto/noble-suite.ts';
import type { KeyPair } from '../ports.ts';
import {
  decodeLinkAnswer,
  decodeLinkHello,
  decodeLinkReveal,
  encodeLinkAnswer,
  encodeLinkHello,
  encodeLinkReveal,
  formatLinkCode,
  isRevealOf,
  LINK_CHUNK,
  linkCommitment,
  linkSession,
  linkTag,
  MAX_LINK_ARCHIVE,
  openLinkPart,
  openLinkSay,
  parseLinkCode,
  sealLinkArchive,
  sealLinkSay,
} from './protocol.ts';

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const pair = (byte: number): KeyPair => {
  const secretKey = fill(byte);
  return { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
};
const CODE = fill(7);
const [guest, host] = [pair(1), pair(2)];
const keys = { guestKey: guest.publicKey, hostKey: host.publicKey, linkKey: CODE };

describe('linking', () => {
  it('gives both sides one number and one key, as the page shows', () => {
    const session = valueOf(linkSession(guest, keys, suite));
    expect(valueOf(linkSession(host, keys, suite))).toEqual(session);
    const url = new URL('../../../../../docs/spec/44-device-link.md', import.meta.url);
    const page = readFileSync(url, 'utf8');
    expect(page).toContain(`code    ${formatLinkCode(CODE)}`);
    expect(page).toContain(`number  ${session.number}`);
    expect(page).toContain(`key     ${bytesToHex(session.key)}`);
    expect(page).toContain(`hello   ${bytesToHex(linkTag(CODE, 'hello'))}`);
  });

  it('shows another number when somebody stands in between', () => {
    const between = pair(3);
    const one = valueOf(linkSession(guest, { ...keys, hostKey: between.publicKey }, suite));
    const other = valueOf(linkSession(host, { ...keys, guestKey: between.publicKey }, suite));
    expect(one.number).not.toBe(other.number);
    expect(codeOf(linkSession(host, { ...keys, guestKey: fill(0) }, suite))).toBe(
      'recipient-key-invalid',
    );
  });

  it('holds the new device to the key that it promised', () => {
    const reveal = { publicKey: guest.publicKey, salt: fill(9) };
    const hello = { commitment: linkCommitment(reveal), name: Uint8Array.of(65) };
    expect(isRevealOf(reveal, hello)).toBe(true);
    expect(isRevealOf({ ...reveal, publicKey: host.publicKey }, hello)).toBe(false);
    expect(isRevealOf({ ...reveal, salt: fill(8) }, hello)).toBe(false);
  });
});

describe('codes and words', () => {
  it('a code has one text; link-invalid for any other', () => {
    const text = formatLinkCode(CODE);
    expect(valueOf(parseLinkCode(` ${text}\n`))).toEqual(CODE);
    const nearly = [`${text.slice(0, -1)}d`, text.slice(1), `${text}A`, 'tmlink1:', ''];
    for (const wrong of nearly) expect(codeOf(parseLinkCode(wrong))).toBe('link-invalid');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(valueOf(parseLinkCode(formatLinkCode(key)))).toEqual(key);
      }),
    );
  });

  it('are read without throwing, and one way only', () => {
    const [hello, answer, reveal] = [
      { commitment: fill(4), name: Uint8Array.of(65, 66) },
      fill(5),
      { publicKey: fill(6), salt: fill(7) },
    ];
    expect(valueOf(decodeLinkHello(encodeLinkHello(hello)))).toEqual(hello);
    expect(valueOf(decodeLinkAnswer(encodeLinkAnswer(answer)))).toEqual(answer);
    expect(valueOf(decodeLinkReveal(encodeLinkReveal(reveal)))).toEqual(reveal);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 130 }), (bytes) => {
        const asHello = decodeLinkHello(bytes);
        expect(asHello.ok ? encodeLinkHello(asHello.value) : bytes).toEqual(bytes);
        const asAnswer = decodeLinkAnswer(bytes);
        expect(asAnswer.ok ? encodeLinkAnswer(asAnswer.value) : bytes).toEqual(bytes);
        const asReveal = decodeLinkReveal(bytes);
        expect(asReveal.ok ? encodeLinkReveal(asReveal.value) : bytes).toEqual(bytes);
      }),
    );
    expect(codeOf(decodeLinkAnswer(encodeLinkAnswer(answer).with(0, 2)))).toBe('version-unknown');
  });

  it('open under their code and role only', () => {
    const sealed = sealLinkSay(CODE, 'hello', fill(1, 40), suite);
    expect(openLinkSay(CODE, 'hello', sealed, suite)).toEqual(fill(1, 40));
    expect(openLinkSay(CODE, 'answer', sealed, suite)).toBeUndefined();
    expect(openLinkSay(fill(8), 'hello', sealed, suite)).toBeUndefined();
    expect(openLinkSay(CODE, 'hello', fill(1, 300), suite)).toBeUndefined();
  });
});

describe('the archive', () => {
  it.each([0, 1, LINK_CHUNK, LINK_CHUNK + 1, 3 * LINK_CHUNK])('of %d bytes comes back', (size) => {
    const archive = fill(3, size);
    const parts = valueOf(sealLinkArchive(CODE, archive, suite));
    const opened = parts.map((part, index) => openLinkPart(CODE, index, part, suite));
    expect(opened.map((one) => one?.isLast)).toEqual(parts.map((_, at) => at === parts.length - 1));
    expect(Buffer.concat(opened.map((one) => one?.plain ?? fill(9)))).toEqual(Buffer.from(archive));
    const [first = fill(0)] = parts;
    expect(openLinkPart(CODE, 1, first, suite)).toBeUndefined();
    expect(openLinkPart(fill(1), 0, first, suite)).toBeUndefined();
  });

  it('too-large: beyond 64 blocks', () => {
    expect(codeOf(sealLinkArchive(CODE, fill(0, MAX_LINK_ARCHIVE + 1), suite))).toBe('too-large');
    expect(openLinkPart(CODE, 64, fill(0, 20), suite)).toBeUndefined();
  });
});
