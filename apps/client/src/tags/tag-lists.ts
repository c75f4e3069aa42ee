/**
 * Tags that are ours one by one: those of chains, which follow from secrets that are gone, so they
 * are listed and not computed. Before: chat/receiving-book.ts; after: inbox (whose a tag is) and
 * provider-sync.ts (what a provider must watch). Spec: docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { type TagList, tagLists } from '../store/chat-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { TagChange } from './tag-book.ts';

export class TagLists {
  readonly #store: SealedStore;
  readonly #lists = new Map<string, TagList>();
  /** Tag as hex → the chain it belongs to. */
  readonly #byTag = new Map<string, string>();

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<TagLists> {
    const lists = new TagLists(store);
    for await (const { value } of store.scan(tagLists, { prefix: 't/' })) lists.#index(value);
    return lists;
  }

  /**
   * Watches part `part` of the tags (16 bytes each, at most 256) of `source`. A part is watched
   * once and never changed. The caller writes the batch, then calls the function.
   */
  watch(batch: SealedBatch, source: string, part: number, tags: readonly Uint8Array[]): () => void {
    const id = `${source}/${part}`;
    return this.#put(batch, { id, source, tags: tags.map(bytesToHex), isDropped: false });
  }

  /** Stops to watch everything of `source`. */
  drop(batch: SealedBatch, source: string): () => void {
    const own = [...this.#lists.values()].filter((one) => one.source === source);
    const applies = own.map((one) => this.#put(batch, { ...one, isDropped: true }));
    return () => applies.forEach((apply) => apply());
  }

  /** Which source waits for `tag` (16 bytes). */
  match(tag: Uint8Array): string | undefined {
    return this.#byTag.get(bytesToHex(tag));
  }

  /** What must change at a provider that has the lists `registered`. */
  changeSince(registered: readonly string[]): TagChange {
    const has = new Set(registered);
    const change: TagChange = { add: [], remove: [] };
    for (const { id, tags, isDropped } of this.#lists.values()) {
      if (!isDropped && !has.has(id)) change.add.push(...tags.map((tag) => hexToBytes(tag)));
      if (isDropped && has.has(id)) change.remove.push(...tags.map((tag) => hexToBytes(tag)));
    }
    return change;
  }

  /** All tags of some lists. */
  tagsIn(ids: readonly string[]): Uint8Array[] {
    const known = ids.flatMap((id) => this.#lists.get(id)?.tags ?? []);
    return known.map((tag) => hexToBytes(tag));
  }

  /** Every tag that is watched. */
  watched(): Uint8Array[] {
    return this.tagsIn(this.ids());
  }

  /** Whether a provider with the lists `registered` lacks one. */
  isBehind(registered: readonly string[]): boolean {
    const has = new Set(registered);
    return this.ids().some((id) => !has.has(id));
  }

  /** Whether a provider with the lists `registered` has all of `source`, which has some. */
  isListed(source: string, registered: readonly string[]): boolean {
    const own = [...this.#lists.values()].filter((one) => !one.isDropped && one.source === source);
    return own.length > 0 && own.every((one) => registered.includes(one.id));
  }

  /** All lists that are watched, to be kept with a provider once it has them. */
  ids(): string[] {
    return [...this.#lists.values()].filter((one) => !one.isDropped).map((one) => one.id);
  }

  /** Forgets lists that are dropped and that no provider has any more. */
  async forget(held: readonly string[]): Promise<void> {
    const has = new Set(held);
    const over = [...this.#lists.values()].filter((one) => one.isDropped && !has.has(one.id));
    if (over.length === 0) return;
    const batch = this.#store.batch();
    for (const { id } of over) batch.del('chain', this.#key(id));
    await batch.write();
    for (const { id } of over) this.#lists.delete(id);
  }

  #put(batch: SealedBatch, list: TagList): () => void {
    batch.put(tagLists, this.#key(list.id), list);
    return () => this.#index(list);
  }

  #index(list: TagList): void {
    this.#lists.set(list.id, list);
    for (const tag of list.tags) {
      if (list.isDropped) this.#byTag.delete(tag);
      else this.#byTag.set(tag, list.source);
    }
  }

  #key(id: string): string {
    return `t/${this.#store.opaque(`tags/${id}`)}`;
  }
}
