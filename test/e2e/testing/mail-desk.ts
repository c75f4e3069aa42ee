/**
 * A local network for tests with mail programs: alice and bob, who know each other, a home folder
 * for the programs, and the settings that the bridge prints for them. After: rig.ts.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SetupProgram } from '../../../apps/client/src/bridge/setup-texts.ts';
import type { ClientRole, NetworkFile } from '../../../tools/devnet/layout.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import { runCommand } from '../../../tools/devnet/processes.ts';
import { Rig } from './rig.ts';

const run = promisify(execFile);
/** Limits for what hangs; nothing here is meant to be quick. */
const RUN_MS = 120_000;
const ARRIVAL_MS = 120_000;
const MAX_OUTPUT = 64 << 20;

export type BridgeAccess = NonNullable<NetworkFile['clients']['bob']['bridge']>;

export class MailDesk {
  readonly rig: Rig;
  /** HOME of the programs. */
  readonly home: string;
  #files = 0;

  private constructor(rig: Rig, home: string) {
    this.rig = rig;
    this.home = home;
  }

  static async open(): Promise<MailDesk> {
    const home = await mkdtemp(join(tmpdir(), 'tanglemail-programs-'));
    const desk = new MailDesk(await Rig.open(), home);
    try {
      await desk.rig.befriend();
    } catch (error) {
      await desk.close();
      throw error;
    }
    return desk;
  }

  async close(): Promise<void> {
    await this.rig.close();
    await rm(this.home, { recursive: true, force: true });
  }

  bridge(role: ClientRole): BridgeAccess {
    const { bridge } = this.rig.devnet.network.clients[role];
    if (bridge === null) throw new Error('the bridge did not open');
    return bridge;
  }

  /** What a command of `tanglemail` prints. */
  async cli(role: ClientRole, ...args: readonly string[]): Promise<string> {
    return runCommand('tanglemail', ['--data-dir', this.rig.devnet.layout.folder(role), ...args]);
  }

  /** Keeps a text in a file that only its owner reads, as programs want their settings. */
  async file(text: string, encoding: BufferEncoding = 'utf8'): Promise<string> {
    const path = join(this.home, `file-${++this.#files}`);
    await writeFile(path, text, encoding);
    await chmod(path, 0o600);
    return path;
  }

  /** The file with the settings that the bridge prints for a program. */
  async settings(role: ClientRole, name: SetupProgram): Promise<string> {
    return this.file(await this.cli(role, 'bridge', 'setup', name));
  }

  /** In CI a program that is missing is a failure; elsewhere its case says so aloud. */
  async isMissing(...names: readonly string[]): Promise<boolean> {
    for (const name of names) {
      const isThere = await run('sh', ['-c', `command -v ${name}`]).then(
        () => true,
        () => false,
      );
      if (isThere) continue;
      if (process.env['CI'] === 'true') throw new Error(`${name} is not installed`);
      process.stderr.write(`NOT TESTED: ${name} is not installed\n`);
      return true;
    }
    return false;
  }

  /** The environment of the programs. */
  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: this.home,
      GNUPGHOME: join(this.home, 'gnupg'),
      LC_ALL: 'C.UTF-8',
      TERM: 'xterm',
    };
  }

  /** What a program says, octets as characters; rejects with that when it fails. */
  async run(name: string, args: readonly string[], input = ''): Promise<string> {
    const { home: cwd, env } = this;
    const options = {
      timeout: RUN_MS,
      maxBuffer: MAX_OUTPUT,
      encoding: 'latin1',
      cwd,
      env,
    } as const;
    const running = run(name, args, options);
    // A program that reads nothing ends before it was written to.
    running.child.stdin?.on('error', () => undefined).end(input, 'latin1');
    const { stdout, stderr } = await running;
    return stdout + stderr;
  }

  /** As `run`, but a failure is no error: what the program said until then. */
  async tryRun(name: string, args: readonly string[], input = ''): Promise<string> {
    return this.run(name, args, input).catch(
      ({ stdout = '', stderr = '' }: { stdout?: string; stderr?: string }) => stdout + stderr,
    );
  }

  /** A message of alice to bob; the lines are such as programs like to change. */
  mail(subject: string): string {
    const body = Buffer.from('Grüße \r\n.\r\n..dots\r\n\tend\r\n').toString('latin1');
    const fields = [
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ];
    return this.mailOf(subject, fields, body);
  }

  /** The same with fields and a body of its own. */
  mailOf(subject: string, fields: readonly string[], body: string): string {
    const head = [
      `From: ${this.bridge('alice').user}`,
      `To: ${this.bridge('bob').user}`,
      `Subject: ${subject}`,
      `Message-ID: <${subject}@tangle.alt>`,
    ];
    return `${[...head, ...fields].join('\r\n')}\r\n\r\n${body}`;
  }

  /** Arguments of curl for an account, and the address of one of its folders. */
  curl(role: ClientRole, folder = 'INBOX'): { login: string[]; url: string } {
    const { imaps, user, password, certificate } = this.bridge(role);
    const login = ['-sS', '--cacert', certificate, '-u', `${user}:${password}`];
    return { login, url: `imaps://localhost:${imaps}/${folder}` };
  }

  /** Numbers of the mails that a search finds; its words with `%20` between them. */
  async search(role: ClientRole, query: string, folder?: string): Promise<number[]> {
    const { login, url } = this.curl(role, folder);
    const found = await this.run('curl', [...login, `${url}?${query}`]);
    return (/SEARCH([ \d]*)/.exec(found)?.[1] ?? '').split(' ').filter(Boolean).map(Number);
  }

  /** The number in bob's inbox of the mail with this subject, once it is there. */
  async waitFor(subject: string): Promise<number> {
    return until(`${subject} is in bob's inbox`, ARRIVAL_MS, async () => {
      const [number] = await this.search('bob', `SUBJECT%20${subject}`);
      return number ?? new NotYet('nothing');
    });
  }

  /** The whole message that bob's inbox shows, once it is there. */
  async arrived(subject: string): Promise<string> {
    const number = await this.waitFor(subject);
    const { login, url } = this.curl('bob');
    return this.run('curl', [...login, `${url};MAILINDEX=${number}`]);
  }

  /** The same without what stands in front of it: what alice handed in. */
  async keptOf(subject: string): Promise<string> {
    const shown = await this.arrived(subject);
    return shown.slice(shown.indexOf('From: '));
  }
}
