/**
 * Mails in the self-log: flags, the folders of each message, and folders themselves. Before: mail
 * store, device-log.ts; after: mail-log-apply.ts and the other devices.
 * Spec: docs/spec/26-self-log.md, section "Values".
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  compareDots,
  flagElement,
  MAX_REMOVED_DOTS,
  type Operation,
  type OperationBody,
  type SetName,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { additionsOf, elementsOf, setKey } from '@tanglemail/mail/core/self-log/view.ts';
import { type FolderId, isStandard } from '../messages/folder-name.ts';
import type { MessageChange } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { NOWHERE } from './log-values.ts';
import type { RescueShelf } from './rescue-shelf.ts';

const FLAG = /^[\x21-\x7e]{1,64}$/;

/** A message as the log names it: the hash of its key, which is the same on all devices. */
export function ownerOf(messageKey: string): string {
  return bytesToHex(sha256(utf8ToBytes(messageKey)));
}

/** A folder as the log names it: standard ones have names for ids, which become 16 bytes. */
export function folderElement(id: FolderId): string {
  if (!isStandard(id)) return id;
  return bytesToHex(sha256(utf8ToBytes(`tmail/folder/v1 ${id}`)).subarray(0, 16));
}

export class MailLog {
  readonly #log: DeviceLog;
  readonly #messages: MessageStore;
  /** Folders of messages as changes of the same batch left them. */
  readonly #places = new WeakMap<SealedBatch, Map<string, Set<FolderId>>>();
  readonly #rescues: RescueShelf;
  readonly #later: (operations: readonly Operation[]) => void;

  /** `later` gets operations that came before their message did. */
  constructor(
    log: DeviceLog,
    messages: MessageStore,
    rescues: RescueShelf,
    later: (operations: readonly Operation[]) => void,
  ) {
    this.#log = log;
    this.#messages = messages;
    this.#rescues = rescues;
    this.#later = later;
  }

  /** Follows the changes of the mails from now on. */
  observe(): void {
    this.#messages.observe((batch, change) => this.#take(batch, change));
  }

  #take(batch: SealedBatch, change: MessageChange): void {
    if (change.kind === 'delivered') this.#catchUp(batch, change.messageKey);
    if (change.kind === 'expunged' && change.isGone) this.#keep(batch, change.messageKey);
    if (change.origin !== 'local') return;
    const bodies = this.#bodiesOf(batch, change);
    if (bodies.length > 0) this.#log.journal(batch, ...bodies);
  }

  /** Another device may be moving what is deleted here: then it comes back. */
  #keep(batch: SealedBatch, messageKey: string): void {
    const [mail] = this.#messages.find(messageKey);
    const raw = mail && this.#messages.rawOf(mail.entry.emailId);
    if (mail === undefined || raw === undefined || this.#log.others().length === 0) return;
    this.#rescues.keep(batch, ownerOf(messageKey), mail, raw);
  }

  #bodiesOf(batch: SealedBatch, change: MessageChange): OperationBody[] {
    switch (change.kind) {
      case 'flags':
        return this.#flagBodies(change);
      case 'delivered':
        return this.#returned(batch, change);
      case 'moved':
        return this.#folderBodies(batch, change.messageKey, (places) => {
          places.delete(change.from);
          places.add(change.to);
        });
      case 'copied':
        return this.#folderBodies(batch, change.messageKey, (places) => places.add(change.to));
      case 'expunged':
        return this.#folderBodies(batch, change.messageKey, (places) =>
          places.delete(change.folderId),
        );
      case 'folder-created':
      case 'folder-renamed': {
        const { folderId: key, name } = change;
        if (isStandard(key)) return [];
        return [{ kind: 'set', register: 'folder', key, value: utf8ToBytes(name) }];
      }
      case 'folder-deleted':
        return [{ kind: 'set', register: 'folder', key: change.folderId }];
      default:
        return [];
    }
  }

  #flagBodies(change: Extract<MessageChange, { kind: 'flags' }>): OperationBody[] {
    const owner = ownerOf(change.messageKey);
    const view = this.#log.view();
    const held = new Set(elementsOf(view, 'flag', owner));
    const added = change.added.filter((flag) => FLAG.test(flag)).map(flagElement);
    const removed = change.removed.filter((flag) => FLAG.test(flag)).map(flagElement);
    return [
      ...added.filter((one) => !held.has(one)).map((one) => addition('flag', owner, one)),
      ...removed.flatMap((element) => this.#removal('flag', owner, element)),
    ];
  }

  /** What takes an element back; nothing when no device has ever added it. */
  #removal(set: SetName, owner: string, element: string): OperationBody[] {
    const dots = additionsOf(this.#log.view(), set, owner, element)
      .map(({ device, seq }) => ({ device, seq }))
      .toSorted(compareDots);
    const bodies: OperationBody[] = [];
    for (let at = 0; at < dots.length; at += MAX_REMOVED_DOTS) {
      bodies.push({ kind: 'remove', dots: dots.slice(at, at + MAX_REMOVED_DOTS) });
    }
    return bodies;
  }

  /** The log says where a message lies from the first time that somebody moved it. */
  #folderBodies(
    batch: SealedBatch,
    messageKey: string,
    change: (places: Set<FolderId>) => void,
  ): OperationBody[] {
    const known = this.#places.get(batch) ?? new Map<string, Set<FolderId>>();
    this.#places.set(batch, known);
    const present = known.get(messageKey) ?? this.#placesOf(messageKey);
    known.set(messageKey, present);
    change(present);
    const owner = ownerOf(messageKey);
    const held = elementsOf(this.#log.view(), 'folder', owner);
    const wanted = present.size === 0 ? [NOWHERE] : [...present].map(folderElement);
    return [
      ...wanted.filter((one) => !held.includes(one)).map((one) => addition('folder', owner, one)),
      ...held
        .filter((one) => !wanted.includes(one))
        .flatMap((one) => this.#removal('folder', owner, one)),
    ];
  }

  /** A message that was deleted for good is wanted again when it is imported from an archive. */
  #returned(
    batch: SealedBatch,
    { entry, messageKey, folderId }: Extract<MessageChange, { kind: 'delivered' }>,
  ): OperationBody[] {
    if (entry.importedFrom === undefined) return [];
    const held = elementsOf(this.#log.view(), 'folder', ownerOf(messageKey));
    if (!held.includes(NOWHERE)) return [];
    return this.#folderBodies(batch, messageKey, (places) => places.add(folderId));
  }

  #placesOf(messageKey: string): Set<FolderId> {
    return new Set(this.#messages.find(messageKey).map((one) => one.folderId));
  }

  /** A message came whose flags or folders another device has already told. */
  #catchUp(batch: SealedBatch, messageKey: string): void {
    const { sets } = this.#log.view();
    const owner = ownerOf(messageKey);
    const held = (['flag', 'folder'] as const).flatMap((set) =>
      [...(sets.get(setKey(set, owner))?.values() ?? [])].flat(),
    );
    if (held.length > 0) batch.whenWritten(() => this.#later(held));
  }
}

function addition(set: SetName, owner: string, element: string): OperationBody {
  return { kind: 'add', set, owner, element };
}
