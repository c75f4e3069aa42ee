/** What people paste, scan and compare: links, addresses, safety numbers. Pure. */
import type { AddContactDto } from '../../../src/api/dto.ts';
import type { VerifyDto } from '../../../src/api/people-dto.ts';

/** As long as a link may be; what is longer is no contact. */
const MAX_TEXT = 1_024;
const SAFETY_SCHEME = 'tangle-safety:';
const SAFETY_DIGITS = 60;
const GROUP_DIGITS = 5;

/** A link or an address somewhere in a pasted text; undefined where there is none. */
export function contactIn(text: string): Pick<AddContactDto, 'link' | 'address'> | undefined {
  const start = text.slice(0, 4 * MAX_TEXT);
  const link = /tangle:tmt?1[^\s<>"]+/i.exec(start)?.[0];
  if (link !== undefined) return link.length > MAX_TEXT ? undefined : { link };
  const address = /\btmt?1[a-z0-9]{20,110}(?:\+[\w.-]{1,64})?(?:@tangle\.alt)?/i.exec(start)?.[0];
  return address === undefined || address.length > 128 ? undefined : { address };
}

/** The name that a link suggests; empty where it suggests none. */
export function nameIn(text: string): string {
  const link = contactIn(text)?.link ?? '';
  const query = link.includes('?') ? link.slice(link.indexOf('?')) : '';
  return (new URLSearchParams(query.replaceAll('+', '%2B')).get('name') ?? '').slice(0, 64);
}

/** The groups of a safety number, twelve of five digits. */
export function groupsOf(number: string): readonly string[] {
  return number.replaceAll(/\D/g, '').match(new RegExp(`\\d{1,${GROUP_DIGITS}}`, 'g')) ?? [];
}

/** What was typed, pasted or scanned, for the daemon to compare; undefined when it is no number. */
export function proofIn(text: string): VerifyDto | undefined {
  const trimmed = text.trim();
  if (trimmed.toLowerCase().startsWith(SAFETY_SCHEME)) return { code: trimmed.slice(0, MAX_TEXT) };
  const digits = trimmed.replaceAll(/[\s-]/g, '');
  const isNumber = /^\d+$/.test(digits) && digits.length === SAFETY_DIGITS;
  return isNumber ? { number: digits } : undefined;
}

/** The beginning of an identity key as people compare it, in groups of four. */
export function fingerprintOf(identityKey: string): string {
  return (
    identityKey
      .slice(0, 16)
      .match(/.{1,4}/g)
      ?.join(' ') ?? ''
  );
}
