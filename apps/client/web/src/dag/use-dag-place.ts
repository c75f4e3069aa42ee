/** Where the picture stands in time, and which vertex is chosen. Before: dag-view.tsx. */
import { useState } from 'react';
import type { DagStore, Vertex } from './dag-store.ts';
import { step, type Walk, type WalkKey } from './walk.ts';

/** From 10 s to 10 min. */
export const WINDOWS_MS = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000] as const;
const FIRST_WINDOW_MS = 30_000;

export interface DagPlace {
  readonly windowMs: number;
  readonly isPaused: boolean;
  /** Time at the right end; undefined while the newest is followed. */
  readonly heldMs: number | undefined;
  readonly chosen: Vertex | undefined;
  readonly setWindow: (windowMs: number) => void;
  readonly togglePause: () => void;
  readonly follow: () => void;
  readonly choose: (vertex: Vertex | undefined) => void;
  readonly walkBy: (key: WalkKey) => void;
  /** Whether the text is exactly something in the picture. */
  readonly search: (text: string) => boolean;
}

export function useDagPlace(store: DagStore, nowMs: () => number): DagPlace {
  const [windowMs, setWindow] = useState(FIRST_WINDOW_MS);
  const [isPaused, setPaused] = useState(false);
  const [heldMs, setHeldMs] = useState<number | undefined>(undefined);
  const [walk, setWalk] = useState<Walk | undefined>(undefined);

  /** Goes there, with the picture if it is not in view. */
  function goTo(next: Walk | undefined): void {
    setWalk(next);
    const vertex = next && store.get(next.id);
    if (vertex === undefined) return;
    const rightMs = heldMs ?? nowMs();
    if (vertex.atMs <= rightMs && vertex.atMs >= rightMs - windowMs) return;
    setHeldMs(Math.min(nowMs(), vertex.atMs + windowMs / 2));
  }

  return {
    windowMs,
    isPaused,
    heldMs,
    chosen: walk && store.get(walk.id),
    setWindow,
    togglePause: () => {
      setPaused(!isPaused);
      setHeldMs(isPaused ? undefined : (heldMs ?? nowMs()));
    },
    follow: () => {
      setPaused(false);
      setHeldMs(undefined);
    },
    choose: (vertex) => goTo(vertex && { id: vertex.id }),
    walkBy: (key) => goTo(step(store, walk, key)),
    search: (text) => {
      const vertex = store.find(text);
      if (vertex !== undefined) goTo({ id: vertex.id });
      return vertex !== undefined;
    },
  };
}
