/**
 * Exact tags: numbers of a counter that only two people can turn into 16 bytes. Contacts share a
 * secret by their identity keys, a first mail by an invite. Stop before: identity/; next:
 * envelope/seal.ts, and the provider's filters. Spec: docs/spec/23-envelope.md.
 */
import { deriveKey, hmacSha256, u64Bytes } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { mailAddressToBytes } from '../identity/address.ts';
import { assert } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import { TAG_LENGTH } from './envelope.ts';

/** Numbers below the highest one seen that are still waited for: mails that overtook each other. */
export const RECEIVE_WINDOW = 32;
/** Numbers above the highest one seen that are watched, and registered at a provider. */
export const REGISTRATION_WINDOW = 128;

declare const brand: unique symbol;
/** The 32-byte key of one direction between two people. */
export type TagKey = Uint8Array & { readonly [brand]: 'TagKey' };

/**
 * The key of the direction `from` → `to` between contacts, from one's own identity secret and the
 * other's identity key. Undefined for a low-order key. No epoch goes in: a recipient that is
 * offline for weeks must still be found by the tags it registered before.
 */
export function contactTagKey(
  identitySecret: Uint8Array,
  otherIdentityKey: Uint8Array,
  direction: { readonly from: MailAddress; readonly to: MailAddress },
  suite: SealingSuite,
): TagKey | undefined {
  const secret = suite.x25519(identitySecret, otherIdentityKey);
  const context = [mailAddressToBytes(direction.from), mailAddressToBytes(direction.to)];
  return secret && (deriveKey(secret, 'tmail/contact-tag/v1', context) as TagKey);
}

/**
 * The key of mails that an invite (32 bytes, from a `tangle:` link) brings to `to`, which does not
 * know yet who will write.
 */
export function inviteTagKey(invite: Uint8Array, to: MailAddress): TagKey {
  assert(invite.length === 32, 'an invite has 32 bytes');
  return deriveKey(invite, 'tmail/invite-tag/v1', [mailAddressToBytes(to)]) as TagKey;
}

/** Tag number `index` (0 to 2^53 − 1): HMAC-SHA256(key, index as u64), the first 16 bytes. */
export function tagAt(key: TagKey, index: number): Uint8Array {
  assert(Number.isSafeInteger(index) && index >= 0, 'a tag number is a safe whole number');
  return hmacSha256(key, u64Bytes(BigInt(index))).slice(0, TAG_LENGTH);
}

/** How far one direction has been received. Start with NO_TAGS_SEEN; counters are never reset. */
export interface TagWindow {
  /** Every number below is done: seen, or given up. */
  readonly base: number;
  /** Numbers seen at or above `base`, ascending; fewer than RECEIVE_WINDOW of them. */
  readonly seen: readonly number[];
}

export const NO_TAGS_SEEN: TagWindow = { base: 0, seen: [] };

/** The number after the highest one seen. */
export function windowTop(window: TagWindow): number {
  return (window.seen.at(-1) ?? window.base - 1) + 1;
}

/** The numbers to watch for: what is missing below the top, and REGISTRATION_WINDOW above it. */
export function watchedNumbers(window: TagWindow): number[] {
  const seen = new Set(window.seen);
  const end = windowTop(window) + REGISTRATION_WINDOW;
  const numbers: number[] = [];
  for (let index = window.base; index < end; index++) if (!seen.has(index)) numbers.push(index);
  return numbers;
}

/**
 * The window after number `index` arrived. A number that is not watched (done already, or too far
 * ahead) changes nothing. What falls more than RECEIVE_WINDOW behind the top is given up: a lost
 * block must not hold the window back for ever.
 */
export function markSeen(window: TagWindow, index: number): TagWindow {
  const isAhead = index >= windowTop(window) + REGISTRATION_WINDOW;
  if (index < window.base || isAhead || window.seen.includes(index)) return window;
  const seen = [...window.seen, index].toSorted((a, b) => a - b);
  const top = (seen.at(-1) ?? index) + 1;
  let base = Math.max(window.base, top - RECEIVE_WINDOW);
  const later = new Set(seen);
  while (later.has(base)) base++;
  return { base, seen: seen.filter((one) => one >= base) };
}

/** Tags of all watched numbers with their number, for a lookup table or a provider's filter. */
export function watchedTags(
  key: TagKey,
  window: TagWindow,
): { readonly index: number; readonly tag: Uint8Array }[] {
  return watchedNumbers(window).map((index) => ({ index, tag: tagAt(key, index) }));
}
