/**
 * Sessions of pages in a browser. A page shows the daemon's token once and gets a cookie and a key
 * of its own; from then on it needs both. The cookie alone would not do: browsers send cookies of
 * 127.0.0.1 to whatever listens on any port of this machine, while the key lies in storage that
 * belongs to one port. Before: access.ts; after: web.controller.ts.
 * Spec: docs/spec/41-client-api.md, "Pages".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '@tanglemail/tangle/core/ports.ts';

/** Browsers of one person that are signed in at once; the oldest goes for the next. */
export const MAX_WEB_SESSIONS = 32;
const SECRET_LENGTH = 32;

/** What a page is given, once. */
export interface WebSession {
  /** Value of the cookie. */
  readonly cookie: string;
  /** What the page sends in the header `Tanglemail-Page` with every request. */
  readonly pageKey: string;
}

/** What is kept of a session. */
interface KeptSession {
  readonly cookie: Uint8Array;
  readonly pageKey: Uint8Array;
}

export class WebSessions {
  readonly #random: Random;
  readonly #kept = new Set<KeptSession>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Signs a browser in. */
  open(): WebSession {
    const session = { cookie: this.#secret(), pageKey: this.#secret() };
    const oldest = this.#kept.values().next().value;
    if (this.#kept.size >= MAX_WEB_SESSIONS && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.add({ cookie: digestOf(session.cookie), pageKey: digestOf(session.pageKey) });
    return session;
  }

  /** True for the cookie and the key of one session. */
  matches(cookie: string | undefined, pageKey: string | undefined): boolean {
    return this.#find(cookie, pageKey) !== undefined;
  }

  /** Signs the browser out. */
  close(cookie: string | undefined, pageKey: string | undefined): void {
    const found = this.#find(cookie, pageKey);
    if (found !== undefined) this.#kept.delete(found);
  }

  #find(cookie: string | undefined, pageKey: string | undefined): KeptSession | undefined {
    if (cookie === undefined || pageKey === undefined) return undefined;
    const shown = { cookie: digestOf(cookie), pageKey: digestOf(pageKey) };
    return [...this.#kept].find(
      (one) =>
        timingSafeEqual(one.cookie, shown.cookie) && timingSafeEqual(one.pageKey, shown.pageKey),
    );
  }

  #secret(): string {
    return Buffer.from(this.#random.bytes(SECRET_LENGTH)).toString('base64url');
  }
}

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
