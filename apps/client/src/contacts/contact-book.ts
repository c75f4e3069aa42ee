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
import { type Contact, contacts, type Invite, invites } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TagBook } from '../tags/tag-book.ts';

/** A tag for one mail, and the contact record that remembers that it is used up. */
export interface TakenTag {
  readonly kind: 'contact' | 'invite';
  readonly tag: Uint8Array;
  readonly contact: Contact;
}

/** Keys that a descriptor or an opened letter proves. */
export interface KnownKeys {
  readonly accountKey: Uint8Array;
  readonly identityKey: Uint8Array;
}

/** Who turned out to have written: facts of an opened letter. */
export interface KnownSender extends KnownKeys {
  readonly address: MailAddress;
}

/** What came with a sender's letter. */
export interface SenderFacts {
  /** The part of the tag source's id behind `invite:`, when the tag was one of an invite's. */
  readonly inviteId?: string;
  /** What the sender calls itself. */
  readonly name: string;
  readonly nowMs: number;
}

export interface ContactBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tags: TagBook;
  readonly suite: SealingSuite;
}

/** Who made a change: the user of this device, or another device of the account. */
export type ChangeOrigin = 'local' | 'remote';

/** What a batch is about to change, for whoever has to know it in the same write. */
export type ContactChange =
  | {
      readonly kind: 'contact';
      readonly origin: ChangeOrigin;
      /** Absent when nothing was known of the address. */
      readonly before: Contact | undefined;
      readonly after: Contact;
    }
  | {
      readonly kind: 'invite';
      readonly origin: ChangeOrigin;
      /** Key of the record: opaque(secret). */
      readonly id: string;
      readonly after: Invite;
    };

/** Adds to the batch what belongs to the change; must not throw. */
export type ContactObserver = (batch: SealedBatch, change: ContactChange) => void;

/** Start of the id of an invite's tag source. */
export const INVITE_SOURCE = 'invite:';

export class ContactBook {
  readonly #deps: ContactBookDeps;
  readonly #byAddress = new Map<MailAddress, Contact>();
  readonly #observers = new Set<ContactObserver>();

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

  /** Calls `observer` inside every change until the function it gives is called. */
  observe(observer: ContactObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  #tell(batch: SealedBatch, change: ContactChange): void {
    for (const observer of this.#observers) observer(batch, change);
  }

  /** What is known of an address; also of somebody who was removed or blocked. */
  get(address: MailAddress): Contact | undefined {
    return this.#byAddress.get(address);
  }

  /** All contacts, by name. */
  list(): Contact[] {
    const shown = [...this.#byAddress.values()].filter((one) => one.state !== 'removed');
    return shown.toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /**
   * The accepted contact with this petname, whatever its case; undefined when none or several have
   * it. Names that strangers give themselves do not count: mail must not go to an impostor.
   */
  byName(name: string): Contact | undefined {
    const found = this.#named(name);
    return found.length === 1 ? found[0] : undefined;
  }

  #named(name: string): Contact[] {
    const wanted = name.trim().toLowerCase();
    if (wanted === '') return [];
    const accepted = this.list().filter((one) => one.state === 'accepted');
    return accepted.filter((one) => one.name.toLowerCase() === wanted);
  }

  /**
   * Adds or renames a contact that the user wants. An invite secret of its link gives the first
   * mails exact tags. Counters of an earlier time go on.
   */
  async add(
    address: MailAddress,
    facts: { readonly name: string; readonly invite?: Uint8Array; readonly nowMs: number },
  ): Promise<Contact> {
    return this.#change(address, (known) => {
      const invite = facts.invite === undefined ? known?.invite : bytesToHex(facts.invite);
      return {
        ...(known ?? blank(address, facts.nowMs)),
        name: facts.name,
        state: 'accepted',
        ...(invite === undefined ? {} : { invite }),
        ...(invite === known?.invite ? {} : { nextInviteTag: 0 }),
      };
    });
  }

  /** Remembers the keys that a descriptor shows, so that tags for mail from there are watched. */
  async learnKeys(address: MailAddress, keys: KnownKeys): Promise<void> {
    await this.#change(address, (known) => known && { ...known, ...keyFields(keys) });
  }

  /**
   * Takes a contact out of sight. What it used up stays on record, and its tags stay watched: the
   * other side does not know, and its mail goes to Requests like anybody's. False when unknown.
   */
  async remove(address: MailAddress): Promise<boolean> {
    let isRemoved = false;
    await this.#change(address, (known) => {
      isRemoved = known !== undefined && known.state !== 'removed';
      return known && { ...known, name: '', state: 'removed' };
    });
    return isRemoved;
  }

  /** Reads, decides and writes one record under the lock; undefined when there is nothing to do. */
  async #change<T extends Contact | undefined>(
    address: MailAddress,
    change: (known: Contact | undefined) => T,
  ): Promise<T> {
    const { store, writes } = this.#deps;
    return writes.run(async () => {
      const changed = change(this.#byAddress.get(address));
      if (changed === undefined) return changed;
      const batch = store.batch();
      const apply = this.put(batch, changed);
      await batch.write();
      apply();
      return changed;
    });
  }

  /** Makes an invite: a secret for one person, whose tags are watched from now on. */
  async invite(secret: Uint8Array, name: string, nowMs: number): Promise<void> {
    const { store, writes, tags, account } = this.#deps;
    const key = store.opaque(bytesToHex(secret));
    const source = `${INVITE_SOURCE}${key}`;
    await writes.run(async () => {
      const batch = store.batch();
      const after = { secret: bytesToHex(secret), name, createdAtMs: nowMs };
      batch.put(invites, key, after);
      this.#tell(batch, { kind: 'invite', origin: 'local', id: key, after });
      const apply = tags.watchSource(batch, source, inviteTagKey(secret, account.address));
      await batch.write();
      apply();
    });
  }

  /**
   * Notes who wrote a letter: keys are remembered, and tags for mail from an accepted contact are
   * watched. A sender that used an invite of ours is accepted at once, another one asks first.
   * Runs under the write lock; the caller writes the batch, then calls `apply`.
   */
  noteSender(
    batch: SealedBatch,
    sender: KnownSender,
    facts: SenderFacts,
  ): { readonly contact: Contact; readonly apply: () => void } {
    const known = this.#byAddress.get(sender.address);
    const isNew = known === undefined || known.state === 'removed';
    const isAsking = known === undefined || known.state === 'requested';
    const isAccepted = facts.inviteId !== undefined && isAsking;
    const state = isNew ? 'requested' : known.state;
    const contact: Contact = {
      ...(known ?? blank(sender.address, facts.nowMs)),
      ...(isNew ? { name: facts.name } : {}),
      ...(isAccepted ? { name: this.#invitedName(facts) } : {}),
      state: isAccepted ? 'accepted' : state,
      ...keyFields(sender),
      knowsUs: true,
    };
    return { contact, apply: this.put(batch, contact) };
  }

  /** Our name for whom we invited; else its own, unless that is the name of somebody else. */
  #invitedName({ inviteId, name }: SenderFacts): string {
    const invite = inviteId === undefined ? undefined : this.#deps.store.get(invites, inviteId);
    const given = invite?.name ?? '';
    if (given !== '') return given;
    return this.#named(name).length === 0 ? name : '';
  }

  /**
   * Whom a mail goes to, with the keys of the descriptor it is sealed for. Whoever is written to
   * may answer: the caller puts the record, so that tags for the answer are watched before the
   * mail leaves. The user's own mail makes a request, or somebody unknown, a contact.
   */
  recipient(address: MailAddress, keys: KnownKeys, nowMs: number): Contact {
    const known = this.#byAddress.get(address) ?? blank(address, nowMs);
    const state = known.state === 'blocked' ? 'blocked' : 'accepted';
    return { ...known, state, ...keyFields(keys) };
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

  /**
   * Puts a contact into a batch, with the tag source of accepted ones whose key is known; tags of
   * blocked ones are watched no more. Every change of a contact comes through here, also what
   * another device wrote (`remote`); the caller writes the batch, then calls the function.
   */
  put(batch: SealedBatch, contact: Contact, origin: ChangeOrigin = 'local'): () => void {
    const { store, tags, account, suite } = this.#deps;
    batch.put(contacts, store.opaque(contact.address), contact);
    const before = this.#byAddress.get(contact.address);
    this.#tell(batch, { kind: 'contact', origin, before, after: contact });
    const applies: (() => void)[] = [() => this.#byAddress.set(contact.address, contact)];
    if (contact.state === 'blocked') {
      applies.push(tags.restSource(batch, contactSource(contact.address)));
    }
    if (contact.state === 'accepted' && contact.identityKey !== undefined) {
      const direction = { from: contact.address, to: account.address };
      const secret = account.keys.identity.secretKey;
      const key = contactTagKey(secret, hexToBytes(contact.identityKey), direction, suite);
      if (key) applies.push(tags.watchSource(batch, contactSource(contact.address), key));
    }
    return () => applies.forEach((apply) => apply());
  }
}

/** Id of the tag source of a contact. */
export function contactSource(address: MailAddress): string {
  return `contact:${address}`;
}

function keyFields(keys: KnownKeys): { accountKey: string; identityKey: string } {
  return {
    accountKey: bytesToHex(keys.accountKey),
    identityKey: bytesToHex(keys.identityKey),
  };
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
