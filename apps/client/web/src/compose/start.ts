/** What a composer begins with: nothing, an answer, a mail to pass on, a draft. Pure. */
import type { MessageDto } from '../../../src/api/dto.ts';

/** What a person writes. */
export interface Writing {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Message-ID of the mail that it answers. */
  readonly inReplyTo?: string;
}

/** Where a composer begins. */
export type ComposeStart =
  | { readonly kind: 'new'; readonly writing: Writing }
  | { readonly kind: 'draft'; readonly draftId: string };

export const NOTHING: Writing = { to: [], cc: [], bcc: [], subject: '', text: '' };

/** `Re: …` and `Fwd: …` stand once, whatever program began with it. */
export function subjectWith(prefix: 'Re' | 'Fwd', subject: string): string {
  const known = prefix === 'Re' ? /^(?:re|aw|antw|r|rif)\s*:\s*/i : /^(?:fwd?|wg|i)\s*:\s*/i;
  return `${prefix}: ${subject.replace(known, '')}`.trimEnd();
}

/** Each line behind `> `; what is a quotation already gets no space more (RFC 3676 §4.5). */
export function quoted(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith('>') ? `>${line}` : `> ${line}`.trimEnd()))
    .join('\n');
}

/**
 * An answer. It goes to whom the seal proves, never to whom a header names; to all: also to those
 * whom the header names, but oneself.
 */
export function answerTo(mail: MessageDto, own: string, isToAll: boolean, wrote: string): Writing {
  const isOwn = mail.sentTo !== undefined;
  const first = isOwn ? mail.to : mail.from.address;
  const others = isToAll ? addressesIn(`${mail.to},${headerOf(mail, 'cc')}`) : [];
  const left = others.filter((one) => !sameAddress(one, own) && !sameAddress(one, first));
  return {
    ...NOTHING,
    to: isOwn ? addressesIn(first) : [first],
    cc: [...new Set(left)],
    subject: subjectWith('Re', mail.subject),
    text: `\n\n${wrote}\n${quoted(mail.text)}\n`,
    inReplyTo: mail.messageId,
  };
}

/** The text of a mail on its way to others; its files are added by hand. */
export function passedOn(mail: MessageDto, forwarded: string): Writing {
  const subject = subjectWith('Fwd', mail.subject);
  return { ...NOTHING, subject, text: `\n\n${forwarded}\n\n${mail.text}` };
}

/** The values of a header, joined. */
function headerOf({ headers }: MessageDto, name: string): string {
  return headers
    .filter((one) => one.name.toLowerCase() === name)
    .map(({ value }) => value)
    .join(',');
}

/** Addresses of this network in a header; names around them are left out. */
export function addressesIn(header: string): string[] {
  return [...header.matchAll(/tmt?1[a-z0-9]{20,120}(?:\+[\w-]+)?(?:@tangle\.alt)?/g)].map(
    ([address]) => address,
  );
}

/** The same account, in whatever form its address is written. */
export function sameAddress(one: string, other: string): boolean {
  const bare = (text: string): string => text.replace(/(?:\+[\w-]+)?(?:@tangle\.alt)?$/, '');
  return bare(one) === bare(other);
}
