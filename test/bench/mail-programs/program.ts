/**
 * The mail program of the benchmark: says lines, and counts what comes back without keeping it.
 * Before: 23-mail-programs.ts.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Bytes of an answer that are kept to see where it ends. */
const TAIL = 2_048;

export interface Heard {
  readonly bytes: number;
  /** How it ended. */
  readonly tail: string;
  readonly tookMs: number;
}

/** Ends of answers. */
export const UNTIL = {
  tagged: /(?:^|\n)t (?:OK|NO|BAD)[^\n]*\n$/,
  line: /\r\n$/,
  dot: /(?:^|\r\n)\.\r\n$/,
  /** The last line of an answer of SMTP. */
  code: /(?:^|\n)\d{3} [^\n]*\n$/,
} as const;

export class Program {
  readonly #socket: Socket;
  #bytes = 0;
  #tail = '';
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#tail = (this.#tail + chunk.subarray(-TAIL).toString('latin1')).slice(-TAIL);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** With `ca` the connection is encrypted from the start. */
  static async open(port: number, ca?: string): Promise<Program> {
    const host = '127.0.0.1';
    const socket =
      ca === undefined
        ? connect(port, host)
        : connectTls({ port, host, ca, servername: 'localhost' });
    const program = new Program(socket);
    await new Promise((resolve, reject) => {
      socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    return program;
  }

  /** Reads nothing, so that answers wait at the server. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  say(octets: string | Uint8Array): void {
    this.#socket.write(octets);
  }

  /** Says it and hears the answer out. */
  async ask(octets: string | Uint8Array, until: RegExp): Promise<Heard> {
    this.#bytes = 0;
    this.#tail = '';
    const started = performance.now();
    this.say(octets);
    return this.#hear(started, until);
  }

  /** Hears what the server says first. */
  async greeting(): Promise<Heard> {
    return this.#hear(performance.now(), UNTIL.line);
  }

  async #hear(started: number, until: RegExp): Promise<Heard> {
    while (!until.test(this.#tail)) {
      if (this.#isOver) throw new Error(`the connection ended after: ${this.#tail}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { bytes: this.#bytes, tail: this.#tail, tookMs: performance.now() - started };
  }

  /** Hears everything until the other end hangs up. */
  async hearOut(octets: string): Promise<Heard> {
    const started = performance.now();
    this.#bytes = 0;
    this.say(octets);
    while (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { bytes: this.#bytes, tail: this.#tail, tookMs: performance.now() - started };
  }

  close(): void {
    this.#socket.destroy();
  }
}
