/**
 * What becomes of tags, chains and invites that a removed device knows: each remaining device tells
 * its contacts new seeds, and the one that removed it asks them to begin anew towards this account,
 * and ends its invites.
 * Before: device-manager.ts, client.ts; after: device-tags.ts, and the contacts' clients.
 * Spec: docs/spec/26-self-log.md, section "Removed devices".
 */
import { encodeDeviceNote } from '@tanglemail/mail/core/envelope/device-tags.ts';
import {
  type DeviceId,
  isKind,
  MAX_DEVICES,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { z } from 'zod';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { collection } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { DeviceLog } from './device-log.ts';
import type { DeviceTags } from './device-tags.ts';

/** Of this device alone: another one has seeds of its own (backup/start-anew.ts). */
const KEY = 'own/renewal';

const renewals = collection(
  'device',
  z.strictObject({
    /** Removed devices whose knowledge is worth nothing any more. */
    done: z.array(z.string().length(32)).max(MAX_DEVICES),
    /** Whether contacts are to be asked, once the descriptor is out that only we can read for. */
    isAsking: z.boolean(),
  }),
);

export interface TagRenewalDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly log: DeviceLog;
  readonly tags: DeviceTags;
  readonly contacts: ContactBook;
  readonly outbox: Pick<Outbox, 'enqueueNote'>;
}

export class TagRenewal {
  readonly #deps: TagRenewalDeps;

  constructor(deps: TagRenewalDeps) {
    this.#deps = deps;
  }

  /** Another device removed one: once for each removal, however often it is applied. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    if (!operations.some((one) => isKind(one, 'device-remove'))) return [];
    const { store, log } = this.#deps;
    const known = store.get(renewals, KEY);
    const done = [...log.view().removed.keys()];
    if (done.every((id) => known?.done.includes(id) === true)) return [];
    return this.#renew(batch, done, known?.isAsking === true);
  }

  /**
   * This device removes one, in the same batch. Open invites end: whoever knows one is let in
   * unasked, and sees which mails come by it.
   */
  begin(batch: SealedBatch, removed: DeviceId, nowMs: number): (() => void)[] {
    const { log, contacts } = this.#deps;
    const revoked = contacts.invites.revokeAll(batch, nowMs);
    return [...this.#renew(batch, [...log.view().removed.keys(), removed], true), revoked];
  }

  #renew(batch: SealedBatch, done: DeviceId[], isAsking: boolean): (() => void)[] {
    batch.put(renewals, KEY, { done, isAsking });
    return this.#deps.tags.renew(batch);
  }

  /**
   * Asks all contacts for new tags and chains, if that is still to be done. Only once the new
   * descriptor is confirmed: what they answer is sealed to it.
   */
  async ask(): Promise<void> {
    const { store, writes, log, contacts, outbox } = this.#deps;
    if (store.get(renewals, KEY)?.isAsking !== true) return;
    await writes.run(async () => {
      const known = store.get(renewals, KEY);
      if (known === undefined) return;
      const batch = store.batch();
      const body = encodeDeviceNote({ kind: 'renew', device: log.own.id });
      const friends = contacts.list().filter((one) => one.state === 'accepted' && one.knowsUs);
      const applies = friends.map(({ address: to }) => outbox.enqueueNote(batch, { to, body }));
      batch.put(renewals, KEY, { ...known, isAsking: false });
      await batch.write();
      applies.forEach((apply) => apply());
    });
  }
}
