/**
 * The simulated weeks: people with whole clients, real providers, a tangle with the real rules,
 * virtual time. What people do and what goes wrong follows from the seed; how sockets to providers
 * interleave does not.
 */
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { SeededRandom } from '../sim/random.ts';
import { Device } from './device.ts';
import { Person, seedOf, walletAddressOf, type WrittenMail } from './people.ts';
import { LifeProvider } from './provider.ts';
import { LifeTangle } from './tangle.ts';
import { VirtualTime } from './time.ts';

export interface LifeOptions {
  readonly seed: number;
  readonly users: number;
  readonly days: number;
  readonly providers: number;
  /** Mails that a person writes on a day with the client on, on average. */
  readonly mailsPerDay: number;
}

export interface LifeCounts {
  sessions: number;
  mails: number;
  powerCuts: number;
  providerOutages: number;
  disksLost: number;
  clockErrors: number;
}

export const START_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const TOKENS = 5_000_000n;
/** By which time moves while something is waited for. */
const STEP_MS = 250;
const BEAT_MS = 90_000;
/** Times of a day at which people are online, in hours, and for how long. */
const SLOT_HOURS = [7, 12, 18, 22] as const;
const SLOT_MS = 8 * 60_000;

export class LifeWorld {
  readonly options: LifeOptions;
  readonly time = new VirtualTime(START_MS);
  readonly random: SeededRandom;
  readonly tangle: LifeTangle;
  readonly people: Person[] = [];
  readonly providers: LifeProvider[] = [];
  readonly mails: WrittenMail[] = [];
  readonly counts: LifeCounts = {
    sessions: 0,
    mails: 0,
    powerCuts: 0,
    providerOutages: 0,
    disksLost: 0,
    clockErrors: 0,
  };
  readonly #uninstall: () => void;

  private constructor(options: LifeOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    const seeds = Array.from({ length: options.users }, (_, index) => seedOf(index));
    const outputs = seeds.map((seed) => ({ address: walletAddressOf(seed), amount: TOKENS }));
    this.tangle = new LifeTangle(this.time, outputs);
    this.tangle.onMilestone = () => this.#followAll();
    this.#uninstall = this.time.install();
  }

  /** A world in which everybody has an account and knows some others. */
  static async create(options: LifeOptions): Promise<LifeWorld> {
    const world = new LifeWorld(options);
    for (let index = 0; index < options.providers; index += 1) {
      const provider = new LifeProvider(index, await freePort(), world.tangle, world.time);
      world.providers.push(provider);
      await world.during(provider.start());
    }
    // Their offers must be in a milestone before anybody looks for one.
    await world.pass(60_000);
    for (let index = 0; index < options.users; index += 1) world.#addPerson(index);
    for (const person of world.people) await world.#settleIn(person);
    for (const person of world.people) await world.#befriend(person);
    return world;
  }

  async close(): Promise<void> {
    for (const { device } of this.people) await this.during(device.stop());
    for (const provider of this.providers) await this.during(provider.stop());
    this.#uninstall();
  }

  /** Waits for work while virtual time goes on around it. */
  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isDone: false };
    const ended = work.finally(() => {
      progress.isDone = true;
    });
    ended.catch(() => undefined);
    await this.time.settle();
    while (!progress.isDone) await this.time.run(this.time.nowMs + STEP_MS);
    return await ended;
  }

  /** Lets `timeMs` pass, with the tangle's heartbeat. */
  async pass(timeMs: number): Promise<void> {
    const endMs = this.time.nowMs + timeMs;
    while (this.time.nowMs < endMs) {
      await this.time.during(this.tangle.beat());
      await this.time.run(Math.min(endMs, this.time.nowMs + BEAT_MS));
    }
  }

  /** Lives through all days. */
  async live(tell: (day: number) => void = () => {}): Promise<void> {
    for (let day = 0; day < this.options.days; day += 1) {
      for (const hour of SLOT_HOURS) {
        const slotMs = START_MS + day * DAY_MS + hour * 3_600_000;
        await this.time.run(Math.max(slotMs, this.time.nowMs));
        await this.#slot(day);
      }
      tell(day);
    }
  }

  /** Everybody is back, every provider too, until nothing is under way any more. */
  async heal(): Promise<void> {
    for (const provider of this.providers) await this.during(provider.start());
    for (let round = 0; round < 3; round += 1) {
      for (const person of this.people) {
        person.device.skewMs = 0;
        await this.during(person.device.start());
        await this.pass(2 * 60_000);
        await this.during(person.device.client.service.sync()).catch(() => undefined);
        await this.#noteAll(person);
        await this.during(person.device.stop());
      }
      await this.time.run(this.time.nowMs + 2 * 3_600_000);
    }
  }

  async #followAll(): Promise<void> {
    for (const provider of this.providers) await provider.follow();
  }

  #addPerson(index: number): void {
    const { random } = this;
    // Not left to chance: in a small world most people could be of one kind.
    const runsNode = index % 5 === 4;
    const seed = seedOf(index);
    const others = Array.from({ length: this.options.users }, (_, one) => one);
    const friends = others
      .filter((one) => one !== index)
      .map((one) => ({ one, key: random.next() }))
      .toSorted((a, b) => a.key - b.key)
      .slice(0, 5)
      .map(({ one }) => one);
    const device = new Device({ seed, runsNode, random: random.fork() }, this.tangle, this.time);
    this.people.push(new Person({ index, seed, runsNode, friends }, device));
  }

  /** The first start: keys are published, mailboxes rented. */
  async #settleIn(person: Person): Promise<void> {
    const { device, facts } = person;
    await this.during(device.start());
    const { service } = device.client;
    person.address = (await service.address()).address;
    if (!facts.runsNode) {
      const count = 1 + this.random.below(Math.min(3, this.providers.length));
      const chosen = this.providers.slice().toSorted(() => this.random.next() - 0.5);
      for (const { bondId } of chosen.slice(0, count)) {
        await this.during(service.rentProvider({ bondId }));
      }
      await this.during(service.sync());
    }
    await this.pass(2 * 60_000);
    await this.during(device.stop());
  }

  async #befriend(person: Person): Promise<void> {
    const { device, facts } = person;
    await this.during(device.start());
    for (const friend of facts.friends) {
      const { address } = this.people[friend] ?? person;
      await this.during(device.client.service.addContact({ address, name: `p${friend}` }));
    }
    await this.during(device.stop());
  }

  /** Some people are online for some minutes; some things go wrong. */
  async #slot(day: number): Promise<void> {
    await this.#breakThings();
    const { random } = this;
    const present = this.people.filter((person) => random.chance(this.#presence(person, day)));
    for (const person of present) await this.#switchOn(person);
    const endMs = this.time.nowMs + SLOT_MS;
    for (const person of present) {
      await this.#write(person);
      await this.#flag(person);
    }
    await this.pass(Math.max(0, endMs - this.time.nowMs));
    for (const person of present) {
      await this.#noteAll(person);
      await this.during(person.device.stop());
    }
  }

  /** People go away for days, some for weeks. */
  #presence({ facts }: Person, day: number): number {
    const period = 10 + (facts.index % 7) * 5;
    const isAway = (day + facts.index) % period < (facts.index % 3) * 4;
    return isAway ? 0 : 0.5;
  }

  async #switchOn(person: Person): Promise<void> {
    const { random, counts } = this;
    const isCut = random.chance(0.05);
    counts.sessions += 1;
    if (isCut) counts.powerCuts += 1;
    if (random.chance(0.02)) {
      counts.clockErrors += 1;
      person.device.skewMs = random.between(-300_000, 300_000);
    }
    await this.during(person.device.start(isCut ? random.below(60) : undefined));
  }

  async #write(person: Person): Promise<void> {
    const { random } = this;
    const perSession = this.options.mailsPerDay / 2;
    for (let left = perSession; random.next() < left; left -= 1) {
      const to = random.pick(person.facts.friends);
      const recipient = this.people[to];
      if (recipient === undefined) continue;
      const mark = `mail-${this.mails.length}-${person.facts.index}-${to}`;
      const text = 'x'.repeat(random.below(random.chance(0.1) ? 12_000 : 900));
      const message = { to: [recipient.address], subject: mark, text };
      try {
        const queued = await this.during(person.device.client.service.sendMessage(message));
        const outboxId = queued.recipients[0]?.outboxId ?? '';
        const facts = { mark, from: person.facts.index, to, outboxId };
        const mail: WrittenMail = { ...facts, storedAt: [], isConfirmed: false, isFetched: false };
        this.mails.push(mail);
        person.written.push(mail);
        this.counts.mails += 1;
      } catch {
        // The power went while it was taken: it was never shown as queued.
      }
    }
  }

  async #flag(person: Person): Promise<void> {
    const { service } = person.device.client;
    try {
      const [newest] = await service.messages({ folder: 'INBOX', limit: 1 });
      if (newest === undefined) return;
      await this.during(service.setFlags(newest.id, { change: 'add', flags: ['\\Seen'] }));
    } catch {
      // The power went.
    }
  }

  async #breakThings(): Promise<void> {
    const { random, counts } = this;
    for (const provider of this.providers) {
      if (!provider.isUp) {
        if (random.chance(0.3)) await this.during(provider.start());
      } else if (random.chance(0.02)) {
        counts.providerOutages += 1;
        await this.during(provider.stop());
      } else if (provider.index === 0 && random.chance(0.01)) {
        counts.disksLost += 1;
        await this.during(provider.loseDisk());
      }
    }
  }

  /** What the writer is shown of each mail. */
  async #noteAll(person: Person): Promise<void> {
    const { service } = person.device.client;
    for (const mail of person.written) {
      const item = await service.outboxItem(mail.outboxId).catch(() => undefined);
      if (item === undefined) continue;
      mail.isConfirmed ||= item.milestoneIndex !== undefined;
      mail.isFetched ||= item.times.fetchedAtMs !== undefined;
      mail.storedAt = item.receipts.map(({ bondId }) => bondId);
    }
  }
}
