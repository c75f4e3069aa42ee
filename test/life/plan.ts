/**
 * What goes wrong in the simulated weeks, when, and for whom: drawn from the seed before they
 * begin, so that every kind happens in the shortest run, too.
 */
import type { SeededRandom } from '../sim/random.ts';

/** Everything that can be planned. */
export const EVENTS = [
  'powerCut',
  'providerOutage',
  'providerDiskLost',
  'clockMinutes',
  'clockHours',
  'deviceLinked',
  'deviceLost',
  'backupMade',
  'restoredFromBackup',
  'restoredFromWords',
] as const;

export type EventKind = (typeof EVENTS)[number];

export interface PlannedEvent {
  readonly kind: EventKind;
  /** Slot of the day, counted from the beginning. */
  readonly slot: number;
  /** Index of the person; events of providers have none. */
  readonly person?: number;
}

export interface PlanFacts {
  readonly users: number;
  readonly days: number;
  readonly slotsPerDay: number;
}

/** The words alone do not give what began with fresh randomness: that is after 30 days. */
const WORDS_DAYS = 26;
/** An old backup, but not older than what providers keep. */
const BACKUP_DAYS = 20;

/** People are of three kinds: with two devices, with backups, and with neither. */
export type Habit = 'twoDevices' | 'backups' | 'wordsOnly';

export function habitOf(index: number): Habit {
  return (['twoDevices', 'backups', 'wordsOnly'] as const)[index % 3] ?? 'wordsOnly';
}

/** All events, in their order. */
export function planOf(facts: PlanFacts, random: SeededRandom): PlannedEvent[] {
  const { users, days, slotsPerDay } = facts;
  const slots = days * slotsPerDay;
  const everybody = Array.from({ length: users }, (_, index) => index);
  const like = (habit: Habit): number[] => everybody.filter((one) => habitOf(one) === habit);
  const between = (low: number, high: number): number =>
    Math.floor(low + random.below(Math.max(1, high - low)));
  const some = (share: number): number => Math.max(1, Math.round(share));
  const plan: PlannedEvent[] = [];
  const add = (kind: EventKind, slot: number, person?: number): void => {
    plan.push({ kind, slot, ...(person === undefined ? {} : { person }) });
  };
  for (let left = some((users * days) / 25); left > 0; left -= 1) {
    add('powerCut', between(0, slots - 2), random.pick(everybody));
  }
  for (let left = some((users * days) / 60); left > 0; left -= 1) {
    add('clockMinutes', between(0, slots - 2), random.pick(everybody));
    add('clockHours', between(0, slots - 2), random.pick(everybody));
  }
  for (let left = some(days / 3); left > 0; left -= 1) add('providerOutage', between(1, slots - 2));
  for (let left = some(days / 30); left > 0; left -= 1) {
    add('providerDiskLost', between(slots / 4, slots - 2));
  }
  for (const person of like('twoDevices')) {
    const linked = between(1, slots / 3);
    add('deviceLinked', linked, person);
    // One after the other: the next loss finds two devices again.
    for (let from = linked + 2; from < slots - 2; from += 40 * slotsPerDay) {
      const lost = between(from, Math.min(from + 20 * slotsPerDay, slots - 2));
      if (person % 2 === 0) add('deviceLost', lost, person);
    }
  }
  for (const person of like('backups')) {
    const made = between(1, Math.max(2, slots - BACKUP_DAYS * slotsPerDay));
    add('backupMade', made, person);
    const last = Math.min(made + BACKUP_DAYS * slotsPerDay, slots - 1);
    add('restoredFromBackup', between(made + 2, last), person);
  }
  for (const person of like('wordsOnly')) {
    const last = Math.min(WORDS_DAYS * slotsPerDay, slots - 1);
    if (person % 4 === 2) add('restoredFromWords', between(slots / 3, last), person);
  }
  return plan.toSorted((a, b) => a.slot - b.slot);
}
