/**
 * `tanglemail outbox`, `inbox`, `read` and `sync`: what went, and what came.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Command } from 'commander';
import type { MessageDto, MessageSummaryDto, OutboxItemDto } from '../api/dto.ts';
import type { OutboxReportDto } from '../api/outbox-dto.ts';
import { ClientError, isClientErrorCode } from '../client-error.ts';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { type CommandContext, run } from './context.ts';
import type { DaemonClient } from './daemon-client.ts';
import { integerOption } from './options.ts';
import { belongsTo, findOnItsWay, linesOf } from './on-its-way.ts';
import { OutboxCalls } from './outbox-calls.ts';
import { stateText } from './outbox-states.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, facts, manyLines, oneLine, sizeText, table } from './text.ts';
import { copiesOf, senderOf } from './who.ts';

const PAGE = 500;

export function outboxCommand(terminal: Terminal): Command {
  const command = new Command('outbox')
    .description('show mails on their way, or one of them in full')
    .argument('[id]', 'number of a mail')
    .option('--all', 'all recipients of the mail with this number')
    .option('--limit <count>', 'mails', '20');
  return run<{ limit: string; all?: boolean }>(
    command,
    terminal,
    ['outbox', 'outbox 17', 'outbox 17 --all', 'outbox --limit 100 --json'],
    async (context, options, [id]) => {
      const limit = integerOption('--limit', options.limit, 1, PAGE);
      const daemon = await context.daemon();
      if (id !== undefined && options.all === true) {
        const report = await new OutboxCalls(daemon.link).report(id);
        context.print(report, () => describeReport(report));
        return;
      }
      if (id !== undefined) {
        const item = await daemon.outboxItem(id);
        context.print(item, () => describeItem(item));
        return;
      }
      const items = await daemon.outbox(limit);
      context.print(items, () => {
        if (items.length === 0) return 'Nothing has been sent yet.\n';
        const columns = [
          { title: 'ID', of: (one: OutboxItemDto) => one.id, isRight: true },
          { title: 'WHEN', of: (one: OutboxItemDto) => dateText(one.createdAtMs) },
          { title: 'TO', of: recipientOf, isFlexible: true },
          { title: 'SUBJECT', of: (one: OutboxItemDto) => one.subject, isFlexible: true },
          { title: 'STATE', of: stateText, isFlexible: true },
        ];
        return table(items, columns, terminal.columns);
      });
    },
  );
}

function recipientOf({ to }: OutboxItemDto): string {
  return to.name || to.address;
}

function describeReport({ subject, summary, items }: OutboxReportDto): string {
  const rows = items.map((item) => [recipientOf(item), stateText(item)] as const);
  return `${facts([
    ['subject', subject],
    ['state', summary],
  ])}\n${facts(rows)}`;
}

function describeItem(item: OutboxItemDto): string {
  const rows: (readonly [string, string])[] = [
    ['to', `${item.to.name === '' ? '' : `${item.to.name} `}${item.to.address}`],
    ['subject', item.subject],
    ['state', stateText(item)],
    ['size', sizeText(item.sizeBytes)],
    ['message id', item.messageId],
  ];
  if (item.tagKind !== undefined) rows.push(['tag', item.tagKind]);
  if (item.blockId !== undefined) rows.push(['block', item.blockId]);
  if (item.powMs !== undefined) rows.push(['work', `${(item.powMs / 1_000).toFixed(1)} s`]);
  if (item.isRegistered) rows.push(['registered', 'signed: it cannot be denied']);
  for (const [name, atMs] of timesOf(item)) rows.push([name, dateText(atMs)]);
  if (item.isReducedSecrecy) rows.push(['secrecy', 'reduced: the recipient’s keys are old']);
  for (const { bondId, until } of item.receipts) {
    rows.push(['receipt', `${bondId.slice(0, 16)} until ${dateText(until * 1_000)}`]);
  }
  for (const { state, atMs, detail } of item.history) {
    rows.push([
      'history',
      `${dateText(atMs)} ${state}${detail === undefined ? '' : `: ${detail}`}`,
    ]);
  }
  return facts(rows);
}

/** What came true when, in the order of time. */
function timesOf({ times }: OutboxItemDto): [string, number][] {
  const named: [string, number | undefined][] = [
    ['attached', times.attachedAtMs],
    ['confirmed', times.confirmedAtMs],
    ['stored', times.storedAtMs],
    ['fetched', times.fetchedAtMs],
    ['read', times.readAtMs],
  ];
  const known = named.flatMap(([name, atMs]): [string, number][] =>
    atMs === undefined ? [] : [[name, atMs]],
  );
  return known.toSorted(([, a], [, b]) => a - b);
}

export function inboxCommand(terminal: Terminal): Command {
  const command = new Command('inbox')
    .description('list the messages of a folder, newest first; * is unread')
    .option('--folder <name>', 'name of the folder', 'INBOX')
    .option('--limit <count>', 'messages', '20');
  return run<{ folder: string; limit: string }>(
    command,
    terminal,
    ['inbox', 'inbox --folder Requests', 'inbox --limit 100 --json'],
    async (context, options) => {
      const limit = integerOption('--limit', options.limit, 1, PAGE);
      const daemon = await context.daemon();
      const messages = await daemon.messages(options.folder, limit);
      const missing = linesOf(belongsTo(options.folder, await findOnItsWay(daemon.link)));
      const isOwn = /^(?:sent|drafts)$/i.test(options.folder);
      const who = (one: MessageSummaryDto) => (isOwn && one.sentTo) || senderOf(one);
      context.print(messages, () => {
        const rest = missing.map((line) => `${line}\n`).join('');
        if (messages.length === 0) return `${options.folder} is empty.\n${rest}`;
        const columns = [
          { title: 'UID', of: (one: MessageSummaryDto) => `${one.uid}`, isRight: true },
          { title: '', of: (one: MessageSummaryDto) => (isUnread(one) ? '*' : '') },
          { title: 'WHEN', of: (one: MessageSummaryDto) => dateText(one.dateMs) },
          { title: isOwn ? 'TO' : 'FROM', of: who, isFlexible: true },
          { title: 'SUBJECT', of: (one: MessageSummaryDto) => one.subject, isFlexible: true },
          { title: 'SIZE', of: (one: MessageSummaryDto) => sizeText(one.sizeBytes), isRight: true },
        ];
        return table(messages, columns, terminal.columns) + rest;
      });
    },
  );
}

function isUnread({ flags }: MessageSummaryDto): boolean {
  return !flags.includes('\\Seen');
}

interface ReadOptions {
  readonly folder: string;
  readonly raw?: boolean;
  readonly peek?: boolean;
  readonly saveAttachments?: string;
}

export function readCommand(terminal: Terminal): Command {
  const command = new Command('read')
    .description('read one message')
    .argument('<id-or-uid>', 'as `inbox` shows it')
    .option('--folder <name>', 'where the UID belongs', 'INBOX')
    .option('--raw', 'the message byte for byte')
    .option('--peek', 'leave it unread')
    .option('--save-attachments <dir>', 'folder for its attachments; nothing is overwritten');
  return run<ReadOptions>(
    command,
    terminal,
    ['read 12', 'read 12 --raw > message.eml', 'read 12 --save-attachments ./files'],
    async (context, options, [text = '']) => {
      const daemon = await context.daemon();
      const id = await idOf(daemon, options.folder, text);
      if (options.raw === true) terminal.out(await daemon.rawMessage(id));
      else await show(context, daemon, await daemon.message(id), options.saveAttachments);
      if (options.peek !== true) await daemon.setFlags(id, { flags: ['\\Seen'], change: 'add' });
    },
  );
}

/** The id of a message that is named by it or by its UID. Throws ClientError `message-unknown`. */
export async function idOf(daemon: DaemonClient, folder: string, text: string): Promise<string> {
  if (!/^[0-9]+$/.test(text)) return text;
  const uid = Number(text);
  let before: string | undefined;
  for (;;) {
    const page = await daemon.messages(folder, PAGE, before);
    const found = page.find((one) => one.uid === uid);
    if (found !== undefined) return found.id;
    before = page.at(-1)?.id;
    if (page.length < PAGE || before === undefined) break;
  }
  throw new ClientError('message-unknown', `${folder} has no message ${uid}`);
}

async function show(
  context: CommandContext,
  daemon: DaemonClient,
  message: MessageDto,
  dir: string | undefined,
): Promise<void> {
  const saved = dir === undefined ? [] : await saveAttachments(daemon, message, dir);
  context.print(dir === undefined ? message : { ...message, saved }, () => {
    const rows: (readonly [string, string])[] = [
      ['from', `${senderOf(message)} ${trustOf(message)}`],
      ['to', message.to],
      ...copiesOf(message).map((cc): [string, string] => ['cc', cc]),
      ['date', dateText(message.dateMs)],
      ['subject', message.subject],
    ];
    for (const { filename, contentType, sizeBytes } of message.attachments) {
      rows.push(['attached', `${filename || 'unnamed'}, ${contentType}, ${sizeText(sizeBytes)}`]);
    }
    for (const path of saved) rows.push(['saved', path]);
    return `${facts(rows)}\n${manyLines(message.text).trimEnd()}\n`;
  });
}

function trustOf({ verified, from }: MessageDto): string {
  if (verified === null) return '(not verified)';
  const how = verified.how === 'signature' ? 'signed' : 'verified';
  return from.name === '' ? `(${how})` : `(${how}: ${verified.senderAddress})`;
}

/** Writes each attachment into a file of its own; gives the paths. */
async function saveAttachments(
  daemon: DaemonClient,
  { id, attachments }: MessageDto,
  dir: string,
): Promise<string[]> {
  const paths: string[] = [];
  try {
    await mkdir(dir, { recursive: true });
    for (const { index, filename } of attachments) {
      const content = await daemon.attachment(id, index);
      paths.push(await writeNewFile(dir, safeName(filename, index), content));
    }
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError('file-unusable', dir, { cause });
  }
  return paths;
}

/** The sender's file name without whatever could lead out of the folder or hide the file. */
function safeName(filename: string, index: number): string {
  const name = oneLine(basename(filename.replaceAll('\\', '/')))
    .replace(/^\.+/, '')
    .slice(-128);
  return name.trim() === '' ? `attachment-${index}` : name.trim();
}

async function writeNewFile(dir: string, name: string, content: Uint8Array): Promise<string> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let copy = 0; ; copy++) {
    const path = join(dir, copy === 0 ? name : `${stem}-${copy}${extension}`);
    try {
      await writeFile(path, content, { flag: 'wx' });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export function syncCommand(terminal: Terminal): Command {
  const command = new Command('sync').description('fetch mail from the rented providers now');
  return run(command, terminal, ['sync', 'sync --json'], async (context) => {
    const daemon = await context.daemon();
    const report = await daemon.sync();
    const coming = linesOf({ ...(await findOnItsWay(daemon.link)), elsewhere: [] });
    context.print(report, () => {
      const held = report.held > 0 ? `, ${report.held} of strangers held` : '';
      const paid = report.cost === '0' ? '' : `, ${formatAmount(BigInt(report.cost))} paid`;
      const rest = coming.map((line) => `${line}\n`).join('');
      return `${counted(report.fetched, 'message')} fetched${held}${paid}.\n${rest}`;
    });
    const [first] = report.errors;
    if (first === undefined) return;
    const { code, bondId, detail } = first;
    const known = isClientErrorCode(code) ? code : 'provider-refused';
    throw new ClientError(
      known,
      [bondId.slice(0, 16), detail].filter((one) => one !== '').join(', '),
    );
  });
}
