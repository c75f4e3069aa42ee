/**
 * Walking the tangle by keys: left to a parent, right to a child, up and down among the others at
 * which that step could have ended. Pure. Before: dag-canvas.tsx; after: dag-store.ts.
 */
import type { DagStore, Vertex } from './dag-store.ts';

export type WalkKey = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

/** Where the walk stands, and which step brought it there. */
export interface Walk {
  readonly id: string;
  /** Parents of `of` or children of `of`: what up and down go through. */
  readonly among?: { readonly of: string; readonly side: 'parents' | 'children' };
}

export function isWalkKey(key: string): key is WalkKey {
  return ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].includes(key);
}

/** Those that are here, in order. */
function those(store: DagStore, id: string, side: 'parents' | 'children'): readonly string[] {
  const vertex = store.get(id);
  return [...(vertex?.[side] ?? [])].filter((one) => store.get(one) !== undefined);
}

/** The next place; the same one where the way ends, the newest vertex without a start. */
export function step(store: DagStore, walk: Walk | undefined, key: WalkKey): Walk | undefined {
  const here = walk && store.get(walk.id);
  if (walk === undefined || here === undefined) {
    const newest: Vertex | undefined = store.newest(1)[0];
    return newest && { id: newest.id };
  }
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const side = key === 'ArrowLeft' ? 'parents' : 'children';
    const [next] = those(store, walk.id, side);
    return next === undefined ? walk : { id: next, among: { of: walk.id, side } };
  }
  const [parent] = those(store, walk.id, 'parents');
  const among = walk.among ?? (parent && { of: parent, side: 'children' as const });
  if (!among) return walk;
  const others = those(store, among.of, among.side);
  const at = others.indexOf(walk.id) + (key === 'ArrowDown' ? 1 : -1);
  const next = others[(at + others.length) % others.length];
  return next === undefined ? walk : { id: next, among };
}
