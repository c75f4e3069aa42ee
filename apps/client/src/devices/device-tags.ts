/**
 * The tags of this device where it is not the account's first: each contact is told a seed that no
 * other device counts on, and once it says that it watches these tags, mail to it carries them.
 * Until then mail goes under a stranger's tag. Before: contact book, outbox; after: the contacts'
 * clients. Spec: docs/spec/23-envelope.md, section "Tags of further devices".
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
}

export class DeviceTags {
  readonly #deps: DeviceTagsDeps;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: DeviceTagsDeps) {
    this.#deps = deps;
    const { own, contacts, outbox } = deps;
    if (own.isFirst) return;
    contacts.countBy((contact) => this.#take(contact));
    outbox.observe((entry) => this.#noteSent(entry));
  }

  register(notes: NoteRouter): void {
    notes.on(NOTE_FAMILIES.devices, (batch, note) => this.#receive(batch, note));
  }

  async stop(): Promise<void> {
    await this.#running;
  }

  #take(contact: Contact): TakenTag | undefined {
    const { own, address: from } = this.#deps;
    const { ownTags, address: to } = contact;
    if (ownTags?.device !== own.id || !ownTags.isKnown) return undefined;
    const key = deviceTagKey(hexToBytes(ownTags.seed), { from, to });
    const next = { ...ownTags, next: ownTags.next + 1 };
    return {
      kind: 'contact',
      tag: tagAt(key, ownTags.next),
      contact: { ...contact, ownTags: next },
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
    const { writes, store, contacts, outbox, own, random } = this.#deps;
    await writes.run(async () => {
      const contact = contacts.get(to);
      const isContact = contact?.state === 'accepted' && contact.knowsUs;
      if (!isContact || contact.ownTags?.device === own.id) return;
      const seed = random(32);
      const ownTags = { device: own.id, seed: bytesToHex(seed), next: 0, isKnown: false };
      const batch = store.batch();
      const applyContact = contacts.put(batch, { ...contact, ownTags }, 'remote');
      const body = encodeDeviceNote({ kind: 'tell', device: own.id, seed });
      const applyNote = outbox.enqueueNote(batch, { to, body });
      await batch.write();
      applyContact();
      applyNote();
    });
  }

  #receive(batch: SealedBatch, note: ControlNote): () => void {
    const { contacts, own, address: to, tags, outbox } = this.#deps;
    const decoded = decodeDeviceNote(note.body);
    const contact = contacts.get(note.sender);
    if (!decoded.ok || contact?.state !== 'accepted') return () => {};
    const { kind, device } = decoded.value;
    if (kind === 'know') {
      const { ownTags } = contact;
      if (ownTags?.device !== own.id || device !== own.id) return () => {};
      return contacts.put(batch, { ...contact, ownTags: { ...ownTags, isKnown: true } }, 'remote');
    }
    const { sender: from } = note;
    const id = deviceSource(from, device);
    const isFull = tags.sourcesOf(from).filter((one) => one !== id).length >= MAX_CONTACT_DEVICES;
    if (isFull) return () => {};
    const key = deviceTagKey(decoded.value.seed, { from, to });
    const applyTags = tags.watchSource(batch, id, key);
    const body = encodeDeviceNote({ kind: 'know', device });
    const applyNote = outbox.enqueueNote(batch, { to: from, body });
    return () => {
      applyTags();
      applyNote();
    };
  }
}
