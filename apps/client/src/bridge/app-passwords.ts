/**
 * Passwords for mail programs: one for each, shown once, stored as a hash, revocable alone. They
 * open the bridge on this machine and nothing else. Before: login-guard.ts, the local API; after:
 * the store. Spec: docs/spec/45-mail-programs.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { base32crockford } from '@scure/base';
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import { ClientError } from '../client-error.ts';
import { appPasswords } from '../store/bridge-collections.ts';
import type { RecordOf } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

/** Passwords of one account. */
export const MAX_APP_PASSWORDS = 50;
const PREFIX = 'password/';
/** 15 bytes are 24 digits of base32: 120 bits. */
const PASSWORD_LENGTH = 15;
const ID_LENGTH = 8;
/** The time of the last use is written down so often at most. */
const USE_STEP_MS = 3_600_000;

export interface AppPassword {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: never. */
  readonly lastUsedMs: number | null;
}

export interface AppPasswordsDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly random: Random;
  readonly nowMs: () => number;
}

export class AppPasswords {
  readonly #deps: AppPasswordsDeps;
  readonly #known = new Map<string, RecordOf<typeof appPasswords>>();

  private constructor(deps: AppPasswordsDeps) {
    this.#deps = deps;
  }

  static async load(deps: AppPasswordsDeps): Promise<AppPasswords> {
    const passwords = new AppPasswords(deps);
    for await (const { key, value } of deps.store.scan(appPasswords, { prefix: PREFIX })) {
      passwords.#known.set(key.slice(PREFIX.length), value);
    }
    return passwords;
  }

  /** The oldest first. */
  list(): AppPassword[] {
    const all = Array.from(this.#known, ([id, { name, createdAtMs, lastUsedMs }]) => {
      return { id, name, createdAtMs, lastUsedMs: lastUsedMs === 0 ? null : lastUsedMs };
    });
    return all.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** Makes one. `password` is told this once. Throws ClientError `app-passwords-too-many`. */
  async add(name: string): Promise<AppPassword & { readonly password: string }> {
    const { store, writes, random, nowMs } = this.#deps;
    if (this.#known.size >= MAX_APP_PASSWORDS) {
      throw new ClientError('app-passwords-too-many', `${MAX_APP_PASSWORDS}`);
    }
    const digits = base32crockford.encode(random.bytes(PASSWORD_LENGTH)).toLowerCase();
    const password = digits.match(/.{4}/g)?.join('-') ?? '';
    const id = bytesToHex(random.bytes(ID_LENGTH));
    const record = { name, hash: hashOf(password), createdAtMs: nowMs(), lastUsedMs: 0 };
    await writes.run(() =>
      store
        .batch()
        .put(appPasswords, PREFIX + id, record)
        .write(),
    );
    this.#known.set(id, record);
    return { id, name, createdAtMs: record.createdAtMs, lastUsedMs: null, password };
  }

  /** Throws ClientError `app-password-unknown`. */
  async remove(id: string): Promise<void> {
    const { store, writes } = this.#deps;
    if (!this.#known.has(id)) throw new ClientError('app-password-unknown', id.slice(0, 64));
    await writes.run(() =>
      store
        .batch()
        .del('bridge', PREFIX + id)
        .write(),
    );
    this.#known.delete(id);
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** The id of a password, if it is one of ours; who types it need not care for case and dashes. */
  async check(password: string): Promise<string | undefined> {
    const digits = password.toLowerCase().replaceAll(/[\s-]/g, '');
    const given = Buffer.from(hashOf(digits.match(/.{1,4}/g)?.join('-') ?? ''), 'hex');
    let found: string | undefined;
    for (const [id, { hash }] of this.#known) {
      if (timingSafeEqual(Buffer.from(hash, 'hex'), given)) found = id;
    }
    if (found !== undefined) await this.#noteUse(found);
    return found;
  }

  async #noteUse(id: string): Promise<void> {
    const { store, writes, nowMs } = this.#deps;
    const record = this.#known.get(id);
    if (record === undefined || nowMs() - record.lastUsedMs < USE_STEP_MS) return;
    const used = { ...record, lastUsedMs: nowMs() };
    this.#known.set(id, used);
    await writes.run(async () => {
      // It may have been removed while others wrote.
      if (this.#known.has(id))
        await store
          .batch()
          .put(appPasswords, PREFIX + id, used)
          .write();
    });
  }
}

function hashOf(password: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(`tmail/app-password/v1\0${password}`)));
}
