/** Makes happen what was planned to go wrong. */
import { join } from 'node:path';
import { SeededRandom } from '../sim/random.ts';
import { Device } from './device.ts';
import { diskFromBackup, diskFromLink, diskFromWords } from './disks.ts';
import type { Person } from './people.ts';
import { EVENTS, type EventKind, type PlannedEvent, planOf } from './plan.ts';
import { type LifeWorld, SLOTS_PER_DAY } from './world.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Writes of a start until which the power goes: so many there are always. */
const EARLY_WRITES = 12;

export class Faults {
  readonly #world: LifeWorld;
  readonly #random: SeededRandom;
  #waiting: PlannedEvent[];
  /** How often each kind happened. */
  readonly happened = Object.fromEntries(EVENTS.map((kind) => [kind, 0])) as Record<
    EventKind,
    number
  >;

  constructor(world: LifeWorld) {
    const { users, days } = world.options;
    this.#world = world;
    this.#random = world.random.fork();
    this.#waiting = planOf({ users, days, slotsPerDay: SLOTS_PER_DAY }, this.#random);
  }

  /** Events that are due by this slot; they wait no longer. */
  take(slot: number): PlannedEvent[] {
    const due = this.#waiting.filter((one) => one.slot <= slot);
    this.#waiting = this.#waiting.filter((one) => one.slot > slot);
    return due;
  }

  /** What did not happen, because something else had gone wrong, is tried again. */
  #later(event: PlannedEvent): void {
    this.#waiting.push({ ...event, slot: event.slot + 1 });
  }

  async breakProviders(events: readonly PlannedEvent[]): Promise<void> {
    const world = this.#world;
    for (const provider of world.providers) {
      if (!provider.isUp && this.#random.chance(0.3)) await world.during(provider.start());
    }
    const [first] = world.providers;
    for (const event of events) {
      if (event.kind === 'providerOutage') {
        const up = world.providers.filter((one) => one.isUp);
        if (up.length < 2) this.#later(event);
        else await world.during(this.#random.pick(up).stop());
        if (up.length >= 2) this.happened.providerOutage += 1;
      }
      if (event.kind === 'providerDiskLost' && first !== undefined) {
        await world.during(first.loseDisk());
        this.happened.providerDiskLost += 1;
      }
    }
  }

  /** Devices that are gone before their owner comes online. */
  async loseDevices(person: Person, events: readonly PlannedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.kind === 'restoredFromWords') {
        await this.#replace(person, await this.#wordsDisk(person), 'words');
        this.happened.restoredFromWords += 1;
      }
      if (event.kind === 'restoredFromBackup') {
        if (person.backup === undefined) this.#later(event);
        else {
          const made = diskFromBackup(person.backup.path, person.facts.seed);
          await this.#replace(person, await this.#world.during(made), 'backup');
          this.happened.restoredFromBackup += 1;
        }
      }
    }
  }

  #wordsDisk({ facts }: Person): ReturnType<typeof diskFromWords> {
    return diskFromWords(facts.seed, this.#world.time.nowMs);
  }

  async #replace(
    person: Person,
    disk: Device['disk'],
    goesOnWith: 'backup' | 'words',
  ): Promise<void> {
    const { nowMs } = this.#world.time;
    person.losses.push({ atMs: nowMs, goesOnWith });
    person.devices = [this.#world.deviceOf(person.facts, disk)];
  }

  /** Where the power goes in this session, if it does. */
  cutOf(events: readonly PlannedEvent[]): number | undefined {
    const isCut = events.some(({ kind }) => kind === 'powerCut');
    return isCut ? this.#random.below(EARLY_WRITES) : undefined;
  }

  /** Clocks go wrong, and most are put right at the next session. */
  skew(device: Device, events: readonly PlannedEvent[]): void {
    const random = this.#random;
    if (random.chance(0.7)) device.skewMs = 0;
    for (const { kind } of events) {
      if (kind === 'clockMinutes') device.skewMs = random.between(-5, 5) * MINUTE_MS;
      if (kind === 'clockHours') {
        device.skewMs = random.between(1, 14) * HOUR_MS * (random.chance(0.5) ? 1 : -1);
      }
      if (kind === 'clockMinutes' || kind === 'clockHours') this.happened[kind] += 1;
    }
  }

  /** What is done with running devices. */
  async treat(person: Person, events: readonly PlannedEvent[]): Promise<void> {
    for (const event of events) {
      try {
        if (event.kind === 'deviceLinked') await this.#link(person);
        else if (event.kind === 'backupMade') await this.#backUp(person);
        else if (event.kind === 'deviceLost') {
          if (!(await this.#loseOne(person))) {
            this.#later(event);
            continue;
          }
        } else continue;
        this.happened[event.kind] += 1;
      } catch (error) {
        // A node or provider that was out of reach, or a power cut: the next day is as good.
        this.failures.push(`${event.kind}: ${String(error)}`);
        this.#later(event);
      }
    }
  }

  /** Why something planned was put off. */
  readonly failures: string[] = [];

  /** A power cut counts when it came. */
  noteCut(device: Device, events: readonly PlannedEvent[]): void {
    const planned = events.find(({ kind }) => kind === 'powerCut');
    if (planned === undefined) return;
    if (device.isCut) this.happened.powerCut += 1;
    else this.#later(planned);
  }

  async #link(person: Person): Promise<void> {
    const world = this.#world;
    const [old] = person.devices;
    if (old === undefined) throw new Error('somebody without a device');
    const disk = await world.during(
      world.accessOf(old).then((access) => diskFromLink(old.client, access)),
    );
    const device = world.deviceOf(person.facts, disk);
    person.devices.push(device);
    await world.during(device.start());
  }

  /** One of two devices is lost; the other removes it, and a new one is linked. */
  async #loseOne(person: Person): Promise<boolean> {
    const world = this.#world;
    const [one, other] = person.devices;
    if (one === undefined || other === undefined) return false;
    const [lost, kept] = this.#random.chance(0.5) ? [one, other] : [other, one];
    if (!kept.isOn) return false;
    const { devices } = kept.services;
    const listed = await devices.list();
    const gone = listed.filter(({ isOwn, isRemoved }) => !isOwn && !isRemoved);
    const [found] = gone;
    if (found === undefined || gone.length > 1) return false;
    await world.during(lost.stop());
    person.devices = [kept];
    person.losses.push({ atMs: world.time.nowMs, goesOnWith: 'another device' });
    if (found.isPaying) await world.during(devices.pay());
    await world.during(devices.remove(found.id));
    await this.#link(person);
    return true;
  }

  async #backUp(person: Person): Promise<void> {
    const world = this.#world;
    const [device] = person.devices;
    if (device === undefined) throw new Error('somebody without a device');
    const { index } = person.facts;
    const path = join(world.folder, `${index}-${world.time.nowMs}.tmbackup`);
    const request = { path, forWords: true, withMail: true } as const;
    await world.during(device.services.backup.create(request));
    person.backup = { path, atMs: world.time.nowMs };
  }
}
