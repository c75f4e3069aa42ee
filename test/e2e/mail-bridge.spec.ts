/**
 * The bridge with real daemons, where a person or a program with a mind of its own sits in front:
 * what `tanglemail bridge` prints, what its passwords and certificates are worth, imapflow, mutt on
 * a screen, mails byte for byte, and a signed mail with a large attachment from mutt to mbsync.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ImapFlow } from 'imapflow';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { MailDesk } from './testing/mail-desk.ts';
import { Screen } from './testing/screen.ts';

const SETUP_TIMEOUT_MS = 180_000;
const WAIT_MS = 120_000;
/** For what hangs in the cases that wait for more than one thing. */
const LONG_MS = 400_000;
const ATTACHMENT_BYTES = 10_000_000;

let desk: MailDesk;

beforeAll(async () => {
  desk = await MailDesk.open();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await desk?.run('gpgconf', ['--kill', 'all']).catch(() => undefined);
  await desk?.close();
}, SETUP_TIMEOUT_MS);

async function openFlow(password = desk.bridge('bob').password): Promise<ImapFlow> {
  const { imaps, user, certificate } = desk.bridge('bob');
  const flow = new ImapFlow({
    host: 'localhost',
    port: imaps,
    secure: true,
    auth: { user, pass: password },
    tls: { ca: await readFile(certificate) },
    logger: false,
    qresync: true,
  });
  // What ends a connection is told to whoever waits for a command of it.
  flow.on('error', () => undefined);
  await flow.connect();
  return flow;
}

/** What a script of Python prints as JSON. */
async function python(script: string, args: readonly string[], input = ''): Promise<unknown> {
  return JSON.parse(await desk.run('python3', ['-c', script, ...args], input));
}

/** Messages of a folder of bob's, as `tanglemail inbox` lists them. */
async function listed(folder: string): Promise<{ id: string; subject: string; flags: string[] }[]> {
  return JSON.parse(await desk.cli('bob', '--json', 'inbox', '--folder', folder));
}

describe('tanglemail bridge', () => {
  it('shows where programs connect, and the passwords without their words', async () => {
    const { user, password, certificate, ...ports } = desk.bridge('bob');
    const shown = await desk.cli('bob', 'bridge', 'show');
    expect(shown).toContain(user);
    expect(shown).toContain(certificate);
    for (const port of Object.values(ports)) expect(shown).toContain(`127.0.0.1:${port}\n`);
    expect(shown).toMatch(/[0-9a-f]{16} {2}network\.json/);
    expect(shown).not.toContain(password);
  });

  it('makes settings for Thunderbird, whole and with values that its format knows', async () => {
    const script =
      'import json,sys,xml.etree.ElementTree as e\n' +
      'def t(x): return {c.tag: (c.text if len(c)==0 else [dict(c.attrib), t(c)]) for c in x}\n' +
      'r=e.parse(sys.argv[1]).getroot(); print(json.dumps([r.tag,r.attrib,t(r)]))\n';
    const file = await desk.settings('bob', 'thunderbird');
    const { user, imaps, smtps } = desk.bridge('bob');
    const server = (port: number): Record<string, string> => ({
      hostname: 'localhost',
      port: `${port}`,
      // Of: plain, SSL, STARTTLS.
      socketType: 'SSL',
      username: user,
      // Of: password-cleartext, password-encrypted, NTLM, GSSAPI, client-IP-address and others.
      authentication: 'password-cleartext',
    });
    expect(await python(script, [file])).toEqual([
      'clientConfig',
      { version: '1.1' },
      {
        emailProvider: [
          { id: 'tangle.alt' },
          {
            domain: 'tangle.alt',
            displayName: 'Tanglemail',
            displayShortName: 'Tanglemail',
            incomingServer: [{ type: 'imap' }, server(imaps)],
            outgoingServer: [{ type: 'smtp' }, server(smtps)],
          },
        ],
      },
    ]);
  });

  it('makes a profile for Apple’s programs that logs in and trusts the authority', async () => {
    const script =
      'import base64,json,plistlib,sys\n' +
      'p=plistlib.load(open(sys.argv[1],"rb"),fmt=plistlib.FMT_XML)\n' +
      'print(json.dumps(p,default=lambda b: base64.b64encode(b).decode()))\n';
    const profile = (await python(script, [await desk.settings('bob', 'apple')])) as Record<
      string,
      unknown
    >;
    expect(profile).toMatchObject({ PayloadType: 'Configuration', PayloadVersion: 1 });
    const [mail = {}, root = {}] = profile['PayloadContent'] as Record<string, unknown>[];
    const { user, imaps, smtps, certificate } = desk.bridge('bob');
    expect(mail).toMatchObject({
      PayloadType: 'com.apple.mail.managed',
      EmailAccountType: 'EmailTypeIMAP',
      EmailAddress: user,
      IncomingMailServerAuthentication: 'EmailAuthPassword',
      IncomingMailServerHostName: 'localhost',
      IncomingMailServerPortNumber: imaps,
      IncomingMailServerUseSSL: true,
      IncomingMailServerUsername: user,
      OutgoingMailServerAuthentication: 'EmailAuthPassword',
      OutgoingMailServerHostName: 'localhost',
      OutgoingMailServerPortNumber: smtps,
      OutgoingMailServerUseSSL: true,
      OutgoingMailServerUsername: user,
    });
    expect(mail['OutgoingPassword']).toBe(mail['IncomingPassword']);
    const flow = await openFlow(String(mail['IncomingPassword']));
    await flow.logout();
    const pem = await readFile(certificate, 'utf8');
    expect(root).toMatchObject({ PayloadType: 'com.apple.security.root', PayloadVersion: 1 });
    expect(root['PayloadContent']).toBe(pem.replaceAll(/-----[^-]+-----|\s/g, ''));
    const ids = [profile, mail, root].map((one) => one['PayloadUUID']);
    expect(new Set(ids).size).toBe(3);
  });

  it('takes a password back, which ends what it opened, and no other', async () => {
    const made = await desk.cli('bob', 'bridge', 'password', 'A reader');
    const [, password = ''] = /password +(\S+)/.exec(made) ?? [];
    const [, id = ''] = /id +(\S+)/.exec(made) ?? [];
    const [flow, other] = [await openFlow(password), await openFlow()];
    const closed = new Promise((resolve) => flow.once('close', resolve as () => void));
    expect(await desk.cli('bob', 'bridge', 'revoke', id)).toContain('worth nothing any more');
    await closed;
    await expect(openFlow(password)).rejects.toMatchObject({ authenticationFailed: true });
    await other.noop();
    await other.logout();
    expect(await desk.cli('bob', 'bridge', 'show')).not.toContain(id);
    await expect(desk.cli('bob', 'bridge', 'revoke', id)).rejects.toThrow(id);
  });

  it(
    'has an authority for this machine alone, which stays when the certificate is new',
    async () => {
      if (await desk.isMissing('openssl')) return;
      const { certificate } = desk.bridge('bob');
      const pem = await readFile(certificate, 'utf8');
      expect((await desk.cli('bob', 'bridge', 'certificate')).trim()).toBe(pem.trim());
      const text = await desk.run('openssl', ['x509', '-in', certificate, '-noout', '-text']);
      expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
      expect(text).toMatch(/Name Constraints: critical\s+Permitted:\s+DNS:localhost/);
      expect(text).toContain('IP:127.0.0.1/255.255.255.255');
      const leaves: string[] = [];
      for (const time of ['before', 'after']) {
        const { imaps, imap, smtp, pop3 } = desk.bridge('bob');
        const doors = [[imaps], [imap, 'imap'], [smtp, 'smtp'], [pop3, 'pop3']] as const;
        for (const [port, protocol] of doors) {
          const starttls = protocol === undefined ? [] : ['-starttls', protocol];
          const strict = ['-verify_return_error', '-verify_hostname', 'localhost', '-x509_strict'];
          const args = ['-connect', `localhost:${port}`, '-CAfile', certificate, ...strict];
          const said = await desk.run('openssl', ['s_client', ...args, ...starttls]);
          expect(said).toContain('Verify return code: 0 (ok)');
          leaves.push(/-----BEGIN[^]*?END CERTIFICATE-----/.exec(said)?.[0] ?? time);
        }
        if (time === 'after') break;
        await desk.rig.devnet.stop('bob');
        await desk.rig.devnet.start('bob');
      }
      // One of each start, four times.
      expect(new Set(leaves).size).toBe(2);
      expect(await readFile(certificate, 'utf8')).toBe(pem);
      const leaf = await desk.file(leaves[0] ?? '');
      const shown = await desk.run('openssl', ['x509', '-in', leaf, '-noout', '-text']);
      expect(shown).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
      expect(shown).toContain('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
      expect(shown).toContain('TLS Web Server Authentication');
      const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', certificate];
      expect(await desk.run('openssl', [...verify, leaf])).toContain(': OK');
    },
    LONG_MS,
  );
});

/** Mails of alice to bob that somebody on the way may be tempted to change. */
function delicateMails(): Map<string, string> {
  const { user } = desk.bridge('alice');
  const bytes = (text: string): string => Buffer.from(text).toString('latin1');
  const text = (charset: string): string[] => [
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${charset}`,
    'Content-Transfer-Encoding: 8bit',
  ];
  const upper = Buffer.from(Array.from({ length: 128 }, (_, at) => at + 128)).toString('latin1');
  const list = [
    'List-Id: Friends of trees <trees.example.org>',
    `List-Unsubscribe: <mailto:${user}?subject=no>,\r\n\t<https://example.org/no>`,
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    'List-Post: NO',
    'Precedence: list',
    `Reply-To: "Bob, too" <${desk.bridge('bob').user}>`,
    'X-Folded: one\r\n\ttwo\r\n  three',
  ];
  return new Map([
    ['list', desk.mailOf('list', list, 'x\r\n')],
    ['eight-bit', desk.mailOf('eight-bit', text('iso-8859-1'), `${upper}\r\n`)],
    ['utf8', desk.mailOf('utf8', [bytes('X-Name: Grüße €'), ...text('utf-8')], bytes('€\r\n'))],
    ['long', desk.mailOf('long', [], `${'y'.repeat(998)}\r\n.\r\n..\r\n${'z'.repeat(998)}\r\n`)],
    ['spaces', desk.mailOf('spaces', [], ' \r\n\t\r\nFrom here \r\n\r\n\r\n')],
  ]);
}

/** Hands mails in over one connection, bytes as they are; what each was answered, '' when taken. */
async function handIn(mails: ReadonlyMap<string, string>): Promise<Record<string, string>> {
  const script =
    'import json,smtplib,ssl,sys\n' +
    'c=ssl.create_default_context(cafile=sys.argv[1])\n' +
    's=smtplib.SMTP_SSL("localhost",int(sys.argv[2]),context=c)\n' +
    's.login(sys.argv[3],sys.argv[4]); r={}\n' +
    'for k,v in json.load(sys.stdin).items():\n' +
    ' try: r[k]=str(s.sendmail(sys.argv[3],[sys.argv[5]],v.encode("latin1"),' +
    '["SMTPUTF8","BODY=8BITMIME"]) or "")\n' +
    ' except smtplib.SMTPResponseException as e:\n' +
    '  r[k]="%d %s"%(e.smtp_code,e.smtp_error.decode())\n' +
    'print(json.dumps(r))\n';
  const { certificate, smtps, user, password } = desk.bridge('alice');
  const args = [certificate, `${smtps}`, user, password, desk.bridge('bob').user];
  // JSON in ASCII, because the input goes through as octets.
  const input = JSON.stringify(Object.fromEntries(mails)).replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return (await python(script, args, input)) as Record<string, string>;
}

describe('mails go through byte for byte', () => {
  it(
    'with the fields of lists, eight bits, long lines, and dots',
    async () => {
      const mails = delicateMails();
      const answers = await handIn(mails);
      expect(Object.values(answers).join('')).toBe('');
      const { pop3s, user, password, certificate } = desk.bridge('bob');
      for (const subject of mails.keys()) await desk.waitFor(subject);
      const login = ['-sS', '--cacert', certificate, '-u', `${user}:${password}`];
      const list = await desk.run('curl', [...login, `pop3s://localhost:${pop3s}/`]);
      const numbers = list
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]);
      const urls = numbers.map((number) => `pop3s://localhost:${pop3s}/${number}`);
      const popped = await desk.run('curl', [...login, ...urls]);
      for (const [subject, mail] of mails) {
        expect(await desk.keptOf(subject)).toBe(mail);
        expect(popped).toContain(mail);
      }
    },
    LONG_MS,
  );

  it('and nothing else is taken, with a word of why', async () => {
    const bare = desk.mailOf('bare', [], 'one\ntwo\r\n');
    const long = desk.mailOf('too-long', [], `${'y'.repeat(999)}\r\n`);
    const nul = desk.mailOf('nul', [], 'one\0two\r\n');
    const answers = await handIn(new Map(Object.entries({ bare, long, nul })));
    expect(answers['bare']).toMatch(/^554 5\.6\.0 .*bare-newline/);
    expect(answers['long']).toMatch(/^554 5\.6\.0 .*line-too-long/);
    expect(answers['nul']).toMatch(/^554 5\.6\.0 .*nul/);
  });

  it(
    'but for Bcc, which stays with the sender',
    async () => {
      const field = `Bcc: ${desk.bridge('bob').user},\r\n\tcarol@tangle.alt`;
      const mail = desk.mailOf('blind', ['X-Before: 1', field, 'X-After: 1'], 'x\r\n');
      expect(await handIn(new Map([['blind', mail]]))).toEqual({ blind: '' });
      expect(await desk.keptOf('blind')).toBe(mail.replace(`${field}\r\n`, ''));
      const [number] = await desk.search('alice', 'SUBJECT%20blind', 'Sent');
      const { login, url } = desk.curl('alice', 'Sent');
      expect(await desk.run('curl', [...login, `${url};MAILINDEX=${number}`])).toBe(mail);
    },
    LONG_MS,
  );
});

describe('imapflow', () => {
  it('reads, marks, moves and finds mail, and syncs again by what changed', async () => {
    const flow = await openFlow();
    const enabled = ['CONDSTORE', 'IMAP4REV2', 'QRESYNC', 'UTF8=ACCEPT'];
    expect([...flow.enabled].toSorted()).toEqual(enabled);
    await flow.mailboxCreate('Projects/Trees');
    const raws = [1, 2, 3].map((count) => Buffer.from(desk.mailOf(`flow-${count}`, [], 'x\r\n')));
    for (const raw of raws) await flow.append('Projects/Trees', raw, ['$Forwarded'], new Date(0));
    const lock = await flow.getMailboxLock('Projects/Trees');
    const all = await flow.fetchAll('1:*', { envelope: true, flags: true, source: true });
    expect(all.map((one) => one.envelope?.subject)).toEqual(['flow-1', 'flow-2', 'flow-3']);
    expect(all.map((one) => one.source)).toEqual(raws);
    expect(all[0]?.flags).toEqual(new Set(['$Forwarded']));
    const query = { bodyStructure: true, internalDate: true, size: true, threadId: true };
    const one = await flow.fetchOne('2', query);
    expect(one).toMatchObject({ size: raws[1]?.length, bodyStructure: { type: 'text/plain' } });
    expect(one && one.internalDate).toEqual(new Date(0));
    expect(await flow.messageFlagsAdd('1', ['\\Flagged', 'trees'])).toBe(true);
    expect(await flow.search({ flagged: true, keyword: 'trees' })).toEqual([1]);
    expect(await flow.search({ subject: 'flow-3' }, { uid: true })).toEqual([3]);
    const moved = await flow.messageMove('3', 'Archive');
    expect(moved && moved.uidMap?.size).toBe(1);
    lock.release();
    await flow.mailboxOpen('INBOX');
    const { uidValidity, highestModseq: changedSince } = await flow.mailboxOpen('Projects/Trees');
    await flow.logout();
    // Somebody else changes the folder meanwhile; it hears of that with the next opening alone.
    const rows = await listed('Projects/Trees');
    const id = (subject: string): string => rows.find((row) => row.subject === subject)?.id ?? '';
    await desk.cli('bob', 'flag', id('flow-1'), '--remove', 'flagged');
    await desk.cli('bob', 'delete', id('flow-2'));
    const again = await openFlow();
    const news: string[] = [];
    again.on('flags', ({ uid, flags }) => news.push(`${uid} ${[...flags].toSorted().join(' ')}`));
    again.on('expunge', (event) => news.push(`gone ${'uid' in event ? event.uid : ''}`));
    // Its types forget them.
    const since: object = { uidValidity, changedSince };
    await again.mailboxOpen('Projects/Trees', since);
    expect(news.toSorted()).toEqual(['1 $Forwarded trees', 'gone 2']);
    await again.logout();
  });

  it(
    'hears within a second of a mail that comes while it idles',
    async () => {
      const [idle, writer] = [await openFlow(), await openFlow()];
      await idle.mailboxOpen('Archive');
      const delays: number[] = [];
      for (let count = 1; count <= 5; count++) {
        const idling = idle.idle();
        const told = new Promise<number>((resolve) => {
          idle.once('exists', () => resolve(performance.now()));
        });
        await until('it idles', WAIT_MS, async () => idle.idling || new NotYet('not yet'));
        const from = performance.now();
        await writer.append('Archive', desk.mailOf(`news-${count}`, [], 'x\r\n'));
        delays.push((await told) - from);
        await idle.noop();
        await idling;
      }
      // The quickest of five: a busy machine may hold one back, one that polls would hold back all.
      expect(Math.min(...delays)).toBeLessThan(1_000);
      await Promise.all([idle.logout(), writer.logout()]);
    },
    LONG_MS,
  );
});

describe('mutt on a screen', () => {
  it(
    'flags and deletes, and all others see it',
    async () => {
      if (await desk.isMissing('mutt', 'tmux')) return;
      const flow = await openFlow();
      await flow.mailboxCreate('Screen');
      for (const count of [1, 2, 3]) {
        await flow.append('Screen', desk.mailOf(`screen-${count}`, [], 'x\r\n'));
      }
      await flow.logout();
      const screen = new Screen(desk);
      try {
        await screen.open(`mutt -n -F ${await desk.settings('bob', 'mutt')} -f =Screen`);
        await screen.shows(/screen-3/);
        await screen.type('1', 'Enter', 'F');
        await screen.shows(/1 +N? *! .*screen-1/);
        await screen.type('2', 'Enter', 'd');
        await screen.shows(/2 +N? *D.*screen-2/);
        await screen.type('$');
        await screen.shows(/Purge 1 deleted message/);
        await screen.type('y');
        await screen.shows(/Msgs:2/);
        const left = (await listed('Screen')).map(({ subject, flags }) => {
          return `${subject} ${flags.join(' ')}`;
        });
        expect(left.toSorted()).toEqual(['screen-1 \\Flagged', 'screen-3 ']);
        expect(await desk.cli('bob', 'inbox', '--folder', 'Trash')).toContain('screen-2');
        await screen.type('q');
        await screen.isOver();
      } finally {
        await screen.close();
      }
    },
    LONG_MS,
  );
});

/** The first part of a multipart/signed mail as it was signed, and its detached signature. */
function signedParts(mail: string): { signed: string; signature: string } {
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(mail) ?? [];
  const [, first = '', second = ''] = mail.split(`--${boundary}\r\n`);
  const [signature = ''] =
    /-----BEGIN PGP SIGNATURE-----[^]*END PGP SIGNATURE-----/.exec(second) ?? [];
  return { signed: first.slice(0, -2), signature };
}

describe('a signed mail with ten megabytes', () => {
  it(
    'comes from alice’s mutt to bob’s mbsync as it was signed',
    async () => {
      if (await desk.isMissing('mutt', 'tmux', 'mbsync', 'gpg')) return;
      await mkdir(join(desk.home, 'gnupg'), { mode: 0o700 });
      const { user } = desk.bridge('alice');
      const quiet = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', ''];
      await desk.run('gpg', [...quiet, '--quick-generate-key', user, 'ed25519', 'sign', 'never']);
      const keys = await desk.run('gpg', ['--batch', '--list-keys', '--with-colons']);
      const [, key = ''] = /^fpr:+([0-9A-F]+):/m.exec(keys) ?? [];
      const attachment = randomBytes(ATTACHMENT_BYTES);
      const path = join(desk.home, 'large.bin');
      await writeFile(path, attachment);
      const signing = `crypt_use_gpgme crypt_autosign pgp_sign_as=${key}`;
      const options = `set ${signing} editor=true abort_unmodified=no`;
      const screen = new Screen(desk);
      try {
        const mutt = `mutt -n -F ${await desk.settings('alice', 'mutt')} -e '${options}'`;
        const text = await desk.file('Dear Bob, \nFrom me\n');
        await screen.open(`${mutt} -s signed -i ${text} -a ${path} -- ${desk.bridge('bob').user}`);
        // It asks for what it was given; what it proposes is right.
        await screen.shows(/^To: tm/m);
        await screen.type('Enter');
        await screen.shows(/^Subject: signed/m);
        await screen.type('Enter');
        await screen.shows(/Security: Sign/);
        await screen.type('y');
        await screen.isOver();
      } finally {
        await screen.close();
      }
      // A mail of this size waits until somebody wants it.
      await until('the mail waits for bob', WAIT_MS, async () => {
        const waiting = JSON.parse(await desk.cli('bob', '--json', 'incoming')) as { id: string }[];
        return waiting[0] === undefined
          ? new NotYet('nothing')
          : desk.cli('bob', 'fetch', waiting[0].id);
      });
      await desk.waitFor('signed');
      const settings = await desk.settings('bob', 'mbsync');
      const inbox = join(desk.home, 'Mail', 'tanglemail', 'INBOX');
      await mkdir(join(inbox, '..'), { recursive: true });
      await desk.run('mbsync', ['-q', '-c', settings, 'tanglemail:INBOX']);
      const names = (await readdir(inbox, { recursive: true })).map((name) => join(inbox, name));
      let mail = '';
      for (const name of names.filter((one) => /:2,/.test(one))) {
        const text = await readFile(name, 'latin1');
        if (text.includes('\nSubject: signed\n')) mail = text.replaceAll('\n', '\r\n');
      }
      const { signed, signature } = signedParts(mail);
      const [, encoded = ''] =
        /filename="large\.bin"[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)/.exec(signed) ?? [];
      const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
      expect(hash(Buffer.from(encoded, 'base64'))).toBe(hash(attachment));
      const verify = ['--batch', '--verify', await desk.file(signature)];
      const good = await desk.run('gpg', [...verify, await desk.file(signed, 'latin1')]);
      expect(good).toContain('Good signature');
      const at = signed.length - 1_000;
      const other = signed[at] === 'A' ? 'B' : 'A';
      const changed = signed.slice(0, at) + other + signed.slice(at + 1);
      const bad = await desk.tryRun('gpg', [...verify, await desk.file(changed, 'latin1')]);
      expect(bad).toContain('BAD signature');
    },
    LONG_MS,
  );
});
