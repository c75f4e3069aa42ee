/**
 * Tags of a further device: no two devices count on one key, so each tells its contacts a seed of
 * its own, in a note of family 0xc5. Stop before: envelope/tags.ts; next: the provider's filters.
 * Spec: docs/spec/23-envelope.md, section "Tags of further devices".
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { deriveKey } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { mailAddressToBytes } from '../identity/address.ts';
import { assert } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';
import type { TagKey } from './tags.ts';

/** First byte of a note about devices. */
export const DEVICE_NOTE_FAMILY = 0xc5;
/** Devices of one contact whose tags are watched beside those of its keys. */
export const MAX_CONTACT_DEVICES = 8;
const VERSION = 1;
const SIZE = 3 + 16 + 32;

/**
 * `tell`: a device counts on this seed from now on. `know`: its tags are watched. `renew`: somebody
 * else may know the tags and chains that lead to us: begin new ones.
 */
export type DeviceNote =
  | { readonly kind: 'tell'; readonly device: string; readonly seed: Uint8Array }
  | { readonly kind: 'know' | 'renew'; readonly device: string };

const TYPES = { tell: 1, know: 2, renew: 3 } as const;

/** The key of the tags of one device, from its 32-byte seed. */
export function deviceTagKey(
  seed: Uint8Array,
  direction: { readonly from: MailAddress; readonly to: MailAddress },
): TagKey {
  assert(seed.length === 32, 'a seed of tags has 32 bytes');
  const context = [mailAddressToBytes(direction.from), mailAddressToBytes(direction.to)];
  return deriveKey(seed, 'tmail/device-tag/v1', context) as TagKey;
}

/**
 * The key of the tags under which one device of an account (32 hex digits) writes to the others:
 * all of them can make it, nobody else can. Undefined for a low-order key.
 */
export function selfTagKey(
  identity: KeyPair,
  device: string,
  suite: SealingSuite,
): TagKey | undefined {
  const secret = suite.x25519(identity.secretKey, identity.publicKey);
  return secret && (deriveKey(secret, 'tmail/self-tag/v1', [hexToBytes(device)]) as TagKey);
}

/** family u8 · version u8 · type u8 (1 tell, 2 know, 3 renew) · device 16 · seed 32 if 1. */
export function encodeDeviceNote(note: DeviceNote): Uint8Array {
  const writer = new Writer(SIZE);
  writer.u8(DEVICE_NOTE_FAMILY);
  writer.u8(VERSION);
  writer.u8(TYPES[note.kind]);
  writer.hex(note.device, 16);
  if (note.kind === 'tell') writer.fixed(note.seed, 32);
  return writer.finish();
}

/** Codes: those of form, `version-unknown`. */
export function decodeDeviceNote(bytes: Uint8Array): MailOutcome<DeviceNote> {
  return decodeWith(bytes, SIZE, readNote);
}

function readNote(reader: Reader): DeviceNote {
  if (reader.u8() !== DEVICE_NOTE_FAMILY) refuse('not-canonical');
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const type = reader.u8();
  const device = reader.hex(16);
  if (type === TYPES.tell) return { kind: 'tell', device, seed: reader.bytes(32) };
  if (type === TYPES.know) return { kind: 'know', device };
  if (type === TYPES.renew) return { kind: 'renew', device };
  return refuse('number-out-of-range');
}
