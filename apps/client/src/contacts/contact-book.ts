/**
 * The people this account writes to and hears from: petnames, keys once seen, and which kind of tag
 * a mail to each may carry. Before: the local API and the inbox; after: tags, outbox.
 * Spec: docs/spec/23-envelope.md, docs/spec/20-identity.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { skeletonOf } from '@tanglemail/mail/core/identity/lookalike.ts';
import { contactTagKey, inviteTagKey, tagAt } from '@tanglemail/mail/core/envelope/tags.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import { type Contact, contacts, type Invite } from '../store/collections.ts';
import { type KeyHistory, keyHistories, MAX_KEY_HISTORY } from '../store/people-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { contactSource, type TagBook } from '../tags/tag-book.ts';
import { InviteBook } from './invite-book.ts';

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
  /** Our sub-address by which the letter came. */
  readonly cameBy?: string;
  readonly nowMs: number;
}

/** What the user says of a contact. */
export interface ContactFacts {
  readonly name: string;
  /** The secret of their link: it gives the first mails exact tags. */
  readonly invite?: Uint8Array;
  /** Their sub-address that the link or the address names. */
  readonly writeBy?: string;
  readonly note?: string;
  readonly nowMs: number;
}

export interface ContactBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tags: TagBook;
  readonly suite: SealingSuite;
  /** Called when a change is on the disk. */
  readonly onChange?: (address: MailAddress) => void;
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

/** Counts on tags of its own; undefined for a contact to whom it has none. */
export interface TagCounter {
  readonly take: (contact: Contact) => TakenTag | undefined;
  /** Whether the tags that keys and invites give are another device's. */
  readonly isInsteadOfKeys: boolean;
}

export class ContactBook {
  readonly #deps: ContactBookDeps;
  readonly #byAddress = new Map<MailAddress, Contact>();
  readonly #observers = new Set<ContactObserver>();
  #counting: TagCounter | undefined;
  #invites: InviteBook | undefined;

  private constructor(deps: ContactBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: ContactBookDeps): Promise<ContactBook> {
    const book = new ContactBook(deps);
    book.#invites = await InviteBook.load({
      ...deps,
      address: deps.account.address,
      tell: (batch, change) => book.#tell(batch, change),
    });
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

  /** What was given out. */
  get invites(): InviteBook {
    if (this.#invites === undefined) throw new Error('broken invariant: the book is loaded');
    return this.#invites;
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
  async add(address: MailAddress, facts: ContactFacts): Promise<Contact> {
    return this.change(address, (known) => {
      const invite = facts.invite === undefined ? known?.invite : bytesToHex(facts.invite);
      const { name, note, writeBy } = facts;
      return {
        ...(known ?? blank(address, facts.nowMs)),
        name,
        state: 'accepted',
        ...(note === undefined ? {} : { note }),
        ...(writeBy === undefined ? {} : { writeBy }),
        ...(invite === undefined ? {} : { invite }),
        ...(invite === known?.invite ? {} : { nextInviteTag: 0 }),
      };
    });
  }

  /**
   * Remembers the keys that a descriptor shows, so that tags for mail from there are watched, and
   * that they are others than before. Gives what is known then.
   */
  async learnKeys(
    address: MailAddress,
    keys: KnownKeys,
    nowMs: number,
  ): Promise<Contact | undefined> {
    await this.change(address, (known) => {
      const next = known && withKeys(known, keys, nowMs);
      return next === known ? undefined : next;
    });
    return this.get(address);
  }

  /** The identity keys that a contact has shown, the oldest first. */
  keyHistory(address: MailAddress): KeyHistory['lines'] {
    const { store } = this.#deps;
    return store.get(keyHistories, store.opaque(address))?.lines ?? [];
  }

  /**
   * Takes a contact out of sight. What it used up stays on record, and its tags stay watched: the
   * other side does not know, and its mail goes to Requests like anybody's. False when unknown.
   */
  async remove(address: MailAddress): Promise<boolean> {
    let isRemoved = false;
    await this.change(address, (known) => {
      isRemoved = known !== undefined && known.state !== 'removed';
      return known && forgotten(known);
    });
    return isRemoved;
  }

  /**
   * Reads, decides and writes one record under the lock; undefined when there is nothing to do.
   * What `change` throws is passed on, and nothing is written.
   */
  async change<T extends Contact | undefined>(
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

  /** Writes several records, each another address's, in one batch. */
  async changeAll(change: (book: ContactBook) => readonly Contact[]): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const changed = change(this);
      if (changed.length === 0) return;
      const batch = store.batch();
      const applies = changed.map((one) => this.put(batch, one));
      await batch.write();
      for (const apply of applies) apply();
    });
  }

  /** Makes an invite: a secret for one person, whose tags are watched from now on. */
  async invite(secret: Uint8Array, name: string, nowMs: number): Promise<void> {
    await this.invites.create(secret, { name, nowMs });
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
    const { nowMs, cameBy } = facts;
    const known = this.#byAddress.get(sender.address);
    const isNew = known === undefined || known.state === 'removed';
    const isAsking = known === undefined || known.state === 'requested';
    const { inviteId } = facts;
    const invite = inviteId === undefined ? undefined : this.invites.open(inviteId, nowMs);
    const isAccepted = invite !== undefined && isAsking;
    const state = isNew ? 'requested' : known.state;
    const before = known ?? blank(sender.address, nowMs);
    const contact: Contact = {
      ...withKeys(before, sender, nowMs, this.keyHistory(sender.address)),
      ...(isNew ? { name: facts.name } : {}),
      ...(isNew && cameBy !== undefined ? { cameBy } : {}),
      ...(isAccepted ? { name: this.#invitedName(invite, facts.name) } : {}),
      state: isAccepted ? 'accepted' : state,
      knowsUs: true,
    };
    const applies = [this.put(batch, contact)];
    if (isAccepted && inviteId !== undefined) {
      applies.push(this.invites.noteUse(batch, inviteId, sender.address, nowMs));
    }
    return { contact, apply: () => applies.forEach((apply) => apply()) };
  }

  /** Our name for whom we invited; else its own, unless that is, or looks like, somebody else's. */
  #invitedName(invite: Invite, name: string): string {
    return invite.name === '' ? this.freeName(name) : invite.name;
  }

  /** Whether an accepted contact other than `address` has this name, whatever its case. */
  isTaken(name: string, address: MailAddress): boolean {
    return this.#named(name).some((one) => one.address !== address);
  }

  /** `name`, or empty when an accepted contact other than `address` has it or one that looks so. */
  freeName(name: string, address?: MailAddress): string {
    return this.lookalike(name, address) === undefined ? name : '';
  }

  /** The accepted contact, other than `address`, whose name can be taken for `name`. */
  lookalike(name: string, address?: MailAddress): Contact | undefined {
    const wanted = skeletonOf(name);
    if (wanted === '') return undefined;
    return this.list().find(
      (one) =>
        one.state === 'accepted' && one.address !== address && skeletonOf(one.name) === wanted,
    );
  }

  /**
   * Whom a mail goes to, with the keys of the descriptor it is sealed for. Whoever is written to
   * may answer: the caller puts the record, so that tags for the answer are watched before the
   * mail leaves. The user's own mail makes a request, or somebody unknown, a contact.
   */
  recipient(address: MailAddress, keys: KnownKeys, nowMs: number): Contact {
    const known = this.#byAddress.get(address) ?? blank(address, nowMs);
    const state = known.state === 'blocked' ? 'blocked' : 'accepted';
    return { ...withKeys(known, keys, nowMs), state };
  }

  /** This device has tags of its own, beside those that keys and invites give or instead. */
  countBy(counter: TagCounter): void {
    this.#counting = counter;
  }

  /** The exact tag of the next mail to `contact`, or undefined when only a stranger's will do. */
  takeTag(contact: Contact): TakenTag | undefined {
    const own = this.#counting?.take(contact);
    if (own !== undefined || this.#counting?.isInsteadOfKeys === true) return own;
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
    this.#putHistory(batch, contact);
    const before = this.#byAddress.get(contact.address);
    this.#tell(batch, { kind: 'contact', origin, before, after: contact });
    const applies: (() => void)[] = [
      () => this.#byAddress.set(contact.address, contact),
      () => this.#deps.onChange?.(contact.address),
    ];
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

  /** Appends the present key to the history when it is not the one that stands there last. */
  #putHistory(batch: SealedBatch, { address, identityKey, keysSeenAtMs }: Contact): void {
    const lines = this.keyHistory(address);
    if (identityKey === undefined || lines.at(-1)?.identityKey === identityKey) return;
    const line = { identityKey, seenAtMs: keysSeenAtMs ?? 0 };
    const kept = [...lines, line].slice(-MAX_KEY_HISTORY);
    batch.put(keyHistories, this.#deps.store.opaque(address), { lines: kept });
  }
}

/**
 * The contact with the keys that it shows. Another identity key than before ends its verification
 * and is a change that the user must accept, unless `history` has it: then it is an old letter.
 */
function withKeys(
  known: Contact,
  keys: KnownKeys,
  nowMs: number,
  history: KeyHistory['lines'] = [],
): Contact {
  const identityKey = bytesToHex(keys.identityKey);
  if (known.identityKey === identityKey) return known;
  const next = { ...known, accountKey: bytesToHex(keys.accountKey), identityKey };
  if (known.identityKey === undefined) return { ...next, keysSeenAtMs: nowMs };
  if (history.some((line) => line.identityKey === identityKey)) return known;
  const { verified, keyChange, ...rest } = next;
  const wasVerified = verified !== undefined || keyChange?.wasVerified === true;
  return { ...rest, keysSeenAtMs: nowMs, keyChange: { atMs: nowMs, wasVerified } };
}

/** The contact once the user has said that its present keys are right. */
export function withoutKeyChange({ keyChange: _accepted, ...contact }: Contact): Contact {
  return contact;
}

/** What stays of a contact that is removed: what it used up, and its keys. */
export function forgotten(contact: Contact): Contact {
  const { note: _note, verified: _verified, keyChange: _change, ...rest } = contact;
  return { ...rest, name: '', state: 'removed' };
}

/** A contact of whom nothing is known but the address. */
export function blank(address: MailAddress, nowMs: number): Contact {
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
