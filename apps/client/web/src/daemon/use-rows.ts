/** Long lists by place: rows are fetched where the reader looks. After: page-cache.ts. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Api } from './api.ts';
import type { LiveEvent } from './events.ts';
import { type Asked, PAGE_ROWS, PageCache } from './page-cache.ts';
import { ApiProblem } from './problem.ts';
import { useData } from './use-data.ts';

/** Changes that come together are one: a mailbox that is filled tells of each mail. */
const CHANGE_PAUSE_MS = 150;

export interface RowPage<T> {
  readonly rows: readonly T[];
  /** Of the whole list, when the answer says it. */
  readonly total?: number;
  /** A search found only what is similar. */
  readonly isFuzzy?: boolean;
  /** What a search does not know yet. */
  readonly pending?: number;
}

export interface RowSource<T> {
  /** What tells lists apart: another key is another list. */
  readonly key: string;
  readonly topics: readonly LiveEvent['topic'][];
  readonly load: (api: Api, offset: number, limit: number) => Promise<RowPage<T>>;
}

export interface Rows<T> {
  readonly rowAt: (index: number) => T | undefined;
  readonly indexOf: (id: string) => number;
  /** Says which rows are looked at. */
  readonly look: (from: number, to: number) => void;
  /** The last page that came; undefined before the first. */
  readonly page: RowPage<T> | undefined;
  readonly problem: ApiProblem | undefined;
  /** Fetches what is looked at again. */
  readonly retry: () => void;
}

/** What has come of one list. */
interface Loaded<T> {
  readonly cache: object;
  readonly page: RowPage<T> | undefined;
  readonly problem: ApiProblem | undefined;
}

function problemWith(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem('internal', 0, error instanceof Error ? error.message : String(error));
}

/** Calls `run` at an event of the topics; for those that follow closely, once behind them. */
function useChanges(topics: RowSource<unknown>['topics'], run: () => void): void {
  const { events } = useData();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isMore = false;
    const rest = (): void => {
      timer = undefined;
      if (isMore) begin();
    };
    const begin = (): void => {
      isMore = false;
      timer = setTimeout(rest, CHANGE_PAUSE_MS);
      run();
    };
    const end = events.subscribe(({ topic }) => {
      if (topic !== '$connected' && !topics.includes(topic)) return;
      if (timer === undefined) begin();
      else isMore = true;
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [events, topics, run]);
}

/** The rows of a list; another source begins with nothing. */
export function useRows<T extends { readonly id: string }>(source: RowSource<T>): Rows<T> {
  const { api } = useData();
  const { load, topics } = source;
  const { cache } = useMemo(() => ({ load, cache: new PageCache<T>() }), [load]);
  const [loaded, setLoaded] = useState<Loaded<T>>({ cache, page: undefined, problem: undefined });
  const seen = useRef({ from: 0, to: PAGE_ROWS });
  const shown = useRef<object>(cache);
  useEffect(() => {
    shown.current = cache;
  }, [cache]);
  const fetchPage = useCallback(
    (asked: Asked): void => {
      const put = (page: RowPage<T>): void => {
        cache.put(asked, page.rows);
        // An answer for a list that is not shown any more says nothing.
        if (shown.current === cache) setLoaded({ cache, page, problem: undefined });
      };
      const fail = (error: unknown): void => {
        cache.fail(asked);
        if (shown.current !== cache) return;
        setLoaded((before) => ({
          cache,
          page: before.cache === cache ? before.page : undefined,
          problem: problemWith(error),
        }));
      };
      load(api, asked.page * PAGE_ROWS, PAGE_ROWS).then(put, fail);
    },
    [api, cache, load],
  );
  const look = useCallback(
    (from: number, to: number) => {
      seen.current = { from, to };
      for (const asked of cache.ask(from, to)) fetchPage(asked);
    },
    [cache, fetchPage],
  );
  const retry = useCallback(() => {
    cache.change();
    look(seen.current.from, seen.current.to);
  }, [cache, look]);
  useEffect(() => look(0, PAGE_ROWS), [look]);
  useChanges(topics, retry);
  return useMemo(() => {
    const isPresent = loaded.cache === cache;
    return {
      rowAt: (index: number) => cache.rowAt(index),
      indexOf: (id: string) => cache.indexOf(id),
      look,
      retry,
      page: isPresent ? loaded.page : undefined,
      problem: isPresent ? loaded.problem : undefined,
    };
  }, [cache, look, retry, loaded]);
}
