/**
 * Calls of the local API by a page that is signed in. Before: the screens; after: the daemon's
 * controllers. Spec: docs/spec/41-client-api.md.
 */
import { ApiProblem, problemOf } from './problem.ts';

const PREFIX = '/api/client/v1/';

export interface ApiCall {
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: Blob;
  readonly mediaType?: string;
  readonly signal?: AbortSignal;
}

export class Api {
  readonly #pageKey: string;
  readonly #watchers = new Set<() => void>();

  constructor(pageKey: string) {
    this.#pageKey = pageKey;
  }

  /** Tells when the daemon no longer knows this browser; gives what ends it. */
  onSignedOut(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The sub-protocols with which the event socket is opened. */
  get socketProtocols(): string[] {
    return ['tanglemail', `page.${this.#pageKey}`];
  }

  /** Throws ApiProblem. `path` is relative to the API's prefix. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.request(path, signal === undefined ? {} : { signal });
    return (await response.json()) as T;
  }

  /** A call that answers JSON, or nothing. Throws ApiProblem. */
  async send<T = undefined>(path: string, call: ApiCall): Promise<T> {
    const response = await this.request(path, call);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  /** The bytes of an answer. Throws ApiProblem. */
  async blob(path: string): Promise<Blob> {
    return await (await this.request(path, {})).blob();
  }

  async request(path: string, call: ApiCall): Promise<Response> {
    const headers: Record<string, string> = { 'Tanglemail-Page': this.#pageKey };
    if (call.json !== undefined) headers['Content-Type'] = 'application/json';
    if (call.mediaType !== undefined) headers['Content-Type'] = call.mediaType;
    const body = call.json === undefined ? call.body : JSON.stringify(call.json);
    let response: Response;
    try {
      response = await fetch(`${PREFIX}${path}`, {
        method: call.method ?? 'GET',
        headers,
        credentials: 'same-origin',
        redirect: 'error',
        ...(body === undefined ? {} : { body }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
    } catch (cause) {
      if (call.signal?.aborted === true) throw cause;
      throw new ApiProblem('unreachable', 0, 'the daemon does not answer');
    }
    if (response.ok) return response;
    if (response.status === 401) for (const watcher of this.#watchers) watcher();
    throw await problemOf(response);
  }
}
