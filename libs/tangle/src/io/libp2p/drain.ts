/**
 * Sending with back-pressure. The streams' own `onDrain()` waits only the first time (its promise
 * is never renewed), after which a fast sender piles up memory; this helper waits for each drain.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import type { Stream } from './types.ts';

export class StreamEndedError extends Error {
  constructor(cause?: unknown) {
    super('the stream ended while data waited to be sent', { cause });
    this.name = 'StreamEndedError';
  }
}

/**
 * Sends `bytes` and returns once the stream wants more. Throws StreamEndedError, or on `signal`.
 */
export async function sendAndDrain(
  stream: Stream,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (stream.send(bytes)) return;
  while (stream.writableNeedsDrain || stream.writeBufferLength > 0) {
    if (stream.writeStatus !== 'writable') throw new StreamEndedError();
    await nextDrain(stream, signal);
  }
}

/** One drain, idle or close event; the caller looks at the stream's state itself. */
async function nextDrain(stream: Stream, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const finish = (): void => {
      stream.removeEventListener('drain', finish);
      stream.removeEventListener('idle', finish);
      stream.removeEventListener('close', finish);
      signal.removeEventListener('abort', finish);
      if (signal.aborted) reject(new StreamEndedError(signal.reason));
      else resolve();
    };
    stream.addEventListener('drain', finish);
    stream.addEventListener('idle', finish);
    stream.addEventListener('close', finish);
    signal.addEventListener('abort', finish);
  });
}
