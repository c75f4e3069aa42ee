/**
 * Makes the letter of a mail that travels as a parcel: refuses early what cannot be sent, takes the
 * tag, has the parts uploaded under it, and seals the letter once one provider has them all.
 * Before: outbox/outbox.ts (form `parcel`); after: parcel-uploads.ts, outbox/sealer.ts.
 * Spec: docs/spec/25-parcel.md, docs/spec/42-delivery.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeSelfNote } from '@tanglemail/mail/core/self-log/note.ts';
import type { Descriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { MAX_PARCEL_SIZE } from '@tanglemail/mail/core/parcel/layout.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { Account } from '../account/account.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import {
  type ChosenTag,
  type EnvelopeSealer,
  type LetterBody,
  type Sealer,
  SealingRefused,
  type SealStep,
} from '../outbox/sealer.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { ParcelUploads } from './parcel-uploads.ts';

export interface ParcelSealerDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly contacts: ContactBook;
  readonly tangle: Pick<TangleAccess, 'clock'>;
  readonly sealer: Sealer;
  readonly uploads: ParcelUploads;
  /** Has the present tags watched at every rented provider that can be reached. Never throws. */
  readonly watchTags: () => Promise<void>;
}

/**
 * Puts into the batch where the copy of a message (its key) lies: the letter that names the parts.
 * False when the message was deleted meanwhile.
 */
export type CopyTeller = (batch: SealedBatch, messageKey: string, letter: Uint8Array) => boolean;

export class ParcelSealer implements EnvelopeSealer {
  readonly #deps: ParcelSealerDeps;
  #tellCopy: CopyTeller = () => false;

  constructor(deps: ParcelSealerDeps) {
    this.#deps = deps;
  }

  /** Says who tells the other devices where copies lie. Call it before anything is sealed. */
  tellCopiesBy(tell: CopyTeller): void {
    this.#tellCopy = tell;
  }

  async prepare(entry: OutboxEntry): Promise<SealStep> {
    const { sealer, uploads, account, watchTags } = this.#deps;
    const recipient = await sealer.findRecipient(entry.to);
    this.#check(entry, recipient);
    // Sealed before, and nobody has stored the letter: its tag has been seen, and takes no parts.
    if (entry.isResent === true && uploads.get(entry.id)?.isLeft === true) {
      await uploads.drop(entry.id);
    }
    if (uploads.get(entry.id) === undefined) await this.#begin(entry, recipient);
    // The own mailboxes take parts under tags that they have been told.
    if (entry.to === account.address) await watchTags();
    try {
      await uploads.firstCopy(entry.id);
    } catch (error) {
      throw await this.#explain(entry, error);
    }
    return (batch) => {
      const row = uploads.get(entry.id);
      if (row === undefined) throw new Error('broken invariant: the upload is there');
      const message = uploads.letterOf(row);
      const tag = { kind: row.tagKind, tag: hexToBytes(row.tag), apply: () => {} };
      const applyLeft = uploads.markLeft(batch, entry.id);
      const body = this.#bodyOf(batch, entry, message);
      const step = sealer.seal(batch, entry, recipient, body, tag);
      const apply = (): void => {
        step.apply();
        applyLeft();
      };
      return { sealed: step.sealed, apply };
    };
  }

  /**
   * A copy is told by the self-log, which knows whom to trust with it; the letter under its tag
   * only has the providers keep the parts.
   */
  #bodyOf(batch: SealedBatch, { form, dedupe = '' }: OutboxEntry, message: Uint8Array): LetterBody {
    if (form !== 'copy') return { kind: 'parcel', message };
    if (!this.#tellCopy(batch, dedupe, message)) {
      throw new SealingRefused('message-unknown', 'it was deleted meanwhile', true);
    }
    return { kind: 'control', message: encodeSelfNote({ kind: 'settles' }) };
  }

  /** What can be known before anything is sealed or sent. */
  #check({ sizeBytes }: OutboxEntry, { maxMail, providers }: Descriptor): void {
    if (sizeBytes > MAX_PARCEL_SIZE) {
      throw new SealingRefused('message-too-large', `at most ${MAX_PARCEL_SIZE} bytes`, true);
    }
    if (sizeBytes > maxMail) {
      const text = `the recipient takes mails of at most ${maxMail} bytes`;
      throw new SealingRefused('parcel-recipient-limit', text, true);
    }
    if (providers.length === 0) {
      const text = 'the recipient rents no storage, and so receives no large mails';
      throw new SealingRefused('parcel-no-provider', text, true);
    }
  }

  /** Takes the tag and writes the upload down, in one batch. */
  async #begin(entry: OutboxEntry, recipient: Descriptor): Promise<void> {
    const { store, writes, uploads, account } = this.#deps;
    const { id, emailId, role, to, form } = entry;
    const isOwn = to === account.address;
    if (!isOwn) this.#requireTag(entry, recipient);
    // Whoever keeps the parts of two mailboxes must not see by them that we write to the other.
    const isShared = !isOwn && (role === 'to' || role === 'cc');
    const contentKey = await uploads.sealOnce(emailId, isShared ? undefined : id);
    await writes.run(async () => {
      const batch = store.batch();
      const taken = isOwn ? this.#ownTag(batch) : this.#contactTag(batch, entry, recipient);
      const applyUpload = uploads.put(batch, {
        outboxId: id,
        tag: bytesToHex(taken.tag),
        tagKind: taken.kind === 'invite' ? 'invite' : 'contact',
        emailId,
        contentKey,
        providers: recipient.providers.map(({ bondId, endpoint }) => ({
          bondId: bytesToHex(bondId),
          endpoint,
        })),
        isLeft: false,
        ...(form === 'copy' ? { isCopy: true } : {}),
      });
      await batch.write();
      taken.apply();
      applyUpload();
    });
  }

  #ownTag(batch: SealedBatch): ChosenTag {
    const taken = this.#deps.sealer.takeOwnTag(batch);
    if (taken !== undefined) return taken;
    const text = 'too many letters to the own devices are under way';
    throw new SealingRefused('parcel-not-accepted', text, false);
  }

  #contactTag(batch: SealedBatch, entry: OutboxEntry, recipient: Descriptor): ChosenTag {
    const { kind, tag, contact } = this.#requireTag(entry, recipient);
    return { kind, tag, apply: this.#deps.contacts.put(batch, contact) };
  }

  #requireTag(
    { to }: OutboxEntry,
    recipient: Descriptor,
  ): NonNullable<ReturnType<ContactBook['takeTag']>> {
    const { contacts, tangle } = this.#deps;
    const taken = contacts.takeTag(contacts.recipient(to, recipient, tangle.clock.nowMs()));
    if (taken !== undefined) return taken;
    const text = 'large mails go to people who have written to you or invited you';
    throw new SealingRefused('parcel-not-accepted', text, true);
  }

  /** The providers' words as those of the outbox. */
  async #explain(entry: OutboxEntry, error: unknown): Promise<unknown> {
    if (!(error instanceof ProviderApiError)) return error;
    const { uploads } = this.#deps;
    const refuse = (code: string, text: string, isFinal: boolean): SealingRefused =>
      new SealingRefused(code, text, isFinal);
    switch (error.code) {
      case 'tag-unwatched':
        return refuse('parcel-not-accepted', 'the recipient has not accepted you yet', false);
      case 'mailbox-cannot-pay':
        return refuse(
          'parcel-cannot-pay',
          'the recipient’s mailbox does not pay for it now',
          false,
        );
      case 'storage-full':
        return refuse('parcel-storage-full', 'the recipient’s providers have no room now', false);
      case 'upload-too-large':
        return refuse('parcel-recipient-limit', 'the recipient takes less', true);
      case 'body-too-large':
        return refuse('parcel-part-limit', 'the recipient’s providers take no such parts', true);
      default:
        break;
    }
    // The tag is spoilt (somebody used it, or the day has passed): the next attempt takes another.
    const isOver = uploads.isOver(entry.id);
    if (isOver) await uploads.drop(entry.id);
    return error;
  }
}
