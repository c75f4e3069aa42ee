// Hooks over a real mail store, a real HTTP server and real programs.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { summaryView } from '../service/views.ts';
import type { Hook } from '../store/hook-collections.ts';
import { RAW, sealMail } from '../testing/letters.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { NOW_MS, person, type Person, tangleWithoutNode } from '../testing/people.ts';
import { HookBook, MAX_HOOK_JOBS } from './hook-book.ts';
import { HookRunner } from './hook-runner.ts';
import { signatureOf } from './post-event.ts';

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that answers with the next status of a list, then with 204. */
class Receiver {
  readonly posts: Post[] = [];
  statuses: number[] = [];
  /** Never answers while it is set. */
  isSilent = false;
  readonly #server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      this.posts.push({ headers: request.headers, body: Buffer.concat(parts).toString('utf8') });
      if (this.isSilent) return;
      const status = this.statuses.shift() ?? 204;
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();
    });
  });

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mail`;
  }

  json(at = -1) {
    return JSON.parse(this.posts.at(at)?.body ?? '{}') as {
      id: string;
      type: string;
      message?: { id: string; subject: string; folder: string; text?: string };
    };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

interface World {
  readonly who: Person;
  readonly book: HookBook;
  readonly runner: HookRunner;
}

let receiver: Receiver;
let folder: string;
let alice: Person;
let nowMs = NOW_MS;
const runners: HookRunner[] = [];
const tangle = tangleWithoutNode(() => nowMs);

beforeEach(async () => {
  nowMs = NOW_MS;
  receiver = new Receiver();
  await receiver.open();
  folder = mkdtempSync(join(tmpdir(), 'hooks-'));
  alice = await person(1, sealedMemoryStore(), tangle);
});
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop();
  receiver.close();
  rmSync(folder, { recursive: true });
});

async function worldOn(disk: Disk = new Map(), cut?: PowerCut): Promise<World> {
  const who = await person(2, sealedMemoryStore(memoryStore(disk, cut).store), tangle);
  const { store, writes, messages, account, contacts } = who;
  const book = await HookBook.load({ store, writes, nowMs: () => nowMs });
  messages.observe((batch, change) => book.note(batch, change));
  const runner = new HookRunner({
    book,
    messages,
    summaryOf: (listed) => summaryView(account, contacts, listed),
    nowMs: () => nowMs,
    environment: { PATH: process.env['PATH'], TANGLEMAIL_PASSPHRASE: 'secret' },
    logger: SILENT_LOGGER,
  });
  return { who, book, runner };
}

function run({ runner }: World): void {
  runners.push(runner);
  runner.start();
}

const facts = (more: Partial<Hook> = {}): Omit<Hook, 'id'> => ({
  target: { kind: 'url', url: receiver.url },
  folder: 'Requests',
  withText: false,
  secret: '5e'.repeat(32),
  timeoutMs: 5_000,
  createdAtMs: NOW_MS,
  delivered: 0,
  failed: 0,
  lastAtMs: 0,
  lastError: '',
  ...more,
});

async function mail({ who }: World, subject = 'hello', from = alice): Promise<void> {
  const raw = new Uint8Array(Buffer.from(`Subject: ${subject}\r\n\r\nThe text.\r\n`));
  const { bytes } = await sealMail(from, who, { raw });
  expect(await who.intake.take(bytes)).toMatchObject({ kind: 'delivered' });
}

async function waiting({ book }: World): Promise<number> {
  let count = 0;
  for await (const _ of book.jobs()) count += 1;
  return count;
}

/** Lets the clock jump to the next attempt, which the runner looks for after a real pause. */
async function later(world: World): Promise<void> {
  for await (const { nextTryAtMs } of world.book.jobs()) nowMs = Math.max(nowMs, nextTryAtMs);
}

describe('a hook with a URL', () => {
  it('is told of new mail: signed, with facts, without the text unless asked for', async () => {
    const world = await worldOn();
    await world.book.add(facts());
    await world.book.add(facts({ withText: true }));
    run(world);
    await mail(world);
    await until(() => receiver.posts.length === 2);
    const posts = [receiver.json(0), receiver.json(1)];
    expect(posts[0]).toMatchObject({
      type: 'mail',
      message: { id: 'Requests.1', subject: 'hello', folder: 'Requests' },
    });
    expect(posts.map(({ message }) => message?.text)).toContain('The text.\n');
    expect(posts.filter(({ message }) => message?.text === undefined)).toHaveLength(1);
    const { headers, body } = receiver.posts[0]!;
    const timestamp = Math.floor(NOW_MS / 1_000);
    const id = posts[0]?.id ?? '';
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'tanglemail-event-id': id,
      'tanglemail-timestamp': `${timestamp}`,
      'tanglemail-signature': signatureOf('5e'.repeat(32), timestamp, id, body),
    });
    await until(async () => (await waiting(world)) === 0);
    expect(world.book.list()).toMatchObject([{ delivered: 1 }, { delivered: 1 }]);
  });

  it('is told of its folder and its sender only, and never of own mail', async () => {
    const world = await worldOn();
    const carol = await person(3, sealedMemoryStore(), tangle);
    await world.book.add(facts({ folder: 'INBOX' }));
    await world.book.add(facts({ folder: '*', sender: carol.account.address }));
    run(world);
    await mail(world, 'from Alice');
    await mail(world, 'from Carol', carol);
    const { messages, store } = world.who;
    const batch = store.batch();
    const own = { messageKey: 'own', receivedAtMs: nowMs, flags: [], isRegistered: false };
    const shown = { hasAttachments: false, fromName: '', to: '', subject: 'own', messageId: '' };
    const { apply } = messages.deliver(batch, { folder: 'Sent', raw: RAW, ...own, ...shown });
    await batch.write();
    apply();
    await until(async () => (await waiting(world)) === 0 && receiver.posts.length > 0);
    expect(receiver.posts).toHaveLength(1);
    expect(receiver.json().message?.subject).toBe('from Carol');
  });

  it('is tried again under the same id, with growing pauses, and in the end given up', async () => {
    const world = await worldOn();
    await world.book.add(facts());
    receiver.statuses = [500, 302, 404];
    run(world);
    await mail(world);
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await until(() => receiver.posts.length === attempt);
      await until(() => world.book.list()[0]?.lastError.startsWith('status') ?? false);
      let job: { attempts: number; nextTryAtMs: number } | undefined;
      await until(async () => {
        for await (const one of world.book.jobs()) job = one;
        return job?.attempts === attempt;
      });
      pauses.push((job?.nextTryAtMs ?? 0) - nowMs);
      await later(world);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000]);
    await until(async () => (await waiting(world)) === 0);
    expect(new Set(receiver.posts.map((_, at) => receiver.json(at).id)).size).toBe(1);
    expect(world.book.list()).toMatchObject([{ delivered: 1, failed: 0, lastError: '' }]);
    receiver.statuses = [500, 500];
    await mail(world, 'never taken');
    await until(() => world.book.list()[0]?.lastError === 'status 500');
    nowMs += 80 * 3_600_000;
    await until(() => world.book.list()[0]?.failed === 1);
    expect(await waiting(world)).toBe(0);
  });

  it('that does not answer costs its time and keeps no other hook waiting', async () => {
    const world = await worldOn();
    const other = new Receiver();
    await other.open();
    receiver.isSilent = true;
    await world.book.add(facts({ timeoutMs: 300 }));
    await world.book.add(facts({ target: { kind: 'url', url: other.url } }));
    await world.book.add(facts({ target: { kind: 'url', url: 'http://127.0.0.1:1/' } }));
    run(world);
    await mail(world);
    await until(() => world.book.list()[0]?.lastError === 'no answer in time');
    await until(() => world.book.list()[2]?.lastError === 'no connection');
    expect(other.posts).toHaveLength(1);
    other.close();
  });

  it('gets a test on request', async () => {
    const world = await worldOn();
    const hook = await world.book.add(facts());
    expect(await world.runner.test(hook)).toEqual({ isTaken: true, detail: 'status 204' });
    expect(receiver.json()).toMatchObject({ type: 'test' });
    expect(receiver.json().message).toBeUndefined();
  });
});

describe('what waits', () => {
  it('is told after a restart; whenever the power goes, at least once', async () => {
    const disk: Disk = new Map();
    const first = await worldOn(disk);
    await first.book.add(facts());
    const before = new Map(disk);
    const { bytes } = await sealMail(alice, first.who);
    for (let atWrite = 0; atWrite < 8; atWrite++) {
      for (const isApplied of [false, true]) {
        const torn = new Map(before);
        const cut = await worldOn(torn, { atWrite, isApplied });
        cut.runner.start();
        await cut.who.intake.take(bytes).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await cut.runner.stop();
        const healed = await worldOn(torn);
        await healed.who.intake.take(bytes);
        const told = receiver.posts.length;
        healed.runner.start();
        const isTold = async (): Promise<boolean> => (await waiting(healed)) === 0;
        await until(isTold);
        await healed.runner.stop();
        const { delivered = 0 } = healed.book.list()[0] ?? {};
        expect(delivered).toBe(1);
        expect(receiver.posts.length).toBeGreaterThanOrEqual(told);
      }
    }
    expect(new Set(receiver.posts.map((_, at) => receiver.json(at).id)).size).toBe(1);
  });

  it('is dropped with its hook or its message, and a number is never used again', async () => {
    const world = await worldOn();
    const hook = await world.book.add(facts());
    const kept = await world.book.add(facts());
    await mail(world, 'a');
    await world.book.remove(hook.id);
    await world.book.remove(kept.id);
    const next = await world.book.add(facts());
    expect([hook.id, kept.id, next.id]).toEqual([1, 2, 3]);
    await mail(world, 'b');
    const { messages, store } = world.who;
    const batch = store.batch();
    const { apply } = messages.expunge(batch, ['Requests.2']);
    await batch.write();
    apply();
    expect(await waiting(world)).toBe(3);
    run(world);
    await until(async () => (await waiting(world)) === 0);
    expect(receiver.posts).toEqual([]);
  });

  it('has a bound, beyond which events are counted and not kept', async () => {
    const world = await worldOn();
    await world.book.add(facts());
    const { store, messages } = world.who;
    await mail(world);
    const [listed] = messages.list('Requests', 1);
    const batch = store.batch();
    const { entry, folderId } = listed!;
    const change = { kind: 'delivered', origin: 'local', folderId, entry, raw: RAW } as const;
    for (let at = 0; at < MAX_HOOK_JOBS + 5; at++) {
      world.book.note(batch, { ...change, messageKey: `key-${at}` });
    }
    await batch.write();
    expect(await waiting(world)).toBe(MAX_HOOK_JOBS);
    expect(world.book.list()).toMatchObject([{ failed: 6, lastError: 'too many events wait' }]);
  });
});

describe('a hook with a command', () => {
  const command = (script: string, ...args: string[]): Omit<Hook, 'id'> => {
    const file = join(folder, 'hook.mjs');
    writeFileSync(file, script);
    const argv = [process.execPath, file, ...args];
    return facts({ target: { kind: 'command', argv } });
  };

  it('gets the message as its input, plain arguments, and a bare environment', async () => {
    const world = await worldOn();
    const out = join(folder, 'out.json');
    const script = `
      import { readFileSync, writeFileSync, renameSync } from 'node:fs';
      const [, , out, text] = process.argv;
      const input = readFileSync(0, 'latin1');
      writeFileSync(out + '.part', JSON.stringify({ input, text, env: process.env }));
      renameSync(out + '.part', out);`;
    await world.book.add(command(script, out, '$(touch x); "quoted" *'));
    run(world);
    await mail(world);
    await until(() => existsSync(out));
    const told = JSON.parse(readFileSync(out, 'utf8')) as Record<string, string> & { env: object };
    expect(told['input']).toBe('Subject: hello\r\n\r\nThe text.\r\n');
    expect(told['text']).toBe('$(touch x); "quoted" *');
    expect(told.env).toMatchObject({
      TANGLEMAIL_EVENT: 'mail',
      TANGLEMAIL_MESSAGE_ID: 'Requests.1',
      TANGLEMAIL_FOLDER: 'Requests',
    });
    expect(Object.keys(told.env)).not.toContain('TANGLEMAIL_PASSPHRASE');
    await until(() => world.book.list()[0]?.delivered === 1);
  });

  it('fails by its exit code, and is ended with what it started when it is slow', async () => {
    const world = await worldOn();
    const marker = join(folder, 'marker');
    const failing = await world.book.add(command('process.exit(3)'));
    expect(await world.runner.test(failing)).toEqual({ isTaken: false, detail: 'exit 3' });
    const script = `
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      writeFileSync(${JSON.stringify(marker)}, String(child.pid));
      setInterval(() => {}, 1000);`;
    const slow = await world.book.add({ ...command(script), timeoutMs: 3_000 });
    expect(await world.runner.test(slow)).toEqual({ isTaken: false, detail: 'not done in time' });
    const childPid = Number(readFileSync(marker, 'utf8'));
    const isGone = (): boolean => {
      try {
        process.kill(childPid, 0);
        return readFileSync(`/proc/${childPid}/stat`, 'utf8').includes(') Z ');
      } catch {
        return true;
      }
    };
    await until(isGone);
    const none = facts({ target: { kind: 'command', argv: [join(folder, 'none')] } });
    const missing = await world.book.add(none);
    expect(await world.runner.test(missing)).toMatchObject({ detail: 'cannot be started' });
  });
});
