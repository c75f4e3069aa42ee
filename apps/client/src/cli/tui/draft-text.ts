/**
 * A message as it is written in an editor: a few header lines, an empty line, the text. Before and
 * after: inbox-program.ts, which gives it to $EDITOR.
 */
import { ClientError } from '../../client-error.ts';

export interface DraftText {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: string;
  /** Files to attach. */
  readonly attach: readonly string[];
  readonly text: string;
}

export const EMPTY_DRAFT: DraftText = {
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  attach: [],
  text: '',
};

const FIELDS = ['To', 'Cc', 'Bcc', 'Subject', 'Attach'] as const;

/** What the editor shows; `parseDraftText` reads it. */
export function formatDraftText(draft: DraftText): string {
  const lists = { To: draft.to, Cc: draft.cc, Bcc: draft.bcc, Attach: draft.attach };
  const lines = FIELDS.flatMap((field) => {
    if (field === 'Subject') return [`Subject: ${draft.subject}`];
    const list = lists[field];
    if (field === 'Attach')
      return list.length === 0 ? ['Attach: '] : list.map((one) => `Attach: ${one}`);
    return [`${field}: ${list.join(', ')}`];
  });
  return `${lines.join('\n')}\n\n${draft.text}`;
}

/**
 * Reads it back. Recipients stand behind commas, each attachment on a line of its own. Throws
 * ClientError `request-malformed` that names the line.
 */
export function parseDraftText(content: string): DraftText {
  const lines = content.replaceAll('\r\n', '\n').split('\n');
  const end = lines.indexOf('');
  const head = end === -1 ? lines : lines.slice(0, end);
  const found: Record<string, string[]> = {};
  for (const line of head) {
    const [, name = '', value = ''] = /^([A-Za-z]+):\s*(.*)$/.exec(line) ?? [];
    const field = FIELDS.find((one) => one.toLowerCase() === name.toLowerCase());
    if (field === undefined) {
      throw new ClientError(
        'request-malformed',
        `this is no line of the head: "${line.slice(0, 80)}"`,
      );
    }
    (found[field] ??= []).push(value.trim());
  }
  const people = (field: string): string[] =>
    (found[field] ?? []).flatMap((line) =>
      line
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean),
    );
  return {
    to: people('To'),
    cc: people('Cc'),
    bcc: people('Bcc'),
    subject: found['Subject']?.join(' ') ?? '',
    attach: (found['Attach'] ?? []).filter(Boolean),
    text: end === -1 ? '' : lines.slice(end + 1).join('\n'),
  };
}
