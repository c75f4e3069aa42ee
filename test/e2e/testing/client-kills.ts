/**
 * What a client does for its user when it is killed: a mail waits for its time, rests to be undone,
 * mails are imported, a large one is fetched. Through the calls of the command line, which look for
 * the daemon anew after each start. Before: kill.spec.ts; after: apps/client/cli.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeLine } from '../../../apps/client/src/archive/archived-mail.ts';
import { DaemonClient } from '../../../apps/client/src/cli/daemon-client.ts';
import { MailboxClient } from '../../../apps/client/src/cli/mailbox-client.ts';
import { OutboxCalls } from '../../../apps/client/src/cli/outbox-calls.ts';
import { ParcelCalls } from '../../../apps/client/src/cli/parcel-calls.ts';
import type { ClientRole } from '../../../tools/devnet/layout.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { Stage } from '../../../tools/devnet/stage.ts';
import type { Chance } from './chance.ts';
import { hasArrived } from './kills.ts';

const LIMIT_MS = 120_000;

/** Kills a client and brings it back. */
export async function killClient({ devnet }: Stage, role: ClientRole): Promise<void> {
  await devnet.kill(role);
  await devnet.start(role);
}

async function clientOf({ devnet }: Stage, role: ClientRole): Promise<DaemonClient> {
  return await DaemonClient.find(devnet.layout.folder(role));
}

/** Outbox ids of what alice sends to bob. */
export async function send(
  { alice }: Stage,
  subject: string,
  choices: { sendAtMs?: number; undoSeconds?: number; attachment?: Uint8Array } = {},
): Promise<string> {
  const { attachment, ...rest } = choices;
  const contentBase64 = Buffer.from(attachment ?? []).toString('base64');
  const attachments = attachment === undefined ? [] : [{ filename: 'a.bin', contentBase64 }];
  const queued = await alice.send({ to: ['Bob'], subject, text: 'x', attachments, ...rest });
  return queued.recipients[0]?.outboxId ?? '';
}

/** When the mail was attached, once it has arrived. */
export async function attachedAt({ alice }: Stage, id: string): Promise<number> {
  return await until(`mail ${id} has arrived`, LIMIT_MS, async () => {
    const item = await alice.outboxItem(id);
    return hasArrived(item) ? (item.times.attachedAtMs ?? 0) : new NotYet(item.state);
  });
}

/** How often bob has the mail, once he has `marker`, which was sent later. */
export async function copiesAtBob(
  { bob }: Stage,
  subject: string,
  marker = subject,
): Promise<number> {
  return await until(`bob has ${marker}`, LIMIT_MS, async () => {
    await bob.sync();
    const subjects = (await bob.messages('INBOX')).map((one) => one.subject);
    if (!subjects.includes(marker)) return new NotYet('not there');
    return subjects.filter((one) => one === subject).length;
  });
}

/** Takes back a mail of alice; gives what became of it. */
export async function recall(stage: Stage, id: string): Promise<string> {
  await new OutboxCalls((await clientOf(stage, 'alice')).link).recall(id, 'message');
  return (await stage.alice.outboxItem(id)).state;
}

/**
 * Imports `count` mails while alice's client is killed, and imports them again as a person would;
 * gives the Message-IDs that lie in the folder then.
 */
export async function importOverKill(
  stage: Stage,
  folder: string,
  count: number,
  chance: Chance,
): Promise<string[]> {
  const lines = Array.from({ length: count }, (_, at) =>
    encodeLine({
      raw: Buffer.from(`Message-ID: <import-${at}@x>\r\n\r\n${chance.text(2_000)}\r\n`),
      receivedAt: 1_000 + at,
      flags: [],
    }),
  );
  const all = Buffer.concat(lines);
  const take = async (): Promise<void> => {
    await new MailboxClient((await clientOf(stage, 'alice')).link).importLines(all, folder);
  };
  const first = take().catch(() => undefined);
  await sleep(chance.integer(0, 400));
  await Promise.all([first, killClient(stage, 'alice')]);
  await take();
  const ids: string[] = [];
  for (let before: string | undefined; ;) {
    const page = await (await clientOf(stage, 'alice')).messages(folder, 500, before);
    ids.push(...page.map((one) => one.messageId));
    before = page.at(-1)?.id;
    if (page.length < 500 || before === undefined) return ids;
  }
}

/** The attachment as bob has it, whose client is killed as soon as parts of it have come. */
export async function fetchOverKill(stage: Stage, subject: string): Promise<Uint8Array> {
  let isKilled = false;
  return await until(`bob has ${subject}`, LIMIT_MS, async () => {
    await stage.bob.sync();
    const calls = new ParcelCalls((await clientOf(stage, 'bob')).link);
    const coming = (await calls.incoming()).find((one) => one.preview.subject === subject);
    if (coming !== undefined && coming.state === 'waiting') await calls.fetch(coming.id);
    if (coming !== undefined && !isKilled) {
      isKilled = true;
      await killClient(stage, 'bob');
    }
    const mail = (await stage.bob.messages('INBOX')).find((one) => one.subject === subject);
    if (mail === undefined) return new NotYet(`${coming?.state} ${coming?.percent} %`);
    return await stage.bob.attachment(mail.id, 0);
  });
}
