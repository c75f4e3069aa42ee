/** What must hold after the simulated weeks. Each gives the sentences of what does not. */
import type { Person, WrittenLine, WrittenMail } from './people.ts';
import type { DeviceView, PersonView, ShownMail } from './views.ts';
import type { LifeWorld } from './world.ts';

/** What each person was promised, by index: marks of mails and of lines. */
export interface Promises {
  readonly mails: readonly WrittenMail[];
  readonly lines: readonly WrittenLine[];
}

/** Whose promises are looked at, and where mail was kept. */
export type PromisingWorld = Pick<LifeWorld, 'people' | 'mails' | 'lines'> & {
  readonly providers: readonly Pick<LifeWorld['providers'][number], 'bondId'>[];
};

/** What must be there at the end, whatever went wrong. */
export function promisesOf(world: PromisingWorld): Promises {
  // Provider 0 loses its disk now and then: what it alone kept is lost with it.
  const safe = new Set(world.providers.slice(1).map(({ bondId }) => bondId));
  const mails = world.mails.filter((mail) => {
    const recipient = world.people[mail.to];
    return recipient !== undefined && isMailPromised(mail, recipient, safe);
  });
  const lines = world.lines.filter(({ isStored, from, to }) => {
    const hasLost = [from, to].some((one) => world.people[one]?.losses.length !== 0);
    return isStored && !hasLost && isSafe(world.people[to]);
  });
  return { mails, lines };

  function isSafe(recipient: Person | undefined): boolean {
    return recipient?.facts.runsNode === false;
  }
}

function isMailPromised(
  mail: WrittenMail,
  { facts, losses, devices }: Person,
  safe: ReadonlySet<string>,
): boolean {
  if (facts.runsNode) {
    // Nobody keeps it for whoever rents nothing: what was read before the oldest device that is
    // left was linked went with the lost one. A backup reads on in the milestones where it ended.
    const isWhole = losses.every(({ goesOnWith }) => goesOnWith === 'backup');
    const sinceMs = Math.min(...devices.map((one) => one.sinceMs));
    return mail.isConfirmed && (isWhole || mail.atMs >= sinceMs);
  }
  if (mail.storedAt.some((bondId) => safe.has(bondId))) return true;
  // What only a device had, or a provider that lost its disk, can be lost with the device.
  return mail.isFetched && losses.length === 0;
}

/** No mail that was shown as stored is missing: one of the recipient's devices shows it. */
export function lostMails(views: readonly PersonView[], { mails }: Promises): string[] {
  const shown = views.map(
    ({ devices }) => new Set(devices.flatMap((one) => one.mails.map(({ mark }) => mark))),
  );
  return mails.filter(({ mark, to }) => !shown[to]?.has(mark)).map(({ mark }) => `${mark} is lost`);
}

/** No device shows a mail or a line twice. */
export function shownTwice(views: readonly PersonView[]): string[] {
  return views.flatMap(({ index, devices }) =>
    devices.flatMap(({ mails, lines }, at) => {
      const marks = [...mails.map(({ mark }) => mark), ...lines];
      return marks
        .filter((mark, first) => marks.indexOf(mark) !== first)
        .map((mark) => `${mark} is shown twice by device ${at} of person ${index}`);
    }),
  );
}

/** Folder and flags of a mail are the same on all devices that have it. */
export function unequalMails(views: readonly PersonView[]): string[] {
  return views.flatMap(({ index, devices: [first, ...others] }) => {
    const known = new Map((first?.mails ?? []).map((mail) => [mail.mark, mail]));
    return others.flatMap(({ mails }) =>
      mails.flatMap((mail) => {
        const same = known.get(mail.mark);
        if (same === undefined || stateOf(same) === stateOf(mail)) return [];
        return [`${mail.mark} of person ${index}: ${stateOf(same)} and ${stateOf(mail)}`];
      }),
    );
  });
}

function stateOf({ folder, flags }: ShownMail): string {
  return `${folder} ${flags.join(' ')}`;
}

/** A mail that was promised is on every device that was there when it was written. */
export function missingOnDevices(
  views: readonly PersonView[],
  { mails }: Promises,
  safe: ReadonlySet<string>,
): string[] {
  return mails.flatMap(({ mark, to, atMs, storedAt }) => {
    if (!storedAt.some((bondId) => safe.has(bondId))) return [];
    const devices: readonly DeviceView[] = views[to]?.devices ?? [];
    return devices.flatMap((one, at) => {
      const isThere = one.mails.some((mail) => mail.mark === mark);
      if (one.sinceMs > atMs || isThere) return [];
      return [`${mark} is missing on device ${at} of person ${to}`];
    });
  });
}

/** No line of chat that all providers have stored is missing. */
export function lostLines(views: readonly PersonView[], { lines }: Promises): string[] {
  const shown = views.map(({ devices }) => new Set(devices.flatMap((one) => one.lines)));
  return lines.filter(({ mark, to }) => !shown[to]?.has(mark)).map(({ mark }) => `${mark} is lost`);
}
