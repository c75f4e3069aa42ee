/**
 * What a removed device can still do with everything that it had: it opens nothing that is sent
 * after, neither mail nor chat, and finds none of it by a tag of a contact.
 */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { contactTagKey, tagAt } from '@tanglemail/mail/core/envelope/tags.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { addressOf, parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { deriveAccountKeys, deriveAccountRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Client } from '../client.ts';
import { devicesOf, LinkedDevices } from '../testing/linked-devices.ts';
import { until } from '../testing/small-tangle.ts';
import { TagBook } from '../tags/tag-book.ts';
import { TagLists } from '../tags/tag-lists.ts';

/** Proof of work for every note: some tens of blocks, on a machine that others use, too. */
const TEST_MS = 240_000;
const soon = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  until(condition, 60_000);

let world: LinkedDevices;

beforeEach(async () => {
  world = await LinkedDevices.open();
});

afterEach(() => world.stop());

const status = async ({ service }: Client) => (await service.status()).descriptor;
const isPublished = async (client: Client): Promise<boolean> =>
  (await status(client)).state === 'confirmed';
const textOf = async ({ service }: Client): Promise<string> => (await service.address()).address;

async function subjects({ service }: Client): Promise<string[]> {
  const all = [];
  for (const folder of ['INBOX', 'Requests']) {
    all.push(...(await service.messages({ folder, limit: 99 })));
  }
  return all.map((one) => one.subject);
}

async function write(from: Client, to: string, subject: string, readers: readonly Client[]) {
  await from.service.sendMessage({ to: [to], subject, text: 'Psst.' });
  for (const reader of readers) {
    await soon(async () => (await subjects(reader)).includes(subject));
  }
}

const chatOf = ({ services }: Client) => {
  const { chat } = services;
  if (chat === undefined) throw new Error('the client has chat');
  return chat;
};

/** The id of the conversation with an address, as people write it. */
function conversationWith(text: string): string {
  const parsed = parseMailAddress(text, 'main');
  if (!parsed.ok) throw new Error(parsed.code);
  return parsed.value.address;
}

async function lines(client: Client, conversation: string): Promise<string[]> {
  const known = (await chatOf(client).conversations()).map((one) => one.id);
  if (!known.includes(conversation)) return [];
  const page = await chatOf(client).messages(conversation, { limit: 99 });
  return page.flatMap((one) => (one.kind === 'text' ? [one.text] : []));
}

async function say(from: Client, to: string, text: string, readers: readonly Client[]) {
  const sender = conversationWith(await textOf(from));
  await chatOf(from).send({ to, text });
  for (const reader of readers) {
    await soon(async () => (await lines(reader, sender)).includes(text));
  }
}

it(
  'opens no mail and no line of chat, and finds none by its tag',
  async () => {
    const [alice, bob] = [await world.start(1), await world.start(2)];
    await soon(async () => (await isPublished(alice)) && (await isPublished(bob)));
    const [alices, bobs] = [await textOf(alice), await textOf(bob)];
    await alice.service.addContact({ address: bobs, name: 'Bob' });
    await bob.service.addContact({ address: alices, name: 'Alice' });
    await write(alice, bobs, 'first', [bob]);
    await write(bob, alices, 'answer', [alice]);
    const thief = await world.link(alice, 'thief');
    // A chain from Bob that both devices of Alice read.
    for (const text of ['one', 'two', 'three']) await say(bob, alices, text, [alice, thief]);
    await write(bob, alices, 'to both', [alice, thief]);
    await soon(async () => (await lines(thief, conversationWith(bobs))).length === 3);
    const own = (await devicesOf(thief).list()).find((one) => one.isOwn);
    const { sequence } = await status(alice);
    // Alice's own device knows the thief by now, too, and so can remove it.
    await soon(async () => (await devicesOf(alice).list()).length === 2);
    await world.stopOne(thief);
    await devicesOf(alice).remove(own?.id ?? '');
    await soon(async () => {
      const { state, sequence: now } = await status(alice);
      return state === 'confirmed' && BigInt(now) > BigInt(sequence);
    });
    const known = await knownTags();
    // Both are told new seeds and say that they watch them; until then the old tags serve.
    let found = [''];
    for (let round = 0; round < 10 && found.length > 0; round++) {
      found = await tagsDuring(async () => {
        await write(bob, alices, `renewed ${round}`, [alice]);
        await write(alice, bobs, `renewed ${round}`, [bob]);
      }).then((tags) => tags.filter((tag) => known.has(tag)));
    }
    expect(found).toEqual([]);
    for (const client of [alice, bob]) {
      expect((await client.service.outbox({ limit: 1 }))[0]).toMatchObject({ tagKind: 'contact' });
    }
    const chatted = await tagsDuring(async () => {
      for (const text of ['four', 'five', 'six']) await say(bob, alices, text, [alice]);
    });
    expect(chatted.filter((tag) => known.has(tag))).toEqual([]);
    for (const client of [alice, bob]) await world.stopOne(client);
    const { node } = world.tangle;
    const newest = node.chain.length - 1;
    let read = 0;
    node.intercept = (_method, path) => {
      read = Math.max(read, Number(/milestones\/([0-9]+)\/blocks/.exec(path)?.[1] ?? 0));
      return undefined;
    };
    const again = await world.startLinked('thief');
    // All that was sent is behind a milestone that it has read to the end.
    await soon(() => read > newest);
    expect((await subjects(again)).filter((one) => one.startsWith('renewed'))).toEqual([]);
    expect(await lines(again, conversationWith(bobs))).toHaveLength(3);
  },
  TEST_MS,
);

/** Tags of all envelopes that are confirmed while something happens. */
async function tagsDuring(work: () => Promise<void>): Promise<string[]> {
  const before = new Set(world.tangle.node.referencedBy.keys());
  await work();
  return world.tangle.confirmedEnvelopes(before).flatMap((bytes) => {
    const envelope = decodeEnvelope(bytes);
    return envelope.ok ? [bytesToHex(envelope.value.tag)] : [];
  });
}

/** What the thief has on its disk, and what it can compute from the keys of the account. */
async function knownTags(): Promise<Set<string>> {
  const store = await world.storeOf('thief');
  const ofChains = (await TagLists.load(store)).watched();
  const tags = [...(await TagBook.load(store)).watched(), ...ofChains];
  // It watches a chain of Bob's, and a list has 128 tags.
  expect(ofChains.length).toBeGreaterThanOrEqual(128);
  await store.close();
  const [alice, bob] = [1, 2].map((byte) => {
    const root = deriveAccountRoot(new Uint8Array(64).fill(byte), 0);
    const keys = deriveAccountKeys(root, nobleSuite);
    return { keys, address: addressOf(keys.account.publicKey) };
  });
  if (alice === undefined || bob === undefined) throw new Error('two people');
  const { secretKey } = alice.keys.identity;
  const { publicKey } = bob.keys.identity;
  for (const direction of [
    { from: alice.address, to: bob.address },
    { from: bob.address, to: alice.address },
  ]) {
    const key = contactTagKey(secretKey, publicKey, direction, nobleSuite);
    if (key === undefined) throw new Error('keys of a high order');
    for (let index = 0; index < 300; index++) tags.push(tagAt(key, index));
  }
  return new Set(tags.map((tag) => bytesToHex(tag)));
}
