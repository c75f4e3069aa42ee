/**
 * The old device's side of a link: gives out a code, shows the number, and sends the archive once
 * its owner has confirmed. Before: the local API; after: link-channel.ts, link-archive.ts.
 * Spec: docs/spec/44-device-link.md.
 */
import type { KeyPair, SealingSuite } from '@tanglemail/mail/core/ports.ts';
import {
  decodeLinkHello,
  decodeLinkReveal,
  encodeLinkAnswer,
  formatLinkCode,
  isRevealOf,
  LINK_KEY_LENGTH,
  LINK_SECONDS,
  type LinkHello,
  linkSession,
  type LinkSession,
  linkTag,
  sealLinkArchive,
} from '@tanglemail/mail/core/link/protocol.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { LinkDto } from '../api/devices-dto.ts';
import { ClientError } from '../client-error.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { LinkChannel, type LinkChannelDeps } from './link-channel.ts';

export interface LinkHostDeps {
  readonly tangle: LinkChannelDeps['tangle'] & Pick<TangleAccess, 'clock' | 'random'>;
  readonly suite: SealingSuite;
  readonly logger: Logger;
  readonly makeArchive: () => Promise<Uint8Array>;
  readonly pollMs?: number;
}

interface OpenLink {
  readonly key: Uint8Array;
  readonly own: KeyPair;
  readonly expiresAtMs: number;
  readonly abort: AbortController;
  readonly channel: LinkChannel;
  state: LinkDto['state'];
  name?: string;
  session?: LinkSession;
  blockCount?: number;
  sentCount?: number;
}

export class LinkHost {
  readonly #deps: LinkHostDeps;
  #open: OpenLink | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: LinkHostDeps) {
    this.#deps = deps;
  }

  /** Begins, with a fresh code; a code that was given out before is over. */
  begin(): LinkDto {
    this.cancel();
    const { tangle, suite, pollMs } = this.#deps;
    const key = tangle.random.bytes(LINK_KEY_LENGTH);
    const secretKey = tangle.random.bytes(32);
    const own = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
    const poll = pollMs === undefined ? {} : { pollMs };
    const open: OpenLink = {
      key,
      own,
      expiresAtMs: tangle.clock.nowMs() + LINK_SECONDS * 1_000,
      abort: new AbortController(),
      channel: new LinkChannel(key, { tangle, suite, ...poll }),
      state: 'waiting',
    };
    this.#open = open;
    this.#running = this.#meet(open);
    return this.status();
  }

  status(): LinkDto {
    const open = this.#open;
    if (open === undefined) return { state: 'none' };
    this.#expire(open);
    const { state, expiresAtMs, name, session, blockCount, sentCount } = open;
    const code = formatLinkCode(open.key);
    return {
      state,
      ...(state === 'waiting' ? { code, expiresAtMs } : {}),
      ...(state === 'compare' && session !== undefined ? { number: session.number } : {}),
      ...(name === undefined ? {} : { name }),
      ...(blockCount === undefined ? {} : { blockCount }),
      ...(sentCount === undefined ? {} : { sentCount }),
    };
  }

  /** A code that nobody confirmed in time is over. */
  #expire(open: OpenLink): void {
    const isOpen = open.state === 'waiting' || open.state === 'compare';
    if (!isOpen || this.#deps.tangle.clock.nowMs() < open.expiresAtMs) return;
    open.state = 'expired';
    open.abort.abort(new Error('the code is over'));
  }

  /**
   * The owner compared the numbers. Throws ClientError `link-not-open`, `link-expired`, and
   * `link-number-wrong`, after which the code is over.
   */
  confirm(number: string): LinkDto {
    const open = this.#open;
    if (open !== undefined) this.#expire(open);
    if (open?.state === 'expired') throw new ClientError('link-expired');
    if (open?.state !== 'compare' || open.session === undefined) {
      throw new ClientError('link-not-open');
    }
    if (open.session.number !== number) {
      this.cancel();
      throw new ClientError('link-number-wrong');
    }
    open.state = 'sending';
    this.#running = this.#send(open, open.session);
    return this.status();
  }

  /** Ends what is open. */
  cancel(): void {
    const open = this.#open;
    if (open === undefined || open.state === 'done') return;
    open.state = 'refused';
    open.abort.abort(new Error('the link was ended'));
  }

  async stop(): Promise<void> {
    this.#open?.abort.abort(new Error('the client stops'));
    await this.#running;
  }

  /** Waits for the new device, answers it once, and learns whether its key is what it promised. */
  async #meet(open: OpenLink): Promise<void> {
    const { suite } = this.#deps;
    const { channel, own, key } = open;
    const { signal } = open.abort;
    try {
      const hello = await this.#retry(signal, () => channel.hear('hello', readHello, signal));
      open.name = new TextDecoder().decode(hello.name);
      await this.#retry(signal, () =>
        channel.say('answer', encodeLinkAnswer(own.publicKey), signal),
      );
      const read = (content: Uint8Array) => {
        const reveal = decodeLinkReveal(content);
        return reveal.ok && isRevealOf(reveal.value, hello) ? reveal.value : undefined;
      };
      const reveal = await this.#retry(signal, () => channel.hear('reveal', read, signal));
      const keys = { guestKey: reveal.publicKey, hostKey: own.publicKey, linkKey: key };
      const session = linkSession(own, keys, suite);
      if (!session.ok || signal.aborted) return;
      open.session = session.value;
      open.state = 'compare';
    } catch (error) {
      if (!signal.aborted) this.#fail(open, error);
    }
  }

  async #send(open: OpenLink, session: LinkSession): Promise<void> {
    const { signal } = open.abort;
    try {
      const archive = await this.#deps.makeArchive();
      const parts = sealLinkArchive(session.key, archive, this.#deps.suite);
      if (!parts.ok) throw new ClientError('link-too-large', parts.detail);
      open.blockCount = parts.value.length;
      open.sentCount = 0;
      for (const [index, part] of parts.value.entries()) {
        const tag = linkTag(open.key, 'archive', index);
        await this.#retry(signal, () => open.channel.publish(tag, part, signal));
        open.sentCount = index + 1;
      }
      open.state = 'done';
    } catch (error) {
      if (!signal.aborted) this.#fail(open, error);
    }
  }

  /** A node out of reach ends nothing as long as the code lives. */
  async #retry<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted || this.#open?.abort.signal !== signal) throw error;
        if (error instanceof ClientError) throw error;
        this.#deps.logger.debug(errorFields(error), 'linking waits for the node');
        this.#expire(this.#open);
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, this.#deps.pollMs ?? 1_000));
      }
    }
  }

  #fail(open: OpenLink, error: unknown): void {
    this.#deps.logger.warn(errorFields(error), 'a device could not be linked');
    open.state = 'refused';
  }
}

function readHello(content: Uint8Array): LinkHello | undefined {
  const hello = decodeLinkHello(content);
  return hello.ok ? hello.value : undefined;
}
