/**
 * `tanglemail account list`: which accounts 24 words have, and which of them are in use.
 * Before: account-commands.ts; after: account/words-accounts.ts.
 */
import { Command } from 'commander';
import type { WordsAccount } from '../account/words-accounts.ts';
import { accountIndexOf, loadGenesis, readWords } from './account-inputs.ts';
import { run } from './context.ts';
import { integerOption } from './options.ts';
import type { Settings } from './program.ts';
import type { Terminal } from './terminal.ts';
import { table } from './text.ts';

const SETTINGS = new Set(['node.url', 'genesisFile']);
const MAX_COUNT = 100;

interface ListOptions {
  readonly wordsFile?: string;
  readonly genesisId?: string;
  readonly account: string;
  readonly count: string;
}

export function listCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = new Command('list')
    .description('list the accounts that 24 words have; makes none')
    .option('--words-file <file>', 'file with the words (default: ask, or standard input)')
    .option('--genesis-id <hex>', 'refuse any other genesis than this one')
    .option('--account <number>', 'the first one to list', '0')
    .option('--count <number>', `how many, at most ${MAX_COUNT}`, '5');
  settings?.addSettings(command, (key) => SETTINGS.has(key));
  const examples = [
    'account list --node http://127.0.0.1:14265',
    'account list --words-file words.txt --count 20 --json',
  ];
  return run<ListOptions>(command, terminal, examples, async (context, options) => {
    if (settings === undefined) throw new Error('broken invariant: settings are loaded');
    const from = accountIndexOf(options.account);
    const count = integerOption('--count', options.count, 1, MAX_COUNT);
    const words = await readWords(context, options.wordsFile);
    const config = await settings.settingsOf(command, context);
    const genesis = await loadGenesis(config, options.genesisId);
    const { accountsOfWords } = await import('../account/words-accounts.ts');
    const { SYSTEM_CLOCK } = await import('@tanglemail/tangle/io/system.ts');
    const wanted = { words, genesis, nodeUrl: config.node.url, from, count };
    const accounts = await accountsOfWords(wanted, SYSTEM_CLOCK);
    context.print(accounts, () => table(accounts, COLUMNS, terminal.columns));
    context.note('Each one lives in a folder of its own; to have number 1 on this machine:');
    context.note('  tanglemail --data-dir ~/.tanglemail-1 account restore --account 1');
  });
}

const COLUMNS = [
  { title: 'NUMBER', of: (one: WordsAccount) => `${one.accountIndex}`, isRight: true },
  { title: 'IN USE', of: ({ isPublished }: WordsAccount) => USE[`${isPublished}`] },
  { title: 'ADDRESS', of: (one: WordsAccount) => one.address },
];

const USE = { true: 'yes', false: 'no', null: 'unknown' } as const;
