/**
 * `tanglemail send`, `reply` and `forward`: messages from the command line, seen through as far as
 * asked.
 */
import { Command } from 'commander';
import { ClientError } from '../client-error.ts';
import { run } from './context.ts';
import { idOf } from './mail-commands.ts';
import { collect } from './options.ts';
import { sizeOf, tellCost } from './send-cost.ts';
import {
  addSendingOptions,
  choicesOf,
  messageOf,
  readInputFile,
  type SendingOptions,
  sendAndShow,
} from './sending.ts';
import type { Terminal } from './terminal.ts';

interface SendOptions extends SendingOptions {
  readonly to: readonly string[];
  readonly subject: string;
  readonly eml?: string;
  readonly yes?: boolean;
}

export function sendCommand(terminal: Terminal): Command {
  const command = new Command('send')
    .description('send a message; the text comes from --body, --body-file or standard input')
    .requiredOption('--to <who>', 'address or name of a contact; may be repeated', collect)
    .option('--subject <text>', 'subject', '')
    .option('--eml <file>', 'a whole RFC 5322 message, sent byte for byte')
    .option('--yes', 'send large mails without a question');
  return run<SendOptions>(
    addSendingOptions(command),
    terminal,
    [
      "send --to Bob --subject Hi --body 'See you at eight' --wait confirmed",
      'send --to tm1… --subject Report --attach report.pdf < letter.txt',
      'send --to Bob --bcc Carol --subject Hi --body Later --at 2027-01-31T08:00',
      'send --to Bob --registered --subject Order --body-file order.txt',
      'send --to Bob --eml message.eml --wait stored --json',
    ],
    async (context, options) => {
      const { eml, to, subject } = options;
      if (eml === undefined) {
        const message = { ...(await messageOf(context, options)), to: [...to], subject };
        const everybody = [...to, ...(options.cc ?? []), ...(options.bcc ?? [])];
        await tellCost(context, everybody, sizeOf(message), options.yes === true);
        await sendAndShow(context, options, (daemon) => daemon.sendMessage(message));
        return;
      }
      const parts = [options.body, options.bodyFile, options.attach, options.cc, options.bcc];
      if (parts.some((one) => one !== undefined)) {
        throw new ClientError('request-malformed', '--eml is a whole message by itself');
      }
      const raw = await readInputFile(eml);
      const choices = choicesOf(options);
      await tellCost(context, to, raw.length, options.yes === true);
      await sendAndShow(context, options, (daemon) => daemon.sendRawMessage(raw, to, choices));
    },
  );
}

interface ReplyOptions extends SendingOptions {
  readonly folder: string;
  readonly all?: boolean;
  readonly subject: string;
  /** False by `--no-quote`. */
  readonly quote: boolean;
}

export function replyCommand(terminal: Terminal): Command {
  const command = new Command('reply')
    .description('answer a message; its text is quoted below yours')
    .argument('<id-or-uid>', 'as `inbox` shows it')
    .option('--folder <name>', 'where the UID belongs', 'INBOX')
    .option('--all', 'answer everybody whom it went to')
    .option('--no-quote', 'leave its text out')
    .option('--subject <text>', 'another subject', '');
  return run<ReplyOptions>(
    addSendingOptions(command),
    terminal,
    ["reply 12 --body 'Yes, gladly'", 'reply 12 --all --body-file answer.txt --wait stored'],
    async (context, options, [text = '']) => {
      const { all, quote, subject, folder } = options;
      const replyTo = await idOf(await context.daemon(), folder, text);
      const message = {
        ...(await messageOf(context, options)),
        to: [],
        subject,
        replyTo,
        quote,
        ...(all === true ? { replyAll: true } : {}),
      };
      await sendAndShow(context, options, (daemon) => daemon.sendMessage(message));
    },
  );
}

interface ForwardOptions extends SendOptions {
  readonly folder: string;
}

export function forwardCommand(terminal: Terminal): Command {
  const command = new Command('forward')
    .description('send a message on, with its attachments')
    .argument('<id-or-uid>', 'as `inbox` shows it')
    .requiredOption('--to <who>', 'address or name of a contact; may be repeated', collect)
    .option('--folder <name>', 'where the UID belongs', 'INBOX')
    .option('--subject <text>', 'another subject', '');
  return run<ForwardOptions>(
    addSendingOptions(command),
    terminal,
    ["forward 12 --to Carol --body 'Have a look'", 'forward Sent.3 --to Bob --body Again'],
    async (context, options, [text = '']) => {
      const { to, subject, folder } = options;
      const forward = await idOf(await context.daemon(), folder, text);
      const message = { ...(await messageOf(context, options)), to: [...to], subject, forward };
      await sendAndShow(context, options, (daemon) => daemon.sendMessage(message));
    },
  );
}
