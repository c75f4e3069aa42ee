/**
 * Turns a message into the envelope for one recipient: its descriptor, the right kind of tag, the
 * letter. Before: outbox.ts; after: mail core, letter and envelope. Spec: docs/spec/22-letter.md,
 * docs/spec/23-envelope.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { chooseBundle, type Descriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { type Doorway, doorwayOf } from '@tanglemail/mail/core/identity/sub-address.ts';
import { ENVELOPE_VERSION } from '@tanglemail/mail/core/envelope/envelope.ts';
import { sealEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { dayOf, strangerTag } from '@tanglemail/mail/core/envelope/stranger.ts';
import type { LetterId, LetterKind } from '@tanglemail/mail/core/letter/content.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { DescriptorResolver } from '../descriptor/resolver.ts';
import { rawMessageKey } from '../store/collections.ts';
import { type OutboxEntry, receiptKeyOf, receiptKeys } from '../store/outbox-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import { STRANGER_BUCKET_BITS } from '../tags/stranger-bucket.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

/** The mail cannot be sealed for this recipient, now or (`isFinal`) ever. */
export class SealingRefused extends Error {
  override readonly name = 'SealingRefused';
  readonly code: string;
  readonly isFinal: boolean;

  constructor(code: string, message: string, isFinal: boolean) {
    super(message);
    this.code = code;
    this.isFinal = isFinal;
  }
}

/** What sealing adds to an outbox entry. */
export interface SealedFacts {
  readonly root: string;
  readonly envelopeBytes: number;
  readonly tagKind: 'contact' | 'invite' | 'stranger' | 'chain';
  readonly isReducedSecrecy: boolean;
  /** Bits of work to be done over the envelope before it leaves; absent when none are asked. */
  readonly stampBits?: number;
  readonly deliveries: OutboxEntry['deliveries'];
}

/**
 * Seals under the write lock: puts the envelope (bucket outboxEnvelope) and what it uses up into
 * the batch. What it reads of the store is as it stands then, not as `prepare` found it.
 */
export type SealStep = (batch: SealedBatch) => {
  readonly sealed: SealedFacts;
  readonly apply: () => void;
};

/** Makes the envelope of the entries of one form. */
export interface EnvelopeSealer {
  /**
   * Asks the network for what sealing needs (a descriptor, uploads). Called again after a failure
   * and after a restart. Throws SealingRefused.
   */
  prepare(entry: OutboxEntry): Promise<SealStep>;
}

/** What a letter says, and as what. */
export interface LetterBody {
  readonly kind: LetterKind;
  readonly message: Uint8Array;
}

export interface SealerDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly contacts: ContactBook;
  readonly resolver: DescriptorResolver;
  readonly tangle: TangleAccess;
  readonly suite: SealingSuite;
}

/** Hashes that are kept of one letter: it is sealed once more at most. */
const MAX_SEALINGS = 4;

/** The message of an entry: the outbox has bytes of its own until every mail with them is done. */
export function bytesOf(
  store: Pick<SealedStore, 'getBytes' | 'opaque'>,
  { emailId }: Pick<OutboxEntry, 'emailId'>,
): Uint8Array {
  const key = rawMessageKey(store, emailId);
  const bytes = store.getBytes('outboxPayload', key) ?? store.getBytes('messageRaw', key);
  if (bytes === undefined) throw new Error('broken invariant: a queued mail has its bytes');
  return bytes;
}

export interface ChosenTag {
  readonly kind: 'contact' | 'invite' | 'stranger';
  readonly tag: Uint8Array;
  /** Asked of strangers. */
  readonly stampBits?: number;
  readonly apply: () => void;
}

/** Tags to oneself; `isExact` where a stranger's would not do. */
export type OwnTags = (batch: SealedBatch, isExact: boolean) => ChosenTag | undefined;

/** Seals what goes as a letter of its own: messages of folders, and notes between clients. */
export class Sealer implements EnvelopeSealer {
  readonly #deps: SealerDeps;
  #takeOwn: OwnTags = () => undefined;

  constructor(deps: SealerDeps) {
    this.#deps = deps;
  }

  /** Says under which tags the account writes to itself: nobody else knows them. */
  tagSelfBy(take: OwnTags): void {
    this.#takeOwn = take;
  }

  /** An exact tag to the own account; undefined when too many are under way. */
  takeOwnTag(batch: SealedBatch): ChosenTag | undefined {
    return this.#takeOwn(batch, true);
  }

  async prepare(entry: OutboxEntry): Promise<SealStep> {
    const recipient = await this.findRecipient(entry.to);
    return (batch) => this.seal(batch, entry, recipient);
  }

  /**
   * The recipient's newest descriptor. Throws SealingRefused `descriptor-not-found`, `key-changed`,
   * and `envelope-version-unknown` when the recipient reads none of our formats.
   */
  async findRecipient(address: MailAddress): Promise<Descriptor> {
    const descriptor = await this.#deps.resolver.resolve(address);
    if (descriptor === undefined) {
      const text = 'the recipient has not published its keys yet';
      throw new SealingRefused('descriptor-not-found', text, false);
    }
    if (!descriptor.formatVersions.includes(ENVELOPE_VERSION)) {
      const other = 'the recipient reads only formats that this version cannot write';
      throw new SealingRefused('envelope-version-unknown', other, true);
    }
    await this.#checkKeys(address, descriptor);
    return descriptor;
  }

  /** A mail waits until the user has said that another key of the recipient's is right. */
  async #checkKeys(address: MailAddress, descriptor: Descriptor): Promise<void> {
    const { contacts, tangle } = this.#deps;
    const contact = await contacts.learnKeys(address, descriptor, tangle.clock.nowMs());
    if (contact?.keyChange === undefined) return;
    const text = 'the recipient has other keys than before; compare the safety number';
    throw new SealingRefused('key-changed', text, false);
  }

  /**
   * Seals a letter and puts the envelope, the used-up tag and the recipient as a contact into the
   * batch. Must run under the write lock: each tag is used once. `taken`: a tag that was taken from
   * the contact before.
   */
  seal(
    batch: SealedBatch,
    entry: OutboxEntry,
    recipient: Descriptor,
    body = this.#bodyOf(entry),
    taken?: ChosenTag,
  ): ReturnType<SealStep> {
    const { account, tangle, suite } = this.#deps;
    const nowSeconds = Math.floor(tangle.clock.nowMs() / 1_000);
    if (body.message.length > recipient.maxMail) {
      const text = `the recipient takes mails of at most ${recipient.maxMail} bytes`;
      throw new SealingRefused('message-too-large', text, true);
    }
    const { epoch, bundle, isReduced } = chooseBundle(recipient, nowSeconds);
    const ephemeralSecret = tangle.random.bytes(32);
    const letter = { ephemeralSecret, nowSeconds };
    const chosen = taken ?? this.#chooseTag(batch, entry, recipient, letter);
    const sealed = sealEnvelope(
      {
        networkId: account.networkId,
        tag: chosen.tag,
        sender: account.sender,
        recipient: { address: entry.to, identityKey: recipient.identityKey, epoch, bundle },
        draft: {
          ...body,
          letterId: entry.letterId as LetterId,
          sentAt: Math.floor(entry.createdAtMs / 1_000),
          wantsReceipt: entry.wantsReceipt === true,
          ...(entry.isRegistered === true ? { registerWith: account.keys.account.secretKey } : {}),
        },
        randomness: { ephemeralSecret, kemMessage: tangle.random.bytes(32) },
        maxEnvelope: recipient.maxEnvelope,
      },
      suite,
    );
    if (!sealed.ok) throw new SealingRefused(sealed.code, sealed.detail ?? sealed.code, true);
    const { bytes, receiptSecret } = sealed.value;
    if (entry.wantsReceipt === true) this.#expectReceipt(batch, entry, receiptSecret);
    batch.putBytes('outboxEnvelope', orderedKey(entry.id), bytes);
    const facts: SealedFacts = {
      root: bytesToHex(segmentRoot(bytes)),
      envelopeBytes: bytes.length,
      tagKind: chosen.kind,
      isReducedSecrecy: isReduced,
      ...(chosen.stampBits ? { stampBits: chosen.stampBits } : {}),
      deliveries: recipient.providers.map((one) => ({
        bondId: bytesToHex(one.bondId),
        endpoint: one.endpoint,
        state: 'waiting',
      })),
    };
    return { sealed: facts, apply: chosen.apply };
  }

  #bodyOf(entry: OutboxEntry): LetterBody {
    const { store } = this.#deps;
    if (entry.form !== 'note') return { kind: 'message', message: bytesOf(store, entry) };
    const message = store.getBytes('outboxPayload', orderedKey(entry.id));
    if (message === undefined) throw new Error('broken invariant: a queued note has its bytes');
    return { kind: 'control', message };
  }

  /** A receipt that comes later is held to this letter's hash, or that of an earlier sealing. */
  #expectReceipt(batch: SealedBatch, { id, to, letterId }: OutboxEntry, secret: Uint8Array): void {
    const { store } = this.#deps;
    const key = receiptKeyOf(store, to, letterId);
    const before = store.get(receiptKeys, key)?.hashes ?? [];
    const hashes = [...before, bytesToHex(sha256(secret))].slice(-MAX_SEALINGS);
    batch.put(receiptKeys, key, { outboxId: id, hashes });
  }

  /** A contact's or an invite's exact tag where there is one, else a stranger's. */
  #chooseTag(
    batch: SealedBatch,
    { to, isResent, isQuiet, subAddress }: OutboxEntry,
    recipient: Descriptor,
    letter: { readonly ephemeralSecret: Uint8Array; readonly nowSeconds: number },
  ): ChosenTag {
    const { account, contacts, tangle } = this.#deps;
    if (to === account.address) return this.#ownTag(batch, recipient, letter);
    // Whoever was named a sub-address that is gone is not to be reached by it, known or not.
    const named = subAddress === undefined ? undefined : doorOf(recipient, to, subAddress);
    const before = contacts.get(to)?.state ?? 'removed';
    const written = contacts.recipient(to, recipient, tangle.clock.nowMs());
    // Who only gets a receipt is what he was before, with a number less of his tags.
    const contact = isQuiet === true ? { ...written, state: before } : written;
    // Whoever hears only contacts gets the next of their tags, not a stranger's.
    const asStranger = isResent === true && !recipient.policy.contactsOnly;
    const taken = asStranger ? undefined : contacts.takeTag(contact);
    const apply = contacts.put(batch, taken?.contact ?? contact);
    if (taken === undefined) {
      const door = named ?? doorOf(recipient, to, contact.writeBy);
      return this.#strangerTag(door, letter, apply);
    }
    return { kind: taken.kind, tag: taken.tag, apply };
  }

  /** The account always hears itself, also when it hears nobody but contacts. */
  #ownTag(
    batch: SealedBatch,
    recipient: Descriptor,
    letter: { readonly ephemeralSecret: Uint8Array; readonly nowSeconds: number },
  ): ChosenTag {
    const taken = this.#takeOwn(batch, false);
    if (taken !== undefined) return taken;
    if (!recipient.policy.contactsOnly) return this.#strangerTag(recipient, letter, () => {});
    const text = 'too many notes to the own devices are under way';
    throw new SealingRefused('contacts-only', text, false);
  }

  #strangerTag(
    { introKey, policy }: Doorway,
    letter: { readonly ephemeralSecret: Uint8Array; readonly nowSeconds: number },
    apply: () => void,
  ): ChosenTag {
    const { tangle, suite } = this.#deps;
    if (policy.contactsOnly) {
      throw new SealingRefused('contacts-only', 'the recipient hears only its contacts', true);
    }
    const input = {
      introKey,
      ephemeralSecret: letter.ephemeralSecret,
      day: dayOf(letter.nowSeconds),
      bucketBits: STRANGER_BUCKET_BITS,
      filler: tangle.random.bytes(16),
    };
    const tag = strangerTag(input, suite);
    if (tag === undefined) {
      throw new SealingRefused('recipient-key-invalid', 'the intro key is of low order', true);
    }
    return { kind: 'stranger', tag, stampBits: policy.stampBits, apply };
  }
}

/** Where strangers knock. Throws SealingRefused for a sub-address that is not published. */
function doorOf(recipient: Descriptor, to: MailAddress, label: string | undefined): Doorway {
  const door = doorwayOf(recipient, to, label);
  if (door !== undefined) return door;
  const text = `the recipient has no sub-address ${label} (any more)`;
  throw new SealingRefused('sub-address-unknown', text, true);
}
