/**
 * Mails that were deleted for good while another device may be moving them: their bytes are kept
 * until all devices have said that they know of the deletion, so that a move at the same time can
 * bring them back everywhere. Before: mail-log.ts; after: mail-log-apply.ts, store.
 * Spec: docs/spec/26-self-log.md, section "Values".
 */
import { stableHeads } from '@tanglemail/mail/core/self-log/compact.ts';
import { additionsOf } from '@tanglemail/mail/core/self-log/view.ts';
import { z } from 'zod';
import type { ListedMail, NewMail } from '../messages/listed-mail.ts';
import { collection, count, messageEntries } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { NOWHERE } from './log-values.ts';

/** Mails that are kept, and their bytes together; beyond that the oldest go for good at once. */
export const MAX_RESCUES = 1_024;
const MAX_RESCUE_BYTES = 67_108_864;
const FACTS = 'rescue/facts/';
const RAW = 'rescue/raw/';

const kept = collection(
  'device',
  z.object({
    owner: z.string().max(64),
    keptAtMs: count,
    entry: z.custom<ListedMail['entry']>((value) => messageEntries.schema.parse(value) !== null),
  }),
);

export interface RescueShelfDeps {
  readonly log: DeviceLog;
  readonly store: SealedStore;
  readonly nowMs: () => number;
}

export class RescueShelf {
  readonly #deps: RescueShelfDeps;
  /** Bytes of each, the oldest first. A batch that fails may leave one that is not on the disk. */
  readonly #sizes = new Map<string, number>();

  private constructor(deps: RescueShelfDeps) {
    this.#deps = deps;
  }

  static async load(deps: RescueShelfDeps): Promise<RescueShelf> {
    const shelf = new RescueShelf(deps);
    const found: { owner: string; keptAtMs: number; sizeBytes: number }[] = [];
    for await (const { value } of deps.store.scan(kept, { prefix: FACTS })) {
      const { owner, keptAtMs, entry } = value;
      found.push({ owner, keptAtMs, sizeBytes: entry.sizeBytes });
    }
    for (const { owner, sizeBytes } of found.toSorted((a, b) => a.keptAtMs - b.keptAtMs)) {
      shelf.#sizes.set(owner, sizeBytes);
    }
    return shelf;
  }

  /** Keeps a mail that the batch deletes. `owner`: as the log names it. */
  keep(batch: SealedBatch, owner: string, { entry }: ListedMail, raw: Uint8Array): void {
    if (raw.length > MAX_RESCUE_BYTES) return;
    this.#drop(batch, owner);
    this.#sizes.set(owner, raw.length);
    batch.put(kept, `${FACTS}${owner}`, { owner, keptAtMs: this.#deps.nowMs(), entry });
    batch.putBytes('device', `${RAW}${owner}`, raw);
    let total = [...this.#sizes.values()].reduce((sum, one) => sum + one, 0);
    for (const [oldest, size] of this.#sizes) {
      if (this.#sizes.size <= MAX_RESCUES && total <= MAX_RESCUE_BYTES) break;
      this.#drop(batch, oldest);
      total -= size;
    }
  }

  #drop(batch: SealedBatch, owner: string): void {
    if (!this.#sizes.delete(owner)) return;
    batch.del('device', `${FACTS}${owner}`);
    batch.del('device', `${RAW}${owner}`);
  }

  /** A mail that was kept, as it lay; undefined when there is none. */
  find(owner: string): Omit<NewMail, 'folder'> | undefined {
    const { store } = this.#deps;
    const facts = store.get(kept, `${FACTS}${owner}`);
    const raw = store.getBytes('device', `${RAW}${owner}`);
    if (facts === undefined || raw === undefined) return undefined;
    const receivedAtMs = facts.entry.internalDate * 1_000;
    const { sender, subAddress, importedFrom, ...entry } = facts.entry;
    return {
      ...entry,
      raw,
      receivedAtMs,
      ...(sender === undefined ? {} : { sender }),
      ...(subAddress === undefined ? {} : { subAddress }),
      ...(importedFrom === undefined ? {} : { importedFrom }),
    };
  }

  /** Forgets what every listed device knows to be deleted, and what came back. */
  tidy(batch: SealedBatch): void {
    const { log } = this.#deps;
    if (this.#sizes.size === 0) return;
    const stable = stableHeads(log.log);
    const isAlone = log.others().length === 0;
    for (const owner of this.#sizes.keys()) {
      const deletions = additionsOf(log.view(), 'folder', owner, NOWHERE);
      const isOver = deletions.some((one) => one.seq <= (stable.get(one.device) ?? 0));
      if (isOver || isAlone || deletions.length === 0) this.#drop(batch, owner);
    }
  }
}
