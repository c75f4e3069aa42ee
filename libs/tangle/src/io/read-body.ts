/**
 * The body of an HTTP answer up to a limit, so that a server cannot fill the memory of its client.
 * Used by node-client/http.ts and the mail library's provider client.
 */
import { concatBytes } from '@noble/hashes/utils.js';

/**
 * Reads the whole body. Throws what `tooLarge` makes as soon as it is announced to be, or is,
 * longer than `maxBytes`, and then reads no further.
 */
export async function readBody(
  response: Response,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}
