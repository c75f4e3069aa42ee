/**
 * Contacts in the self-log: who they are to this account and what it calls them. Before: contact
 * book, device-log.ts; after: the other devices. Spec: docs/spec/26-self-log.md, section "Values".
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { Operation, OperationBody } from '@tanglemail/mail/core/self-log/operation.ts';
import { isKind } from '@tanglemail/mail/core/self-log/operation.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import { z } from 'zod';
import type { ContactBook, ContactChange } from '../contacts/contact-book.ts';
import { type Contact, contacts as contactRecords, count, hex } from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';

const VALUE = z.object({
  state: z.enum(['accepted', 'requested', 'blocked', 'removed']),
  addedAtMs: count,
  accountKey: hex.optional(),
  identityKey: hex.optional(),
  knowsUs: z.boolean(),
});
type ContactValue = z.infer<typeof VALUE>;

const ADDRESS = /^[0-9a-f]{48}$/;

export class ContactLog {
  readonly #log: DeviceLog;
  readonly #contacts: ContactBook;

  constructor(log: DeviceLog, contacts: ContactBook) {
    this.#log = log;
    this.#contacts = contacts;
    contacts.observe((batch, change) => this.#journal(batch, change));
  }

  #journal(batch: SealedBatch, change: ContactChange): void {
    if (change.origin === 'remote' || change.kind !== 'contact') return;
    const { before, after } = change;
    const key = after.address;
    const bodies: OperationBody[] = [];
    const value = encode(after);
    if (before === undefined || encode(before) !== value) {
      bodies.push({ kind: 'set', register: 'contact', key, value: utf8(value) });
    }
    if ((before?.name ?? '') !== after.name) {
      bodies.push({ kind: 'set', register: 'petname', key, value: utf8(after.name) });
    }
    if (bodies.length > 0) this.#log.journal(batch, ...bodies);
  }

  /** All contacts that the log does not know yet: those of before the first device was made. */
  journalAll(batch: SealedBatch): void {
    const view = this.#log.view();
    for (const contact of this.#contacts.list()) {
      if (readRegister(view, 'contact', contact.address) !== undefined) continue;
      const change = {
        kind: 'contact',
        origin: 'local',
        before: undefined,
        after: contact,
      } as const;
      this.#journal(batch, change);
    }
  }

  /** Puts what operations of other devices mean for contacts into the batch. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const touched = new Set<string>();
    for (const one of operations) {
      const isContact =
        isKind(one, 'set') && (one.body.register === 'contact' || one.body.register === 'petname');
      if (isContact && ADDRESS.test(one.body.key)) touched.add(one.body.key);
    }
    return [...touched].flatMap((key) => this.#applyOne(batch, key as MailAddress));
  }

  #applyOne(batch: SealedBatch, address: MailAddress): (() => void)[] {
    const view = this.#log.view();
    const value = decode(readRegister(view, 'contact', address));
    const name = readRegister(view, 'petname', address);
    if (value === undefined) return [];
    const known = this.#contacts.get(address);
    const { accountKey, identityKey } = value;
    const after: Contact = {
      nextContactTag: 0,
      nextInviteTag: 0,
      ...known,
      address,
      name: name === undefined ? (known?.name ?? '') : decodeName(name),
      state: value.state,
      addedAtMs: known?.addedAtMs ?? value.addedAtMs,
      // That they know us is never unlearnt.
      knowsUs: value.knowsUs || known?.knowsUs === true,
      ...(accountKey === undefined ? {} : { accountKey }),
      ...(identityKey === undefined ? {} : { identityKey }),
    };
    const isSame = known !== undefined && JSON.stringify(known) === JSON.stringify(after);
    // Another device may run a later program: what this one could not keep is left out.
    if (isSame || !isStorable(after)) return [];
    return [this.#contacts.put(batch, after, 'remote')];
  }
}

function isStorable(contact: Contact): boolean {
  try {
    contactRecords.schema.parse(contact);
    return true;
  } catch {
    return false;
  }
}

function encode(contact: Contact): string {
  const { state, addedAtMs, accountKey, identityKey, knowsUs } = contact;
  const value: ContactValue = { state, addedAtMs, accountKey, identityKey, knowsUs };
  return JSON.stringify(value);
}

function decode(bytes: Uint8Array | undefined): ContactValue | undefined {
  if (bytes === undefined) return undefined;
  try {
    return VALUE.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function decodeName(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).slice(0, 64);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
