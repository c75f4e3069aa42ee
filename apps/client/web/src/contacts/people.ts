/** Contacts as the list shows them: which list, what matches a search, what to warn of. Pure. */
import type { ContactDto } from '../../../src/api/dto.ts';

/** The lists, by the states that they show. */
const SECTIONS = { all: 'accepted', requests: 'requested', blocked: 'blocked' } as const;
export type Section = keyof typeof SECTIONS;

export function isSection(text: string): text is Section {
  return Object.hasOwn(SECTIONS, text);
}

/** Where a contact of this state is listed. */
export function sectionOf(state: ContactDto['state']): Section {
  if (state === 'requested') return 'requests';
  return state === 'blocked' ? 'blocked' : 'all';
}

/** Without case and accents, so that "jose" finds "José". */
function plain(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/** The contacts of a list in which each word of `search` is found: in name, note or address. */
export function listed(
  contacts: readonly ContactDto[],
  section: Section,
  search: string,
): readonly ContactDto[] {
  const words = plain(search).split(/\s+/).filter(Boolean);
  return contacts.filter(({ state, name, note = '', email }) => {
    if (state !== SECTIONS[section]) return false;
    const text = plain(`${name}\n${note}\n${email}`);
    return words.every((word) => text.includes(word));
  });
}

/** The start and the end of an address, enough to tell two of them apart in a list. */
export function shortAddress(address: string): string {
  return address.length <= 24 ? address : `${address.slice(0, 12)}…${address.slice(-6)}`;
}

/** What a contact is called; without a name by the address. */
export function titleOf({ name, address }: Pick<ContactDto, 'name' | 'address'>): string {
  return name === '' ? shortAddress(address) : name;
}

export type Warning =
  | { readonly kind: 'keyChange'; readonly atMs: number; readonly wasVerified: boolean }
  | { readonly kind: 'conflict'; readonly atMs: number }
  | { readonly kind: 'looksLike'; readonly address: string };

/** What the user should know before trusting a contact, the worst first. */
export function warningsOf(contact: ContactDto): readonly Warning[] {
  const { conflictAtMs, keyChange, looksLike } = contact;
  const warnings: Warning[] = [];
  if (conflictAtMs !== undefined) warnings.push({ kind: 'conflict', atMs: conflictAtMs });
  if (keyChange !== undefined) {
    const { atMs, wasVerified } = keyChange;
    warnings.push({ kind: 'keyChange', atMs, wasVerified });
  }
  if (looksLike !== undefined) warnings.push({ kind: 'looksLike', address: looksLike });
  return warnings;
}

/** Compared by the user, and nothing has changed since. */
export function isVerified({ verifiedAtMs, keyChange }: ContactDto): boolean {
  return verifiedAtMs !== undefined && keyChange === undefined;
}
