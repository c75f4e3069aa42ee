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
import { followLog, type LiveView, liveViewOf } from '@tanglemail/mail/core/self-log/live-view.ts';
import {
  applySelfLogDiff,
  hold,
  logCuts,
  mergeSelfLogs,
  receiveOperation,
  type SelfLog,
  type SelfLogDiff,
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
import { RESTORED, restoredNotes } from '../store/restored-note.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { createOwnDevice, findOwnDevice, type OwnDevice } from './own-device.ts';
import { becomeSelfLog, layerSelfLog, loadSelfLog, putSelfLogDiff } from './self-log-store.ts';

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

/** The log as a batch makes it, and how. */
interface Stage {
  readonly log: SelfLog;
  /** A whole log stands for a merge. */
  readonly changes: (SelfLogDiff | SelfLog)[];
}

export class DeviceLog {
  readonly #deps: DeviceLogDeps;
  readonly own: OwnDevice;
  readonly #listeners: LogListener[] = [];
  /** What batches that are not written yet make of the log. */
  readonly #stages = new WeakMap<SealedBatch, Stage>();
  readonly #log: SelfLog;
  #view: LiveView | undefined;

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

  listen(listener: LogListener): void {
    this.#listeners.push(listener);
  }

  get log(): Readonly<SelfLog> {
    return this.#log;
  }

  /** What the log means now; it goes along with the log, so nobody should keep it. */
  view(): SelfLogView {
    return this.#liveView();
  }

  #liveView(): LiveView {
    this.#view ??= liveViewOf(this.#log);
    return this.#view;
  }

  /** Other devices of the account that were not removed. */
  others(): DeviceId[] {
    return this.view()
      .devices.map((one) => one.device)
      .filter((id) => id !== this.own.id);
  }

  /** Other devices that have said that they took something of this one up. */
  knownBy(): ReadonlySet<DeviceId> {
    const said = [...this.#liveView().said.values()];
    const isOfUs = (one: Dot): boolean => one.device === this.own.id;
    return new Set(said.filter((one) => one.body.heads.some(isOfUs)).map((one) => one.device));
  }

  /**
   * Writes operations for a local change into its batch, under the write lock. Nothing is written
   * once the log is full: the change itself still counts here.
   */
  journal(batch: SealedBatch, ...bodies: readonly OperationBody[]): void {
    const stage = this.#stage(batch);
    const written: Operation[] = [];
    for (const body of bodies) {
      const take = writeOperation(stage.log, this.own.id, body);
      if (take === undefined) break;
      this.#put(batch, stage, selfLogDiff({ take }));
      written.push(...take);
    }
    batch.whenWritten(() => this.#listeners.forEach((one) => one.wrote?.(written)));
  }

  /**
   * The epochs as the batch will make them. A line that waits for what its author wrote before it
   * counts already: those operations are sealed to it.
   */
  epochsIn(batch: SealedBatch): EpochState | undefined {
    const stage = layerSelfLog(this.#stages.get(batch)?.log ?? this.#log);
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
      const received = receiveOperation(stage.log, operation);
      if (!received.ok) refused.push(received.code);
      else {
        this.#put(batch, stage, received.value);
        taken.push(...received.value.take);
      }
    }
    if (taken.length > 0) {
      batch.whenWritten(() => this.#listeners.forEach((one) => one.took?.(taken)));
    }
    return refused;
  }

  /** Merges the log of another device: what it dropped goes, what it has comes. The code if not. */
  merge(batch: SealedBatch, other: SelfLog): string | undefined {
    const stage = this.#stage(batch);
    const merged = mergeSelfLogs(stage.log, other);
    if (!merged.ok) return merged.code;
    const touched = becomeSelfLog(stage.log, merged.value, { store: this.#deps.store, batch });
    stage.changes.push(merged.value);
    if (touched.length > 0) {
      batch.whenWritten(() => this.#listeners.forEach((one) => one.took?.(touched)));
    }
    return undefined;
  }

  /** Drops what has no effect any more. With a single device that is whatever was overwritten. */
  async compact(): Promise<number> {
    return await this.#deps.writes.run(async () => {
      const diff = compactSelfLog(this.#log);
      if (diff.drop.length === 0) return 0;
      const batch = this.#deps.store.batch();
      this.#put(batch, this.#stage(batch), diff);
      await batch.write();
      return diff.drop.length;
    });
  }

  /** Forgets the secrets of epochs that nobody can ask for; as EpochStore.prune. */
  forget(batch: SealedBatch, nowSeconds: number, lease: number, keepFrom?: number): void {
    const diff = forgetEpochs(this.#log, nowSeconds, lease, keepFrom);
    if (diff.drop.length + diff.replace.length === 0) return;
    this.#put(batch, this.#stage(batch), diff);
  }

  #put(batch: SealedBatch, stage: Stage, diff: SelfLogDiff): void {
    putSelfLogDiff(batch, stage.log, diff);
    stage.changes.push(diff);
  }

  /** One layer for each batch; what it changed is done to the log when the batch is on the disk. */
  #stage(batch: SealedBatch): Stage {
    const known = this.#stages.get(batch);
    if (known !== undefined) return known;
    const stage: Stage = { log: layerSelfLog(this.#log), changes: [] };
    this.#stages.set(batch, stage);
    batch.whenWritten(() => {
      for (const change of stage.changes) this.#follow(change);
    });
    return stage;
  }

  #follow(change: SelfLogDiff | SelfLog): void {
    if ('heads' in change) {
      becomeSelfLog(this.#log, change);
      this.#view = undefined;
      return;
    }
    applySelfLogDiff(this.#log, change);
    if (this.#view !== undefined) this.#view = followLog(this.#view, this.#log, change);
  }
}
