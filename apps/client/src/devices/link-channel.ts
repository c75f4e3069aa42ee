/**
 * How two devices hear each other while one is linked: tagged data under tags that only the code
 * gives. Before: link-host.ts, link-guest.ts; after: tangle/tangle-access.ts.
 * Spec: docs/spec/44-device-link.md.
 */
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import {
  linkTag,
  type LinkRole,
  openLinkSay,
  sealLinkSay,
} from '@tanglemail/mail/core/link/protocol.ts';
import { Bell } from '../pause.ts';
import { provenTaggedData, type TangleAccess } from '../tangle/tangle-access.ts';

/** Longest time between two looks, while the node tells of no milestone. */
const POLL_MS = 1_000;
/** Blocks under one tag that are looked at: whoever saw the code can add some. */
const MAX_CANDIDATES = 16;

export interface LinkChannelDeps {
  readonly tangle: Pick<TangleAccess, 'node' | 'checker' | 'events' | 'issuer'>;
  readonly suite: SealingSuite;
  readonly pollMs?: number;
}

export class LinkChannel {
  readonly #key: Uint8Array;
  readonly #deps: LinkChannelDeps;

  constructor(key: Uint8Array, deps: LinkChannelDeps) {
    this.#key = key;
    this.#deps = deps;
  }

  /** Says one word, and waits until a milestone has it. */
  async say(
    role: Exclude<LinkRole, 'archive'>,
    content: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const data = sealLinkSay(this.#key, role, content, this.#deps.suite);
    await this.publish(linkTag(this.#key, role), data, signal);
  }

  /** Publishes bytes that are sealed already. */
  async publish(tag: Uint8Array, data: Uint8Array, signal: AbortSignal): Promise<void> {
    const { issuer } = this.#deps.tangle;
    const issued = await issuer.issue({ kind: 'tagged-data', tag, data }, { signal });
    await issuer.awaitConfirmation(issued, { signal });
  }

  /** Waits for a word that `read` takes; the oldest one counts. Throws when it is aborted. */
  async hear<T>(
    role: Exclude<LinkRole, 'archive'>,
    read: (content: Uint8Array) => T | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    return await this.wait(
      linkTag(this.#key, role),
      (data) => {
        const content = openLinkSay(this.#key, role, data, this.#deps.suite);
        return content === undefined ? undefined : read(content);
      },
      signal,
    );
  }

  /** Waits for data under a tag that `read` takes. */
  async wait<T>(
    tag: Uint8Array,
    read: (data: Uint8Array) => T | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    const milestones = new Bell();
    const unsubscribe = this.#deps.tangle.events.subscribe('milestones/confirmed', () =>
      milestones.ring(),
    );
    try {
      for (;;) {
        signal.throwIfAborted();
        const { proven } = await provenTaggedData(this.#deps.tangle, tag, MAX_CANDIDATES);
        for (const { data } of proven.toReversed()) {
          const found = read(data);
          if (found !== undefined) return found;
        }
        await milestones.rest(this.#deps.pollMs ?? POLL_MS, signal);
      }
    } finally {
      unsubscribe();
    }
  }
}
