/**
 * The interactive inbox's way to the daemon: its local API. Before: inbox-program.ts; after:
 * daemon-client.ts and its neighbours. Spec: docs/spec/41-client-api.md, "Interactive inbox".
 */
import {
  forwardSubject,
  forwardText,
  quoteText,
  replySubject,
} from '@tanglemail/mail/core/message/answer.ts';
import { formatAddress, parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { readAddresses } from '@tanglemail/mail/core/message/addresses.ts';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type {
  FolderDto,
  MessageDto,
  MessageSummaryDto,
  OutboxItemDto,
  SendMessageDto,
} from '../../api/dto.ts';
import { ClientError } from '../../client-error.ts';
import type { DaemonClient } from '../daemon-client.ts';
import { MailboxClient } from '../mailbox-client.ts';
import { findOnItsWay, waitingText } from '../on-its-way.ts';
import { OutboxCalls } from '../outbox-calls.ts';
import { attachmentOf } from '../sending.ts';
import { counted } from '../text.ts';
import { type DraftText, EMPTY_DRAFT } from './draft-text.ts';
import { EventWatch, WATCH_TIMES, type WatchTimes } from './event-watch.ts';
import type { ComposeHow, MailPort } from './mail-port.ts';

export class DaemonPort implements MailPort {
  readonly #find: () => Promise<DaemonClient>;
  readonly #times: WatchTimes;

  /** `find` reads daemon.json anew for each call, so the inbox outlives a restart of the daemon. */
  constructor(find: () => Promise<DaemonClient>, times: WatchTimes = WATCH_TIMES) {
    this.#find = find;
    this.#times = times;
  }

  async folders(): Promise<FolderDto[]> {
    return await (await this.#find()).folders();
  }

  async list(folder: string, limit: number, before?: string): Promise<MessageSummaryDto[]> {
    return await (await this.#find()).messages(folder, limit, before);
  }

  /** In this folder, unless the query names another one itself. */
  async search(folder: string, query: string, limit: number): Promise<MessageSummaryDto[]> {
    const isPlaced = /(?:^|\s)-?in:/i.test(query);
    const whole = isPlaced ? query : `${query} in:"${folder}"`;
    return (await (await this.#mailbox()).search(whole, limit)).messages;
  }

  async read(id: string): Promise<MessageDto> {
    return await (await this.#find()).message(id);
  }

  async flag(id: string, flag: string, add: boolean): Promise<MessageSummaryDto> {
    const change = add ? 'add' : 'remove';
    return await (await this.#find()).setFlags(id, { flags: [flag], change });
  }

  async remove(id: string): Promise<string> {
    const { folder } = await this.read(id);
    const { count } = await (await this.#mailbox()).delete([id], false);
    if (count === 0) throw new ClientError('message-unknown', id);
    return folder === 'Trash' ? 'deleted for good' : 'moved to Trash';
  }

  async move(id: string, folder: string): Promise<void> {
    const moved = await (await this.#mailbox()).move([id], folder);
    if (moved.length === 0) throw new ClientError('message-unknown', id);
  }

  async save(id: string, index: number, path: string): Promise<string> {
    const content = await (await this.#find()).attachment(id, index);
    const whole = resolve(path);
    try {
      await writeFile(whole, content, { flag: 'wx' });
    } catch (cause) {
      const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
      const detail = isThere ? `${whole} is there already` : `${whole} cannot be written`;
      throw new ClientError('file-unusable', detail, { cause });
    }
    return whole;
  }

  async outbox(limit: number): Promise<OutboxItemDto[]> {
    return await (await this.#find()).outbox(limit);
  }

  /** For the recipient of this row; the others of the mail have rows of their own. */
  async recall(id: string): Promise<void> {
    await new OutboxCalls((await this.#find()).link).recall(id, 'recipient');
  }

  async sync(): Promise<string> {
    const daemon = await this.#find();
    const { fetched, held, errors } = await daemon.sync();
    const facts = [`${counted(fetched, 'message')} fetched`];
    const waiting = waitingText(await findOnItsWay(daemon.link));
    if (waiting !== undefined) facts.push(waiting);
    if (held > 0) facts.push(`${held} of strangers held`);
    for (const { bondId, code } of errors) facts.push(`${bondId.slice(0, 16)}: ${code}`);
    return facts.join(', ');
  }

  async prepare(how: ComposeHow, id: string): Promise<DraftText> {
    const daemon = await this.#find();
    const parent = await daemon.message(id);
    if (how === 'new') return EMPTY_DRAFT;
    if (how === 'forward') return forwardOf(parent);
    return answerTo(parent, (await daemon.address()).address, how === 'reply-all');
  }

  /**
   * What stands in the editor is what goes: `quote: false` keeps the daemon from quoting again, and
   * without `replyAll` it adds nobody who was taken out. It still gives thread and attachments.
   */
  async send(draft: DraftText, how: ComposeHow, id: string | undefined): Promise<void> {
    const { to, cc, bcc, subject, text } = draft;
    if (to.length + cc.length + bcc.length === 0) {
      throw new ClientError('request-malformed', 'nobody is named in To, Cc or Bcc');
    }
    const isAnswer = id !== undefined && how !== 'new' && how !== 'forward';
    if (isAnswer && to.length === 0) {
      // The daemon would send it to the writer of the mail, who was taken out.
      throw new ClientError('request-malformed', 'an answer needs somebody in To');
    }
    const attachments = await Promise.all(draft.attach.map((path) => attachmentOf(path)));
    const message: SendMessageDto = {
      to: [...to],
      ...(cc.length === 0 ? {} : { cc: [...cc] }),
      ...(bcc.length === 0 ? {} : { bcc: [...bcc] }),
      subject,
      text,
      ...(attachments.length === 0 ? {} : { attachments }),
      ...(isAnswer ? { replyTo: id, quote: false } : {}),
      ...(id !== undefined && how === 'forward' ? { forward: id, quote: false } : {}),
    };
    await (await this.#find()).sendMessage(message);
  }

  onChange(listener: () => void): () => void {
    const watch = new EventWatch(async () => (await this.#find()).file, listener, this.#times);
    return () => watch.close();
  }

  async #mailbox(): Promise<MailboxClient> {
    return new MailboxClient((await this.#find()).link);
  }
}

/** As service/answers.ts has it: to whom the seal proves, and of an own mail to its recipients. */
function answerTo(parent: MessageDto, own: string, isToAll: boolean): DraftText {
  const { verified, subject, text } = parent;
  const sender = verified?.senderAddress ?? own;
  const others = (name: string): string[] =>
    peopleIn(parent, name).filter((one) => one !== own && one !== sender);
  const isOwn = sender === own;
  const found = isOwn ? others('to') : [sender];
  const to = found.length === 0 ? [sender] : found;
  const more = isOwn ? others('cc') : [...others('to'), ...others('cc')];
  const isEmpty = text.trim() === '';
  const intro = `On ${dateOf(parent)}, ${nameOf(parent)} wrote:`;
  return {
    ...EMPTY_DRAFT,
    to,
    cc: isToAll ? [...new Set(more)].filter((one) => !to.includes(one)) : [],
    subject: replySubject(subject),
    text: isEmpty ? '' : `\n\n${quoteText(text, intro)}`,
  };
}

function forwardOf(parent: MessageDto): DraftText {
  const { subject, to } = parent;
  const head = { from: nameOf(parent), date: dateOf(parent), subject, to };
  return {
    ...EMPTY_DRAFT,
    subject: forwardSubject(subject),
    text: `\n\n${forwardText(parent.text, head)}`,
  };
}

/** The addresses of a header that belong to the tangle: others can get no mail of ours. */
function peopleIn({ headers }: MessageDto, name: string): string[] {
  return headers
    .filter((header) => header.name.toLowerCase() === name)
    .flatMap((header) => readAddresses(header.value))
    .map(({ address }) => parseMailAddress(address))
    .flatMap((parsed) => {
      if (!parsed.ok) return [];
      const { address, network } = parsed.value;
      return [formatAddress({ address, network })];
    });
}

function dateOf({ dateMs }: MessageDto): string {
  return `${new Date(dateMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Who sealed it; a display name is only the sender's word and stands beside it. */
function nameOf({ from, verified }: MessageDto): string {
  const address = verified?.senderAddress ?? from.address;
  const name = from.name.replaceAll(/[\r\n]+/g, ' ').trim();
  return name === '' ? address : `${name} <${address}>`;
}
