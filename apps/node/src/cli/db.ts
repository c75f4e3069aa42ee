/**
 * `tangle-node tools db check`, `info` and `evidence`: what is in a data folder, whether it is
 * whole, and what was kept against the committee. The node must be stopped. Path: tools.ts → here →
 * db-run.ts. Spec: docs/operating.md, "When the store is in doubt".
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { addSettings, settingsOf } from '@tanglemail/tangle/io/shell/flags.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import { UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { NODE_SETTINGS } from '../config/schema.ts';
import { JSON_OPTION } from './options.ts';

const WANTED = new Set(['dataDir', 'genesisFile']);

const ACTIONS = {
  check: 'check everything that milestones prove',
  info: 'show indexes, what is pruned, and sizes by bucket',
  evidence: 'show what was kept as proof of a fault of the committee, or of one of its seats',
} as const;

/** `tools db …`. */
export function dbCommand(terminal: Terminal): Command {
  return new Command('db')
    .description('look into the data folder of a node that is stopped')
    .addCommand(subcommand(terminal, 'check'))
    .addCommand(subcommand(terminal, 'info'))
    .addCommand(
      subcommand(terminal, 'evidence').option(
        '--clear',
        'remove what halted the node, so that it goes on',
      ),
    );
}

function subcommand(terminal: Terminal, name: keyof typeof ACTIONS): Command {
  const command = new Command(name).description(ACTIONS[name]).option(...JSON_OPTION);
  addSettings(command, NODE_SETTINGS, (key) => WANTED.has(key));
  return command
    .addHelpText('after', `\nExample:\n  tangle-node tools db ${name} --config node.json`)
    .action(async (options: { json?: boolean; clear?: boolean }) => {
      const { dataDir, genesisFile } = await settingsOf(command, NODE_SETTINGS, terminal);
      const storePath = join(dataDir, 'store');
      // Opening an empty folder would make a new store in it.
      await access(storePath).catch((cause: unknown) => {
        throw new UsageError(`there is no store in ${dataDir}`, { cause });
      });
      const genesis = await readGenesis(genesisFile);
      const { checkStore, showEvidence, showStore } = await import('./db-run.ts');
      const { json = false, clear = false } = options;
      const place = { storePath, genesis };
      if (name === 'check') await checkStore(terminal, place, json);
      else if (name === 'info') await showStore(terminal, place, json);
      else await showEvidence(terminal, place, json, clear);
    });
}
