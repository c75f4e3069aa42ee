/**
 * Who may load the body of which mail: a frame can show no page key, so the page that is signed in
 * asks for a nonce beforehand, which is good once, for some minutes, for the browser that asked.
 * Before: access.ts, body.controller.ts. Spec: docs/spec/41-client-api.md, "HTML of a mail".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';

/** A frame is loaded at once; a slow machine gets some time. */
export const TICKET_MS = 300_000;
/** Bodies that are asked for and not loaded yet; the oldest goes for the next. */
export const MAX_TICKETS = 64;
const NONCE_LENGTH = 24;

/** What a nonce stands for. */
export interface BodyTicket {
  readonly mailId: string;
  /** How it is shown. */
  readonly isDark: boolean;
}

interface KeptTicket extends BodyTicket {
  readonly cookie: Uint8Array;
  readonly untilMs: number;
}

export class BodyTickets {
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptTicket>();

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** A nonce for the browser with this cookie. */
  issue(ticket: BodyTicket, cookie: string): string {
    const nonce = Buffer.from(this.#random.bytes(NONCE_LENGTH)).toString('base64url');
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_TICKETS && oldest !== undefined) this.#kept.delete(oldest);
    const untilMs = this.#clock.nowMs() + TICKET_MS;
    this.#kept.set(nonce, { ...ticket, cookie: digestOf(cookie), untilMs });
    return nonce;
  }

  /** Whether it is good. */
  permits(mailId: string, nonce: string, cookie: string | undefined): boolean {
    return this.#find(mailId, nonce, cookie) !== undefined;
  }

  /** What it stands for, once. */
  take(mailId: string, nonce: string, cookie: string | undefined): BodyTicket | undefined {
    const found = this.#find(mailId, nonce, cookie);
    if (found !== undefined) this.#kept.delete(nonce);
    return found;
  }

  #find(mailId: string, nonce: string, cookie: string | undefined): KeptTicket | undefined {
    const ticket = this.#kept.get(nonce);
    if (ticket === undefined || cookie === undefined) return undefined;
    if (ticket.mailId !== mailId || ticket.untilMs < this.#clock.nowMs()) return undefined;
    return timingSafeEqual(ticket.cookie, digestOf(cookie)) ? ticket : undefined;
  }
}

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
