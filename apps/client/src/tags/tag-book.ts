/**
 * Which exact tags are ours: every contact and every invite is a source of numbered tags, of which
 * a window is watched and registered at the providers. Before: contacts; after: inbox (what a tag
 * means) and rentals (what a provider must watch). Spec: docs/spec/23-envelope.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  markSeen,
  NO_TAGS_SEEN,
  type TagKey,
  type TagWindow,
  watchedTags,
} from '@tanglemail/mail/core/envelope/tags.ts';
import { type TagSource, tagSources } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';

/** What a tag stands for: the source and the number of the mail. */
export interface TagMatch {
  readonly sourceId: string;
  readonly index: number;
}

/** Tags that a provider must start and stop to watch. */
export interface TagChange {
  readonly add: Uint8Array[];
  readonly remove: Uint8Array[];
}

export class TagBook {
  readonly #store: SealedStore;
  readonly #sources = new Map<string, TagSource>();
  /** Tag as hex → what it stands for; some 128 entries a source. */
  readonly #byTag = new Map<string, TagMatch>();

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<TagBook> {
    const book = new TagBook(store);
    for await (const { value } of store.scan(tagSources)) book.#index(value);
    return book;
  }

  /** The key of a source's tags; undefined for one that is gone. */
  keyOf(sourceId: string): TagKey | undefined {
    const source = this.#sources.get(sourceId);
    return source && (hexToBytes(source.key) as TagKey);
  }

  /** Starts a source; a known id stays as it is. The caller writes the batch, then calls `apply`. */
  addSource(batch: SealedBatch, id: string, key: TagKey): () => void {
    if (this.#sources.has(id)) return () => {};
    const source: TagSource = {
      id,
      key: bytesToHex(key),
      window: NO_TAGS_SEEN as TagSource['window'],
    };
    batch.put(tagSources, this.#store.opaque(id), source);
    return () => this.#index(source);
  }

  removeSource(batch: SealedBatch, id: string): () => void {
    batch.del('tag', this.#store.opaque(id));
    return () => {
      this.#forget(id);
      this.#sources.delete(id);
    };
  }

  /** What `tag` (16 bytes) stands for, when it is watched. */
  match(tag: Uint8Array): TagMatch | undefined {
    return this.#byTag.get(bytesToHex(tag));
  }

  /** Notes that a mail came under `match`; the window moves on when the batch is written. */
  markSeen(batch: SealedBatch, match: TagMatch): () => void {
    const source = this.#sources.get(match.sourceId);
    if (source === undefined) return () => {};
    const window = markSeen(source.window, match.index);
    const moved: TagSource = { ...source, window: { base: window.base, seen: [...window.seen] } };
    batch.put(tagSources, this.#store.opaque(source.id), moved);
    return () => this.#index(moved);
  }

  /** What must change at a provider that has `registered` windows so that it has the present ones. */
  changeSince(registered: Readonly<Record<string, TagWindow>>): TagChange {
    const change: TagChange = { add: [], remove: [] };
    for (const [id, source] of this.#sources) {
      const key = hexToBytes(source.key) as TagKey;
      const before = registered[id];
      const old = new Set(before ? watchedTags(key, before).map((one) => one.index) : []);
      const now = watchedTags(key, source.window);
      const current = new Set(now.map((one) => one.index));
      change.add.push(...now.filter((one) => !old.has(one.index)).map((one) => one.tag));
      const gone = before ? watchedTags(key, before).filter((one) => !current.has(one.index)) : [];
      change.remove.push(...gone.map((one) => one.tag));
    }
    return change;
  }

  /** All present windows by source id, to be kept with a provider once it has them. */
  windows(): Record<string, TagSource['window']> {
    return Object.fromEntries([...this.#sources].map(([id, source]) => [id, source.window]));
  }

  #index(source: TagSource): void {
    this.#forget(source.id);
    this.#sources.set(source.id, source);
    for (const { index, tag } of watchedTags(hexToBytes(source.key) as TagKey, source.window)) {
      this.#byTag.set(bytesToHex(tag), { sourceId: source.id, index });
    }
  }

  #forget(id: string): void {
    const known = this.#sources.get(id);
    if (known === undefined) return;
    for (const { tag } of watchedTags(hexToBytes(known.key) as TagKey, known.window)) {
      this.#byTag.delete(bytesToHex(tag));
    }
  }
}
