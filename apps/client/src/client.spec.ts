/** Whole clients in one process over a small real node: mail both ways, restarts, stopping. */
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeCheckpoint } from '@tanglemail/tangle/core/codec/checkpoint.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Client } from './client.ts';
import { ledgerCheckpoints } from './store/collections.ts';
import { type Disk, memoryStore, sealedMemoryStore } from './testing/memory-store.ts';
import { SmallTangle, until } from './testing/small-tangle.ts';
import { openWholeClient } from './testing/whole-client.ts';

let tangle: SmallTangle;
const running: Client[] = [];

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
});

afterEach(async () => {
  for (const client of running.splice(0)) await client.stop();
  await tangle.stop();
});

async function startClient(
  seedByte: number,
  disk: Disk = new Map(),
  nodeUrl = tangle.node.baseUrl,
): Promise<Client> {
  const { genesis } = tangle.node;
  const client = await openWholeClient({ seedByte, disk, nodeUrl, genesis }, tangle.access);
  running.push(client);
  client.start();
  return client;
}

async function stopClient(client: Client): Promise<void> {
  running.splice(running.indexOf(client), 1);
  await client.stop();
}

const isPublished = async ({ service }: Client): Promise<boolean> =>
  (await service.status()).descriptor.state === 'confirmed';

const inFolder = async ({ service }: Client, folder: string): Promise<string[]> =>
  (await service.messages({ folder, limit: 50 })).map((one) => one.subject);

describe('two clients', () => {
  it('write to each other: a first mail, an answer, a mail after a restart', async () => {
    const disk: Disk = new Map();
    const [alice, bob] = [await startClient(1, disk), await startClient(2)];
    await until(async () => (await isPublished(alice)) && (await isPublished(bob)));
    const { address: alices } = await alice.service.address();
    const { address: bobs } = await bob.service.address();
    await alice.service.sendMessage({ to: [bobs], subject: 'hello', text: 'Hi.' });
    await until(async () => (await inFolder(bob, 'Requests')).length === 1);
    await bob.service.sendMessage({ to: [alices], subject: 'answer', text: 'Ho.' });
    await until(async () => (await inFolder(alice, 'INBOX')).length === 1);
    const [sent] = await bob.service.outbox({ limit: 1 });
    expect(sent).toMatchObject({ tagKind: 'contact', proofChecked: true, heldCount: 0 });
    const [copy] = await bob.service.messages({ folder: 'Sent', limit: 1 });
    const one = { outboxId: sent?.id, recipientCount: 1, failedCount: 0, isFailed: false };
    expect(copy?.delivery).toMatchObject(one);
    const [got] = await alice.service.messages({ folder: 'INBOX', limit: 1 });
    expect(got?.delivery).toBeUndefined();
    await stopClient(alice);
    await bob.service.sendMessage({ to: [alices], subject: 'while you slept', text: 'Zzz.' });
    await until(async () => (await bob.service.status()).outbox.queued === 0);
    const again = await startClient(1, disk);
    await until(async () => (await inFolder(again, 'INBOX')).length === 2);
    expect(await inFolder(again, 'INBOX')).toEqual(['while you slept', 'answer']);
    expect((await again.service.status()).outbox).toEqual({ queued: 0, failed: 0 });
  });

  it('keep the newest milestone that they checked over a restart', async () => {
    const disk: Disk = new Map();
    const alice = await startClient(1, disk);
    await until(() => isPublished(alice));
    await stopClient(alice);
    const known = sealedMemoryStore(memoryStore(disk).store).get(
      ledgerCheckpoints,
      'ledger-checkpoint',
    );
    expect(decodeCheckpoint(hexToBytes(known?.checkpoint ?? ''))).toMatchObject({
      value: { genesisId: tangle.node.start0.id, newest: { index: expect.any(Number) } },
    });
    // A node with another history behind the same genesis is believed by who knows no better.
    const fork = await startFork();
    const { baseUrl } = fork.node;
    const fresh = await startClient(3, new Map(), baseUrl);
    expect((await fresh.service.status()).node.reachable).toBe(true);
    const warned = await startClient(1, disk, baseUrl);
    expect((await warned.service.status()).node.reachable).toBe(false);
    await stopClient(fresh);
    await stopClient(warned);
    await fork.stop();
  });
});

/** Another chain over the same genesis, one milestone long. */
async function startFork(): Promise<SmallTangle> {
  const { now } = Date;
  const { timestampMs } = tangle.node.genesis;
  Date.now = () => timestampMs + 30_000;
  const fork = await SmallTangle.start();
  Date.now = now;
  expect(fork.node.start0.id).toBe(tangle.node.start0.id);
  await fork.access.issuer.issue(null);
  fork.node.confirm();
  return fork;
}

describe('stopping', () => {
  let silent: Server;

  beforeEach(async () => {
    // Takes every request and never answers.
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
  });

  afterEach(() => {
    silent.closeAllConnections();
    silent.close();
  });

  it('does not wait for a node that never answers', async () => {
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const client = await startClient(1, new Map(), `http://127.0.0.1:${address.port}`);
    const fromMs = performance.now();
    const asked = client.service.status();
    const stopped = stopClient(client);
    expect((await asked).node.reachable).toBe(false);
    await stopped;
    // The time limit of a request alone would have ended it after ten seconds.
    expect(performance.now() - fromMs).toBeLessThan(9_500);
    expect(running).toEqual([]);
  });
});
