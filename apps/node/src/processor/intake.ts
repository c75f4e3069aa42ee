/**
 * Takes valid, stored blocks into the DAG and sees to their parents: what the store already holds
 * is added from there, the rest is asked of peers. On the path: block-processor.ts → here →
 * core/dag and core/tips. Also fills the DAG when a node starts. Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { AddResult, Dag } from '@tanglemail/tangle/core/dag/dag.ts';

/** What the store tells of a block. */
export interface StoredBlock {
  readonly parents: readonly BlockId[];
  /** Index of the milestone that referenced it; undefined while none did. */
  readonly referencedIndex?: number;
}

export interface IntakeDeps {
  readonly dag: Dag;
  readonly store: { lookup(ids: readonly BlockId[]): Promise<Map<BlockId, StoredBlock>> };
  readonly requester: {
    want(ids: readonly BlockId[], from: string): void;
    received(id: BlockId): void;
  };
  /** Told of blocks that became solid, parents before children. */
  onSolid(ids: readonly BlockId[]): void;
}

export class Intake {
  readonly #deps: IntakeDeps;
  #dropped: BlockId[] = [];

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /**
   * Stored blocks that the DAG refused or dropped since the last call. Whoever adds blocks deletes
   * them: a peer that invents parents would otherwise fill the disk.
   */
  takeDropped(): BlockId[] {
    const dropped = this.#dropped.filter((id) => !this.#deps.dag.has(id));
    this.#dropped = [];
    return dropped;
  }

  /** Adds a block; `source` is the peer whose quota of waiting blocks it takes. */
  async add(id: BlockId, parents: readonly BlockId[], source: string): Promise<AddResult> {
    this.#deps.requester.received(id);
    const result = this.#add(id, parents, source);
    if (!result.ok) return result;
    if (result.value.missing.length > 0) await this.#resolve(result.value.missing, source);
    return result;
  }

  /**
   * Brings parents from the store, and their parents in turn. Every round adds blocks that the DAG
   * did not have, and the waiting room bounds how many those are.
   */
  async #resolve(missing: readonly BlockId[], source: string): Promise<void> {
    const { dag, store, requester } = this.#deps;
    const tried = new Set<BlockId>();
    let open = missing;
    while (open.length > 0) {
      const found = await store.lookup(open);
      const next: BlockId[] = [];
      const absent: BlockId[] = [];
      for (const id of open) {
        tried.add(id);
        const stored = found.get(id);
        if (stored === undefined) absent.push(id);
        else next.push(...this.#addStored(id, stored, source));
      }
      requester.want(
        absent.filter((id) => !dag.has(id)),
        source,
      );
      open = next.filter((id) => !tried.has(id) && !dag.has(id));
    }
  }

  /** Adds one block of the store and returns the parents that are missing now. */
  #addStored(id: BlockId, stored: StoredBlock, source: string): readonly BlockId[] {
    const { dag } = this.#deps;
    if (dag.has(id)) return [];
    if (stored.referencedIndex !== undefined) {
      this.#deps.onSolid(dag.addEntryPoint(id, stored.referencedIndex).solid);
      return [];
    }
    const result = this.#add(id, stored.parents, source);
    return result.ok ? result.value.missing : [];
  }

  #add(id: BlockId, parents: readonly BlockId[], source: string): AddResult {
    const result = this.#deps.dag.add(id, parents, { source });
    if (result.ok) {
      this.#dropped.push(...result.value.dropped);
      this.#deps.onSolid(result.value.solid);
    } else if (result.code !== 'block-known') this.#dropped.push(id, ...result.dropped);
    return result;
  }
}
