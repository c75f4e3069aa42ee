/**
 * Takes an archive in: message by message from a stream of any length, some at a time in one synced
 * batch. A message whose bytes are there already is not taken again, so an import that broke off is
 * simply begun anew. Before: the mailbox service; after: message-store.ts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import type { ArchiveFormat } from './archive-format.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { MboxReader, separatorDate } from '@tanglemail/mail/core/message/mbox.ts';
import { ClientError } from '../client-error.ts';
import { type FolderId, readFolderName } from '../messages/folder-name.ts';
import { readForeignMail } from '../messages/foreign-mail.ts';
import type { NewMail } from '../messages/listed-mail.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { type ArchivedMail, decodeLine, flagsOfHeaders, linesOf } from './archived-mail.ts';

/** Messages, and bytes of them, that are written at once. */
const MAX_AT_ONCE = 128;
const MAX_BYTES_AT_ONCE = 8_388_608;

export interface ImporterDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly messages: MessageStore;
  readonly newFolderId: () => FolderId;
  readonly nowMs: () => number;
}

export interface ImportReport {
  imported: number;
  /** Were there already, byte for byte. */
  known: number;
  /** Larger than any message may be. */
  tooLarge: number;
  /** Have no header section. */
  malformed: number;
}

type Prepared = NewMail & { readonly folderName: string; readonly emailId: string };

export class Importer {
  readonly #deps: ImporterDeps;

  constructor(deps: ImporterDeps) {
    this.#deps = deps;
  }

  /**
   * Imports into `folder` (a whole name, made where it is missing); lines of JSON that name one
   * of their own go there unless `folder` is given. `onReport` is told after each batch. Throws
   * ClientError `archive-invalid`; what was written before stays.
   */
  async run(
    source: AsyncIterable<Uint8Array>,
    format: ArchiveFormat,
    folder: string | undefined,
    onReport: (report: ImportReport) => void = () => {},
  ): Promise<ImportReport> {
    const report: ImportReport = { imported: 0, known: 0, tooLarge: 0, malformed: 0 };
    let waiting: Prepared[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      await this.#write(waiting, report);
      [waiting, bytes] = [[], 0];
      onReport(report);
    };
    const mails = format === 'mbox' ? fromMbox(source, report) : fromLines(source, report);
    for await (const mail of mails) {
      const prepared = await this.#prepare(mail, folder);
      if (prepared === undefined) report.malformed += 1;
      else {
        waiting.push(prepared);
        bytes += prepared.raw.length;
      }
      if (waiting.length >= MAX_AT_ONCE || bytes >= MAX_BYTES_AT_ONCE) await flush();
    }
    await flush();
    return report;
  }

  async #prepare(mail: ArchivedMail, folder: string | undefined): Promise<Prepared | undefined> {
    const { raw, flags } = mail;
    const facts = await readForeignMail(raw);
    if (facts === undefined) return undefined;
    const { dateSeconds, ...described } = facts;
    const emailId = bytesToHex(sha256(raw));
    const receivedAt = mail.receivedAt ?? dateSeconds;
    return {
      ...described,
      folder: 'Archive',
      folderName: readFolderName(folder ?? mail.folder ?? 'Archive'),
      emailId,
      raw,
      flags,
      messageKey: `import:${emailId}`,
      receivedAtMs: receivedAt === undefined ? this.#deps.nowMs() : receivedAt * 1_000,
    };
  }

  async #write(mails: readonly Prepared[], report: ImportReport): Promise<void> {
    const { store, writes, messages } = this.#deps;
    if (mails.length === 0) return;
    await writes.run(async () => {
      const batch = store.batch();
      const applies: (() => void)[] = [];
      const made = new Map<string, FolderId>();
      let imported = 0;
      for (const { folderName, emailId, ...mail } of mails) {
        if (messages.hasBytes(emailId)) continue;
        const folder = this.#folder(batch, folderName, made, applies);
        const { isNew, apply } = messages.deliver(batch, { ...mail, folder });
        if (isNew) imported += 1;
        applies.push(apply);
      }
      await batch.write();
      for (const apply of applies) apply();
      report.imported += imported;
      report.known += mails.length - imported;
    });
  }

  /** The folder of this name; one that is missing is made in the same batch. */
  #folder(
    batch: SealedBatch,
    text: string,
    made: Map<string, FolderId>,
    applies: (() => void)[],
  ): FolderId {
    const { messages, newFolderId } = this.#deps;
    const known = made.get(text) ?? messages.findFolder(text)?.id;
    if (known !== undefined) return known;
    const { id, apply } = messages.createFolder(batch, readFolderName(text), newFolderId);
    made.set(text, id);
    applies.push(apply);
    return id;
  }
}

async function* fromMbox(
  source: AsyncIterable<Uint8Array>,
  report: ImportReport,
): AsyncGenerator<ArchivedMail> {
  const reader = new MboxReader(MAX_MESSAGE_SIZE);
  const take = function* (found: ReturnType<MboxReader['push']>): Generator<ArchivedMail> {
    for (const { raw, separator } of found) {
      if (raw === undefined) report.tooLarge += 1;
      else {
        const receivedAt = separatorDate(separator);
        const flags = flagsOfHeaders(raw);
        yield receivedAt === undefined ? { raw, flags } : { raw, flags, receivedAt };
      }
    }
  };
  for await (const piece of source) yield* take(reader.push(piece));
  const { hasBegun } = reader;
  const last = reader.end();
  if (!hasBegun && last.length === 0) {
    throw new ClientError('archive-invalid', 'it does not begin with a line "From …"');
  }
  yield* take(last);
}

async function* fromLines(
  source: AsyncIterable<Uint8Array>,
  report: ImportReport,
): AsyncGenerator<ArchivedMail> {
  for await (const line of linesOf(source)) {
    const mail = decodeLine(line);
    if (mail.raw.length > MAX_MESSAGE_SIZE) report.tooLarge += 1;
    else yield mail;
  }
}
