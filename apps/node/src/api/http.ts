/**
 * The few members of Express requests and responses that the API touches.
 */

export interface HttpRequest {
  readonly ip?: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
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

/** True when the client asked for bytes rather than JSON. */
function wantsBytes(request: HttpRequest): boolean {
  const { accept } = request.headers;
  return typeof accept === 'string' && accept.includes('application/octet-stream');
}

/** Answers with bytes or with JSON, whichever the client asked for. */
export function sendEither(
  request: HttpRequest,
  response: HttpResponse,
  bytes: Uint8Array,
  json: () => unknown,
): void {
  response.status(200);
  if (wantsBytes(request)) response.type('application/octet-stream').send(Buffer.from(bytes));
  else response.type('application/json').send(JSON.stringify(json()));
}
