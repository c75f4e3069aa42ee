/**
 * What an answer or a forwarded message takes over from the one it came from: subject, thread and
 * quoted text. Stop before: headers.ts; next: the composer. Source: RFC 5322 §3.6.4 and §3.6.5,
 * RFC 3676 for quoting. Spec: docs/spec/23-envelope.md, section "Message".
 */
import type { MessageFacts } from './headers.ts';

/** Ids that References keeps: the first of the thread, and the newest. */
export const MAX_THREAD_IDS = 20;
/** RFC 3676 asks for lines of at most 78 octets; a longer line of the parent is quoted as it is. */
const PREFIXES = /^(?:(?:re|aw|antw|sv|vs|r|rif|ref|fwd?|wg|tr|i)(?:\[\d{1,3}\])?\s*:\s*)+/i;

/** In-Reply-To and References of an answer, ids in angle brackets. */
export interface Thread {
  /** Absent when the parent has no id that could be named. */
  readonly inReplyTo?: string;
  readonly references: readonly string[];
}

/** The thread that an answer to `parent` belongs to. */
export function threadOf(parent: Pick<MessageFacts, 'messageId' | 'references'>): Thread {
  const { messageId } = parent;
  const ids = [...new Set([...parent.references, ...(messageId === undefined ? [] : [messageId])])];
  const first = ids.slice(0, 1);
  const newest = ids.slice(1).slice(-(MAX_THREAD_IDS - 1));
  const references = [...first, ...newest].map((id) => `<${id}>`);
  return messageId === undefined ? { references } : { inReplyTo: `<${messageId}>`, references };
}

/** `Re: ` once, whatever the prefixes of earlier answers. */
export function replySubject(subject: string): string {
  return `Re: ${subject.trim().replace(PREFIXES, '')}`.trimEnd();
}

/** `Fwd: ` once. */
export function forwardSubject(subject: string): string {
  return `Fwd: ${subject.trim().replace(PREFIXES, '')}`.trimEnd();
}

/** The text with each line behind `>`, under a line that says whose it is. */
export function quoteText(text: string, intro: string): string {
  const lines = text.replaceAll(/\r\n?/g, '\n').trimEnd().split('\n');
  const quoted = lines.map((line) => (line.startsWith('>') ? `>${line}` : `> ${line}`.trimEnd()));
  return `${intro}\n${quoted.join('\n')}\n`;
}

/** What stands above a forwarded text. */
export interface ForwardedHead {
  readonly from: string;
  readonly date: string;
  readonly subject: string;
  readonly to: string;
}

/** The text as it came, under a head that names where it came from. */
export function forwardText(text: string, head: ForwardedHead): string {
  const line = (name: string, value: string): string =>
    `${name}: ${value.replaceAll(/[\r\n]+/g, ' ')}`;
  const lines = [
    '-------- Forwarded message --------',
    line('From', head.from),
    line('Date', head.date),
    line('Subject', head.subject),
    line('To', head.to),
    '',
    text.replaceAll(/\r\n?/g, '\n').trimEnd(),
  ];
  return `${lines.join('\n')}\n`;
}
