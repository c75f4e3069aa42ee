/**
 * `tanglemail verify`: shows that a registered letter was signed, and makes the file by which
 * others can check it. With `--file` it needs no daemon, no account and no network.
 */
import { Command } from 'commander';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { idOf } from './mail-commands.ts';
import { OutboxCalls } from './outbox-calls.ts';
import { writeOutputFile } from './output-file.ts';
import { readInputFile } from './sending.ts';
import type { Terminal } from './terminal.ts';
import { dateText, facts, manyLines } from './text.ts';

interface VerifyOptions {
  readonly folder: string;
  readonly out?: string;
  readonly file?: string;
  readonly message?: string;
}

/** What is proven, and by which message. */
interface Proven {
  readonly sender: string;
  readonly recipient: string;
  readonly sentAt: number;
}

const LARGE_NOTE =
  'The signature names the message by its hash. Whoever checks it needs both: the file, and the ' +
  'message as `read --raw` gives it.';

export function verifyCommand(terminal: Terminal): Command {
  const command = new Command('verify')
    .description('check the signature of a registered letter, for yourself or for others')
    .argument('[id-or-uid]', 'as `inbox` shows it')
    .option('--folder <name>', 'where the UID belongs', 'INBOX')
    .option('--out <file>', 'write what others need to check it; nothing is overwritten')
    .option('--file <file>', 'check such a file of somebody else; needs no daemon')
    .option('--message <file>', 'with --file: the message as `read --raw` gives it');
  return run<VerifyOptions>(
    command,
    terminal,
    ['verify 12', 'verify 12 --out order.json', 'verify --file order.json'],
    async (context, options, [text]) => {
      if ((text === undefined) === (options.file === undefined)) {
        throw new ClientError('request-malformed', 'give either a message or --file');
      }
      if (options.file !== undefined) await showFile(context, options.file, options.message);
      else await showMessage(context, options, text ?? '');
    },
  );
}

async function showMessage(
  context: CommandContext,
  { folder, out }: VerifyOptions,
  text: string,
): Promise<void> {
  const daemon = await context.daemon();
  const found = await new OutboxCalls(daemon.link).registered(await idOf(daemon, folder, text));
  if (out !== undefined) {
    await writeOutputFile(out, `${JSON.stringify(found.file, null, 2)}\n`);
    context.note(`Written to ${out}.`);
  }
  if (found.isLarge) context.note(LARGE_NOTE);
  context.print(found, () => describe(found));
}

async function showFile(
  context: CommandContext,
  path: string,
  messagePath: string | undefined,
): Promise<void> {
  const bytes = await readInputFile(path);
  const given = messagePath === undefined ? undefined : await readInputFile(messagePath);
  const { readRegisteredFile } = await import('../service/registered-file.ts');
  const { message, ...proven } = readRegisteredFile(bytes, given);
  // Whoever gave the message has it, and it may be large.
  const shown = given === undefined ? `\n${manyLines(message)}\n` : '';
  const fields = given === undefined ? { ...proven, message } : proven;
  context.print(fields, () => `${describe(proven)}${shown}`);
}

function describe({ sender, recipient, sentAt }: Proven): string {
  return `The signature holds.\n${facts([
    ['written by', sender],
    ['written to', recipient],
    ['written at', `${dateText(sentAt * 1_000)} by the writer’s clock`],
  ])}`;
}
