/** For specs: a client of a line protocol on 127.0.0.1; octets are characters. */
import { connect, type Socket } from 'node:net';

export class LineDialog {
  readonly #socket: Socket;
  #heard = '';
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#heard += text;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  static async open(port: number): Promise<LineDialog> {
    const socket = connect(port, '127.0.0.1');
    const dialog = new LineDialog(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return dialog;
  }

  say(octets: string): void {
    this.#socket.write(octets, 'latin1');
  }

  /** What was heard up to the end of the first match; rejects when the connection ends before. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#heard);
      if (match !== null) {
        const end = match.index + match[0].length;
        const text = this.#heard.slice(0, end);
        this.#heard = this.#heard.slice(end);
        return text;
      }
      if (this.#isOver) throw new Error(`the connection ended after: ${this.#heard}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves once the server has ended the connection, with what it said until then. */
  async over(): Promise<string> {
    while (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#heard;
  }

  close(): void {
    this.#socket.destroy();
  }
}
