/**
 * `tanglemail drafts`: messages that are not sent yet.
 */
import { Command } from 'commander';
import type { DraftDto, SaveDraftDto } from '../api/mailbox-dto.ts';
import { ClientError } from '../client-error.ts';
import { run } from './context.ts';
import { mailboxOf } from './folder-commands.ts';
import type { MailboxClient } from './mailbox-client.ts';
import { collect } from './options.ts';
import { attachmentOf, bodyOf } from './sending.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, facts, manyLines, sizeText, table } from './text.ts';

export function draftsCommand(terminal: Terminal): Command {
  return new Command('drafts')
    .description('messages that are not sent yet')
    .addCommand(listCommand(terminal), { isDefault: true })
    .addCommand(showCommand(terminal))
    .addCommand(saveCommand(terminal))
    .addCommand(sendCommand(terminal))
    .addCommand(deleteCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list all drafts, the newest first');
  return run(command, terminal, ['drafts', 'drafts list --json'], async (context) => {
    const drafts = await (await mailboxOf(context)).drafts();
    context.print(drafts, () => {
      if (drafts.length === 0) return 'There are no drafts.\n';
      const columns = [
        { title: 'ID', of: (one: DraftDto) => one.id },
        { title: 'SAVED', of: (one: DraftDto) => dateText(one.updatedAtMs) },
        { title: 'TO', of: (one: DraftDto) => one.to.join(', '), isFlexible: true },
        { title: 'SUBJECT', of: (one: DraftDto) => one.subject, isFlexible: true },
      ];
      return table(drafts, columns, terminal.columns);
    });
  });
}

function describe(draft: DraftDto): string {
  const rows: (readonly [string, string])[] = [
    ['id', draft.id],
    ['to', draft.to.join(', ')],
    ['cc', draft.cc.join(', ')],
    ['bcc', draft.bcc.join(', ')],
    ['subject', draft.subject],
  ];
  for (const { index, filename, sizeBytes } of draft.attachments) {
    rows.push(['attached', `${index} ${filename || 'unnamed'}, ${sizeText(sizeBytes)}`]);
  }
  const shown = rows.filter(([, value]) => value !== '');
  return `${facts(shown)}\n${manyLines(draft.text).trimEnd()}\n`;
}

/** The draft with this id, or the only one whose id begins so. */
async function draftIdOf(mailbox: MailboxClient, text: string): Promise<string> {
  if (!/^[0-9a-f]{4,31}$/.test(text)) return text;
  const found = (await mailbox.drafts()).filter((one) => one.id.startsWith(text));
  const [draft] = found;
  if (draft === undefined || found.length > 1) throw new ClientError('draft-unknown', text);
  return draft.id;
}

const ID = 'its id, or how it begins';

function showCommand(terminal: Terminal): Command {
  const command = new Command('show').description('show one draft').argument('<id>', ID);
  return run(command, terminal, ['drafts show 0f…'], async (context, _options, [id = '']) => {
    const mailbox = await mailboxOf(context);
    const draft = await mailbox.draft(await draftIdOf(mailbox, id));
    context.print(draft, () => describe(draft));
  });
}

interface SaveOptions {
  readonly id?: string;
  readonly to?: string[];
  readonly cc?: string[];
  readonly bcc?: string[];
  readonly subject?: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly attach?: string[];
  readonly inReplyTo?: string;
}

function saveCommand(terminal: Terminal): Command {
  const command = new Command('save')
    .description('save a new draft, or change the one with --id')
    .option('--id <id>', 'draft to change; what is not given stays')
    .option('--to <who>', 'recipient; may be repeated', collect)
    .option('--cc <who>', 'recipient of a copy; may be repeated', collect)
    .option('--bcc <who>', 'recipient whom the others do not see', collect)
    .option('--subject <text>', 'subject')
    .option('--body <text>', 'text of the message')
    .option('--body-file <file>', 'file with the text of the message')
    .option('--attach <file>', 'file to attach; may be repeated', collect)
    .option('--in-reply-to <id>', 'Message-ID of the mail that it answers');
  return run<SaveOptions>(
    command,
    terminal,
    ["drafts save --to Bob --subject Hi --body 'See you'", 'drafts save --id 0f… --subject Hello'],
    async (context, options) => {
      const mailbox = await mailboxOf(context);
      const id = options.id === undefined ? undefined : await draftIdOf(mailbox, options.id);
      const before = id === undefined ? undefined : await mailbox.draft(id);
      const hasBody = options.body !== undefined || options.bodyFile !== undefined;
      const text = hasBody ? await bodyOf(context, options) : (before?.text ?? '');
      const added = await Promise.all((options.attach ?? []).map((path) => attachmentOf(path)));
      const kept = (before?.attachments ?? []).map(({ index }) => ({ keep: index }));
      const inReplyTo = options.inReplyTo ?? before?.inReplyTo;
      const draft: SaveDraftDto = {
        ...(id === undefined ? {} : { id }),
        to: options.to ?? before?.to ?? [],
        cc: options.cc ?? before?.cc ?? [],
        bcc: options.bcc ?? before?.bcc ?? [],
        subject: options.subject ?? before?.subject ?? '',
        text,
        ...(before?.html === undefined || hasBody ? {} : { html: before.html }),
        attachments: [...kept, ...added],
        ...(inReplyTo === undefined ? {} : { inReplyTo }),
      };
      const saved = await mailbox.saveDraft(draft);
      context.print(saved, () => `Saved as draft ${saved.id}.\n`);
    },
  );
}

function sendCommand(terminal: Terminal): Command {
  const command = new Command('send').description('send a draft').argument('<id>', ID);
  return run(command, terminal, ['drafts send 0f…'], async (context, _options, [id = '']) => {
    const mailbox = await mailboxOf(context);
    const queued = await mailbox.sendDraft(await draftIdOf(mailbox, id));
    context.print(queued, () => {
      const ids = queued.recipients.map((one) => one.outboxId).join(', ');
      return `Queued for ${counted(queued.recipients.length, 'recipient')} (outbox ${ids}).\n`;
    });
  });
}

function deleteCommand(terminal: Terminal): Command {
  const command = new Command('delete').description('delete a draft').argument('<id>', ID);
  return run(command, terminal, ['drafts delete 0f…'], async (context, _options, [text = '']) => {
    const mailbox = await mailboxOf(context);
    const id = await draftIdOf(mailbox, text);
    await mailbox.deleteDraft(id);
    context.print({ deleted: id }, () => `Deleted draft ${id}.\n`);
  });
}
