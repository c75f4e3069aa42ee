/**
 * Which exact tags are ours: every contact and every invite is a source of numbered tags, of which
 * a window is watched and registered at the providers. Before: contacts; after: inbox (what a tag
 * means) and rentals (what a provider must watch). Spec: docs/spec/23-envelope.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  markSeen,
  NO_TAGS_SEEN,
  tagAt,
  type TagKey,
  type TagWindow,
  watchedNumbers,
  watchedTags,
  windowTop,
} from '@tanglemail/mail/core/envelope/tags.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
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

/** Windows that a provider has, by `registrationId` of their source. */
export type RegisteredWindows = Readonly<Record<string, TagWindow>>;

export class TagBook {
  readonly #store: SealedStore;
  readonly #sources = new Map<string, TagSource>();
  /** Tag as hex → what it stands for; some 130 entries a source that is watched. */
  readonly #byTag = new Map<string, TagMatch>();

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<TagBook> {
    const book = new TagBook(store);
    for await (const { value } of store.scan(tagSources)) book.#index(value);
    return book;
  }

  /**
   * Watches the tags of a source. One that is known goes on where its window stands; one with
   * another key than before starts anew. The caller writes the batch, then calls the function.
   */
  watchSource(batch: SealedBatch, id: string, key: TagKey): () => void {
    const known = this.#sources.get(id);
    const isSame = known?.key === bytesToHex(key);
    if (isSame && known.isWatched) return () => {};
    const source: TagSource = isSame
      ? { ...known, isWatched: true }
      : { id, key: bytesToHex(key), window: stored(NO_TAGS_SEEN), isWatched: true };
    return this.#put(batch, source);
  }

  /** Stops to watch a source; its window is kept, because its numbers are never used again. */
  restSource(batch: SealedBatch, id: string): () => void {
    const known = this.#sources.get(id);
    return known?.isWatched === true ? this.#put(batch, { ...known, isWatched: false }) : () => {};
  }

  /** Whether the tags of a source are looked for. */
  isWatched(id: string): boolean {
    return this.#sources.get(id)?.isWatched === true;
  }

  /** The number after the highest one that came from a source; 0 for one that is not known. */
  topOf(id: string): number {
    const known = this.#sources.get(id);
    return known === undefined ? 0 : windowTop(known.window);
  }

  /** Sources of a contact's further devices. */
  sourcesOf(address: MailAddress): string[] {
    return [...this.#sources.keys()].filter((id) => id.startsWith(`${contactSource(address)}#`));
  }

  /** What `tag` (16 bytes) stands for, when it is watched. */
  match(tag: Uint8Array): TagMatch | undefined {
    return this.#byTag.get(bytesToHex(tag));
  }

  /** Every tag that is watched. */
  watched(): Uint8Array[] {
    return Array.from(this.#byTag.keys(), hexToBytes);
  }

  /** Notes that a mail came under `match`; the window moves on when the batch is written. */
  markSeen(batch: SealedBatch, match: TagMatch): () => void {
    const source = this.#sources.get(match.sourceId);
    if (source === undefined) return () => {};
    return this.#put(batch, { ...source, window: stored(markSeen(source.window, match.index)) });
  }

  /** The tags that a provider with `registered` windows watches. */
  tagsIn(registered: RegisteredWindows): Uint8Array[] {
    return [...this.#sources.values()].flatMap((source) => {
      const window = registered[registrationId(source)];
      return window === undefined
        ? []
        : tagsOf({ ...source, window: stored(window) }).map(({ tag }) => tag);
    });
  }

  /**
   * What must change at a provider that has `registered` windows so that it has the present ones.
   */
  changeSince(registered: RegisteredWindows): TagChange {
    const change: TagChange = { add: [], remove: [] };
    for (const source of this.#sources.values()) {
      const before = registered[registrationId(source)];
      // Most windows have not moved: only the others are worth their 130 hashes each.
      if (source.isWatched ? isSameWindow(before, source.window) : before === undefined) continue;
      const key = hexToBytes(source.key) as TagKey;
      const old = new Set(before ? watchedNumbers(before) : []);
      const now = new Set(source.isWatched ? watchedNumbers(source.window) : []);
      for (const index of now) if (!old.has(index)) change.add.push(tagAt(key, index));
      for (const index of old) if (!now.has(index)) change.remove.push(tagAt(key, index));
    }
    return change;
  }

  /** Whether a provider with `registered` windows lacks some of the present ones. */
  isBehind(registered: RegisteredWindows): boolean {
    const watched = [...this.#sources.values()].filter((source) => source.isWatched);
    return watched.some((one) => !isSameWindow(registered[registrationId(one)], one.window));
  }

  /** All watched windows, to be kept with a provider once it has them. */
  windows(): Record<string, TagSource['window']> {
    const watched = [...this.#sources.values()].filter((source) => source.isWatched);
    return Object.fromEntries(watched.map((one) => [registrationId(one), one.window]));
  }

  #put(batch: SealedBatch, source: TagSource): () => void {
    batch.put(tagSources, this.#store.opaque(source.id), source);
    return () => this.#index(source);
  }

  #index(source: TagSource): void {
    const known = this.#sources.get(source.id);
    for (const { tag } of known?.isWatched === true ? tagsOf(known) : []) {
      this.#byTag.delete(bytesToHex(tag));
    }
    this.#sources.set(source.id, source);
    if (!source.isWatched) return;
    for (const { index, tag } of tagsOf(source)) {
      this.#byTag.set(bytesToHex(tag), { sourceId: source.id, index });
    }
  }
}

/** Tags that a provider with these windows watches. */
export function countTags(registered: RegisteredWindows): number {
  return Object.values(registered).reduce((sum, one) => sum + watchedNumbers(one).length, 0);
}

function tagsOf(source: TagSource): { readonly index: number; readonly tag: Uint8Array }[] {
  return watchedTags(hexToBytes(source.key) as TagKey, source.window);
}

/** Names a source and its key: the windows of an older key say nothing about the present one. */
function registrationId({ id, key }: TagSource): string {
  return `${id}#${bytesToHex(sha256(hexToBytes(key)).subarray(0, 4))}`;
}

function isSameWindow(a: TagWindow | undefined, b: TagWindow): boolean {
  return a !== undefined && a.base === b.base && a.seen.join() === b.seen.join();
}

function stored(window: TagWindow): TagSource['window'] {
  return { base: window.base, seen: [...window.seen] };
}

/** Id of the tag source of a contact's keys. */
export function contactSource(address: MailAddress): string {
  return `contact:${address}`;
}

/** Id of the tag source of a contact's further device (32 hex digits). */
export function deviceSource(address: MailAddress, device: string): string {
  return `${contactSource(address)}#${device}`;
}

/** Whether a source is one of this contact's: of its keys, or of a further device. */
export function isSourceOf(sourceId: string, address: MailAddress): boolean {
  const source = contactSource(address);
  return sourceId === source || sourceId.startsWith(`${source}#`);
}
