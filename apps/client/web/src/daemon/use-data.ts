/** What screens use of the daemon: the API, resources by path, the state of the connection. */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { Api } from './api.ts';
import { changedBy } from './changes.ts';
import { Events } from './events.ts';
import { PageClock } from './page-clock.ts';
import { type Resource, Resources } from './resources.ts';

export interface DataAccess {
  readonly api: Api;
  readonly events: Events;
  readonly resources: Resources;
  readonly clock: PageClock;
}

/** Joins API, events and resources. */
export function openData(api: Api): DataAccess {
  const events = new Events(api);
  const resources = new Resources(Date.now);
  events.subscribe((event) => resources.invalidate(...changedBy(event)));
  events.open();
  return { api, events, resources, clock: new PageClock() };
}

const DataContext = createContext<DataAccess | undefined>(undefined);
export const DataProvider = DataContext.Provider;

export function useData(): DataAccess {
  const data = useContext(DataContext);
  if (data === undefined) throw new Error('broken invariant: a screen stands inside DataProvider');
  return data;
}

/** What GET `path` answers, kept fresh. */
export function useResource<T>(path: string): Resource<T> {
  const { api, resources } = useData();
  const read = (): Resource<T> => resources.read(path, async () => await api.get<T>(path));
  const watch = useCallback(
    (watcher: () => void) => resources.watch(path, watcher),
    [resources, path],
  );
  return useSyncExternalStore(watch, read);
}

/** True while events come. */
export function useIsConnected(): boolean {
  const { events } = useData();
  return useSyncExternalStore(events.watchConnection, () => events.isConnected);
}

/** Milliseconds since 1970, a minute behind at most. */
export function useNow(): number {
  const { clock } = useData();
  return useSyncExternalStore(clock.watch, clock.nowMs);
}
