/**
 * The interactive inbox at work: keys go into the machine of state.ts, what it asks for goes to the
 * daemon, and the screen shows what comes of it. Before: tui-command.ts; after: state.ts,
 * render.ts, mail-port.ts.
 */
import type { MessageSummaryDto } from '../../api/dto.ts';
import { ClientError } from '../../client-error.ts';
import { cut, oneLine } from '../text.ts';
import { type DraftText, EMPTY_DRAFT, formatDraftText, parseDraftText } from './draft-text.ts';
import type { ComposeHow, MailPort } from './mail-port.ts';
import { type Line, render } from './render.ts';
import {
  type AlterEffect,
  closed,
  type DraftEffect,
  type Effect,
  type InboxState,
  type LookEffect,
  press,
  startState,
} from './state.ts';

/** The whole screen, keys from it, and the user's editor on it. */
export interface Screen {
  readonly rows: number;
  readonly columns: number;
  show(lines: readonly Line[]): void;
  /** Calls `listener` with each key, as keys.ts names it, until `close`. */
  onKey(listener: (key: string) => void): void;
  /** Calls `listener` when the size has changed. */
  onResize(listener: () => void): void;
  /** Gives the screen to the editor with this text; resolves with what was saved. */
  edit(text: string): Promise<string>;
  close(): void;
}

/** Messages that are listed at once. */
const PAGE = 200;
/** Keys that may wait while the daemon works. */
const MAX_WAITING_KEYS = 64;

/** A message that was written and not sent yet, and what it answers. */
interface OpenDraft {
  readonly text: DraftText;
  readonly how: ComposeHow;
  readonly id?: string;
  /** What the editor saved, when it could not be read as a message. */
  readonly unread?: string;
}

export class InboxProgram {
  readonly #port: MailPort;
  readonly #screen: Screen;
  #state: InboxState;
  #draft: OpenDraft | undefined;
  readonly #keys: string[] = [];
  #isBusy = false;
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;

  constructor(port: MailPort, screen: Screen) {
    this.#port = port;
    this.#screen = screen;
    this.#state = startState(screen.rows, screen.columns);
  }

  /** Runs until the user leaves. */
  async run(): Promise<void> {
    const unsubscribe = this.#port.onChange(() => this.#take('refresh'));
    this.#screen.onResize(() => {
      const { rows, columns } = this.#screen;
      this.#change({ ...this.#state, rows, columns });
    });
    this.#screen.onKey((key) => this.#take(key));
    try {
      const first = this.#do({ kind: 'list', folder: this.#state.folder });
      await Promise.race([first, this.#ended.promise]);
      await this.#ended.promise;
    } finally {
      unsubscribe();
      this.#screen.close();
    }
  }

  /** As Ctrl-C does it: at once, whatever is under way. */
  leave(): void {
    this.#isOver = true;
    this.#ended.resolve();
  }

  /** Keys wait their turn: what one of them began is finished before the next is looked at. */
  #take(key: string): void {
    if (key === 'ctrl-c') {
      this.leave();
      return;
    }
    if (this.#keys.length < MAX_WAITING_KEYS) this.#keys.push(key);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (
      let key = this.#keys.shift();
      key !== undefined && !this.#isOver;
      key = this.#keys.shift()
    ) {
      if (key === 'refresh') {
        const { view, prompt } = this.#state;
        if (view === 'index' && prompt === undefined) await this.#do({ kind: 'refresh' });
        continue;
      }
      const { state, effects } = press(this.#state, key);
      this.#change(state);
      for (const effect of effects) await this.#do(effect);
    }
    this.#isBusy = false;
  }

  #change(state: InboxState): void {
    this.#state = state;
    if (!this.#isOver) this.#screen.show(render(state));
  }

  /** Does what the machine asks for; a failure is shown and ends nothing. */
  async #do(effect: Effect | { readonly kind: 'refresh' }): Promise<void> {
    try {
      if (effect.kind === 'refresh') await this.#refresh();
      else await this.#perform(effect);
    } catch (error) {
      this.#change({ ...this.#state, notice: reasonOf(error) });
    }
  }

  async #perform(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case 'quit':
        this.leave();
        return;
      case 'compose':
      case 'edit':
      case 'send':
      case 'discard':
        await this.#write(effect);
        return;
      case 'delete':
      case 'recall':
      case 'move':
      case 'flag':
      case 'save':
        await this.#alter(effect);
        return;
      default:
        await this.#look(effect);
    }
  }

  async #look(effect: LookEffect): Promise<void> {
    const port = this.#port;
    switch (effect.kind) {
      case 'list':
        await this.#list(effect.folder, effect.query);
        return;
      case 'older': {
        const older = await port.list(effect.folder, PAGE, effect.before);
        this.#change({ ...this.#state, mails: [...this.#state.mails, ...older] });
        return;
      }
      case 'folders': {
        const folders = await port.folders();
        const { folder } = this.#state;
        const selectedRow = Math.max(
          0,
          folders.findIndex((one) => one.name === folder),
        );
        this.#change({ ...this.#state, view: 'folders', folders, selectedRow });
        return;
      }
      case 'outbox': {
        const outbox = await port.outbox(PAGE);
        this.#change({ ...this.#state, view: 'outbox', outbox, selectedRow: 0 });
        return;
      }
      case 'open':
        await this.#open(effect.id);
        return;
      case 'sync': {
        const notice = await port.sync();
        await this.#refresh();
        this.#change({ ...this.#state, notice });
      }
    }
  }

  async #alter(effect: AlterEffect): Promise<void> {
    const port = this.#port;
    switch (effect.kind) {
      case 'delete':
        this.#gone(effect.id, await port.remove(effect.id));
        return;
      case 'move':
        await port.move(effect.id, effect.folder);
        this.#gone(effect.id, `moved to ${effect.folder}`);
        return;
      case 'flag':
        this.#replace(await port.flag(effect.id, effect.flag, effect.add));
        return;
      case 'save': {
        const path = await port.save(effect.id, effect.index, effect.path);
        this.#change({ ...this.#state, notice: `saved as ${path}` });
        return;
      }
      case 'recall':
        await port.recall(effect.id);
        this.#change({ ...this.#state, outbox: await port.outbox(PAGE), notice: 'recalled' });
    }
  }

  async #list(folder: string, query: string | undefined): Promise<void> {
    const mails =
      query === undefined
        ? await this.#port.list(folder, PAGE)
        : await this.#port.search(folder, query, PAGE);
    const { query: _query, ...rest } = this.#state;
    const asked = query === undefined ? {} : { query };
    this.#change({ ...rest, ...asked, view: 'index', folder, mails, selected: 0 });
  }

  /** The list anew, the bar on the same mail. */
  async #refresh(): Promise<void> {
    const { folder, query, mails, selected } = this.#state;
    const id = mails[selected]?.id;
    const limit = Math.min(500, Math.max(PAGE, mails.length));
    const fresh =
      query === undefined
        ? await this.#port.list(folder, limit)
        : await this.#port.search(folder, query, limit);
    const at = fresh.findIndex((one) => one.id === id);
    const last = Math.max(0, fresh.length - 1);
    this.#change({
      ...this.#state,
      mails: fresh,
      selected: at === -1 ? Math.min(selected, last) : at,
    });
  }

  async #open(id: string): Promise<void> {
    const open = await this.#port.read(id);
    this.#change({ ...this.#state, view: 'pager', open, top: 0 });
    if (!open.flags.includes('\\Seen')) this.#replace(await this.#port.flag(id, '\\Seen', true));
  }

  #replace(mail: MessageSummaryDto): void {
    const { mails, open } = this.#state;
    const changed = mails.map((one) => (one.id === mail.id ? mail : one));
    const shown = open?.id === mail.id ? { open: { ...open, flags: mail.flags } } : {};
    this.#change({ ...this.#state, mails: changed, ...shown });
  }

  /** The mail left the list; the next one takes its place. */
  #gone(id: string, notice: string): void {
    const state = closed(this.#state);
    const mails = state.mails.filter((one) => one.id !== id);
    const selected = Math.min(state.selected, Math.max(0, mails.length - 1));
    this.#change({ ...state, mails, selected, notice });
  }

  async #compose(how: ComposeHow, id: string | undefined): Promise<void> {
    const text = id === undefined ? EMPTY_DRAFT : await this.#port.prepare(how, id);
    this.#draft = { text, how, ...(id === undefined ? {} : { id }) };
    await this.#editDraft();
  }

  async #editDraft(): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined) return;
    const before = draft.unread ?? formatDraftText(draft.text);
    const after = await this.#screen.edit(before);
    if (after === before && draft.how === 'new') {
      this.#draft = undefined;
      this.#change({ ...this.#state, notice: 'nothing was written' });
      return;
    }
    let text: DraftText;
    try {
      text = parseDraftText(after);
    } catch (error) {
      // Nothing that was written is lost: the editor opens on it again.
      this.#draft = { ...draft, unread: after };
      this.#askAgain(error);
      return;
    }
    this.#draft = { how: draft.how, text, ...(draft.id === undefined ? {} : { id: draft.id }) };
    const people = [...text.to, ...text.cc, ...text.bcc].join(', ') || 'nobody';
    const question = `Send "${text.subject}" to ${people}? (y: send, e: edit, n: discard) `;
    this.#change({
      ...this.#state,
      prompt: { kind: 'send', question: oneLine(question), text: '' },
    });
  }

  async #write(effect: DraftEffect): Promise<void> {
    if (effect.kind === 'compose') {
      await this.#compose(effect.how, effect.id);
      return;
    }
    const draft = this.#draft;
    if (draft === undefined) return;
    if (effect.kind === 'edit' || (effect.kind === 'send' && draft.unread !== undefined)) {
      await this.#editDraft();
      return;
    }
    if (effect.kind === 'send') {
      try {
        await this.#port.send(draft.text, draft.how, draft.id);
      } catch (error) {
        // What was written stays: the question comes again, with the reason above it.
        this.#askAgain(error);
        return;
      }
    }
    this.#draft = undefined;
    this.#change({ ...this.#state, notice: effect.kind === 'send' ? 'queued' : 'discarded' });
  }

  #askAgain(error: unknown): void {
    const reason = oneLine(reasonOf(error));
    // The choice must be seen, however long the reason is.
    const choice = '(y: send again, e: edit, n: discard) ';
    const question = `${cut(reason, this.#state.columns - choice.length - 1)} ${choice}`;
    this.#change({ ...this.#state, prompt: { kind: 'send', question, text: '' } });
  }
}

/** The facts of a failure: a detail where there is one, since a line is short. */
function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return error.detail ?? error.message;
  return error instanceof Error ? error.message : 'it failed';
}
