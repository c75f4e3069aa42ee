/**
 * Chain messages that came before their seed, and the rule by which a client asks for a seed that
 * does not come. Stop before: envelope/envelope.ts; next: chain/receiving.ts, chain/note.ts.
 * Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { equalBytes } from '../crypto/kdf.ts';
import { decodeEnvelope } from '../envelope/envelope.ts';
import type { MailEnvelope } from '../envelope/envelope.ts';
import { MAX_WAITING_BYTES, MAX_WAITING_ENVELOPES } from '../limits.ts';
import { succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import type { OpenedChainMessage, ReceivingChain } from './receiving.ts';
import { openChainMessage, SKIPPED_KEY_SECONDS, watchedChainTags } from './receiving.ts';

/** A letter and a message of one moment may be an hour apart before anybody is asked. */
export const ASK_AFTER_SECONDS = 3_600;
/** Seconds between two requests for the same thing. */
export const ASK_AGAIN_SECONDS = 86_400;
/** Requests for the same thing; after the last one's day the user is told that it is lost. */
export const MAX_ASKS = 3;

/** How often something missing was asked for. */
export interface AskState {
  /** When it was first missed, unix seconds. */
  readonly since: number;
  readonly asks: number;
  /** Of the last request; 0 before the first. */
  readonly askedAt: number;
}

/** What to do about something missing at `now`: nothing yet, ask for it, or say that it is lost. */
export function askStep(ask: AskState, now: number): 'wait' | 'ask' | 'lost' {
  const due = ask.asks === 0 ? ask.since + ASK_AFTER_SECONDS : ask.askedAt + ASK_AGAIN_SECONDS;
  if (now < due) return 'wait';
  return ask.asks < MAX_ASKS ? 'ask' : 'lost';
}

/** The state after a request went out. Write it before the request: a crash then asks once less. */
export function markAsked(ask: AskState, now: number): AskState {
  return { ...ask, asks: ask.asks + 1, askedAt: now };
}

/** An envelope that no chain opens yet. */
export interface WaitingEnvelope {
  readonly envelope: MailEnvelope;
  /** The payload's bytes behind its type. */
  readonly bytes: Uint8Array;
  readonly ask: AskState;
}

/** Oldest first; at most 512 envelopes and 1 MiB. */
export type WaitingRoom = readonly WaitingEnvelope[];

/**
 * The room with one more envelope; the oldest leave when it is full. The same bytes twice change
 * nothing. Codes: as decodeEnvelope. A copied tag with other bytes waits too: it may be the
 * genuine one.
 */
export function addWaiting(
  room: WaitingRoom,
  bytes: Uint8Array,
  now: number,
): MailOutcome<WaitingRoom> {
  const decoded = decodeEnvelope(bytes);
  if (!decoded.ok) return decoded;
  if (room.some((one) => equalBytes(one.bytes, bytes))) return succeed(room);
  const ask = { since: now, asks: 0, askedAt: 0 };
  const next = [...room, { envelope: decoded.value, bytes, ask }];
  let total = next.reduce((sum, one) => sum + one.bytes.length, 0);
  let first = 0;
  while (next.length - first > MAX_WAITING_ENVELOPES || total > MAX_WAITING_BYTES) {
    total -= next[first]?.bytes.length ?? 0;
    first++;
  }
  return succeed(next.slice(first));
}

/** The room without what has waited longer than any key of it would be kept. */
export function expireWaiting(room: WaitingRoom, now: number): WaitingRoom {
  return room.filter((one) => now < one.ask.since + SKIPPED_KEY_SECONDS);
}

/** What a new seed let in. */
export interface DrainedRoom {
  readonly chain: ReceivingChain;
  readonly opened: readonly OpenedChainMessage[];
  readonly room: WaitingRoom;
}

/**
 * Opens with `chain` all that waits for it. An envelope that bears one of its tags and does not
 * open is a forgery and leaves, unless a later program may read it (`chain-content-unknown`). Each
 * round moves the chain's window on or ends, so there are at most as many rounds as envelopes.
 */
export function drainWaiting(
  room: WaitingRoom,
  chain: ReceivingChain,
  now: number,
  suite: SealingSuite,
): DrainedRoom {
  let drained: DrainedRoom = { chain, opened: [], room };
  for (;;) {
    const next = drainRound(drained, now, suite);
    if (next.opened.length === drained.opened.length) return next;
    drained = next;
  }
}

function drainRound(before: DrainedRoom, now: number, suite: SealingSuite): DrainedRoom {
  const tags = new Set(watchedChainTags(before.chain).map((one) => bytesToHex(one.tag)));
  let { chain } = before;
  const opened = [...before.opened];
  const room: WaitingEnvelope[] = [];
  for (const waiting of before.room) {
    if (!tags.has(bytesToHex(waiting.envelope.tag))) {
      room.push(waiting);
      continue;
    }
    const outcome = openChainMessage(chain, waiting.envelope, now, suite);
    if (outcome.ok) {
      chain = outcome.value.chain;
      opened.push(outcome.value.opened);
    } else if (outcome.code === 'chain-content-unknown') {
      room.push(waiting);
    }
  }
  return { chain, opened, room };
}
