/**
 * A connection of a mail program: octets in and out with back-pressure, TLS from the start or in
 * the middle, and compression. IMAP and POP3 sessions speak through it. Before: mail-server.ts;
 * next: the session.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw } from 'node:zlib';

/** Octets that the program has not taken; more wait in the session. */
const MAX_BACKLOG = 1 << 20;
/** How long a program may read nothing while answers wait for it. */
const MUTE_MS = 120_000;

export class MailSocket {
  readonly #secureContext: (() => SecureContext) | undefined;
  readonly #onData: (chunk: Uint8Array) => Promise<void>;
  #socket: Socket;
  /** Where octets come out: the socket, or what takes the compression off. */
  #source: Duplex;
  #deflate: DeflateRaw | undefined;
  #isSecure: boolean;

  /**
   * Calls `onData` for what comes, one chunk at a time; the next is read once it has resolved.
   * Without `secureContext` the connection cannot become encrypted.
   */
  constructor(
    socket: Socket,
    secureContext: (() => SecureContext) | undefined,
    onData: (chunk: Uint8Array) => Promise<void>,
  ) {
    this.#secureContext = secureContext;
    this.#onData = onData;
    this.#isSecure = socket instanceof TLSSocket;
    this.#socket = socket;
    this.#source = socket;
    this.#listen(socket);
  }

  get isSecure(): boolean {
    return this.#isSecure;
  }

  get canSecure(): boolean {
    return this.#secureContext !== undefined;
  }

  /** What comes from `source` is data; only the last source counts. */
  #listen(source: Duplex): void {
    this.#source = source;
    source.on('data', (chunk: Uint8Array) => {
      source.pause();
      void this.#take(source, chunk);
    });
    source.on('error', () => this.destroy());
  }

  async #take(source: Duplex, chunk: Uint8Array): Promise<void> {
    try {
      await this.#onData(chunk);
      if (this.#source === source) source.resume();
    } catch {
      this.destroy();
    }
  }

  /** Resolves once no more waits for the program than it may. */
  async write(bytes: Uint8Array): Promise<void> {
    const sink = this.#deflate ?? this.#socket;
    if (sink.destroyed || sink.writableEnded) return;
    sink.write(bytes);
    // Without this the end of an answer would stay in the compressor.
    this.#deflate?.flush(constants.Z_SYNC_FLUSH);
    if (sink.writableLength < MAX_BACKLOG) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.destroy(), MUTE_MS);
      const done = (): void => {
        clearTimeout(timer);
        sink.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      sink.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  /**
   * Encrypts from here on. The caller throws away what it has already received: somebody in
   * between may have put it there.
   */
  secure(): void {
    if (this.#secureContext === undefined) throw new Error('broken invariant: there is no key');
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const options = { isServer: true, secureContext: this.#secureContext() };
    this.#socket = new TLSSocket(plain, options);
    this.#isSecure = true;
    this.#listen(this.#socket);
  }

  /** Compresses from here on. */
  compress(): void {
    const socket = this.#socket;
    socket.removeAllListeners('data');
    const [deflate, inflate] = [createDeflateRaw(), createInflateRaw()];
    deflate.on('error', () => this.destroy());
    deflate.pipe(socket);
    socket.pipe(inflate);
    this.#deflate = deflate;
    this.#listen(inflate);
  }

  /** Ends the connection once everything is written. */
  end(): void {
    (this.#deflate ?? this.#socket).end();
  }

  destroy(): void {
    this.#deflate?.destroy();
    this.#socket.destroy();
  }
}
