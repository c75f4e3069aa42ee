/**
 * Tags under which the account writes to itself: each device counts on a key of its own that all
 * devices can make, so notes arrive whatever the account asks of strangers, without stamps and
 * without its bucket. Before: outbox/sealer.ts, device-manager.ts; after: tags/tag-book.ts.
 * Spec: docs/spec/26-self-log.md §8a, docs/spec/23-envelope.md.
 */
import { selfTagKey } from '@tanglemail/mail/core/envelope/device-tags.ts';
import { REGISTRATION_WINDOW, tagAt, type TagKey } from '@tanglemail/mail/core/envelope/tags.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { isKind, type Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import { z } from 'zod';
import type { Account } from '../account/account.ts';
import type { OwnSettings } from '../contacts/own-settings.ts';
import type { ChosenTag } from '../outbox/sealer.ts';
import { collection, count } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { deviceSource, type TagBook } from '../tags/tag-book.ts';
import type { DeviceLog } from './device-log.ts';

/** Names the tags that a device uses before the others know it; no device has this id. */
const OPENING = 'ff'.repeat(16);
/** Two devices that are made from the same copy begin apart: less than what is watched ahead. */
const OPENING_SPREAD = 64;
/** Its own device's alone: left out of what a restored store takes over (backup/start-anew.ts). */
const KEY = 'own/self-tags';

const nextNumbers = collection(
  'device',
  z.strictObject({ next: count, opening: count.optional() }),
);

export interface SelfTagsDeps {
  readonly account: Account;
  readonly log: DeviceLog;
  readonly tags: TagBook;
  readonly store: SealedStore;
  readonly settings: Pick<OwnSettings, 'get' | 'observe'>;
  readonly suite: SealingSuite;
  /** A random number below this one. */
  readonly below: (end: number) => number;
}

export class SelfTags {
  readonly #deps: SelfTagsDeps;

  constructor(deps: SelfTagsDeps) {
    this.#deps = deps;
    const { settings } = deps;
    settings.observe((batch, { after }) => {
      const applies = this.#watch(batch, after.contactsOnly ?? settings.get().contactsOnly);
      batch.whenWritten(() => applies.forEach((apply) => apply()));
    });
  }

  /** Watches the tags of devices that came, and no more those of devices that went. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const { log, tags, settings } = this.#deps;
    const isTouched = operations.some(
      (one) => isKind(one, 'device-add') || isKind(one, 'device-remove'),
    );
    if (!isTouched) return [];
    const removed = [...log.view().removed.keys()];
    const rested = removed.map((id) => tags.restSource(batch, this.#source(id)));
    return [...rested, ...this.#watch(batch, settings.get().contactsOnly)];
  }

  /**
   * Puts into the batch that everything is watched under which a device of the account writes, if
   * it writes under such tags.
   */
  #watch(batch: SealedBatch, contactsOnly: boolean, isExact = false): (() => void)[] {
    const { log } = this.#deps;
    // Alone, and open to strangers, notes to oneself go under a stranger's tag.
    if (log.others().length === 0 && !contactsOnly && !isExact) return [];
    const ids: string[] = log.view().devices.map((one) => one.device);
    if (contactsOnly) ids.push(OPENING);
    return ids.flatMap((id) => {
      const key = this.#keyOf(id);
      return key === undefined ? [] : [this.#deps.tags.watchSource(batch, this.#source(id), key)];
    });
  }

  /**
   * The next tag for a letter to oneself; undefined when it goes under a stranger's, or `isExact`
   * is asked and too many are under way.
   */
  take(batch: SealedBatch, isExact: boolean): ChosenTag | undefined {
    const { log, settings, store } = this.#deps;
    const isAlone = log.others().length === 0;
    const { contactsOnly } = settings.get();
    const before = store.get(nextNumbers, KEY) ?? { next: 0 };
    // Parts are uploaded to the own mailboxes: those know the tag by this device alone.
    if (isExact || (this.#isKnownToAll() && !(isAlone && !contactsOnly))) {
      const tag = this.#tagAt(batch, log.own.id, before.next, isExact);
      if (tag !== undefined) batch.put(nextNumbers, KEY, { ...before, next: before.next + 1 });
      return tag;
    }
    if (!contactsOnly) return undefined;
    const opening = before.opening ?? this.#firstOpening();
    const tag = this.#tagAt(batch, OPENING, opening);
    if (tag !== undefined) batch.put(nextNumbers, KEY, { ...before, opening: opening + 1 });
    return tag;
  }

  #firstOpening(): number {
    const { tags, below } = this.#deps;
    return tags.topOf(this.#source(OPENING)) + below(OPENING_SPREAD);
  }

  /** Undefined beyond what is watched: the numbers before it have to arrive first. */
  #tagAt(batch: SealedBatch, id: string, index: number, isExact = false): ChosenTag | undefined {
    const key = this.#keyOf(id);
    const { tags, settings } = this.#deps;
    const end = tags.topOf(this.#source(id)) + REGISTRATION_WINDOW;
    if (key === undefined || index >= end) return undefined;
    const applies = this.#watch(batch, settings.get().contactsOnly, isExact);
    const apply = (): void => applies.forEach((one) => one());
    return { kind: 'contact', tag: tagAt(key, index), apply };
  }

  /** Whether each other device has said that it knows this one, and so watches its tags. */
  #isKnownToAll(): boolean {
    const { log } = this.#deps;
    const known = log.knownBy();
    return log.others().every((id) => known.has(id));
  }

  #keyOf(device: string): TagKey | undefined {
    const { account, suite } = this.#deps;
    return selfTagKey(account.keys.identity, device, suite);
  }

  #source(device: string): string {
    return deviceSource(this.#deps.account.address, device);
  }
}
