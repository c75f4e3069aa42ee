/**
 * Contacts in the self-log: who they are to this account and what it calls them. Before: contact
 * book, device-log.ts; after: the other devices. Spec: docs/spec/26-self-log.md, section "Values".
 */
import { isDeepStrictEqual } from 'node:util';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type {
  Operation,
  OperationBody,
  Register,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { isKind } from '@tanglemail/mail/core/self-log/operation.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import { z } from 'zod';
import { blank, type ContactBook, type ContactChange } from '../contacts/contact-book.ts';
import {
  type Contact,
  contactFields,
  contacts as contactRecords,
  count,
  hex,
} from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { readJson } from './log-values.ts';

const VALUE = z.object({
  state: z.enum(['accepted', 'requested', 'blocked', 'removed']),
  addedAtMs: count,
  accountKey: hex.optional(),
  identityKey: hex.optional(),
  knowsUs: z.boolean(),
  note: contactFields.note,
  cameBy: contactFields.cameBy,
  writeBy: contactFields.writeBy,
});
type ContactValue = z.infer<typeof VALUE>;

/** Whether the keys are the right ones: apart from the rest, so that no change hides another. */
const TRUST = z.object({ verified: contactFields.verified, keyChange: contactFields.keyChange });

const REGISTERS: ReadonlySet<Register> = new Set(['contact', 'petname', 'trust']);
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
      bodies.push({ kind: 'set', register: 'contact', key, value: utf8ToBytes(value) });
    }
    if ((before?.name ?? '') !== after.name) {
      bodies.push({ kind: 'set', register: 'petname', key, value: utf8ToBytes(after.name) });
    }
    const trust = encodeTrust(after);
    if (encodeTrust(before ?? {}) !== trust) {
      bodies.push({ kind: 'set', register: 'trust', key, value: utf8ToBytes(trust) });
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
      if (!isKind(one, 'set') || !REGISTERS.has(one.body.register)) continue;
      if (ADDRESS.test(one.body.key)) touched.add(one.body.key);
    }
    return [...touched].flatMap((key) => this.#applyOne(batch, key as MailAddress));
  }

  #applyOne(batch: SealedBatch, address: MailAddress): (() => void)[] {
    const view = this.#log.view();
    const value = readJson(readRegister(view, 'contact', address), VALUE);
    const name = readRegister(view, 'petname', address);
    const trust = readJson(readRegister(view, 'trust', address), TRUST);
    if (value === undefined) return [];
    const known = this.#contacts.get(address);
    const { verified, keyChange, note: _note, ...kept } = known ?? blank(address, 0);
    const after = withoutAbsent({
      ...kept,
      ...value,
      ...(trust ?? { verified, keyChange }),
      name: name === undefined ? (known?.name ?? '') : decodeName(name),
      addedAtMs: known?.addedAtMs ?? value.addedAtMs,
      // That they know us is never unlearnt, and keys do not turn into unknown ones.
      knowsUs: value.knowsUs || known?.knowsUs === true,
      accountKey: value.accountKey ?? known?.accountKey,
      identityKey: value.identityKey ?? known?.identityKey,
    });
    const isSame = known !== undefined && isDeepStrictEqual(known, after);
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
  const { state, addedAtMs, accountKey, identityKey, knowsUs, note, cameBy, writeBy } = contact;
  const keys = { accountKey, identityKey, knowsUs };
  const value: ContactValue = { state, addedAtMs, ...keys, note, cameBy, writeBy };
  return JSON.stringify(value);
}

function encodeTrust({ verified, keyChange }: Pick<Contact, 'verified' | 'keyChange'>): string {
  return JSON.stringify({ verified, keyChange });
}

/** A contact whose fields that are not there are not named either. */
function withoutAbsent(fields: { readonly [K in keyof Contact]: Contact[K] | undefined }): Contact {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as Contact;
}

function decodeName(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).slice(0, 64);
}
