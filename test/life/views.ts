/** What people see on their devices at the end, as checkers compare it. */
import type { Device } from './device.ts';
import type { Person } from './people.ts';

const PAGE = 500;

/** A mail as one device shows it. */
export interface ShownMail {
  /** Its subject. */
  readonly mark: string;
  readonly folder: string;
  /** Sorted. */
  readonly flags: readonly string[];
}

export interface DeviceView {
  readonly sinceMs: number;
  readonly mails: readonly ShownMail[];
  /** Lines of chat of others. */
  readonly lines: readonly string[];
}

export interface PersonView {
  readonly index: number;
  readonly devices: readonly DeviceView[];
  /** Where mail is kept, as each device has it: endpoint, and whether it is in use. */
  readonly rented: readonly string[];
  /** How far the self-log has come on each device: heads, and what waits behind a gap. */
  readonly logs: readonly string[];
}

/** What a person sees on the running devices. */
export async function viewOf({ facts, devices }: Person): Promise<PersonView> {
  const views: DeviceView[] = [];
  const rented: string[] = [];
  const logs: string[] = [];
  for (const device of devices) {
    const { sinceMs } = device;
    views.push({ sinceMs, mails: await mailsOf(device), lines: await linesOf(device) });
    logs.push(await device.selfLog());
    for (const one of await device.client.service.rentedProviders()) {
      rented.push(`${one.endpoint} ${one.isActive} ${one.balance}`);
    }
  }
  return { index: facts.index, devices: views, rented, logs };
}

/** Received mails in all folders, each as often as it is shown. */
async function mailsOf({ client }: Device): Promise<ShownMail[]> {
  const shown: ShownMail[] = [];
  for (const { name } of await client.service.folders()) {
    if (name === 'Sent' || name === 'Drafts') continue;
    for (let before: string | undefined; ;) {
      const query = { folder: name, limit: PAGE, ...(before === undefined ? {} : { before }) };
      const page = await client.service.messages(query);
      for (const { subject, flags } of page.filter((one) => one.subject.startsWith('mail-'))) {
        shown.push({ mark: subject, folder: name, flags: [...flags].toSorted() });
      }
      before = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
  }
  return shown;
}

async function linesOf({ services }: Device): Promise<string[]> {
  const { chat } = services;
  const lines: string[] = [];
  for (const { id } of await chat.conversations()) {
    for (let before: number | undefined; ;) {
      const query = { limit: PAGE, ...(before === undefined ? {} : { before }) };
      const page = await chat.messages(id, query);
      lines.push(...page.filter((one) => !one.isOwn && one.kind === 'text').map((one) => one.text));
      before = page.at(-1)?.number;
      if (page.length < PAGE) break;
    }
  }
  return lines;
}
