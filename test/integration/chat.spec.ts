/**
 * Chat over a real provider: what is said to somebody who is away waits for him there, by letter
 * and by chain, and a removed member finds nothing more at his.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { Chat } from '../../apps/client/src/chat/chat.ts';
import { Outbox } from '../../apps/client/src/outbox/outbox.ts';
import { Sealer } from '../../apps/client/src/outbox/sealer.ts';
import { WriteLock } from '../../apps/client/src/store/write-lock.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { type ClientSide, clientSide, Market } from './market.ts';

interface ChatSide extends ClientSide {
  readonly chat: Chat;
  readonly outbox: Outbox;
  readonly address: MailAddress;
}

let market: Market;
let sides: ChatSide[];
/** Envelopes in the order of their milestones. */
let sent: Uint8Array[];
let blocks: WriteLock;

beforeEach(async () => {
  market = await Market.start();
  sides = [];
  sent = [];
  blocks = new WriteLock();
});

afterEach(async () => {
  for (const { outbox, chat, lifetime } of sides) {
    await outbox.stop();
    await chat.settle();
    lifetime.abort();
  }
  await market.stop();
});

/** A client that rents a mailbox and chats. */
async function open(seedByte: number): Promise<ChatSide> {
  const side = await clientSide(market, seedByte);
  const { who, renter, sync } = side;
  await renter.rent({ bondId: market.bondId });
  await sync.sync(market.bondId);
  const resolver = { resolve: async (to: MailAddress) => publishedBy(to) };
  const sealer = new Sealer({ ...who, resolver: resolver as never, suite: nobleSuite });
  const issuer = {
    issue: async (payload: unknown) => {
      const blockId = Buffer.from(who.tangle.random.bytes(32)).toString('hex');
      return { blockId, bytes: new Uint8Array(1), payload, powMs: 0 };
    },
    awaitConfirmation: async ({ blockId, payload }: { blockId: string; payload: never }) => {
      const { bytes } = payload as { bytes: Uint8Array };
      await blocks.run(() => market.confirm([bytes]));
      sent.push(bytes);
      const milestone = { header: { timestampMs: market.node.nowMs } };
      return { blockId, milestoneIndex: market.node.milestones.length, milestone };
    },
  };
  const tangle = Object.assign(who.tangle, { issuer: issuer as never });
  const outbox = await Outbox.load({
    ...who,
    tangle,
    sealers: { message: sealer, note: sealer },
    providersOf: async (to) => publishedBy(to).providers,
    providerAt: (hint) => renter.providerAt(hint),
    watchTags: () => sync.watchTags(),
    logger: SILENT_LOGGER,
    onChange: () => {},
    onWork: () => {},
  });
  const chat = await Chat.load({
    ...who,
    outbox,
    resolver,
    suite: nobleSuite,
    watchTags: () => sync.watchTags(),
    isWatching: (chainId) => sync.isWatching(chainId),
    onChange: () => {},
    logger: SILENT_LOGGER,
  });
  outbox.start();
  const opened = { ...side, chat, outbox, address: who.account.address };
  sides.push(opened);
  return opened;
}

function publishedBy(address: MailAddress) {
  const side = sides.find((one) => one.address === address);
  if (side === undefined) throw new Error('nobody has this address');
  return descriptorOf(side.who, { providers: side.book.hints() });
}

async function befriend(a: ChatSide, b: ChatSide): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const { nowMs } = market.node;
    await from.who.contacts.add(to.address, { name: '', nowMs });
    await from.who.contacts.learnKeys(to.address, publishedBy(to.address), nowMs);
    await to.who.intake.take((await sealMail(from.who, to.who)).bytes);
    await from.sync.watchTags();
  }
}

/** Everything that somebody queued is in a milestone, and stored where it belongs. */
async function delivered(...people: ChatSide[]): Promise<void> {
  for (const { chat, outbox } of people) {
    await chat.settle();
    await until(async () => {
      const entries = await outbox.list(999, undefined, true);
      if (entries.every((one) => one.isDone || one.state === 'stored')) return true;
      // Receipts are asked for again as the ledger's time goes on.
      await blocks.run(() => market.confirm([], 1));
      return false;
    });
  }
}

/** Somebody comes online: fetches from the provider, answers, does what is due. */
async function online(...people: ChatSide[]): Promise<void> {
  for (const one of people) {
    await one.sync.sync(market.bondId);
    await one.chat.settle();
    await one.chat.tick();
    await delivered(one);
  }
}

async function heard({ chat }: ChatSide, id: string): Promise<string[]> {
  const page = await chat.log.page(id, 99);
  const texts = page.filter((one) => one.kind === 'text').map((one) => one.text);
  return texts.toReversed();
}

describe('two people, one of them away', () => {
  it('have everything when he comes back, by letter first and by chain then', async () => {
    const [alice, bob] = [await open(1), await open(2)];
    await befriend(alice, bob);
    const toBob = { id: bob.address, kind: 'person' } as const;
    await alice.chat.send(toBob, 'one');
    await alice.chat.send(toBob, 'two');
    await delivered(alice);
    expect(await heard(bob, alice.address)).toEqual([]);
    await online(bob, alice);
    expect((await heard(bob, alice.address)).toSorted()).toEqual(['one', 'two']);
    sent = [];
    const third = await alice.chat.send(toBob, 'three');
    await delivered(alice);
    // A chain's envelope of the smallest class, and Bob's provider says that it has it.
    expect(sent.map((bytes) => bytes[1])).toEqual([0]);
    const entry = alice.outbox.get(third.recipients[0]?.outboxId ?? 0);
    expect(entry).toMatchObject({ tagKind: 'chain', state: 'stored' });
    await online(bob);
    expect((await heard(bob, alice.address)).at(-1)).toBe('three');
    await online(bob);
    expect(await heard(bob, alice.address)).toHaveLength(3);
  });
});

describe('a seed that comes with other mail', () => {
  it('is answered right after the sync that brought it', async () => {
    const [alice, bob] = [await open(1), await open(2)];
    await befriend(alice, bob);
    const toBob = { id: bob.address, kind: 'person' } as const;
    for (const text of ['one', 'two', 'three', 'four']) await alice.chat.send(toBob, text);
    await delivered(alice);
    await bob.sync.sync(market.bondId);
    await bob.chat.settle();
    expect(await heard(bob, alice.address)).toHaveLength(4);
    const notes = await bob.outbox.list(99, undefined, true);
    expect(notes.filter((one) => one.dedupe?.startsWith('watched:'))).toHaveLength(1);
  }, 60_000);
});

describe('a group of four', () => {
  it('goes on without the one who was removed, who can read nothing later', async () => {
    const people = [await open(1), await open(2), await open(3), await open(4)];
    const [ada, ben, cy, dora] = people as [ChatSide, ChatSide, ChatSide, ChatSide];
    for (const other of [ben, cy, dora]) await befriend(ada, other);
    const others = [ben, cy, dora].map((one) => one.address);
    const id = await ada.chat.desk.found('Circle', others);
    const group = { id, kind: 'group' } as const;
    await delivered(ada);
    await online(ben, cy, dora);
    await ada.chat.send(group, 'welcome');
    await delivered(ada);
    for (let round = 0; round < 2; round += 1) await online(ben, cy, dora, ada);
    sent = [];
    await ada.chat.send(group, 'on the chain');
    await delivered(ada);
    expect(sent.map((bytes) => bytes[1])).toEqual([0]);
    await ada.chat.desk.change(id, { kind: 'remove', who: dora.address });
    await delivered(ada);
    sent = [];
    await ada.chat.send(group, 'without her');
    await delivered(ada);
    for (let round = 0; round < 2; round += 1) await online(ben, cy, dora, ada);
    await ada.chat.send(group, 'and again');
    await delivered(ada);
    await online(ben, cy, dora);
    const all = ['welcome', 'on the chain', 'without her', 'and again'];
    for (const one of [ben, cy]) expect(await heard(one, id)).toEqual(all);
    expect(await heard(dora, id)).toEqual(all.slice(0, 2));
    for (const bytes of sent) await dora.who.intake.take(bytes);
    expect(await heard(dora, id)).toEqual(all.slice(0, 2));
  }, 120_000);
});
