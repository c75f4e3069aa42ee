/**
 * `tanglemail account`: making one, making it again from its words, showing it.
 */
import { Command } from 'commander';
import type { AccountFacts } from '../account/create.ts';
import type { StatusDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { accountIndexOf, findGenesis, readWords } from './account-inputs.ts';
import { listCommand } from './account-list.ts';
import { type CommandContext, run } from './context.ts';
import type { Settings } from './program.ts';
import type { Terminal } from './terminal.ts';
import { facts } from './text.ts';

/** Settings that matter when an account is made; the node is kept as a setting of the account. */
const SETTINGS = new Set(['node.url', 'genesisFile', 'passphraseFile']);

export function accountCommand(terminal: Terminal, settings: Settings | undefined): Command {
  return new Command('account')
    .description('the account of this machine')
    .addCommand(createCommand(terminal, settings))
    .addCommand(restoreCommand(terminal, settings))
    .addCommand(listCommand(terminal, settings))
    .addCommand(showCommand(terminal, settings));
}

interface CreateOptions {
  readonly account: string;
  readonly genesisId?: string;
}

/** Options of `create` and `restore`. */
function addOptions(command: Command, settings: Settings | undefined): Command {
  settings?.addSettings(command, (key) => SETTINGS.has(key));
  return command
    .option('--genesis-id <hex>', 'refuse any other genesis than this one')
    .option('--account <number>', 'which of the accounts that the words have', '0');
}

function createCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = addOptions(
    new Command('create').description('make an account and show its 24 words, once'),
    settings,
  );
  return run<CreateOptions>(
    command,
    terminal,
    [
      'account create --node http://127.0.0.1:14265',
      'account create --genesis genesis.json --json > account.json',
    ],
    async (context, options) => {
      const plan = await prepare(command, context, options, settings);
      const { createAccount } = await import('../account/create.ts');
      await createAccount(plan, plan.deps, (made, words) => showWords(context, made, words));
      context.note('The account is ready: start it with tanglemail daemon.');
    },
  );
}

/** The words go out before the account exists: nobody may own an account without its words. */
async function showWords(
  { terminal, isJson }: CommandContext,
  made: AccountFacts,
  words: string,
): Promise<void> {
  if (isJson) {
    terminal.out(`${JSON.stringify({ ...made, mnemonic: words }, undefined, 2)}\n`);
    return;
  }
  const numbered = words.split(' ').map((word, at) => `${`${at + 1}`.padStart(4)} ${word}`);
  const lines: string[] = [];
  for (let row = 0; row < 6; row++) {
    const cells = numbered.slice(row * 4, row * 4 + 4).map((cell) => cell.padEnd(16));
    lines.push(cells.join('').trimEnd());
  }
  terminal.out(
    `Write these 24 words down. They are the account: whoever has them can read its mail and\n` +
      `spend its tokens, and without them a lost disk is a lost account. They are shown once.\n\n` +
      `${lines.join('\n')}\n\n${describe(made)}`,
  );
  if (terminal.isInputTty) await terminal.ask('Press Enter when they are on paper. ', false);
}

/** The facts of an account that was just made, in words. */
export function describe(made: AccountFacts): string {
  return facts([
    ['address', made.address],
    ['e-mail', made.email],
    ['network', `${made.networkName} (${made.networkId})`],
    ['genesis', made.genesisId],
    ['folder', made.dataDir],
  ]);
}

function restoreCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = addOptions(
    new Command('restore')
      .description('make an account of 24 words: the same again, or another one')
      .option('--words-file <file>', 'file with the words (default: ask, or standard input)'),
    settings,
  );
  return run<CreateOptions & { wordsFile?: string }>(
    command,
    terminal,
    [
      'account restore --node http://127.0.0.1:14265',
      'account restore --words-file words.txt --genesis genesis.json --json',
      '--data-dir ~/.tanglemail-1 account restore --account 1',
    ],
    async (context, options) => {
      const words = await readWords(context, options.wordsFile);
      const { parseMnemonic } = await import('@tanglemail/mail/core/identity/mnemonic.ts');
      const parsed = parseMnemonic(words);
      if (!parsed.ok) throw new ClientError('words-invalid', parsed.detail ?? parsed.code);
      const plan = await prepare(command, context, options, settings);
      const { restoreAccount } = await import('../account/create.ts');
      const made = await restoreAccount(parsed.value, plan, plan.deps);
      context.print(made, () => describe(made));
      context.note('The account is ready: start it with tanglemail daemon.');
      context.note(
        'Mail that was sealed after fresh randomness was mixed in (30 days after the\n' +
          'account was made, or when a device was removed) opens from a backup only.',
      );
    },
  );
}

/** Everything that can be wrong is found before anything is made. */
async function prepare(
  command: Command,
  context: CommandContext,
  options: CreateOptions,
  settings: Settings | undefined,
) {
  if (settings === undefined) throw new Error('broken invariant: settings are loaded');
  const { requireNoAccount } = await import('../account/install.ts');
  const { SYSTEM_CLOCK, SYSTEM_RANDOM } = await import('@tanglemail/tangle/io/system.ts');
  const accountIndex = accountIndexOf(options.account);
  await requireNoAccount(context.dataDir);
  const config = await settings.settingsOf(command, context);
  const genesis = await findGenesis(context, config, options.genesisId);
  const { choosePassphrase } = await import('./passphrase.ts');
  const passphrase = await choosePassphrase(context.terminal, config.passphraseFile);
  const deps = { random: SYSTEM_RANDOM, clock: SYSTEM_CLOCK };
  const { dataDir } = context;
  return { dataDir, genesis, nodeUrl: config.node.url, passphrase, accountIndex, deps };
}

function showCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = new Command('show').description('show the account; asks the daemon if it runs');
  settings?.addSettings(command, (key) => key === 'passphraseFile');
  return run(command, terminal, ['account show', 'account show --json'], async (context) => {
    const { dataDir } = context;
    const status = await askDaemon(context);
    if (status !== undefined) {
      const { address, email, account, node } = status;
      const { networkName } = node;
      const shown = { address, email, accountIndex: account.index, networkName, dataDir };
      const rows = [
        ['address', address],
        ['e-mail', email],
        ['network', networkName],
        ['folder', dataDir],
      ] as const;
      context.print(shown, () => facts(rows));
      return;
    }
    const made = await openFacts(command, context, settings);
    context.print(made, () => describe(made));
  });
}

/** Undefined when no daemon runs. */
async function askDaemon(context: CommandContext): Promise<StatusDto | undefined> {
  try {
    return await (await context.daemon()).status();
  } catch (error) {
    if (error instanceof ClientError && error.code === 'daemon-unreachable') return undefined;
    throw error;
  }
}

/** The facts of an account whose daemon does not run: needs the passphrase. */
async function openFacts(
  command: Command,
  context: CommandContext,
  settings: Settings | undefined,
): Promise<AccountFacts> {
  if (settings === undefined) throw new Error('broken invariant: settings are loaded');
  const { unlockAccount } = await import('./unlock.ts');
  const { accountFacts } = await import('../account/create.ts');
  const config = await settings.settingsOf(command, context);
  const { secrets, genesis } = await unlockAccount(context.terminal, config);
  return accountFacts(secrets, genesis, context.dataDir);
}
