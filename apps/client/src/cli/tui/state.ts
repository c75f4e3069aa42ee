/**
 * The interactive inbox as a pure machine: what is on the screen, what a key changes, and what is
 * to be done about it. Keys are those of mutt where mutt has one. Before: inbox-program.ts; after:
 * render.ts shows it. Spec: docs/spec/41-client-api.md, "Interactive inbox".
 */
import type { FolderDto, MessageDto, MessageSummaryDto, OutboxItemDto } from '../../api/dto.ts';
import type { ComposeHow } from './mail-port.ts';

export type View = 'index' | 'pager' | 'outbox' | 'folders' | 'attachments' | 'help';

/** A question on the last line, answered with text and Enter. */
export interface Prompt {
  readonly kind: 'search' | 'move' | 'save' | 'delete' | 'send';
  readonly question: string;
  readonly text: string;
}

export interface InboxState {
  readonly rows: number;
  readonly columns: number;
  readonly view: View;
  readonly folder: string;
  /** Set: the list shows what a search found. */
  readonly query?: string;
  readonly mails: readonly MessageSummaryDto[];
  readonly folders: readonly FolderDto[];
  readonly outbox: readonly OutboxItemDto[];
  /** Position in the list of the view. */
  readonly selected: number;
  readonly open?: MessageDto;
  /** The first line of the open message, or of the help, that is on the screen. */
  readonly top: number;
  /** Position in the list of folders, outbox entries or attachments. */
  readonly selectedRow: number;
  readonly prompt?: Prompt;
  /** Facts of the last thing that was done. */
  readonly notice: string;
}

/** Something that the daemon is asked for, and that changes nothing there. */
export type LookEffect =
  | { readonly kind: 'sync' | 'outbox' | 'folders' }
  | { readonly kind: 'list'; readonly folder: string; readonly query?: string }
  | { readonly kind: 'older'; readonly folder: string; readonly before: string }
  | { readonly kind: 'open'; readonly id: string };

/** Something that changes a mail, or writes a file. */
export type AlterEffect =
  | { readonly kind: 'delete' | 'recall'; readonly id: string }
  | { readonly kind: 'move'; readonly id: string; readonly folder: string }
  | { readonly kind: 'flag'; readonly id: string; readonly flag: string; readonly add: boolean }
  | { readonly kind: 'save'; readonly id: string; readonly index: number; readonly path: string };

/** Something about a message that is being written. */
export type DraftEffect =
  | { readonly kind: 'send' | 'discard' | 'edit' }
  | { readonly kind: 'compose'; readonly how: ComposeHow; readonly id?: string };

export type Effect = { readonly kind: 'quit' } | LookEffect | AlterEffect | DraftEffect;

export interface Step {
  readonly state: InboxState;
  readonly effects: readonly Effect[];
}

/** Lines of the screen that are not list or text: title, status, prompt. */
export const FRAME_ROWS = 3;

export function startState(rows: number, columns: number): InboxState {
  return {
    rows,
    columns,
    view: 'index',
    folder: 'INBOX',
    mails: [],
    folders: [],
    outbox: [],
    selected: 0,
    top: 0,
    selectedRow: 0,
    notice: '',
  };
}

/** Lines of the list or text that fit the screen. */
export function pageRows({ rows }: Pick<InboxState, 'rows'>): number {
  return Math.max(1, rows - FRAME_ROWS);
}

/** The mail at the bar; of a pager the open one. */
export function currentMail(state: InboxState): MessageSummaryDto | undefined {
  return state.view === 'index' ? state.mails[state.selected] : state.open;
}

/** What a key does. Keys are named as keys.ts names them. */
export function press(state: InboxState, key: string): Step {
  const quiet = { ...state, notice: '' };
  if (key === 'ctrl-c') return { state: quiet, effects: [{ kind: 'quit' }] };
  if (state.prompt !== undefined) return pressPrompt(quiet, state.prompt, key);
  switch (state.view) {
    case 'index':
      return pressIndex(quiet, key);
    case 'pager':
      return pressPager(quiet, key);
    case 'help':
      return key === 'q' || key === 'i' || key === 'escape'
        ? stay({ ...quiet, view: state.open === undefined ? 'index' : 'pager', top: 0 })
        : scroll(quiet, key);
    default:
      return pressRows(quiet, key);
  }
}

function stay(state: InboxState, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

/** Keys that mean the same in list and pager. */
function pressAnywhere(state: InboxState, key: string): Step {
  const mail = currentMail(state);
  switch (key) {
    case '?':
      return stay({ ...state, view: 'help', top: 0 });
    case 'm':
      return stay(state, { kind: 'compose', how: 'new' });
    case 'o':
      return stay(state, { kind: 'outbox' });
    case 'c':
      return stay(state, { kind: 'folders' });
    case '$':
      return stay({ ...state, notice: 'fetching …' }, { kind: 'sync' });
    default:
      return mail === undefined ? stay(state) : pressMail(state, mail, key);
  }
}

/** Keys about one mail. */
function pressMail(state: InboxState, mail: MessageSummaryDto, key: string): Step {
  const { id } = mail;
  switch (key) {
    case 'r':
      return stay(state, { kind: 'compose', how: 'reply', id });
    case 'g':
      return stay(state, { kind: 'compose', how: 'reply-all', id });
    case 'f':
      return stay(state, { kind: 'compose', how: 'forward', id });
    case 'N':
      return stay(state, flag(mail, '\\Seen'));
    case 'F':
      return stay(state, flag(mail, '\\Flagged'));
    case 'd':
      return ask(state, 'delete', mail.folder === 'Trash' ? 'Delete for good? (y/n) ' : '');
    case 's':
      return ask(state, 'move', 'Move to folder: ');
    default:
      return stay(state);
  }
}

function flag(mail: MessageSummaryDto, name: string): Effect {
  return { kind: 'flag', id: mail.id, flag: name, add: !mail.flags.includes(name) };
}

/** A deletion that only moves to the Trash needs no question. */
function ask(state: InboxState, kind: Prompt['kind'], question: string): Step {
  const mail = currentMail(state);
  if (question === '' && mail !== undefined) return stay(state, { kind: 'delete', id: mail.id });
  return stay({ ...state, prompt: { kind, question, text: '' } });
}

function pressIndex(state: InboxState, key: string): Step {
  const last = Math.max(0, state.mails.length - 1);
  const page = pageRows(state);
  const to = (at: number): Step => moveBar(state, Math.min(last, Math.max(0, at)));
  const mail = state.mails[state.selected];
  switch (key) {
    case 'q':
      return stay(state, { kind: 'quit' });
    case 'j':
    case 'down':
      return to(state.selected + 1);
    case 'k':
    case 'up':
      return to(state.selected - 1);
    case 'pagedown':
    case 'space':
      return to(state.selected + page);
    case 'pageup':
    case '-':
      return to(state.selected - page);
    case 'home':
    case '=':
      return to(0);
    case 'end':
    case '*':
      return to(last);
    case 'tab':
      return to(nextUnread(state));
    case '/':
    case 'l':
      return stay({ ...state, prompt: { kind: 'search', question: 'Search: ', text: '' } });
    case 'escape':
      return state.query === undefined
        ? stay(state)
        : stay(state, { kind: 'list', folder: state.folder });
    case 'enter':
      return mail === undefined ? stay(state) : stay(state, { kind: 'open', id: mail.id });
    default:
      return pressAnywhere(state, key);
  }
}

/** At the end of what is loaded, older mails are asked for. */
function moveBar(state: InboxState, selected: number): Step {
  const last = state.mails.at(-1);
  const isEnd = selected === state.mails.length - 1 && selected !== state.selected;
  if (!isEnd || last === undefined || state.query !== undefined)
    return stay({ ...state, selected });
  const { folder } = state;
  return stay({ ...state, selected }, { kind: 'older', folder, before: last.id });
}

function nextUnread({ mails, selected }: InboxState): number {
  const isUnread = (mail: MessageSummaryDto | undefined): boolean =>
    mail !== undefined && !mail.flags.includes('\\Seen');
  for (let step = 1; step <= mails.length; step += 1) {
    const at = (selected + step) % mails.length;
    if (isUnread(mails[at])) return at;
  }
  return selected;
}

function pressPager(state: InboxState, key: string): Step {
  const neighbour = (step: number): Step => {
    const selected = state.selected + step;
    const mail = state.mails[selected];
    return mail === undefined
      ? stay({ ...state, notice: step > 0 ? 'the last message' : 'the first message' })
      : stay({ ...state, selected }, { kind: 'open', id: mail.id });
  };
  switch (key) {
    case 'q':
    case 'i':
    case 'escape':
      return stay(closed(state));
    case 'J':
      return neighbour(1);
    case 'K':
      return neighbour(-1);
    case 'v':
      return (state.open?.attachments.length ?? 0) === 0
        ? stay({ ...state, notice: 'no attachments' })
        : stay({ ...state, view: 'attachments', selectedRow: 0 });
    default: {
      const scrolled = scroll(state, key);
      return scrolled.state === state ? pressAnywhere(state, key) : scrolled;
    }
  }
}

/** Back to the list. */
export function closed(state: InboxState): InboxState {
  const { open: _open, ...rest } = state;
  return { ...rest, view: 'index', top: 0 };
}

function scroll(state: InboxState, key: string): Step {
  const page = pageRows(state) - 1;
  const steps: Readonly<Record<string, number>> = {
    j: 1,
    down: 1,
    enter: 1,
    k: -1,
    up: -1,
    space: page,
    pagedown: page,
    '-': -page,
    pageup: -page,
    home: -state.top,
  };
  const by = steps[key];
  return stay(by === undefined ? state : { ...state, top: Math.max(0, state.top + by) });
}

/** How many rows the view's own list has. */
export function rowCount(state: InboxState): number {
  if (state.view === 'folders') return state.folders.length;
  if (state.view === 'outbox') return state.outbox.length;
  return state.open?.attachments.length ?? 0;
}

/** Folders, outbox and attachments: short lists with one thing to do. */
function pressRows(state: InboxState, key: string): Step {
  const last = Math.max(0, rowCount(state) - 1);
  const to = (at: number): Step => stay({ ...state, selectedRow: Math.min(last, Math.max(0, at)) });
  switch (key) {
    case 'q':
    case 'i':
    case 'escape':
      return stay(state.view === 'attachments' ? { ...state, view: 'pager' } : closed(state));
    case 'j':
    case 'down':
      return to(state.selectedRow + 1);
    case 'k':
    case 'up':
      return to(state.selectedRow - 1);
    case 'd':
      return recallRow(state);
    case 's':
    case 'enter':
      return chooseRow(state);
    default:
      return stay(state);
  }
}

function recallRow(state: InboxState): Step {
  const item = state.view === 'outbox' ? state.outbox[state.selectedRow] : undefined;
  return item === undefined ? stay(state) : stay(state, { kind: 'recall', id: item.id });
}

function chooseRow(state: InboxState): Step {
  const folder = state.folders[state.selectedRow];
  if (state.view === 'folders' && folder !== undefined) {
    return stay(closed(state), { kind: 'list', folder: folder.name });
  }
  const attachment = state.open?.attachments[state.selectedRow];
  if (state.view !== 'attachments' || attachment === undefined) return stay(state);
  const text = attachment.filename.replaceAll(/[/\\]/g, '_') || `attachment-${attachment.index}`;
  return stay({ ...state, prompt: { kind: 'save', question: 'Save as: ', text } });
}

function pressPrompt(state: InboxState, prompt: Prompt, key: string): Step {
  const { prompt: _prompt, ...rest } = state;
  if (key === 'escape') {
    return prompt.kind === 'send' ? stay(rest, { kind: 'discard' }) : stay(rest);
  }
  if (prompt.kind === 'delete' || prompt.kind === 'send') return answer(rest, prompt, key);
  if (key === 'enter') return answer(rest, prompt, prompt.text.trim());
  const text = key === 'backspace' ? Array.from(prompt.text).slice(0, -1).join('') : prompt.text;
  const typed = key === 'space' ? ' ' : key;
  const isCharacter = Array.from(typed).length === 1;
  return stay({ ...rest, prompt: { ...prompt, text: isCharacter ? text + typed : text } });
}

function answer(state: InboxState, prompt: Prompt, text: string): Step {
  if (prompt.kind === 'search') {
    const { folder } = state;
    const query = text === '' ? {} : { query: text };
    return stay(state, { kind: 'list', folder, ...query });
  }
  if (prompt.kind === 'send') {
    if (text === 'y') return stay(state, { kind: 'send' });
    if (text === 'e') return stay(state, { kind: 'edit' });
    return text === 'n' ? stay(state, { kind: 'discard' }) : stay({ ...state, prompt });
  }
  const mail = currentMail(state);
  return mail === undefined ? stay(state) : answerAbout(state, mail, prompt.kind, text);
}

function answerAbout(
  state: InboxState,
  { id }: MessageSummaryDto,
  kind: 'delete' | 'move' | 'save',
  text: string,
): Step {
  if (kind === 'delete') return text === 'y' ? stay(state, { kind, id }) : stay(state);
  if (text === '') return stay(state);
  if (kind === 'move') return stay(state, { kind, id, folder: text });
  const index = state.open?.attachments[state.selectedRow]?.index;
  return index === undefined ? stay(state) : stay(state, { kind, id, index, path: text });
}
