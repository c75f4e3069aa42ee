/**
 * The mails of the main job: an invitation, a mail with an attachment to somebody who is offline,
 * its way through the tangle to the provider, the reading, and an answer. Part of play.ts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseBlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  contactDto,
  inviteDto,
  type MessageDto,
  messageDto,
  type MessageSummaryDto,
  type OutboxItemDto,
  queuedMessageDto,
} from '../../apps/client/src/api/dto.ts';
import type { Daemon } from './daemon.ts';
import { cli, sha256, short, type Stage, units } from './stage.ts';
import { NotYet, until } from './poll.ts';
import { DevnetError } from './processes.ts';

const DELIVERY_TIMEOUT_MS = 90_000;
const ATTACHMENT_BYTES = 1_500;
/** `read --save-attachments` also says where the attachments are. */
const readShape = messageDto.extend({ saved: z.array(z.string()).min(1) });

/** The mail that was sent, as far as the reader must check it. */
export interface SentMail {
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
  readonly attachmentName: string;
  readonly attachmentSha256: string;
}

/** Bob invites, alice accepts; nothing to do when they know each other. */
export async function connect(stage: Stage): Promise<void> {
  const { tell, alice, devnet } = stage;
  const bobAddress = devnet.network.clients.bob.address;
  const known = (await alice.contacts()).find((one) => one.address === bobAddress);
  if (known !== undefined) {
    tell.fact('alice', `has bob among her contacts${known.knowsUs ? ', and he has written' : ''}`);
    return;
  }
  let link = '';
  await tell.step('bob', 'makes an invitation', async () => {
    ({ link } = await cli(stage, 'bob', inviteDto, ['invite', '--name', 'Alice']));
    return `makes an invitation link: ${link.slice(0, 48)}…`;
  });
  await tell.step('alice', 'adds bob by the link', async () => {
    const args = ['contacts', 'add', link, '--name', 'Bob'];
    const contact = await cli(stage, 'alice', contactDto, args);
    if (contact.address !== bobAddress) throw new DevnetError('the link names somebody else');
    return `adds ${contact.name} to her contacts`;
  });
}

/** Alice writes; the mail is followed until the provider's receipt is checked. */
export async function writeMail(stage: Stage): Promise<SentMail> {
  const { tell, alice, devnet } = stage;
  const at = new Date().toISOString().replace('T', ' ').slice(0, 19);
  const attachmentName = 'sketch.bin';
  const content = randomBytes(ATTACHMENT_BYTES);
  const file = join(devnet.layout.dataDir, 'outgoing', attachmentName);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  const subject = `The plan, ${at}`;
  const text = 'Dear Bob,\nhere is the sketch. Nobody between us can read this.\nAlice';
  const attachmentSha256 = await sha256(content);
  let messageId = '';
  let outboxId = '';
  await tell.step('alice', 'writes a mail', async () => {
    const args = ['send', '--to', 'Bob', '--subject', subject, '--body', text, '--attach', file];
    const queued = await cli(stage, 'alice', queuedMessageDto, args);
    messageId = queued.id;
    outboxId = queued.recipients[0]?.outboxId ?? '';
    return `writes “${subject}” with ${attachmentName} (${ATTACHMENT_BYTES} bytes)`;
  });
  const item = await followMail(stage, alice, outboxId, { isPaidStorage: true });
  const [receipt] = item.receipts;
  stage.facts.mail = {
    messageId,
    blockId: item.blockId ?? '',
    powMs: item.powMs ?? 0,
    milestoneIndex: item.milestoneIndex ?? 0,
    tagKind: item.tagKind ?? '',
    stored: `${item.storedCount}/${item.providerCount}`,
    receiptUntil: receipt?.until ?? 0,
    attachmentSha256,
  };
  return { messageId, subject, text, attachmentName, attachmentSha256 };
}

/** Tells each state of an outgoing mail once it is reached. */
async function followMail(
  stage: Stage,
  sender: Daemon,
  outboxId: string,
  { isPaidStorage }: { isPaidStorage: boolean },
): Promise<OutboxItemDto> {
  const { tell } = stage;
  const reach = async (
    what: string,
    isReached: (item: OutboxItemDto) => boolean,
  ): Promise<OutboxItemDto> =>
    await until(`the mail is ${what}`, DELIVERY_TIMEOUT_MS, async () => {
      const item = await sender.outboxItem(outboxId);
      if (item.state === 'failed' || item.state === 'expired') {
        throw new DevnetError(`the mail has ${item.state}: ${item.error?.detail ?? ''}`);
      }
      return isReached(item) ? item : new NotYet(`${item.state} ${item.error?.detail ?? ''}`);
    });
  let item = await sender.outboxItem(outboxId);
  tell.fact('mail', `queued: sealed and kept on disk until it has arrived`);
  await tell.step('mail', 'attached', async () => {
    item = await reach('attached', (one) => one.blockId !== undefined && one.powMs !== undefined);
    const work = `proof of work ${Math.round(item.powMs ?? 0)} ms`;
    return `attached: block ${short(item.blockId ?? '')}, ${work}, ${item.tagKind} tag`;
  });
  await tell.step('mail', 'confirmed', async () => {
    item = await reach('confirmed', (one) => one.milestoneIndex !== undefined && one.proofChecked);
    await checkReferenced(stage, item);
    return `confirmed: milestone ${item.milestoneIndex}, proof checked`;
  });
  if (!isPaidStorage) return item;
  await tell.step('mail', 'stored', async () => {
    item = await reach('stored', (one) => one.storedCount >= 1 && one.receipts.length > 0);
    const [receipt] = item.receipts;
    const lastDay = new Date((receipt?.until ?? 0) * 1_000).toISOString().slice(0, 10);
    const by = `receipt of ${receipt?.endpoint}, kept until ${lastDay}`;
    return `stored ${item.storedCount}/${item.providerCount}: ${by}, signature checked`;
  });
  return item;
}

/** Both nodes must say that the milestone references the block. */
async function checkReferenced({ node1, node2 }: Stage, item: OutboxItemDto): Promise<void> {
  const blockId = parseBlockId(item.blockId ?? '');
  if (blockId === undefined) throw new DevnetError('the mail has no block id');
  for (const node of [node1, node2]) {
    await until('the node has the milestone', DELIVERY_TIMEOUT_MS, async () => {
      const { referencedByMilestoneIndex: index } = await node.blockMetadata(blockId);
      return index === item.milestoneIndex ? index : new NotYet(`referenced by ${index}`);
    });
  }
}

/**
 * Bob comes back, pays, fetches and reads; the mail is compared with what alice sent. `before` is
 * what his mailbox held when he left.
 */
export async function readMail(stage: Stage, mail: SentMail, before: bigint): Promise<void> {
  const { tell, bob, devnet } = stage;
  await tell.step('bob', 'comes back', async () => {
    await devnet.start('bob');
    return 'is back online';
  });
  let found: MessageSummaryDto | undefined;
  await tell.step('bob', 'pays and fetches', async () => {
    found = await until('the mail arrives', DELIVERY_TIMEOUT_MS, async () => {
      await bob.sync();
      const inbox = await bob.messages('INBOX');
      return inbox.find((one) => one.messageId === mail.messageId) ?? new NotYet('no such mail');
    });
    const cost = before - (await mailboxBalance(stage));
    return `pays ${units(cost)} from his mailbox’s balance and fetches ${found.sizeBytes} bytes`;
  });
  if (found === undefined) throw new DevnetError('the mail did not arrive');
  const cost = before - (await mailboxBalance(stage));
  const { id } = found;
  let read: MessageDto | undefined;
  await tell.step('bob', 'opens the mail and verifies the sender', async () => {
    const saved = join(devnet.layout.dataDir, 'incoming');
    const args = ['read', id, '--save-attachments', saved];
    const answer = await cli(stage, 'bob', readShape, args);
    read = answer;
    const rawSha256 = await compare(stage, mail, read, answer.saved[0] ?? '');
    const { how = '', senderAddress = '' } = read.verified ?? {};
    const { messageId } = read;
    stage.facts.read = { messageId, sender: senderAddress, how, cost: `${cost}`, rawSha256 };
    return `opens it: the ${how} proves ${senderAddress}; bytes and attachment are alice’s`;
  });
  if (read !== undefined) show(stage, read);
}

/**
 * Throws when the mail is not, byte for byte, what alice wrote; `saved` is the file of its
 * attachment. The hash of the mail's bytes.
 */
async function compare(
  { alice, bob, devnet }: Stage,
  mail: SentMail,
  read: MessageDto,
  saved: string,
): Promise<string> {
  const aliceAddress = devnet.network.clients.alice.address;
  if (read.verified?.senderAddress !== aliceAddress) {
    throw new DevnetError(`the verified sender is ${read.verified?.senderAddress}, not alice`);
  }
  if (read.subject !== mail.subject || read.text.trim() !== mail.text) {
    throw new DevnetError('subject or text differ from what alice wrote');
  }
  const name = read.attachments[0]?.filename ?? '';
  const attachment = await sha256(readFileSync(saved));
  if (name !== mail.attachmentName || attachment !== mail.attachmentSha256) {
    throw new DevnetError(`the attachment ${name} differs from what alice attached`);
  }
  const sent = (await alice.messages('Sent')).find((one) => one.messageId === mail.messageId);
  if (sent === undefined) throw new DevnetError('alice has no copy in Sent');
  const [theirs, ours] = await Promise.all([alice.raw(sent.id), bob.raw(read.id)]);
  const hash = await sha256(ours);
  if ((await sha256(theirs)) !== hash) throw new DevnetError('the bytes of the mail differ');
  return hash;
}

function show({ tell }: Stage, mail: MessageDto): void {
  const attached = mail.attachments.map((one) => `${one.filename}, ${one.sizeBytes} bytes`);
  const lines = [
    `From:    ${mail.from.name === '' ? '' : `${mail.from.name} `}<${mail.from.address}>`,
    `Subject: ${mail.subject}`,
    '',
    ...mail.text.trimEnd().split(/\r?\n/),
    '',
    ...attached.map((text) => `Attached: ${text}`),
  ];
  tell.text('');
  for (const line of lines) tell.text(`            │ ${line}`);
  tell.text('');
}

/** What is left in bob’s mailbox to pay with, as of his last look, in base units. */
export async function mailboxBalance({ bob, facts }: Stage): Promise<bigint> {
  const rental = (await bob.rentals()).find((one) => one.bondId === facts.rental?.bondId);
  return BigInt(rental?.balance ?? 0);
}

/** Bob answers; alice has no provider and reads the answer from her node. */
export async function answerMail(stage: Stage, mail: SentMail): Promise<void> {
  const { tell, alice, bob, devnet } = stage;
  let outboxId = '';
  let messageId = '';
  await tell.step('bob', 'answers', async () => {
    const to = devnet.network.clients.alice.address;
    const subject = `Re: ${mail.subject}`;
    const text = 'Dear Alice,\nit arrived, and I know it is from you.\nBob';
    const queued = await bob.send({ to: [to], subject, text, inReplyTo: mail.messageId });
    messageId = queued.id;
    outboxId = queued.recipients[0]?.outboxId ?? '';
    return `answers “${subject}”`;
  });
  const item = await followMail(stage, bob, outboxId, { isPaidStorage: false });
  await tell.step('alice', 'reads the answer', async () => {
    const found = await until('the answer arrives', DELIVERY_TIMEOUT_MS, async () => {
      const inbox = await alice.messages('INBOX');
      return inbox.find((one) => one.messageId === messageId) ?? new NotYet('no such mail');
    });
    const { verified, text } = await alice.message(found.id);
    const bobAddress = devnet.network.clients.bob.address;
    if (verified?.senderAddress !== bobAddress) throw new DevnetError('it is not bob’s');
    const { blockId = '', milestoneIndex = 0, tagKind = '' } = item;
    stage.facts.answer = { messageId, blockId, milestoneIndex, tagKind };
    return `reads it from her own node, sender verified: “${text.split('\n')[1]?.trim()}”`;
  });
}
