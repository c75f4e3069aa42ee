/**
 * The client's local store: every value sealed with XChaCha20-Poly1305 under the keystore's store
 * key and bound to its place, so that a stolen disk shows sizes and counts and nothing else.
 * Between the inbox, outbox, contacts, … and `tangle/io/level`. Spec: docs/spec/40-client-store.md.
 *
 * Not protected: somebody who can write to the disk may put an older sealed value back in the same
 * place; what must not roll back is checked against the ledger.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** What this store needs of the key-value store below it. */
export interface KeyValueStore {
  getSync(key: Uint8Array): Uint8Array | undefined;
  iterate(range: KeyRange): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  batch(): KeyValueBatch;
  close(): Promise<void>;
}

export interface KeyValueBatch {
  put(key: Uint8Array, value: Uint8Array): unknown;
  del(key: Uint8Array): unknown;
  write(options: { sync: boolean }): Promise<void>;
}

export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/**
 * One part of the store. Numbers are on disk: never reused. Keys are ASCII and stand in the clear,
 * so a key that tells something about the user is made opaque. docs/spec/40-client-store.md says
 * what lies in each; a test holds the page to this list.
 */
export const BUCKETS = {
  /** Name → JSON: counters, cursors, own descriptor, epoch secrets. */
  state: 1,
  /** Outbox id (16 digits) → JSON of the entry. */
  outbox: 2,
  /** Outbox id → sealed envelope, stored before the first attach, until it is confirmed. */
  outboxEnvelope: 3,
  /** Opaque(address) → JSON of the contact. */
  contact: 4,
  /** Opaque(hash of the bytes) → raw RFC 5322 bytes, exactly as they came. */
  messageRaw: 5,
  /** Folder id, UID (10 digits) → JSON of the list entry. */
  messageEntry: 6,
  /** Opaque(sender and letter id, root, …) → JSON: nothing is shown or paid for twice. */
  messageSeen: 7,
  /** Opaque(bond id) → JSON of mailbox and channels. */
  rental: 8,
  /** Opaque(source id) → JSON: a secret that makes exact tags, and how far they were seen. */
  tag: 9,
  /** Opaque(address) → JSON: newest descriptor that was verified. */
  descriptor: 10,
  /** Sequence (16 digits) → JSON: one line of the wallet's history. */
  walletHistory: 11,
  /** Opaque(invite secret) → JSON of an invite that was given out. */
  invite: 12,
  /** Opaque(transaction id) → JSON: a transaction under way. */
  pendingTransaction: 13,
  /** Outbox id → the block that carries the envelope, until it is confirmed. */
  outboxBlock: 14,
  /** Draft id (32 hex digits) → JSON: which message of folder Drafts is its newest version. */
  draft: 15,
  /** Name or number of a piece → bytes of the full-text index as it was last saved. */
  searchIndex: 16,
  /** `rules` → JSON of the ordered list. */
  rule: 17,
  /** Folder id → JSON: name, UIDVALIDITY and the numbers that IMAP needs. */
  folder: 18,
  /** Outbox id → what a note, a chat line or a parcel says, until it is done. */
  outboxPayload: 19,
  /** `sent/` or `due/`, opaque(person and letter id) → JSON: receipts expected, or to be given. */
  receiptKey: 20,
  /** Letter of the kind, slash, opaque id or number → JSON: chains of both directions, tags. */
  chain: 21,
  /** Letter of the kind, slash, opaque id or number → JSON: changes and waiting notes. */
  group: 22,
  /** Letter of the kind, slash, opaque id or number → JSON: conversations and messages. */
  chatMessage: 23,
  /** `content/` and opaque(message) → JSON: a sealed parcel; `entry/` and outbox id: its upload. */
  parcelOut: 24,
  /** Id (16 digits) → JSON of a mail whose parts are fetched. */
  parcelIn: 25,
  /** Id, part (2 digits) → opened bytes of a part, until the mail is whole. */
  parcelPart: 26,
  /** Device (32 hex digits), `/`, number (10 digits) → one operation of the self-log. */
  selfLog: 27,
  /** Name → this device's own keys and numbers, what it waits for, deleted mails to be rescued. */
  device: 28,
  /** Opaque(label) → JSON of a sub-address of ours, also of a revoked one. */
  subAddress: 29,
  /** Opaque(address) → JSON: identity keys that a contact has shown. */
  keyHistory: 30,
  /** Name, or opaque(URL) → JSON: how far filters were read, and nodes that lied about them. */
  filterState: 31,
  /** `hook/` or `job/` and a number (16 digits) → JSON: who is told of new mail, and what waits. */
  webhook: 32,
  /** Folder id, modification number (16 digits) → JSON: UIDs that were expunged with it. */
  expunged: 41,
  /** Opaque(sender and letter id) → JSON: what a registered letter was signed with. */
  registered: 42,
  /** `password/` and id, `folders`, `doors`, `authority` → JSON: what mail programs need. */
  bridge: 43,
} as const;

export type Bucket = keyof typeof BUCKETS;

/** The bucket with this number, if there is one. */
export function bucketOf(number: number): Bucket | undefined {
  return (Object.keys(BUCKETS) as Bucket[]).find((name) => BUCKETS[name] === number);
}

/** A bucket of JSON values and the schema that each is held to when it is written and read. */
export interface Collection<T> {
  readonly bucket: Bucket;
  readonly schema: { parse(value: unknown): T };
}

/** A sealed value does not open: the disk, or somebody, changed it. */
export class SealedStoreError extends Error {
  override readonly name = 'SealedStoreError';
  readonly code = 'damaged';
}

const NONCE_LENGTH = 24;
const NUMBER_DIGITS = 16;

/** A number as a key whose text order is the number's order. */
export function orderedKey(value: number): string {
  return value.toString().padStart(NUMBER_DIGITS, '0');
}

/** What seals values and hides keys. Every implementation gives the same bytes. */
export interface StoreCrypto {
  /** XChaCha20-Poly1305: ciphertext and tag. */
  seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array;
  /** The way back; throws when something was changed. */
  open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array;
}

/** For every platform; native-store-crypto.ts is five times faster. */
export const PORTABLE_CRYPTO: StoreCrypto = {
  seal: (key, nonce, associated, plain) => xchacha20poly1305(key, nonce, associated).encrypt(plain),
  open: (key, nonce, associated, sealed) =>
    xchacha20poly1305(key, nonce, associated).decrypt(sealed),
  hmacSha256: (key, text) => hmac(sha256, key, text),
};

export interface SealedStoreDeps {
  readonly store: KeyValueStore;
  /** Default: the portable one. */
  readonly crypto?: StoreCrypto;
  /** `length` uniform random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
}

export class SealedStore {
  readonly #store: KeyValueStore;
  readonly #crypto: StoreCrypto;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #sealKey: Uint8Array;
  readonly #indexKey: Uint8Array;

  /** `storeKey` is 32 bytes. */
  constructor(options: { storeKey: Uint8Array }, deps: SealedStoreDeps) {
    this.#store = deps.store;
    this.#crypto = deps.crypto ?? PORTABLE_CRYPTO;
    this.#randomBytes = deps.randomBytes;
    this.#sealKey = deriveKey(options.storeKey, 'tmail/store/seal/v1');
    this.#indexKey = deriveKey(options.storeKey, 'tmail/store/index/v1');
  }

  /** A key that tells nothing about `text` to whoever reads the disk: 64 hex digits. */
  opaque(text: string): string {
    return bytesToHex(this.#crypto.hmacSha256(this.#indexKey, utf8ToBytes(text)));
  }

  getBytes(bucket: Bucket, key: string): Uint8Array | undefined {
    const diskKey = diskKeyOf(bucket, key);
    const sealed = this.#store.getSync(diskKey);
    return sealed === undefined ? undefined : this.#open(diskKey, sealed);
  }

  /** The JSON value at `key`. */
  get<T>(collection: Collection<T>, key: string): T | undefined {
    const bytes = this.getBytes(collection.bucket, key);
    return bytes === undefined ? undefined : collection.schema.parse(fromJson(bytes));
  }

  /** Values whose key starts with `prefix`, in key order (or backwards). */
  async *scan<T>(
    collection: Collection<T>,
    options: { prefix?: string; before?: string; reverse?: boolean; limit?: number } = {},
  ): AsyncGenerator<{ key: string; value: T }> {
    const { bucket, schema } = collection;
    const prefix = options.prefix ?? '';
    const range: KeyRange = {
      gte: diskKeyOf(bucket, prefix),
      lt: diskKeyOf(bucket, options.before ?? `${prefix}\u007f`),
      ...(options.reverse === undefined ? {} : { reverse: options.reverse }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
    };
    for await (const [diskKey, sealed] of this.#store.iterate(range)) {
      const key = new TextDecoder().decode(diskKey.subarray(1));
      yield { key, value: schema.parse(fromJson(this.#open(diskKey, sealed))) };
    }
  }

  /** All values of a bucket that holds bytes, in key order. */
  async *scanBytes(bucket: Bucket): AsyncGenerator<{ key: string; value: Uint8Array }> {
    const range = { gte: diskKeyOf(bucket, ''), lt: diskKeyOf(bucket, '\u007f') };
    for await (const [diskKey, sealed] of this.#store.iterate(range)) {
      const key = new TextDecoder().decode(diskKey.subarray(1));
      yield { key, value: this.#open(diskKey, sealed) };
    }
  }

  /** Every value of the store, in the clear, as it was when the first one is asked for. */
  async *dump(): AsyncGenerator<{ bucket: Bucket; key: string; value: Uint8Array }> {
    const all = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };
    for await (const [diskKey, sealed] of this.#store.iterate(all)) {
      const bucket = bucketOf(diskKey[0] ?? 0);
      if (bucket === undefined) continue;
      const key = new TextDecoder().decode(diskKey.subarray(1));
      yield { bucket, key, value: this.#open(diskKey, sealed) };
    }
  }

  /** Collects writes; `write` makes them durable together or not at all. */
  batch(): SealedBatch {
    return new SealedBatch(this.#store.batch(), (key, plain) => this.#seal(key, plain));
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  #seal(diskKey: Uint8Array, plain: Uint8Array): Uint8Array {
    const nonce = this.#randomBytes(NONCE_LENGTH);
    return concatBytes(nonce, this.#crypto.seal(this.#sealKey, nonce, diskKey, plain));
  }

  #open(diskKey: Uint8Array, sealed: Uint8Array): Uint8Array {
    const nonce = sealed.subarray(0, NONCE_LENGTH);
    try {
      const ciphertext = sealed.subarray(NONCE_LENGTH);
      return this.#crypto.open(this.#sealKey, nonce, diskKey, ciphertext);
    } catch (cause) {
      const place = `bucket ${diskKey[0]}`;
      throw new SealedStoreError(`a value of the local store is damaged (${place})`, { cause });
    }
  }
}

/** One atomic, synced write of several values. */
export class SealedBatch {
  readonly #applies: (() => void)[] = [];
  readonly #batch: KeyValueBatch;
  readonly #seal: (diskKey: Uint8Array, plain: Uint8Array) => Uint8Array;

  constructor(batch: KeyValueBatch, seal: (diskKey: Uint8Array, plain: Uint8Array) => Uint8Array) {
    this.#batch = batch;
    this.#seal = seal;
  }

  /**
   * Throws the schema's error for a value that could not be read again: better one write that fails
   * than a store that does not open any more.
   */
  put<T>(collection: Collection<T>, key: string, value: T): this {
    const checked = collection.schema.parse(value);
    return this.putBytes(collection.bucket, key, utf8ToBytes(JSON.stringify(checked)));
  }

  putBytes(bucket: Bucket, key: string, value: Uint8Array): this {
    const diskKey = diskKeyOf(bucket, key);
    this.#batch.put(diskKey, this.#seal(diskKey, value));
    return this;
  }

  del(bucket: Bucket, key: string): this {
    this.#batch.del(diskKeyOf(bucket, key));
    return this;
  }

  /** Calls `apply` once the batch is on the disk, before `write` resolves; never if it fails. */
  whenWritten(apply: () => void): this {
    this.#applies.push(apply);
    return this;
  }

  async write(): Promise<void> {
    await this.#batch.write({ sync: true });
    for (const apply of this.#applies.splice(0)) apply();
  }
}

function deriveKey(storeKey: Uint8Array, label: string): Uint8Array {
  return hkdf(sha256, storeKey, undefined, utf8ToBytes(label), 32);
}

function diskKeyOf(bucket: Bucket, key: string): Uint8Array {
  return concatBytes(Uint8Array.of(BUCKETS[bucket]), utf8ToBytes(key));
}

function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
