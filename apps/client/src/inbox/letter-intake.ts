/**
 * Takes an envelope that reached us, from a provider or straight from gossip: opens it, learns who
 * wrote it, files the message once, moves the tag window on. Before: provider-sync.ts and
 * node-feed.ts; after: messages, contacts. Spec: docs/spec/22-letter.md, docs/spec/42-delivery.md.
 */
import { dayOf, matchesStranger, scanDays } from '@tanglemail/mail/core/envelope/stranger.ts';
import { decodeEnvelope, type MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { openEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { createKeyring, type EpochKeyring } from '@tanglemail/mail/core/letter/keyring.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import { parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { MAX_NAME_LENGTH } from '@tanglemail/mail/core/identity/link.ts';
import { type EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Account, emailText } from '../account/account.ts';
import { type ContactBook } from '../contacts/contact-book.ts';
import { INVITE_SOURCE } from '../contacts/invite-book.ts';
import type { OwnAddresses } from '../contacts/own-addresses.ts';
import type { StandardFolder } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { putRegistered, registeredContent } from '../store/registered-letters.ts';
import { seenLetters, seenRoots } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import { isSourceOf, type TagBook, type TagMatch } from '../tags/tag-book.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type {
  Intake,
  IntakeStep,
  TaggedEnvelope,
  EnvelopeOpener,
  TakenLetter,
  KindHandler,
  LetterReader,
  EnvelopeKeeper,
  SenderState,
  ArrivedMessage,
  ReadPromise,
  ReceiptGiver,
  ShownFacts,
} from './intake-types.ts';
import type { NoteRouter } from './note-router.ts';

/** Days on which an envelope that is taken in now may have come: tomorrow to five days back. */
const HELD_DAYS = 7;

export interface LetterIntakeDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: TangleAccess;
  readonly contacts: ContactBook;
  /** Whose keys strangers' mail is looked for with. */
  readonly addresses: Pick<OwnAddresses, 'doors' | 'isLive'>;
  readonly tags: TagBook;
  readonly messages: MessageStore;
  readonly notes: NoteRouter;
  readonly epochs: () => EpochState;
  readonly suite: SealingSuite;
  readonly logger: Logger;
  readonly onDelivered: (mailId: string) => void;
}

/** An opened letter, and what the envelope around it said. */
interface Arrival {
  readonly letter: OpenedLetter;
  readonly tag: Uint8Array;
  readonly root: string;
  /** For letters that are messages. */
  readonly shown: ShownFacts | undefined;
  readonly subAddress: string | undefined;
}

/** Smaller envelopes hold no letter (docs/spec/23-envelope.md). */
const LEAST_LETTER_CLASS = 2;

export class LetterIntake {
  readonly #deps: LetterIntakeDeps;
  readonly #openers: EnvelopeOpener[] = [];
  readonly #kinds = new Map<string, KindHandler>();
  #giveReceipt: ReceiptGiver = () => () => {};
  #promisesRead: ReadPromise = () => false;
  readonly #readers: LetterReader[] = [];
  #keeper: EnvelopeKeeper | undefined;
  #keyring: { readonly of: EpochState; readonly ring: EpochKeyring } | undefined;

  constructor(deps: LetterIntakeDeps) {
    this.#deps = deps;
  }

  /** Adds somebody who opens what is no letter. Call it before anything is received. */
  registerOpener(opener: EnvelopeOpener): void {
    this.#openers.push(opener);
  }

  /** Says who answers letters that ask for a receipt. Call it before anything is received. */
  onReceiptWanted(giver: ReceiptGiver, promise: ReadPromise = () => false): void {
    this.#giveReceipt = giver;
    this.#promisesRead = promise;
  }

  /** Says who takes letters of a kind beside `message` and `control`. Call it before receiving. */
  registerKind(kind: string, handler: KindHandler): void {
    this.#kinds.set(kind, handler);
  }

  /** Adds somebody who looks at every letter. Call it before anything is received. */
  registerReader(reader: LetterReader): void {
    this.#readers.push(reader);
  }

  /** Says who keeps what nothing opens yet. Call it before anything is received. */
  registerKeeper(keeper: EnvelopeKeeper): void {
    this.#keeper = keeper;
  }

  /**
   * Whether an envelope that arrived at `arrivedAt` (unix seconds) may be for us: a registered tag,
   * or a stranger's in our bucket.
   */
  isOurs(envelope: MailEnvelope, arrivedAt: number): boolean {
    return this.isExact(envelope.tag) || this.isStrangers(envelope, arrivedAt);
  }

  /** Whether somebody here waits for this very tag. */
  isExact(tag: Uint8Array): boolean {
    const { tags } = this.#deps;
    return tags.match(tag) !== undefined || this.#openers.some((one) => one.match(tag));
  }

  /** Whether a stranger's envelope may be for us; needs only its first 50 bytes. */
  isStrangers(envelope: MailEnvelope, arrivedAt: number): boolean {
    return this.doorAt(envelope, arrivedAt) !== undefined;
  }

  /** The door at which an envelope that came at `arrivedAt` knocks; see `#doorOf`. */
  doorAt(envelope: MailEnvelope, arrivedAt: number): string | undefined {
    return this.#doorOf(envelope, scanDays(arrivedAt));
  }

  /** The door at which a stranger's envelope knocks: a label of ours, or '' for the plain one. */
  #doorOf(envelope: MailEnvelope, days: readonly number[]): string | undefined {
    const { addresses, suite } = this.#deps;
    const bits = STRANGER_BUCKET_BITS;
    return addresses
      .doors()
      .find(({ intro }) => matchesStranger(envelope, intro, days, bits, suite))?.label;
  }

  /**
   * Our sub-address by which a mail came: that of the door whose key its tag was made for ('' for
   * the plain one), else, under an exact tag, the one that the sender wrote on it.
   */
  #subAddressOf(envelope: MailEnvelope, shown: ShownFacts | undefined): string | undefined {
    const { account, addresses, tags, tangle } = this.#deps;
    if (tags.match(envelope.tag) === undefined) {
      const today = dayOf(Math.floor(tangle.clock.nowMs() / 1_000));
      const days = Array.from({ length: HELD_DAYS }, (_, back) => today + 1 - back);
      return this.#doorOf(envelope, days);
    }
    for (const text of shown?.to.split(', ') ?? []) {
      const parsed = parseMailAddress(text, account.network);
      const label =
        parsed.ok && parsed.value.address === account.address && parsed.value.subAddress;
      if (label && addresses.isLive(label)) return label;
    }
    return undefined;
  }

  /** Whether the envelope with this root was looked into, from any provider or gossip. */
  hasTaken(root: string): boolean {
    return this.#refusalOf(root) !== undefined;
  }

  /** Whether the envelope with this root held a letter for us. */
  isLetter(root: string): boolean {
    return this.#refusalOf(root) === '';
  }

  /** Whether a look showed that the envelope is for another account, whatever device looks. */
  isForeign(root: string): boolean {
    return this.#refusalOf(root) === 'not-for-us';
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
    const tagged = await this.#takeTagged({ envelope: envelope.value, bytes, root });
    if (tagged !== undefined) return tagged;
    const { address, keys, networkId } = account;
    const reader = { address, identity: keys.identity, keyring: this.#ring() };
    const opened = openEnvelope(bytes, networkId, reader, suite, tangle.verifier);
    if (!opened.ok) return this.#keep({ envelope: envelope.value, bytes, root }, opened.code);
    const { kind, message } = opened.value;
    const isKnown = kind === 'message' || kind === 'control' || this.#kinds.has(kind);
    if (!isKnown) return this.#refuse(root, 'letter-kind-unknown');
    const shown = kind === 'message' ? await this.readFacts(message) : undefined;
    const { tag } = envelope.value;
    const subAddress = this.#subAddressOf(envelope.value, shown);
    return writes.run(() => this.#file({ letter: opened.value, tag, root, shown, subAddress }));
  }

  /** Lets the openers have it; undefined when none of them knows the tag. */
  async #takeTagged(found: Omit<TaggedEnvelope, 'receivedAtMs'>): Promise<Intake | undefined> {
    const { store, writes, tangle } = this.#deps;
    const openers = this.#openers.filter((one) => one.match(found.envelope.tag));
    if (openers.length === 0) return undefined;
    return writes.run(async () => {
      // Another replica may have brought it while this one waited for its turn.
      if (this.hasTaken(found.root)) return { kind: 'known' };
      const arrival = { ...found, receivedAtMs: tangle.clock.nowMs() };
      const batch = store.batch();
      for (const opener of openers) {
        const step = opener.take(batch, arrival);
        if (step === undefined) continue;
        const refusal = step.intake.kind === 'refused' ? step.intake.code.slice(0, 64) : '';
        batch.put(seenRoots, rootKey(store, found.root), { refusal });
        await batch.write();
        step.apply();
        return step.intake;
      }
      return undefined;
    });
  }

  /** The keys of an epoch cost an ML-KEM key generation: they are derived once, not per mail. */
  #ring(): EpochKeyring {
    const state = this.#deps.epochs();
    if (this.#keyring?.of !== state) {
      this.#keyring = { of: state, ring: createKeyring(state, this.#deps.suite) };
    }
    return this.#keyring.ring;
  }

  /**
   * Not a letter for us: under a tag that no stranger makes for us it may be a chain's whose seed
   * is still on its way.
   */
  async #keep(found: Omit<TaggedEnvelope, 'receivedAtMs'>, code: string): Promise<Intake> {
    const { store, writes, tangle } = this.#deps;
    const receivedAtMs = tangle.clock.nowMs();
    const nowSeconds = Math.floor(receivedAtMs / 1_000);
    const isForeign = !this.isStrangers(found.envelope, nowSeconds);
    const mayWait = found.envelope.sizeClass < LEAST_LETTER_CLASS || code === 'not-for-us';
    const keeper = this.#keeper;
    if (keeper === undefined || !isForeign || !mayWait) return this.#refuse(found.root, code);
    return writes.run(async () => {
      if (this.hasTaken(found.root)) return { kind: 'known' };
      const batch = store.batch();
      batch.put(seenRoots, rootKey(store, found.root), { refusal: code });
      const apply = keeper(batch, { ...found, receivedAtMs });
      await batch.write();
      apply();
      return { kind: 'refused', code };
    });
  }

  async #refuse(root: string, code: string): Promise<Intake> {
    const { store } = this.#deps;
    const batch = store.batch().put(seenRoots, rootKey(store, root), { refusal: code });
    await batch.write();
    return { kind: 'refused', code };
  }

  async #file(arrival: Arrival): Promise<Intake> {
    const { store, tags, tangle } = this.#deps;
    const { letter, root } = arrival;
    const batch = store.batch();
    batch.put(seenRoots, rootKey(store, root), { refusal: '' });
    const match = this.#matchOf(arrival);
    const applyTags = match === undefined ? () => {} : tags.markSeen(batch, match);
    if (store.get(seenLetters, letterKey(store, letter)) !== undefined) {
      // The same letter in another envelope: its sender sealed it again. Its number is used up.
      await batch.write();
      applyTags();
      return { kind: 'known' };
    }
    const noted = this.#noteSender(batch, arrival, match);
    const taken = { letter, senderState: noted.state, receivedAtMs: tangle.clock.nowMs() };
    const step = this.#takeLetter(batch, taken, arrival);
    const read = this.#readers.map((reader) => reader(batch, letter));
    await batch.write();
    noted.apply();
    for (const apply of read) apply();
    applyTags();
    step.apply();
    return step.intake;
  }

  #takeLetter(batch: SealedBatch, taken: TakenLetter, arrival: Arrival): IntakeStep {
    const { letter, senderState } = taken;
    const { shown, subAddress } = arrival;
    const { senderAddress: sender, letterId, isRegistered, message: raw } = letter;
    if (shown !== undefined) {
      const { wantsReceipt, receiptSecret } = letter;
      const wish = wantsReceipt ? { receiptSecret } : {};
      const registered = registeredContent(letter);
      const shownToOthers = registered === undefined ? {} : { registered };
      const base = { sender, letterId, isRegistered, raw, shown, ...wish, ...shownToOthers };
      const arrived = subAddress === undefined ? base : { ...base, subAddress };
      const { mailId, apply } = this.#deliverTo(batch, senderState, arrived);
      return { intake: { kind: 'delivered', mailId }, apply };
    }
    batch.put(seenLetters, letterKey(this.#deps.store, letter), { mailId: '' });
    const handler = this.#kinds.get(letter.kind);
    if (handler !== undefined) return handler(batch, taken);
    const intake: Intake = { kind: 'filed' };
    // Whoever is blocked has no say in anything, notes included.
    if (senderState === 'blocked') return { intake, apply: () => {} };
    const apply = this.#deps.notes.take(batch, {
      sender,
      accountKey: letter.senderAccountKey,
      identityKey: letter.senderIdentityKey,
      letterId,
      sentAt: letter.sentAt,
      receivedAtMs: taken.receivedAtMs,
      body: raw,
    });
    return { intake, apply };
  }

  /**
   * Files a message whose letter was taken before (its parts were still missing), in the folder
   * of its sender as it stands now. Under the write lock; the same letter again changes nothing.
   */
  deliver(
    batch: SealedBatch,
    arrived: ArrivedMessage,
  ): { readonly mailId: string; readonly apply: () => void } {
    const { account, contacts } = this.#deps;
    const { sender } = arrived;
    const state = sender === account.address ? 'own' : contacts.get(sender)?.state;
    return this.#deliverTo(batch, state ?? 'requested', arrived);
  }

  #deliverTo(
    batch: SealedBatch,
    senderState: SenderState,
    { sender, letterId, isRegistered, raw, shown, receiptSecret, ...more }: ArrivedMessage,
  ): { readonly mailId: string; readonly apply: () => void } {
    const { store, contacts, messages, tangle, onDelivered } = this.#deps;
    const subAddress = more.subAddress ?? contacts.get(sender)?.cameBy ?? '';
    const isAsked = receiptSecret !== undefined && asksForRead(raw);
    const delivered = messages.deliver(batch, {
      folder: folderFor(senderState),
      raw,
      messageKey: `${sender}:${letterId}`,
      receivedAtMs: tangle.clock.nowMs(),
      // Programs ask their user no more where this client answers by itself (RFC 3503).
      flags: isAsked && this.#promisesRead({ sender, senderState }) ? ['$MDNSent'] : [],
      sender,
      isRegistered,
      ...(subAddress === '' ? {} : { subAddress }),
      ...shown,
    });
    const mailId = delivered.id;
    batch.put(seenLetters, letterKey(store, { senderAddress: sender, letterId }), { mailId });
    if (more.registered !== undefined) {
      putRegistered(store, batch, `${sender}:${letterId}`, more.registered);
    }
    const given =
      receiptSecret === undefined || !delivered.isNew
        ? undefined
        : this.#giveReceipt(batch, { sender, senderState, letterId, receiptSecret });
    const apply = (): void => {
      delivered.apply();
      given?.();
      onDelivered(mailId);
    };
    return { mailId, apply };
  }

  /**
   * What the tag stands for. A contact's tag under a letter of somebody else counts for nothing:
   * whoever sees a tag on its way could use it up before the contact's own mail is there.
   */
  #matchOf({ tag, letter }: Arrival): TagMatch | undefined {
    const match = this.#deps.tags.match(tag);
    const isOwn = match !== undefined && isSourceOf(match.sourceId, letter.senderAddress);
    return isOwn || match?.sourceId.startsWith(INVITE_SOURCE) === true ? match : undefined;
  }

  #noteSender(
    batch: SealedBatch,
    { letter, shown, subAddress }: Arrival,
    match: TagMatch | undefined,
  ): { readonly state: SenderState; readonly apply: () => void } {
    const { account, contacts, tangle } = this.#deps;
    const none = (): void => {};
    if (letter.senderAddress === account.address) return { state: 'own', apply: none };
    const source = match?.sourceId;
    const invite = source?.startsWith(INVITE_SOURCE) === true;
    const known = contacts.get(letter.senderAddress);
    // A note is nothing that a user could accept or reject: it makes nobody a contact request.
    if (letter.kind === 'control' && !invite && (known?.state ?? 'removed') === 'removed') {
      return { state: 'removed', apply: none };
    }
    const sender = {
      address: letter.senderAddress,
      accountKey: letter.senderAccountKey,
      identityKey: letter.senderIdentityKey,
    };
    const { contact, apply } = contacts.noteSender(batch, sender, {
      name: shown?.fromName.slice(0, MAX_NAME_LENGTH) ?? '',
      nowMs: tangle.clock.nowMs(),
      ...(invite ? { inviteId: source.slice(INVITE_SOURCE.length) } : {}),
      ...(subAddress ? { cameBy: subAddress } : {}),
    });
    return { state: contact.state, apply };
  }

  /** What a list shows of a message. One that cannot be read is still delivered, byte for byte. */
  async readFacts(message: Uint8Array): Promise<ShownFacts> {
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
function folderFor(state: SenderState): StandardFolder {
  if (state === 'blocked') return 'Junk';
  return state === 'accepted' || state === 'own' ? 'INBOX' : 'Requests';
}

function rootKey(store: SealedStore, root: string): string {
  return store.opaque(`root/${root}`);
}

/** A letter is filed once, whichever envelope brings it: by who wrote it and its id. */
function letterKey(
  store: SealedStore,
  { senderAddress, letterId }: Pick<OpenedLetter, 'senderAddress' | 'letterId'>,
): string {
  return store.opaque(`${senderAddress}:${letterId}`);
}

/** The Message-ID with its angle brackets; empty when there is none. */
export function messageIdOf(message: Uint8Array): string {
  const headers = readHeaders(message);
  const id = headers.ok ? readFacts(headers.value).messageId : undefined;
  return id === undefined ? '' : `<${id}>`;
}

/** Whether a program that shows the message would ask its user for a read receipt (RFC 8098). */
function asksForRead(message: Uint8Array): boolean {
  const headers = readHeaders(message);
  const isAsking = ({ name }: { readonly name: string }): boolean =>
    name === 'disposition-notification-to';
  return headers.ok && headers.value.fields.some(isAsking);
}

/** A display name without characters that could disguise another one. */
function cleanName(name: string): string {
  return name.replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '').trim();
}
