/**
 * The mail address of an account: a hash of its account key, as bech32m text and in the form that
 * e-mail programs accept. Spec: docs/spec/20-identity.md.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { TextForm } from '@tanglemail/tangle/core/codec/bech32.ts';
import { formatBech32, parseBech32 } from '@tanglemail/tangle/core/codec/bech32.ts';
import type { NetworkKind } from '@tanglemail/tangle/core/params/networks.ts';
import { concatBytes, domain, sha256 } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

declare const brand: unique symbol;
/** 24 bytes of hash of an account key, as 48 lowercase hex digits. The same on every network. */
export type MailAddress = string & { readonly [brand]: 'MailAddress' };

export const MAIL_ADDRESS_LENGTH = 24;
/**
 * RFC 9476: `.alt` never resolves in DNS, so a mail that strays to the Internet bounces at once.
 */
export const MAIL_DOMAIN = 'tangle.alt';
/** RFC 5321 section 4.5.3.1.1: octets of the part before the "@". */
const MAX_LOCAL_PART = 64;
/** Characters of typed text that are looked at. */
const MAX_TEXT = 128;
const FORM: TextForm = { prefixes: { main: 'tm', test: 'tmt' }, length: MAIL_ADDRESS_LENGTH };
const SUB_ADDRESS = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** An address as a person wrote it. */
export interface ParsedAddress {
  readonly address: MailAddress;
  readonly network: NetworkKind;
  /** The name behind "+", 1 to 14 characters (13 on test networks) of a–z, 0–9 and inner "-". */
  readonly subAddress?: string;
}

/** The address of an account: SHA-256("tmail/address/v1\0" ‖ account key), the first 24 bytes. */
export function addressOf(accountKey: Uint8Array): MailAddress {
  assert(accountKey.length === 32, 'an account key has 32 bytes');
  const hash = sha256(concatBytes(domain('tmail/address/v1'), accountKey));
  return mailAddressFromBytes(hash.subarray(0, MAIL_ADDRESS_LENGTH));
}

export function mailAddressFromBytes(bytes: Uint8Array): MailAddress {
  assert(bytes.length === MAIL_ADDRESS_LENGTH, 'a mail address has 24 bytes');
  return bytesToHex(bytes) as MailAddress;
}

/** The 24 bytes of an address. */
export function mailAddressToBytes(address: MailAddress): Uint8Array {
  return hexToBytes(address);
}

/** Writes `tm1…` or `tmt1…`, with `+name` when there is one. */
export function formatAddress(parsed: ParsedAddress): string {
  const text = formatBech32(FORM, parsed.network, mailAddressToBytes(parsed.address));
  if (parsed.subAddress === undefined) return text;
  assert(isSubAddress(parsed.subAddress, parsed.network), 'a sub-address fits its local part');
  return `${text}+${parsed.subAddress}`;
}

/** The form for e-mail programs: `tm1…+name@tangle.alt`, lower case. */
export function formatEmail(parsed: ParsedAddress): string {
  return `${formatAddress(parsed)}@${MAIL_DOMAIN}`;
}

/** Whether `name` may stand behind "+": the local part must stay within 64 octets. */
export function isSubAddress(name: string, network: NetworkKind): boolean {
  const room = MAX_LOCAL_PART - (network === 'main' ? 49 : 50) - 1;
  return name.length <= room && SUB_ADDRESS.test(name);
}

/**
 * Reads `tm1…`, `tm1…+name` or either with `@tangle.alt`, white space around it ignored. Codes as
 * `parseBech32`, and `address-domain`, `sub-address-invalid`, `address-network` when `network` is
 * given and another one is written.
 */
export function parseMailAddress(text: string, network?: NetworkKind): MailOutcome<ParsedAddress> {
  if (text.length > MAX_TEXT) return fail('address-length', `more than ${MAX_TEXT} characters`);
  const trimmed = text.trim();
  const at = trimmed.indexOf('@');
  if (at >= 0 && trimmed.slice(at + 1).toLowerCase() !== MAIL_DOMAIN) {
    return fail('address-domain', `expected ${MAIL_DOMAIN} behind the @`);
  }
  const local = at >= 0 ? trimmed.slice(0, at) : trimmed;
  const plus = local.indexOf('+');
  const parsed = parseBech32(FORM, plus >= 0 ? local.slice(0, plus) : local);
  if (!parsed.ok) return parsed;
  if (network !== undefined && parsed.value.network !== network) {
    return fail('address-network', `an address of the ${parsed.value.network} network`);
  }
  const base = {
    address: mailAddressFromBytes(parsed.value.bytes),
    network: parsed.value.network,
  };
  if (plus < 0) return succeed(base);
  const subAddress = local.slice(plus + 1).toLowerCase();
  if (!isSubAddress(subAddress, base.network)) return fail('sub-address-invalid');
  return succeed({ ...base, subAddress });
}
