/**
 * Takes an envelope that reached us, from a provider or straight from gossip: opens it, learns who
 * wrote it, files the message once, moves the tag window on. Before: provider-sync.ts, node-feed.ts;
 * after: messages, contacts. Spec: docs/spec/22-letter.md, docs/spec/42-delivery.md.
 */
import { matchesStranger, scanDays } from '@tanglemail/mail/core/envelope/stranger.ts';
import { decodeEnvelope, type MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { openEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { createKeyring } from '@tanglemail/mail/core/letter/keyring.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import { MAX_NAME_LENGTH } from '@tanglemail/mail/core/identity/link.ts';
import { type EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Account, emailText } from '../account/account.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { FolderName, MessageStore } from '../messages/message-store.ts';
import { seenLetters } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TagBook } from '../tags/tag-book.ts';
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

export class LetterIntake {
  readonly #deps: LetterIntakeDeps;

  constructor(deps: LetterIntakeDeps) {
    this.#deps = deps;
  }

  /** Whether an envelope may be for us: a registered tag, or a stranger's in our bucket. */
  isOurs(envelope: MailEnvelope): boolean {
    const { tags } = this.#deps;
    return tags.match(envelope.tag) !== undefined || this.isStrangers(envelope);
  }

  /** Whether a stranger's envelope may be for us; needs only its first 50 bytes. */
  isStrangers(envelope: MailEnvelope): boolean {
    const { account, suite, tangle } = this.#deps;
    const nowSeconds = Math.floor(tangle.clock.nowMs() / 1_000);
    const days = scanDays(nowSeconds);
    return matchesStranger(envelope, account.intro, days, STRANGER_BUCKET_BITS, suite);
  }

  /** Opens and files an envelope; everything it changes is one synced batch. */
  async take(bytes: Uint8Array): Promise<Intake> {
    const { account, suite, tangle, epochs } = this.#deps;
    const { address, keys, networkId } = account;
    const keyring = createKeyring(epochs(), suite);
    const reader = { address, identity: keys.identity, keyring };
    const opened = openEnvelope(bytes, networkId, reader, suite, tangle.verifier);
    const envelope = decodeEnvelope(bytes);
    if (!opened.ok) return { kind: 'refused', code: opened.code };
    if (!envelope.ok) return { kind: 'refused', code: envelope.code };
    if (opened.value.kind !== 'message') return { kind: 'refused', code: 'letter-kind-unknown' };
    const shown = await this.#shownFacts(opened.value.message);
    return this.#deps.writes.run(() => this.#file(opened.value, envelope.value.tag, shown));
  }

  async #file(letter: OpenedLetter, tag: Uint8Array, shown: ShownFacts): Promise<Intake> {
    const { store, tags, contacts, messages, tangle } = this.#deps;
    const messageKey = `${letter.senderAddress}:${letter.letterId}`;
    const seenKey = store.opaque(messageKey);
    if (store.get(seenLetters, seenKey) !== undefined) return { kind: 'known' };
    const nowMs = tangle.clock.nowMs();
    const match = tags.match(tag);
    const batch = store.batch();
    const sender = {
      address: letter.senderAddress,
      accountKey: letter.senderAccountKey,
      identityKey: letter.senderIdentityKey,
    };
    const isInvited = match?.sourceId.startsWith('invite:') === true;
    const name = shown.fromName.slice(0, MAX_NAME_LENGTH);
    const noted = contacts.noteSender(batch, sender, { isInvited, name, nowMs });
    const applyTags = match === undefined ? () => {} : tags.markSeen(batch, match);
    const folder: FolderName = noted.contact.state === 'accepted' ? 'INBOX' : 'Requests';
    const isBlocked = noted.contact.state === 'blocked';
    const delivered = messages.deliver(batch, {
      folder: isBlocked ? 'Junk' : folder,
      raw: letter.message,
      messageKey,
      receivedAtMs: nowMs,
      flags: [],
      sender: letter.senderAddress,
      isRegistered: letter.isRegistered,
      ...shown,
    });
    batch.put(seenLetters, seenKey, { emailId: '' });
    await batch.write();
    noted.apply();
    applyTags();
    delivered.apply();
    this.#deps.onDelivered(delivered.id);
    return { kind: 'delivered', mailId: delivered.id };
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
