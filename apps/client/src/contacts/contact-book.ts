/**
 * The people this account writes to and hears from: petnames, keys once seen, and which kind of tag
 * a mail to each may carry. Before: the local API and the inbox; after: tags, outbox.
 * Spec: docs/spec/23-envelope.md, docs/spec/20-identity.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { contactTagKey, inviteTagKey, tagAt } from '@tanglemail/mail/core/envelope/tags.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import { type Contact, contacts, invites } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { TagBook } from '../tags/tag-book.ts';

/** A tag for one mail, and the contact record that remembers that it is used up. */
export interface TakenTag {
  readonly kind: 'contact' | 'invite';
  readonly tag: Uint8Array;
  readonly contact: Contact;
}

/** Who turned out to have written: facts of an opened letter. */
export interface KnownSender {
  readonly address: MailAddress;
  readonly accountKey: Uint8Array;
  readonly identityKey: Uint8Array;
}

export interface ContactBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly tags: TagBook;
  readonly suite: SealingSuite;
}

export class ContactBook {
  readonly #deps: ContactBookDeps;
  readonly #byAddress = new Map<MailAddress, Contact>();

  private constructor(deps: ContactBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: ContactBookDeps): Promise<ContactBook> {
    const book = new ContactBook(deps);
    for await (const { value } of deps.store.scan(contacts)) {
      book.#byAddress.set(value.address, value);
    }
    return book;
  }

  get(address: MailAddress): Contact | undefined {
    return this.#byAddress.get(address);
  }

  /** All contacts, by name. */
  list(): Contact[] {
    return [...this.#byAddress.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /** The contact with this petname, whatever its case; undefined when none or several have it. */
  byName(name: string): Contact | undefined {
    const wanted = name.trim().toLowerCase();
    const found = this.list().filter((one) => one.name.toLowerCase() === wanted);
    return found.length === 1 ? found[0] : undefined;
  }

  /**
   * Adds or renames a contact that the user wants. An invite secret of its link gives the first
   * mails exact tags.
   */
  async add(
    address: MailAddress,
    facts: { readonly name: string; readonly invite?: Uint8Array; readonly nowMs: number },
  ): Promise<Contact> {
    const known = this.#byAddress.get(address);
    const isNewInvite = facts.invite !== undefined && bytesToHex(facts.invite) !== known?.invite;
    const contact: Contact = {
      ...(known ?? blank(address, facts.nowMs)),
      name: facts.name,
      state: 'accepted',
      ...(facts.invite === undefined ? {} : { invite: bytesToHex(facts.invite) }),
      ...(isNewInvite ? { nextInviteTag: 0 } : {}),
    };
    const batch = this.#deps.store.batch();
    const apply = this.put(batch, contact);
    await batch.write();
    apply();
    return contact;
  }

  /** Remembers the keys that a descriptor shows, so that tags for mail from there are watched. */
  async learnKeys(
    address: MailAddress,
    keys: { readonly accountKey: Uint8Array; readonly identityKey: Uint8Array },
  ): Promise<void> {
    const known = this.#byAddress.get(address);
    if (known === undefined) return;
    const accountKey = bytesToHex(keys.accountKey);
    const identityKey = bytesToHex(keys.identityKey);
    const batch = this.#deps.store.batch();
    const apply = this.put(batch, { ...known, accountKey, identityKey });
    await batch.write();
    apply();
  }

  async remove(address: MailAddress): Promise<boolean> {
    if (!this.#byAddress.has(address)) return false;
    const { store, tags } = this.#deps;
    const batch = store.batch().del('contact', store.opaque(address));
    const applyTags = tags.removeSource(batch, contactSource(address));
    await batch.write();
    applyTags();
    this.#byAddress.delete(address);
    return true;
  }

  /** Makes an invite: a secret for one person, whose tags are watched from now on. */
  async invite(secret: Uint8Array, name: string, nowMs: number): Promise<void> {
    const { store, tags, account } = this.#deps;
    const key = store.opaque(bytesToHex(secret));
    const batch = store.batch();
    batch.put(invites, key, { secret: bytesToHex(secret), name, createdAtMs: nowMs });
    const apply = tags.addSource(batch, `invite:${key}`, inviteTagKey(secret, account.address));
    await batch.write();
    apply();
  }

  /**
   * Notes who wrote a letter: keys are remembered, and tags for mail from them are watched. A
   * sender that used an invite of ours is accepted at once, another one asks first.
   */
  noteSender(
    batch: SealedBatch,
    sender: KnownSender,
    facts: { readonly isInvited: boolean; readonly name: string; readonly nowMs: number },
  ): { readonly contact: Contact; readonly apply: () => void } {
    const known = this.#byAddress.get(sender.address);
    const state = known?.state ?? (facts.isInvited ? 'accepted' : 'requested');
    const contact: Contact = {
      ...(known ?? { ...blank(sender.address, facts.nowMs), name: facts.name }),
      state: state === 'requested' && facts.isInvited ? 'accepted' : state,
      accountKey: bytesToHex(sender.accountKey),
      identityKey: bytesToHex(sender.identityKey),
      knowsUs: true,
    };
    return { contact, apply: this.put(batch, contact) };
  }

  /** The exact tag of the next mail to `contact`, or undefined when only a stranger's will do. */
  takeTag(contact: Contact): TakenTag | undefined {
    const { account, suite } = this.#deps;
    const { address: to, identityKey, invite } = contact;
    if (contact.knowsUs && identityKey !== undefined) {
      const direction = { from: account.address, to };
      const secret = account.keys.identity.secretKey;
      const key = contactTagKey(secret, hexToBytes(identityKey), direction, suite);
      if (key !== undefined) {
        const tag = tagAt(key, contact.nextContactTag);
        const next = { ...contact, nextContactTag: contact.nextContactTag + 1 };
        return { kind: 'contact', tag, contact: next };
      }
    }
    if (invite === undefined) return undefined;
    const tag = tagAt(inviteTagKey(hexToBytes(invite), to), contact.nextInviteTag);
    const next = { ...contact, nextInviteTag: contact.nextInviteTag + 1 };
    return { kind: 'invite', tag, contact: next };
  }

  /** Puts a contact into a batch, with the tag source of accepted ones whose key is known. */
  put(batch: SealedBatch, contact: Contact): () => void {
    const { store, tags, account, suite } = this.#deps;
    batch.put(contacts, store.opaque(contact.address), contact);
    const applies: (() => void)[] = [() => this.#byAddress.set(contact.address, contact)];
    if (contact.state === 'accepted' && contact.identityKey !== undefined) {
      const direction = { from: contact.address, to: account.address };
      const secret = account.keys.identity.secretKey;
      const key = contactTagKey(secret, hexToBytes(contact.identityKey), direction, suite);
      if (key) applies.push(tags.addSource(batch, contactSource(contact.address), key));
    }
    return () => applies.forEach((apply) => apply());
  }
}

function contactSource(address: MailAddress): string {
  return `contact:${address}`;
}

function blank(address: MailAddress, nowMs: number): Contact {
  return {
    address,
    name: '',
    state: 'accepted',
    addedAtMs: nowMs,
    knowsUs: false,
    nextContactTag: 0,
    nextInviteTag: 0,
  };
}
