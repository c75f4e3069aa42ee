/**
 * What `send`, `reply` and `forward` share: the text and files of a message, how it goes, and
 * waiting until it has come as far as asked.
 */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import type {
  OutboxItemDto,
  QueuedMessageDto,
  SendChoicesDto,
  SendMessageDto,
} from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { MAX_UNDO_SECONDS } from '../outbox/outbox-entry.ts';
import type { CommandContext } from './context.ts';
import type { DaemonClient } from './daemon-client.ts';
import { collect, integerOption, timeOption } from './options.ts';
import { isOver, reached, stateText, type WaitGoal, whyOver } from './outbox-states.ts';
import { ParcelCalls } from './parcel-calls.ts';
import { quoteText } from './parcel-commands.ts';
import { openProgress } from './progress.ts';
import { counted, dateText } from './text.ts';
import { waitUntil } from './wait.ts';

/** Options of every command that sends. */
export interface SendingOptions {
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly body?: string;
  readonly bodyFile?: string;
  readonly attach?: readonly string[];
  readonly registered?: boolean;
  readonly acceptKeyChange?: boolean;
  /** False by `--no-receipt`. */
  readonly receipt: boolean;
  readonly at?: string;
  readonly undo: string;
  /** Large mails are sent without a question. */
  readonly yes?: boolean;
  readonly wait?: WaitGoal;
  readonly timeout: string;
}

/** Larger mails may travel in parts, or have a copy that does. */
const LARGE_BYTES = 16_000;
/** Larger mails are asked for at a terminal. */
const ASK_BYTES = 5_242_880;

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

const REGISTERED_WARNING =
  'registered: your signature proves to everybody who sees this message that you wrote it';

/** Adds the options of `SendingOptions`. */
export function addSendingOptions(command: Command): Command {
  return command
    .option('--cc <who>', 'copy; may be repeated', collect)
    .option('--bcc <who>', 'copy that nobody else learns of; may be repeated', collect)
    .option('--body <text>', 'text of the message')
    .option('--body-file <file>', 'file with the text of the message')
    .option('--attach <file>', 'file to attach; may be repeated', collect)
    .option('--accept-key-change', 'the changed keys of a recipient are right')
    .option('--registered', 'sign it: you can never deny that you wrote it')
    .option('--no-receipt', 'do not ask to hear when it was fetched')
    .option('--at <time>', 'leave at this time, as 2027-01-31T08:00 or with a zone')
    .option('--undo <seconds>', 'rest so long, to be recalled', '0')
    .option('--yes', 'send large mails without a question')
    .addOption(
      new Option('--wait <state>', 'wait so long').choices(['confirmed', 'stored', 'fetched']),
    )
    .option('--timeout <seconds>', 'how long to wait at most', '300');
}

/** How the message goes. Throws ClientError `request-malformed`. */
export function choicesOf(options: SendingOptions): SendChoicesDto {
  const { registered, receipt, at, undo, acceptKeyChange } = options;
  return {
    undoSeconds: integerOption('--undo', undo, 0, MAX_UNDO_SECONDS),
    ...(registered === true ? { registered } : {}),
    ...(acceptKeyChange === true ? { acceptKeyChange } : {}),
    ...(receipt ? {} : { wantsReceipt: false }),
    ...(at === undefined ? {} : { sendAtMs: laterOption(at) }),
  };
}

/** A year that was mistyped must not send the mail at once. */
function laterOption(at: string): number {
  const timeMs = timeOption('--at', at);
  if (timeMs > Date.now()) return timeMs;
  throw new ClientError('request-malformed', `--at is ${at}, which is over`);
}

/** Everything of a message that the options give. */
export async function messageOf(
  context: CommandContext,
  options: SendingOptions,
): Promise<Omit<SendMessageDto, 'to' | 'subject'>> {
  const { cc, bcc } = options;
  const attachments = await Promise.all((options.attach ?? []).map((path) => attachmentOf(path)));
  return {
    ...choicesOf(options),
    ...(cc === undefined ? {} : { cc: [...cc] }),
    ...(bcc === undefined ? {} : { bcc: [...bcc] }),
    text: await bodyOf(context, options),
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

/** Who gets a mail of which size, as far as it is known before it is composed. */
export interface LargeMail {
  readonly to: readonly string[];
  readonly sizeBytes: number;
}

/** The size of a message with these attachments, nearly: base64 in lines of 76. */
export function sizeOf({
  text,
  attachments,
}: Pick<SendMessageDto, 'text' | 'attachments'>): number {
  const bytes = (attachments ?? []).reduce((sum, one) => sum + one.contentBase64.length, 0);
  return (text ?? '').length + Math.ceil((bytes * 78) / 76);
}

/** Says what a large mail costs its recipients, and asks whoever sits there before a very large. */
async function tellCost(
  context: CommandContext,
  daemon: DaemonClient,
  { to, sizeBytes }: LargeMail,
  isSure: boolean,
): Promise<void> {
  if (sizeBytes <= LARGE_BYTES || to.length === 0) return;
  try {
    const quotes = await new ParcelCalls(daemon.link).quote({ to: [...to], sizeBytes });
    for (const quote of quotes) if (!quote.isLetter) context.note(quoteText(quote));
  } catch (error) {
    // A price that is not known keeps nobody from sending: the daemon has the last word.
    if (!(error instanceof ClientError)) throw error;
    context.note(`No quote: ${error.message}.`);
  }
  const { isInputTty, isErrorTty } = context.terminal;
  if (!isInputTty || !isErrorTty || context.isJson || isSure || sizeBytes <= ASK_BYTES) return;
  const answer = await context.terminal.ask('Send it? [y/N] ', false);
  if (!/^y(es)?$/i.test(answer.trim())) throw new ClientError('send-cancelled');
}

/** Queues by `send`, then waits or says what is queued. */
export async function sendAndShow(
  context: CommandContext,
  options: SendingOptions,
  send: (daemon: DaemonClient) => Promise<QueuedMessageDto>,
  large: LargeMail = { to: [], sizeBytes: 0 },
): Promise<void> {
  const timeoutMs = integerOption('--timeout', options.timeout, 1, 86_400) * 1_000;
  const choices = choicesOf(options);
  if (choices.registered === true && !context.isJson) {
    context.terminal.err(`tanglemail: ${REGISTERED_WARNING}.\n`);
  }
  const daemon = await context.daemon();
  await tellCost(context, daemon, large, options.yes === true);
  const queued = await send(daemon);
  if (options.wait === undefined) {
    context.print(queued, () => describe(queued, choices));
    return;
  }
  const ids = queued.recipients.map((one) => one.outboxId);
  const items = await seeThrough(context, daemon, ids, { goal: options.wait, timeoutMs });
  context.print({ ...queued, items }, () =>
    items.map((item) => `${item.to.name || item.to.address}: ${stateText(item)}\n`).join(''),
  );
}

function describe({ recipients }: QueuedMessageDto, { sendAtMs, undoSeconds }: SendChoicesDto) {
  const ids = recipients.map((one) => one.outboxId);
  const whom = `${counted(recipients.length, 'recipient')} (outbox ${ids.join(', ')})`;
  const undo = `tanglemail recall ${ids[0] ?? ''}`;
  if (sendAtMs !== undefined) {
    return `Scheduled for ${dateText(sendAtMs)}, ${whom}; \`${undo}\` takes it back.\n`;
  }
  const isResting = undoSeconds !== undefined && undoSeconds > 0;
  const rest = isResting ? ` It leaves in ${undoSeconds} s; \`${undo}\` takes it back.` : '';
  return `Queued for ${whom}.${rest}\n`;
}

/** The text of a message: an option, a file, or standard input. */
export async function bodyOf(
  context: CommandContext,
  options: Pick<SendingOptions, 'body' | 'bodyFile'>,
): Promise<string> {
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

/** A file as an attachment. */
export async function attachmentOf(path: string) {
  const content = await readInputFile(path);
  const contentType = MEDIA_TYPES[extname(path).toLowerCase()];
  const attachment = {
    filename: basename(path),
    contentBase64: Buffer.from(content).toString('base64'),
  };
  return contentType === undefined ? attachment : { ...attachment, contentType };
}

/** The bytes of a file that the user names. Throws ClientError `file-unusable`. */
export async function readInputFile(path: string): Promise<Uint8Array> {
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
