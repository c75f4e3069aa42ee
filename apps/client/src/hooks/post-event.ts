/**
 * Posts an event to a URL, signed, so that its receiver knows that it comes from this client and is
 * not an old one played again. Before: hook-runner.ts; after: the receiver.
 * Spec: docs/spec/41-client-api.md §28.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { limitTime } from './time-limit.ts';

/** What became of one attempt; `detail` is a word for the user, never text of the receiver. */
export interface HookOutcome {
  readonly isTaken: boolean;
  readonly detail: string;
}

export interface PostedEvent {
  readonly url: string;
  readonly eventId: string;
  /** JSON. */
  readonly body: string;
  /** 32 bytes as hex. */
  readonly secret: string;
  readonly timeoutMs: number;
}

/** `v1=` and HMAC-SHA256(secret, "<timestamp>.<event id>.<body>") in hex. */
export function signatureOf(
  secret: string,
  timestamp: number,
  eventId: string,
  body: string,
): string {
  const signed = utf8ToBytes(`${timestamp}.${eventId}.${body}`);
  return `v1=${bytesToHex(hmac(sha256, hexToBytes(secret), signed))}`;
}

/** Taken is what was answered with a status of 200 to 299. Never throws. */
export async function postEvent(
  event: PostedEvent,
  nowMs: number,
  signal: AbortSignal,
): Promise<HookOutcome> {
  const { url, eventId, body, secret, timeoutMs } = event;
  const timestamp = Math.floor(nowMs / 1_000);
  const limit = limitTime(timeoutMs, signal);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'tanglemail-hook/1',
        'tanglemail-event-id': eventId,
        'tanglemail-timestamp': `${timestamp}`,
        'tanglemail-signature': signatureOf(secret, timestamp, eventId, body),
      },
      body,
      // Where mail goes is what the user wrote down, and not what a server says.
      redirect: 'manual',
      signal: limit.signal,
    });
    await response.body?.cancel();
    return { isTaken: response.ok, detail: `status ${response.status}` };
  } catch {
    return { isTaken: false, detail: limit.isOver() ? 'no answer in time' : 'no connection' };
  } finally {
    limit.end();
  }
}
