/** What people do while they are online: write, chat, read, file; and what they are shown. */
import type { SeededRandom } from '../sim/random.ts';
import type { Device } from './device.ts';
import type { Person, WrittenLine, WrittenMail } from './people.ts';
import type { LifeWorld } from './world.ts';

/** What somebody is shown of a mail changes no more after so long. */
const FOLLOWED_MS = 10 * 86_400_000;
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered'] as const;
const FOLDERS = ['Archive', 'Junk', 'INBOX', 'Trash'] as const;

export class Habits {
  readonly #world: LifeWorld;
  readonly #random: SeededRandom;

  constructor(world: LifeWorld) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  /** One sitting at one device. */
  async act(person: Person, device: Device): Promise<void> {
    await this.#write(person, device);
    await this.#chat(person, device);
    await this.#file(device);
  }

  async #write(person: Person, device: Device): Promise<void> {
    const random = this.#random;
    const world = this.#world;
    for (let left = world.options.mailsPerSitting; random.next() < left; left -= 1) {
      // Now and then to somebody whom one does not know.
      const to = random.chance(0.1)
        ? random.below(world.people.length)
        : random.pick(person.facts.friends);
      const recipient = world.people[to];
      if (recipient === undefined || recipient === person) continue;
      const { index: from } = person.facts;
      const mark = `mail-${world.mails.length}-${from}-${to}`;
      const text = 'x'.repeat(random.below(random.chance(0.1) ? 12_000 : 900));
      const message = { to: [recipient.address], subject: mark, text };
      try {
        const queued = await world.during(device.client.service.sendMessage(message));
        const outboxId = queued.recipients[0]?.outboxId ?? '';
        const facts = { mark, from, to, outboxId, device, atMs: world.time.nowMs };
        const mail: WrittenMail = { ...facts, storedAt: [], isConfirmed: false, isFetched: false };
        world.mails.push(mail);
        person.written.push(mail);
        world.counts.mails += 1;
      } catch {
        // The power went while it was taken: it was never shown as queued.
      }
    }
  }

  async #chat(person: Person, device: Device): Promise<void> {
    const world = this.#world;
    if (!this.#random.chance(0.5)) return;
    const to = this.#random.pick(person.facts.friends);
    const recipient = world.people[to];
    if (recipient === undefined) return;
    const { index: from } = person.facts;
    const mark = `line-${world.lines.length}-${from}-${to}`;
    try {
      const request = { to: recipient.address, text: mark };
      const { message } = await world.during(device.services.chat.send(request));
      // To somebody who has not written yet it goes as a mail, which says so.
      if (message === undefined) return;
      const { conversation, number } = message;
      const facts = { mark, from, to, device, conversation, number, atMs: world.time.nowMs };
      const line: WrittenLine = { ...facts, isStored: false };
      world.lines.push(line);
      person.lines.push(line);
      world.counts.lines += 1;
    } catch {
      // The power went.
    }
  }

  /** Marks a mail, or puts it elsewhere. */
  async #file(device: Device): Promise<void> {
    const world = this.#world;
    const random = this.#random;
    const { services, client } = device;
    const { service } = client;
    try {
      const mails = await service.messages({ folder: 'INBOX', limit: 20 });
      if (mails.length === 0) return;
      const { id, flags } = random.pick(mails);
      const flag = random.pick(FLAGS);
      const change = flags.includes(flag) ? 'remove' : 'add';
      await world.during(service.setFlags(id, { change, flags: [flag] }));
      world.counts.flags += 1;
      if (!random.chance(0.3)) return;
      await world.during(services.mailbox.move([random.pick(mails).id], random.pick(FOLDERS)));
      world.counts.moves += 1;
    } catch {
      // The power went.
    }
  }

  /** What the writer is shown of each mail and line that was written on this device. */
  async note(person: Person, device: Device): Promise<void> {
    const { services, client } = device;
    const { service } = client;
    const sinceMs = this.#world.time.nowMs - FOLLOWED_MS;
    const isFollowed = (one: WrittenMail | WrittenLine): boolean =>
      one.device === device && one.atMs >= sinceMs;
    for (const mail of person.written.filter(isFollowed)) {
      const item = await service.outboxItem(mail.outboxId).catch(() => undefined);
      if (item === undefined) continue;
      mail.isConfirmed ||= item.milestoneIndex !== undefined;
      mail.isFetched ||= item.times.fetchedAtMs !== undefined;
      mail.storedAt = item.receipts.map(({ bondId }) => bondId);
    }
    for (const line of person.lines.filter((one) => isFollowed(one) && !one.isStored)) {
      const { conversation, number } = line;
      const page = { limit: 1, before: number + 1 };
      const [shown] = await services.chat.messages(conversation, page).catch(() => []);
      const [recipient] = shown?.number === number ? shown.recipients : [];
      if (recipient === undefined || recipient.providerCount === 0) continue;
      line.isStored = recipient.storedCount === recipient.providerCount;
    }
  }
}
