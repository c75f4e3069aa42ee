/**
 * Requests that wait for a free place at a peer: one line per priority, bounded in all, served in
 * the order of priorities and within one in the order of arrival. Used by requester.ts.
 * Spec: docs/spec/13-sync.md §3.
 */
import { NetworkError, REQUEST_PRIORITIES } from './types.ts';
import type { PeerKey, RequestPriority } from './types.ts';

export interface Waiting<Ask> {
  readonly ask: Ask;
  /** Peers that it does not go to. */
  readonly asked: ReadonlySet<PeerKey>;
}

interface Entry<Ask, Attempt> extends Waiting<Ask> {
  readonly resolve: (attempt: Attempt | undefined) => void;
  readonly reject: (error: NetworkError) => void;
}

type Line<Ask, Attempt> = Set<Entry<Ask, Attempt>>;

export class RequestLines<Ask, Attempt extends object> {
  readonly #max: number;
  readonly #lines: Readonly<Record<RequestPriority, Line<Ask, Attempt>>> = {
    milestone: new Set(),
    window: new Set(),
    parents: new Set(),
    background: new Set(),
  };

  /** `max`: requests that may wait in all; more are refused with `busy`. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return REQUEST_PRIORITIES.reduce((sum, name) => sum + this.#lines[name].size, 0);
  }

  get sizes(): Record<RequestPriority, number> {
    const { milestone, window, parents, background } = this.#lines;
    return {
      milestone: milestone.size,
      window: window.size,
      parents: parents.size,
      background: background.size,
    };
  }

  /** Resolves when `serve` began it; undefined when nobody can serve it. NetworkError `busy`. */
  async wait(
    { ask, asked }: Waiting<Ask>,
    priority: RequestPriority,
    signal: AbortSignal | undefined,
  ): Promise<Attempt | undefined> {
    if (this.size >= this.#max) throw new NetworkError('busy', 'too many requests wait for peers');
    const line = this.#lines[priority];
    const { promise, resolve, reject } = Promise.withResolvers<Attempt | undefined>();
    const entry = { ask, asked, resolve, reject };
    const onAbort = (): void => {
      line.delete(entry);
      reject(new NetworkError('aborted', 'request aborted'));
    };
    line.add(entry);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Lets `begin` try all that wait, the most urgent first; `busy` goes on waiting. */
  serve(begin: (waiting: Waiting<Ask>) => Attempt | 'busy' | 'nobody'): void {
    for (const name of REQUEST_PRIORITIES) {
      const line = this.#lines[name];
      for (const entry of line) {
        const begun = begin(entry);
        if (begun === 'busy') continue;
        line.delete(entry);
        entry.resolve(begun === 'nobody' ? undefined : begun);
      }
    }
  }

  /** Ends all that wait. */
  fail(error: NetworkError): void {
    for (const name of REQUEST_PRIORITIES) {
      for (const entry of this.#lines[name]) entry.reject(error);
      this.#lines[name].clear();
    }
  }
}
