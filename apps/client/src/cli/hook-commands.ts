/**
 * `tanglemail hook`: programs that are told of new mail, for bots and notifications.
 */
import { Command } from 'commander';
import type { HookDto } from '../api/hook-dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { HookClient } from './hook-client.ts';
import type { Terminal } from './terminal.ts';
import { facts, table } from './text.ts';

interface AddOptions {
  readonly url?: string;
  readonly command?: string;
  readonly folder?: string;
  readonly from?: string;
  readonly text?: boolean;
  readonly timeout?: string;
}

export function hookCommand(terminal: Terminal): Command {
  return new Command('hook')
    .description('tell a program of new mail')
    .addCommand(addCommand(terminal))
    .addCommand(listCommand(terminal))
    .addCommand(removeCommand(terminal))
    .addCommand(testCommand(terminal));
}

async function clientOf(context: CommandContext): Promise<HookClient> {
  return new HookClient((await context.daemon()).link);
}

function addCommand(terminal: Terminal): Command {
  const command = new Command('add')
    .description('post new mail to a URL, or start a program with it')
    .argument('[arguments...]', 'arguments of the program, behind --')
    .option('--url <url>', 'where a summary is posted as JSON')
    .option('--command <path>', 'program that gets the message as its input')
    .option('--folder <name>', "of this folder; '*' for all (default: INBOX)")
    .option('--from <who>', 'of this sender only')
    .option('--text', 'post the text too, and not only the summary')
    .option('--timeout <seconds>', 'how long it may take (default: 30)');
  const examples = [
    'hook add --url http://127.0.0.1:8080/mail',
    'hook add --command /usr/local/bin/bot --from Alice -- --quiet',
  ];
  return run<AddOptions>(command, terminal, examples, async (context, options, args) => {
    const hook = await (await clientOf(context)).add(requestOf(options, args));
    for (const warning of hook.warnings) context.terminal.err(`tanglemail: ${warning}.\n`);
    context.print(hook, () => {
      const shown = describe(hook);
      if (hook.target.kind === 'command') return shown;
      return `${shown}${facts([['secret', `${hook.secret} (shown once)`]])}`;
    });
  });
}

function requestOf(options: AddOptions, args: readonly string[]): object {
  const { url, command, folder, from: sender, text: withText, timeout } = options;
  const timeoutSeconds = timeout === undefined ? undefined : Number(timeout);
  if (url === undefined && command === undefined) {
    throw new ClientError('request-malformed', 'give --url or --command');
  }
  const argv = command === undefined ? undefined : [command, ...args];
  const given = { url, argv, folder, sender, withText, timeoutSeconds };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('all hooks and how they do');
  return run(command, terminal, ['hook list', 'hook list --json'], async (context) => {
    const hooks = await (await clientOf(context)).list();
    context.print(hooks, () => {
      if (hooks.length === 0) return 'No hooks yet: tanglemail hook add --url URL\n';
      const columns = [
        { title: 'ID', of: (one: HookDto) => `${one.id}` },
        { title: 'TARGET', of: targetText, isFlexible: true },
        { title: 'FOLDER', of: (one: HookDto) => one.folder },
        { title: 'TOLD', of: (one: HookDto) => `${one.delivered}` },
        { title: 'FAILED', of: (one: HookDto) => `${one.failed}` },
        { title: 'LAST ERROR', of: (one: HookDto) => one.lastError || '-' },
      ];
      return table(hooks, columns, terminal.columns);
    });
  });
}

function removeCommand(terminal: Terminal): Command {
  const command = new Command('remove').description('forget a hook').argument('<id>');
  return run(command, terminal, ['hook remove 1'], async (context, _options, [id = '']) => {
    await (await clientOf(context)).remove(id);
    context.print({ removed: Number(id) }, () => `Removed hook ${id}.\n`);
  });
}

function testCommand(terminal: Terminal): Command {
  const command = new Command('test').description('tell a hook of nothing, now').argument('<id>');
  return run(command, terminal, ['hook test 1'], async (context, _options, [id = '']) => {
    const result = await (await clientOf(context)).test(id);
    const word = result.isTaken ? 'Taken' : 'Not taken';
    context.print(result, () => `${word} in ${result.tookMs} ms: ${result.detail}.\n`);
  });
}

function targetText({ target }: HookDto): string {
  return target.kind === 'url' ? target.url : target.argv.join(' ');
}

function describe(hook: HookDto): string {
  return facts([
    ['id', `${hook.id}`],
    [hook.target.kind, targetText(hook)],
    ['folder', hook.folder],
    ['sender', hook.sender ?? 'anybody'],
  ]);
}
