// A key in another process: it never contradicts itself, whatever the node remembers.
// Spec: docs/spec/16-signer.md §6.
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { testKey } from '../testing/test-network.ts';
import type { ExternalSigner } from './external-signer.ts';
import { readLines } from './signer-protocol.ts';
import { SignerServer, type SignerServerOptions } from './signer-server.ts';
import { KeySigner, openSigner } from './signer.ts';
import { statement } from './testing/votes.ts';

const NETWORK = 7n;
const KEY = testKey(3);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signer-'));
  closers.push(() => rm(folder, { recursive: true }));
  return folder;
}

const fatal: unknown[] = [];

async function serve(
  folder: string,
  more: Partial<SignerServerOptions> = {},
  key = KEY,
): Promise<SignerServer> {
  return await SignerServer.start(
    {
      socketPath: join(folder, 'sock'),
      folder: join(folder, 'memory'),
      networkId: NETWORK,
      isFirstStart: false,
      ...more,
    },
    { signer: new KeySigner(key), hasher: nobleHasher, onFatal: (error) => fatal.push(error) },
  );
}

async function connect(folder: string, timeoutMs = 5_000): Promise<ExternalSigner> {
  const place = { socketPath: join(folder, 'sock'), networkId: NETWORK, timeoutMs };
  const signer = await openSigner(place, nobleVerifier);
  closers.push(() => signer.close());
  return signer as ExternalSigner;
}

async function started(): Promise<{ folder: string; signer: ExternalSigner }> {
  const folder = await newFolder();
  const server = await serve(folder, { isFirstStart: true });
  closers.push(() => server.stop());
  return { folder, signer: await connect(folder) };
}

/** Answers each line with what `answer` says. */
async function serveFalsely(folder: string, answer: (line: string) => string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    readLines(socket, (line) => socket.write(`${answer(line)}\n`));
  });
  server.listen(join(folder, 'sock'));
  await once(server, 'listening');
  closers.push(async () => {
    server.close();
    await once(server, 'close');
  });
  return server;
}

describe('an external signer', () => {
  it('signs what it is asked, by a socket that is its owner’s alone', async () => {
    const { folder, signer } = await started();
    expect(signer.publicKey).toEqual(KEY.publicKey);
    expect((await stat(join(folder, 'sock'))).mode & 0o777).toBe(0o600);
    const all = [1n, 2n, 3n, 0xffn].map((view) => statement('notarize', view, { epoch: 2 }));
    const signatures = await Promise.all(all.map((one) => signer.sign(one, NETWORK)));
    for (const [index, { kind, epoch, view, digest }] of all.entries()) {
      const message = signedMessage(NETWORK, kind, epoch, view, digest);
      expect(nobleVerifier.verify(KEY.publicKey, message, signatures[index]!)).toBe(true);
    }
    expect(signer.isAway).toBe(false);
  });

  it('refuses contradictions, and other networks', async () => {
    const { signer } = await started();
    await signer.sign(statement('finalize', 1n), NETWORK);
    await signer.sign(statement('finalize', 1n), NETWORK);
    const wrong = [statement('finalize', 1n, { byte: 2 }), statement('nullify', 1n)];
    for (const one of wrong) {
      await expect(signer.sign(one, NETWORK)).rejects.toMatchObject({ code: 'contradicts' });
    }
    await expect(signer.sign(statement('finalize', 1n), 8n)).rejects.toMatchObject({
      code: 'unknown-network',
    });
  });

  it('remembers 64 views, and signs nothing below but ratifications', async () => {
    const { signer } = await started();
    await signer.sign(statement('nullify', 10n), NETWORK);
    await signer.sign(statement('nullify', 73n), NETWORK);
    await expect(signer.sign(statement('finalize', 10n), NETWORK)).rejects.toMatchObject({
      code: 'contradicts',
    });
    await signer.sign(statement('nullify', 74n), NETWORK);
    await expect(signer.sign(statement('nullify', 10n), NETWORK)).rejects.toMatchObject({
      code: 'below',
    });
    await signer.sign(statement('ratify', 10n), NETWORK);
    await signer.sign(statement('nullify', 11n), NETWORK);
    await signer.sign(statement('nullify', 1n, { epoch: 1 }), NETWORK);
    await expect(signer.sign(statement('nullify', 80n), NETWORK)).rejects.toMatchObject({
      code: 'below',
    });
  });

  it('remembers over restarts, and the node finds it again', async () => {
    const folder = await newFolder();
    const first = await serve(folder, { isFirstStart: true });
    const signer = await connect(folder);
    await signer.sign(statement('nullify', 1n), NETWORK);
    await signer.sign(statement('nullify', 90n), NETWORK);
    await first.stop();
    const second = await serve(folder);
    closers.push(() => second.stop());
    await expect(signer.sign(statement('finalize', 90n), NETWORK)).rejects.toMatchObject({
      code: 'contradicts',
    });
    await expect(
      signer.sign(statement('nullify', 1n, { epoch: 1 }), NETWORK),
    ).resolves.toHaveLength(64);
    expect(fatal).toEqual([]);
  });

  it('is away while it does not answer, and back with its next answer', async () => {
    const folder = await newFolder();
    const first = await serve(folder, { isFirstStart: true });
    const signer = await connect(folder, 300);
    await first.stop();
    await expect(signer.sign(statement('nullify', 1n), NETWORK)).rejects.toMatchObject({
      code: 'away',
    });
    expect(signer.isAway).toBe(true);
    const second = await serve(folder);
    closers.push(() => second.stop());
    await until(async () => {
      await signer.sign(statement('nullify', 2n), NETWORK).catch(() => undefined);
      return !signer.isAway;
    });
    await signer.close();
    await expect(signer.sign(statement('nullify', 3n), NETWORK)).rejects.toMatchObject({
      code: 'away',
    });
  });

  it('is not believed without a valid signature', async () => {
    const folder = await newFolder();
    const publicKey = Buffer.from(KEY.publicKey).toString('hex');
    await serveFalsely(folder, (line) => {
      const { id, statement: asked } = JSON.parse(line) as { id: number; statement?: unknown };
      const signature = '00'.repeat(64);
      return JSON.stringify(asked === undefined ? { id, publicKey } : { id, signature });
    });
    const signer = await connect(folder);
    await expect(signer.sign(statement('nullify', 1n), NETWORK)).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('is away when what it says is no answer', async () => {
    const folder = await newFolder();
    await serveFalsely(folder, () => '{"id":0,"answer":42}');
    await expect(connect(folder, 200)).rejects.toMatchObject({ code: 'away' });
  });
});

describe('the memory of a signer', () => {
  it('is not made twice, and not replaced when it is gone', async () => {
    const folder = await newFolder();
    await expect(serve(folder)).rejects.toThrow(/--first/);
    await (await serve(folder, { isFirstStart: true })).stop();
    await expect(serve(folder, { isFirstStart: true })).rejects.toThrow(/a memory already/);
    await expect(serve(folder, {}, testKey(4))).rejects.toThrow(/another key/);
    await expect(serve(folder, { networkId: 8n })).rejects.toMatchObject({ code: 'wrong-network' });
    await rm(join(folder, 'memory', 'votes.log'));
    await expect(serve(folder)).rejects.toThrow(/bring the memory/);
  });

  it('belongs to one process', async () => {
    const { folder } = await started();
    await expect(serve(folder)).rejects.toMatchObject({ code: 'locked' });
  });
});

describe('a line to a signer', () => {
  const good = { kind: 'nullify', epoch: 0, view: '1', digest: '00'.repeat(32) };
  const networkId = '0000000000000007';
  it.each([
    ['no JSON', '{"id":1'],
    ['too long', 'x'.repeat(2_000)],
    ['of an unknown kind', JSON.stringify({ id: 1, networkId, statement: { ...good, kind: 'x' } })],
    [
      'a view of 65 bits',
      JSON.stringify({ id: 1, networkId, statement: { ...good, view: '18446744073709551616' } }),
    ],
    ['more than a request', JSON.stringify({ id: 1, networkId, statement: good, also: 1 })],
  ])('that is %s ends the connection', async (_, line) => {
    const { folder, signer } = await started();
    const socket = createConnection(join(folder, 'sock'));
    socket.resume();
    socket.write(`${line}\n`);
    await once(socket, 'close');
    await expect(signer.sign(statement('nullify', 1n), NETWORK)).resolves.toHaveLength(64);
  });
});
