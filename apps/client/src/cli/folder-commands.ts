/**
 * `tanglemail folders`, `move`, `delete` and `flag`: order in the mailbox.
 */
import { Command } from 'commander';
import type { FolderDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { MailboxClient } from './mailbox-client.ts';
import { collect } from './options.ts';
import type { Terminal } from './terminal.ts';
import { counted, oneLine, table } from './text.ts';

/** Names that are easier to type than those of RFC 3501. */
const FLAGS: Readonly<Record<string, string>> = {
  read: '\\Seen',
  seen: '\\Seen',
  flagged: '\\Flagged',
  answered: '\\Answered',
  draft: '\\Draft',
};

export async function mailboxOf(context: CommandContext): Promise<MailboxClient> {
  return new MailboxClient((await context.daemon()).link);
}

/** The folder of this name. Throws ClientError `folder-unknown`. */
async function folderOf(context: CommandContext, name: string): Promise<FolderDto> {
  const folders = await (await context.daemon()).folders();
  const lower = name.toLowerCase();
  const found =
    folders.find((one) => one.name === name || one.id === name) ??
    folders.find((one) => one.name.toLowerCase() === lower);
  if (found === undefined) throw new ClientError('folder-unknown', name);
  return found;
}

export function foldersCommand(terminal: Terminal): Command {
  return new Command('folders')
    .description('list folders, make, rename, empty and delete them')
    .addCommand(listCommand(terminal), { isDefault: true })
    .addCommand(createCommand(terminal))
    .addCommand(renameCommand(terminal))
    .addCommand(deleteFolderCommand(terminal))
    .addCommand(emptyCommand(terminal))
    .addCommand(markReadCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list all folders');
  return run(command, terminal, ['folders', 'folders list --json'], async (context) => {
    const folders = await (await context.daemon()).folders();
    context.print(folders, () => {
      const columns = [
        { title: 'NAME', of: (one: FolderDto) => one.name, isFlexible: true },
        { title: 'UNREAD', of: (one: FolderDto) => `${one.unread}`, isRight: true },
        { title: 'ALL', of: (one: FolderDto) => `${one.total}`, isRight: true },
      ];
      return table(folders, columns, terminal.columns);
    });
  });
}

function createCommand(terminal: Terminal): Command {
  const command = new Command('create')
    .description('make a folder, and those above it')
    .argument('<name>', 'such as Work or Work/Invoices');
  const examples = ['folders create Work/Invoices'];
  return run(command, terminal, examples, async (context, _options, [name = '']) => {
    const folder = await (await mailboxOf(context)).createFolder(name);
    context.print(folder, () => `Made ${oneLine(folder.name)}.\n`);
  });
}

function renameCommand(terminal: Terminal): Command {
  const command = new Command('rename')
    .description('rename a folder; what lies below it goes along')
    .argument('<name>')
    .argument('<new-name>');
  const examples = ['folders rename Work Job'];
  return run(command, terminal, examples, async (context, _options, [name = '', to = '']) => {
    const { id } = await folderOf(context, name);
    const folder = await (await mailboxOf(context)).renameFolder(id, to);
    context.print(folder, () => `It is ${oneLine(folder.name)} now.\n`);
  });
}

function deleteFolderCommand(terminal: Terminal): Command {
  const command = new Command('delete')
    .description('delete a folder and those below it; their mails go to Trash')
    .argument('<name>');
  return run(command, terminal, ['folders delete Work'], async (context, _options, [name = '']) => {
    const folder = await folderOf(context, name);
    await (await mailboxOf(context)).deleteFolder(folder.id);
    context.print({ deleted: folder.name }, () => `Deleted ${oneLine(folder.name)}.\n`);
  });
}

function emptyCommand(terminal: Terminal): Command {
  const command = new Command('empty')
    .description('delete all mails of a folder for good')
    .argument('<name>');
  return run(command, terminal, ['folders empty Trash'], async (context, _options, [name = '']) => {
    const { id } = await folderOf(context, name);
    const result = await (await mailboxOf(context)).emptyFolder(id);
    context.print(result, () => `${counted(result.count, 'message')} deleted for good.\n`);
  });
}

function markReadCommand(terminal: Terminal): Command {
  const command = new Command('mark-read')
    .description('mark all mails of a folder as read')
    .argument('<name>');
  const examples = ['folders mark-read INBOX'];
  return run(command, terminal, examples, async (context, _options, [name = '']) => {
    const { id } = await folderOf(context, name);
    const result = await (await mailboxOf(context)).readFolder(id);
    context.print(result, () => `${counted(result.count, 'message')} marked as read.\n`);
  });
}

export function moveCommand(terminal: Terminal): Command {
  const command = new Command('move')
    .description('move messages into a folder; each gets a new id')
    .argument('<folder>', 'name of the folder')
    .argument('<id...>', 'ids such as INBOX.12')
    .option('--copy', 'leave them where they are, too');
  return run<{ copy?: true }>(
    command,
    terminal,
    ['move Archive INBOX.12 INBOX.13', 'move Work INBOX.12 --copy --json'],
    async (context, options, [folder = '', ...ids]) => {
      const mailbox = await mailboxOf(context);
      const done = options.copy ? await mailbox.copy(ids, folder) : await mailbox.move(ids, folder);
      expectSome(done.length, ids);
      context.print(done, () => done.map((one) => `${one.from} is ${one.id} now.\n`).join(''));
    },
  );
}

export function deleteCommand(terminal: Terminal): Command {
  const command = new Command('delete')
    .description('move messages to Trash; delete those that lie there for good')
    .argument('<id...>', 'ids such as INBOX.12')
    .option('--for-good', 'do not keep them in Trash');
  return run<{ forGood?: true }>(
    command,
    terminal,
    ['delete INBOX.12', 'delete INBOX.12 --for-good'],
    async (context, { forGood }, ids) => {
      const result = await (await mailboxOf(context)).delete(ids, forGood === true);
      expectSome(result.count, ids);
      context.print(result, () => `${counted(result.count, 'message')} deleted.\n`);
    },
  );
}

export function flagCommand(terminal: Terminal): Command {
  const command = new Command('flag')
    .description('change flags and labels: read, flagged, answered, or words of your own')
    .argument('<id...>', 'ids such as INBOX.12')
    .option('--add <flag>', 'flag or label to set; may be repeated', collect)
    .option('--remove <flag>', 'flag or label to take away; may be repeated', collect);
  return run<{ add?: string[]; remove?: string[] }>(
    command,
    terminal,
    ['flag INBOX.12 --add flagged --add work', 'flag INBOX.12 --remove read'],
    async (context, { add, remove }, ids) => {
      const mailbox = await mailboxOf(context);
      let count: number | undefined;
      for (const [change, flags] of [
        ['add', add],
        ['remove', remove],
      ] as const) {
        if (flags === undefined) continue;
        const named = flags.map((flag) => FLAGS[flag.toLowerCase()] ?? flag);
        ({ count } = await mailbox.flag(ids, { change, flags: named }));
      }
      if (count === undefined) throw new ClientError('request-malformed', 'give --add or --remove');
      expectSome(count, ids);
      context.print({ count }, () => `${counted(count ?? 0, 'message')} changed.\n`);
    },
  );
}

function expectSome(count: number, ids: readonly string[]): void {
  if (count === 0) throw new ClientError('message-unknown', ids.slice(0, 4).join(', '));
}
