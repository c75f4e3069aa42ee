/** Notes between two people in memory: who hears of them, and that no folder does. */
import { describe, expect, it } from '@jest/globals';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { RAW, sealMail, sealNote } from '../testing/letters.ts';
import { type Person, person } from '../testing/people.ts';
import { type ControlNote, NOTE_FAMILIES } from './note-router.ts';

const BODY = Uint8Array.of(NOTE_FAMILIES.receipt, 1, 2, 3);

interface Listener {
  readonly bob: Person;
  readonly heard: ControlNote[];
}

/** Bob, who takes notes of the receipts' family. */
async function listener(): Promise<Listener> {
  const bob = await person(2);
  const heard: ControlNote[] = [];
  bob.notes.on(NOTE_FAMILIES.receipt, (_batch, note) => () => heard.push(note));
  return { bob, heard };
}

function shown({ messages }: Person): number {
  return messages.folders().reduce((sum, one) => sum + one.total, 0);
}

describe('a note', () => {
  it('reaches the taker of its family once, with who is proven to have written it', async () => {
    const alice = await person(1);
    const { bob, heard } = await listener();
    const { bytes, letterId } = await sealNote(alice, bob, BODY);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'filed' });
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'known' });
    expect(heard).toMatchObject([{ sender: alice.account.address, letterId, body: BODY }]);
    expect(shown(bob)).toBe(0);
  });

  it('makes nobody a contact request', async () => {
    const alice = await person(1);
    const { bob } = await listener();
    await bob.intake.take((await sealNote(alice, bob, BODY)).bytes);
    expect(bob.contacts.list()).toEqual([]);
  });

  it('of a family that nobody takes, or of no bytes’ worth, changes nothing', async () => {
    const alice = await person(1);
    const { bob, heard } = await listener();
    const unknown = await sealNote(alice, bob, Uint8Array.of(0xff));
    expect(await bob.intake.take(unknown.bytes)).toEqual({ kind: 'filed' });
    expect(heard).toEqual([]);
  });

  it('of somebody who is blocked is not heard', async () => {
    const alice = await person(1);
    const { bob, heard } = await listener();
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    const contact = bob.contacts.get(alice.account.address);
    if (contact === undefined) throw new Error('no contact');
    const batch = bob.store.batch();
    const apply = bob.contacts.put(batch, { ...contact, state: 'blocked' });
    await batch.write();
    apply();
    await bob.intake.take((await sealNote(alice, bob, BODY)).bytes);
    expect(heard).toEqual([]);
  });

  it('has one taker for each family', async () => {
    const { bob } = await listener();
    expect(() => bob.notes.on(NOTE_FAMILIES.receipt, () => () => {})).toThrow('one taker');
  });
});

describe('an opener', () => {
  it('gets the envelopes of its tags before they are tried as letters', async () => {
    const alice = await person(1);
    const bob = await person(2);
    const { bytes } = await sealMail(alice, bob);
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok) throw new Error(envelope.code);
    const tag = Buffer.from(envelope.value.tag).toString('hex');
    const done: string[] = [];
    bob.intake.registerOpener({
      match: (one) => Buffer.from(one).toString('hex') === tag,
      take: (_batch, { root }) => ({
        intake: { kind: 'filed' },
        apply: () => done.push(root),
      }),
    });
    expect(bob.intake.isOurs(envelope.value, 0)).toBe(true);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'filed' });
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'known' });
    expect(done).toHaveLength(1);
    expect(bob.intake.isLetter(done[0] ?? '')).toBe(true);
    expect(shown(bob)).toBe(0);
  });

  it('that disowns an envelope leaves it to be tried as a letter', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    bob.intake.registerOpener({ match: () => true, take: () => undefined });
    const taken = await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(taken.kind).toBe('delivered');
  });
});

describe('a message that came in parts', () => {
  it('is delivered once, in the folder of its sender', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const letterId = 'ab'.repeat(16) as never;
    const sender = alice.account.address;
    const shownFacts = await bob.intake.readFacts(RAW);
    const arrived = { sender, letterId, isRegistered: false, raw: RAW, shown: shownFacts };
    const ids: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const batch = bob.store.batch();
      const { mailId, apply } = bob.intake.deliver(batch, arrived);
      await batch.write();
      apply();
      ids.push(mailId);
    }
    expect(new Set(ids)).toEqual(new Set(['Requests.1']));
    expect(bob.messages.raw('Requests.1')).toEqual(RAW);
  });
});
