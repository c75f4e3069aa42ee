/**
 * `tanglemail send`: a message from the command line, seen through as far as asked.
 */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import type { OutboxItemDto, QueuedMessageDto, SendMessageDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import type { DaemonClient } from './daemon-client.ts';
import { collect, integerOption } from './options.ts';
import { isOver, reached, stateText, type WaitGoal, whyOver } from './outbox-states.ts';
import { openProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { counted } from './text.ts';
import { waitUntil } from './wait.ts';

interface SendOptions {
  readonly to: readonly string[];
  readonly subject: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly eml?: string;
  readonly attach?: readonly string[];
  readonly acceptKeyChange?: boolean;
  readonly wait?: WaitGoal;
  readonly timeout: string;
}

/** Types of attachments that a reader's program likes to know. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
};

export function sendCommand(terminal: Terminal): Command {
  const command = new Command('send')
    .description('send a message; the text comes from --body, --body-file or standard input')
    .requiredOption('--to <who>', 'address or name of a contact; may be repeated', collect)
    .option('--subject <text>', 'subject', '')
    .option('--body <text>', 'text of the message')
    .option('--body-file <file>', 'file with the text of the message')
    .option('--eml <file>', 'a whole RFC 5322 message, sent byte for byte')
    .option('--attach <file>', 'file to attach; may be repeated', collect)
    .option('--accept-key-change', 'the changed keys of a recipient are right')
    .addOption(new Option('--wait <state>', 'wait so long').choices(['confirmed', 'stored']))
    .option('--timeout <seconds>', 'how long to wait at most', '300');
  return run<SendOptions>(
    command,
    terminal,
    [
      "send --to Bob --subject Hi --body 'See you at eight' --wait confirmed",
      'send --to tm1… --subject Report --attach report.pdf < letter.txt',
      'send --to Bob --eml message.eml --wait stored --json',
    ],
    async (context, options) => {
      const timeoutMs = integerOption('--timeout', options.timeout, 1, 86_400) * 1_000;
      const send = await prepare(context, options);
      const daemon = await context.daemon();
      const queued = await send(daemon);
      if (options.wait === undefined) {
        context.print(queued, () => describe(queued));
        return;
      }
      const ids = queued.recipients.map((one) => one.outboxId);
      const items = await seeThrough(context, daemon, ids, { goal: options.wait, timeoutMs });
      context.print({ ...queued, items }, () =>
        items.map((item) => `${item.to.name || item.to.address}: ${stateText(item)}\n`).join(''),
      );
    },
  );
}

function describe({ recipients }: QueuedMessageDto): string {
  const ids = recipients.map((one) => one.outboxId).join(', ');
  return `Queued for ${counted(recipients.length, 'recipient')} (outbox ${ids}).\n`;
}

/** Reads everything that the message is made of before anything is sent. */
async function prepare(
  context: CommandContext,
  options: SendOptions,
): Promise<(daemon: DaemonClient) => Promise<QueuedMessageDto>> {
  const { eml, subject, to } = options;
  if (eml !== undefined) {
    if ([options.body, options.bodyFile, options.attach].some((one) => one !== undefined)) {
      throw new ClientError('request-malformed', '--eml is a whole message by itself');
    }
    const raw = await readInputFile(eml);
    return (daemon) => daemon.sendRawMessage(raw, to, options.acceptKeyChange);
  }
  const attachments = await Promise.all((options.attach ?? []).map((path) => attachmentOf(path)));
  const message: SendMessageDto = {
    to: [...to],
    subject,
    text: await bodyOf(context, options),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(options.acceptKeyChange === true ? { acceptKeyChange: true } : {}),
  };
  return (daemon) => daemon.sendMessage(message);
}

async function bodyOf(context: CommandContext, options: SendOptions): Promise<string> {
  const { body, bodyFile } = options;
  if (body !== undefined && bodyFile !== undefined) {
    throw new ClientError('request-malformed', 'give either --body or --body-file');
  }
  if (body !== undefined) return body;
  const bytes =
    bodyFile === undefined ? await readStandardInput(context) : await readInputFile(bodyFile);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ClientError('file-unusable', 'the text of the message is not UTF-8', { cause });
  }
}

async function readStandardInput({ terminal }: CommandContext): Promise<Uint8Array> {
  if (terminal.isInputTty) terminal.err('Write the message; end it with Ctrl-D on a new line.\n');
  return await terminal.readInput();
}

async function attachmentOf(path: string) {
  const content = await readInputFile(path);
  const contentType = MEDIA_TYPES[extname(path).toLowerCase()];
  const attachment = {
    filename: basename(path),
    contentBase64: Buffer.from(content).toString('base64'),
  };
  return contentType === undefined ? attachment : { ...attachment, contentType };
}

async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClientError('file-unusable', path, { cause });
  }
}

/** Waits until every mail has come as far as wanted; shows the way to a person who watches. */
async function seeThrough(
  context: CommandContext,
  daemon: DaemonClient,
  ids: readonly string[],
  { goal, timeoutMs }: { readonly goal: WaitGoal; readonly timeoutMs: number },
): Promise<OutboxItemDto[]> {
  const progress = await openProgress(context, goal);
  try {
    return await waitUntil(async () => {
      const items = await Promise.all(ids.map((id) => daemon.outboxItem(id)));
      progress.show(items);
      const over = items.find((item) => isOver(item));
      if (over !== undefined) throw whyOver(over);
      return items.every((item) => reached(item, goal)) ? items : undefined;
    }, timeoutMs);
  } finally {
    progress.close();
  }
}
