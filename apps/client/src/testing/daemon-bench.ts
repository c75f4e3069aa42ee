/**
 * For specs: whole clients over one small real node, each with its local API and a folder in which
 * the command line finds it.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createApi } from '../api/create-api.ts';
import { runProgram } from '../cli/program.ts';
import type { Client } from '../client.ts';
import type { ClientConfigInput } from '../config/schema.ts';
import { SmallTangle, until } from './small-tangle.ts';
import { testTerminal } from './test-terminal.ts';
import { openWholeClient } from './whole-client.ts';

/** One person: a running client, and how to call it from the command line. */
export class DaemonUser {
  readonly client: Client;
  readonly address: string;
  /** Holds daemon.json. */
  readonly dir: string;
  readonly #api: RunningServer;

  constructor(client: Client, address: string, dir: string, api: RunningServer) {
    this.client = client;
    this.address = address;
    this.dir = dir;
    this.#api = api;
  }

  /** Runs one command line. */
  async cli(...line: string[]): Promise<{ code: number; out: string; err: string }> {
    const terminal = testTerminal({ input: '' });
    const code = await runProgram(['--data-dir', this.dir, ...line], terminal);
    return { code, ...terminal.written };
  }

  /** The same with `--json`; throws what the program says when it fails. */
  async json<T>(...line: string[]): Promise<T> {
    const { code, out, err } = await this.cli(...line, '--json');
    if (code !== 0) throw new Error(`${line.join(' ')}: ${code} ${err}`);
    return JSON.parse(out) as T;
  }

  /** Subjects of a folder, newest first. */
  async subjects(folder: string): Promise<string[]> {
    const mails = await this.client.service.messages({ folder, limit: 100 });
    return mails.map((one) => one.subject);
  }

  /** Waits for a message with this subject and gives its id. */
  async arrival(folder: string, subject: string): Promise<string> {
    let id: string | undefined;
    await until(async () => {
      const mails = await this.client.service.messages({ folder, limit: 100 });
      id = mails.find((one) => one.subject === subject)?.id;
      return id !== undefined;
    });
    if (id === undefined) throw new Error('unreachable');
    return id;
  }

  async stop(): Promise<void> {
    await this.#api.close();
    await this.client.stop();
    await rm(this.dir, { recursive: true });
  }
}

export class DaemonBench {
  readonly tangle: SmallTangle;
  readonly #users: DaemonUser[] = [];

  private constructor(tangle: SmallTangle) {
    this.tangle = tangle;
  }

  static async start(): Promise<DaemonBench> {
    const tangle = await SmallTangle.start();
    tangle.confirmAlways();
    return new DaemonBench(tangle);
  }

  /** An account of its own whose keys are published. */
  async user(seedByte: number, config: ClientConfigInput = {}): Promise<DaemonUser> {
    const { node, access } = this.tangle;
    const options = { seedByte, disk: new Map(), nodeUrl: node.baseUrl, genesis: node.genesis };
    const client = await openWholeClient({ ...options, config }, access);
    const dir = await mkdtemp(join(tmpdir(), 'tanglemail-bench-'));
    const token = randomBytes(32).toString('base64url');
    const server = { host: '127.0.0.1', port: 0, token, version: '0.1.0' } as const;
    const api = await createApi(client.services, { ...server, logger: SILENT_LOGGER });
    const file = { api: api.url, token, pid: process.pid };
    await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
    const { address } = await client.service.address();
    const user = new DaemonUser(client, address, dir, api);
    this.#users.push(user);
    client.start();
    await until(async () => (await client.service.status()).descriptor.state === 'confirmed');
    return user;
  }

  async stop(): Promise<void> {
    for (const user of this.#users.splice(0)) await user.stop();
    await this.tangle.stop();
  }
}
