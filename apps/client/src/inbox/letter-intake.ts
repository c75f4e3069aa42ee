/**
 * Takes an envelope that reached us, from a provider or straight from gossip: opens it, learns who
 * wrote it, files the message once, moves the tag window on. Before: provider-sync.ts and
 * node-feed.ts; after: messages, contacts. Spec: docs/spec/22-letter.md, docs/spec/42-delivery.md.
 */
import { matchesStranger, scanDays } from '@tanglemail/mail/core/envelope/stranger.ts';
import { decodeEnvelope, type MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { openEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { createKeyring, type EpochKeyring } from '@tanglemail/mail/core/letter/keyring.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import { MAX_NAME_LENGTH } from '@tanglemail/mail/core/identity/link.ts';
import { type EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Account, emailText } from '../account/account.ts';
import { contactSource, type ContactBook, INVITE_SOURCE } from '../contacts/contact-book.ts';
import type { StandardFolder } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { type Contact, seenLetters, seenRoots } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TagBook, TagMatch } from '../tags/tag-book.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

/** What became of an envelope. */
export type Intake =
  | { readonly kind: 'delivered'; readonly mailId: string }
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly code: string };

export interface LetterIntakeDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: TangleAccess;
  readonly contacts: ContactBook;
  readonly tags: TagBook;
  readonly messages: MessageStore;
  readonly epochs: () => EpochState;
  readonly suite: SealingSuite;
  readonly logger: Logger;
  readonly onDelivered: (mailId: string) => void;
}

interface ShownFacts {
  readonly hasAttachments: boolean;
  readonly messageId: string;
  readonly fromName: string;
  readonly to: string;
  readonly subject: string;
}

/** An opened letter, and what the envelope around it said. */
interface Arrival {
  readonly letter: OpenedLetter;
  readonly tag: Uint8Array;
  readonly root: string;
  readonly shown: ShownFacts;
}

export class LetterIntake {
  readonly #deps: LetterIntakeDeps;
  #keyring: { readonly of: EpochState; readonly ring: EpochKeyring } | undefined;

  constructor(deps: LetterIntakeDeps) {
    this.#deps = deps;
  }

  /**
   * Whether an envelope that arrived at `arrivedAt` (unix seconds) may be for us: a registered tag,
   * or a stranger's in our bucket.
   */
  isOurs(envelope: MailEnvelope, arrivedAt: number): boolean {
    const { tags } = this.#deps;
    return tags.match(envelope.tag) !== undefined || this.isStrangers(envelope, arrivedAt);
  }

  /** Whether a stranger's envelope may be for us; needs only its first 50 bytes. */
  isStrangers(envelope: MailEnvelope, arrivedAt: number): boolean {
    const { account, suite } = this.#deps;
    const days = scanDays(arrivedAt);
    return matchesStranger(envelope, account.intro, days, STRANGER_BUCKET_BITS, suite);
  }

  /** Whether the envelope with this root was looked into, from any provider or gossip. */
  hasTaken(root: string): boolean {
    return this.#refusalOf(root) !== undefined;
  }

  /** Whether the envelope with this root held a letter for us. */
  isLetter(root: string): boolean {
    return this.#refusalOf(root) === '';
  }

  #refusalOf(root: string): string | undefined {
    const { store } = this.#deps;
    return store.get(seenRoots, rootKey(store, root))?.refusal;
  }

  /**
   * Opens and files an envelope; everything it changes is one synced batch. One that was looked
   * into before, whoever brought it, is not opened again.
   */
  async take(bytes: Uint8Array): Promise<Intake> {
    const { account, tangle, suite, writes } = this.#deps;
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok) return { kind: 'refused', code: envelope.code };
    const root = bytesToHex(segmentRoot(bytes));
    if (this.hasTaken(root)) return { kind: 'known' };
    const { address, keys, networkId } = account;
    const reader = { address, identity: keys.identity, keyring: this.#ring() };
    const opened = openEnvelope(bytes, networkId, reader, suite, tangle.verifier);
    if (!opened.ok) return this.#refuse(root, opened.code);
    if (opened.value.kind !== 'message') return this.#refuse(root, 'letter-kind-unknown');
    const shown = await this.#shownFacts(opened.value.message);
    const { tag } = envelope.value;
    return writes.run(() => this.#file({ letter: opened.value, tag, root, shown }));
  }

  /** The keys of an epoch cost an ML-KEM key generation: they are derived once, not per mail. */
  #ring(): EpochKeyring {
    const state = this.#deps.epochs();
    if (this.#keyring?.of !== state) {
      this.#keyring = { of: state, ring: createKeyring(state, this.#deps.suite) };
    }
    return this.#keyring.ring;
  }

  async #refuse(root: string, code: string): Promise<Intake> {
    const { store } = this.#deps;
    const batch = store.batch().put(seenRoots, rootKey(store, root), { refusal: code });
    await batch.write();
    return { kind: 'refused', code };
  }

  async #file(arrival: Arrival): Promise<Intake> {
    const { store, tags, messages, tangle } = this.#deps;
    const { letter, root, shown } = arrival;
    const messageKey = `${letter.senderAddress}:${letter.letterId}`;
    const seenKey = store.opaque(messageKey);
    const batch = store.batch();
    batch.put(seenRoots, rootKey(store, root), { refusal: '' });
    const match = this.#matchOf(arrival);
    const applyTags = match === undefined ? () => {} : tags.markSeen(batch, match);
    if (store.get(seenLetters, seenKey) !== undefined) {
      // The same letter in another envelope: its sender sealed it again. Its number is used up.
      await batch.write();
      applyTags();
      return { kind: 'known' };
    }
    const nowMs = tangle.clock.nowMs();
    const noted = this.#noteSender(batch, letter, match, shown.fromName);
    const delivered = messages.deliver(batch, {
      folder: folderFor(noted.state),
      raw: letter.message,
      messageKey,
      receivedAtMs: nowMs,
      flags: [],
      sender: letter.senderAddress,
      isRegistered: letter.isRegistered,
      ...shown,
    });
    batch.put(seenLetters, seenKey, { mailId: delivered.id });
    await batch.write();
    noted.apply();
    applyTags();
    delivered.apply();
    this.#deps.onDelivered(delivered.id);
    return { kind: 'delivered', mailId: delivered.id };
  }

  /**
   * What the tag stands for. A contact's tag under a letter of somebody else counts for nothing:
   * whoever sees a tag on its way could use it up before the contact's own mail is there.
   */
  #matchOf({ tag, letter }: Arrival): TagMatch | undefined {
    const match = this.#deps.tags.match(tag);
    const isOwn = match?.sourceId === contactSource(letter.senderAddress);
    return isOwn || match?.sourceId.startsWith(INVITE_SOURCE) === true ? match : undefined;
  }

  #noteSender(
    batch: SealedBatch,
    letter: OpenedLetter,
    match: TagMatch | undefined,
    fromName: string,
  ): { readonly state: Contact['state']; readonly apply: () => void } {
    const { contacts, tangle } = this.#deps;
    const sender = {
      address: letter.senderAddress,
      accountKey: letter.senderAccountKey,
      identityKey: letter.senderIdentityKey,
    };
    const name = fromName.slice(0, MAX_NAME_LENGTH);
    const facts = { name, nowMs: tangle.clock.nowMs() };
    const source = match?.sourceId;
    const invite = source?.startsWith(INVITE_SOURCE) === true;
    const { contact, apply } = contacts.noteSender(
      batch,
      sender,
      invite ? { ...facts, inviteId: source.slice(INVITE_SOURCE.length) } : facts,
    );
    return { state: contact.state, apply };
  }

  /** What a list shows of a message. One that cannot be read is still delivered, byte for byte. */
  async #shownFacts(message: Uint8Array): Promise<ShownFacts> {
    try {
      const { from, to, subject, attachments } = await parseMessage(message);
      return {
        hasAttachments: attachments.length > 0,
        messageId: messageIdOf(message),
        fromName: cleanName(from[0]?.name ?? ''),
        to: to.map((one) => one.address).join(', '),
        subject,
      };
    } catch (error) {
      this.#deps.logger.debug(errorFields(error), 'a message cannot be shown');
      const to = emailText(this.#deps.account);
      return { hasAttachments: false, messageId: '', fromName: '', to, subject: '' };
    }
  }
}

/** Accepted people's mail to the inbox, blocked people's out of the way, all others' apart. */
function folderFor(state: Contact['state']): StandardFolder {
  if (state === 'blocked') return 'Junk';
  return state === 'accepted' ? 'INBOX' : 'Requests';
}

function rootKey(store: SealedStore, root: string): string {
  return store.opaque(`root/${root}`);
}

/** The Message-ID with its angle brackets; empty when there is none. */
export function messageIdOf(message: Uint8Array): string {
  const headers = readHeaders(message);
  const id = headers.ok ? readFacts(headers.value).messageId : undefined;
  return id === undefined ? '' : `<${id}>`;
}

/** A display name without characters that could disguise another one. */
function cleanName(name: string): string {
  return name.replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '').trim();
}
