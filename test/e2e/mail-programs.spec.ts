/**
 * Mail programs that need nobody to sit in front of them, with real daemons: they hand in at
 * alice's and read at bob's, through the tangle, with the settings that the bridge prints. CI
 * installs them; where one is missing on another machine, its case says so aloud.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MailDesk } from './testing/mail-desk.ts';

const SETUP_TIMEOUT_MS = 180_000;
/** For what hangs: a case waits for more than one mail. */
const TEST_MS = 400_000;
/** More than the largest mail that is taken. */
const TOO_LARGE = 36_700_161;

let desk: MailDesk;

beforeAll(async () => {
  desk = await MailDesk.open();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await desk?.close();
}, SETUP_TIMEOUT_MS);

/** Hands a mail of this subject in at alice's with swaks; what swaks shows of the dialogue. */
async function swaks(
  subject: string,
  args: readonly string[],
  change: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { smtp, user, password, certificate } = desk.bridge('alice');
  const settings: Record<string, string> = {
    '--server': '127.0.0.1',
    '--port': `${smtp}`,
    '--auth': 'PLAIN',
    '--auth-user': user,
    '--auth-password': password,
    '--tls-ca-path': certificate,
    '--to': desk.bridge('bob').user,
    '--from': user,
    ...change,
  };
  settings['--data'] ??=
    `@${await desk.file(desk.mail(subject).replaceAll('\r\n', '\n'), 'latin1')}`;
  const all = [...Object.entries(settings).flat(), '--tls', '--tls-verify', ...args];
  return desk.tryRun('swaks', all);
}

describe('a mail is handed in by', () => {
  it(
    'curl, over TLS; a size that is too large is refused before it is sent',
    async () => {
      const { smtps, user, password, certificate } = desk.bridge('alice');
      const to = ['--mail-from', user, '--mail-rcpt', desk.bridge('bob').user];
      const login = ['--cacert', certificate, '-u', `${user}:${password}`];
      const send = ['-v', `smtps://localhost:${smtps}`, ...login, ...to, '-T'];
      await desk.run('curl', [...send, await desk.file(desk.mail('curl'), 'latin1')]);
      expect(await desk.keptOf('curl')).toBe(desk.mail('curl'));
      const large = await desk.file('x'.repeat(TOO_LARGE));
      expect(await desk.tryRun('curl', [...send, large])).toContain('< 552 ');
    },
    TEST_MS,
  );

  it(
    'swaks, over STARTTLS, pipelined too, and refused where it must be',
    async () => {
      if (await desk.isMissing('swaks')) return;
      expect(await swaks('swaks', [], { '--auth-password': 'wrong' })).toContain('<~* 535 5.7.8');
      expect(await swaks('swaks', [], { '--from': 'eve@example.org' })).toContain('<~* 550 5.7.1');
      const nobody = { '--to': 'nobody@tangle.alt' };
      expect(await swaks('swaks', [], nobody)).toContain('<~* 550 5.1.1');
      const body = `${'x'.repeat(990)}\n`.repeat(37_100);
      const large = `From: ${desk.bridge('alice').user}\n\n${body}`;
      const tooLarge = { '--data': `@${await desk.file(large)}` };
      expect(await swaks('swaks', ['--suppress-data'], tooLarge)).toContain('<~* 552 5.3.4');
      expect(await swaks('swaks', [])).toContain('250 2.0.0 queued');
      // It puts an empty line behind every message.
      expect(await desk.keptOf('swaks')).toBe(`${desk.mail('swaks')}\r\n`);
      expect(await swaks('pipelined', ['--pipeline'])).toContain('250 2.0.0 queued');
      expect(await desk.keptOf('pipelined')).toBe(`${desk.mail('pipelined')}\r\n`);
    },
    TEST_MS,
  );

  it(
    'msmtp, over TLS as the bridge prints it, and over STARTTLS',
    async () => {
      if (await desk.isMissing('msmtp')) return;
      const file = await desk.settings('alice', 'msmtp');
      const info = await desk.run('msmtp', ['-C', file, '--serverinfo', '--account=default']);
      for (const word of ['SIZE 36700160', 'PIPELINING', 'DSN', 'PLAIN LOGIN', 'CN=localhost']) {
        expect(info).toContain(word);
      }
      const starttls = ['--tls-starttls=on', `--port=${desk.bridge('alice').smtp}`];
      for (const [subject, args] of [
        ['msmtp', []],
        ['msmtp-starttls', starttls],
      ] as const) {
        const unix = desk.mail(subject).replaceAll('\r\n', '\n');
        await desk.run('msmtp', ['-C', file, ...args, desk.bridge('bob').user], unix);
      }
      for (const subject of ['msmtp', 'msmtp-starttls']) {
        expect(await desk.keptOf(subject)).toBe(desk.mail(subject));
      }
    },
    TEST_MS,
  );

  it(
    'mutt and neomutt, with one copy in Sent',
    async () => {
      if (await desk.isMissing('mutt', 'neomutt')) return;
      const file = await desk.settings('alice', 'mutt');
      for (const name of ['mutt', 'neomutt']) {
        const subject = `from-${name}`;
        const to = desk.bridge('bob').user;
        await desk.run(name, ['-n', '-F', file, '-s', subject, '--', to], 'hello\n');
        expect(await desk.arrived(subject)).toContain('\r\nhello\r\n');
        // The copy that a program brings and the one that was kept are one.
        expect(await desk.search('alice', `SUBJECT%20${subject}`, 'Sent')).toHaveLength(1);
      }
    },
    TEST_MS,
  );

  it(
    'the library of Python',
    async () => {
      const { smtp, user, password, certificate } = desk.bridge('alice');
      const script =
        'import smtplib,ssl,sys\n' +
        'c=ssl.create_default_context(cafile=sys.argv[1])\n' +
        's=smtplib.SMTP("localhost",int(sys.argv[2])); s.starttls(context=c)\n' +
        's.login(sys.argv[3],sys.argv[4])\n' +
        's.sendmail(sys.argv[3],[sys.argv[5]],sys.stdin.buffer.read(),["body=8bitmime"])\n';
      const args = ['-c', script, certificate, `${smtp}`, user, password, desk.bridge('bob').user];
      await desk.run('python3', args, desk.mail('python'));
      expect(await desk.keptOf('python')).toBe(desk.mail('python'));
    },
    TEST_MS,
  );

  it(
    'nodemailer, with an attachment, to some of whom one is unknown',
    async () => {
      const { smtp, smtps, user, password, certificate } = desk.bridge('alice');
      const ca = await readFile(certificate);
      const content = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * at) % 251));
      for (const secure of [true, false]) {
        const subject = secure ? 'nodemailer-tls' : 'nodemailer-starttls';
        const door = { port: secure ? smtps : smtp, secure, requireTLS: true };
        const auth = { user, pass: password };
        const transport = createTransport({ host: 'localhost', ...door, auth, tls: { ca } });
        const sent = await transport.sendMail({
          from: user,
          to: [desk.bridge('bob').user, 'nobody@tangle.alt'],
          subject,
          text: 'Grüße',
          attachments: [{ filename: 'figures.bin', content }],
          dsn: { id: subject, return: 'headers', notify: ['success', 'failure'], recipient: user },
        });
        transport.close();
        expect(sent.accepted).toEqual([desk.bridge('bob').user]);
        expect(sent.rejected).toEqual(['nobody@tangle.alt']);
        expect(sent.rejectedErrors?.[0]?.responseCode).toBe(550);
        expect(sent.response).toMatch(/^250 2\.0\.0 queued/);
        const kept = (await desk.arrived(subject)).replaceAll('\r\n', '');
        expect(kept).toContain(content.toString('base64'));
      }
    },
    TEST_MS,
  );
});

/** Settings of a program for bob's POP3 over TLS that the bridge has no words for. */
function mpopSettings(spool: string, uids: string): string {
  const { user, password, certificate, pop3s } = desk.bridge('bob');
  const tls = ['tls on', 'tls_starttls off', `tls_trust_file ${certificate}`];
  const account = ['account bob', 'host localhost', `port ${pop3s}`, ...tls, 'auth plain'];
  const files = ['keep on', `uidls_file ${uids}`, `delivery mbox ${spool}`];
  return [...account, `user ${user}`, `password ${password}`, ...files, ''].join('\n');
}

/** The same of getmail6; it hands each mail to a program: as root it delivers no other way. */
function getmailSettings(retriever: string, port: number, spool: string): string {
  const { user, password, certificate } = desk.bridge('bob');
  return [
    '[retriever]',
    `type = ${retriever}`,
    'server = localhost',
    `port = ${port}`,
    `username = ${user}`,
    `password = ${password}`,
    `ca_certs = ${certificate}`,
    '[destination]',
    'type = MDA_external',
    'path = /bin/sh',
    `arguments = ("-c", "cat >> ${spool}")`,
    // Without these two it refuses to run a program as root.
    `user = ${process.getuid?.() === 0 ? 'nobody' : ''}`,
    `group = ${process.getuid?.() === 0 ? 'nogroup' : ''}`,
    '[options]',
    'read_all = false',
    'delete = false',
    '',
  ]
    .filter((line) => !/^(user|group) = $/.test(line))
    .join('\n');
}

describe('mail is read by', () => {
  it(
    'mbsync, both ways; its second run finds nothing to do',
    async () => {
      if (await desk.isMissing('mbsync')) return;
      const file = await desk.settings('bob', 'mbsync');
      const inbox = join(desk.home, 'Mail', 'tanglemail', 'INBOX');
      await mkdir(join(desk.home, 'Mail', 'tanglemail'), { recursive: true });
      await desk.run('mbsync', ['-c', file, '-a']);
      // They were read by curl, so they are no new ones.
      const cur = join(inbox, 'cur');
      const [first = ''] = await readdir(cur);
      expect(await readFile(join(cur, first), 'latin1')).toContain('Subject: ');
      // Flagged here, so there too.
      await rename(join(cur, first), join(cur, `${first.split(':')[0]}:2,FS`));
      await desk.run('mbsync', ['-c', file, '-a']);
      expect(await desk.search('bob', 'FLAGGED%20SEEN')).toHaveLength(1);
      const before = await readdir(cur);
      const again = await desk.run('mbsync', ['-V', '-c', file, '-a']);
      expect(again).not.toMatch(/error|warning/i);
      expect(await readdir(cur)).toEqual(before);
    },
    TEST_MS,
  );

  it(
    'fetchmail, by POP3 and IMAP; its second run fetches nothing',
    async () => {
      if (await desk.isMissing('fetchmail')) return;
      const file = await desk.settings('bob', 'fetchmail');
      const unseen = desk.mail('unseen').replaceAll('\r\n', '\n');
      const msmtp = await desk.settings('alice', 'msmtp');
      await desk.run('msmtp', ['-C', msmtp, desk.bridge('bob').user], unseen);
      await desk.waitFor('unseen');
      const byImap = ['-p', 'IMAP', '--port', `${desk.bridge('bob').imaps}`];
      for (const [subject, args] of [
        ['unseen', byImap],
        ['curl', []],
      ] as const) {
        const spool = join(desk.home, `fetched-${subject}`);
        const ids = ['-i', join(desk.home, `ids-${subject}`)];
        const all = ['-f', file, ...args, ...ids, '--mda', `cat >> ${spool}`, '--nosyslog'];
        await desk.run('fetchmail', all);
        const fetched = await readFile(spool, 'latin1');
        expect(fetched).toContain(`Subject: ${subject}`);
        // 1: there was no mail.
        await expect(desk.run('fetchmail', all)).rejects.toMatchObject({ code: 1 });
        expect(await readFile(spool, 'latin1')).toBe(fetched);
      }
    },
    TEST_MS,
  );

  it(
    'mpop, by POP3; its second run fetches nothing',
    async () => {
      if (await desk.isMissing('mpop')) return;
      const spool = join(desk.home, 'mpop.mbox');
      const file = await desk.file(mpopSettings(spool, join(desk.home, 'uids')));
      await desk.run('mpop', ['-q', '-C', file, 'bob']);
      const fetched = await readFile(spool, 'latin1');
      expect(fetched).toContain('Subject: curl');
      await desk.run('mpop', ['-q', '-C', file, 'bob']);
      expect(await readFile(spool, 'latin1')).toBe(fetched);
    },
    TEST_MS,
  );

  it(
    'getmail6, by POP3 and IMAP; its second run fetches nothing',
    async () => {
      if (await desk.isMissing('getmail')) return;
      const { imaps, pop3s } = desk.bridge('bob');
      const ways = { SimpleIMAPSSLRetriever: imaps, SimplePOP3SSLRetriever: pop3s };
      for (const [retriever, port] of Object.entries(ways)) {
        const spool = await desk.file('');
        await desk.run('chmod', ['a+rwx', desk.home, spool]);
        const file = await desk.file(getmailSettings(retriever, port, spool));
        const args = ['-g', desk.home, '--rcfile', file];
        await desk.run('getmail', args);
        const fetched = await readFile(spool, 'latin1');
        expect(fetched).toContain('Subject: curl');
        expect(await desk.run('getmail', args)).toMatch(/ 0 messages \(0 bytes\) retrieved/);
        expect(await readFile(spool, 'latin1')).toBe(fetched);
      }
    },
    TEST_MS,
  );

  it(
    'curl, by POP3 with STLS',
    async () => {
      const { pop3, user, password, certificate } = desk.bridge('bob');
      const login = ['-sS', '--ssl-reqd', '--cacert', certificate, '-u', `${user}:${password}`];
      const list = await desk.run('curl', [...login, `pop3://localhost:${pop3}/`]);
      const total = list.trim().split('\n').length;
      const all: string[] = [];
      for (let number = 1; number <= total; number++) {
        all.push(await desk.run('curl', [...login, `pop3://localhost:${pop3}/${number}`]));
      }
      expect(all.some((one) => one.endsWith(desk.mail('curl')))).toBe(true);
    },
    TEST_MS,
  );

  it(
    'the libraries of Python, by IMAP and POP3',
    async () => {
      const { imaps, pop3s, user, password, certificate } = desk.bridge('bob');
      const script =
        'import imaplib,poplib,ssl,sys\n' +
        'cert,imaps,pop3s,user,word=sys.argv[1:]\n' +
        'c=ssl.create_default_context(cafile=cert)\n' +
        'm=imaplib.IMAP4_SSL("localhost",int(imaps),ssl_context=c)\n' +
        'm.login(user,word); m.select("INBOX")\n' +
        'n=m.search(None,"SUBJECT","curl")[1][0].decode()\n' +
        'a=m.fetch(n,"(BODY.PEEK[])")[1][0][1]\n' +
        'p=poplib.POP3_SSL("localhost",int(pop3s),context=c); p.user(user); p.pass_(word)\n' +
        'b=[b"\\r\\n".join(p.retr(i+1)[1])+b"\\r\\n" for i in range(p.stat()[0])]\n' +
        'p.quit(); m.logout(); print(a in b, len(b))\n';
      const args = [certificate, `${imaps}`, `${pop3s}`, user, password];
      expect(await desk.run('python3', ['-c', script, ...args])).toMatch(/^True \d+/);
    },
    TEST_MS,
  );
});
