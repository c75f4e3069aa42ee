/**
 * Calls of a node's API by its own page. Reading is open; what stands under control takes the
 * operator's token, which is kept here and nowhere else. Spec: docs/spec/11-node-api.md.
 */
import { ApiProblem, problemOf } from '../daemon/problem.ts';

const CORE = '/api/core/v1/';
export const HEALTH = '/health';
export const INDEXER = '/api/indexer/v1/';
export const CONTROL = '/api/control/v1/';

export interface ControlCall {
  readonly method: 'POST' | 'DELETE';
  readonly json?: unknown;
}

export class NodeApi {
  readonly #watchers = new Set<() => void>();
  #token: string | undefined;

  get isOperator(): boolean {
    return this.#token !== undefined;
  }

  /** Tells when the operator comes or goes; gives what ends it. */
  readonly watchOperator = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Tries the token and keeps it for as long as the page is open. Throws ApiProblem. */
  async signIn(token: string): Promise<void> {
    await ask(`${CONTROL}status`, { headers: { Authorization: `Bearer ${token}` } });
    this.#setToken(token);
  }

  signOut(): void {
    this.#setToken(undefined);
  }

  /** `path` is relative to the core API, or begins with a slash. Throws ApiProblem. */
  async get<T>(path: string): Promise<T> {
    return (await (await this.#send(path, {})).json()) as T;
  }

  /** The text of an answer. Throws ApiProblem. */
  async text(path: string): Promise<string> {
    return await (await this.#send(path, {})).text();
  }

  /** A change by the operator; answers nothing. Throws ApiProblem. */
  async change(path: string, { method, json }: ControlCall): Promise<void> {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    await this.#send(`${CONTROL}${path}`, { method, ...body });
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const url = path.startsWith('/') ? path : `${CORE}${path}`;
    const headers = new Headers({ Accept: 'application/json' });
    if (init.body !== undefined) headers.set('Content-Type', 'application/json');
    if (url.startsWith(CONTROL)) headers.set('Authorization', `Bearer ${this.#token ?? ''}`);
    try {
      return await ask(url, { ...init, headers });
    } catch (error) {
      // The node has begun anew, with another token.
      if (error instanceof ApiProblem && error.status === 401) this.#setToken(undefined);
      throw error;
    }
  }

  #setToken(token: string | undefined): void {
    this.#token = token;
    for (const watcher of this.#watchers) watcher();
  }
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'omit', redirect: 'error', ...init });
  } catch {
    throw new ApiProblem('unreachable', 0, 'the node does not answer');
  }
  // An unhealthy node says with this status what it lacks.
  const isHealth = url === HEALTH && response.status === 503;
  if (!response.ok && !isHealth) throw await problemOf(response);
  return response;
}
