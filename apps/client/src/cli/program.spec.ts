import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { testGenesis } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApi } from '../api/create-api.ts';
import { CLIENT_ERRORS, ClientError, type ClientErrorCode } from '../client-error.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { testTerminal, type TestTerminalOptions } from '../testing/test-terminal.ts';
import { buildProgram, runProgram } from './program.ts';
import * as settings from './settings.ts';

let dir: string;
let client: MemoryClient;
let api: RunningServer;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-cli-'));
  client = new MemoryClient();
  const token = 'b'.repeat(43);
  const options = { host: '127.0.0.1', port: 0, token, version: '0.1.0' } as const;
  api = await createApi({ local: client }, { ...options, logger: SILENT_LOGGER });
  const file = { api: api.url, token, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
});

afterEach(async () => {
  await api.close();
  await rm(dir, { recursive: true });
});

async function cli(line: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ input: '', ...options });
  const code = await runProgram(['--data-dir', dir, ...line], terminal);
  return { code, ...terminal.written, bytes: terminal.bytes() };
}

async function json(...line: string[]): Promise<never> {
  const { code, out, err } = await cli([...line, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as never;
}

describe('every command', () => {
  function leaves(command: ReturnType<typeof buildProgram>, path: string[]): string[][] {
    const children = command.commands.filter((child) => child.name() !== 'help');
    const own = children.length === 0 ? [path] : [];
    return [...own, ...children.flatMap((child) => leaves(child, [...path, child.name()]))];
  }

  const all = leaves(buildProgram(testTerminal(), settings), []);

  it.each(all.map((path) => [path.join(' ')]))('%s has help with an example', async (name) => {
    const { code, out, err } = await cli([...name.split(' '), '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/Examples?:\n {2}tanglemail /);
    expect(out).toContain('--json');
    expect(out).toContain('--data-dir');
    // An example is longer than the screen only where it must be copied as it stands.
    const prose = out.slice(0, out.indexOf('\nExample'));
    expect(Math.max(...prose.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('errors', () => {
  it('2: an unknown command, option or missing argument, in one sentence', async () => {
    for (const line of [['walet'], ['wallet', 'send'], ['inbox', '--nope'], ['send']]) {
      const { code, out, err } = await cli(line);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^tanglemail: /);
      expect(err).not.toMatch(/\n {4}at /);
    }
  });

  it('3: no daemon, whether none is there or it went without a word', async () => {
    const none = await cli(['--data-dir', join(dir, 'none'), 'inbox']);
    expect(none.code).toBe(3);
    expect(none.err).toMatch(/\(daemon-unreachable\); start it with tanglemail daemon\.\n$/);
    await api.close();
    expect((await cli(['inbox'])).code).toBe(3);
    await writeFile(join(dir, 'daemon.json'), '{');
    expect((await cli(['inbox'])).code).toBe(3);
  });

  it('every code of the table becomes a sentence with an advice and its exit code', async () => {
    const exits = { usage: 2, 'not-found': 4, refused: 5, unavailable: 1, internal: 1 };
    // A 421 makes every fetch ask once more (Fetch standard); no program but a browser meets it.
    const asked = Object.entries(CLIENT_ERRORS).filter(([, { status }]) => status !== 421);
    for (const [code, { kind, title, advice }] of asked) {
      client.failure = new ClientError(code as ClientErrorCode, 'a fact');
      const result = await cli(['address']);
      expect(result.err).toBe(`tanglemail: ${title}: a fact (${code}); ${advice}.\n`);
      const hasDaemon = code !== 'daemon-unreachable' && code !== 'unauthorized';
      expect(result.code).toBe(hasDaemon ? exits[kind] : 3);
    }
  });

  it('a mistake of ours says so, with the place', async () => {
    const terminal = testTerminal();
    Object.defineProperty(terminal, 'out', {
      value: () => {
        throw new RangeError('ours');
      },
    });
    expect(await runProgram(['--data-dir', dir, 'address'], terminal)).toBe(1);
    expect(terminal.written.err).toMatch(/unexpected failure\nRangeError: ours\n {4}at /);
  });
});

describe('contacts', () => {
  it('are added, listed and removed by name', async () => {
    expect(
      await json('contacts', 'add', 'tangle:tmt1qbob?invite=x', '--name', 'Bob'),
    ).toMatchObject({
      address: 'tmt1qbob',
    });
    expect((await cli(['contacts', 'list'])).out).toMatch(/^NAME +STATE +ADDRESS\nBob +accepted/);
    expect((await cli(['contacts', 'remove', 'Bob'])).out).toBe('Removed tmt1qbob.\n');
    const gone = await cli(['contacts', 'remove', 'Bob']);
    expect(gone.code).toBe(4);
    expect(gone.err).toContain('there is no such contact: Bob (contact-unknown)');
  });

  it('have links, invites and QR codes', async () => {
    expect((await cli(['address', '--link'])).out).toBe('tangle:tmt1qmemory\n');
    expect((await cli(['address', '--qr'])).out).toMatch(/[\u2580-\u2588]/);
    expect(await json('address')).toMatchObject({ address: 'tmt1qmemory' });
    expect((await cli(['invite', '--name', 'Bob'])).out).toMatch(/^tangle:tmt1qmemory\?name=Bob&/);
  });
});

describe('web', () => {
  it('shows the link that signs a browser in', async () => {
    const { link }: { link: string } = await json('web');
    expect(link).toBe(`${api.url}/#token=${'b'.repeat(43)}`);
    expect((await cli(['web'])).out).toBe(`${link}\n`);
  });

  it('pages-off: says why no browser can come', async () => {
    const file = { api: 'unix:/tmp/api.sock', token: 'b', pid: process.pid };
    await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
    const { code, err } = await cli(['web']);
    expect(code).toBe(5);
    expect(err).toContain('unix socket');
  });
});

describe('mail', () => {
  it('goes out from options, a file or standard input', async () => {
    const file = join(dir, 'letter.txt');
    await writeFile(file, 'from a file');
    await cli(['send', '--to', 'tmt1qbob', '--body', 'as it is']);
    await cli(['send', '--to', 'tmt1qbob', '--body-file', file]);
    await cli(['send', '--to', 'tmt1qbob'], { input: 'from a script' });
    const texts = [...client.mails.values()].map(({ message }) => message.text);
    expect(texts).toEqual(['as it is', 'from a file', 'from a script']);
  });

  it('goes to several, with attachments', async () => {
    const file = join(dir, 'a.pdf');
    await writeFile(file, Uint8Array.of(0, 255));
    const line = ['send', '--to', 'tmt1qa', '--to', 'tmt1qb', '--subject', 'S', '--body', ''];
    const { out } = await cli([...line, '--attach', file]);
    expect(out).toBe('Queued for 2 recipients (outbox 1, 2).\n');
    const [mail] = client.mails.values();
    const content = Uint8Array.of(0, 255);
    expect(mail?.attachments).toEqual([
      { filename: 'a.pdf', contentType: 'application/pdf', content },
    ]);
  });

  it('goes out byte for byte with --eml', async () => {
    const file = join(dir, 'm.eml');
    const bytes = Buffer.from('Subject: raw\r\n\r\n\xff\x00', 'latin1');
    await writeFile(file, bytes);
    expect((await cli(['send', '--to', 'tmt1qa', '--eml', file])).code).toBe(0);
    expect(Buffer.from([...client.mails.values()][0]?.raw ?? []).equals(bytes)).toBe(true);
    const both = await cli(['send', '--to', 'tmt1qa', '--eml', file, '--body', 'x']);
    expect(both.code).toBe(2);
  });

  it('is refused with the file or rule that is to blame', async () => {
    const missing = await cli(['send', '--to', 'tmt1qa', '--body-file', join(dir, 'none')]);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.err).toContain('(file-unusable)');
    const unknown = await cli(['send', '--to', 'Nobody', '--body', 'x']);
    expect(unknown.code).toBe(5);
    expect(unknown.err).toContain('(recipient-unknown); add the contact with');
    const large = await cli(['send', '--to', 'tmt1qa', '--body', 'x'.repeat(30_000)]);
    expect(large.code).toBe(5);
    expect((await cli(['send', '--to', 'tmt1qa', '--wait', 'read', '--body', 'x'])).code).toBe(2);
  });

  it('is waited for until it is where it should be', async () => {
    const line = ['send', '--to', 'tmt1qa', '--body', 'x', '--wait', 'stored'];
    const waiting = cli(line, { answers: [] });
    await until(() => client.items.length > 0);
    client.advance('1', { state: 'attached' });
    client.advance('1', { state: 'confirmed', milestoneIndex: 7, proofChecked: true });
    const endsAt = Math.floor(Date.now() / 1_000) + 86_400;
    const receipt = { bondId: '00', endpoint: 'http://p', until: endsAt, checked: true } as const;
    client.advance('1', { state: 'stored', storedCount: 1, receipts: [receipt] });
    const { code, out } = await waiting;
    expect({ code, out }).toEqual({ code: 0, out: 'tmt1qa: stored 1/1 (receipts checked)\n' });
  });

  it('is not waited for when it is over, or when the time is', async () => {
    const line = ['send', '--to', 'tmt1qa', '--body', 'x', '--wait', 'confirmed'];
    const waiting = cli([...line, '--timeout', '60']);
    await until(() => client.items.length > 0);
    const error = { code: 'descriptor-not-found', detail: 'no keys' };
    client.advance('1', { state: 'failed', error });
    const over = await waiting;
    expect(over.code).toBe(5);
    expect(over.err).toContain('tmt1qa: no keys (descriptor-not-found)');
    const late = await cli([...line, '--timeout', '1']);
    expect(late).toMatchObject({ code: 1 });
    expect(late.err).toContain('(wait-over)');
  });

  it('shows the way of each mail in the words of the specification', async () => {
    await cli(['send', '--to', 'tmt1qa', '--subject', 'S'.repeat(100), '--body', 'x']);
    client.advance('1', {
      state: 'failed',
      error: { code: 'node-unreachable', detail: 'timed-out', nextTryAtMs: 1_800_000_000_000 },
    });
    const list = await cli(['outbox']);
    expect(list.out.split('\n').every((line) => line.length <= 80)).toBe(true);
    const { out } = await cli(['outbox', '1']);
    expect(out).toMatch(/state +failed: timed-out, next try at 20/);
    expect((await cli(['outbox', '9'])).code).toBe(4);
    expect(await json('outbox')).toMatchObject([{ id: '1', state: 'failed' }]);
  });

  it('comes in: listed, read, marked as read, saved', async () => {
    const attachment = {
      filename: '../../evil\u001b.sh',
      contentType: 'text/plain',
      content: Uint8Array.of(1, 2),
    };
    const raw = Buffer.from('Subject: hello\r\n\r\nbody\r\n\x1b[2J', 'latin1');
    const facts = {
      subject: 'hello \u001b[2J',
      address: 'tmt1qeve',
      name: 'Eve',
      text: 'hi\u0007',
    };
    const { uid } = client.deliver('INBOX', raw, [attachment, attachment], facts);
    const list = await cli(['inbox']);
    expect(list.out).toMatch(/UID +WHEN +FROM +SUBJECT +SIZE\n +1 {2}\* /);
    expect(list.out).not.toContain('\u001b');
    const files = join(dir, 'files');
    const read = await cli(['read', `${uid}`, '--save-attachments', files]);
    expect(read.out).toContain('Eve (verified: tmt1qeve)');
    expect(read.out).not.toMatch(/(?!\n)\p{Cc}/u);
    expect((await readdir(files)).toSorted()).toEqual(['evil -1.sh', 'evil .sh']);
    expect((await cli(['inbox'])).out).not.toContain('*');
    const bytes = (await cli(['read', `INBOX.${uid}`, '--raw'])).bytes;
    expect(Buffer.from(bytes).equals(raw)).toBe(true);
    expect((await cli(['read', '99'])).code).toBe(4);
    expect((await cli(['inbox', '--folder', 'Nowhere'])).code).toBe(4);
  });

  it('is fetched now, and a provider that fails is named', async () => {
    expect((await cli(['sync'])).out).toBe('0 messages fetched.\n');
    const errors = [{ bondId: 'ab'.repeat(32), code: 'provider-unreachable', detail: '' }];
    client.sync = async () => ({ fetched: 1, cost: '1500000', held: 2, errors });
    const { code, out, err } = await cli(['sync']);
    expect({ code, out }).toEqual({
      code: 1,
      out: '1 message fetched, 2 of strangers held, 1.5 T paid.\n',
    });
    expect(err).toContain('abababababababab (provider-unreachable)');
  });
});

describe('wallet and providers', () => {
  it('pays amounts as people write them', async () => {
    expect((await cli(['wallet', 'send', 'twt1qx', '1.5T'])).out).toMatch(/^Sent 1\.5 T: attached/);
    expect((await cli(['wallet', 'balance'])).out).toMatch(
      /^balance +3\.5 T\nproven by +milestone 42/,
    );
    expect((await cli(['wallet', 'address'])).out).toBe('twt1qmemory\n');
    expect(await json('wallet', 'history')).toMatchObject([{ amount: '1500000' }]);
    expect((await cli(['wallet', 'history'])).out).toContain('1.5 T');
  });

  const refused: readonly (readonly [string, string, number])[] = [
    ['1.5', 'amount-invalid', 2],
    ['-1', 'amount-invalid', 2],
    ['100T', 'insufficient-funds', 5],
    ['1', 'deposit-too-small', 5],
  ];
  it.each(refused)('refuses %p: %s', async (amount, code, exit) => {
    const result = await cli(['wallet', 'send', 'twt1qx', '--', amount]);
    expect(result.code).toBe(exit);
    expect(result.err).toContain(`(${code})`);
  });

  it('rents the cheapest or a named provider, and closes it', async () => {
    expect((await cli(['provider', 'list'])).out).toContain('aaaaaaaaaaaaaaaa  0.012 T');
    expect((await cli(['provider', 'rent', 'bbbb', '--deposit', '1T'])).code).toBe(0);
    expect(client.rentals[0]?.channel?.amount).toBe('1000000');
    expect((await cli(['provider', 'rent', 'bbbb'])).code).toBe(5);
    expect((await cli(['provider', 'rent', 'cccc'])).code).toBe(4);
    expect((await cli(['provider', 'status'])).out).toMatch(/channel +open until /);
    expect((await cli(['provider', 'close'])).out).toBe('state  closing\n');
    expect((await cli(['provider', 'close'])).code).toBe(4);
  });
});

describe('account and daemon', () => {
  const genesis = { ...testGenesis(1), name: 'dev-spec' };
  let genesisFile: string;

  beforeEach(async () => {
    genesisFile = join(dir, 'network.json');
    await writeFile(genesisFile, genesisToJson(genesis));
    await rm(join(dir, 'daemon.json'));
  });

  it('makes an account for a person: passphrase twice, words once', async () => {
    const answers = ['typed', 'mistyped', 'typed', 'typed', ''];
    const { code, out, err } = await cli(['account', 'create', '--genesis', genesisFile], {
      answers,
    });
    expect(code).toBe(0);
    expect(err).toContain('The two are not the same.');
    // The 24 words, and "these 24 words" above them.
    expect(out.match(/ [0-9]+ [a-z]{3,8}(?= |$)/gm)).toHaveLength(25);
    const shown = await cli(['account', 'show', '--json'], {
      env: { TANGLEMAIL_PASSPHRASE: 'typed' },
    });
    expect(out).toContain((JSON.parse(shown.out) as { address: string }).address);
    const wrong = await cli(['account', 'show'], { env: { TANGLEMAIL_PASSPHRASE: 'x' } });
    expect(wrong.code).toBe(5);
    expect(wrong.err).toContain('(passphrase-wrong)');
    const second = await cli(['account', 'create', '--genesis', genesisFile], { answers: [] });
    expect(second.code).toBe(5);
  });

  it('makes and restores accounts for a script', async () => {
    const file = join(dir, 'passphrase');
    await writeFile(file, 'secret\nnot this line\n');
    const common = ['--genesis', genesisFile, '--passphrase-file', file, '--json'];
    const made = await cli(['account', 'create', ...common]);
    const { mnemonic, address } = JSON.parse(made.out) as { mnemonic: string; address: string };
    const other = ['--data-dir', join(dir, 'other'), 'account', 'restore'];
    const restored = await cli([...other, ...common], { input: `${mnemonic}\n` });
    expect(JSON.parse(restored.out)).toMatchObject({ address });
    const wordsFile = join(dir, 'words');
    await writeFile(wordsFile, mnemonic.split(' ').toReversed().join(' '));
    const wrong = await cli([...other, '--words-file', wordsFile, ...common]);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('(words-invalid)');
  });

  it('passphrase-missing: nobody to ask', async () => {
    const { code, err } = await cli(['account', 'create', '--genesis', genesisFile]);
    expect(code).toBe(2);
    expect(err).toContain('(passphrase-missing); give --passphrase-file');
    expect(await readdir(dir)).toEqual(['network.json']);
  });

  it('genesis-invalid, file-unusable, node-unreachable: before anything is asked', async () => {
    const env = { TANGLEMAIL_PASSPHRASE: 'x' };
    const other = await cli(
      ['account', 'create', '--genesis', genesisFile, '--genesis-id', '00'.repeat(32)],
      { env },
    );
    expect(other.err).toContain('(genesis-invalid)');
    const none = await cli(['account', 'create', '--genesis', join(dir, 'none')], { env });
    expect(none.err).toContain('(file-unusable)');
    const node = await cli(['account', 'create', '--node', 'http://127.0.0.1:1'], { env });
    expect(node.code).toBe(1);
    expect(node.err).toContain('(node-unreachable); check node.url');
  });

  it('account-missing: before it asks for a passphrase', async () => {
    for (const line of [['daemon'], ['account', 'show']]) {
      const { code, err } = await cli(line);
      expect(code).toBe(4);
      expect(err).toContain('(account-missing); create one with tanglemail account create');
    }
  });

  it('explains a setting that does not fit', async () => {
    const flag = await cli(['daemon', '--port', '70000']);
    expect(flag.code).toBe(2);
    expect(flag.err).toBe(
      'tanglemail: api.port (from --port) is 70000: expected an integer from 0 to 65535.\n',
    );
    await writeFile(join(dir, 'config.json'), '{"apii":1}');
    expect((await cli(['daemon'])).err).toContain(`apii (from ${join(dir, 'config.json')}) is 1`);
    await writeFile(join(dir, 'config.json'), '{');
    expect((await cli(['daemon'])).err).toContain('(file-unusable)');
  });
});

describe('the real process', () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  /** While a process is waited for in this way the runner cannot end the test. */
  const CHILD_MS = 100_000;

  function spawnCli(args: readonly string[], input = '') {
    const flags = ['--disable-warning=ExperimentalWarning', main, ...args];
    const env = { PATH: process.env['PATH'], HOME: dir };
    const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
      env,
      input,
      timeout: CHILD_MS,
    });
    return { code: status, out: stdout.toString('utf8'), err: stderr.toString('utf8') };
  }

  it('prints help to standard output and mistakes to standard error', () => {
    const help = spawnCli(['--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('Usage: tanglemail');
    expect(help.err).toBe('');
    const mistake = spawnCli(['inboxx']);
    expect({ code: mistake.code, out: mistake.out }).toEqual({ code: 2, out: '' });
    expect(mistake.err).toContain("unknown command 'inboxx'");
  });

  it('looks into the home folder without --data-dir', () => {
    const { code, err } = spawnCli(['inbox']);
    expect(code).toBe(3);
    expect(err).toContain(join(dir, '.tanglemail'));
  });

  it('loads neither Nest nor the settings for help', async () => {
    const program = await readFile(fileURLToPath(new URL('program.ts', import.meta.url)), 'utf8');
    expect(program).not.toMatch(/^import [^;]*from '(\.\.\/(api|config|wallet)|zod)/m);
    const script = `
      const { registerHooks } = await import('node:module');
      registerHooks({
        load(url, context, next) { console.error(url); return next(url, context); },
      });
      process.argv.splice(1, 1, 'tanglemail');
      await import(${JSON.stringify(main)});`;
    const flags = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script];
    const env = { PATH: process.env['PATH'], HOME: dir };
    const { stderr } = spawnSync(process.execPath, [...flags, '--', '--help'], {
      env,
      timeout: CHILD_MS,
    });
    const loaded = stderr
      .toString('utf8')
      .split('\n')
      .filter((url) => url.startsWith('file:'));
    expect(loaded.length).toBeGreaterThan(5);
    const heavy = loaded.filter((url) =>
      /@nestjs|\/zod\/|\/noble\/|@noble|level|libp2p|pino/.test(url),
    );
    expect(heavy).toEqual([]);
  });
});
