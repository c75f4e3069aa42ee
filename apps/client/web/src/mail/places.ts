/**
 * Places of the mail screen: `#/mail/INBOX/INBOX.12`, `#/mail/*search/WORDS/INBOX.12`,
 * `#/mail/*outbox`. No folder's name holds a `*`. Pure.
 */

export const OUTBOX_PART = '*outbox';
export const SEARCH_PART = '*search';

/** Which list is shown. */
export type ListPlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'search'; readonly query: string }
  | { readonly kind: 'outbox' };

export interface MailPlace {
  readonly list: ListPlace;
  /** Id of the mail that is open. */
  readonly open: string | undefined;
}

export function placeOf(parts: readonly string[]): MailPlace {
  const [first = 'INBOX', second, third] = parts;
  if (first === OUTBOX_PART) return { list: { kind: 'outbox' }, open: undefined };
  if (first !== SEARCH_PART) return { list: { kind: 'folder', folder: first }, open: second };
  return { list: { kind: 'search', query: second ?? '' }, open: third };
}

/** The parts of a list's place, with the mail that is open in it. */
export function partsOfPlace(list: ListPlace, open?: string): string[] {
  if (list.kind === 'outbox') return ['mail', OUTBOX_PART];
  const where = list.kind === 'folder' ? [list.folder] : [SEARCH_PART, list.query];
  return ['mail', ...where, ...(open === undefined ? [] : [open])];
}
