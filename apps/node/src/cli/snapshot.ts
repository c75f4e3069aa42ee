/**
 * `tangle-node tools snapshot …`: look at snapshot files, prove them by a genesis document, and
 * move the state of a stopped node into a file and into an empty data folder.
 * Path: tools.ts → here → snapshot-run.ts. Spec: docs/spec/12-snapshot.md §9.
 */
import { Command } from 'commander';
import { addSettings, settingsOf } from '@tanglemail/tangle/io/shell/flags.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { NODE_SETTINGS } from '../config/schema.ts';
import { JSON_OPTION } from './options.ts';

const WANTED = new Set(['dataDir', 'genesisFile']);

interface JsonOption {
  readonly json?: boolean;
}

/** `tools snapshot …`. */
export function snapshotCommand(terminal: Terminal): Command {
  return new Command('snapshot')
    .description('look at snapshots, prove, export and import them')
    .addCommand(infoCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(importCommand(terminal));
}

function infoCommand(terminal: Terminal): Command {
  return new Command('info')
    .description('show what a snapshot says of itself; only its checksums are checked')
    .argument('<file>', 'a snapshot')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  tangle-node tools snapshot info full-0000020000.snapshot')
    .action(async (file: string, { json = false }: JsonOption) => {
      const { showSnapshot } = await import('./snapshot-run.ts');
      await showSnapshot(terminal, file, json);
    });
}

function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description('prove a full snapshot, and a delta on it, by a genesis document')
    .argument('<full>', 'a full snapshot')
    .argument('[delta]', 'a delta that changes it')
    .requiredOption('--genesis <file>', 'genesis document of the network')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node tools snapshot verify full.snapshot delta.snapshot \\\n' +
        '    --genesis genesis.json\n\nExit code 1 when it does not hold.',
    )
    .action(
      async (
        full: string,
        delta: string | undefined,
        { genesis, json = false }: JsonOption & { readonly genesis: string },
      ) => {
        const document = await readGenesis(genesis);
        const { proveSnapshot } = await import('./snapshot-run.ts');
        await proveSnapshot(terminal, document, filesOf(full, delta), json);
      },
    );
}

function exportCommand(terminal: Terminal): Command {
  const command = new Command('export')
    .description('write a snapshot of a stopped node')
    .requiredOption('--out <file>', 'the file to create')
    .option('--base <full>', 'write a delta that changes this full snapshot')
    .option(...JSON_OPTION);
  addSettings(command, NODE_SETTINGS, (key) => WANTED.has(key));
  return command
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node tools snapshot export --config node.json --out full.snapshot',
    )
    .action(async (options: JsonOption & { readonly out: string; readonly base?: string }) => {
      const { dataDir, genesisFile } = await settingsOf(command, NODE_SETTINGS, terminal);
      const genesis = await readGenesis(genesisFile);
      const { exportSnapshot } = await import('./snapshot-run.ts');
      await exportSnapshot(terminal, { dataDir, genesis }, options);
    });
}

function importCommand(terminal: Terminal): Command {
  const command = new Command('import')
    .description('fill an empty data folder from a snapshot that is proven')
    .argument('<full>', 'a full snapshot: a file or an http(s) URL')
    .argument('[delta]', 'a delta that changes it')
    .option(...JSON_OPTION);
  addSettings(command, NODE_SETTINGS, (key) => WANTED.has(key) || key === MAX_DOWNLOAD);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node tools snapshot import full.snapshot --config node.json',
    )
    .action(async (full: string, delta: string | undefined, { json = false }: JsonOption) => {
      const config = await settingsOf(command, NODE_SETTINGS, terminal);
      const genesis = await readGenesis(config.genesisFile);
      const { importSnapshotFiles } = await import('./snapshot-run.ts');
      const { dataDir, snapshot } = config;
      const place = { dataDir, genesis, maxDownloadBytes: snapshot.maxDownloadBytes };
      await importSnapshotFiles(terminal, place, filesOf(full, delta), json);
    });
}

const MAX_DOWNLOAD = 'snapshot.maxDownloadBytes';

function filesOf(full: string, delta: string | undefined) {
  return delta === undefined ? { full } : { full, delta };
}
