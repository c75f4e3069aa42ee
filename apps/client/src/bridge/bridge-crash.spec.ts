/**
 * What mail programs change, with the power going at every write: what was answered with OK is
 * there after the restart, what was not is there as a whole or not at all, and UIDs, UIDVALIDITY,
 * flags and modification numbers stand as they were told.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { COMMANDS } from '@tanglemail/mail/io/imap/commands/all.ts';
import { ImapSession } from '@tanglemail/mail/io/imap/session/session.ts';
import { Maildrop } from '@tanglemail/mail/io/pop3/maildrop.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { buildMailbox } from '../mailbox-parts.ts';
import { FateBook } from '../fates/fate-book.ts';
import { FOLDER } from '../messages/folder-name.ts';
import { emailText } from '../account/account.ts';
import { configOf } from '../config/schema.ts';
import { MailSender, type MailSenderParts } from '../service/mail-sender.ts';
import { OutboxBench, type Sender } from '../testing/outbox-bench.ts';
import { ClientEvents } from '../service/client-events.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { person } from '../testing/people.ts';
import { BridgeStore } from './bridge-store.ts';
import { SubmissionDesk } from './submission-desk.ts';

const NOW_MS = 1_793_610_672_000;
const LIMIT_MS = 120_000;

interface Machine {
  readonly bridge: BridgeStore;
  /** Every folder as a program could know it, with the bytes of its mails. */
  readonly shown: () => unknown;
  readonly isOff: () => boolean;
}

/** The account's mail over a disk. */
async function boot(disk: Disk, cut?: PowerCut, firstId = 100): Promise<Machine> {
  const { store, isOff } = memoryStore(disk, cut);
  const owner = await person(1, sealedMemoryStore(store));
  const { account, messages, tangle, writes } = owner;
  messages.dateBy(() => NOW_MS / 1_000);
  // Folders that a command makes have the same ids whenever it is played.
  let ids = firstId;
  const random = { bytes: (length: number) => new Uint8Array(length).fill(++ids), below: () => 0 };
  const nowMs = (): number => NOW_MS;
  const deps = { ...owner, random, nowMs, logger: SILENT_LOGGER };
  const mailbox = await buildMailbox(deps);
  const parts = {
    account,
    messages,
    mailbox,
    store: owner.store,
    writes,
    tangle: { ...tangle, random, clock: { nowMs } },
    events: new ClientEvents(SILENT_LOGGER),
    paidRoom: { roomBytes: () => undefined },
  };
  const bridge = new BridgeStore(parts, 'test.localhost');
  const shown = (): unknown =>
    messages.folders().map(({ id, name }) => {
      const folder = messages.folder(id)!;
      const { uidValidity, uidNext, modseq, firstRecentUid, expunged } = folder;
      const mails = Array.from(folder.messages.values(), (one) => {
        const raw = messages.rawOf(one.emailId);
        const bytes = raw === undefined ? 'LOST' : Buffer.from(raw).toString('latin1');
        return { uid: one.uid, flags: one.flags, modseq: one.modseq, savedAt: one.savedAt, bytes };
      });
      return { name, uidValidity, uidNext, modseq, firstRecentUid, expunged, mails };
    });
  return { bridge, shown, isOff };
}

/** Gives commands in one session; the tagged answers without their tags. */
async function imap({ bridge }: Machine, commands: readonly string[]): Promise<string[]> {
  let heard = '';
  const session = new ImapSession(
    { allowsPlainLogin: true, maxMessageBytes: 9_000, serverName: 's', serverVersion: '1' },
    {
      login: { login: async () => bridge },
      commands: COMMANDS,
      transport: {
        isSecure: true,
        canSecure: false,
        write: async (bytes) => {
          heard += Buffer.from(bytes).toString('latin1');
        },
        secure: () => undefined,
        compress: () => undefined,
        end: () => undefined,
      },
      onFault: () => undefined,
      now: () => NOW_MS / 1_000,
    },
  );
  for (const command of ['LOGIN a b', ...commands]) {
    await session.receive(Buffer.from(`t ${command}\r\n`, 'latin1'));
  }
  session.close();
  return Array.from(heard.matchAll(/^t ([^\r]*)\r$/gm), (match) => match[1] ?? '').slice(1);
}

const MAIL = 'From: a@example.org\r\nSubject: kept\r\n\r\nbody\r\n';
const literal = (text: string): string => `{${text.length}+}\r\n${text}`;

/** The disk that every case begins with. */
const start: Disk = new Map();

beforeAll(async () => {
  const machine = await boot(start, undefined, 0);
  const answers = await imap(machine, [
    'CREATE Work/Old',
    `APPEND INBOX (\\Deleted) ${literal(`${MAIL}1`)}`,
    `APPEND INBOX (\\Flagged todo) ${literal(`${MAIL}2`)}`,
    `APPEND INBOX ${literal(`${MAIL}3`)}`,
    `APPEND Work ${literal(`${MAIL}4`)}`,
    `APPEND Work/Old (\\Seen) ${literal(`${MAIL}5`)}`,
    'SELECT INBOX',
    'COPY 3 Work',
    'STORE 2 +FLAGS (\\Deleted)',
    'UID EXPUNGE 2',
  ]);
  const refused = answers.find((one) => !one.startsWith('OK'));
  if (refused !== undefined) throw new Error(refused);
}, LIMIT_MS);

type Play = (machine: Machine) => Promise<readonly string[]>;

interface Reference {
  /** What the disk shows before the first write and after each. */
  readonly states: unknown[];
  /** Of a run that nothing cuts, and what the disk shows after it. */
  readonly answers: readonly string[];
  readonly shown: unknown;
}

/** Plays it with the power going after each write in turn, and then to its end. */
async function reference(play: Play): Promise<Reference> {
  const states = [(await boot(new Map(start))).shown()];
  for (let atWrite = 0; ; atWrite += 1) {
    const disk = new Map(start);
    const machine = await boot(disk, { atWrite, isApplied: true });
    const answers = await play(machine).catch(() => []);
    const shown = (await boot(disk)).shown();
    if (!machine.isOff()) return { states, answers, shown };
    states.push(shown);
  }
}

const CASES: Record<string, readonly string[]> = {
  APPEND: [`APPEND INBOX (\\Seen) ${literal(`${MAIL}new`)}`],
  'APPEND of several': [`APPEND Work ${literal(`${MAIL}6`)} (\\Seen) ${literal(`${MAIL}7`)}`],
  'APPEND of a draft': [`APPEND Drafts (\\Draft) ${literal(MAIL)}`],
  STORE: ['EXAMINE INBOX', 'SELECT INBOX', 'STORE 1:2 +FLAGS (\\Answered later)'],
  'STORE of a message in two folders': ['SELECT Work', 'UID STORE 2 FLAGS (\\Seen \\Deleted)'],
  'FETCH that marks as seen': ['SELECT INBOX', 'FETCH 1:* BODY[]'],
  EXPUNGE: ['SELECT INBOX', 'EXPUNGE'],
  CLOSE: ['SELECT INBOX', 'CLOSE'],
  COPY: ['SELECT INBOX', 'COPY 1:2 Work/Old'],
  MOVE: ['SELECT INBOX', 'MOVE 1:2 Trash'],
  'MOVE to where a copy lies': ['SELECT INBOX', 'UID MOVE 3 Work'],
  CREATE: ['CREATE A/B/C'],
  RENAME: ['RENAME Work Job/Other'],
  'RENAME of the inbox': ['RENAME INBOX Past'],
  DELETE: ['DELETE Work/Old'],
};

describe('the power goes during', () => {
  const plays: [string, Play][] = Object.entries(CASES).map(([name, commands]) => [
    name,
    async (machine) => imap(machine, commands),
  ]);
  plays.push([
    'QUIT of POP3',
    async ({ bridge }) => {
      const drop = new Maildrop(bridge, { inbox: FOLDER.INBOX, trash: FOLDER.Trash });
      await drop.read(2);
      drop.delete(1);
      drop.delete(2);
      await drop.commit();
      return ['OK'];
    },
  ]);
  it.each(plays)(
    '%s',
    async (_name, play) => {
      const { states, answers, shown } = await reference(play);
      // The last write is what OK stands for.
      expect(shown).toEqual(states.at(-1));
      expect(answers.filter((one) => !one.startsWith('OK'))).toEqual([]);
      expect(states.length).toBeGreaterThan(1);
      expect(JSON.stringify(states)).not.toContain('LOST');
      for (let atWrite = 0; atWrite < states.length - 1; atWrite += 1) {
        const disk = new Map(start);
        const machine = await boot(disk, { atWrite, isApplied: false });
        const heard = await play(machine).catch(() => ['NO']);
        expect(machine.isOff()).toBe(true);
        // What was not written was not promised.
        expect(heard.every((one) => one.startsWith('OK'))).toBe(false);
        expect((await boot(disk)).shown()).toEqual(states[atWrite]);
      }
    },
    LIMIT_MS,
  );

  it('nothing: what a program was told stands after any restart', async () => {
    const disk = new Map(start);
    const before = (await boot(disk)).shown();
    expect((await boot(disk)).shown()).toEqual(before);
    const [, kept] = await imap(await boot(disk), ['SELECT INBOX', `APPEND INBOX ${literal('x')}`]);
    // A UID that was expunged before the restart is not given again.
    expect(kept).toMatch(/^OK \[APPENDUID \d+ 4\]/);
  });
});

describe('the power goes while a mail is handed in', () => {
  let bench: OutboxBench;

  beforeAll(async () => {
    bench = await OutboxBench.start();
  });

  afterAll(() => bench.tangle.stop());

  afterEach(() => bench.rest());

  async function submit({ alice, outbox }: Sender): Promise<string> {
    // Her only device: nobody else has to get copies.
    const devices = { copies: { upload: () => {} } };
    const config = configOf({});
    const parts = { ...alice, outbox, config, devices } as unknown as MailSenderParts;
    const sender = new MailSender(parts);
    const [onReport, onKeywords] = [() => {}, () => {}];
    const told = { logger: SILENT_LOGGER, onReport, onKeywords };
    const fates = await FateBook.load({ ...alice, ...told, outbox });
    // Nobody is known here yet, and RCPT has let the recipient pass.
    const resolver = { cached: () => undefined, resolve: async () => undefined };
    const desk = new SubmissionDesk({
      parts: { ...alice, fates, resolver },
      service: {
        sendRawMessage: (raw, to, choices, also) => sender.sendRaw(raw, to, choices, also),
      },
      nowMs: () => NOW_MS,
    });
    const [from, to] = [emailText(alice.account), emailText(bench.bob.account)];
    const raw = `From: ${from}\r\nTo: ${to}\r\nMessage-ID: <1@x>\r\nSubject: by SMTP\r\n\r\nx\r\n`;
    const envelope = { sender: from, returnsFull: false, recipients: [{ address: to }] };
    return desk.submit({ ...envelope, raw: Buffer.from(raw) });
  }

  it(
    'without an answer, or it lies in Sent and goes to its recipient, once',
    async () => {
      let writes = 0;
      for (let isOver = false; !isOver; writes += 1) {
        for (const isApplied of [false, true]) {
          await bench.renew();
          const sofar = bench.blocksSoFar();
          const disk: Disk = new Map();
          await bench.sender(disk);
          const sender = await bench.sender(disk, { cut: { atWrite: writes, isApplied } });
          const answer = await submit(sender).catch(() => undefined);
          isOver = !sender.isOff();
          const after = await bench.sender(disk);
          const sent = after.alice.messages.list('Sent', 9).map((one) => one.entry.subject);
          const isTaken = answer !== undefined || isApplied || isOver;
          expect([answer !== undefined, sent]).toEqual([isOver, isTaken ? ['by SMTP'] : []]);
          after.outbox.start();
          await bench.allDone(after);
          expect(await bench.received(sofar)).toEqual(sent);
          await bench.rest();
        }
      }
      expect(writes).toBeGreaterThan(1);
    },
    LIMIT_MS,
  );
});
