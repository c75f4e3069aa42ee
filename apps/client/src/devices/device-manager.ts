/**
 * The devices of the account as the user sees them: who they are, how one is removed, and how the
 * secrets that a lost one knew become worthless. Keeps the self-log and what follows from it going.
 * Before: the local API, client.ts; after: device-log.ts, self-notes.ts, epoch-lines.ts.
 * Spec: docs/spec/26-self-log.md, docs/spec/41-client-api.md §25.
 */
import { removalOf } from '@tanglemail/mail/core/self-log/log.ts';
import { type DeviceId, isKind, type Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { PruneFacts } from '../account/epoch-store.ts';
import type { DeviceDto } from '../api/devices-dto.ts';
import { ClientError } from '../client-error.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { DeviceLog } from './device-log.ts';
import type { EpochLines } from './epoch-lines.ts';
import type { RecoveryBoxes } from './recovery-boxes.ts';
import type { RescueShelf } from './rescue-shelf.ts';
import { forgetGone, goneFrom } from './self-log-store.ts';
import type { SelfNotes } from './self-notes.ts';
import type { TagRenewal } from './tag-renewal.ts';

/** Something that operations of other devices change. */
export interface LogReader {
  /** What takes time is done here, before anything is written. */
  prepare?(operations: readonly Operation[]): Promise<void>;
  /** Puts what they mean into the batch; the functions are called once it is written. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[];
}

/** Something that may be older than the log. */
export interface LogJournal {
  /** Puts what the log does not know yet into the batch, and its operations with it. */
  journalAll(batch: SealedBatch): void;
}

export interface DeviceManagerDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly log: DeviceLog;
  readonly notes: SelfNotes;
  readonly lines: EpochLines;
  readonly boxes: RecoveryBoxes;
  readonly renewal: TagRenewal;
  readonly journals: readonly LogJournal[];
  readonly rescues: RescueShelf;
  readonly readers: readonly LogReader[];
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** The descriptor must be published anew. */
  readonly onNewLine: () => void;
}

export class DeviceManager {
  readonly #deps: DeviceManagerDeps;
  #applying: Promise<void> = Promise.resolve();
  #isForked = false;

  constructor(deps: DeviceManagerDeps) {
    this.#deps = deps;
    deps.log.listen({ took: (operations) => this.applyLater(operations) });
  }

  /** Goes on where a crash stopped: what was taken up takes effect, what is unsent leaves. */
  async start(): Promise<void> {
    const { store, writes, log, journals, notes } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      for (const journal of journals) journal.journalAll(batch);
      await batch.write();
    });
    await this.#apply([...log.log.operations.values()]);
    notes.start();
  }

  async stop(): Promise<void> {
    await this.#deps.notes.stop();
    await this.#applying;
  }

  /** Resolves once everything that was taken up so far has taken effect. */
  async settle(): Promise<void> {
    await this.#applying;
  }

  /** Gives operations their effect once the present batch is through. */
  applyLater(operations: readonly Operation[]): void {
    this.#applying = this.#applying
      .then(() => this.#apply(operations))
      .catch((error: unknown) => {
        // The next start applies all that is held again.
        this.#deps.logger.warn(errorFields(error), 'changes of another device wait');
      });
  }

  async #apply(given: readonly Operation[]): Promise<void> {
    const { store, writes, lines, readers, onNewLine } = this.#deps;
    const gone = goneFrom(store);
    const operations = [...given, ...gone];
    for (const reader of readers) await reader.prepare?.(operations);
    await writes.run(async () => {
      const batch = store.batch();
      const applies = readers.flatMap((reader) => reader.apply(batch, operations));
      // A removal can take a line back that its device had begun.
      const isLine = operations.some(
        (one) => isKind(one, 'epoch-line') || isKind(one, 'device-remove'),
      );
      if (isLine) lines.adopt(batch);
      // Another merge may have come meanwhile: then its own turn forgets both.
      if (gone.length > 0 && goneFrom(store).length === gone.length) forgetGone(batch);
      await batch.write();
      applies.forEach((apply) => apply());
      if (isLine) onNewLine();
    });
  }

  noteFork(): void {
    this.#isForked = true;
    this.#deps.logger.error({}, 'two copies of this device write: link this one anew');
  }

  /** All devices, the removed ones last; `payer` is the one that pays. */
  list(payer: string | undefined): DeviceDto[] {
    const { log } = this.#deps;
    const view = log.view();
    const listed = view.devices.map(({ device, name }) => ({
      id: device,
      name: new TextDecoder().decode(name),
      isOwn: device === log.own.id,
      isPaying: device === payer,
      isRemoved: false,
      isForked: device === log.own.id && this.#isForked,
    }));
    const removed = [...view.removed.keys()].map((id) => ({
      id,
      name: this.#nameOf(id),
      isOwn: id === log.own.id,
      isPaying: false,
      isRemoved: true,
      isForked: false,
    }));
    return [...listed, ...removed];
  }

  #nameOf(device: DeviceId): string {
    const opening = this.#deps.log.log.operations.get(`${device}/1`);
    return opening && isKind(opening, 'device-add')
      ? new TextDecoder().decode(opening.body.name)
      : '';
  }

  /**
   * Takes a device off the list, by its id or the beginning of it, and begins a line of epochs that
   * it cannot know. Invites that it knows end. Throws ClientError `device-unknown` and
   * `device-is-own`.
   */
  async remove(text: string): Promise<void> {
    const { store, writes, log, lines, boxes, renewal, nowMs, onNewLine } = this.#deps;
    const wanted = text.toLowerCase();
    const found = log.view().devices.filter((one) => one.device.startsWith(wanted));
    const [only] = found;
    if (only === undefined || found.length > 1 || wanted.length < 4) {
      throw new ClientError('device-unknown', text.slice(0, 32));
    }
    if (only.device === log.own.id) throw new ClientError('device-is-own');
    await writes.run(async () => {
      const body = removalOf(log.log, log.own.id, only.device);
      if (body === undefined) throw new ClientError('device-unknown', text.slice(0, 32));
      const batch = store.batch();
      log.journal(batch, body);
      boxes.clear(batch);
      lines.begin(batch, Math.floor(nowMs() / 1_000));
      const applies = renewal.begin(batch, only.device, nowMs());
      await batch.write();
      applies.forEach((apply) => apply());
    });
    onNewLine();
  }

  /** The descriptor with our present keys is confirmed: what waited for it is done. */
  async descriptorIsOut(): Promise<void> {
    await this.#deps.renewal.ask();
  }

  /** Mixes fresh randomness into the epochs now: on suspicion that somebody copied the secrets. */
  async rotate(): Promise<void> {
    const { store, writes, lines, nowMs, onNewLine } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      lines.begin(batch, Math.floor(nowMs() / 1_000));
      await batch.write();
    });
    onNewLine();
  }

  /** What is done once a day: a new line when it is time, saying what was seen, compaction. */
  async keep(madeAtSeconds: number): Promise<void> {
    const { lines, notes, nowMs, writes, store, rescues } = this.#deps;
    if (lines.isDue(Math.floor(nowMs() / 1_000), madeAtSeconds)) await this.rotate();
    await notes.refresh();
    await writes.run(async () => {
      const batch = store.batch();
      rescues.tidy(batch);
      await batch.write();
    });
  }

  /** Forgets epoch secrets in the log; after EpochStore.prune with the same facts. */
  async forget(facts: PruneFacts): Promise<void> {
    const { store, writes, lines } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      lines.forget(batch, facts);
      await batch.write();
    });
  }
}
