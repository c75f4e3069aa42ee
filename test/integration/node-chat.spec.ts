/**
 * Chat without a provider: whole clients that have all their mail from a real node, each by another
 * of the two ways, and speak over their local API.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Client } from '../../apps/client/src/client.ts';
import type { ClientConfigInput } from '../../apps/client/src/config/schema.ts';
import { openWholeClient } from '../../apps/client/src/testing/whole-client.ts';
import {
  testGenesis,
  TestNetwork,
  type TestNode,
  until,
} from '../../apps/node/src/testing/test-network.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '../../libs/tangle/src/io/system.ts';

const LIMIT_MS = 120_000;
const genesis = testGenesis();
const network = new TestNetwork();
const running = new Set<Client>();

afterEach(async () => {
  for (const client of running) await client.stop();
  running.clear();
  await network.closeAll();
});

/** Every envelope of the node, from its milestones. */
const WHOLE: ClientConfigInput = { mailFromNode: true, pollIntervalMs: 86_400_000 };
/** The node's filters alone. */
const FILTERED: ClientConfigInput = {
  mailFromNode: false,
  pollIntervalMs: 86_400_000,
  mail: { find: ['filters'], filterIntervalMs: 250 },
};

interface Side {
  readonly client: Client;
  readonly address: string;
}

async function start(seedByte: number, nodeUrl: string, config: ClientConfigInput): Promise<Side> {
  const system = { clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM };
  const options = { seedByte, disk: new Map(), nodeUrl, genesis, config };
  const client = await openWholeClient(options, system);
  running.add(client);
  client.start();
  const isPublished = async (): Promise<boolean> =>
    (await client.service.status()).descriptor.state === 'confirmed';
  await until(isPublished, LIMIT_MS);
  return { client, address: (await client.service.address()).address };
}

function chatOf({ client }: Side) {
  const { chat } = client.services;
  if (chat === undefined) throw new Error('every client chats');
  return chat;
}

async function countOf({ client }: Side, folder: string): Promise<number> {
  return (await client.service.messages({ folder, limit: 50 })).length;
}

/** One writes, the other answers: each has accepted the other, and has a letter of theirs. */
async function befriend(a: Side, b: Side): Promise<void> {
  const mail = { subject: 'Hello', text: 'Hi.' };
  const before = await countOf(a, 'INBOX');
  await a.client.service.sendMessage({ to: [b.address], ...mail });
  await until(async () => (await countOf(b, 'Requests')) > 0, LIMIT_MS);
  await b.client.service.sendMessage({ to: [a.address], ...mail });
  await until(async () => (await countOf(a, 'INBOX')) > before, LIMIT_MS);
}

/** The lines of a conversation, sorted: a group's order differs from member to member. */
async function linesOf(one: Side, id: string): Promise<string[]> {
  const known = (await chatOf(one).conversations()).some((conversation) => conversation.id === id);
  const page = known ? await chatOf(one).messages(id, { limit: 99 }) : [];
  const lines = page.filter(({ kind }) => kind === 'text');
  return lines.map(({ text }) => text).toSorted();
}

/** The conversation that a person or group named `title` has with `one`. */
async function idOf(one: Side, title: string): Promise<string> {
  const all = await chatOf(one).conversations();
  return all.find((conversation) => conversation.title === title)?.id ?? '';
}

/** Envelopes of the smallest class that are in milestones: those of chains, for no letter fits. */
async function countSmall({ node, client }: TestNode): Promise<number> {
  let count = 0;
  for (let index = 1; index <= node.query.confirmedIndex; index += 1) {
    const blocks = await client.milestoneBlocks(index, 'envelope');
    count += blocks.filter(({ bytes }) => bytes.length < 1_024).length;
  }
  return count;
}

describe('chat by way of a node alone', () => {
  it('goes between two, in a group of three, and past a member who was removed', async () => {
    const node = await network.start({ validator: true });
    const url = node.api.url;
    const ada = await start(1, url, WHOLE);
    const ben = await start(2, url, FILTERED);
    const cy = await start(3, url, WHOLE);
    await befriend(ben, ada);
    await befriend(cy, ada);
    const heard = (one: Side, id: string, ...lines: string[]) =>
      until(async () => {
        const present = await linesOf(one, id);
        return lines.every((line) => present.includes(line));
      }, LIMIT_MS);
    // By letter first, on a chain once the other watches it; both ways.
    for (let round = 1; (await countSmall(node)) < 2; round += 1) {
      const [toBen, toAda] = [`to Ben ${round}`, `to Ada ${round}`];
      const sent = await chatOf(ada).send({ to: ben.address, text: toBen });
      const answer = await chatOf(ben).send({ to: ada.address, text: toAda });
      await heard(ben, answer.message?.conversation ?? '', toBen);
      await heard(ada, sent.message?.conversation ?? '', toAda);
    }
    const { id } = await chatOf(ada).foundGroup({
      name: 'Circle',
      members: [ben.address, cy.address],
    });
    for (const one of [ben, cy]) {
      await until(async () => (await idOf(one, 'Circle')) === id, LIMIT_MS);
    }
    for (const round of [1, 2]) {
      for (const [name, one] of Object.entries({ ada, ben, cy })) {
        const text = `${name} ${round}`;
        await chatOf(one).send({ to: id, text });
        for (const reader of [ada, ben, cy]) await heard(reader, id, text);
      }
    }
    await chatOf(ada).changeGroup(id, { kind: 'remove', who: cy.address });
    await until(async () => (await chatOf(cy).group(id)).role === null, LIMIT_MS);
    await until(async () => (await chatOf(ben).group(id)).members.length === 2, LIMIT_MS);
    for (const [name, one] of Object.entries({ ada, ben })) {
      await chatOf(one).send({ to: id, text: `${name} without Cy` });
      for (const reader of [ada, ben]) await heard(reader, id, `${name} without Cy`);
    }
    // A mail that comes after all this shows that Cy has read as far.
    const before = await countOf(cy, 'INBOX');
    await ada.client.service.sendMessage({ to: [cy.address], subject: 'Bye', text: 'Bye.' });
    await until(async () => (await countOf(cy, 'INBOX')) > before, LIMIT_MS);
    const whole = [1, 2].flatMap((round) => ['ada', 'ben', 'cy'].map((name) => `${name} ${round}`));
    expect(await linesOf(cy, id)).toEqual(whole.toSorted());
    const present = [...whole, 'ada without Cy', 'ben without Cy'].toSorted();
    for (const one of [ada, ben]) expect(await linesOf(one, id)).toEqual(present);
    await expect(chatOf(cy).send({ to: id, text: 'and me?' })).rejects.toMatchObject({
      code: 'chat-closed',
    });
  }, 600_000);
});
