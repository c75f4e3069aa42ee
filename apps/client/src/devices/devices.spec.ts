/** Two and three devices of one account over a small real node: linked, in step, removed. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client } from '../client.ts';
import { ClientError } from '../client-error.ts';
import { devicesOf, LinkedDevices } from '../testing/linked-devices.ts';
import { until } from '../testing/small-tangle.ts';

/** Proof of work for every note: some tens of blocks, on a machine that others use, too. */
const TEST_MS = 120_000;

let world: LinkedDevices;

beforeEach(async () => {
  world = await LinkedDevices.open();
});

afterEach(() => world.stop());

const mailboxOf = ({ services }: Client) => {
  const { mailbox } = services;
  if (mailbox === undefined) throw new Error('the client has a mailbox');
  return mailbox;
};

const isPublished = async ({ service }: Client): Promise<boolean> =>
  (await service.status()).descriptor.state === 'confirmed';
const subjects = async ({ service }: Client, folder: string): Promise<string[]> =>
  (await service.messages({ folder, limit: 50 })).map((one) => one.subject);
const names = async ({ service }: Client): Promise<string[]> =>
  (await service.contacts()).map((one) => one.name);
const listed = async (client: Client): Promise<string[]> =>
  (await devicesOf(client).list()).filter((one) => !one.isRemoved).map((one) => one.id);

async function flagsOf({ service }: Client, subject: string): Promise<readonly string[]> {
  const all = await service.messages({ folder: 'Requests', limit: 50 });
  return all.find((one) => one.subject === subject)?.flags ?? ['not there'];
}

async function setFlag(client: Client, subject: string, change: 'add' | 'remove', flag: string) {
  const all = await client.service.messages({ folder: 'Requests', limit: 50 });
  const { id = '' } = all.find((one) => one.subject === subject) ?? {};
  await client.service.setFlags(id, { flags: [flag], change });
}

describe('a linked device', () => {
  it(
    'has the account and stays in step: contacts, flags, mails, sent copies',
    async () => {
      const [alice, bob] = [await world.start(1), await world.start(2)];
      await until(async () => (await isPublished(alice)) && (await isPublished(bob)));
      const { address: bobs } = await bob.service.address();
      const { address: alices } = await alice.service.address();
      await alice.service.addContact({ address: bobs, name: 'Bob' });
      const phone = await world.link(alice, 'phone');
      expect((await phone.service.address()).address).toBe(alices);
      expect(await names(phone)).toEqual(['Bob']);
      await until(async () => (await listed(alice)).length === 2);
      expect((await listed(alice)).toSorted()).toEqual((await listed(phone)).toSorted());
      // What one names, both show.
      await phone.service.addContact({ address: bobs, name: 'Robert' });
      await until(async () => (await names(alice))[0] === 'Robert');
      // A mail reaches both; what one flags, both show, and either may take it back.
      const carol = await world.start(3);
      await until(() => isPublished(carol));
      await carol.service.sendMessage({ to: [alices], subject: 'hello', text: 'Hi.' });
      await until(async () => (await subjects(alice, 'Requests')).length === 1);
      await until(async () => (await subjects(phone, 'Requests')).length === 1);
      await setFlag(phone, 'hello', 'add', '\\Seen');
      await until(async () => (await flagsOf(alice, 'hello')).includes('\\Seen'));
      await setFlag(alice, 'hello', 'remove', '\\Seen');
      await until(async () => !(await flagsOf(phone, 'hello')).includes('\\Seen'));
      // What one sends lies in Sent on both.
      await phone.service.sendMessage({ to: [bobs], subject: 'from the phone', text: 'Ho.' });
      await until(async () => (await subjects(alice, 'Sent')).includes('from the phone'));
    },
    TEST_MS,
  );

  it(
    'writes to a contact under tags of its own, once the contact watches them',
    async () => {
      const [alice, bob] = [await world.start(1), await world.start(2)];
      await until(async () => (await isPublished(alice)) && (await isPublished(bob)));
      const { address: bobs } = await bob.service.address();
      const { address: alices } = await alice.service.address();
      await alice.service.addContact({ address: bobs, name: 'Bob' });
      await bob.service.addContact({ address: alices, name: 'Alice' });
      const phone = await world.link(alice, 'phone');
      // No two devices count on one seed: to Bob, who knows Alice, the phone writes under a
      // stranger's tag until he watches the phone's own tags.
      await bob.service.sendMessage({ to: [alices], subject: 'answer', text: 'Ha.' });
      await until(async () => (await subjects(phone, 'INBOX')).includes('answer'));
      const kinds: (string | null)[] = [];
      // Each mail costs proof of work, and so do the two notes between them: no more than a few.
      while (kinds.length < 6 && kinds.at(-1) !== 'contact') {
        await phone.service.sendMessage({ to: [bobs], subject: 'again', text: 'Hm.' });
        const count = kinds.length + 1;
        await until(async () => (await subjects(bob, 'INBOX')).length === count);
        kinds.push((await phone.service.outbox({ limit: 1 }))[0]?.tagKind ?? null);
      }
      expect([kinds[0], kinds.at(-1)]).toEqual(['stranger', 'contact']);
    },
    TEST_MS,
  );

  it(
    'hears the account when that hears nobody but contacts, and so does the account itself',
    async () => {
      const alice = await world.start(1);
      await until(() => isPublished(alice));
      const { address: alices } = await alice.service.address();
      await alice.services.people?.changeSettings({ contactsOnly: true });
      await alice.service.sendMessage({ to: [alices], subject: 'to myself', text: 'Milk.' });
      await until(async () => (await subjects(alice, 'INBOX')).includes('to myself'));
      expect((await alice.service.outbox({ limit: 1 }))[0]?.tagKind).toBe('contact');
      // Neither the opening of the new device nor anything later goes under a stranger's tag.
      const phone = await world.link(alice, 'phone');
      await until(async () => (await listed(alice)).length === 2);
      const draft = { to: [], cc: [], bcc: [], subject: 'half', text: 'a', attachments: [] };
      await mailboxOf(alice).saveDraft(draft);
      await until(async () => (await mailboxOf(phone).drafts()).length === 1);
      const [there] = await mailboxOf(phone).drafts();
      await mailboxOf(phone).deleteDraft(there?.id ?? '');
      await until(async () => (await mailboxOf(alice).drafts()).length === 0);
    },
    TEST_MS,
  );

  it(
    'link-number-wrong ends the link, and no archive leaves',
    async () => {
      const alice = await world.start(1);
      await until(() => isPublished(alice));
      const { code = '' } = await devicesOf(alice).beginLink();
      let shown = '';
      const joining = world.join(code, 'phone', (number) => {
        shown = number;
      });
      joining.catch(() => undefined);
      await until(async () => (await devicesOf(alice).linkStatus()).state === 'compare');
      const wrong = shown === '000000' ? '000001' : '000000';
      const refused = await devicesOf(alice)
        .confirmLink(wrong)
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(ClientError);
      expect((refused as ClientError).code).toBe('link-number-wrong');
      expect((await devicesOf(alice).linkStatus()).state).toBe('refused');
      const late = await devicesOf(alice)
        .confirmLink(shown)
        .catch((error: unknown) => error);
      expect((late as ClientError).code).toBe('link-not-open');
    },
    TEST_MS,
  );
});

describe('a removed device', () => {
  it(
    'opens nothing that is sent after, with all that it knew; the others go on',
    async () => {
      const [alice, bob] = [await world.start(1), await world.start(2)];
      await until(async () => (await isPublished(alice)) && (await isPublished(bob)));
      const { address: alices } = await alice.service.address();
      const phone = await world.link(alice, 'phone');
      const thief = await world.link(alice, 'thief');
      await until(async () => (await listed(phone)).length === 3);
      await until(async () => (await listed(alice)).length === 3);
      // The thief's device keeps running, but publishes nothing and asks for nothing in the
      // account's name: it only listens, with every secret that it had.
      const thiefId = (await devicesOf(thief).list()).find((one) => one.isOwn)?.id ?? '';
      const before = (await alice.service.status()).descriptor.sequence;
      await world.stopOne(thief);
      await devicesOf(alice).remove(thiefId);
      await until(async () => {
        const { descriptor } = await alice.service.status();
        return descriptor.state === 'confirmed' && BigInt(descriptor.sequence) > BigInt(before);
      });
      await until(async () => (await listed(phone)).length === 2);
      await bob.service.sendMessage({ to: [alices], subject: 'only for you two', text: 'Psst.' });
      await until(async () => (await subjects(alice, 'Requests')).includes('only for you two'));
      await until(async () => (await subjects(phone, 'Requests')).includes('only for you two'));
      const again = await world.startLinked('thief');
      const from = Date.now();
      // Long enough to read all milestones: the other devices needed a fraction of it.
      await until(async () => Date.now() - from > 6_000);
      expect(await subjects(again, 'Requests')).toEqual([]);
      expect((await listed(again)).length).toBe(3);
    },
    TEST_MS,
  );
});
