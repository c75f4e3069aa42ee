/**
 * One POP3 connection: RFC 1939 with CAPA (2449), STLS (2595), SASL PLAIN (5034), UTF8 (6856) and
 * PIPELINING. Before: pop3-server.ts; next: maildrop.ts. Spec: docs/spec/45-mail-programs.md §5.
 */
import { listFields } from '../../core/mime/fields.ts';
import type { ImapLogin } from '../imap/session/hooks.ts';
import type { LeaveReason } from '../socket/mail-server.ts';
import { decodeBase64 } from '../imap/syntax/arguments.ts';
import { dotLines, topOf } from './dot-lines.ts';
import { Maildrop, type MaildropFolders } from './maildrop.ts';

/** Octets of a line: RFC 5034 §4 wants 12,288 for a response of SASL. */
const MAX_LINE = 12_288;
/** Wrong commands in a row after which the connection is closed: no mail program speaks so. */
const MAX_PROBLEMS = 20;

export interface Pop3Transport {
  readonly isSecure: boolean;
  readonly canSecure: boolean;
  write(bytes: Uint8Array): Promise<void>;
  secure(): void;
  end(): void;
}

/** One program at a time has an account's inbox open (RFC 1939 §5). */
export interface Pop3Locks {
  /** What gives it back; undefined while somebody else has it. */
  take(user: string): (() => void) | undefined;
}

export interface Pop3Options {
  /** Passwords are taken without TLS: only on loopback. */
  readonly allowsPlainLogin: boolean;
  readonly serverName: string;
  readonly folders: MaildropFolders;
}

export interface Pop3Deps {
  readonly login: ImapLogin;
  readonly locks: Pop3Locks;
  readonly transport: Pop3Transport;
  /** An error that no command expects; the session goes on. */
  readonly onFault: (error: unknown, command: string) => void;
}

const LEAVE_TEXT: Readonly<Record<LeaveReason, string>> = {
  idle: 'nothing was said for long',
  revoked: '[AUTH] the password was taken back',
  shutdown: 'the server stops',
};

/** The command is answered by -ERR with this text, a code of RFC 2449 §8 in front of it. */
class Refused extends Error {}

interface Opened {
  readonly drop: Maildrop;
  readonly release: () => void;
}

type State = 'authorization' | 'ended' | 'transaction';

interface Command {
  readonly states: readonly State[];
  readonly run: (words: readonly string[], line: string) => Promise<void>;
}

const BEFORE: readonly State[] = ['authorization'];
const AFTER: readonly State[] = ['transaction'];
const ALWAYS: readonly State[] = ['authorization', 'transaction'];

export class Pop3Session {
  readonly #options: Pop3Options;
  readonly #deps: Pop3Deps;
  readonly #commands: ReadonlyMap<string, Command>;
  #state: State = 'authorization';
  #opened: Opened | undefined;
  #pending = '';
  #user = '';
  #problems = 0;
  /** Takes the next line instead of a command. */
  #onLine: ((line: string) => Promise<void>) | undefined;
  #isSecuring = false;

  constructor(options: Pop3Options, deps: Pop3Deps) {
    this.#options = options;
    this.#deps = deps;
    this.#commands = this.#table();
  }

  #table(): ReadonlyMap<string, Command> {
    const row = (
      name: string,
      states: readonly State[],
      run: Command['run'],
    ): [string, Command] => [name, { states, run }];
    return new Map([
      row('CAPA', ALWAYS, async () => this.#capa()),
      row('STLS', BEFORE, async () => this.#stls()),
      row('UTF8', BEFORE, async () => this.#say('+OK UTF-8 from here on')),
      row('USER', BEFORE, async (_words, line) => this.#userCommand(line)),
      row('PASS', BEFORE, async (_words, line) => this.#logIn(this.#user, line)),
      row('AUTH', BEFORE, async (words) => this.#auth(words)),
      row('STAT', AFTER, async () =>
        this.#say(`+OK ${this.#drop.numbers.length} ${this.#drop.size}`),
      ),
      row('LIST', AFTER, async (words) => this.#list(words, (at) => String(this.#drop.sizeOf(at)))),
      row('UIDL', AFTER, async (words) => this.#list(words, (at) => this.#drop.uniqueIdOf(at))),
      row('RETR', AFTER, async (words) => this.#retrieve(words)),
      row('TOP', AFTER, async (words) => this.#top(words)),
      row('DELE', AFTER, async (words) => this.#delete(words)),
      row('LAST', AFTER, async () => this.#say(`+OK ${this.#drop.last}`)),
      row('RSET', AFTER, async () => this.#reset()),
      row('NOOP', AFTER, async () => this.#say('+OK')),
      row('QUIT', ALWAYS, async () => this.#quit()),
    ]);
  }

  get isLoggedIn(): boolean {
    return this.#state === 'transaction';
  }

  get #drop(): Maildrop {
    if (this.#opened === undefined) throw new Error('broken invariant: nobody is logged in');
    return this.#opened.drop;
  }

  async greet(): Promise<void> {
    await this.#say(`+OK ${this.#options.serverName} ready`);
  }

  /** Takes octets as they come; resolves when all commands in them are answered. */
  async receive(chunk: Uint8Array): Promise<void> {
    this.#pending += Buffer.from(chunk).toString('latin1');
    this.#isSecuring = false;
    for (;;) {
      const end = this.#pending.indexOf('\n');
      if ((end < 0 ? this.#pending.length : end) > MAX_LINE) {
        await this.#say('-ERR the line is too long');
        this.#end();
      }
      if (end < 0 || this.#state === 'ended') return;
      const line = this.#pending.slice(0, end).replace(/\r$/, '');
      this.#pending = this.#pending.slice(end + 1);
      await this.#take(line);
      // Behind STLS nothing counts that came in clear.
      if (this.#isSecuring) this.#pending = '';
    }
  }

  /** Ends the session from this side; nothing is deleted. */
  async leave(reason: LeaveReason): Promise<void> {
    if (this.#state === 'ended') return;
    await this.#say(`-ERR ${LEAVE_TEXT[reason]}`);
    this.#end();
  }

  /** The connection is gone; nothing is deleted (RFC 1939 §6). */
  close(): void {
    this.#state = 'ended';
    this.#opened?.release();
    this.#opened = undefined;
  }

  #end(): void {
    this.close();
    this.#deps.transport.end();
  }

  async #say(text: string): Promise<void> {
    await this.#deps.transport.write(Buffer.from(`${text}\r\n`, 'utf8'));
  }

  async #take(line: string): Promise<void> {
    const onLine = this.#onLine;
    this.#onLine = undefined;
    const [word = '', ...words] = line.trimEnd().split(' ');
    const name = onLine === undefined ? word.toUpperCase() : 'AUTH';
    try {
      if (onLine === undefined) await this.#run(name, words, line.slice(word.length + 1));
      else await onLine(line);
      this.#problems = 0;
    } catch (error) {
      await this.#refuse(error, name);
    }
    if (this.#problems >= MAX_PROBLEMS) this.#end();
  }

  async #run(name: string, words: readonly string[], rest: string): Promise<void> {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Refused('the command is unknown');
    if (!command.states.includes(this.#state)) throw new Refused('it has no place here');
    await command.run(words, rest);
  }

  async #refuse(error: unknown, name: string): Promise<void> {
    this.#problems++;
    if (error instanceof Refused) {
      await this.#say(`-ERR ${error.message}`);
      return;
    }
    this.#deps.onFault(error, name);
    await this.#say('-ERR [SYS/TEMP] something went wrong here; the log says what');
  }

  async #capa(): Promise<void> {
    const all = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'UTF8 USER'];
    if (this.#state === 'authorization') {
      const { transport } = this.#deps;
      if (transport.canSecure && !transport.isSecure) all.push('STLS');
      if (this.#mayLogIn) all.push('USER', 'SASL PLAIN');
    }
    all.push(`IMPLEMENTATION ${this.#options.serverName}`);
    await this.#say(['+OK this is what there is', ...all, '.'].join('\r\n'));
  }

  async #stls(): Promise<void> {
    const { transport } = this.#deps;
    if (!transport.canSecure || transport.isSecure) {
      throw new Refused('the connection is encrypted, or cannot be');
    }
    await this.#say('+OK begin TLS now');
    this.#isSecuring = true;
    transport.secure();
  }

  get #mayLogIn(): boolean {
    return this.#deps.transport.isSecure || this.#options.allowsPlainLogin;
  }

  async #userCommand(name: string): Promise<void> {
    this.#user = name;
    await this.#say('+OK and the password');
  }

  async #auth(words: readonly string[]): Promise<void> {
    const [mechanism, initial] = words;
    if (mechanism === undefined) {
      await this.#say('+OK\r\nPLAIN\r\n.');
      return;
    }
    if (mechanism.toUpperCase() !== 'PLAIN') throw new Refused('only PLAIN is known');
    if (initial !== undefined) {
      await this.#plain(initial);
      return;
    }
    this.#onLine = async (line) => this.#plain(line);
    await this.#say('+ ');
  }

  async #plain(response: string): Promise<void> {
    const [authorize, user, password, ...rest] = decodeBase64(response)?.split('\0') ?? [];
    const isSelf = authorize === '' || authorize === user;
    if (user === undefined || password === undefined || rest.length > 0 || !isSelf) {
      throw new Refused('not a response of PLAIN');
    }
    await this.#logIn(user, password);
  }

  /** Name and password are octets, one a character. */
  async #logIn(user: string, password: string): Promise<void> {
    if (!this.#mayLogIn) throw new Refused('[AUTH] passwords need an encrypted connection');
    const [name, secret] = [user, password].map((one) =>
      Buffer.from(one, 'latin1').toString('utf8'),
    );
    const store = await this.#deps.login.login(name ?? '', secret ?? '');
    if (store === undefined) throw new Refused('[AUTH] name or password is wrong');
    const release = this.#deps.locks.take(name ?? '');
    if (release === undefined) throw new Refused('[IN-USE] another program has the inbox open');
    this.#opened = { drop: new Maildrop(store, this.#options.folders), release };
    this.#state = 'transaction';
    await this.#say(`+OK ${this.#drop.numbers.length} mails`);
  }

  async #list(words: readonly string[], show: (number: number) => string): Promise<void> {
    if (words.length > 0) {
      const number = this.#number(words);
      await this.#say(`+OK ${number} ${show(number)}`);
      return;
    }
    const lines = this.#drop.numbers.map((number) => `${number} ${show(number)}`);
    await this.#say(['+OK', ...lines, '.'].join('\r\n'));
  }

  async #retrieve(words: readonly string[]): Promise<void> {
    const bytes = await this.#drop.read(this.#number(words));
    await this.#sendMail(bytes);
  }

  async #top(words: readonly string[]): Promise<void> {
    const number = this.#number(words.slice(0, 1));
    const lines = /^\d{1,9}$/.test(words[1] ?? '') ? Number(words[1]) : undefined;
    if (lines === undefined || words.length > 2) throw new Refused('a number of lines is missing');
    const bytes = await this.#drop.look(number);
    const bodyStart = bytes === undefined ? 0 : listFields(bytes, 0, bytes.length).bodyStart;
    await this.#sendMail(bytes && topOf(bytes, bodyStart, lines));
  }

  async #sendMail(bytes: Uint8Array | undefined): Promise<void> {
    if (bytes === undefined) throw new Refused('the mail is gone');
    await this.#say(`+OK ${bytes.length} octets`);
    await this.#deps.transport.write(dotLines(bytes));
  }

  async #delete(words: readonly string[]): Promise<void> {
    this.#drop.delete(this.#number(words));
    await this.#say('+OK it goes to Trash at the end');
  }

  async #reset(): Promise<void> {
    this.#drop.reset();
    await this.#say('+OK nothing is deleted');
  }

  async #quit(): Promise<void> {
    await this.#opened?.drop.commit();
    await this.#say('+OK until next time');
    this.#end();
  }

  #number(words: readonly string[]): number {
    const [text = ''] = words;
    if (words.length !== 1 || !/^\d{1,9}$/.test(text)) throw new Refused('a number is missing');
    if (!this.#drop.has(Number(text))) throw new Refused('there is no such mail');
    return Number(text);
  }
}
