/** What the node's screens use: its API, resources by path, what happens now, blind mode. */
import { createContext, useCallback, useContext, useEffect, useState } from 'react';
import { useSyncExternalStore } from 'react';
import { type Resource, Resources } from '../daemon/resources.ts';
import { LiveFeed, type LiveState } from './live-feed.ts';
import { NodeApi } from './node-api.ts';

export interface NodeAccess {
  readonly api: NodeApi;
  readonly resources: Resources;
  readonly live: LiveFeed;
}

/** Joins API, resources and events, and begins to listen. */
export function openNode(): NodeAccess {
  const live = new LiveFeed();
  live.open();
  return { api: new NodeApi(), resources: new Resources(Date.now), live };
}

const NodeContext = createContext<NodeAccess | undefined>(undefined);
export const NodeProvider = NodeContext.Provider;

export function useNode(): NodeAccess {
  const node = useContext(NodeContext);
  if (node === undefined) throw new Error('broken invariant: a screen stands inside NodeProvider');
  return node;
}

/** What GET `path` answers; asked again every so often while the page is looked at. */
export function useNodeResource<T>(path: string, everyMs?: number): Resource<T> {
  const { api, resources } = useNode();
  const read = (): Resource<T> => resources.read(path, async () => await api.get<T>(path));
  const watch = useCallback(
    (watcher: () => void) => resources.watch(path, watcher),
    [resources, path],
  );
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const look = (): void => {
      if (!document.hidden) resources.invalidate(path);
    };
    const timer = setInterval(look, everyMs);
    return () => clearInterval(timer);
  }, [resources, path, everyMs]);
  return useSyncExternalStore(watch, read);
}

export function useLive(): LiveState {
  const { live } = useNode();
  return useSyncExternalStore(live.watch, live.state);
}

/** True while the operator has shown the token. */
export function useIsOperator(): boolean {
  const { api } = useNode();
  return useSyncExternalStore(api.watchOperator, () => api.isOperator);
}

/** Milliseconds since 1970, a second behind at most. */
export function useSeconds(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

export interface Blindness {
  /** Names, addresses and ids are hidden, for pictures of the screen. */
  readonly isBlind: boolean;
  readonly toggle: () => void;
}

const BlindContext = createContext<Blindness>({ isBlind: false, toggle: () => {} });
export const BlindProvider = BlindContext.Provider;

export function useBlindness(): Blindness {
  return useContext(BlindContext);
}
