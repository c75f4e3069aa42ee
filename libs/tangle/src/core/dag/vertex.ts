/**
 * One block's place in the DAG, as the files of this folder share it. Only dag.ts creates and
 * removes vertices. Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '../codec/ids.ts';

/** What the DAG tells of one block. Read only, and current until the next call that changes it. */
export interface DagVertex {
  readonly id: BlockId;
  /** In the order of the wire; empty for an entry point. */
  readonly parents: readonly BlockId[];
  /** Who sent it: quotas and turns go by it. Empty for an entry point, and after a restart. */
  readonly source: string;
  /** Known blocks that name this one as a parent, waiting ones included. */
  readonly children: ReadonlySet<BlockId>;
  /** The whole past cone down to entry points is known. */
  readonly solid: boolean;
  /** Index of the milestone that referenced the block; undefined while none did. */
  readonly referencedIndex: number | undefined;
  /** As last computed; `Dag.coneRoots` gives the value of now. -1 before the block is solid. */
  readonly youngestConeRoot: number;
  /** As last computed; `Dag.coneRoots` gives the value of now. -1 before the block is solid. */
  readonly oldestConeRoot: number;
}

/** Youngest and oldest milestone index at which a block's past cone meets referenced blocks. */
export interface ConeRoots {
  readonly youngest: number;
  readonly oldest: number;
}

/** The same with what only this folder uses. */
export interface Vertex extends DagVertex {
  readonly children: Set<BlockId>;
  solid: boolean;
  referencedIndex: number | undefined;
  youngestConeRoot: number;
  oldestConeRoot: number;
  /** The cone roots hold. False for what is not solid. */
  rootsValid: boolean;
  /**
   * Latest milestone that referenced the block or named it as a parent; what the cone roots of its
   * unreferenced children see. Undefined exactly while `referencedIndex` is.
   */
  rootIndex: number | undefined;
  /** Parents that are unknown or not solid; 0 makes the block solid. */
  unsolidParents: number;
  /**
   * Children that no milestone referenced, waiting ones included; keeps the vertex from pruning.
   */
  unreferencedChildren: number;
  /** Latest milestone index when the block came; the age of a waiting block. */
  readonly arrivedIndex: number;
  /** It stands in the waiting room. */
  waiting: boolean;
  /** Neighbours in the source's waiting list, older and newer; undefined when not waiting. */
  older: Vertex | undefined;
  newer: Vertex | undefined;
}

/** A vertex that is not solid, not referenced, and linked with nobody but its waiting children. */
export function createVertex(facts: {
  id: BlockId;
  parents: readonly BlockId[];
  children: Set<BlockId>;
  arrivedIndex: number;
  source: string;
}): Vertex {
  return {
    ...facts,
    solid: false,
    referencedIndex: undefined,
    youngestConeRoot: -1,
    oldestConeRoot: -1,
    rootsValid: false,
    rootIndex: undefined,
    unsolidParents: 0,
    unreferencedChildren: facts.children.size,
    waiting: false,
    older: undefined,
    newer: undefined,
  };
}
