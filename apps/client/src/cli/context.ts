/**
 * What every command has at hand: the terminal, the data folder, how to print, the running daemon.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DaemonClient } from './daemon-client.ts';
import { outJson, type Terminal } from './terminal.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
}

export class CommandContext {
  readonly terminal: Terminal;
  readonly isJson: boolean;
  readonly dataDir: string;

  constructor(terminal: Terminal, options: GlobalOptions) {
    this.terminal = terminal;
    this.isJson = options.json === true;
    const chosen = options.dataDir ?? terminal.env['TANGLEMAIL_DATA_DIR'];
    this.dataDir = resolve(chosen ?? `${terminal.homeDir}/.tanglemail`);
  }

  /** The daemon of the data folder. Throws ClientError `daemon-unreachable`. */
  async daemon(): Promise<DaemonClient> {
    const { DaemonClient } = await import('./daemon-client.ts');
    return await DaemonClient.find(this.dataDir);
  }

  /** Prints a result: as it is with `--json`, in words without. */
  print(value: unknown, words: () => string): void {
    if (this.isJson) outJson(this.terminal, value);
    else this.terminal.out(words());
  }

  /** Says something to a person who watches; silent in scripts. */
  note(text: string): void {
    if (this.terminal.isErrorTty && !this.isJson) this.terminal.err(`${text}\n`);
  }
}

/** What runs a command: its arguments, its own options, and the context. */
export type Action<Options> = (
  context: CommandContext,
  options: Options,
  args: readonly string[],
) => Promise<void>;

/** Gives a command its action and the examples of its help. */
export function run<Options>(
  command: Command,
  terminal: Terminal,
  examples: readonly string[],
  action: Action<Options>,
): Command {
  const shown = examples.map((example) => `  tanglemail ${example}`).join('\n');
  const title = examples.length === 1 ? 'Example' : 'Examples';
  return command.addHelpText('after', `\n${title}:\n${shown}`).action(async () => {
    const context = new CommandContext(terminal, command.optsWithGlobals<GlobalOptions>());
    await action(context, command.opts() as Options, command.args);
  });
}
