/**
 * What operations of other devices mean for the mails of this one. It follows from the view alone,
 * so all devices come to the same, whatever the order in which operations arrive. Before:
 * device-manager.ts; after: mail store. Spec: docs/spec/26-self-log.md, section "Values".
 */
import {
  dotKey,
  flagOfElement,
  isKind,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { elementsOf, readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { ClientError } from '../client-error.ts';
import {
  FOLDER,
  type FolderId,
  type FolderName,
  readFolderName,
  STANDARD_FOLDERS,
} from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import type { LogReader } from './device-manager.ts';
import { folderElement, NOWHERE, ownerOf } from './mail-log.ts';

const STANDARD = new Map<string, FolderId>(
  STANDARD_FOLDERS.map((name) => [folderElement(FOLDER[name]), FOLDER[name]]),
);

/** What operations touch: flags and folders of messages, folders, sent copies. */
interface Touched {
  readonly flags: Map<string, Set<string>>;
  readonly places: Set<string>;
  readonly folders: Set<string>;
  readonly copies: Set<string>;
}

export class MailLogReader implements LogReader {
  readonly #log: DeviceLog;
  readonly #messages: MessageStore;
  /** Message keys of mails that are or were here, by what the log calls them. */
  #keys: Map<string, string> | undefined;

  constructor(log: DeviceLog, messages: MessageStore) {
    this.#log = log;
    this.#messages = messages;
  }

  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const touched = this.#touchedBy(operations);
    return [
      ...[...touched.folders].flatMap((id) => this.#applyFolder(batch, id as FolderId)),
      ...[...touched.copies].flatMap((key) => this.#applyCopy(batch, key)),
      ...[...touched.flags].flatMap(([owner, elements]) =>
        this.#applyFlags(batch, owner, elements),
      ),
      ...[...touched.places].flatMap((owner) => this.#applyPlaces(batch, owner)),
    ];
  }

  #touchedBy(operations: readonly Operation[]): Touched {
    const touched: Touched = {
      flags: new Map(),
      places: new Set(),
      folders: new Set(),
      copies: new Set(),
    };
    for (const operation of operations) {
      if (isKind(operation, 'add')) noteElement(touched, operation.body);
      if (isKind(operation, 'remove')) {
        for (const dot of operation.body.dots) {
          const added = this.#log.log.operations.get(dotKey(dot));
          if (added && isKind(added, 'add')) noteElement(touched, added.body);
        }
      }
      if (!isKind(operation, 'set')) continue;
      if (operation.body.register === 'folder') touched.folders.add(operation.body.key);
      if (operation.body.register === 'sent-copy') touched.copies.add(operation.body.key);
    }
    return touched;
  }

  /** Made at the first need, in one pass over all mails; it follows what is delivered. */
  #keyOf(owner: string): string | undefined {
    if (this.#keys === undefined) {
      const keys = new Map<string, string>();
      const note = (messageKey: string): unknown => keys.set(ownerOf(messageKey), messageKey);
      for (const { entry } of this.#messages.all()) note(entry.messageKey);
      this.#messages.observe((_batch, change) => {
        if (change.kind === 'delivered' || change.kind === 'draft-saved') note(change.messageKey);
      });
      this.#keys = keys;
    }
    return this.#keys.get(owner);
  }

  #applyFlags(batch: SealedBatch, owner: string, touched: ReadonlySet<string>): (() => void)[] {
    const messageKey = this.#keyOf(owner);
    const [mail] = messageKey === undefined ? [] : this.#messages.find(messageKey);
    if (mail === undefined) return [];
    const held = new Set(elementsOf(this.#log.view(), 'flag', owner));
    const has = (one: string): boolean => mail.entry.flags.includes(flagOfElement(one));
    const add = [...touched].filter((one) => held.has(one) && !has(one)).map(flagOfElement);
    const remove = [...touched].filter((one) => !held.has(one) && has(one)).map(flagOfElement);
    return [
      ...(add.length === 0 ? [] : [this.#messages.flagAll(batch, [mail.id], 'add', add, 'remote')]),
      ...(remove.length === 0
        ? []
        : [this.#messages.flagAll(batch, [mail.id], 'remove', remove, 'remote')]),
    ];
  }

  /** A message lies where the log says; a concurrent move rescues it from a deletion. */
  #applyPlaces(batch: SealedBatch, owner: string): (() => void)[] {
    const messageKey = this.#keyOf(owner);
    const mails = messageKey === undefined ? [] : this.#messages.find(messageKey);
    const [mail] = mails;
    const elements = elementsOf(this.#log.view(), 'folder', owner);
    if (mail === undefined || elements.length === 0) return [];
    const wanted = elements.flatMap((one) => this.#folderOf(one) ?? []);
    const isGone = elements.every((one) => one === NOWHERE);
    // A folder that was deleted meanwhile holds nothing: the message stays where it is.
    if (wanted.length === 0 && !isGone) return [];
    const missing = wanted.filter((id) => !mails.some((one) => one.folderId === id));
    const left = mails.filter((one) => !wanted.includes(one.folderId));
    const applies = missing.map((id) => this.#messages.copy(batch, [mail.id], id, 'remote').apply);
    const ids = left.map((one) => one.id);
    if (ids.length > 0) applies.push(this.#messages.expunge(batch, ids, 'remote').apply);
    return applies;
  }

  #folderOf(element: string): FolderId | undefined {
    const standard = STANDARD.get(element);
    if (standard !== undefined) return standard;
    return this.#messages.folder(element as FolderId) === undefined
      ? undefined
      : (element as FolderId);
  }

  #applyFolder(batch: SealedBatch, id: FolderId): (() => void)[] {
    if (!/^[0-9a-f]{32}$/.test(id)) return [];
    const value = readRegister(this.#log.view(), 'folder', id);
    const isHere = this.#messages.folder(id) !== undefined;
    if (value === undefined)
      return isHere ? [this.#messages.deleteFolder(batch, id, 'remote')] : [];
    // Two devices can give two folders one name: then the later one bears a number here.
    const text = new TextDecoder().decode(value);
    for (const suffix of ['', ` (${id.slice(0, 4)})`]) {
      const name = nameOf(`${text}${suffix}`);
      if (name === undefined) return [];
      try {
        if (isHere) return [this.#messages.renameFolder(batch, id, name, 'remote')];
        return [this.#messages.createFolder(batch, name, () => id, 'remote').apply];
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (error.code !== 'folder-exists') return [];
      }
    }
    return [];
  }

  #applyCopy(batch: SealedBatch, key: string): (() => void)[] {
    const value = readRegister(this.#log.view(), 'sent-copy', key);
    const length = value?.[0];
    if (value === undefined || length === undefined || value.length <= 1 + length) return [];
    const messageKey = new TextDecoder().decode(value.subarray(1, 1 + length));
    if (ownerOf(messageKey) !== key || this.#messages.find(messageKey).length > 0) return [];
    const raw = value.slice(1 + length);
    const headers = readHeaders(raw);
    if (!headers.ok) return [];
    const facts = readFacts(headers.value);
    const { apply } = this.#messages.deliver(
      batch,
      {
        folder: 'Sent',
        raw,
        messageKey,
        receivedAtMs: (facts.date ?? 0) * 1_000,
        flags: ['\\Seen'],
        isRegistered: false,
        hasAttachments: false,
        fromName: '',
        to: facts.to.join(', '),
        subject: facts.subject,
        messageId: facts.messageId === undefined ? '' : `<${facts.messageId}>`,
      },
      'remote',
    );
    return [apply];
  }
}

function noteElement(
  touched: Touched,
  { set, owner, element }: { set: string; owner: string; element: string },
): void {
  if (set === 'folder') touched.places.add(owner);
  if (set !== 'flag') return;
  const elements = touched.flags.get(owner) ?? new Set<string>();
  elements.add(element);
  touched.flags.set(owner, elements);
}

function nameOf(text: string): FolderName | undefined {
  try {
    return readFolderName(text);
  } catch {
    return undefined;
  }
}
