/**
 * `tanglemail chat`: conversations, lines sent and read, and following one live.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { ChatMessageDto, ConversationDto } from '../api/chat-dto.ts';
import { ChatCalls } from './chat-calls.ts';
import { type CommandContext, run } from './context.ts';
import { groupCommand } from './group-commands.ts';
import { integerOption } from './options.ts';
import type { Terminal } from './terminal.ts';
import { dateText, manyLines, oneLine, table } from './text.ts';

const FOLLOW_MS = 500;
const PAGE = 50;
const QUIT = '/quit';
const SLOWEST_FIRST = [
  'failed',
  'expired',
  'recalled',
  'scheduled',
  'queued',
  'attached',
  'confirmed',
  'stored',
  'fetched',
  'read',
] as const;

export function chatCommand(terminal: Terminal): Command {
  return new Command('chat')
    .description('write to people and groups line by line')
    .addCommand(listCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(sendCommand(terminal))
    .addCommand(followCommand(terminal))
    .addCommand(groupCommand(terminal));
}

/** The routes of chat at the running daemon. */
async function chatCalls(context: CommandContext): Promise<ChatCalls> {
  return new ChatCalls((await context.daemon()).link);
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list conversations, the newest first');
  return run(command, terminal, ['chat list', 'chat list --json'], async (context) => {
    const all = await (await chatCalls(context)).conversations();
    context.print(all, () => {
      if (all.length === 0) return 'No conversations yet: tanglemail chat send NAME TEXT\n';
      const columns = [
        { title: 'WITH', of: (one: ConversationDto) => one.title, isFlexible: true },
        { title: 'NEW', of: (one: ConversationDto) => `${one.unread || ''}`, isRight: true },
        { title: 'LAST', of: (one: ConversationDto) => dateText(one.lastAtMs) },
        { title: 'TEXT', of: (one: ConversationDto) => one.lastText, isFlexible: true },
        { title: 'ID', of: (one: ConversationDto) => one.id.slice(0, 12) },
      ];
      return table(all, columns, terminal.columns);
    });
  });
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show')
    .description('show the last messages of a conversation, and mark them as read')
    .argument('<conversation>', 'a name, or the beginning of its id')
    .option('--limit <count>', 'how many', `${PAGE}`);
  return run<{ limit: string }>(
    command,
    terminal,
    ['chat show Bob', 'chat show "Reading circle" --limit 5'],
    async (context, { limit }, [text = '']) => {
      const calls = await chatCalls(context);
      const { id } = await calls.find(text);
      const messages = await calls.messages(id, integerOption('--limit', limit, 1, 500));
      await calls.markRead(id);
      const oldestFirst = messages.toReversed();
      context.print(oldestFirst, () => oldestFirst.map(lineOf).join(''));
    },
  );
}

function sendCommand(terminal: Terminal): Command {
  const command = new Command('send')
    .description('send one line to a person or a group')
    .argument('<to>', 'a contact’s name, an address, or the name or id of a group')
    .argument('<text>', 'what to say');
  return run(
    command,
    terminal,
    ['chat send Bob "See you at eight"', 'chat send "Reading circle" "Which book?"'],
    async (context, _options, [to = '', text = '']) => {
      const sent = await (await chatCalls(context)).send({ to, text });
      context.print(sent, () =>
        sent.message === undefined
          ? `Sent as a contact request (outbox ${sent.outboxId}): they have not accepted you yet.\n`
          : lineOf(sent.message),
      );
    },
  );
}

function followCommand(terminal: Terminal): Command {
  const command = new Command('follow')
    .description(`show messages as they come; at a terminal, send each line typed (${QUIT} ends)`)
    .argument('<conversation>', 'a name, or the beginning of its id');
  return run(
    command,
    terminal,
    ['chat follow Bob', 'chat follow Bob --json'],
    async (context, _options, [text = '']) => {
      const calls = await chatCalls(context);
      const { id, title } = await calls.find(text);
      const ended = new AbortController();
      void terminal.untilSignal().then(() => ended.abort());
      context.note(`Chat with ${oneLine(title)}. ${QUIT} or Ctrl-C ends.`);
      const typing = terminal.isInputTty && !context.isJson;
      const typed = typing ? sendTyped(terminal, calls, id, ended) : Promise.resolve();
      await Promise.all([showNew(context, calls, id, ended.signal), typed]);
    },
  );
}

/** Sends each line until the end of input or of the conversation. */
async function sendTyped(
  terminal: Terminal,
  calls: ChatCalls,
  id: string,
  ended: AbortController,
): Promise<void> {
  try {
    while (!ended.signal.aborted) {
      // Ctrl-C and Ctrl-D reject the question: that is the end, not a failure.
      const line = await terminal.ask('> ', false).catch(() => QUIT);
      if (line.trim() === QUIT) return;
      if (line.trim() !== '') await calls.send({ to: id, text: line });
    }
  } finally {
    ended.abort();
  }
}

/** Prints what is new since the last look, oldest first, until the signal. */
async function showNew(
  context: CommandContext,
  calls: ChatCalls,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  let last = 0;
  for (;;) {
    const isLast = signal.aborted;
    const page = await calls.messages(id, PAGE);
    const fresh = page.filter((one) => one.number > last).toReversed();
    for (const message of fresh) {
      const { terminal, isJson } = context;
      terminal.out(isJson ? `${JSON.stringify(message)}\n` : lineOf(message));
      last = message.number;
    }
    if (fresh.length > 0) await calls.markRead(id);
    // One look after the end: what was typed last is shown too.
    if (isLast) return;
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One message; what others wrote cannot move the cursor. */
function lineOf(message: ChatMessageDto): string {
  const { sender, isOwn, kind, isLeft, recipients } = message;
  const when = dateText(message.receivedAtMs);
  const text = manyLines(message.text).replaceAll('\n', '\n    ');
  if (kind === 'notice') return `${when}  * ${text}\n`;
  const who = isOwn ? 'me' : oneLine(sender.name === '' ? sender.address : sender.name);
  const left = isLeft ? ' (no member any more)' : '';
  const state = recipients.length === 0 ? '' : ` [${stateOf(recipients)}]`;
  return `${when}  ${who}${left}: ${text}${state}\n`;
}

/** How far the slowest has come, and how many of them have come only so far. */
function stateOf(recipients: ChatMessageDto['recipients']): string {
  const { length } = recipients;
  const slowest = SLOWEST_FIRST.find((state) => recipients.some((one) => one.state === state));
  const count = recipients.filter((one) => one.state === slowest).length;
  return count === length ? `${slowest}` : `${slowest} ${count}/${length}`;
}
