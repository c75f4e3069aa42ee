/**
 * `tanglemail import` and `export`: mails from and for other programs. What reads archives is
 * loaded when it is needed, so that help is quick.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import type { ImportReportDto } from '../api/mailbox-dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { mailboxOf } from './folder-commands.ts';
import type { MailboxClient } from './mailbox-client.ts';
import { requireNew } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { counted } from './text.ts';

/** Messages, and bytes of them, of one request: after each, what is done stays done. */
const MAX_AT_ONCE = 1_000;
const MAX_BYTES_AT_ONCE = 16_777_216;

export function importCommand(terminal: Terminal): Command {
  const command = new Command('import')
    .description('take mails from an mbox file, a Maildir, .eml files, or an export as JSON')
    .argument('<path>', 'file or folder')
    .option('--folder <name>', 'where they go (default: as the archive says, or Archive)');
  return run<{ folder?: string }>(
    command,
    terminal,
    ['import old-mail.mbox --folder Old', 'import ~/Maildir', 'import mails.jsonl --json'],
    async (context, { folder }, [path = '']) => {
      const report = await importFrom(context, path, folder);
      context.print(report, () => {
        const { imported, known, tooLarge, malformed } = report;
        const left = [
          ...(known > 0 ? [`${known} known already`] : []),
          ...(tooLarge > 0 ? [`${tooLarge} too large`] : []),
          ...(malformed > 0 ? [`${malformed} without headers`] : []),
        ];
        const rest = left.length === 0 ? '' : ` (${left.join(', ')})`;
        return `${counted(imported, 'message')} imported${rest}.\n`;
      });
    },
  );
}

async function importFrom(
  context: CommandContext,
  path: string,
  folder: string | undefined,
): Promise<ImportReportDto> {
  const { archiveAt } = await import('./archive-source.ts');
  const { encodeLine } = await import('../archive/archived-mail.ts');
  const mailbox = await mailboxOf(context);
  const report = { imported: 0, known: 0, tooLarge: 0, malformed: 0 };
  let lines: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    const part = await mailbox.importLines(Buffer.concat(lines), folder);
    for (const key of ['imported', 'known', 'tooLarge', 'malformed'] as const) {
      report[key] += part[key];
    }
    [lines, bytes] = [[], 0];
    context.note(`${report.imported} imported, ${report.known} known already …`);
  };
  for await (const mail of archiveAt(path)) {
    if ('tooLarge' in mail) {
      report.tooLarge += 1;
      continue;
    }
    const line = encodeLine(mail);
    lines.push(line);
    bytes += line.length;
    if (lines.length >= MAX_AT_ONCE || bytes >= MAX_BYTES_AT_ONCE) await flush();
  }
  await flush();
  return report;
}

interface ExportOptions {
  readonly format: 'mbox' | 'eml' | 'json';
  readonly folder?: string;
}

export function exportCommand(terminal: Terminal): Command {
  const command = new Command('export')
    .description('write mails into an mbox file, a folder of .eml files, or lines of JSON')
    .argument('<path>', 'file to write, a new one; with --format eml a folder')
    .addOption(
      new Option('--format <format>', 'form of the archive')
        .choices(['mbox', 'eml', 'json'])
        .default('mbox'),
    )
    .option('--folder <name>', 'only this folder (default: all)');
  return run<ExportOptions>(
    command,
    terminal,
    [
      'export mails.mbox --folder INBOX',
      'export mails --format eml',
      'export all.jsonl --format json',
    ],
    async (context, { format, folder }, [path = '']) => {
      const mailbox = await mailboxOf(context);
      try {
        const written =
          format === 'eml'
            ? await exportFiles(context, mailbox, path, folder)
            : await exportFile(mailbox, format, path, folder);
        context.print({ path, ...written }, () => `Written to ${path}.\n`);
      } catch (cause) {
        if (!isDiskError(cause)) throw cause;
        throw new ClientError('file-unusable', path, { cause });
      }
    },
  );
}

/** Whether the file system said no: a name, a right, a full disk. */
function isDiskError(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'syscall' in cause;
}

/** The file appears under its name when it is whole. */
async function exportFile(
  mailbox: MailboxClient,
  format: 'mbox' | 'json',
  path: string,
  folder: string | undefined,
): Promise<{ bytes: number }> {
  await requireNew(path);
  const part = `${path}.part`;
  const mails = await mailbox.exportMails(format, folder);
  await pipeline(Readable.from(mails), createWriteStream(part, { mode: 0o600 }));
  await rename(part, path);
  return { bytes: (await stat(path)).size };
}

/** One file for each mail, numbered in each folder: an export that broke off is begun anew. */
async function exportFiles(
  context: CommandContext,
  mailbox: MailboxClient,
  path: string,
  folder: string | undefined,
): Promise<{ messages: number }> {
  const { decodeLine, linesOf } = await import('../archive/archived-mail.ts');
  let messages = 0;
  const numbers = new Map<string, number>();
  for await (const line of linesOf(await mailbox.exportMails('json', folder))) {
    const { raw, folder: name = 'mails' } = decodeLine(line);
    const number = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, number);
    const dir = join(
      path,
      ...name.split('/').map((one) => one.replaceAll(/^\.+|[^\p{L}\p{N} ._-]/gu, '_')),
    );
    if (number === 1) await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = join(dir, `${number.toString().padStart(6, '0')}.eml`);
    await writeFile(file, raw, { mode: 0o600 });
    messages += 1;
    if (messages % MAX_AT_ONCE === 0) context.note(`${messages} written …`);
  }
  return { messages };
}
