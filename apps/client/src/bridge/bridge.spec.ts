/** Mail programs in front of whole clients: handed in by SMTP here, read by IMAP and POP3 there. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LineDialog } from '@tanglemail/mail/io/testing/line-dialog.ts';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import type { Client } from '../client.ts';
import type { ClientConfigInput } from '../config/schema.ts';
import type { Disk } from '../testing/memory-store.ts';
import { SmallTangle, until } from '../testing/small-tangle.ts';
import { openWholeClient } from '../testing/whole-client.ts';
import type { Bridge } from './bridge.ts';

/** Ports that the system chooses; contacts of both sides, so that mail goes to the inbox. */
const FREE: ClientConfigInput = {
  bridge: { imapPort: 0, imapsPort: 0, smtpPort: 0, smtpsPort: 0, pop3Port: 0, pop3sPort: 0 },
};
const TEST_MS = 120_000;
const LOOPBACKS = new Set(['127.0.0.1', '::1']);

let tangle: SmallTangle;
const running: { close(): Promise<void> }[] = [];

interface Person {
  readonly client: Client;
  readonly bridge: Bridge;
  readonly user: string;
  readonly password: string;
  port(protocol: string, tls?: 'implicit' | 'starttls'): number;
}

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
});

afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.close();
  await tangle.stop();
});

async function startPerson(
  seedByte: number,
  disk: Disk = new Map(),
  config: ClientConfigInput = FREE,
): Promise<Person> {
  const { genesis, baseUrl: nodeUrl } = tangle.node;
  const options = { seedByte, disk, nodeUrl, genesis, config };
  const client = await openWholeClient(options, tangle.access);
  running.push({ close: () => client.stop() });
  client.start();
  const bridge = await client.openBridge();
  running.push(bridge);
  const { password } = await bridge.addPassword('a program');
  return {
    client,
    bridge,
    user: bridge.bridge().user,
    password,
    port: (protocol, tls = 'starttls') =>
      bridge.bridge().doors.find((one) => one.protocol === protocol && one.tls === tls)!.port,
  };
}

const isPublished = async ({ service }: Client): Promise<boolean> =>
  (await service.status()).descriptor.state === 'confirmed';

/** Two people who have each other as contacts. */
async function startPair(
  config: ClientConfigInput = FREE,
  disks: readonly [Disk, Disk] = [new Map(), new Map()],
): Promise<[Person, Person]> {
  const pair: [Person, Person] = [
    await startPerson(1, disks[0], config),
    await startPerson(2, disks[1], config),
  ];
  const [alice, bob] = pair;
  await until(async () => (await isPublished(alice.client)) && (await isPublished(bob.client)));
  await alice.client.service.addContact({ address: bob.user, name: 'Bob' });
  await bob.client.service.addContact({ address: alice.user, name: 'Alice' });
  return pair;
}

/** The last line of the answer to each of these lines. */
async function smtp(person: Person, lines: readonly string[]): Promise<string[]> {
  const dialog = await LineDialog.open(person.port('smtp'));
  const answers: string[] = [];
  const plain = Buffer.from(`\0${person.user}\0${person.password}`).toString('base64');
  await dialog.until(/\n/);
  for (const line of ['EHLO test', `AUTH PLAIN ${plain}`, ...lines]) {
    dialog.say(`${line}\r\n`);
    answers.push((await dialog.until(/(^|\n)\d{3} [^\n]*\n/)).trimEnd());
  }
  dialog.close();
  return answers.slice(2);
}

async function handIn(person: Person, to: string, message: string): Promise<string> {
  const { user } = person;
  const body = `${message}.`;
  const lines = [`MAIL FROM:<${user}>`, `RCPT TO:<${to}>`, 'DATA', body];
  return (await smtp(person, lines)).at(-1) ?? '';
}

async function imap(person: Person, commands: readonly string[]): Promise<string> {
  const dialog = await LineDialog.open(person.port('imap'));
  const login = `LOGIN ${person.user} ${person.password}`;
  let heard = '';
  for (const command of [login, ...commands]) {
    dialog.say(`t ${command}\r\n`);
    heard += await dialog.until(/(^|\n)t (OK|NO|BAD)[^\n]*\n/);
  }
  dialog.close();
  return heard;
}

const total = ({ client }: Person, folder: string): Promise<number> =>
  client.service.messages({ folder, limit: 50 }).then((all) => all.length);

describe('the bridge', () => {
  it(
    'carries a mail from one program to another, byte for byte, once',
    async () => {
      const disks: [Disk, Disk] = [new Map(), new Map()];
      const [alice, bob] = await startPair(FREE, disks);
      const mail =
        `From: ${alice.user}\r\nTo: Bob <bob@tangle.alt>\r\nSubject: by SMTP\r\n` +
        'Message-ID: <one@tangle.alt>\r\n\r\n\tKept  as it is. \r\n';
      const answer = await handIn(alice, 'bob@tangle.alt', mail);
      expect(answer).toMatch(/^250 2\.0\.0 queued/);
      // A program that heard no answer hands the same in again.
      expect(await handIn(alice, 'bob@tangle.alt', mail)).toBe(answer);
      expect(await total(alice, 'Sent')).toBe(1);
      const size = mail.length;
      const copy = `APPEND Sent (\\Seen) {${size}+}\r\n${mail}`;
      expect(await imap(alice, [copy])).toMatch(/APPENDUID \d+ 1\]/);
      await until(async () => (await total(bob, 'INBOX')) === 1);
      const heard = await imap(bob, ['SELECT INBOX', 'FETCH 1 (RFC822.SIZE BODY.PEEK[])']);
      const [, trace = '', body = ''] =
        /BODY\[\] \{\d+\}\r\n([^]*?)(From: [^]*)\)\r\n/.exec(heard) ?? [];
      expect(body.slice(0, size)).toBe(mail);
      expect(trace).toContain(`Return-Path: <${alice.user}>`);
      expect(trace).toMatch(/Authentication-Results: [0-9a-f]{12}\.localhost;/);
      expect(heard).toContain(`RFC822.SIZE ${trace.length + size}`);
      const pop3 = await LineDialog.open(bob.port('pop3'));
      pop3.say(`USER ${bob.user}\r\nPASS ${bob.password}\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n`);
      expect(await pop3.over()).toContain('\tKept  as it is. \r\n.\r\n');
      expect([await total(bob, 'INBOX'), await total(bob, 'Trash')]).toEqual([0, 1]);
      // All of it is on the disk: a daemon that was started again knows the mail and its copy.
      for (const one of running.splice(0).toReversed()) await one.close();
      const again = await startPerson(1, disks[0]);
      expect(await handIn(again, 'bob@tangle.alt', mail)).toBe(answer);
      const [, uid] = /APPENDUID \d+ (\d+)\]/.exec(await imap(again, [copy])) ?? [];
      expect([uid, await total(again, 'Sent')]).toEqual(['1', 1]);
      // Another mail under the same Message-ID is not lost.
      const other = mail.replace('Kept', 'Lost');
      await imap(again, [`APPEND Sent (\\Seen) {${size}+}\r\n${other}`]);
      expect(await total(again, 'Sent')).toBe(2);
    },
    TEST_MS,
  );

  it(
    'tells how far a mail has come, by keywords at once and by reports that were asked for',
    async () => {
      const config = { ...FREE, receipts: { delivery: 'contacts', read: true } } as const;
      const [alice, bob] = await startPair(config);
      const session = await LineDialog.open(alice.port('imap'));
      session.say(`a LOGIN ${alice.user} ${alice.password}\r\nb ENABLE CONDSTORE\r\n`);
      session.say('c SELECT Sent\r\nd IDLE\r\n');
      await session.until(/(^|\n)\+ /);
      const mail =
        `From: ${alice.user}\r\nTo: ${bob.user}\r\nSubject: asked for\r\n` +
        `Message-ID: <asked@tangle.alt>\r\nDisposition-Notification-To: <${alice.user}>\r\n` +
        '\r\nhello\r\n';
      tangle.confirmNoMore();
      const answers = await smtp(alice, [
        `MAIL FROM:<${alice.user}> RET=HDRS ENVID=QQ+2B314`,
        `RCPT TO:<${bob.user}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@example.org`,
        'DATA',
        `${mail}.`,
      ]);
      expect(answers.at(-1)).toMatch(/^250 2\.0\.0 queued/);
      const inSent = ['SELECT Sent', 'FETCH 1:* (FLAGS)'];
      await until(async () => (await imap(alice, inSent)).includes('$Queued'));
      tangle.confirmAlways();
      await session.until(/\$Fetched[^\n]*MODSEQ/);
      await until(async () => (await total(bob, 'INBOX')) === 1);
      // This client answers by itself, and no program can make another one ask again.
      const stores = ['STORE 1 -FLAGS ($mdnsent)', 'STORE 1 FLAGS (\\Flagged)', 'FETCH 1 (FLAGS)'];
      const shown = await imap(bob, ['SELECT INBOX', ...stores]);
      expect(shown).toMatch(/FETCH \(FLAGS \([^)]*\$MDNSent[^)]*\)\)\r\nt OK[^\n]*\n$/);
      await imap(bob, ['SELECT INBOX', 'STORE 1 +FLAGS (\\Seen)']);
      await session.until(/\$Read/);
      session.close();
      const reports = async (): Promise<string> =>
        imap(alice, ['SELECT INBOX', 'FETCH 1:* (FLAGS BODY.PEEK[])']);
      await until(async () => (await reports()).includes('disposition-notification'));
      const heard = await reports();
      expect(heard).toContain('report-type=delivery-status');
      expect(heard).toContain('Original-Envelope-Id: QQ+314\r\n');
      expect(heard).toContain('Original-Recipient: rfc822;Bob+x@example.org\r\n');
      expect(heard).toContain(`Final-Recipient: rfc822; ${bob.user}\r\nAction: delivered\r\n`);
      expect(heard).toContain('In-Reply-To: <asked@tangle.alt>\r\n');
      expect(heard).toContain('Original-Message-ID: <asked@tangle.alt>\r\n');
      expect(heard).toContain('MDN-sent-automatically; displayed\r\n');
      const actions = heard.match(/^Action: \w+/gm) ?? [];
      expect(new Set(actions).size).toBe(actions.length);
    },
    TEST_MS,
  );

  it(
    'reports a failure with its reason, and refuses at once what it knows then',
    async () => {
      const alice = await startPerson(1);
      const bob = await startPerson(2, new Map(), { ...FREE, address: { contactsOnly: true } });
      await until(async () => (await isPublished(alice.client)) && isPublished(bob.client));
      const mail = `From: ${alice.user}\r\nSubject: unheard\r\nMessage-ID: <u@x>\r\n\r\nhi\r\n`;
      expect(await handIn(alice, bob.user, mail)).toMatch(/^250/);
      await until(async () => (await total(alice, 'INBOX')) === 1);
      const [sent] = await alice.client.service.messages({ folder: 'Sent', limit: 9 });
      expect(sent?.flags).toEqual(expect.arrayContaining(['\\Seen', '$Failed']));
      const heard = await imap(alice, ['SELECT INBOX', 'FETCH 1 (BODY.PEEK[])']);
      expect(heard).toContain(`Final-Recipient: rfc822; ${bob.user}\r\nAction: failed\r\n`);
      expect(heard).toContain('Status: 5.7.1\r\nDiagnostic-Code: x-tangle; contacts-only');
      expect(heard).toContain('Return-Path: <>\r\n');
      // Now the will of the recipient is known here, and the program hears of it at once.
      const refused = await smtp(alice, [`MAIL FROM:<${alice.user}>`, `RCPT TO:<${bob.user}>`]);
      expect(refused.at(-1)).toMatch(/^550 5\.7\.1/);
    },
    TEST_MS,
  );

  it(
    'refuses what must not leave, and says why',
    async () => {
      const alice = await startPerson(1);
      const wrong = alice.user.replace(/.@/, (end) => (end === 'q@' ? 'p@' : 'q@'));
      const [foreign, nobody, mistyped] = await smtp(alice, [
        'MAIL FROM:<eve@example.org>',
        'RSET',
        `MAIL FROM:<${alice.user}>`,
        'RCPT TO:<nobody@tangle.alt>',
        `RCPT TO:<${wrong}>`,
      ]).then((all) => [all[0], all[3], all[4]]);
      expect(foreign).toMatch(/^550 5\.7\.1/);
      expect(nobody).toMatch(/^550 5\.1\.1/);
      expect(mistyped).toMatch(/^550 5\.1\.1/);
    },
    TEST_MS,
  );

  it(
    'keeps folders, flags and drafts with the client’s own',
    async () => {
      const alice = await startPerson(1);
      const { client } = alice;
      const draft = `From: ${alice.user}\r\nSubject: half\r\n\r\nof it\r\n`;
      const heard = await imap(alice, [
        'CREATE "Work/Entw&APw-rfe"',
        `APPEND "Work/Entw&APw-rfe" (\\Flagged todo) {${draft.length}+}\r\n${draft}`,
        `APPEND Drafts (\\Draft) {${draft.length}+}\r\n${draft}`,
        'UNSUBSCRIBE Junk',
        'LSUB "" *',
        'DELETE INBOX',
        'RENAME Work Job/Old',
        'SELECT "Job/Old/Entw&APw-rfe"',
        'UID STORE 1 +FLAGS (\\Seen)',
      ]);
      expect(heard).not.toContain('LSUB () "/" Junk');
      expect(heard).toContain('t NO [CANNOT]');
      const [kept] = await client.service.messages({ folder: 'Job/Old/Entwürfe', limit: 9 });
      expect(kept?.flags).toEqual(['\\Flagged', '\\Seen', 'todo']);
      const drafts = (await client.services.mailbox?.drafts()) ?? [];
      expect(drafts.map((one) => one.subject)).toEqual(['half']);
    },
    TEST_MS,
  );

  it(
    'encrypts on request, forgets what came in clear behind that, and compresses',
    async () => {
      const alice = await startPerson(1);
      const plain = connect(alice.port('imap'), '127.0.0.1');
      await once(plain, 'data');
      // The second command is somebody's in between: it must never be answered.
      plain.write('a STARTTLS\r\nx LOGOUT\r\n');
      expect(`${(await once(plain, 'data'))[0]}`).toMatch(/^a OK [^\n]*\n$/);
      const ca = alice.bridge.bridge().certPem;
      const secure = connectTls({ socket: plain, servername: 'localhost', ca });
      await once(secure, 'secureConnect');
      secure.write(`b LOGIN ${alice.user} ${alice.password}\r\n`);
      expect(`${(await once(secure, 'data'))[0]}`).toMatch(/^b OK/);
      secure.write('c COMPRESS DEFLATE\r\n');
      expect(`${(await once(secure, 'data'))[0]}`).toMatch(/^c OK/);
      const [deflate, inflate] = [createDeflateRaw(), createInflateRaw()];
      deflate.pipe(secure);
      secure.pipe(inflate);
      deflate.write('d NOOP\r\n');
      deflate.flush(constants.Z_SYNC_FLUSH);
      expect(`${(await once(inflate, 'data'))[0]}`).toBe('d OK nothing to do\r\n');
      secure.destroy();
    },
    TEST_MS,
  );

  it(
    'encrypts POP3 on request, and forgets what came in clear behind that',
    async () => {
      const alice = await startPerson(1);
      const plain = connect(alice.port('pop3'), '127.0.0.1');
      await once(plain, 'data');
      plain.write('STLS\r\nCAPA\r\n');
      expect(`${(await once(plain, 'data'))[0]}`).toBe('+OK begin TLS now\r\n');
      const ca = alice.bridge.bridge().certPem;
      const secure = connectTls({ socket: plain, servername: 'localhost', ca });
      await once(secure, 'secureConnect');
      expect(secure.authorized).toBe(true);
      const ask = async (line: string): Promise<string> => {
        secure.write(`${line}\r\n`);
        return String((await once(secure, 'data'))[0]);
      };
      expect(await ask('CAPA')).not.toContain('STLS');
      expect(await ask('STLS')).toMatch(/^-ERR/);
      expect(await ask(`USER ${alice.user}`)).toMatch(/^\+OK/);
      expect(await ask(`PASS ${alice.password}`)).toBe('+OK 0 mails\r\n');
      secure.destroy();
    },
    TEST_MS,
  );

  it(
    'answers on both loopback addresses where the machine has two, and nowhere else',
    async () => {
      const alice = await startPerson(1);
      const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      const others = own.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
      const doors = alice.bridge.bridge().doors.filter(({ tls }) => tls === 'starttls');
      expect(doors.map((one) => one.protocol).toSorted()).toEqual(['imap', 'pop3', 'smtp']);
      for (const { port } of doors) {
        for (const { address } of own.filter((one) => LOOPBACKS.has(one.address))) {
          const socket = connect(port, address);
          expect(`${(await once(socket, 'data'))[0]}`).toMatch(/^(\* OK|\+OK|220)/);
          socket.destroy();
        }
        for (const { address } of others) {
          await expect(once(connect(port, address), 'connect')).rejects.toThrow('ECONNREFUSED');
        }
      }
    },
    TEST_MS,
  );

  it(
    'keeps its ports, whoever starts first the next time',
    async () => {
      const first = await freePort();
      const config: ClientConfigInput = { bridge: { ...FREE.bridge, imapPort: first } };
      const disks: Disk[] = [new Map(), new Map()];
      const before = [
        await startPerson(1, disks[0], config),
        await startPerson(2, disks[1], config),
      ];
      const ports = before.map((one) => one.port('imap'));
      expect(ports[0]).not.toBe(ports[1]);
      for (const one of running.splice(0).toReversed()) await one.close();
      const bob = await startPerson(2, disks[1], config);
      const alice = await startPerson(1, disks[0], config);
      expect([alice.port('imap'), bob.port('imap')]).toEqual(ports);
    },
    TEST_MS,
  );

  it(
    'ends what a password opened when it is taken back, and nothing else',
    async () => {
      const alice = await startPerson(1);
      const { id: taken, password } = await alice.bridge.addPassword('another');
      const { user } = alice;
      const imapLogin = async (word: string): Promise<LineDialog> => {
        const dialog = await LineDialog.open(alice.port('imap'));
        dialog.say(`a LOGIN ${user} ${word}\r\n`);
        await dialog.until(/a OK[^\n]*\n/);
        return dialog;
      };
      const [idle, kept] = [await imapLogin(password), await imapLogin(alice.password)];
      idle.say('b IDLE\r\n');
      await idle.until(/\+ [^\n]*\n/);
      const pop3 = await LineDialog.open(alice.port('pop3'));
      pop3.say(`USER ${user}\r\nPASS ${password}\r\n`);
      await pop3.until(/\d mails\r\n/);
      const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
      const submission = await LineDialog.open(alice.port('smtp'));
      await submission.until(/220 [^\n]*\n/);
      submission.say('EHLO test\r\n');
      await submission.until(/250 [^\n]*\n/);
      submission.say(`AUTH PLAIN ${plain}\r\n`);
      await submission.until(/235 [^\n]*\n/);
      await alice.bridge.removePassword(taken);
      expect(await idle.over()).toBe('* BYE the password was taken back\r\n');
      expect(await pop3.over()).toBe('-ERR [AUTH] the password was taken back\r\n');
      expect(await submission.over()).toBe('421 4.7.0 the password was taken back\r\n');
      kept.say('b NOOP\r\n');
      expect(await kept.until(/b [^\n]*\n/)).toContain('b OK');
      kept.close();
    },
    TEST_MS,
  );

  it(
    'is trusted by its certificate on this machine, and opens to its passwords only',
    async () => {
      const disk: Disk = new Map();
      const alice = await startPerson(1, disk);
      const { certPem, fingerprint, user, passwords } = alice.bridge.bridge();
      const socket = connectTls({
        port: alice.port('imap', 'implicit'),
        host: '127.0.0.1',
        servername: 'localhost',
        ca: certPem,
      });
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      });
      expect(socket.authorized).toBe(true);
      expect(socket.getPeerCertificate(true).issuerCertificate.fingerprint256).toBe(fingerprint);
      socket.destroy();
      const login = async (password: string): Promise<string> => imap({ ...alice, password }, []);
      expect(await login('wrong')).toContain('AUTHENTICATIONFAILED');
      expect(await login(alice.password.toUpperCase())).toContain('logged in');
      await alice.bridge.removePassword(passwords[0]!.id);
      expect(await login(alice.password)).toContain('AUTHENTICATIONFAILED');
      await expect(alice.bridge.removePassword('00')).rejects.toMatchObject({
        code: 'app-password-unknown',
      });
      expect(user).toMatch(/^tm[t1]/);
      for (const one of running.splice(0).toReversed()) await one.close();
      const again = await startPerson(1, disk);
      expect(again.bridge.bridge().fingerprint).toBe(fingerprint);
    },
    TEST_MS,
  );
});
