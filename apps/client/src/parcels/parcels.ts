/**
 * The parts of the client that send and fetch large mails, wired together. Before: client-parts.ts;
 * after: the files beside it. Spec: docs/spec/25-parcel.md, docs/spec/42-delivery.md.
 */
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { LetterIntake } from '../inbox/letter-intake.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { bytesOf, type Sealer } from '../outbox/sealer.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { Renter } from '../rentals/renter.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { ParcelContents } from './parcel-content.ts';
import { type IncomingParcel, ParcelInbox } from './parcel-inbox.ts';
import { ParcelSealer } from './parcel-sealer.ts';
import { ParcelUploads, type UploadState } from './parcel-uploads.ts';
import { PartFetcher } from './part-fetcher.ts';
import { PartReleases } from './part-releases.ts';

export interface ParcelsDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: TangleAccess;
  readonly contacts: ContactBook;
  readonly intake: LetterIntake;
  readonly book: RentalBook;
  readonly renter: Renter;
  readonly sealer: Sealer;
  readonly suite: SealingSuite;
  readonly logger: Logger;
  readonly autoFetchBytes: number;
  readonly messages: MessageStore;
  /** Has the present tags watched at every rented provider that can be reached. Never throws. */
  readonly watchTags: () => Promise<void>;
  readonly onUpload: (state: UploadState) => void;
  readonly onIncoming: (id: number, parcel: IncomingParcel | undefined) => void;
}

type ParcelParts = Pick<Parcels, 'uploads' | 'inbox' | 'sealer' | 'releases'>;

export class Parcels {
  readonly uploads: ParcelUploads;
  readonly inbox: ParcelInbox;
  readonly sealer: ParcelSealer;
  readonly releases: PartReleases;
  #outbox: Pick<Outbox, 'get'> | undefined;

  private constructor({ uploads, inbox, sealer, releases }: ParcelParts) {
    this.uploads = uploads;
    this.inbox = inbox;
    this.sealer = sealer;
    this.releases = releases;
  }

  /** Builds all over an open store; letters of kind `parcel` are taken from now on. */
  static async load(deps: ParcelsDeps): Promise<Parcels> {
    const { store, suite, renter, intake } = deps;
    const readRaw = (emailId: string): Uint8Array => bytesOf(store, { emailId });
    const contents = new ParcelContents(readRaw, suite);
    const uploads = await ParcelUploads.load({
      ...deps,
      contents,
      providerAt: (hint) => renter.providerAt(hint),
      onProgress: deps.onUpload,
    });
    const fetcher = new PartFetcher(deps);
    const own = deps.account.address;
    const inbox = await ParcelInbox.load({ ...deps, own, fetcher, onChange: deps.onIncoming });
    intake.registerKind('parcel', (batch, taken) => inbox.take(batch, taken));
    const releases = await PartReleases.load(deps);
    const sealer = new ParcelSealer({ ...deps, uploads });
    return new Parcels({ uploads, inbox, sealer, releases });
  }

  /** Adds the form `parcel` to the outbox, and follows what becomes of its mails. */
  connect(outbox: Outbox): void {
    outbox.addSealer('parcel', this.sealer);
    outbox.addSealer('copy', this.sealer);
    outbox.observe((entry) => this.#follow(entry));
    this.uploads.shareBytes(outbox);
    this.#outbox = outbox;
  }

  /** Goes on with the copies of letters that have left, and with what is to be fetched. */
  start(): void {
    for (const { outboxId } of this.uploads.states()) {
      const entry = this.#outbox?.get(outboxId);
      // The last run may have ended between the end of the mail and that of its upload.
      if (entry === undefined || isLost(entry)) this.uploads.end(outboxId);
      else if (this.uploads.get(outboxId)?.isLeft === true) this.uploads.resume(outboxId);
    }
    this.inbox.start();
    this.releases.start();
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.uploads.stop(), this.inbox.stop(), this.releases.stop()]);
  }

  #follow(entry: OutboxEntry): void {
    if (entry.form !== 'parcel' && entry.form !== 'copy') return;
    if (isLost(entry)) this.uploads.end(entry.id);
    else if (entry.attachedAtMs !== undefined) this.uploads.resume(entry.id);
  }
}

/** Failed, expired or taken back: the letter will never be in a milestone. */
function isLost({ isDone, milestoneIndex }: OutboxEntry): boolean {
  return isDone && milestoneIndex === undefined;
}
