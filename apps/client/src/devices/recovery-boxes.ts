/**
 * The public keys of this account's backups: a backup is like a device that sleeps, so epoch lines
 * that begin after it was made are sealed to it as well and reach whoever restores it. Before:
 * backup/backup-keeper.ts; after: store. Spec: docs/spec/29-backup.md, "Epoch lines of later".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { z } from 'zod';
import { collection, count, hex } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

/** Backups that later epoch lines are sealed to; the oldest makes room. */
export const MAX_RECOVERY_BOXES = 8;
const KEY = 'boxes';

const boxes = collection(
  'device',
  z.strictObject({
    list: z.array(z.strictObject({ publicKey: hex, createdAtMs: count })).max(MAX_RECOVERY_BOXES),
  }),
);

/** The key of one backup. */
export interface RecoveryBox {
  /** X25519, 64 hex digits. */
  readonly publicKey: string;
  readonly createdAtMs: number;
}

export class RecoveryBoxes {
  readonly #store: SealedStore;
  readonly #writes: WriteLock;

  constructor(store: SealedStore, writes: WriteLock) {
    this.#store = store;
    this.#writes = writes;
  }

  /** Newest first. */
  list(): readonly RecoveryBox[] {
    return this.#store.get(boxes, KEY)?.list ?? [];
  }

  async add(publicKey: Uint8Array, createdAtMs: number): Promise<void> {
    await this.#writes.run(async () => {
      const added = { publicKey: bytesToHex(publicKey), createdAtMs };
      const list = [added, ...this.list()].slice(0, MAX_RECOVERY_BOXES);
      await this.#store.batch().put(boxes, KEY, { list }).write();
    });
  }

  /** Backups that a removed device may have a copy of are not sealed to any more. */
  clear(batch: SealedBatch): void {
    batch.put(boxes, KEY, { list: [] });
  }
}
