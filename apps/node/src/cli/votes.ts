/**
 * `tangle-node tools votes …`: what a seat has said, and moving it to another machine. The node
 * must be stopped. Path: tools.ts → here → votes-run.ts. Spec: docs/spec/16-signer.md §4.
 */
import { Command } from 'commander';
import { addSettings, settingsOf } from '@tanglemail/tangle/io/shell/flags.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { NODE_SETTINGS } from '../config/schema.ts';
import { JSON_OPTION } from './options.ts';

interface JsonOption {
  readonly json?: boolean;
}

/** `tools votes …`. */
export function votesCommand(terminal: Terminal): Command {
  return new Command('votes')
    .description('show what a seat has said, move it, and begin with a new key')
    .addCommand(showCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(importCommand(terminal))
    .addCommand(rotateCommand(terminal));
}

function showCommand(terminal: Terminal): Command {
  const command = inFolder('show', 'show what the seat of a data folder has said');
  return command
    .option(...JSON_OPTION)
    .addHelpText('after', example('show --data-dir tangle-data'))
    .action(async ({ json = false }: JsonOption) => {
      const { showVotes } = await import('./votes-run.ts');
      await showVotes(terminal, await folderOf(command, terminal), json);
    });
}

function exportCommand(terminal: Terminal): Command {
  const command = inFolder('export', 'write the votes into a file, to be carried elsewhere');
  return command
    .requiredOption('--out <file>', 'the file to create')
    .addHelpText('after', example('export --data-dir tangle-data --out votes.copy'))
    .action(async ({ out }: { readonly out: string }) => {
      const { exportVotes } = await import('./votes-run.ts');
      await exportVotes(terminal, await folderOf(command, terminal), out);
    });
}

function importCommand(terminal: Terminal): Command {
  const command = inFolder('import', 'put a copy of votes into a data folder that has none');
  return command
    .argument('<file>', 'a file of `export`, or votes.log of another machine')
    .addHelpText(
      'after',
      '\nThe seat keeps silent first: it may have said more after the copy was made.\n' +
        example('import votes.copy --data-dir tangle-data'),
    )
    .action(async (file: string) => {
      const { importVotes } = await import('./votes-run.ts');
      await importVotes(terminal, await folderOf(command, terminal), file);
    });
}

function rotateCommand(terminal: Terminal): Command {
  const command = inFolder('rotate', 'put the votes of an old key aside, for a seat’s new key');
  return command
    .requiredOption('--key <file>', 'the new key file, see `tools keys`')
    .addHelpText(
      'after',
      '\nThe seat keeps silent first: the new key may have been used elsewhere.\n' +
        example('rotate --data-dir tangle-data --key new.key'),
    )
    .action(async ({ key }: { readonly key: string }) => {
      const { rotateVotes } = await import('./votes-run.ts');
      await rotateVotes(terminal, await folderOf(command, terminal), key);
    });
}

function inFolder(name: string, description: string): Command {
  const command = new Command(name).description(description);
  addSettings(command, NODE_SETTINGS, (key) => key === 'dataDir');
  return command;
}

async function folderOf(command: Command, terminal: Terminal): Promise<string> {
  const { dataDir } = await settingsOf(command, NODE_SETTINGS, terminal);
  return dataDir;
}

function example(text: string): string {
  return `\nExample:\n  tangle-node tools votes ${text}`;
}
