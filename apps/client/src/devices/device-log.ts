/**
 * The account's self-log on this device: local changes become operations in the batch that makes
 * them, operations of other devices are taken up, and what they mean is a view. Before: observers
 * of contacts and mails, self-notes.ts; after: self-log-store.ts and the mail core, self-log/.
 * Spec: docs/spec/26-self-log.md.
 */
import type { EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { compactSelfLog, forgetEpochs } from '@tanglemail/mail/core/self-log/compact.ts';
import { counts } from '@tanglemail/mail/core/self-log/cuts.ts';
import {
  headsOf,
  hold,
  logCuts,
  receiveOperation,
  type SelfLog,
  selfLogDiff,
  writeOperation,
} from '@tanglemail/mail/core/self-log/log.ts';
import {
  type DeviceId,
  type Dot,
  isKind,
  type Operation,
  type OperationBody,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { type SelfLogView, viewOf } from '@tanglemail/mail/core/self-log/view.ts';
import { counters } from '../store/collections.ts';
import { RESTORED, restoredNotes } from '../store/restored-note.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { createOwnDevice, findOwnDevice, type OwnDevice } from './own-device.ts';
import { copySelfLog, loadSelfLog, putSelfLogDiff } from './self-log-store.ts';

/** When an archive was made, and by device how far the log had come then. */
const ARCHIVE_AT = 'self-log/archive-at';
const ARCHIVE = 'self-log/archive/';
/** The lease of a note: what a new device said longer ago is lost. */
const AWAITED_SECONDS = 30 * 86_400;

export interface DeviceLogDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly suite: SealingSuite;
  readonly random: (length: number) => Uint8Array;
}

/** What a device is made with at its first start. */
export interface NewDevice {
  readonly name: string;
  readonly nowMs: number;
  /** The account's epochs, which become the first line of a log that has none. */
  readonly epochs: EpochState;
}

/** Told of operations that were just written here, or taken up from another device. */
export interface LogListener {
  readonly wrote?: (operations: readonly Operation[]) => void;
  readonly took?: (operations: readonly Operation[]) => void;
}

export class DeviceLog {
  readonly #deps: DeviceLogDeps;
  readonly own: OwnDevice;
  readonly #listeners: LogListener[] = [];
  /** The log as a batch that is not written yet makes it. */
  readonly #stages = new WeakMap<SealedBatch, SelfLog>();
  #log: SelfLog;
  #view: SelfLogView | undefined;

  private constructor(deps: DeviceLogDeps, own: OwnDevice, log: SelfLog) {
    this.#deps = deps;
    this.own = own;
    this.#log = log;
  }

  /** Opens the log; at the first start of a device, the device and its opening are written. */
  static async load(deps: DeviceLogDeps, made: NewDevice): Promise<DeviceLog> {
    const log = await loadSelfLog(deps.store);
    const known = findOwnDevice(deps.store, deps.suite);
    if (known !== undefined) return new DeviceLog(deps, known, log);
    const batch = deps.store.batch();
    const restored = deps.store.get(restoredNotes, RESTORED);
    const isFirst = log.heads.size === 0 && restored === undefined;
    const facts = { ...made, name: restored?.deviceName ?? made.name, isFirst };
    const own = createOwnDevice(batch, facts, deps.random, deps.suite);
    const created = new DeviceLog(deps, own, log);
    const name = new TextEncoder().encode(own.name);
    created.journal(batch, { kind: 'device-add', name, key: own.keys.publicKey });
    if (viewOf(log).epochs === undefined) created.#writeFirstLine(batch, made.epochs);
    await batch.write();
    return created;
  }

  #writeFirstLine(batch: SealedBatch, { lines }: EpochState): void {
    const line = lines[0];
    if (line === undefined) throw new Error('broken invariant: a state has a line');
    const { epoch, secret } = line;
    this.journal(batch, { kind: 'epoch-line', from: epoch, epoch, previousUntil: 0, secret });
  }

  /**
   * Notes that the log is given to a device that is not listed yet: what it does not know must not
   * be dropped before it could ask for it.
   */
  async noteArchive(nowMs: number): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      batch.put(counters, ARCHIVE_AT, { next: Math.floor(nowMs / 1_000) });
      const heads = this.awaitsDevice(nowMs) ? [] : headsOf(this.#log);
      for (const { device, seq } of heads) batch.put(counters, ARCHIVE + device, { next: seq });
      await batch.write();
    });
  }

  /** Whether a device that was given the log may still appear; after a month it does not. */
  awaitsDevice(nowMs: number): boolean {
    const { store } = this.#deps;
    const givenAt = store.get(counters, ARCHIVE_AT)?.next;
    if (givenAt === undefined || Math.floor(nowMs / 1_000) - givenAt >= AWAITED_SECONDS) {
      return false;
    }
    return [...this.#log.heads.keys()].every((device) => this.#given(device) !== undefined);
  }

  /** What this device says to have seen: no more than one that is still awaited has. */
  seenHeads(nowMs: number): Dot[] {
    const heads = headsOf(this.#log);
    if (!this.awaitsDevice(nowMs)) return heads;
    return heads.map(({ device, seq }) => ({
      device,
      seq: Math.min(seq, this.#given(device) ?? seq),
    }));
  }

  #given(device: DeviceId): number | undefined {
    return this.#deps.store.get(counters, ARCHIVE + device)?.next;
  }

  listen(listener: LogListener): void {
    this.#listeners.push(listener);
  }

  get log(): Readonly<SelfLog> {
    return this.#log;
  }

  /** What the log means now; costs with its length after every change. */
  view(): SelfLogView {
    this.#view ??= viewOf(this.#log);
    return this.#view;
  }

  /** Other devices of the account that were not removed. */
  others(): DeviceId[] {
    return this.view()
      .devices.map((one) => one.device)
      .filter((id) => id !== this.own.id);
  }

  /**
   * Writes operations for a local change into its batch, under the write lock. Nothing is written
   * once the log is full: the change itself still counts here.
   */
  journal(batch: SealedBatch, ...bodies: readonly OperationBody[]): void {
    const stage = this.#stage(batch);
    const written: Operation[] = [];
    for (const body of bodies) {
      const take = writeOperation(stage, this.own.id, body);
      if (take === undefined) break;
      putSelfLogDiff(batch, stage, selfLogDiff({ take }));
      written.push(...take);
    }
    batch.whenWritten(() => this.#listeners.forEach((one) => one.wrote?.(written)));
  }

  /** The view as the batch will make it: for operations that follow from what is there. */
  viewIn(batch: SealedBatch): SelfLogView {
    const stage = this.#stages.get(batch);
    return stage === undefined ? this.view() : viewOf(stage);
  }

  /**
   * The epochs as the batch will make them. A line that waits for what its author wrote before it
   * counts already: those operations are sealed to it.
   */
  epochsIn(batch: SealedBatch): EpochState | undefined {
    const stage = copySelfLog(this.#stages.get(batch) ?? this.#log);
    const cuts = logCuts(stage);
    for (const one of stage.waiting.values()) {
      if (isKind(one, 'epoch-line') && counts(one, cuts)) hold(stage, one);
    }
    return viewOf(stage).epochs;
  }

  /** Takes operations of other devices up; gives the codes of those that were refused. */
  receive(batch: SealedBatch, operations: readonly Operation[]): string[] {
    const stage = this.#stage(batch);
    const taken: Operation[] = [];
    const refused: string[] = [];
    for (const operation of operations) {
      const received = receiveOperation(stage, operation);
      if (!received.ok) refused.push(received.code);
      else {
        putSelfLogDiff(batch, stage, received.value);
        taken.push(...received.value.take);
      }
    }
    if (taken.length > 0) {
      batch.whenWritten(() => this.#listeners.forEach((one) => one.took?.(taken)));
    }
    return refused;
  }

  /** Drops what has no effect any more. With a single device that is whatever was overwritten. */
  async compact(): Promise<number> {
    return await this.#deps.writes.run(async () => {
      const diff = compactSelfLog(this.#log);
      if (diff.drop.length === 0) return 0;
      const batch = this.#deps.store.batch();
      putSelfLogDiff(batch, this.#stage(batch), diff);
      await batch.write();
      return diff.drop.length;
    });
  }

  /** Forgets the secrets of epochs that nobody can ask for; as EpochStore.prune. */
  forget(batch: SealedBatch, nowSeconds: number, lease: number, keepFrom?: number): void {
    const diff = forgetEpochs(this.#log, nowSeconds, lease, keepFrom);
    if (diff.drop.length + diff.replace.length === 0) return;
    putSelfLogDiff(batch, this.#stage(batch), diff);
  }

  /** One copy for each batch; it becomes the log when the batch is on the disk. */
  #stage(batch: SealedBatch): SelfLog {
    const known = this.#stages.get(batch);
    if (known !== undefined) return known;
    const stage = copySelfLog(this.#log);
    this.#stages.set(batch, stage);
    batch.whenWritten(() => {
      this.#log = stage;
      this.#view = undefined;
    });
    return stage;
  }
}
