/**
 * The tags of this device where it is not the account's first, or where somebody else may know what
 * it counted on: each contact is told a seed that no other device has, and once it says that it
 * watches these tags, mail to it carries them. Until then mail goes under the tags of before, or a
 * stranger's. Before: contact book, outbox, tag-renewal.ts; after: the contacts' clients.
 * Spec: docs/spec/23-envelope.md, section "Tags of further devices".
 */
import {
  decodeDeviceNote,
  deviceTagKey,
  encodeDeviceNote,
  MAX_CONTACT_DEVICES,
} from '@tanglemail/mail/core/envelope/device-tags.ts';
import { tagAt } from '@tanglemail/mail/core/envelope/tags.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ContactBook, TakenTag } from '../contacts/contact-book.ts';
import { type ControlNote, NOTE_FAMILIES, type NoteRouter } from '../inbox/note-router.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Contact } from '../store/collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { deviceSource, type TagBook } from '../tags/tag-book.ts';
import type { OwnDevice } from './own-device.ts';

export interface DeviceTagsDeps {
  readonly address: MailAddress;
  readonly own: OwnDevice;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly contacts: ContactBook;
  readonly tags: TagBook;
  readonly outbox: Pick<Outbox, 'enqueueNote' | 'observe'>;
  readonly random: (length: number) => Uint8Array;
  readonly logger: Logger;
  /** A contact asks for new tags: whatever else leads to it begins anew in the same batch. */
  readonly onRenew: (batch: SealedBatch, who: MailAddress) => () => void;
}

export class DeviceTags {
  readonly #deps: DeviceTagsDeps;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: DeviceTagsDeps) {
    this.#deps = deps;
    const { own, contacts, outbox } = deps;
    contacts.countBy({ take: (contact) => this.#take(contact), isInsteadOfKeys: !own.isFirst });
    if (own.isFirst) return;
    outbox.observe((entry) => this.#noteSent(entry));
  }

  register(notes: NoteRouter): void {
    notes.on(NOTE_FAMILIES.devices, (batch, note) => this.#receive(batch, note));
  }

  async stop(): Promise<void> {
    await this.#running;
  }

  #take(contact: Contact): TakenTag | undefined {
    const { ownTags } = contact;
    if (ownTags?.device !== this.#deps.own.id) return undefined;
    const { isKnown, before } = ownTags;
    const counted = isKnown ? ownTags : before;
    if (counted === undefined) return undefined;
    const { address: from } = this.#deps;
    const { address: to } = contact;
    const tag = tagAt(deviceTagKey(hexToBytes(counted.seed), { from, to }), counted.next);
    const moved = { ...counted, next: counted.next + 1 };
    const next = isKnown ? { ...ownTags, next: moved.next } : { ...ownTags, before: moved };
    return { kind: 'contact', tag, contact: { ...contact, ownTags: next } };
  }

  /** New seeds to everybody to whom this device counts on tags that were known elsewhere. */
  renew(batch: SealedBatch): (() => void)[] {
    return this.#deps.contacts.list().flatMap((contact) => this.#renewTo(batch, contact));
  }

  #renewTo(batch: SealedBatch, contact: Contact): (() => void)[] {
    const { own } = this.#deps;
    const { ownTags } = contact;
    const counts = ownTags?.device === own.id;
    if (!isFriend(contact) || (!counts && !own.isFirst)) return [];
    // What they never knew was never counted on; then what they knew before it still serves.
    const { seed, next } = ownTags ?? { seed: '', next: 0 };
    const before = counts ? (ownTags.isKnown ? { seed, next } : ownTags.before) : undefined;
    return [this.#draw(batch, contact, before)];
  }

  #draw(
    batch: SealedBatch,
    contact: Contact,
    before?: { readonly seed: string; readonly next: number },
  ): () => void {
    const { contacts, outbox, own, random } = this.#deps;
    const seed = random(32);
    const ownTags = {
      device: own.id,
      seed: bytesToHex(seed),
      next: 0,
      isKnown: false,
      ...(before === undefined ? {} : { before }),
    };
    const applyContact = contacts.put(batch, { ...contact, ownTags }, 'remote');
    const body = encodeDeviceNote({ kind: 'tell', device: own.id, seed });
    const applyNote = outbox.enqueueNote(batch, { to: contact.address, body });
    return () => {
      applyContact();
      applyNote();
    };
  }

  /** Whoever is written to, and knows us, is told our seed once. */
  #noteSent({ to, form, state, tagKind }: OutboxEntry): void {
    if (form === 'note' || state !== 'attached' || tagKind !== 'stranger') return;
    this.#running = this.#running
      .then(() => this.#tell(to))
      .catch((error: unknown) => {
        this.#deps.logger.debug(errorFields(error), 'a contact does not know our tags yet');
      });
  }

  async #tell(to: MailAddress): Promise<void> {
    const { writes, store, contacts, own } = this.#deps;
    await writes.run(async () => {
      const contact = contacts.get(to);
      if (contact === undefined || !isFriend(contact)) return;
      if (contact.ownTags?.device === own.id) return;
      const batch = store.batch();
      const apply = this.#draw(batch, contact);
      await batch.write();
      apply();
    });
  }

  #receive(batch: SealedBatch, note: ControlNote): () => void {
    const decoded = decodeDeviceNote(note.body);
    const contact = this.#deps.contacts.get(note.sender);
    if (!decoded.ok || contact?.state !== 'accepted') return () => {};
    const told = decoded.value;
    if (told.kind === 'tell') return this.#watch(batch, note.sender, told);
    if (told.kind === 'know') return this.#noteKnown(batch, contact, told.device);
    const applies = this.#renewTo(batch, contact);
    applies.push(this.#deps.onRenew(batch, note.sender));
    return () => applies.forEach((apply) => apply());
  }

  #noteKnown(batch: SealedBatch, contact: Contact, device: string): () => void {
    const { contacts, own } = this.#deps;
    const { ownTags } = contact;
    if (ownTags?.device !== own.id || device !== own.id) return () => {};
    const { before: _over, ...known } = ownTags;
    return contacts.put(batch, { ...contact, ownTags: { ...known, isKnown: true } }, 'remote');
  }

  #watch(
    batch: SealedBatch,
    from: MailAddress,
    { device, seed }: { readonly device: string; readonly seed: Uint8Array },
  ): () => void {
    const { address: to, tags, outbox } = this.#deps;
    const id = deviceSource(from, device);
    const isFull = tags.sourcesOf(from).filter((one) => one !== id).length >= MAX_CONTACT_DEVICES;
    if (isFull) return () => {};
    const applyTags = tags.watchSource(batch, id, deviceTagKey(seed, { from, to }));
    const body = encodeDeviceNote({ kind: 'know', device });
    const applyNote = outbox.enqueueNote(batch, { to: from, body });
    return () => {
      applyTags();
      applyNote();
    };
  }
}

/** Somebody whom we write to and who has written to us. */
function isFriend({ state, knowsUs }: Contact): boolean {
  return state === 'accepted' && knowsUs;
}
