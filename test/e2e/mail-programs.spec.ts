/**
 * Mail programs as people have them, in front of real daemons: handed in by five at alice's, read
 * by six at bob's, through the tangle. CI installs them; where one is missing on another machine,
 * its case says so aloud and counts nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type SetupFacts,
  type SetupProgram,
  setupText,
} from '../../apps/client/src/bridge/setup-texts.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { Rig } from './testing/rig.ts';

const run = promisify(execFile);
const SETUP_TIMEOUT_MS = 180_000;
const TEST_MS = 120_000;
const RUN_MS = 60_000;

let rig: Rig | undefined;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tanglemail-programs-'));
  rig = await Rig.open();
  await rig.befriend();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await rig?.close();
  await rm(folder, { recursive: true, force: true });
}, SETUP_TIMEOUT_MS);

type Role = 'alice' | 'bob';

function bridgeOf(role: Role) {
  const bridge = rig?.devnet.network.clients[role].bridge;
  if (bridge === null || bridge === undefined) throw new Error('the bridge did not open');
  return bridge;
}

function factsOf(role: Role): SetupFacts {
  const { user, password, certificate: certFile, ...ports } = bridgeOf(role);
  return { user, password, ports, certFile, certPem: '', host: '127.0.0.1' };
}

/** Writes the settings that the bridge prints for a program; gives the file. */
async function settings(role: Role, name: SetupProgram, change = (text: string) => text) {
  const path = join(folder, `${role}-${name}`);
  await writeFile(path, change(setupText(name, factsOf(role))));
  await chmod(path, 0o600);
  return path;
}

async function isMissing(name: string): Promise<boolean> {
  const isThere = await run('sh', ['-c', `command -v ${name}`]).then(
    () => true,
    () => false,
  );
  if (!isThere && process.env['CI'] === 'true') throw new Error(`${name} is not installed`);
  if (!isThere) process.stderr.write(`NOT TESTED: ${name} is not installed\n`);
  return !isThere;
}

/** Runs a program in a home of its own; rejects with what it said when it fails. */
async function program(name: string, args: readonly string[], input = ''): Promise<string> {
  const options = {
    timeout: RUN_MS,
    maxBuffer: 64 << 20,
    encoding: 'latin1' as const,
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' },
  };
  const running = run(name, args, options);
  // A program that reads nothing ends before it was written to.
  running.child.stdin?.on('error', () => undefined).end(input, 'latin1');
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

/** A message of alice to bob; the lines are such as programs like to change. */
function mail(subject: string): string {
  return (
    `From: ${bridgeOf('alice').user}\r\nTo: ${bridgeOf('bob').user}\r\nSubject: ${subject}\r\n` +
    `Message-ID: <${subject}@tangle.alt>\r\nMIME-Version: 1.0\r\n` +
    'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
    'Gr\u00c3\u00bc\u00c3\u009fe \r\n.\r\n..dots\r\n\tend\r\n'
  );
}

/** The whole message that bob's inbox shows, once it is there. */
async function arrived(subject: string): Promise<string> {
  const { imaps, user, password, certificate } = bridgeOf('bob');
  const base = `imaps://localhost:${imaps}/INBOX`;
  const common = ['-sS', '--cacert', certificate, '-u', `${user}:${password}`];
  const uid = await until(`${subject} is in bob's inbox`, TEST_MS, async () => {
    const found = await program('curl', [...common, `${base}?SUBJECT%20${subject}`]);
    return /SEARCH (\d+)/.exec(found)?.[1] ?? new NotYet(found);
  });
  return program('curl', [...common, `${base};MAILINDEX=${uid}`]);
}

/** The same without what stands in front of it: what alice handed in. */
async function keptOf(subject: string): Promise<string> {
  const shown = await arrived(subject);
  return shown.slice(shown.indexOf('From: '));
}

describe('a mail is handed in by', () => {
  it(
    'curl, over TLS',
    async () => {
      const { smtps, user, password, certificate } = bridgeOf('alice');
      const file = join(folder, 'curl.eml');
      await writeFile(file, mail('curl'), 'latin1');
      const to = ['--mail-from', user, '--mail-rcpt', bridgeOf('bob').user];
      const login = ['--cacert', certificate, '-u', `${user}:${password}`];
      await program('curl', ['-sS', `smtps://localhost:${smtps}`, ...login, ...to, '-T', file]);
      expect(await keptOf('curl')).toBe(mail('curl'));
    },
    TEST_MS,
  );

  it(
    'swaks, over STARTTLS, and refused for a wrong password and a foreign sender',
    async () => {
      if (await isMissing('swaks')) return;
      const { smtp, user, password, certificate } = bridgeOf('alice');
      const common = ['--server', '127.0.0.1', '--port', `${smtp}`, '--tls', '--auth', 'PLAIN'];
      common.push('--tls-verify', '--tls-ca-path', certificate);
      const to = ['--to', bridgeOf('bob').user, '--auth-user', user];
      const sends = async (from: string, word: string): Promise<string> => {
        const data = join(folder, 'swaks.eml');
        await writeFile(data, mail('swaks').replaceAll('\r\n', '\n'), 'latin1');
        const args = [
          ...common,
          ...to,
          '--from',
          from,
          '--auth-password',
          word,
          '--data',
          `@${data}`,
        ];
        return program('swaks', args).catch((error: { stdout?: string }) => error.stdout ?? '');
      };
      expect(await sends(user, 'wrong')).toContain('<~* 535 5.7.8');
      expect(await sends('eve@example.org', password)).toContain('<~* 550 5.7.1');
      expect(await sends(user, password)).toContain('250 2.0.0 queued');
      // It puts an empty line behind every message.
      expect(await keptOf('swaks')).toBe(`${mail('swaks')}\r\n`);
    },
    TEST_MS,
  );

  it(
    'msmtp, with the settings that the bridge prints',
    async () => {
      if (await isMissing('msmtp')) return;
      const file = await settings('alice', 'msmtp');
      const unix = mail('msmtp').replaceAll('\r\n', '\n');
      await program('msmtp', ['-C', file, bridgeOf('bob').user], unix);
      expect(await keptOf('msmtp')).toBe(mail('msmtp'));
    },
    TEST_MS,
  );

  it(
    'mutt, with the settings that the bridge prints, and a copy in Sent',
    async () => {
      if (await isMissing('mutt')) return;
      const file = await settings('alice', 'mutt');
      const bob = bridgeOf('bob').user;
      await program('mutt', ['-n', '-F', file, '-s', 'mutt', '--', bob], 'hello\n');
      expect(await arrived('mutt')).toContain('\r\nhello\r\n');
      const { imaps, user, password, certificate } = bridgeOf('alice');
      const found = await program('curl', [
        '-sS',
        '--cacert',
        certificate,
        '-u',
        `${user}:${password}`,
        `imaps://localhost:${imaps}/Sent?SUBJECT%20mutt`,
      ]);
      // The copy that mutt brings and the one that was kept are one.
      expect(found.trim()).toMatch(/SEARCH \d+$/);
    },
    TEST_MS,
  );

  it(
    'the library of Python',
    async () => {
      const { smtp, user, password, certificate } = bridgeOf('alice');
      const script =
        'import smtplib,ssl,sys\n' +
        'c=ssl.create_default_context(cafile=sys.argv[1])\n' +
        's=smtplib.SMTP("localhost",int(sys.argv[2])); s.starttls(context=c)\n' +
        's.login(sys.argv[3],sys.argv[4])\n' +
        's.sendmail(sys.argv[3],[sys.argv[5]],sys.stdin.buffer.read(),["body=8bitmime"])\n';
      const args = ['-c', script, certificate, `${smtp}`, user, password, bridgeOf('bob').user];
      await program('python3', args, mail('python'));
      expect(await keptOf('python')).toBe(mail('python'));
    },
    TEST_MS,
  );
});

describe('mail is read by', () => {
  it(
    'mbsync, both ways; its second run finds nothing to do',
    async () => {
      if (await isMissing('mbsync')) return;
      const file = await settings('bob', 'mbsync', (text) => text.replaceAll('~', folder));
      const inbox = join(folder, 'Mail', 'tanglemail', 'INBOX');
      await program('mkdir', ['-p', join(folder, 'Mail', 'tanglemail')]);
      await program('mbsync', ['-c', file, '-a']);
      // They were read by curl, so they are no new ones.
      const cur = join(inbox, 'cur');
      const [first = ''] = await readdir(cur);
      expect(await readFile(join(cur, first), 'latin1')).toContain('Subject: ');
      // Flagged here, so there too.
      await rename(join(cur, first), join(cur, `${first.split(':')[0]}:2,FS`));
      await program('mbsync', ['-c', file, '-a']);
      const { imaps, user, password, certificate } = bridgeOf('bob');
      const login = ['-sS', '--cacert', certificate, '-u', `${user}:${password}`];
      const flagged = await program('curl', [
        ...login,
        `imaps://localhost:${imaps}/INBOX?FLAGGED%20SEEN`,
      ]);
      expect(flagged.trim()).toMatch(/SEARCH \d+$/);
      const before = await readdir(cur);
      const again = await program('mbsync', ['-V', '-c', file, '-a']);
      expect(again).not.toMatch(/error|warning/i);
      expect(await readdir(cur)).toEqual(before);
    },
    TEST_MS,
  );

  it(
    'fetchmail, by POP3; its second run fetches nothing',
    async () => {
      if (await isMissing('fetchmail')) return;
      const file = await settings('bob', 'fetchmail');
      const spool = join(folder, 'fetched');
      const args = [
        '-f',
        file,
        '-i',
        join(folder, 'fetchids'),
        '--mda',
        `cat >> ${spool}`,
        '--nosyslog',
      ];
      await program('fetchmail', args);
      const fetched = await readFile(spool, 'latin1');
      expect(fetched).toContain('Subject: curl');
      // 1: there was no mail.
      await expect(program('fetchmail', args)).rejects.toMatchObject({ code: 1 });
      expect(await readFile(spool, 'latin1')).toBe(fetched);
    },
    TEST_MS,
  );

  it(
    'the libraries of Python, by IMAP and POP3',
    async () => {
      const { imaps, pop3s, user, password, certificate } = bridgeOf('bob');
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
      expect(await program('python3', ['-c', script, ...args])).toMatch(/^True \d+/);
    },
    TEST_MS,
  );
});
