/**
 * The simulated weeks: people with whole clients, real providers, a tangle with the real rules,
 * virtual time. What people do and what goes wrong follows from the seed; how sockets to providers
 * interleave does not.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import type { Disk } from '../../apps/client/src/testing/memory-store.ts';
import type { TangleAccess } from '../../apps/client/src/tangle/tangle-access.ts';
import { SeededRandom } from '../sim/random.ts';
import { Device } from './device.ts';
import { Faults } from './faults.ts';
import { Habits } from './habits.ts';
import {
  Person,
  type PersonFacts,
  seedOf,
  walletAddressOf,
  type WrittenLine,
  type WrittenMail,
} from './people.ts';
import type { PlannedEvent } from './plan.ts';
import { LifeProvider } from './provider.ts';
import { bestCrypto, type LifeCrypto, LifeTangle } from './tangle.ts';
import { VirtualTime } from './time.ts';
import { type PersonView, viewOf } from './views.ts';

export interface LifeOptions {
  readonly seed: number;
  readonly users: number;
  readonly days: number;
  readonly providers: number;
  /** Mails that a person writes in one sitting, on average. */
  readonly mailsPerSitting: number;
  /** Chance that somebody who is not away sits down in a slot of the day; four are in a day. */
  readonly presence: number;
}

export interface LifeCounts {
  sessions: number;
  /** Times that somebody came back after a day or more. */
  absences: number;
  mails: number;
  lines: number;
  flags: number;
  moves: number;
}

export const START_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const TOKENS = 5_000_000n;
/** By which time moves while something is waited for. */
const STEP_MS = 250;
const BEAT_MS = 90_000;
const MILESTONE_MS = 5_000;
/** Times of a day at which people are online, in hours, and for how long. */
const SLOT_HOURS = [7, 12, 18, 22] as const;
export const SLOTS_PER_DAY = SLOT_HOURS.length;
const SITTING_MS = 4 * 60_000;
/** Two looks for mail in a sitting, and what the end of it brings. */
const POLL_MS = 110_000;
/** So many sit down at one time; the others of the slot come after them. */
const SITTING = 12;
const FRIENDS = 4;
const HEALING_ROUNDS = 3;

export class LifeWorld {
  readonly options: LifeOptions;
  readonly time = new VirtualTime(START_MS);
  readonly random: SeededRandom;
  readonly tangle: LifeTangle;
  readonly people: Person[] = [];
  readonly providers: LifeProvider[] = [];
  readonly mails: WrittenMail[] = [];
  readonly lines: WrittenLine[] = [];
  readonly counts: LifeCounts = {
    sessions: 0,
    absences: 0,
    mails: 0,
    lines: 0,
    flags: 0,
    moves: 0,
  };
  readonly faults: Faults;
  /** For backups. */
  readonly folder: string;
  readonly #habits: Habits;
  readonly #uninstall: () => void;

  private constructor(options: LifeOptions, folder: string, crypto: LifeCrypto) {
    this.options = options;
    this.folder = folder;
    this.random = new SeededRandom(options.seed);
    const seeds = Array.from({ length: options.users }, (_, index) => seedOf(index));
    const outputs = seeds.map((seed) => ({ address: walletAddressOf(seed), amount: TOKENS }));
    this.tangle = new LifeTangle(this.time, outputs, MILESTONE_MS, crypto);
    this.tangle.onMilestone = () => this.#followAll();
    this.faults = new Faults(this);
    this.#habits = new Habits(this);
    this.#uninstall = this.time.install();
  }

  /** A world in which everybody has an account and knows some others. */
  static async create(options: LifeOptions): Promise<LifeWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'tanglemail-life-'));
    const world = new LifeWorld(options, folder, await bestCrypto());
    for (let index = 0; index < options.providers; index += 1) {
      const provider = new LifeProvider(index, await freePort(), world.tangle, world.time);
      world.providers.push(provider);
      await world.during(provider.start());
    }
    // Their offers must be in a milestone before anybody looks for one.
    await world.pass(60_000);
    const friends = friendships(options.users, world.random);
    for (const [index, known] of friends.entries()) world.#addPerson(index, known);
    for (const person of world.people) await world.#settleIn(person);
    for (const person of world.people) {
      await world.during(person.devices[0]!.start());
      await world.#befriend(person);
      await world.during(person.devices[0]!.stop());
    }
    return world;
  }

  async close(): Promise<void> {
    for (const { devices } of this.people) {
      for (const device of devices) await this.during(device.stop());
    }
    for (const provider of this.providers) await this.during(provider.stop());
    this.#uninstall();
    await rm(this.folder, { recursive: true, force: true });
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
      for (const [at, hour] of SLOT_HOURS.entries()) {
        const slotMs = START_MS + day * DAY_MS + hour * 3_600_000;
        await this.time.run(Math.max(slotMs, this.time.nowMs));
        await this.#slot(day, day * SLOTS_PER_DAY + at);
      }
      tell(day);
    }
  }

  /**
   * Everybody is back with all devices, every provider too, until nothing is under way any more.
   * Gives what everybody sees at the end.
   */
  async heal(): Promise<PersonView[]> {
    const views: PersonView[] = [];
    for (const provider of this.providers) await this.during(provider.start());
    for (let round = 1; round <= HEALING_ROUNDS; round += 1) {
      for (let at = 0; at < this.people.length; at += SITTING) {
        const group = this.people.slice(at, at + SITTING);
        await this.#heal(group);
        if (round === HEALING_ROUNDS) {
          for (const person of group) views.push(await viewOf(person));
        }
        for (const { devices } of group) {
          for (const device of devices) await this.during(device.stop());
        }
      }
      await this.time.run(this.time.nowMs + 2 * 3_600_000);
    }
    return views;
  }

  async #heal(group: readonly Person[]): Promise<void> {
    for (const { devices } of group) {
      for (const device of devices) {
        device.skewMs = 0;
        await this.during(device.start());
      }
    }
    for (let minutes = 0; minutes < 4; minutes += 2) {
      await this.pass(2 * 60_000);
      for (const { devices } of group) {
        for (const { client } of devices) {
          await this.during(client.service.sync()).catch(() => undefined);
        }
      }
    }
    for (const person of group) {
      for (const device of person.devices) {
        await this.#habits.note(person, device);
        person.noteEpochs(device.epochLines());
      }
    }
  }

  async #followAll(): Promise<void> {
    for (const provider of this.providers) await provider.follow();
  }

  /** A device of a person, with what is on its disk. */
  deviceOf({ seed, runsNode }: PersonFacts, disk: Disk): Device {
    const random = this.random.fork();
    const sinceMs = this.time.nowMs;
    const options = { seed, runsNode, random, sinceMs, pollIntervalMs: POLL_MS };
    return new Device(options, this.tangle, this.time, disk);
  }

  /** A way to the tangle for a device that is not set up yet. */
  accessOf({ skewMs }: Device): Promise<TangleAccess> {
    const clock = { nowMs: () => Math.floor(this.time.nowMs + skewMs) };
    return this.tangle.access(clock, this.random.fork());
  }

  #addPerson(index: number, friends: readonly number[]): void {
    // Not left to chance: in a small world most people could be of one kind.
    const runsNode = index % 20 === 4;
    const seed = seedOf(index);
    const facts = { index, seed, runsNode, friends };
    this.people.push(new Person(facts, this.deviceOf(facts, new Map())));
  }

  /** The first start: keys are published, mailboxes rented. */
  async #settleIn(person: Person): Promise<void> {
    const { facts } = person;
    const device = person.devices[0]!;
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
    await this.pass(60_000);
    person.seenMs = this.time.nowMs;
    await this.during(device.stop());
  }

  /** Friends are written into the address book of the person's running devices. */
  async #befriend(person: Person): Promise<void> {
    for (const { isOn, client } of person.devices.filter((one) => one.isOn)) {
      if (!isOn) continue;
      for (const friend of person.facts.friends) {
        const { address } = this.people[friend] ?? person;
        await this.during(client.service.addContact({ address, name: `p${friend}` }));
      }
    }
  }

  /** Some people are online for some minutes; some things go wrong. */
  async #slot(day: number, slot: number): Promise<void> {
    const { random } = this;
    const events = this.faults.take(slot);
    await this.faults.breakProviders(events);
    const isMet = ({ facts }: Person): boolean => events.some((one) => one.person === facts.index);
    const present = this.people.filter(
      (person) => random.chance(this.#presence(person, day)) || isMet(person),
    );
    for (let at = 0; at < present.length; at += SITTING) {
      const group = present.slice(at, at + SITTING);
      await this.#sit(group.map((person) => ({ person, events: eventsOf(person, events) })));
    }
  }

  async #sit(group: readonly Sitter[]): Promise<void> {
    for (const one of group) await this.#sitDown(one);
    const endMs = this.time.nowMs + SITTING_MS;
    for (const { person, events } of group) {
      await this.faults.treat(person, events);
      const device = this.random.pick(person.devices.filter((one) => one.isOn));
      await this.#habits.act(person, device);
    }
    await this.pass(Math.max(0, endMs - this.time.nowMs));
    for (const { person, events } of group) {
      for (const device of person.devices.filter((one) => one.isOn)) {
        await this.#habits.note(person, device);
        this.faults.noteCut(device, events);
        await this.during(device.stop());
        person.noteEpochs(device.epochLines());
      }
    }
  }

  async #sitDown({ person, events }: Sitter): Promise<void> {
    const { random, faults, time } = this;
    if (time.nowMs - person.seenMs >= DAY_MS) this.counts.absences += 1;
    person.seenMs = time.nowMs;
    const lossesBefore = person.losses.length;
    await faults.loseDevices(person, events);
    const [first] = person.devices;
    if (first === undefined) throw new Error('somebody without a device');
    const isFirst = events.length > 0 || random.chance(0.6);
    const isBoth = events.some(({ kind }) => kind === 'deviceLost') || random.chance(0.3);
    const used = isBoth ? person.devices : [isFirst ? first : (person.devices[1] ?? first)];
    for (const [at, device] of used.entries()) {
      this.counts.sessions += 1;
      faults.skew(device, events);
      const cut = at === 0 ? faults.cutOf(events) : undefined;
      await this.during(device.start(cut));
    }
    const isEmpty =
      person.losses.length > lossesBefore && person.losses.at(-1)?.goesOnWith === 'words';
    if (isEmpty) await this.#befriend(person);
  }

  /** People go away for days, some for weeks. */
  #presence({ facts }: Person, day: number): number {
    const period = 10 + (facts.index % 7) * 5;
    const isAway = (day + facts.index) % period < (facts.index % 3) * 4;
    return isAway ? 0 : this.options.presence;
  }
}

interface Sitter {
  readonly person: Person;
  readonly events: readonly PlannedEvent[];
}

function eventsOf({ facts }: Person, events: readonly PlannedEvent[]): PlannedEvent[] {
  return events.filter((one) => one.person === facts.index);
}

/** Who knows whom, both ways; nobody is alone. */
function friendships(users: number, random: SeededRandom): number[][] {
  const friends = Array.from({ length: users }, () => new Set<number>());
  for (let one = 0; one < users; one += 1) {
    const known = new Set([(one + 1) % users]);
    while (known.size < Math.min(FRIENDS / 2, users - 1)) known.add(random.below(users));
    for (const other of known) {
      if (other === one) continue;
      friends[one]?.add(other);
      friends[other]?.add(one);
    }
  }
  return friends.map((known) => Array.from(known));
}
