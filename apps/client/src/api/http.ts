/**
 * The few members of Express requests and responses that the API touches.
 */

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly localPort?: number };
  readonly body?: unknown;
}

export interface HttpResponse {
  readonly headersSent: boolean;
  status(code: number): this;
  type(mediaType: string): this;
  set(name: string, value: string): this;
  send(body: string | Uint8Array): this;
  destroy(): this;
}

/** The value of a header that occurs at most once; undefined when absent or repeated. */
export function headerOf(
  request: { readonly headers: HttpRequest['headers'] },
  name: string,
): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
