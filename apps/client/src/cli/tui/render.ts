/**
 * The interactive inbox as lines of a screen: exactly as many as it has rows, none wider than it
 * is. Before: state.ts; after: the terminal.
 */
import type { MessageDto, MessageSummaryDto } from '../../api/dto.ts';
import { stateText } from '../outbox-states.ts';
import { cut, dateText, manyLines, oneLine, sizeText, widthOf } from '../text.ts';
import { copiesOf, whoOf } from '../who.ts';
import { type InboxState, pageRows, type View } from './state.ts';

/** A line, and whether it is the bar. */
export interface Line {
  readonly text: string;
  readonly isBar: boolean;
}

export const HELP_LINES: readonly string[] = [
  'Everywhere',
  '  ?            this help             q, i, Esc    back',
  '  m            write a message       o            outbox',
  '  c            change folder         $            fetch now',
  '  r, g, f      reply, to all, forward',
  '  d            delete                s            move to a folder',
  '  N            read / unread         F            star',
  '',
  'List',
  '  j k, arrows  next, previous        Enter        read',
  '  Space, -     page                  =, *         first, last',
  '  Tab          next unread           / or l       search (Esc: all again)',
  '',
  'Message',
  '  j k, Space   scroll                J, K         next, previous message',
  '  v            attachments, Enter saves one',
  '',
  'Outbox',
  '  d            recall what has not left yet',
  '',
  'Ctrl-C leaves.',
];

/** The whole screen. */
export function render(state: InboxState): Line[] {
  const body = bodyOf(state);
  const rows = pageRows(state);
  const shown = [...body, ...Array.from({ length: rows }, () => plain(''))].slice(0, rows);
  const title = { text: pad(titleOf(state), state.columns), isBar: true };
  const foot = { text: pad(footOf(state), state.columns), isBar: true };
  const lines = [title, ...shown, foot, plain(lastLineOf(state))];
  return lines.map(({ text, isBar }) => ({ text: cut(text, state.columns), isBar }));
}

function plain(text: string): Line {
  return { text, isBar: false };
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

function titleOf(state: InboxState): string {
  const { view, folder, query } = state;
  if (view === 'help') return 'Help';
  if (view === 'outbox') return 'Outbox';
  if (view === 'folders') return 'Folders';
  if (view === 'attachments') return 'Attachments';
  const of = query === undefined ? folder : `search: ${oneLine(query)}`;
  return view === 'index' ? of : `${of}  ${state.selected + 1}/${state.mails.length}`;
}

const FEET: Record<View, string> = {
  index: '?:help m:write r:reply q:quit',
  pager: 'q:back j/k:scroll r:reply v:attachments d:delete ?:help',
  attachments: 'Enter:save q:back',
  outbox: 'd:recall q:back',
  folders: 'Enter:open q:back',
  help: 'q:back',
};

function footOf({ view, mails }: InboxState): string {
  if (view !== 'index') return FEET[view];
  const unread = mails.filter((mail) => !mail.flags.includes('\\Seen')).length;
  return `${mails.length} shown, ${unread} unread   ${FEET[view]}`;
}

function lastLineOf({ prompt, notice }: InboxState): string {
  return prompt === undefined ? oneLine(notice) : `${prompt.question}${oneLine(prompt.text)}`;
}

function bodyOf(state: InboxState): Line[] {
  const rows = pageRows(state);
  switch (state.view) {
    case 'index':
      return state.mails.length === 0
        ? [plain(state.query === undefined ? 'Nothing is here.' : 'Nothing was found.')]
        : windowOf(state.mails, state.selected, rows).map(({ item, isSelected }) => ({
            text: pad(mailLine(item), isSelected ? state.columns : 0),
            isBar: isSelected,
          }));
    case 'pager': {
      const lines = state.open === undefined ? [] : messageLines(state.open, state.columns);
      const top = Math.min(state.top, Math.max(0, lines.length - 1));
      return lines.slice(top, top + rows).map(plain);
    }
    case 'help':
      return HELP_LINES.slice(Math.min(state.top, HELP_LINES.length - 1)).map(plain);
    default:
      return rowLines(state, rows);
  }
}

function rowLines(state: InboxState, rows: number): Line[] {
  const texts = {
    folders: () => state.folders.map((one) => `${one.name}  ${one.unread}/${one.total}`),
    outbox: () =>
      state.outbox.map(
        (item) =>
          `${item.id}  ${item.to.name || item.to.address}  ${item.subject}  ${stateText(item)}`,
      ),
    attachments: () =>
      (state.open?.attachments ?? []).map(
        (one) => `${one.index}  ${one.filename || 'attachment'}  ${sizeText(one.sizeBytes)}`,
      ),
  };
  const list = state.view in texts ? texts[state.view as keyof typeof texts]() : [];
  if (list.length === 0) return [plain('Nothing is here.')];
  return windowOf(list, state.selectedRow, rows).map(({ item, isSelected }) => {
    const text = oneLine(item);
    return { text: isSelected ? pad(text, state.columns) : text, isBar: isSelected };
  });
}

/** The part of a list around the selected row that fits the screen. */
function windowOf<T>(
  list: readonly T[],
  selected: number,
  rows: number,
): { readonly item: T; readonly isSelected: boolean }[] {
  const first = Math.max(0, Math.min(selected - (rows >> 1), list.length - rows));
  return list
    .slice(first, first + rows)
    .map((item, at) => ({ item, isSelected: first + at === selected }));
}

const FROM_WIDTH = 20;

/** What a screen reader reads first is what matters first: unread, starred, when, who, what. */
function mailLine(mail: MessageSummaryDto): string {
  const isUnread = !mail.flags.includes('\\Seen');
  const marks = [
    isUnread ? 'N' : ' ',
    mail.flags.includes('\\Flagged') ? '!' : ' ',
    mail.flags.includes('\\Answered') ? 'r' : ' ',
    mail.hasAttachments ? '@' : ' ',
  ].join('');
  const from = cut(oneLine(whoOf(mail)), FROM_WIDTH);
  return `${marks} ${dateText(mail.dateMs)}  ${pad(from, FROM_WIDTH)}  ${oneLine(mail.subject)}`;
}

/** A message as lines no wider than the screen. */
export function messageLines(message: MessageDto, columns: number): string[] {
  const { from, verified } = message;
  const how = { seal: 'verified by its seal', signature: 'verified by signature' };
  const proof = verified === null ? 'own copy' : how[verified.how];
  const head = [
    `From: ${from.name === '' ? '' : `${from.name} `}${from.address} (${proof})`,
    `To: ${message.to}`,
    ...copiesOf(message).map((cc) => `Cc: ${cc}`),
    `Date: ${dateText(message.dateMs)}`,
    `Subject: ${message.subject}`,
    ...message.attachments.map(
      (one) => `Attachment: ${one.filename || 'attachment'} (${sizeText(one.sizeBytes)})`,
    ),
  ].map((line) => oneLine(line));
  const text = manyLines(message.text).split('\n');
  return [...head, '', ...text].flatMap((line) => wrap(line.replaceAll('\t', '    '), columns));
}

/** Breaks a line at spaces; a word that is too long for the screen is broken where it ends. */
export function wrap(line: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (widthOf(rest) > columns) {
    const whole = headOf(rest, columns);
    const space = whole.lastIndexOf(' ');
    const end = space > 0 ? space : Math.max(1, whole.length);
    lines.push(rest.slice(0, end));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest];
}

/** As much of a text as fits the columns, at least one character. */
function headOf(text: string, columns: number): string {
  let kept = '';
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns && kept !== '') return kept;
    kept += character;
  }
  return kept;
}
