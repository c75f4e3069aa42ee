/**
 * Mail without a provider and without a word about tags: whole clients that read the filters of
 * real nodes, what those nodes hear of them, what it costs, and a node that hides mail.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Client } from '../../apps/client/src/client.ts';
import type { ClientConfigInput } from '../../apps/client/src/config/schema.ts';
import type { Disk } from '../../apps/client/src/testing/memory-store.ts';
import { openWholeClient } from '../../apps/client/src/testing/whole-client.ts';
import {
  testGenesis,
  TestNetwork,
  until,
  type TestNode,
} from '../../apps/node/src/testing/test-network.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '../../libs/tangle/src/io/system.ts';
import { FilterProxy } from './filter-proxy.ts';

const LIMIT_MS = 90_000;
const genesis = testGenesis();
const { id: genesisId } = genesisMilestone(genesis, nobleHasher);
const network = new TestNetwork();
const running = new Set<Client>();

afterEach(async () => {
  for (const client of running) await client.stop();
  running.clear();
  await network.closeAll();
});

async function start(
  seedByte: number,
  nodeUrl: string,
  config: ClientConfigInput = {},
  disk: Disk = new Map(),
): Promise<Client> {
  const system = { clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM };
  const client = await openWholeClient({ seedByte, disk, nodeUrl, genesis, config }, system);
  running.add(client);
  client.start();
  const isPublished = async (): Promise<boolean> =>
    (await client.service.status()).descriptor.state === 'confirmed';
  await until(isPublished, LIMIT_MS);
  return client;
}

async function stop(client: Client): Promise<void> {
  running.delete(client);
  await client.stop();
}

async function proxyOf(node: TestNode): Promise<FilterProxy> {
  const proxy = await FilterProxy.open(node.api.url, genesisId);
  network.onClose(() => proxy.close());
  return proxy;
}

const FILTERS: ClientConfigInput = {
  mailFromNode: false,
  pollIntervalMs: 86_400_000,
  mail: { find: ['filters'], filterIntervalMs: 250 },
};

const inFolder = async ({ service }: Client, folder: string): Promise<string[]> =>
  (await service.messages({ folder, limit: 50 })).map((one) => one.subject).toSorted();

const addressOf = async ({ service }: Client): Promise<string> => (await service.address()).address;

/** Sends and waits until a milestone has it. */
async function send(from: Client, to: string, subject: string): Promise<number> {
  await from.service.sendMessage({ to: [to], subject, text: 'Hi.' });
  const [{ id } = { id: '' }] = await from.service.outbox({ limit: 1 });
  const index = async (): Promise<number | undefined> =>
    (await from.service.outboxItem(id)).milestoneIndex;
  await until(async () => (await index()) !== undefined, LIMIT_MS);
  return (await index()) ?? 0;
}

describe('a client with filters and nothing else', () => {
  it('gets all mail, also of the time when it was away, and names no tag', async () => {
    const node = await network.start({ validator: true });
    const proxy = await proxyOf(node);
    const disk: Disk = new Map();
    const alice = await start(1, node.api.url, FILTERS);
    const bob = await start(2, proxy.url, FILTERS, disk);
    const [alices, bobs] = [await addressOf(alice), await addressOf(bob)];
    await send(alice, bobs, 'from a stranger');
    await until(async () => (await inFolder(bob, 'Requests')).length === 1, LIMIT_MS);
    await send(bob, alices, 'answer');
    await until(async () => (await inFolder(alice, 'INBOX')).length === 1, LIMIT_MS);
    await stop(bob);
    const before = proxy.requests.length;
    await send(alice, bobs, 'while you slept');
    await send(alice, bobs, 'and again');
    const again = await start(2, proxy.url, FILTERS, disk);
    const all = ['and again', 'answer', 'from a stranger', 'while you slept'];
    const everywhere = async (): Promise<string[]> =>
      (await Promise.all(['INBOX', 'Requests', 'Sent'].map((one) => inFolder(again, one)))).flat();
    // The stranger's mail may have left Requests: answering it made the stranger a contact.
    await until(async () => (await everywhere()).length >= all.length, LIMIT_MS);
    expect((await everywhere()).toSorted()).toEqual(all);
    // Tags in paths and queries would stand there as 32 hex digits or more.
    const asked = proxy.requests.slice(before).filter((one) => one.startsWith('GET'));
    const words = asked.filter((one) => /filters|milestones\/\d+(\/blocks)?$/.test(one));
    expect(words.some((one) => one.includes('/filters?from='))).toBe(true);
    expect(words.some((one) => /milestones\/\d+\/blocks$/.test(one))).toBe(true);
    expect(words.filter((one) => /[0-9a-f]{12}/.test(one))).toEqual([]);
    expect(again.services.filters?.filterStatus()).toMatchObject({ isEnabled: true, missed: 0 });
  }, 180_000);

  it('finds mail that its first node hides, once a second one is configured', async () => {
    const one = await network.start({ validator: true });
    const two = await network.start({ peers: [one] });
    const liar = await proxyOf(one);
    const alice = await start(1, one.api.url, FILTERS);
    const away: Disk = new Map();
    const exact = { ...FILTERS.mail, filterStrangers: false, filterDecoys: 0 };
    const bob = await start(2, one.api.url, { ...FILTERS, mail: exact }, away);
    const [alices, bobs] = [await addressOf(alice), await addressOf(bob)];
    await send(bob, alices, 'so that you have my tags');
    await until(async () => (await inFolder(alice, 'Requests')).length === 1, LIMIT_MS);
    await stop(bob);
    liar.emptied.add(await send(alice, bobs, 'hidden'));
    const shown = await send(alice, bobs, 'shown');
    const deceived = new Map(away);
    const trusting = await start(2, liar.url, { ...FILTERS, mail: exact }, deceived);
    await until(async () => (await inFolder(trusting, 'INBOX')).length === 1, LIMIT_MS);
    expect(await inFolder(trusting, 'INBOX')).toEqual(['shown']);
    await stop(trusting);
    await until(() => two.node.query.confirmedIndex >= shown, LIMIT_MS);
    const mail = { ...exact, filterNodes: [two.api.url] };
    const careful = await start(2, liar.url, { ...FILTERS, mail }, away);
    await until(async () => (await inFolder(careful, 'INBOX')).length === 2, LIMIT_MS);
    const { nodes = [] } = careful.services.filters?.filterStatus() ?? {};
    expect(nodes.map(({ isTrusted }) => isTrusted)).toEqual([false, true]);
    expect([...liar.emptied]).toEqual([nodes[0]?.milestoneIndex]);
  }, 180_000);
});
