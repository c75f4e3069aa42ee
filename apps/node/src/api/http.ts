/**
 * Answers that exist as bytes and as JSON.
 */
import {
  wantsBytes,
  type HttpRequest,
  type HttpResponse,
} from '@tanglemail/tangle/io/shell/http.ts';

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
