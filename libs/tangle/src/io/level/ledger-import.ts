/**
 * Fills an empty store from a snapshot: unspent outputs in many batches, then the milestones of the
 * window with their cones and the node state in one. Until that batch the store counts as empty, so
 * an import that was cut off begins anew. Every batch is synced: LevelDB closes a full log without
 * a sync when it begins the next, so the last batch could outlive those before it.
 * Path: apps/node snapshot → here → the repositories → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { assert } from '../../core/outcome.ts';
import type { Hasher } from '../../core/ports.ts';
import { putEntry } from './block-index.ts';
import { conflict } from '../../core/ledger/conflict.ts';
import { putElection, type StoredElection } from './election-repository.ts';
import type { KvStore } from './kv-store.ts';
import { putCreated } from './ledger-repository.ts';
import type { StoredMilestone } from './milestone-repository.ts';
import { putMilestone } from './milestone-repository.ts';
import type { NodeState } from './node-state-repository.ts';
import { putNodeState, putPruned, readNodeState } from './node-state-repository.ts';
import { putIndexed } from './output-index-repository.ts';

/** What an import ends with. */
export interface ImportedWindow {
  /** After the snapshot's milestone; what was added must have this root and count. */
  readonly state: NodeState;
  /** The snapshot's milestone and those before it that a start needs, ascending, without gap. */
  readonly milestones: readonly StoredMilestone[];
  /** Every milestone up to the snapshot's that named another committee, proven. */
  readonly elections: readonly StoredElection[];
}

/** Keys that are deleted at a time. */
const CLEAR_CHUNK = 4_096;
/** Every bucket but the first, which names the store's owner. */
const CONTENT = { gte: Uint8Array.of(1), lt: Uint8Array.of(0xff) };

export class LedgerImporter {
  readonly #store: KvStore;
  readonly #hasher: Hasher;

  private constructor(store: KvStore, hasher: Hasher) {
    this.#store = store;
    this.#hasher = hasher;
  }

  /** For a store without node state; what an import that was cut off left in it is removed. */
  static async begin(store: KvStore, hasher: Hasher): Promise<LedgerImporter> {
    assert(readNodeState(store) === undefined, 'a snapshot enters an empty store');
    let batch = store.batch();
    for await (const [key] of store.iterate(CONTENT)) {
      batch.del(key);
      if (batch.length < CLEAR_CHUNK) continue;
      await batch.write({ sync: true });
      batch = store.batch();
    }
    await batch.write({ sync: true });
    return new LedgerImporter(store, hasher);
  }

  /** Adds some unspent outputs; a thousand at a time is a good number. */
  async addOutputs(records: readonly OutputRecord[]): Promise<void> {
    const batch = this.#store.batch();
    for (const record of records) {
      putCreated(batch, record);
      putIndexed(batch, record, this.#hasher);
    }
    await batch.write({ sync: true });
  }

  /** Writes milestones and state: from now on the store stands at the snapshot. */
  async finish({ state, milestones, elections }: ImportedWindow): Promise<void> {
    const first = milestones[0]?.index ?? 0;
    assert(milestones.at(-1)?.index === state.index, 'the window ends with the snapshot');
    assert(first >= 1 && state.index - first + 1 === milestones.length, 'the window has no gap');
    const batch = this.#store.batch();
    for (const milestone of milestones) {
      putMilestone(batch, milestone);
      milestone.cone.forEach((id, position) => {
        // What its transaction did is not known, and nobody can ask: the block itself is not here.
        const rest = { state: 'no-transaction', conflict: conflict('none') } as const;
        const meta = { milestoneIndex: milestone.index, position, ...rest };
        putEntry(batch, id, { location: undefined, kind: null, meta });
      });
    }
    for (const election of elections) putElection(batch, election);
    putPruned(batch, { removedIndex: first - 1, entryIndex: state.index });
    putNodeState(batch, state);
    await batch.write({ sync: true });
  }
}
