/** Lists that come in pages, newest first: pages are fetched as the reader comes near their end. */
import { useCallback, useEffect, useState } from 'react';
import type { Api } from './api.ts';
import { ApiProblem } from './problem.ts';
import { useData } from './use-data.ts';

const PAGE_ITEMS = 100;

interface Loaded<T> {
  readonly items: readonly T[];
  /** Nothing comes behind the last item. */
  readonly isWhole: boolean;
  readonly isLoading: boolean;
  readonly problem: ApiProblem | undefined;
}

export interface Pages<T> extends Loaded<T> {
  /** Asks for what lies behind the last item. */
  readonly more: () => void;
  /** Fetches all of it again. */
  readonly retry: () => void;
}

/** At least `count` items of GET `path`, or all that there are. */
async function fetchItems<T extends { readonly id: string }>(
  api: Api,
  path: string,
  count: number,
  signal: AbortSignal,
): Promise<Pick<Loaded<T>, 'items' | 'isWhole'>> {
  const items: T[] = [];
  for (;;) {
    const last = items.at(-1);
    const before = last === undefined ? '' : `&before=${encodeURIComponent(last.id)}`;
    const joint = path.includes('?') ? '&' : '?';
    const page: readonly T[] = await api.get(`${path}${joint}limit=${PAGE_ITEMS}${before}`, signal);
    items.push(...page);
    const isWhole = page.length < PAGE_ITEMS;
    if (isWhole || items.length >= count) return { items, isWhole };
  }
}

/**
 * Items of GET `path`, which takes `limit` and `before`; fetched anew when one of the events comes.
 * A component that shows another path is another component: give it a `key`.
 */
export function usePages<T extends { readonly id: string }>(
  path: string,
  topics: readonly string[],
): Pages<T> {
  const { api, events } = useData();
  const [wanted, setWanted] = useState({ count: PAGE_ITEMS });
  const [loaded, setLoaded] = useState<Loaded<T>>({
    items: [],
    isWhole: false,
    isLoading: true,
    problem: undefined,
  });
  const retry = useCallback(() => setWanted(({ count }) => ({ count })), []);
  useEffect(
    () =>
      events.subscribe(({ topic }) => {
        if (topic === '$connected' || topics.includes(topic)) retry();
      }),
    [events, topics, retry],
  );
  useEffect(() => {
    const controller = new AbortController();
    fetchItems<T>(api, path, wanted.count, controller.signal).then(
      (found) => setLoaded({ ...found, isLoading: false, problem: undefined }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = error instanceof ApiProblem ? error : new ApiProblem('internal', 0, '');
        setLoaded((before) => ({ ...before, isLoading: false, problem }));
      },
    );
    return () => controller.abort();
  }, [api, path, wanted]);
  const { items, isLoading, isWhole } = loaded;
  const more = useCallback(() => {
    if (isLoading || isWhole) return;
    setLoaded((before) => ({ ...before, isLoading: true }));
    setWanted({ count: items.length + PAGE_ITEMS });
  }, [items.length, isLoading, isWhole]);
  return { ...loaded, more, retry };
}
