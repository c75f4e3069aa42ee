/**
 * `tanglemail chat group`: found groups and say who is in them.
 */
import { Command } from 'commander';
import type { GroupChangeDto, GroupDto } from '../api/chat-dto.ts';
import { ClientError } from '../client-error.ts';
import { ChatCalls } from './chat-calls.ts';
import { type CommandContext, run } from './context.ts';
import type { Terminal } from './terminal.ts';
import { facts, table } from './text.ts';

const GROUP = 'the group’s name, or the beginning of its id';

export function groupCommand(terminal: Terminal): Command {
  const member = (verb: 'add' | 'remove' | 'promote' | 'demote', what: string): Command =>
    memberCommand(terminal, verb, what);
  return new Command('group')
    .description('groups of at most 25 people')
    .addCommand(createCommand(terminal))
    .addCommand(infoCommand(terminal))
    .addCommand(member('add', 'add somebody, who reads from now on'))
    .addCommand(member('remove', 'remove somebody, who reads no later message'))
    .addCommand(member('promote', 'make a member an admin'))
    .addCommand(member('demote', 'make an admin an ordinary member again'))
    .addCommand(renameCommand(terminal))
    .addCommand(leaveCommand(terminal));
}

async function callsOf(context: CommandContext): Promise<ChatCalls> {
  return new ChatCalls((await context.daemon()).link);
}

async function findGroup(calls: ChatCalls, text: string): Promise<string> {
  const { id, kind } = await calls.find(text);
  if (kind !== 'group') throw new ClientError('group-unknown', text.slice(0, 64));
  return id;
}

function createCommand(terminal: Terminal): Command {
  const command = new Command('create')
    .description('found a group')
    .argument('<name>')
    .argument('[members...]', 'contacts, by name or address');
  return run(
    command,
    terminal,
    ['chat group create "Reading circle" Bob Carol'],
    async (context, _options, [name = '', ...members]) => {
      const group = await (await callsOf(context)).foundGroup({ name, members });
      context.print(group, () => describe(group, terminal));
    },
  );
}

function infoCommand(terminal: Terminal): Command {
  const command = new Command('info')
    .description('show a group, its members, and proofs of lies')
    .argument('<group>', GROUP);
  return run(
    command,
    terminal,
    ['chat group info "Reading circle"'],
    async (context, _options, [text = '']) => {
      const calls = await callsOf(context);
      const group = await calls.group(await findGroup(calls, text));
      context.print(group, () => describe(group, terminal));
    },
  );
}

function memberCommand(
  terminal: Terminal,
  verb: 'add' | 'remove' | 'promote' | 'demote',
  what: string,
): Command {
  const command = new Command(verb)
    .description(what)
    .argument('<group>', GROUP)
    .argument('<person>', 'name or address');
  const example = `chat group ${verb} "Reading circle" Bob`;
  return run(command, terminal, [example], async (context, _options, [text = '', who = '']) => {
    await change(context, terminal, text, { kind: verb, who });
  });
}

function renameCommand(terminal: Terminal): Command {
  const command = new Command('rename')
    .description('give a group another name')
    .argument('<group>', GROUP)
    .argument('<name>');
  const example = 'chat group rename "Reading circle" "Book club"';
  return run(command, terminal, [example], async (context, _options, [text = '', name = '']) => {
    await change(context, terminal, text, { kind: 'rename', name });
  });
}

function leaveCommand(terminal: Terminal): Command {
  const command = new Command('leave').description('leave a group').argument('<group>', GROUP);
  const example = 'chat group leave "Reading circle"';
  return run(command, terminal, [example], async (context, _options, [text = '']) => {
    await change(context, terminal, text, { kind: 'leave' });
  });
}

async function change(
  context: CommandContext,
  terminal: Terminal,
  text: string,
  wish: GroupChangeDto,
): Promise<void> {
  const calls = await callsOf(context);
  const group = await calls.changeGroup(await findGroup(calls, text), wish);
  context.print(group, () => describe(group, terminal));
}

type Row = GroupDto['members'][number];

/** Whoever looks at the list finds themselves in it, with or without a name. */
function nameIn({ name, isOwn }: Row): string {
  if (!isOwn) return name || '-';
  return name === '' ? 'you' : `${name} (you)`;
}

function describe(group: GroupDto, terminal: Terminal): string {
  const rows: (readonly [string, string])[] = [
    ['name', group.name],
    ['id', group.id],
    ['you are', group.role ?? 'not in it'],
    ['state', group.stateHash],
  ];
  for (const { author, changes } of group.equivocations) {
    const who = author.name === '' ? author.address : author.name;
    rows.push(['warning', `${who} told two stories: ${changes.join(' and ')}`]);
  }
  const columns = [
    { title: 'NAME', of: nameIn, isFlexible: true },
    { title: 'ROLE', of: (one: Row) => one.role },
    { title: 'ADDRESS', of: (one: Row) => one.address },
  ];
  return `${facts(rows)}\n${table(group.members, columns, terminal.columns)}`;
}
