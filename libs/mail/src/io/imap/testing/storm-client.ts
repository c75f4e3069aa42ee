/**
 * For specs: a mail program that believes what it is told and nothing else, and complains when that
 * cannot be: numbers that are not there, expunges where none may come, \Recent told to two, flags
 * that were not announced. In the spirit of imaptest.
 */
import { readImapValues } from '../../../testing/imap-answer.ts';
import { COMMANDS } from '../commands/all.ts';
import { ImapSession } from '../session/session.ts';
import type { MemoryStore } from './memory-store.ts';

/** A message as the program knows it. */
export interface KnownMessage {
  uid: number | undefined;
  flags: readonly string[] | undefined;
  modseq: number;
}

/** What all programs of a test share: who was told of a UID as recent. */
export type RecentOwners = Map<number, StormClient>;

export class StormClient {
  readonly faults: unknown[] = [];
  /** By message number − 1. */
  messages: KnownMessage[] = [];
  readonly #session: ImapSession;
  readonly #owners: RecentOwners;
  #flags = new Set<string>();
  #heard = '';
  #running = '';
  #isReadOnly = false;
  #hasQresync = false;
  #tags = 0;

  constructor(store: MemoryStore, owners: RecentOwners) {
    this.#owners = owners;
    this.#session = new ImapSession(
      { allowsPlainLogin: true, maxMessageBytes: 9_000, serverName: 's', serverVersion: '1' },
      {
        login: { login: async () => store },
        commands: COMMANDS,
        transport: {
          isSecure: true,
          canSecure: false,
          write: async (bytes) => {
            this.#heard += Buffer.from(bytes).toString('latin1');
          },
          secure: () => undefined,
          compress: () => undefined,
          end: () => undefined,
        },
        onFault: (error) => this.faults.push(error),
        now: () => 1_793_610_672,
      },
    );
  }

  /** Logs in and opens the inbox. */
  async open(kind: 'EXAMINE' | 'QRESYNC' | 'SELECT'): Promise<void> {
    await this.run('LOGIN a b');
    this.#hasQresync = kind === 'QRESYNC';
    if (this.#hasQresync) await this.run('ENABLE QRESYNC');
    await this.select(kind === 'EXAMINE');
  }

  async select(isReadOnly: boolean): Promise<void> {
    this.messages = [];
    this.#flags.clear();
    this.#isReadOnly = isReadOnly;
    await this.run(`${isReadOnly ? 'EXAMINE' : 'SELECT'} INBOX`);
    await this.run('FETCH 1:* (UID FLAGS MODSEQ)');
  }

  /** Takes for granted that messages have a flag more. */
  assume(uids: readonly number[], flag: string): void {
    for (const message of this.messages) {
      if (message.flags === undefined || !uids.includes(message.uid ?? 0)) continue;
      message.flags = [...new Set([...message.flags, flag])].toSorted();
    }
  }

  /** Gives a command and takes up all that is said; the text of the tagged answer. */
  async run(command: string): Promise<string> {
    const tag = `t${++this.#tags}`;
    this.#running = command;
    await this.#session.receive(Buffer.from(`${tag} ${command}\r\n`, 'latin1'));
    const answers = cutAnswers(this.#heard);
    this.#heard = '';
    const last = answers.pop() ?? '';
    if (!last.startsWith(`${tag} `)) throw new Error(`${command}: no end but ${last}`);
    for (const one of answers) this.#take(one);
    return last.slice(tag.length + 1);
  }

  #take(answer: string): void {
    const problem = this.#apply(answer);
    if (problem !== undefined) throw new Error(`${this.#running} -> ${answer}: ${problem}`);
  }

  /** What is wrong with an untagged answer. */
  #apply(answer: string): string | undefined {
    const numbered = /^\* (\d+) (EXISTS|EXPUNGE|FETCH|RECENT)(?: (.*))?$/s.exec(answer);
    if (numbered !== null) {
      const [, number = '', kind, rest = ''] = numbered;
      return this.#applyNumbered(Number(number), kind ?? '', rest);
    }
    const flags = /^\* FLAGS \((.*)\)$/.exec(answer)?.[1];
    if (flags !== undefined) this.#flags = new Set(flags.split(' '));
    const vanished = /^\* VANISHED ([\d,:]+)$/.exec(answer)?.[1];
    return vanished === undefined ? undefined : this.#vanish(vanished);
  }

  #applyNumbered(number: number, kind: string, rest: string): string | undefined {
    const size = this.messages.length;
    if (kind === 'RECENT') return number > size ? 'more recent than there are' : undefined;
    if (kind === 'EXISTS') {
      if (number < size) return `there were ${size}`;
      const added = Array.from({ length: number - size }, (): KnownMessage => {
        return { uid: undefined, flags: undefined, modseq: 0 };
      });
      this.messages.push(...added);
      return undefined;
    }
    if (number < 1 || number > size) return `there are ${size}`;
    if (kind === 'FETCH') return this.#fetched(number, rest);
    this.messages.splice(number - 1, 1);
    if (this.#hasQresync) return 'VANISHED was asked for';
    return this.#mayVanish() ? undefined : 'a number changed while numbers were used';
  }

  /** RFC 3501 §7.4.1. */
  #mayVanish(): boolean {
    return !/^(FETCH|STORE|SEARCH) /.test(this.#running);
  }

  #vanish(set: string): string | undefined {
    if (!this.#hasQresync || !this.#mayVanish()) return 'VANISHED has no place here';
    for (const piece of set.split(',')) {
      const [from = 0, to = from] = piece.split(':').map(Number);
      for (let uid = from; uid <= to; uid++) {
        const at = this.#placeOf(uid);
        if (at < 0) return 'a UID vanished that was not known';
        this.messages.splice(at, 1);
      }
    }
    return undefined;
  }

  /** UIDs ascend: one that was never told lies between those that were. */
  #placeOf(uid: number): number {
    const after = this.messages.findIndex((one) => (one.uid ?? 0) >= uid);
    if (this.messages[after]?.uid === uid) return after;
    const place = (after < 0 ? this.messages.length : after) - 1;
    return this.messages[place]?.uid === undefined ? place : -1;
  }

  #fetched(number: number, text: string): string | undefined {
    const [list] = readImapValues(text);
    const items = new Map<string, unknown>();
    const values = Array.isArray(list) ? list : [];
    for (let at = 0; at < values.length; at += 2) items.set(String(values[at]), values[at + 1]);
    const message = this.messages[number - 1];
    if (message === undefined) return 'there is no such message';
    const uid = items.has('UID') ? Number(items.get('UID')) : undefined;
    if (uid !== undefined && message.uid !== undefined && uid !== message.uid) {
      return `it had UID ${message.uid}`;
    }
    message.uid ??= uid;
    const modseq = Number((items.get('MODSEQ') as string[] | undefined)?.[0] ?? message.modseq);
    if (modseq < message.modseq) return `its modification number was ${message.modseq}`;
    message.modseq = modseq;
    return items.has('FLAGS') ? this.#flagged(message, items.get('FLAGS') as string[]) : undefined;
  }

  #flagged(message: KnownMessage, flags: readonly string[]): string | undefined {
    const { uid } = message;
    if (flags.includes('\\Recent') && uid !== undefined && !this.#isReadOnly) {
      if ((this.#owners.get(uid) ?? this) !== this) return 'another session has it as recent';
      this.#owners.set(uid, this);
    }
    message.flags = flags.filter((flag) => flag !== '\\Recent').toSorted();
    const unknown = message.flags.find((flag) => !this.#flags.has(flag));
    return unknown === undefined ? undefined : `${unknown} was not announced`;
  }
}

/** Answers with the literals in them. */
function cutAnswers(text: string): string[] {
  const answers: string[] = [];
  let at = 0;
  let begin = 0;
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) throw new Error('an answer has no end');
    const literal = /\{(\d+)\}$/.exec(text.slice(at, end));
    at = end + 2 + Number(literal?.[1] ?? 0);
    if (literal !== null) continue;
    answers.push(text.slice(begin, end));
    begin = at;
  }
  return answers;
}
