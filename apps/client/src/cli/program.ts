/**
 * The command line of `tanglemail`: commands, help, and how every error becomes an exit code and
 * one sentence that says what to do next. A stack trace means a mistake of ours. What a command
 * needs is loaded when it runs, so that help is quick.
 */
import { Command, CommanderError, type Help } from 'commander';
import { CLIENT_ERRORS, ClientError } from '../client-error.ts';
import { VERSION } from '../version.ts';
import { accountCommand } from './account-commands.ts';
import { exportCommand, importCommand } from './archive-commands.ts';
import { draftsCommand } from './draft-commands.ts';
import { addressCommand, settingsCommand } from './address-commands.ts';
import { backupCommand } from './backup-commands.ts';
import { bridgeCommand } from './bridge-commands.ts';
import { chatCommand } from './chat-commands.ts';
import { deviceCommand } from './device-commands.ts';
import { contactsCommand, inviteCommand } from './contact-commands.ts';
import { daemonCommand } from './daemon-commands.ts';
import { filtersCommand } from './filter-commands.ts';
import { hookCommand } from './hook-commands.ts';
import { inboxCommand, outboxCommand, readCommand, syncCommand } from './mail-commands.ts';
import {
  elsewhereCommand,
  fetchCommand,
  incomingCommand,
  quoteCommand,
} from './parcel-commands.ts';
import { deleteCommand, flagCommand, foldersCommand, moveCommand } from './folder-commands.ts';
import { providerCommand } from './provider-commands.ts';
import { rulesCommand, searchCommand, threadsCommand } from './search-commands.ts';
import { recallCommand } from './outbox-commands.ts';
import { forwardCommand, replyCommand, sendCommand } from './send-command.ts';
import { EXIT, type Terminal } from './terminal.ts';
import { oneLine } from './text.ts';
import { tuiCommand } from './tui/tui-command.ts';
import { verifyCommand } from './verify-command.ts';
import { walletCommand } from './wallet-commands.ts';
import { webCommand } from './web-command.ts';

/** The part of the program that knows settings. */
export type Settings = typeof import('./settings.ts');

const HELP = `
Examples:
  tanglemail account create --node http://127.0.0.1:14265
  tanglemail daemon
  tanglemail invite --name Bob
  tanglemail contacts add 'tangle:tm1…?invite=…' --name Alice
  tanglemail send --to Alice --subject Hi --body 'See you at eight' --wait confirmed
  tanglemail inbox

Exit codes: 0 done, 1 failed, 2 wrong command or setting, 3 no daemon, 4 not found,
5 refused by a rule.`;

/** The whole program; `settings` only for the commands that take them. */
export function buildProgram(terminal: Terminal, settings: Settings | undefined): Command {
  const program = new Command('tanglemail')
    .description('Mail that belongs to the people who write it.')
    .version(VERSION)
    .option('--json', 'print JSON')
    .option('--data-dir <dir>', 'folder of the account (default: ~/.tanglemail)')
    .addHelpText('after', HELP)
    .addCommand(accountCommand(terminal, settings))
    .addCommand(daemonCommand(terminal, settings))
    .addCommand(addressCommand(terminal))
    .addCommand(settingsCommand(terminal))
    .addCommand(inviteCommand(terminal))
    .addCommand(contactsCommand(terminal))
    .addCommand(sendCommand(terminal))
    .addCommand(replyCommand(terminal))
    .addCommand(forwardCommand(terminal))
    .addCommand(outboxCommand(terminal))
    .addCommand(recallCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(quoteCommand(terminal))
    .addCommand(inboxCommand(terminal))
    .addCommand(tuiCommand(terminal))
    .addCommand(readCommand(terminal))
    .addCommand(incomingCommand(terminal))
    .addCommand(elsewhereCommand(terminal))
    .addCommand(fetchCommand(terminal))
    .addCommand(searchCommand(terminal))
    .addCommand(threadsCommand(terminal))
    .addCommand(foldersCommand(terminal))
    .addCommand(moveCommand(terminal))
    .addCommand(deleteCommand(terminal))
    .addCommand(flagCommand(terminal))
    .addCommand(draftsCommand(terminal))
    .addCommand(rulesCommand(terminal))
    .addCommand(importCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(syncCommand(terminal))
    .addCommand(chatCommand(terminal))
    .addCommand(walletCommand(terminal))
    .addCommand(providerCommand(terminal))
    .addCommand(filtersCommand(terminal))
    .addCommand(hookCommand(terminal))
    .addCommand(bridgeCommand(terminal))
    .addCommand(webCommand(terminal))
    .addCommand(backupCommand(terminal, settings))
    .addCommand(deviceCommand(terminal, settings))
    .addCommand(configDocsCommand(terminal));
  configure(program, terminal);
  return program;
}

function configDocsCommand(terminal: Terminal): Command {
  return new Command('config-docs')
    .description('print docs/configuration-client.md')
    .addHelpText('after', '\nExample:\n  tanglemail config-docs')
    .action(async () => {
      const { renderConfigDocs } = await import('../config/docs.ts');
      terminal.out(renderConfigDocs());
    });
}

function configure(command: Command, terminal: Terminal): void {
  const help: Partial<Help> = { showGlobalOptions: true, minWidthToWrap: 20 };
  command.exitOverride();
  command.configureHelp(help);
  command.configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text.replace(/^error: /, 'tanglemail: ')),
    getOutHelpWidth: () => terminal.columns,
    getErrHelpWidth: () => terminal.columns,
  });
  command.showHelpAfterError('(add --help for the options)');
  for (const child of command.commands) configure(child, terminal);
}

/** Commands whose help lists settings, which takes the schema. */
const WITH_SETTINGS = new Set(['account', 'backup', 'daemon', 'device', 'help']);

/** Runs one command line (without program and script name); resolves with the exit code. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const needsSettings = argv.some((argument) => WITH_SETTINGS.has(argument));
    const settings = needsSettings ? await import('./settings.ts') : undefined;
    await buildProgram(terminal, settings).parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return await explain(error, terminal);
  }
}

async function explain(error: unknown, terminal: Terminal): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const known = await clientErrorOf(error);
  if (known !== undefined) {
    const { advice } = CLIENT_ERRORS[known.code];
    terminal.err(`tanglemail: ${oneLine(known.message)} (${known.code}); ${advice}.\n`);
    return exitCodeOf(known);
  }
  if (error instanceof Error && error.name === 'ConfigError') {
    terminal.err(`tanglemail: ${error.message}.\n`);
    return EXIT.usage;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`tanglemail: unexpected failure\n${text}\n`);
  return EXIT.failed;
}

async function clientErrorOf(error: unknown): Promise<ClientError | undefined> {
  if (error instanceof ClientError) return error;
  const { toClientError } = await import('../explain-error.ts');
  return toClientError(error);
}

function exitCodeOf({ code, kind }: ClientError): number {
  if (code === 'daemon-unreachable' || code === 'unauthorized') return EXIT.noDaemon;
  if (kind === 'usage') return EXIT.usage;
  if (kind === 'not-found') return EXIT.notFound;
  return kind === 'refused' ? EXIT.refused : EXIT.failed;
}
