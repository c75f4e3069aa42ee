/**
 * What the user decided about the account itself: the name in letters, and whom it hears at what
 * price. The configuration gives the first values; what was changed at run time counts instead.
 * Before: the local API; after: descriptor/publisher.ts, own-addresses.ts, the composer.
 * Spec: docs/spec/21-descriptor.md, docs/spec/41-client-api.md.
 */
import type { SpamPolicy } from '@tanglemail/mail/core/identity/sub-address.ts';
import { type OwnSettings as Changed, ownSettings } from '../store/people-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { ChangeOrigin } from './contact-book.ts';

const KEY = 'own-settings';

/** All settings, none absent. */
export interface Settings extends SpamPolicy {
  /** What letters of this account give as its name; may be empty. */
  readonly profileName: string;
  /** Bytes of the largest mail that is accepted. */
  readonly maxMail: number;
}

/** Hears of every change inside its batch; must not throw. */
export type SettingsObserver = (
  batch: SealedBatch,
  change: { readonly origin: ChangeOrigin; readonly before: Changed; readonly after: Changed },
) => void;

export interface OwnSettingsDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  /** What the configuration says. */
  readonly defaults: Settings;
  /** Called when a change is on the disk. */
  readonly onChange: () => void;
}

export class OwnSettings {
  readonly #deps: OwnSettingsDeps;
  readonly #observers = new Set<SettingsObserver>();

  constructor(deps: OwnSettingsDeps) {
    this.#deps = deps;
  }

  /** Calls `observer` inside every change until the function it gives is called. */
  observe(observer: SettingsObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  get(): Settings {
    const { defaults, store } = this.#deps;
    const changed = store.get(ownSettings, KEY);
    return {
      profileName: changed?.profileName ?? defaults.profileName,
      stampBits: changed?.stampBits ?? defaults.stampBits,
      contactsOnly: changed?.contactsOnly ?? defaults.contactsOnly,
      maxMail: changed?.maxMail ?? defaults.maxMail,
    };
  }

  /** Changes what `change` names; the rest stays. */
  async set(change: Partial<Settings>): Promise<Settings> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      this.put(batch, { ...this.changed(), ...change });
      await batch.write();
    });
    return this.get();
  }

  /** What was changed at run time; the rest is as the configuration says. */
  changed(): Changed {
    return this.#deps.store.get(ownSettings, KEY) ?? {};
  }

  /** Puts the settings into a batch; also those that another device wrote (`remote`). */
  put(batch: SealedBatch, after: Changed, origin: ChangeOrigin = 'local'): void {
    const before = this.changed();
    batch.put(ownSettings, KEY, after);
    for (const observer of this.#observers) observer(batch, { origin, before, after });
    batch.whenWritten(() => this.#deps.onChange());
  }
}
