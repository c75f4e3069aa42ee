/**
 * Carries the self-log between the devices of the account: what was written here leaves as notes to
 * oneself, gathered for a moment; what others wrote is taken up. With a single device nothing
 * leaves. Before: device-log.ts, inbox/note-router.ts; after: outbox.
 * Spec: docs/spec/26-self-log.md, section "Notes".
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { headsOf } from '@tanglemail/mail/core/self-log/log.ts';
import {
  decodeSelfNote,
  encodeSelfNote,
  MAX_NOTE_OPERATIONS,
  openBox,
  sealBox,
  type SealedBox,
} from '@tanglemail/mail/core/self-log/note.ts';
import {
  type DeviceId,
  dotKey,
  encodeOperation,
  type EpochLineStart,
  isKind,
  type Operation,
  type Seen,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ControlNote, NoteRouter } from '../inbox/note-router.ts';
import { NOTE_FAMILIES } from '../inbox/note-router.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { counters } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { RESTORED, restoredNotes } from '../store/restored-note.ts';
import { SELF_LOG_SENT } from '../backup/start-anew.ts';
import type { DeviceLog } from './device-log.ts';
import { LogSnapshots } from './log-snapshots.ts';
import type { RecoveryBoxes } from './recovery-boxes.ts';

export interface SelfNotesDeps {
  readonly address: MailAddress;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly log: DeviceLog;
  readonly boxes: RecoveryBoxes;
  readonly outbox: Pick<Outbox, 'enqueueNote'>;
  readonly suite: SealingSuite;
  readonly random: (length: number) => Uint8Array;
  readonly nowMs: () => number;
  readonly logger: Logger;
  /**
   * Whether letters to oneself are sealed to the newest line: not while a removed device could
   * still open them, because the descriptor with the new line is not out yet.
   */
  readonly isSealedAnew: () => boolean;
  /** A line came that the epochs must know: puts it into the batch. */
  readonly onLine: (batch: SealedBatch) => void;
  /** A note told that this device and another copy of it wrote the same number. */
  readonly onFork: () => void;
}

/** What was written is gathered so long, unless it is much. */
export const QUIET_MS = 2_000;
export const FULL_BYTES = 16_384;
/** Between two answers to a device that is missing something. */
const REPAIR_MS = 600_000;
/** How often lines are told again to backups that may be restored some day. */
const REFRESH_MS = 7 * 86_400_000;

export class SelfNotes {
  readonly #deps: SelfNotesDeps;
  readonly #snapshots: LogSnapshots;
  readonly #repairedAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #refreshedAt = 0;
  /** Of operations that were written since the last flush. */
  #gatheredBytes = 0;
  #isStopped = true;

  constructor(deps: SelfNotesDeps) {
    this.#deps = deps;
    this.#snapshots = new LogSnapshots(deps);
    deps.log.listen({
      wrote: (operations) => this.#noteWritten(operations),
      took: (operations) => this.#noteTaken(operations),
    });
  }

  /** Registers for notes; call it before anything is received. */
  register(notes: NoteRouter): void {
    notes.on(NOTE_FAMILIES.selfLog, (batch, note) => this.#take(batch, note));
  }

  /** What a crash kept from leaving leaves now. */
  start(): void {
    this.#isStopped = false;
    this.#plan(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(restMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running = this.flush().catch((error: unknown) => {
        this.#deps.logger.debug(errorFields(error), 'notes to the own devices wait');
        this.#plan(QUIET_MS);
      });
    }, restMs);
    this.#timer.unref();
  }

  #noteWritten(operations: readonly Operation[]): void {
    for (const one of operations) this.#gatheredBytes += encodeOperation(one).length;
    const isUrgent = operations.some((one) => isKind(one, 'epoch-line'));
    this.#plan(this.#gatheredBytes >= FULL_BYTES || isUrgent ? 0 : QUIET_MS);
  }

  /** Own operations that no note has carried yet, in their order. */
  #unsent(): Operation[] {
    return this.#ownSince(this.#deps.store.get(counters, SELF_LOG_SENT)?.next ?? 0);
  }

  #ownSince(from: number): Operation[] {
    const { log, own } = this.#deps.log;
    return this.#operationsOf(own.id, from, log.heads.get(own.id)?.seq ?? 0);
  }

  /** What is held of a device behind `from` and up to `end`. */
  #operationsOf(device: DeviceId, from: number, end: number): Operation[] {
    const { operations } = this.#deps.log.log;
    const found: Operation[] = [];
    for (let seq = from + 1; seq <= end; seq++) {
      const operation = operations.get(dotKey({ device, seq }));
      if (operation !== undefined) found.push(operation);
    }
    return found;
  }

  /** Puts everything unsent into the outbox. Without another device it only counts as sent. */
  async flush(): Promise<void> {
    const { writes, store, log } = this.#deps;
    this.#gatheredBytes = 0;
    if (log.others().length > 0 && !this.#deps.isSealedAnew()) {
      await this.#sendLines(this.#unsent());
      this.#plan(QUIET_MS);
      return;
    }
    await writes.run(async () => {
      const unsent = this.#unsent();
      const last = unsent.at(-1);
      if (last === undefined) return;
      const batch = store.batch();
      const applies = this.#enqueue(batch, unsent);
      batch.put(counters, SELF_LOG_SENT, { next: last.seq });
      await batch.write();
      applies.forEach((apply) => apply());
    });
  }

  /** New lines leave at once, sealed to each key: everything else waits for the descriptor. */
  async #sendLines(operations: readonly Operation[]): Promise<void> {
    const lines = operations.filter((one) => isKind(one, 'epoch-line'));
    const fresh = lines.filter((one) => !this.#repairedAt.has(`line/${one.device}/${one.seq}`));
    if (fresh.length === 0) return;
    await this.#deps.writes.run(async () => {
      const batch = this.#deps.store.batch();
      const applies = this.#enqueueBoxes(batch, fresh);
      await batch.write();
      applies.forEach((apply) => apply());
      for (const one of fresh) this.#repairedAt.set(`line/${one.device}/${one.seq}`, 0);
    });
  }

  #enqueue(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const { log, address, outbox } = this.#deps;
    const lines = operations.filter((one) => isKind(one, 'epoch-line'));
    const fresh = lines.filter((one) => !this.#repairedAt.has(`line/${one.device}/${one.seq}`));
    const applies = this.#enqueueBoxes(batch, fresh);
    if (log.others().length === 0) return applies;
    const others = operations.filter((one) => !isKind(one, 'epoch-line'));
    for (const part of partsOf(others)) {
      const body = encodeSelfNote({ kind: 'operations', operations: part });
      const apply = outbox.enqueueNote(batch, { to: address, body });
      applies.push(() => void apply());
    }
    return applies;
  }

  /** One note with a box for every key that may have the line. */
  #enqueueBoxes(batch: SealedBatch, lines: readonly Operation<EpochLineStart>[]): (() => void)[] {
    const { log, address, outbox, boxes } = this.#deps;
    const devices = log.view().devices.filter((one) => one.device !== log.own.id);
    const asleep = boxes.list().map((one) => hexToBytes(one.publicKey));
    const keys = [...devices.map((one) => one.key), ...asleep];
    return lines.flatMap((line) => {
      const sealed = keys.flatMap((key) => this.#box(line, key));
      if (sealed.length === 0) return [];
      const body = encodeSelfNote({ kind: 'boxes', boxes: sealed });
      const apply = outbox.enqueueNote(batch, { to: address, body });
      return [() => void apply()];
    });
  }

  #box(line: Operation, key: Uint8Array): SealedBox[] {
    const { random, suite } = this.#deps;
    const made = sealBox(line, key, random(32), suite);
    return made.ok ? [made.value] : [];
  }

  #take(batch: SealedBatch, note: ControlNote): () => void {
    const { log, address, onFork } = this.#deps;
    if (note.sender !== address) return () => {};
    const decoded = decodeSelfNote(note.body);
    if (!decoded.ok || decoded.value.kind === 'settles') return () => {};
    if (decoded.value.kind === 'snapshot') {
      this.#snapshots.take(batch, decoded.value);
      return () => {};
    }
    if (decoded.value.kind === 'operations') {
      const { operations } = decoded.value;
      const refused = log.receive(batch, operations);
      return () => {
        if (refused.includes('self-log-fork')) onFork();
        this.#answerWaiting(operations);
      };
    }
    for (const box of decoded.value.boxes) this.#takeBox(batch, box);
    return () => {};
  }

  #takeBox(batch: SealedBatch, box: SealedBox): void {
    const { log, suite } = this.#deps;
    const own = openBox(box, log.own.keys, suite);
    if (own !== undefined) {
      log.receive(batch, [own]);
      // It counts at once, also while what its author wrote before it is still on its way: that is
      // sealed to this line.
      this.#deps.onLine(batch);
      return;
    }
    const asleep = this.#deps.store.get(restoredNotes, RESTORED);
    if (asleep?.recoveryBox === undefined) return;
    const secretKey = hexToBytes(asleep.recoveryBox);
    const keys = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
    const line = openBox(box, keys, suite);
    if (line === undefined || !isKind(line, 'epoch-line')) return;
    // What its author wrote before it may never come: the line is written anew, by this device.
    const held = [...log.log.operations.values()].filter((one) => isKind(one, 'epoch-line'));
    const isKnown = held.some((one) => isSameLine(one.body, line.body));
    if (isKnown) return;
    log.journal(batch, line.body);
    this.#deps.onLine(batch);
  }

  /** A device that lacks something gets it again; one that said so is known to be there. */
  #noteTaken(operations: readonly Operation[]): void {
    const { log, nowMs } = this.#deps;
    // A device that came learns at once that its own tags are watched now.
    const isNew = operations.some((one) => isKind(one, 'device-add'));
    if (isNew) this.#running = this.#running.then(() => this.#saySeen());
    for (const operation of operations) {
      if (!isKind(operation, 'seen') || operation.device === log.own.id) continue;
      const missing = this.#missingAt(operation);
      const repairedAt = this.#repairedAt.get(operation.device) ?? Number.NEGATIVE_INFINITY;
      const isDue = missing.length > 0 && nowMs() - repairedAt >= REPAIR_MS;
      if (isDue) this.#repairedAt.set(operation.device, nowMs());
      const snapshot = this.#snapshots.answer(operation);
      if (!isDue && snapshot.length === 0) continue;
      const work = (): Promise<void> => this.#repair(isDue ? missing : [], snapshot);
      this.#running = this.#running.then(work);
    }
  }

  /**
   * What a device says it has seen may lie behind a gap itself, and is not taken up before that is
   * filled. It is answered all the same: two devices that each lack something would else never
   * hear of each other's want.
   */
  #answerWaiting(operations: readonly Operation[]): void {
    const { heads } = this.#deps.log.log;
    const isWaiting = ({ device, seq }: Operation): boolean => seq > (heads.get(device)?.seq ?? 0);
    this.#noteTaken(operations.filter((one) => isKind(one, 'seen') && isWaiting(one)));
  }

  /** Each device tells again what it wrote; the first of the list, what removed ones did. */
  #missingAt(seen: Operation<Seen>): Operation[] {
    const { log, own } = this.#deps.log;
    const view = this.#deps.log.view();
    const first = view.devices.find((one) => one.device !== seen.device);
    const removed = first?.device === own.id ? [...view.removed] : [];
    const headOf = (device: string): number =>
      seen.body.heads.find((one) => one.device === device)?.seq ?? 0;
    const cut = removed.flatMap(([device, end]) => {
      const last = Math.min(end, log.heads.get(device)?.seq ?? 0);
      return this.#operationsOf(device, headOf(device), last);
    });
    return [...cut, ...this.#ownSince(headOf(own.id))];
  }

  async #saySeen(): Promise<void> {
    const { writes, store, log, logger } = this.#deps;
    try {
      await writes.run(async () => {
        const batch = store.batch();
        log.journal(batch, { kind: 'seen', heads: headsOf(log.log) });
        await batch.write();
      });
    } catch (error) {
      logger.debug(errorFields(error), 'a new device is greeted another day');
    }
  }

  async #repair(missing: readonly Operation[], snapshot: readonly Uint8Array[]): Promise<void> {
    const { writes, store, logger, address, outbox } = this.#deps;
    try {
      await writes.run(async () => {
        const batch = store.batch();
        const applies = this.#enqueue(batch, missing);
        for (const body of snapshot) {
          const apply = outbox.enqueueNote(batch, { to: address, body });
          applies.push(() => void apply());
        }
        await batch.write();
        applies.forEach((apply) => apply());
      });
    } catch (error) {
      logger.debug(errorFields(error), 'a device still lacks operations');
    }
  }

  /**
   * Says what was taken up, so that all can compact; tells backups that sleep the lines that began
   * after them, because a provider keeps a note for a lease only.
   */
  async refresh(): Promise<void> {
    const { writes, store, log, boxes, nowMs } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      log.journal(batch, { kind: 'seen', heads: headsOf(log.log) });
      const oldest = boxes.list().at(-1);
      const isDue = nowMs() - this.#refreshedAt >= REFRESH_MS;
      const lines = [...log.log.operations.values()].filter((one) => isKind(one, 'epoch-line'));
      const later = oldest === undefined ? [] : lines.filter((one) => one.body.previousUntil > 0);
      const applies = isDue ? this.#enqueueBoxes(batch, later) : [];
      await batch.write();
      applies.forEach((apply) => apply());
      if (isDue) this.#refreshedAt = nowMs();
    });
    await log.compact();
  }
}

/** A secret that moved on is the same line: then the first epoch is the same. */
function isSameLine(a: EpochLineStart, b: EpochLineStart): boolean {
  if (a.from !== b.from) return false;
  return a.epoch !== b.epoch || bytesToHex(a.secret) === bytesToHex(b.secret);
}

/** Operations in notes that an envelope can carry. */
function partsOf(operations: readonly Operation[]): Operation[][] {
  const parts: Operation[][] = [];
  let size = 0;
  for (const operation of operations) {
    const length = encodeOperation(operation).length + 2;
    const last = parts.at(-1);
    const isFull =
      last === undefined || size + length > FULL_BYTES + 512 || last.length >= MAX_NOTE_OPERATIONS;
    if (isFull) parts.push([operation]);
    else last.push(operation);
    size = isFull ? length : size + length;
  }
  return parts;
}
