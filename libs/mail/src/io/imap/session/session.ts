/**
 * One connection of a mail program: its state, the commands it may give, and what it is told of
 * changes. Before: server.ts, which carries the octets; next: commands/ and hooks.ts. Spec:
 * docs/spec/45-mail-programs.md §4; RFC 3501, 9051.
 */
import type { FolderMessage } from '../../../core/folder/folder.ts';
import { Arguments, SyntaxProblem, bytesOf, utf8Octets } from '../syntax/arguments.ts';
import { type CommandForm, CommandRefused, type ImapReply, type ImapState } from './command.ts';
import { CommandReader, type RawCommand, type ReaderEvent } from '../syntax/command-reader.ts';
import { FolderView } from './folder-view.ts';
import {
  type ImapFolderState,
  type ImapLogin,
  ImapRefused,
  type ImapStore,
  type UidRange,
} from './hooks.ts';
import type { LeaveReason } from '../../socket/mail-server.ts';
import { list, type Octets, type TextMode } from '../syntax/imap-text.ts';
import { CharsetUnknown } from '../syntax/search-key.ts';
import { formatSequenceSet, membersOf, type SequenceSet } from '../syntax/sequence-set.ts';

/** Octets of a literal in front of the login: a name or a password. */
const MAX_LITERAL_BEFORE_LOGIN = 1_024;
/** Octets of a literal that is no message. */
const MAX_LITERAL = 65_536;
/** Wrong commands in a row after which a connection is closed: no mail program speaks so. */
const MAX_PROBLEMS = 20;
/** Claims of recent messages in a row: more come only while these are written. */
const MAX_CLAIMS = 3;
/** Answers are collected up to so many octets before they are handed on. */
const FLUSH_OCTETS = 65_536;

const LEAVE_TEXT: Readonly<Record<LeaveReason, string>> = {
  idle: 'nothing was said for long',
  revoked: 'the password was taken back',
  shutdown: 'the server stops',
};

/** What carries the octets. */
export interface ImapTransport {
  readonly isSecure: boolean;
  /** STARTTLS can be done. */
  readonly canSecure: boolean;
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything from here on is encrypted. */
  secure(): void;
  /** Everything from here on is compressed (RFC 4978). */
  compress(): void;
  end(): void;
}

export interface ImapSessionOptions {
  /** LOGIN and PLAIN are taken without TLS: only on loopback. */
  readonly allowsPlainLogin: boolean;
  /** Octets of the largest message that can be taken up. */
  readonly maxMessageBytes: number;
  readonly serverName: string;
  readonly serverVersion: string;
}

export interface ImapSessionDeps {
  /** By name, in upper case. */
  readonly commands: ReadonlyMap<string, ImapCommand>;
  readonly login: ImapLogin;
  readonly transport: ImapTransport;
  /** An error that no command expects; the session goes on. */
  readonly onFault: (error: unknown, command: string) => void;
  /** Unix seconds. */
  readonly now: () => number;
}

/** What a command is: when it may come, how its arguments read, and what it does. */
export interface ImapCommand<Args = unknown> {
  readonly name: string;
  readonly states: readonly ImapState[];
  /** Reads everything behind the name, its space included. Throws SyntaxProblem. */
  readonly parse: (args: Arguments, form: CommandForm) => Args;
  readonly run: (session: ImapSession, args: Args, form: CommandForm) => Promise<ImapReply>;
  /** It has a form with UID in front. */
  readonly hasUidForm?: boolean;
  /** While it runs by message numbers, no number may change (RFC 3501 §7.4.1). */
  readonly keepsNumbers?: boolean;
}

/** What a program has switched on with ENABLE. */
export type Extension = 'CONDSTORE' | 'IMAP4REV2' | 'QRESYNC' | 'UTF8=ACCEPT';

export class ImapSession {
  readonly options: ImapSessionOptions;
  readonly deps: ImapSessionDeps;
  readonly enabled = new Set<Extension>();
  state: ImapState = 'greeted';
  view: FolderView | undefined;
  /** UIDs of the last search that was saved; `$` of RFC 5182. */
  saved: readonly number[] = [];
  isCompressed = false;
  #store: ImapStore | undefined;
  #unobserve: (() => void) | undefined;
  #reader: CommandReader;
  #out: Octets[] = [];
  #outOctets = 0;
  #problems = 0;
  /** Takes the next line instead of a command: for AUTHENTICATE and IDLE. */
  #onLine: ((line: Octets) => Promise<void>) | undefined;
  #isIdle = false;
  #turn: Promise<void> = Promise.resolve();
  #isTelling = false;

  constructor(options: ImapSessionOptions, deps: ImapSessionDeps) {
    this.options = options;
    this.deps = deps;
    this.#reader = this.#newReader();
  }

  get store(): ImapStore {
    if (this.#store === undefined) throw new Error('broken invariant: nobody is logged in');
    return this.#store;
  }

  get selected(): FolderView {
    if (this.view === undefined) throw new Error('broken invariant: no folder is selected');
    return this.view;
  }

  get textMode(): TextMode {
    return { isUtf8: this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2') };
  }

  /** The program asks for modification numbers: from now on it is told them (RFC 7162 §3.1). */
  enableCondstore(): void {
    if (this.enabled.has('CONDSTORE')) return;
    this.enabled.add('CONDSTORE');
    const state = this.view && this.#store?.folder(this.view.folderId);
    if (state !== undefined) this.untagged(`OK [HIGHESTMODSEQ ${state.modseq}] the last change`);
  }

  get isRev2(): boolean {
    return this.enabled.has('IMAP4REV2');
  }

  /** The selected folder as it stands. Refuses when somebody deleted it. */
  folderState(): ImapFolderState {
    const state = this.store.folder(this.selected.folderId);
    if (state === undefined) throw new CommandRefused('the folder is gone', 'NONEXISTENT');
    return state;
  }

  /** What is said first. */
  async greet(capabilities: Octets): Promise<void> {
    this.untagged(`OK [CAPABILITY ${capabilities}] ${this.options.serverName} ready`);
    await this.flush();
  }

  /** Takes octets as they come; resolves when all commands in them are answered. */
  async receive(chunk: Uint8Array): Promise<void> {
    const reader = this.#reader;
    for (const event of reader.push(chunk)) {
      await this.#exclusively(() => this.#take(event));
      // Behind STARTTLS nothing counts that came in clear.
      if (this.state === 'ended' || this.#reader !== reader) return;
    }
  }

  /** Throws away what was received and not yet read. */
  discardInput(): void {
    this.#reader = this.#newReader();
  }

  #newReader(): CommandReader {
    return new CommandReader({ literalBytes: (text) => this.#literalBytes(text) });
  }

  /** Ends the session from this side. */
  async leave(reason: LeaveReason): Promise<void> {
    if (this.state === 'ended') return;
    this.untagged(`BYE ${LEAVE_TEXT[reason]}`);
    this.close();
    await this.flush();
    this.deps.transport.end();
  }

  logIn(store: ImapStore): void {
    this.#store = store;
    this.state = 'authenticated';
    this.#problems = 0;
    this.#unobserve = store.observe(() => this.#changed());
  }

  select(view: FolderView): void {
    this.view = view;
    this.state = 'selected';
    this.saved = [];
  }

  unselect(): void {
    this.view = undefined;
    this.saved = [];
    this.state = 'authenticated';
  }

  /** Ends the session; nothing is said any more. */
  close(): void {
    this.state = 'ended';
    this.#unobserve?.();
    this.#unobserve = undefined;
    this.#onLine = undefined;
  }

  /** The next line is not a command, but for this. */
  takeLine(onLine: (line: Octets) => Promise<void>): void {
    this.#onLine = onLine;
  }

  /** Changes are told as they happen, until `isIdle` is false again. */
  setIdle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    if (isIdle) this.#changed();
  }

  untagged(text: Octets): void {
    this.#write(`* ${text}\r\n`);
  }

  continuation(text: Octets): void {
    this.#write(`+ ${text}\r\n`);
  }

  tagged(tag: string, { status, code, text }: ImapReply): void {
    const bracket = code === undefined ? '' : `[${code}] `;
    this.#write(`${tag} ${status} ${bracket}${utf8Octets(text)}\r\n`);
  }

  #write(octets: Octets): void {
    this.#out.push(octets);
    this.#outOctets += octets.length;
  }

  /** Hands on what was said so far, once it is much; call it between messages. */
  async flushIfMuch(): Promise<void> {
    if (this.#outOctets >= FLUSH_OCTETS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#outOctets === 0) return;
    const bytes = bytesOf(this.#out.join(''));
    this.#out = [];
    this.#outOctets = 0;
    await this.deps.transport.write(bytes);
  }

  /**
   * UIDs that a set names, ascending; those that are gone are left out. Numbers that no message has
   * are refused, but where they are searched for.
   */
  uidsOf(set: SequenceSet, isUid: boolean, isSearch = false): number[] {
    const { uids } = this.selected;
    if (set === 'saved') {
      const known = new Set(this.saved);
      return uids.filter((uid) => known.has(uid));
    }
    if (isUid) return membersOf(set, uids);
    const isOutside = set.some(({ from, to }) =>
      [from, to].some((end) => end !== Number.POSITIVE_INFINITY && end > uids.length),
    );
    if (!isSearch && (isOutside || uids.length === 0)) throw new SyntaxProblem('no such message');
    const numbers = Array.from(uids, (_, at) => at + 1);
    return membersOf(set, numbers).flatMap((number) => uids[number - 1] ?? []);
  }

  /**
   * Makes messages that no session was told of as recent this session's own. One that only reads
   * sees them as recent, and so does the next; IMAP4rev2 knows no recent messages.
   */
  async claimRecent(folderId: string, isReadOnly: boolean): Promise<UidRange[]> {
    const ranges: UidRange[] = [];
    if (this.isRev2) return ranges;
    // More may come while the claim is written.
    for (let tries = 0; tries < MAX_CLAIMS; tries++) {
      const state = this.store.folder(folderId);
      if (state === undefined || state.firstRecentUid >= state.uidNext) break;
      if (isReadOnly) return [{ from: state.firstRecentUid, to: state.uidNext }];
      ranges.push(await this.store.claimRecent(folderId));
    }
    return ranges;
  }

  /** Says what changed in the selected folder since the session was last told. */
  async tellNews(mayExpunge = true): Promise<void> {
    const { view } = this;
    if (view === undefined || this.#store === undefined) return;
    const before = this.#store.folder(view.folderId);
    if (before === undefined) return;
    const recent = view.hasArrivals(before)
      ? await this.#claimArrivals(view.folderId, view.isReadOnly)
      : [];
    const state = this.#store.folder(view.folderId);
    if (state === undefined) return;
    const news = view.news(state, mayExpunge);
    for (const range of recent) view.addRecent(range);
    if (news.expunged.length > 0) this.#tellExpunged(news.expunged);
    if (news.exists !== undefined) {
      this.untagged(`${news.exists} EXISTS`);
      if (!this.isRev2) this.untagged(`${view.recent} RECENT`);
    }
    for (const message of news.changed) this.tellFlags(message, false);
  }

  /** A disk that takes no claim must not keep news from a program. */
  async #claimArrivals(folderId: string, isReadOnly: boolean): Promise<UidRange[]> {
    try {
      return await this.claimRecent(folderId, isReadOnly);
    } catch (error) {
      this.deps.onFault(error, 'RECENT');
      return [];
    }
  }

  #tellExpunged(expunged: readonly { readonly number: number; readonly uid: number }[]): void {
    if (this.enabled.has('QRESYNC')) {
      this.untagged(`VANISHED ${formatSequenceSet(expunged.map(({ uid }) => uid))}`);
      return;
    }
    for (const { number } of expunged) this.untagged(`${number} EXPUNGE`);
  }

  /** FETCH with flags, for a change that the program did not ask to see. */
  tellFlags(message: FolderMessage, hasUid: boolean): void {
    const number = this.selected.numberOf(message.uid);
    if (number === 0) return;
    this.tellNewFlags(message);
    const items = [`FLAGS ${this.flagsOf(message)}`];
    if (hasUid || this.enabled.has('QRESYNC')) items.unshift(`UID ${message.uid}`);
    if (this.enabled.has('CONDSTORE')) items.push(`MODSEQ (${message.modseq})`);
    this.untagged(`${number} FETCH ${list(items)}`);
  }

  /** A keyword stands in FLAGS before a message has it: programs rely on that list. */
  tellNewFlags(message: FolderMessage): void {
    const flags = this.selected.flagsWith(message.flags);
    if (flags === undefined) return;
    this.untagged(`FLAGS ${list(flags)}`);
    const permanent = this.selected.isReadOnly ? [] : [...flags, '\\*'];
    this.untagged(`OK [PERMANENTFLAGS ${list(permanent)}] these are kept`);
  }

  flagsOf(message: FolderMessage): Octets {
    const isRecent = !this.isRev2 && this.selected.isRecent(message.uid);
    return list(isRecent ? [...message.flags, '\\Recent'] : message.flags);
  }

  #literalBytes(text: string): number {
    if (this.state === 'greeted') return MAX_LITERAL_BEFORE_LOGIN;
    return /^\S+ APPEND /i.test(text) ? this.options.maxMessageBytes : MAX_LITERAL;
  }

  async #take(event: ReaderEvent): Promise<void> {
    switch (event.kind) {
      case 'continue':
        this.continuation('send it');
        break;
      case 'broken':
        this.untagged('BYE the command is too long');
        this.close();
        break;
      case 'too-big': {
        const isAppend = /^\S+ APPEND /i.test(event.text);
        const tag = tagOf(event.text) ?? '*';
        const code = isAppend ? 'TOOBIG' : 'LIMIT';
        this.tagged(tag, { status: 'NO', code, text: 'the literal is too large' });
        break;
      }
      case 'command':
        await this.#takeCommand(event.command);
    }
    await this.flush();
    if (this.state === 'ended') this.deps.transport.end();
  }

  async #takeCommand(command: RawCommand): Promise<void> {
    const onLine = this.#onLine;
    if (onLine !== undefined) {
      this.#onLine = undefined;
      await onLine(command.text);
      return;
    }
    const tag = tagOf(command.text);
    const args = new Arguments(command);
    const missing: ImapReply = { status: 'BAD', text: 'a tag is missing' };
    const reply = tag === undefined ? missing : await this.#run(tag, args);
    if (reply !== undefined) {
      this.tagged(tag ?? '*', reply);
      this.#problems = reply.status === 'BAD' ? this.#problems + 1 : 0;
    }
    if (this.#problems >= MAX_PROBLEMS) {
      this.untagged('BYE too many wrong commands');
      this.close();
    }
  }

  /** Undefined when the command answers later, by itself. */
  async #run(tag: string, args: Arguments): Promise<ImapReply | undefined> {
    const reply = await this.guard('a command', async () => {
      args.run(/[^ ]/, 'a tag is missing');
      args.space();
      let name = args.keyword();
      const isUid = name === 'UID';
      if (isUid) {
        args.space();
        name = args.keyword();
      }
      return this.#execute(name, args, { tag, isUid });
    });
    return reply === LATER ? undefined : reply;
  }

  async #execute(name: string, args: Arguments, form: CommandForm): Promise<ImapReply> {
    const command = this.deps.commands.get(name);
    if (command === undefined || (form.isUid && command.hasUidForm !== true)) {
      return { status: 'BAD', text: 'the command is unknown' };
    }
    if (!command.states.includes(this.state)) {
      return { status: 'BAD', text: `${name} has no place here` };
    }
    const reply = await this.guard(name, () => command.run(this, command.parse(args, form), form));
    if (this.state !== 'ended') await this.tellNews(form.isUid || command.keepsNumbers !== true);
    return reply;
  }

  /** What a command answers, or what its failure is called. */
  async guard(name: string, run: () => Promise<ImapReply>): Promise<ImapReply> {
    try {
      return await run();
    } catch (error) {
      return this.#replyTo(error, name);
    }
  }

  #replyTo(error: unknown, name: string): ImapReply {
    if (error instanceof SyntaxProblem) return { status: 'BAD', text: error.message };
    if (error instanceof CharsetUnknown) {
      return { status: 'NO', code: 'BADCHARSET (US-ASCII UTF-8)', text: error.message };
    }
    if (error instanceof ImapRefused || error instanceof CommandRefused) {
      const { code, message } = error;
      return code === undefined
        ? { status: 'NO', text: message }
        : { status: 'NO', code, text: message };
    }
    this.deps.onFault(error, name);
    return {
      status: 'NO',
      code: 'SERVERBUG',
      text: 'something went wrong here; the log says what',
    };
  }

  /** Something changed: an idle program is told at once, another at its next command. */
  #changed(): void {
    if (!this.#isIdle || this.#isTelling) return;
    this.#isTelling = true;
    void this.#exclusively(async () => {
      this.#isTelling = false;
      if (!this.#isIdle) return;
      await this.tellNews();
      await this.flush();
    }).catch((error: unknown) => this.deps.onFault(error, 'IDLE'));
  }

  /** Commands and news take turns. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    await turn;
  }
}

/** The command's tagged answer comes later. */
export const LATER: ImapReply = { status: 'OK', text: '' };

function tagOf(text: string): string | undefined {
  return /^([!#$&',-Z[\]^-z|}~]{1,64}) /.exec(`${text} `)?.[1];
}
