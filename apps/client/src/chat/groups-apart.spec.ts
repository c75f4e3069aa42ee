/**
 * Groups whose members know different things for a while: two admins who act at the same time, a
 * member who is away for longer than anything is stored, and a device that comes later.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChatPerson, ChatWorld, textsOf, withPerson } from '../testing/chat-world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let world: ChatWorld;
let ada: ChatPerson;
let ben: ChatPerson;
let cy: ChatPerson;
let dora: ChatPerson;
let eve: ChatPerson;

beforeEach(async () => {
  world = new ChatWorld();
  const people: ChatPerson[] = [];
  for (const seed of [1, 2, 3, 4, 5]) people.push(await world.open(seed));
  [ada, ben, cy, dora, eve] = people as [
    ChatPerson,
    ChatPerson,
    ChatPerson,
    ChatPerson,
    ChatPerson,
  ];
  for (const other of [ben, cy, dora]) await world.befriend(ada, other);
  for (const admin of [ben, cy]) await world.befriend(admin, eve);
});

afterEach(() => world.close());

const say = (from: ChatPerson, id: string, text: string) =>
  from.chat.send({ id, kind: 'group' }, text);
const membersOf = ({ chat }: ChatPerson, id: string) =>
  (chat.groups.get(id)?.current().members ?? []).map((one) => [one.address, one.role]);
const namesOf = ({ chat }: ChatPerson, id: string) =>
  (chat.groups.get(id)?.current().members ?? []).map((one) => one.address).toSorted();
const headsOf = ({ chat, address }: ChatPerson, id: string) =>
  chat.groups.get(id)?.headsFor(address);
const addresses = (...people: ChatPerson[]) => people.map((one) => one.address).toSorted();

/** Ada's group with Ben and Cy as admins, and Dora. */
async function circle(): Promise<string> {
  const id = await ada.chat.desk.found('Circle', addresses(ben, cy, dora));
  for (const one of [ben, cy]) {
    await ada.chat.desk.change(id, { kind: 'promote', who: one.address });
  }
  await world.settle([ada, ben, cy, dora]);
  return id;
}

/** Everybody says something, twice, and `readers` have all of it. */
async function talk(id: string, people: ChatPerson[], name: string): Promise<string[]> {
  const said: string[] = [];
  for (const round of [1, 2]) {
    for (const one of people) {
      const text = `${name} ${round} ${one.address.slice(0, 6)}`;
      await say(one, id, text);
      said.push(text);
    }
    await world.settle([ada, ben, cy, dora, eve]);
  }
  for (const one of people) {
    expect(await textsOf(one, id)).toEqual(expect.arrayContaining(said));
  }
  return said;
}

describe('two admins at the same time', () => {
  it('who add one and remove another come to one group, and all of it read on', async () => {
    const id = await circle();
    await talk(id, [ada, ben, cy, dora], 'before');
    // Neither knows of the other's change, nor of his line on the chain of before.
    await ben.chat.desk.change(id, { kind: 'add', who: eve.address });
    await cy.chat.desk.change(id, { kind: 'remove', who: dora.address });
    await say(ben, id, 'by Ben, who knows Eve');
    await say(cy, id, 'by Cy, who knows Dora to be out');
    await world.settle([ada, ben, cy, dora, eve]);
    for (const one of [ben, cy, eve]) expect(membersOf(one, id)).toEqual(membersOf(ada, id));
    expect(namesOf(ada, id)).toEqual(addresses(ada, ben, cy, eve));
    expect(dora.chat.groups.ownRole(id)).toBeUndefined();
    const after = await talk(id, [ada, ben, cy, eve], 'after');
    const heard = await textsOf(dora, id);
    for (const text of [...after, 'by Cy, who knows Dora to be out']) {
      expect(heard).not.toContain(text);
    }
    for (const one of [ada, cy]) {
      expect(await textsOf(one, id)).toContain('by Ben, who knows Eve');
    }
  }, 120_000);

  it('of whom the founder demotes one: what that one did meanwhile does not count', async () => {
    const id = await circle();
    await talk(id, [ada, ben, cy, dora], 'before');
    await ada.chat.desk.change(id, { kind: 'demote', who: ben.address });
    await ben.chat.desk.change(id, { kind: 'add', who: eve.address });
    await ben.chat.desk.change(id, { kind: 'remove', who: dora.address });
    await world.settle([ada, ben, cy, dora, eve]);
    for (const one of [ben, cy, dora]) {
      expect(membersOf(one, id)).toEqual(membersOf(ada, id));
      expect(headsOf(one, id)).toEqual(headsOf(ada, id));
    }
    expect(namesOf(ada, id)).toEqual(addresses(ada, ben, cy, dora));
    await talk(id, [ada, ben, cy, dora], 'after');
    expect((await textsOf(eve, id)).filter((text) => text.startsWith('after'))).toEqual([]);
  }, 120_000);
});

describe('a member who is away for 40 days', () => {
  it('comes back to the same group, with everything that is still stored', async () => {
    const id = await circle();
    await talk(id, [ada, ben, cy, dora], 'before');
    const stored: string[] = [];
    const others = [ada, ben, cy];
    for (let day = 4; day <= 40; day += 4) {
      world.nowMs += 4 * DAY_MS;
      if (day === 8) await ada.chat.desk.change(id, { kind: 'rename', name: 'Book club' });
      if (day === 20) await ada.chat.desk.change(id, { kind: 'demote', who: ben.address });
      await say(others[day % 3] ?? ada, id, `day ${day}`);
      if (day > 10) stored.push(`day ${day}`);
      for (const one of others) await one.chat.tick();
      await world.settle(others);
      // Providers keep what comes for 30 days: what came before is gone.
      if (day === 8) dora.read = world.envelopes.length;
    }
    await world.settle([ada, ben, cy, dora]);
    for (let day = 0; day < 2; day += 1) {
      world.nowMs += DAY_MS;
      for (const one of [ada, ben, cy, dora]) await one.chat.tick();
      await world.settle([ada, ben, cy, dora]);
    }
    expect(dora.chat.groups.get(id)?.current().name).toBe('Book club');
    for (const one of [ben, cy, dora]) expect(headsOf(one, id)).toEqual(headsOf(ada, id));
    expect(await textsOf(dora, id)).toEqual(expect.arrayContaining(stored));
    await talk(id, [ada, ben, cy, dora], 'after');
  }, 240_000);
});

describe('a device that is added later', () => {
  it('asks for what went on chains that it does not know, and reads on', async () => {
    await ada.chat.send(withPerson(ben), 'first');
    await world.settle([ada, ben]);
    const tablet = await world.open(2);
    await world.befriend(ada, tablet);
    tablet.read = world.envelopes.length;
    /** The devices of an account share out their tags, which these two do not: handed by hand. */
    const hand = async (device: ChatPerson): Promise<void> => {
      const before = world.envelopes.length;
      await world.rest([device]);
      for (const bytes of world.envelopes.slice(before)) await ada.who.intake.take(bytes);
    };
    await ada.chat.send(withPerson(ben), 'on a chain that the tablet does not know');
    await world.rest([ada]);
    // It reads the mailbox of the account, in which everything is that Ben's other device watches.
    for (const bytes of world.envelopes.slice(tablet.read)) await tablet.who.intake.take(bytes);
    world.nowMs += 2 * HOUR_MS;
    await tablet.chat.tick();
    await hand(tablet);
    await world.settle([ada, ben]);
    await world.give(tablet);
    await hand(tablet);
    await ada.chat.send(withPerson(ben), 'on the next');
    await world.settle([ada, ben, tablet]);
    const told = ['on a chain that the tablet does not know', 'on the next'];
    expect(await textsOf(tablet, ada.address)).toEqual(told);
    expect(await textsOf(ben, ada.address)).toEqual(['first', ...told]);
    await tablet.chat.send(withPerson(ada), 'from the tablet');
    await hand(tablet);
    await ben.chat.send(withPerson(ada), 'from the telephone');
    await hand(ben);
    const texts = await textsOf(ada, ben.address);
    expect(texts.slice(-2)).toEqual(['from the tablet', 'from the telephone']);
  }, 60_000);
});
