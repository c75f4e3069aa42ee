/**
 * What time does to the store: held mail is dropped, paid time ends, expired objects are purged,
 * stored answers are forgotten. Runs after each milestone in small steps, so that a long queue of
 * old things never blocks new mail. Before: feed/feed.ts. Spec: docs/spec/33-mailbox.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { ageObject } from '@tanglemail/mail/core/market/stored-object.ts';
import { closeUpload } from '../parts/upload-rows.ts';
import { keyOf, idKey, orderU32 } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import {
  addDue,
  DUE_KINDS,
  logEvent,
  readMailbox,
  readObject,
  readRecord,
  readRoot,
  writeMailbox,
  writeObject,
  writeRoot,
} from '../store/rows.ts';
import { dropHeld } from '../store/stranger-rows.ts';
import type { Terms } from '../terms.ts';

/** Due entries of one step. */
const STEP = 256;

export class Sweeper {
  readonly #store: GroupStore;
  readonly #terms: Terms;

  constructor(store: GroupStore, terms: Terms) {
    this.#store = store;
    this.#terms = terms;
  }

  /** Works off what is due at `ledgerTime`, at most one step; returns how many entries that was. */
  async step(ledgerTime: number): Promise<number> {
    const end = keyOf('due', orderU32(ledgerTime + 1));
    const due = await this.#store.scan(keyOf('due'), end, STEP);
    if (due.length === 0) return 0;
    await this.#store.transact((transaction) => {
      for (const [key] of due) {
        transaction.del(key);
        this.#look(transaction, key[5] as number, key.slice(6), ledgerTime);
      }
    });
    return due.length;
  }

  #look(transaction: StoreTransaction, kind: number, key: Uint8Array, now: number): void {
    if (kind === DUE_KINDS.object) this.#ageObject(transaction, key, now);
    else if (kind === DUE_KINDS.root) endHeld(transaction, bytesToHex(key), now);
    else if (kind === DUE_KINDS.upload) closeUpload(transaction, bytesToHex(key), now);
    else if (kind === DUE_KINDS.tagUse) transaction.del(keyOf('tagUse', key));
    else if (kind === DUE_KINDS.idempotency) {
      const recordKey = keyOf('idempotency', key);
      const record = readRecord(transaction, recordKey) as { expires: number } | undefined;
      if (record && record.expires <= now) transaction.del(recordKey);
    }
  }

  #ageObject(transaction: StoreTransaction, key: Uint8Array, now: number): void {
    const mailboxId = bytesToHex(key.subarray(0, 32));
    const root = bytesToHex(key.subarray(32));
    const object = readObject(transaction, mailboxId, root);
    const mailbox = readMailbox(transaction, mailboxId);
    // A part that waits for its envelope ends with its upload.
    if (!object || !mailbox || object.paidUntil !== undefined) return;
    const aged = ageObject(object, now, this.#terms.times);
    if (aged === object) {
      // It was prolonged: its new time has an entry of its own, this one is only kept safe.
      if (object.until > now) addDue(transaction, object.until, 'object', key);
      return;
    }
    const event = { state: aged.state, cost: 0n, time: now };
    const logged = logEvent(transaction, mailbox, object, event);
    if (aged.state !== 'purged') {
      writeMailbox(transaction, logged);
      writeObject(transaction, aged);
      return;
    }
    writeMailbox(transaction, { ...logged, objectCount: logged.objectCount - 1 });
    transaction.del(idKey('object', mailboxId, root));
    const record = readRoot(transaction, root);
    if (!record) return;
    const holders = record.holders.filter((holder) => holder !== mailboxId);
    writeRoot(transaction, root, { ...record, holders });
  }
}

/** Ends the free time of an envelope held for strangers' buckets. */
function endHeld(transaction: StoreTransaction, root: string, now: number): void {
  const record = readRoot(transaction, root);
  // Dropped for another one and come again, it may be held longer than this entry says.
  if (record && record.heldUntil > 0 && record.heldUntil <= now) dropHeld(transaction, root);
}
