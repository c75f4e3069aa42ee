/** Groups over the real intake and outbox: who reads what, and what brings members together. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { signChange } from '@tanglemail/mail/core/group/change.ts';
import { encodeFrame } from '@tanglemail/mail/core/group/frame.ts';
import { encodeGroupNote } from '@tanglemail/mail/core/group/note.ts';
import { type ChatPerson, ChatWorld, noticesOf, textsOf } from '../testing/chat-world.ts';
import { sealNote } from '../testing/letters.ts';

let world: ChatWorld;
let ada: ChatPerson;
let ben: ChatPerson;
let cy: ChatPerson;
let dora: ChatPerson;
let everybody: ChatPerson[];

beforeEach(async () => {
  world = new ChatWorld();
  everybody = [];
  for (const seed of [1, 2, 3, 4]) everybody.push(await world.open(seed));
  [ada, ben, cy, dora] = everybody as [ChatPerson, ChatPerson, ChatPerson, ChatPerson];
  // Only Ada knows all; the others meet in her group.
  for (const other of [ben, cy, dora]) await world.befriend(ada, other);
});

afterEach(() => world.close());

const settle = (people = everybody) => world.settle(people);
const say = (from: ChatPerson, id: string, text: string) =>
  from.chat.send({ id, kind: 'group' }, text);
const namesOf = ({ chat }: ChatPerson, id: string) =>
  (chat.groups.get(id)?.current().members ?? []).map((one) => one.address).toSorted();
const addresses = (...people: ChatPerson[]) => people.map((one) => one.address).toSorted();

/** A group of Ada's with some others, whose chains are all watched. */
async function founded(...others: ChatPerson[]): Promise<string> {
  const id = await ada.chat.desk.found('Reading circle', addresses(...others));
  await settle();
  for (const one of [ada, ...others]) await say(one, id, `hello from ${one.address.slice(0, 4)}`);
  await settle();
  return id;
}

/** Envelopes sent while `work` runs. */
async function during(work: () => Promise<unknown>): Promise<Uint8Array[]> {
  const before = world.envelopes.length;
  await work();
  await settle();
  return world.envelopes.slice(before);
}

describe('a group', () => {
  it('brings people together who did not know each other, and all read all', async () => {
    const id = await founded(ben, cy, dora);
    for (const one of everybody) {
      expect(namesOf(one, id)).toEqual(addresses(...everybody));
      expect(await textsOf(one, id)).toHaveLength(4);
    }
    expect(ben.chat.groups.ownRole(id)).toBe('member');
    expect(await noticesOf(ben, id)).toMatchObject([
      { change: 'create', name: 'Reading circle' },
      { change: 'add' },
      { change: 'add' },
      { change: 'add' },
    ]);
  });

  it('costs one small envelope a message once everybody watches', async () => {
    const id = await founded(ben, cy, dora);
    const sent = await during(() => say(ben, id, 'which book?'));
    expect(sent.map((bytes) => bytes[1])).toEqual([0]);
    for (const one of everybody) expect((await textsOf(one, id)).at(-1)).toBe('which book?');
  });

  it('is read no more by who was removed, with all keys that he has', async () => {
    const id = await founded(ben, cy, dora);
    await ada.chat.desk.change(id, { kind: 'remove', who: dora.address });
    await settle();
    expect(dora.chat.groups.ownRole(id)).toBeUndefined();
    await expect(say(dora, id, 'let me in')).rejects.toMatchObject({ code: 'chat-closed' });
    const sent: Uint8Array[] = [];
    for (const from of [ada, ben, cy]) {
      sent.push(...(await during(() => say(from, id, `without her: ${from.address}`))));
      sent.push(...(await during(() => say(from, id, `and again: ${from.address}`))));
    }
    for (const one of [ada, ben, cy]) expect(await textsOf(one, id)).toHaveLength(4 + 6);
    expect(await textsOf(dora, id)).toHaveLength(4);
    // Nothing of it opens with what she holds, whether she looks for its tag or not.
    for (const bytes of sent) {
      const envelope = decodeEnvelope(bytes);
      expect(envelope.ok && dora.who.intake.isOurs(envelope.value, world.nowMs / 1_000)).toBe(
        false,
      );
      const taken = await dora.who.intake.take(bytes);
      expect(['refused', 'known']).toContain(taken.kind);
    }
    expect(await textsOf(dora, id)).toHaveLength(4);
  });

  it('gives who joins late nothing from before, and everything after', async () => {
    const id = await founded(ben, cy);
    const before = [...world.envelopes];
    await ada.chat.desk.change(id, { kind: 'add', who: dora.address });
    await settle();
    expect(namesOf(dora, id)).toEqual(addresses(...everybody));
    for (const bytes of before) await dora.who.intake.take(bytes);
    for (const from of [ada, ben, cy, dora]) await say(from, id, `late ${from.address}`);
    await settle();
    for (const from of [ada, ben, cy, dora]) await say(from, id, `later ${from.address}`);
    await settle();
    expect(await textsOf(dora, id)).toHaveLength(8);
    expect(await textsOf(ben, id)).toHaveLength(3 + 8);
  });

  it('goes on when somebody leaves, is renamed, and gets an admin', async () => {
    const id = await founded(ben, cy, dora);
    await ada.chat.desk.change(id, { kind: 'promote', who: ben.address });
    await settle();
    await ben.chat.desk.change(id, { kind: 'rename', name: 'Book club' });
    await cy.chat.desk.change(id, { kind: 'leave' });
    await settle();
    for (const one of [ada, ben, dora]) {
      expect(one.chat.groups.get(id)?.current().name).toBe('Book club');
      expect(namesOf(one, id)).toEqual(addresses(ada, ben, dora));
    }
    await ada.chat.desk.change(id, { kind: 'demote', who: ben.address });
    await settle();
    const again = { kind: 'rename', name: 'Mine' } as const;
    await expect(ben.chat.desk.change(id, again)).rejects.toMatchObject({ code: 'group-refused' });
    await say(dora, id, 'only we three');
    await settle();
    expect(await textsOf(ada, id)).toContain('only we three');
    expect(await textsOf(cy, id)).not.toContain('only we three');
  });

  it('is the same after a restart', async () => {
    const id = await founded(ben, cy);
    await ben.outbox.stop();
    ben = await world.open(2, ben.disk);
    ben.read = world.envelopes.length;
    everybody = [ada, ben, cy, dora];
    expect(namesOf(ben, id)).toEqual(addresses(ada, ben, cy));
    await say(ben, id, 'back');
    await settle();
    expect((await textsOf(cy, id)).at(-1)).toBe('back');
    expect(await textsOf(ben, id)).toHaveLength(4);
  });
});

describe('what members lack', () => {
  it('of the changes is exchanged as soon as a message shows it', async () => {
    const id = await founded(ben, cy, dora);
    // The news that Dora is an admin reaches Ben only.
    await ada.chat.desk.change(id, { kind: 'promote', who: dora.address });
    await world.rest(everybody);
    for (const one of [cy, dora]) await world.give(one, () => true);
    await settle();
    expect(cy.chat.groups.get(id)?.changes()).toHaveLength(4);
    expect(ben.chat.groups.get(id)?.changes()).toHaveLength(5);
    await say(ben, id, 'well done');
    await settle();
    expect(cy.chat.groups.get(id)?.changes()).toHaveLength(5);
    // And who is behind is told by whoever sees it.
    expect(dora.chat.groups.ownRole(id)).toBe('admin');
    expect((await textsOf(cy, id)).at(-1)).toBe('well done');
  });
});

describe('a liar', () => {
  it('who tells two stories is proven to have, and the proof survives a restart', async () => {
    const id = await founded(ben, cy);
    const last = ben.chat.groups.get(id)?.changes().at(-1);
    if (last === undefined) throw new Error('no change');
    const { networkId, keys, sender } = ada.who.account;
    const stories = ['One', 'Two'].map((name) =>
      signChange(
        {
          networkId,
          group: new Uint8Array(Buffer.from(id, 'hex')),
          accountKey: sender.accountKey,
          sequence: 4,
          parents: [last.id],
          action: { kind: 'rename', name },
        },
        keys.account.secretKey,
      ),
    );
    for (const change of stories) {
      const note = { type: 'changes', groupId: id as never, changes: [change] } as const;
      await ben.who.intake.take((await sealNote(ada.who, ben.who, encodeGroupNote(note))).bytes);
    }
    const proofs = () => ben.chat.groups.get(id)?.equivocations() ?? [];
    expect(proofs().map(([one, other]) => [one.author, one.sequence, other.sequence])).toEqual([
      [ada.address, 4, 4],
    ]);
    await ben.outbox.stop();
    ben = await world.open(2, ben.disk);
    expect(proofs()).toHaveLength(1);
  });

  it('who is no member adds no change, no message and no chain', async () => {
    const id = await founded(ben, cy);
    await world.befriend(ben, dora);
    const changes = ben.chat.groups.get(id)?.changes() ?? [];
    const heads = changes.slice(-1).map((one) => one.id);
    const before = ben.disk.size;
    const body = new Uint8Array(Buffer.from('I am one of you'));
    const frame = encodeFrame({ groupId: id as never, heads, body });
    const letterId = '07'.repeat(16) as never;
    const openedAt = Math.floor(world.nowMs / 1_000);
    const seed = new Uint8Array(32).fill(3);
    const audience = new Uint8Array(Buffer.from(id, 'hex'));
    const notes = [
      encodeGroupNote({ type: 'message', letterId, sentAt: openedAt, frame }),
      encodeGroupNote({ type: 'seed', seed: { type: 'seed', seed, audience, openedAt } }),
      encodeGroupNote({ type: 'history-request', groupId: id as never, heads: [], missing: [] }),
    ];
    const queued = (await ben.outbox.list(999, undefined, true)).length;
    for (const note of notes) {
      await ben.who.intake.take((await sealNote(dora.who, ben.who, note)).bytes);
    }
    expect(await textsOf(ben, id)).toHaveLength(3);
    expect(await ben.outbox.list(999, undefined, true)).toHaveLength(queued);
    expect(ben.disk.size).toBeGreaterThan(before);
  });

  it('who is no contact cannot put us into a group', async () => {
    await ben.who.contacts.remove(ada.address);
    const id = await ada.chat.desk.found('Trap', [ben.address]);
    await settle();
    expect(ben.chat.groups.get(id)).toBeUndefined();
    expect(ben.chat.log.list()).toEqual([]);
  });
});

describe('founding', () => {
  it('group-member-unknown, group-name-invalid, group-unknown', async () => {
    const eve = await world.open(9);
    const codes = [
      ada.chat.desk.found('x', [eve.address]),
      ada.chat.desk.found('', []),
      ada.chat.desk.change('00'.repeat(32), { kind: 'leave' }),
    ];
    const failed = await Promise.allSettled(codes);
    expect(failed.map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
      'group-member-unknown',
      'group-name-invalid',
      'group-unknown',
    ]);
  });
});
