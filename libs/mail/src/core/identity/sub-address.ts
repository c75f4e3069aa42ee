/**
 * What a descriptor says of sub-addresses (`tm1…+shop`): each has an intro key and a policy of its
 * own, so that one that was given to the wrong people can be taken back without the others. The
 * label itself is not published. Stop before: identity/keys.ts (introKey); next:
 * identity/descriptor.ts. Spec: docs/spec/21-descriptor.md.
 */
import { concatBytes, domain, equalBytes, sha256, utf8ToBytes } from '../crypto/kdf.ts';
import type { MailAddress } from './address.ts';
import { mailAddressToBytes } from './address.ts';

/** Sub-addresses of one account at a time; each costs a scan of strangers' mail one X25519 more. */
export const MAX_SUB_ADDRESSES = 16;
export const SUB_ADDRESS_ID_LENGTH = 16;

export interface SpamPolicy {
  /** Leading zero bits of work asked of a stranger's envelope, 0–28. */
  readonly stampBits: number;
  /** Strangers are not heard at all. */
  readonly contactsOnly: boolean;
}

/** How strangers reach an account, or one of its sub-addresses. */
export interface Doorway {
  /** X25519, 32 bytes; strangers' tags are made with it. */
  readonly introKey: Uint8Array;
  readonly policy: SpamPolicy;
}

/** One line of a descriptor. */
export interface SubAddress extends Doorway {
  /** 16 bytes: `subAddressId`. */
  readonly id: Uint8Array;
}

/**
 * Names a sub-address to those who know its label: SHA-256("tmail/sub-address/v1\0" ‖ address 24 ‖
 * label), the first 16 bytes. Whoever guesses a label can see whether it is right.
 */
export function subAddressId(address: MailAddress, label: string): Uint8Array {
  const parts = [domain('tmail/sub-address/v1'), mailAddressToBytes(address), utf8ToBytes(label)];
  return sha256(concatBytes(...parts)).subarray(0, SUB_ADDRESS_ID_LENGTH);
}

/**
 * Where a stranger knocks: at the plain address, or at the sub-address `label`; undefined when the
 * account does not publish that one (any more).
 */
export function doorwayOf(
  descriptor: Doorway & { readonly subAddresses: readonly SubAddress[] },
  address: MailAddress,
  label: string | undefined,
): Doorway | undefined {
  if (label === undefined) return descriptor;
  const id = subAddressId(address, label);
  return descriptor.subAddresses.find((one) => equalBytes(one.id, id));
}

/** Ascending by id, bytewise: the one order in which a descriptor lists them. */
export function sortSubAddresses(list: readonly SubAddress[]): SubAddress[] {
  return list.toSorted((a, b) => compareBytes(a.id, b.id));
}

/** Whether ids ascend strictly, so that a list has one encoding and no id twice. */
export function isAscending(list: readonly SubAddress[]): boolean {
  return list.every(({ id }, at) => {
    const before = list[at - 1];
    return before === undefined || compareBytes(before.id, id) < 0;
  });
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
