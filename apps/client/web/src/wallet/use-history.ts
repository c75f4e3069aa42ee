/** The whole history of the wallet, up to a bound; fetched again when the wallet changes. */
import { useCallback, useEffect, useState } from 'react';
import type { WalletLineDto } from '../../../src/api/dto.ts';
import type { Api } from '../daemon/api.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';

const PAGE_ITEMS = 500;
/** More lines are neither shown nor summed. */
export const MAX_LINES = 10_000;

interface Loaded {
  /** Newest first; undefined before the first answer. */
  readonly lines: readonly WalletLineDto[] | undefined;
  readonly problem: ApiProblem | undefined;
}

export interface History extends Loaded {
  readonly retry: () => void;
}

export function useHistory(): History {
  const { api, events } = useData();
  const [wanted, setWanted] = useState({ count: MAX_LINES });
  const [loaded, setLoaded] = useState<Loaded>({ lines: undefined, problem: undefined });
  const retry = useCallback(() => setWanted(({ count }) => ({ count })), []);
  useEffect(
    () =>
      events.subscribe(({ topic }) => {
        if (topic === '$connected' || topic === 'wallet') retry();
      }),
    [events, retry],
  );
  useEffect(() => {
    const controller = new AbortController();
    fetchLines(api, wanted.count, controller.signal).then(
      (lines) => setLoaded({ lines, problem: undefined }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = error instanceof ApiProblem ? error : new ApiProblem('internal', 0, '');
        setLoaded(({ lines }) => ({ lines, problem }));
      },
    );
    return () => controller.abort();
  }, [api, wanted]);
  return { ...loaded, retry };
}

async function fetchLines(
  api: Api,
  count: number,
  signal: AbortSignal,
): Promise<readonly WalletLineDto[]> {
  const lines: WalletLineDto[] = [];
  while (lines.length < count) {
    const last = lines.at(-1);
    const before = last === undefined ? '' : `&before=${last.id}`;
    const path = `wallet/history?limit=${PAGE_ITEMS}${before}`;
    const page = await api.get<readonly WalletLineDto[]>(path, signal);
    lines.push(...page);
    if (page.length < PAGE_ITEMS) break;
  }
  return lines;
}
