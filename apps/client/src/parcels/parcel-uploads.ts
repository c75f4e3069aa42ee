/**
 * The uploads of all parcels that are under way, durable part by part: what was told by a receipt
 * is on the disk before the next part leaves, and a restart goes on from there. Before:
 * parcel-sealer.ts; after: upload-run.ts. Spec: docs/spec/25-parcel.md, section 5.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { decodeParcelLetter } from '@tanglemail/mail/core/parcel/letter.ts';
import { type ParcelProgress, sumProgress } from '@tanglemail/mail/core/parcel/progress.ts';
import {
  decodeSender,
  encodeSender,
  nextUploads,
  type ParcelSender,
  startSender,
  uploadProgress,
} from '@tanglemail/mail/core/parcel/sender.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ReleaseBytes } from '../outbox/outbox-records.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { orderedKey } from '../store/sealed-store.ts';
import { parcelContents, type ParcelUpload, parcelUploads } from '../store/parcel-collections.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { ParcelContents } from './parcel-content.ts';
import { type RunTarget, UploadRun } from './upload-run.ts';

export interface ParcelUploadsDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock' | 'verifier' | 'networkId' | 'random'>;
  readonly contents: ParcelContents;
  readonly providerAt: (hint: ProviderHint) => Promise<Pick<ProviderClient, 'parts'>>;
  readonly logger: Logger;
  /** Told after every part. */
  readonly onProgress: (state: UploadState) => void;
}

/** How far the parts of one mail to one recipient are. */
export interface UploadState {
  readonly outboxId: number;
  /** Providers that have all parts, and all that were asked. */
  readonly copies: number;
  readonly providers: number;
  readonly progress: ParcelProgress;
  /** A copy for the own devices. */
  readonly isCopy: boolean;
}

/** Prefix of the keys of uploads in their bucket. */
const ENTRY = 'entry/';
/** Between two attempts at the other copies, once the letter has left. */
const RESUME_MS = 60_000;
/** No provider takes parts for longer: a day until the letter, and three days after it. */
const MAX_AGE_MS = 96 * 3_600_000;
const KEY_LENGTH = 32;

interface Live {
  row: ParcelUpload;
  sender: ParcelSender;
  run: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
}

/** What was begun by a caller that only waits for the first copy. */
interface Started {
  readonly firstCopy: Promise<void>;
}

export class ParcelUploads {
  readonly #deps: ParcelUploadsDeps;
  readonly #live = new Map<number, Live>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #isStopped = false;
  #releaseBytes: ReleaseBytes = () => {};

  private constructor(deps: ParcelUploadsDeps) {
    this.#deps = deps;
  }

  static async load(deps: ParcelUploadsDeps): Promise<ParcelUploads> {
    const uploads = new ParcelUploads(deps);
    for await (const { value } of deps.store.scan(parcelUploads, { prefix: ENTRY })) {
      const sender = decodeSender(hexToBytes(value.sender));
      if (sender.ok)
        uploads.#live.set(value.outboxId, { row: value, sender: sender.value, run: undefined });
    }
    return uploads;
  }

  /** Copies go on when the outbox is done with the mail: until then its bytes are shared. */
  shareBytes(outbox: Pick<Outbox, 'shareBytes'>): void {
    this.#releaseBytes = outbox.shareBytes((emailId) =>
      [...this.#live.values()].some((one) => one.row.emailId === emailId),
    );
  }

  get(outboxId: number): ParcelUpload | undefined {
    return this.#live.get(outboxId)?.row;
  }

  /** States of all uploads under way, in the order of their entries. */
  states(): UploadState[] {
    return [...this.#live.keys()].toSorted((a, b) => a - b).flatMap((id) => this.state(id) ?? []);
  }

  state(outboxId: number): UploadState | undefined {
    const live = this.#live.get(outboxId);
    if (live === undefined) return undefined;
    const copies = live.sender.targets.filter((one) => isWhole(live.sender, one.bondId)).length;
    const refused = new Set(
      live.row.providers.filter((one) => one.refusal !== undefined).map((one) => one.bondId),
    );
    const all = uploadProgress(live.sender);
    const counted = all.filter((_, at) => !refused.has(live.sender.targets[at]?.bondId ?? ''));
    const progress = sumProgress(counted);
    const isCopy = live.row.isCopy === true;
    return { outboxId, copies, providers: all.length, progress, isCopy };
  }

  /** What the letter of an upload carries. */
  letterOf(row: ParcelUpload): Uint8Array {
    const content = this.#deps.store.get(parcelContents, row.contentKey);
    if (content === undefined) throw new Error('broken invariant: an upload has its letter');
    return hexToBytes(content.letter);
  }

  /**
   * Seals the parcel of a message unless it is sealed already, under a key that its other
   * recipients share or (`blindFor`) one of its own. Gives the key of the record.
   */
  async sealOnce(emailId: string, blindFor: number | undefined): Promise<string> {
    const { store, contents, tangle } = this.#deps;
    const name = blindFor === undefined ? `parcel/${emailId}` : `parcel/${emailId}/${blindFor}`;
    const key = `content/${store.opaque(name)}`;
    if (store.get(parcelContents, key) !== undefined) return key;
    const letter = await contents.seal(emailId, tangle.random.bytes(KEY_LENGTH));
    await store
      .batch()
      .put(parcelContents, key, { letter: bytesToHex(letter) })
      .write();
    return key;
  }

  /** Puts a new upload into the batch; call the function once it is written. */
  put(batch: SealedBatch, fresh: Omit<ParcelUpload, 'sender' | 'createdAtMs'>): () => void {
    const letter = decodeParcelLetter(this.letterOf({ ...fresh, sender: '', createdAtMs: 0 }));
    if (!letter.ok) throw new Error(`broken invariant: ${letter.code}`);
    const sender = startSender(
      letter.value.manifest,
      fresh.providers.map((one) => one.bondId),
    );
    const createdAtMs = this.#deps.tangle.clock.nowMs();
    const row = { ...fresh, sender: bytesToHex(encodeSender(sender)), createdAtMs };
    batch.put(parcelUploads, keyOf(row.outboxId), row);
    return () => this.#live.set(row.outboxId, { row, sender, run: undefined });
  }

  /**
   * Uploads until one provider has all parts and all providers know the list, which must be before
   * the letter shows the tag; the other copies go on by themselves. Throws the last failure.
   */
  async firstCopy(outboxId: number): Promise<void> {
    const live = this.#live.get(outboxId);
    if (live === undefined) throw new Error('broken invariant: the upload was begun');
    await live.run?.done;
    await this.#start(live).firstCopy;
  }

  /** Puts into the batch that a letter was sealed under the tag of an upload. */
  markLeft(batch: SealedBatch, outboxId: number): () => void {
    const live = this.#live.get(outboxId);
    if (live === undefined) throw new Error('broken invariant: the upload is there');
    batch.put(parcelUploads, keyOf(outboxId), { ...live.row, isLeft: true });
    return () => {
      live.row = { ...live.row, isLeft: true };
    };
  }

  /** The letter has left: what is missing is sent in the background, also after a restart. */
  resume(outboxId: number): void {
    const live = this.#live.get(outboxId);
    if (live === undefined || this.#isStopped) return;
    const isOld = this.#deps.tangle.clock.nowMs() - live.row.createdAtMs > MAX_AGE_MS;
    if (isOld || (live.run === undefined && this.#targets(live).length === 0)) {
      this.end(outboxId);
      return;
    }
    if (live.run === undefined) this.#start(live).firstCopy.catch(() => undefined);
    const again = setTimeout(() => this.resume(outboxId), RESUME_MS);
    again.unref();
    clearTimeout(this.#timers.get(outboxId));
    this.#timers.set(outboxId, again);
  }

  /** Whether nothing is left that could still be sent. */
  isOver(outboxId: number): boolean {
    const live = this.#live.get(outboxId);
    return live === undefined || this.#targets(live).length === 0;
  }

  /** As `drop`, for whoever does not wait: a disk that takes nothing now is asked at a restart. */
  end(outboxId: number): void {
    this.drop(outboxId).catch((error: unknown) =>
      this.#deps.logger.error(errorFields(error), 'an upload cannot be deleted'),
    );
  }

  /** Forgets an upload, and the sealed parcel when no other recipient's upload needs it. */
  async drop(outboxId: number): Promise<void> {
    const live = this.#live.get(outboxId);
    if (live === undefined) return;
    clearTimeout(this.#timers.get(outboxId));
    this.#timers.delete(outboxId);
    live.run?.abort.abort(new Error('the upload is over'));
    await live.run?.done;
    await this.#deps.writes.run(async () => {
      // Dropped meanwhile, and perhaps begun anew under another tag.
      if (this.#live.get(outboxId) !== live) return;
      this.#live.delete(outboxId);
      const batch = this.#deps.store.batch().del('parcelOut', keyOf(outboxId));
      const { contentKey } = live.row;
      const isShared = [...this.#live.values()].some((one) => one.row.contentKey === contentKey);
      if (!isShared) batch.del('parcelOut', contentKey);
      this.#releaseBytes(batch, live.row.emailId);
      await batch.write();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const runs = [...this.#live.values()].flatMap(({ run }) => run ?? []);
    for (const { abort } of runs) abort.abort(new Error('the client stops'));
    await Promise.allSettled(runs.map(({ done }) => done));
  }

  /** Providers that lack parts and have not refused them. */
  #targets({ row, sender }: Live): RunTarget[] {
    return row.providers.filter(
      ({ bondId, refusal }) => refusal === undefined && !isWhole(sender, bondId),
    );
  }

  #start(live: Live): Started {
    const abort = new AbortController();
    if (this.#isStopped) abort.abort(new Error('the client stops'));
    const first = Promise.withResolvers<void>();
    const done = this.#run(live, abort.signal, first).finally(() => {
      live.run = undefined;
      // The last copy is there: nothing is left to wait for.
      if (live.row.isLeft && this.isOver(live.row.outboxId)) this.resume(live.row.outboxId);
    });
    live.run = { abort, done };
    return { firstCopy: first.promise };
  }

  /** Never rejects: what went wrong is told to whoever waits for the first copy. */
  async #run(live: Live, signal: AbortSignal, first: PromiseWithResolvers<void>): Promise<void> {
    let isAnnounced = false;
    const look = (): void => {
      if (isAnnounced && this.#hasCopy(live)) first.resolve();
    };
    const onAnnounced = (): void => {
      isAnnounced = true;
      look();
    };
    try {
      const targets = this.#targets(live);
      if (targets.length === 0) onAnnounced();
      const { emailId } = live.row;
      const failures = await this.#deps.contents.with(
        emailId,
        live.sender.manifest,
        async (part) => {
          const run = this.#runOf(live, part, signal, look);
          await run.run(targets, onAnnounced);
          return run.failures;
        },
      );
      for (const [bondId, error] of failures) {
        this.#deps.logger.debug({ ...errorFields(error), bondId }, 'parts are not taken yet');
      }
      first.reject([...failures.values()][0] ?? new Error('no provider takes the parts'));
    } catch (error) {
      first.reject(error);
    }
  }

  #hasCopy({ sender }: Live): boolean {
    return sender.targets.some(({ bondId }) => isWhole(sender, bondId));
  }

  #runOf(
    live: Live,
    part: (index: number) => Uint8Array,
    signal: AbortSignal,
    look: () => void,
  ): UploadRun {
    const { tangle, providerAt, onProgress } = this.#deps;
    const { outboxId, tag } = live.row;
    return new UploadRun({
      tag: hexToBytes(tag),
      tangle,
      part,
      signal,
      partsAt: async ({ bondId, endpoint }) => {
        const provider = await providerAt({ bondId: hexToBytes(bondId), endpoint });
        return provider.parts(nativeSha256);
      },
      sender: () => live.sender,
      save: async (change) => {
        const next = change(live.sender);
        if (next === live.sender) return;
        live.sender = next;
        await this.#save(live);
        look();
        const state = this.state(outboxId);
        if (state !== undefined) onProgress(state);
      },
      refuse: async (bondId, code) => {
        const providers = live.row.providers.map((one) =>
          one.bondId === bondId ? { ...one, refusal: code.slice(0, 64) } : one,
        );
        live.row = { ...live.row, providers };
        await this.#save(live);
      },
    });
  }

  /** Writes the newest state, whatever was asked for it meanwhile. */
  #save(live: Live): Promise<void> {
    return this.#deps.writes.run(async () => {
      if (!this.#live.has(live.row.outboxId)) return;
      live.row = { ...live.row, sender: bytesToHex(encodeSender(live.sender)) };
      const key = keyOf(live.row.outboxId);
      await this.#deps.store.batch().put(parcelUploads, key, live.row).write();
    });
  }
}

/** Whether a provider has given a receipt for every part. */
function isWhole(sender: ParcelSender, bondId: string): boolean {
  return nextUploads(sender, bondId, 1).length === 0;
}

function keyOf(outboxId: number): string {
  return `${ENTRY}${orderedKey(outboxId)}`;
}
