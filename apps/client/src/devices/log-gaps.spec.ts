/** Two devices of which each lacks notes of the other: what they say behind the gaps is heard. */
import { afterEach, expect, it } from '@jest/globals';
import { linkedDisk, meet, openOwnDevice, type OwnDevice } from '../testing/own-devices.ts';
import { NOW_MS } from '../testing/people.ts';
import type { Disk } from '../testing/memory-store.ts';

const HOUR_MS = 3_600_000;
const open: OwnDevice[] = [];
let nowMs = NOW_MS;

afterEach(async () => {
  for (const one of open.splice(0)) await one.manager.stop();
});

async function device(disk: Disk = new Map()): Promise<OwnDevice> {
  const one = await openOwnDevice({ disk, nowMs: () => nowMs });
  open.push(one);
  return one;
}

const rulesOf = ({ rules }: OwnDevice): string[] => rules.list().map((one) => one.name);
const nameOf = ({ ownSettings }: OwnDevice): string => ownSettings.get().profileName;

it('are told again what each wrote while notes were lost both ways', async () => {
  const one = await device();
  const two = await device(await linkedDisk(one));
  await meet(one, two);
  // What both write now never reaches the other.
  await one.ownSettings.set({ profileName: 'lost' });
  const rule = { name: 'lost', isEnabled: true, when: {}, actions: { markRead: true } as const };
  await two.change((batch) => two.rules.replace(batch, [{ ...rule, isLast: false }]));
  const had = [(await one.told()).length, (await two.told()).length];
  for (let hour = 0; hour < 4; hour++) {
    nowMs += HOUR_MS;
    for (const each of [one, two]) await each.selfNotes.refresh();
    for (const [at, from, to] of [
      [0, one, two],
      [1, two, one],
    ] as const) {
      const told = [...(await from.told())];
      for (const note of told.slice(had[at])) await to.take(note);
      had[at] = told.length;
    }
  }
  expect([nameOf(two), rulesOf(one)]).toEqual(['lost', ['lost']]);
});
