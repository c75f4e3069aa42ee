/**
 * `tanglemail backup`: one file that holds the whole account, and the account again from it.
 * Spec: docs/spec/29-backup.md.
 */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { BackupDto } from '../api/backup-dto.ts';
import { accountIndexOf, readWords } from './account-inputs.ts';
import { BackupClient } from './backup-client.ts';
import { type CommandContext, run } from './context.ts';
import { DaemonLink } from './daemon-link.ts';
import type { Settings } from './program.ts';
import type { Terminal } from './terminal.ts';
import { dateText, facts, table } from './text.ts';

export function backupCommand(terminal: Terminal, settings: Settings | undefined): Command {
  return new Command('backup')
    .description('copies of the whole account, sealed')
    .addCommand(createCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(restoreCommand(terminal, settings));
}

async function clientOf(context: CommandContext): Promise<BackupClient> {
  return new BackupClient(await DaemonLink.find(context.dataDir));
}

interface CreateOptions {
  readonly forWords?: boolean;
  readonly mail: boolean;
  readonly backupPassphraseFile?: string;
}

function createCommand(terminal: Terminal): Command {
  const command = new Command('create')
    .description('write a backup of the account to a new file')
    .argument('<file>', 'where to; it must not exist yet')
    .option('--for-words', 'the 24 words open it, instead of a passphrase')
    .option('--no-mail', 'leave the mails out')
    .option('--backup-passphrase-file <file>', 'file whose first line is its passphrase');
  const examples = ['backup create ~/tanglemail.tmbackup', 'backup create b.tmbackup --for-words'];
  return run<CreateOptions>(command, terminal, examples, async (context, options, args) => {
    const path = resolve(args[0] ?? '');
    const base = { path, withMail: options.mail };
    const client = await clientOf(context);
    if (options.forWords === true) {
      show(context, await client.create({ ...base, forWords: true }));
      return;
    }
    const { choosePassphrase } = await import('./passphrase.ts');
    context.note('Choose a passphrase for the backup. It is asked for when you restore it.');
    const { terminal: own } = context;
    const passphrase = await choosePassphrase(own, options.backupPassphraseFile, BACKUP_VARIABLE);
    show(context, await client.create({ ...base, passphrase }));
  });
}

/** Another variable than the account's: the two passphrases are two secrets. */
const BACKUP_VARIABLE = 'TANGLEMAIL_BACKUP_PASSPHRASE';

function show(context: CommandContext, made: BackupDto): void {
  context.print(made, () =>
    facts([
      ['file', made.path],
      ['bytes', `${made.sizeBytes}`],
      ['mails', made.withMail ? 'in it' : 'left out'],
      ['opens with', made.lock === 'words' ? 'the 24 words' : 'its passphrase'],
    ]),
  );
}

function statusCommand(terminal: Terminal): Command {
  const command = new Command('status').description(
    'the backups of this daemon, and when they are made',
  );
  return run(command, terminal, ['backup status', 'backup status --json'], async (context) => {
    const status = await (await clientOf(context)).status();
    context.print(status, () => {
      const { folder, everyHours, keep, lastError } = status.automatic;
      const rule =
        folder === null
          ? 'not set (backup.folder)'
          : `${folder}, every ${everyHours} h, ${keep} kept`;
      const rows: [string, string][] = [['automatic', rule]];
      if (lastError !== null) rows.push(['last failure', lastError]);
      if (status.running !== null) rows.push(['being written', status.running]);
      const columns = [
        { title: 'MADE', of: (one: BackupDto) => dateText(one.createdAtMs) },
        { title: 'BYTES', of: (one: BackupDto) => `${one.sizeBytes}`, isRight: true },
        { title: 'OPENS WITH', of: (one: BackupDto) => one.lock },
        { title: 'FILE', of: (one: BackupDto) => one.path, isFlexible: true },
      ];
      const list = status.made.length === 0 ? '' : table(status.made, columns, terminal.columns);
      return `${facts(rows)}${list}`;
    });
  });
}

interface RestoreOptions {
  readonly wordsFile?: string;
  readonly account: string;
  readonly backupPassphraseFile?: string;
}

function restoreCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = new Command('restore')
    .description('make the account of a backup again, in an empty data folder')
    .argument('<file>', 'the backup')
    .option('--words-file <file>', 'file with the 24 words (default: ask, or standard input)')
    .option('--account <number>', 'which of the accounts that the words have', '0')
    .option('--backup-passphrase-file <file>', 'file whose first line is its passphrase');
  settings?.addSettings(command, (key) => key === 'node.url' || key === 'passphraseFile');
  const examples = [
    'backup restore ~/tanglemail.tmbackup',
    'backup restore b.tmbackup --words-file words.txt',
  ];
  return run<RestoreOptions>(command, terminal, examples, async (context, options, args) => {
    if (settings === undefined) throw new Error('broken invariant: settings are loaded');
    const file = resolve(args[0] ?? '');
    const { requireNoAccount } = await import('../account/install.ts');
    await requireNoAccount(context.dataDir);
    const opener = await openerFor(context, file, options);
    const config = await settings.settingsOf(command, context);
    const { choosePassphrase } = await import('./passphrase.ts');
    const passphrase = await choosePassphrase(context.terminal, config.passphraseFile);
    const { restoreBackup } = await import('../backup/restore.ts');
    const { SYSTEM_RANDOM } = await import('@tanglemail/tangle/io/system.ts');
    const isNodeGiven = command.getOptionValue('node') !== undefined;
    const node = isNodeGiven ? { nodeUrl: config.node.url } : {};
    const { dataDir } = context;
    const plan = { file, opener, dataDir, passphrase, ...node };
    const made = await restoreBackup(plan, { random: SYSTEM_RANDOM });
    context.print(made, () =>
      facts([
        ['address', made.address],
        ['e-mail', made.email],
        ['backup of', dateText(made.createdAtMs)],
        ['folder', made.dataDir],
      ]),
    );
    context.note('The account is ready: start it with tanglemail daemon.');
    context.note(
      'It is a device of its own now; end the daemon that the backup came from for good.',
    );
  });
}

/** Asks for what the file asks for, before anything is made. */
async function openerFor(context: CommandContext, file: string, options: RestoreOptions) {
  const { BackupReader } = await import('../backup/backup-reader.ts');
  const reader = await BackupReader.open(file);
  await reader.close();
  if (reader.lock.kind === 'words') {
    const { seedOfWords } = await import('../account/create.ts');
    const accountIndex = accountIndexOf(options.account);
    const seed = seedOfWords(await readWords(context, options.wordsFile));
    return { kind: 'words', seed, accountIndex } as const;
  }
  const { readPassphrase } = await import('./passphrase.ts');
  const { terminal } = context;
  const question = 'Passphrase of the backup: ';
  const given = { variable: BACKUP_VARIABLE, question };
  const passphrase = await readPassphrase(terminal, options.backupPassphraseFile, given);
  return { kind: 'passphrase', passphrase } as const;
}
