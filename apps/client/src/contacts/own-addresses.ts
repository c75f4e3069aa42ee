/**
 * The doors of this account: the plain address and its sub-addresses (`tm1…+shop`), each with an
 * intro key and a policy of its own. Says what the descriptor publishes and which keys strangers'
 * mail is looked for with. Before: the local API; after: descriptor/publisher.ts,
 * inbox/letter-intake.ts. Spec: docs/spec/20-identity.md, docs/spec/21-descriptor.md.
 */
import { isSubAddress } from '@tanglemail/mail/core/identity/address.ts';
import { introKey } from '@tanglemail/mail/core/identity/keys.ts';
import {
  type Doorway,
  MAX_SUB_ADDRESSES,
  sortSubAddresses,
  type SpamPolicy,
  type SubAddress,
  subAddressId,
} from '@tanglemail/mail/core/identity/sub-address.ts';
import type { KeyPair, SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Account } from '../account/account.ts';
import { ClientError } from '../client-error.ts';
import { type SubAddressRecord, subAddresses } from '../store/people-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { ChangeOrigin } from './contact-book.ts';
import type { Settings } from './own-settings.ts';

/** Labels that an account ever used; each must be remembered. */
const MAX_LABELS = 1_024;

/** A door at which strangers' mail is heard. */
export interface Door {
  /** Empty for the plain address. */
  readonly label: string;
  readonly intro: KeyPair;
  /** Work asked of strangers here. */
  readonly stampBits: number;
}

/** What a descriptor says of doors. */
export interface PublishedDoors extends Doorway {
  readonly subAddresses: readonly SubAddress[];
  /** Bytes of the largest mail that is accepted. */
  readonly maxMail: number;
}

/** Hears of every change inside its batch; must not throw. */
export type SubAddressObserver = (
  batch: SealedBatch,
  change: {
    readonly origin: ChangeOrigin;
    readonly before: SubAddressRecord | undefined;
    readonly after: SubAddressRecord;
  },
) => void;

export interface OwnAddressesDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly suite: SealingSuite;
  readonly clock: Clock;
  /** The plain address's own policy. */
  readonly settings: { get(): Settings };
  /** Called when a change is on the disk. */
  readonly onChange: () => void;
}

export class OwnAddresses {
  readonly #deps: OwnAddressesDeps;
  readonly #records = new Map<string, SubAddressRecord>();
  /** Derived once: a key pair costs as much as looking at one envelope. */
  readonly #intros = new Map<string, KeyPair>();
  readonly #observers = new Set<SubAddressObserver>();

  private constructor(deps: OwnAddressesDeps) {
    this.#deps = deps;
  }

  static async load(deps: OwnAddressesDeps): Promise<OwnAddresses> {
    const own = new OwnAddresses(deps);
    for await (const { value } of deps.store.scan(subAddresses)) {
      own.#records.set(value.label, value);
    }
    return own;
  }

  /** Calls `observer` inside every change until the function it gives is called. */
  observe(observer: SubAddressObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** All that were ever made, also the revoked ones, by label. */
  list(): SubAddressRecord[] {
    return [...this.#records.values()].toSorted((a, b) => (a.label < b.label ? -1 : 1));
  }

  /** Whether `label` is a sub-address that is published. */
  isLive(label: string): boolean {
    const record = this.#records.get(label);
    return record !== undefined && record.revokedAtMs === undefined;
  }

  /** The doors at which strangers are heard; none for contacts only. */
  doors(): Door[] {
    const { account, settings } = this.#deps;
    const open = this.#live().filter((one) => !one.contactsOnly);
    const subs = open.map((one) => ({
      label: one.label,
      intro: this.#introOf(one),
      stampBits: one.stampBits,
    }));
    const { contactsOnly, stampBits } = settings.get();
    return contactsOnly ? subs : [{ label: '', intro: account.intro, stampBits }, ...subs];
  }

  /** What the descriptor says. */
  published(): PublishedDoors {
    const { account, settings } = this.#deps;
    const list = this.#live().map((one) => ({
      id: subAddressId(account.address, one.label),
      introKey: this.#introOf(one).publicKey,
      policy: { stampBits: one.stampBits, contactsOnly: one.contactsOnly },
    }));
    const { stampBits, contactsOnly, maxMail } = settings.get();
    return {
      introKey: account.intro.publicKey,
      policy: { stampBits, contactsOnly },
      subAddresses: sortSubAddresses(list),
      maxMail,
    };
  }

  /**
   * Opens a sub-address. One that was revoked comes back under another key. Throws
   * `sub-address-invalid`, `sub-address-exists`, `sub-addresses-too-many`.
   */
  async add(label: string, policy: Partial<SpamPolicy> = {}): Promise<SubAddressRecord> {
    const { account, clock } = this.#deps;
    if (!isSubAddress(label, account.network)) throw new ClientError('sub-address-invalid', label);
    return this.#change((batch) => {
      const known = this.#records.get(label);
      if (this.isLive(label)) throw new ClientError('sub-address-exists', label);
      const isFull = known === undefined && this.#records.size >= MAX_LABELS;
      if (isFull || this.#live().length >= MAX_SUB_ADDRESSES) {
        throw new ClientError('sub-addresses-too-many', `at most ${MAX_SUB_ADDRESSES}`);
      }
      const nowMs = clock.nowMs();
      // Seconds: no generation comes twice, not even after a restore that knows of no label.
      const seconds = Math.floor(nowMs / 1_000);
      const generation = Math.max(seconds, (known?.generation ?? 0) + 1);
      const { stampBits = this.#deps.settings.get().stampBits, contactsOnly = false } = policy;
      return this.put(batch, { label, generation, stampBits, contactsOnly, createdAtMs: nowMs });
    });
  }

  /** Changes the policy of one that is live. Throws `sub-address-unknown`. */
  async setPolicy(label: string, policy: Partial<SpamPolicy>): Promise<SubAddressRecord> {
    return this.#change((batch) => this.put(batch, { ...this.#known(label), ...policy }));
  }

  /**
   * Ends a sub-address: it is published and heard no more, for ever under this key. Throws
   * `sub-address-unknown`.
   */
  async revoke(label: string): Promise<SubAddressRecord> {
    const revokedAtMs = this.#deps.clock.nowMs();
    return this.#change((batch) => this.put(batch, { ...this.#known(label), revokedAtMs }));
  }

  /**
   * Puts a record into a batch, also one that another device wrote (`remote`). The caller writes
   * the batch, then calls the function.
   */
  put(
    batch: SealedBatch,
    record: SubAddressRecord,
    origin: ChangeOrigin = 'local',
  ): () => SubAddressRecord {
    batch.put(subAddresses, this.#deps.store.opaque(record.label), record);
    const before = this.#records.get(record.label);
    for (const observer of this.#observers) observer(batch, { origin, before, after: record });
    return () => {
      this.#records.set(record.label, record);
      return record;
    };
  }

  /** Puts what another device says of a label; the caller writes the batch, then calls it. */
  putRemote(batch: SealedBatch, record: SubAddressRecord): () => void {
    const apply = this.put(batch, record, 'remote');
    return () => {
      apply();
      this.#deps.onChange();
    };
  }

  async #change(work: (batch: SealedBatch) => () => SubAddressRecord): Promise<SubAddressRecord> {
    const { store, writes, onChange } = this.#deps;
    return writes.run(async () => {
      const batch = store.batch();
      const apply = work(batch);
      await batch.write();
      const record = apply();
      onChange();
      return record;
    });
  }

  /** Two devices can open the last places at once: then the oldest stay, on all the same. */
  #live(): SubAddressRecord[] {
    const live = this.list().filter((one) => one.revokedAtMs === undefined);
    const byAge = live.toSorted((a, b) => a.generation - b.generation);
    const kept = new Set(byAge.slice(0, MAX_SUB_ADDRESSES));
    return live.filter((one) => kept.has(one));
  }

  #known(label: string): SubAddressRecord {
    const record = this.#records.get(label);
    if (record !== undefined && record.revokedAtMs === undefined) return record;
    throw new ClientError('sub-address-unknown', label);
  }

  #introOf({ label, generation }: SubAddressRecord): KeyPair {
    const { account, suite } = this.#deps;
    const name = `${label} ${generation}`;
    const known = this.#intros.get(name);
    if (known !== undefined) return known;
    const intro = introKey(account.keys, label, generation, suite);
    this.#intros.set(name, intro);
    return intro;
  }
}
