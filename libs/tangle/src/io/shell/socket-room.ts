/**
 * The open sockets of an event API: a bounded number, each with what the API knows of it, and those
 * that answer no ping are ended. Path: events.gateway.ts of a program → here.
 */

/** The members of a `ws` socket that the room uses. */
export interface RoomSocket {
  ping(): void;
  terminate(): void;
  close(code: number, reason: string): void;
  on(event: 'pong', listener: () => void): unknown;
}

const PING_INTERVAL_MS = 30_000;
/** WebSocket close code "try again later". */
const TRY_AGAIN = 1013;

/** Why a socket was refused or ended: the room full, its address with enough, no ping back. */
export type RoomRefusal = 'full' | 'address' | 'silent';

export interface RoomOptions {
  readonly maxSockets: number;
  /** Sockets of one remote address. */
  readonly maxPerRemote: number;
  readonly onRefused?: (reason: RoomRefusal) => void;
}

interface Place<Member> {
  readonly member: Member;
  readonly remote: string;
  alive: boolean;
}

export class SocketRoom<Member> {
  readonly #places = new Map<RoomSocket, Place<Member>>();
  readonly #options: RoomOptions;
  /** Sockets by remote address. */
  readonly #remotes = new Map<string, number>();
  #ping: NodeJS.Timeout | undefined;

  /** With a number alone, all sockets may come from one address. */
  constructor(options: RoomOptions | number) {
    this.#options =
      typeof options === 'number' ? { maxSockets: options, maxPerRemote: options } : options;
  }

  /** Sockets in the room. */
  get size(): number {
    return this.#places.size;
  }

  /** Begins to ping; `close` ends that. */
  open(): void {
    this.#ping = setInterval(() => this.pingAll(), PING_INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#ping);
  }

  /**
   * Takes a socket in; a full room, or one with enough sockets of this address, closes the socket
   * instead and gives undefined.
   */
  enter(socket: RoomSocket, memberOf: () => Member, remote = ''): Member | undefined {
    const { maxSockets, maxPerRemote } = this.#options;
    const sameRemote = this.#remotes.get(remote) ?? 0;
    if (this.#places.size >= maxSockets) return this.#refuse(socket, 'full');
    if (sameRemote >= maxPerRemote) return this.#refuse(socket, 'address');
    const place: Place<Member> = { member: memberOf(), remote, alive: true };
    socket.on('pong', () => {
      place.alive = true;
    });
    this.#places.set(socket, place);
    this.#remotes.set(remote, sameRemote + 1);
    return place.member;
  }

  leave(socket: RoomSocket): void {
    const place = this.#places.get(socket);
    if (place === undefined) return;
    this.#places.delete(socket);
    const left = (this.#remotes.get(place.remote) ?? 1) - 1;
    if (left === 0) this.#remotes.delete(place.remote);
    else this.#remotes.set(place.remote, left);
  }

  #refuse(socket: RoomSocket, reason: RoomRefusal): undefined {
    socket.close(TRY_AGAIN, 'too many sockets');
    this.#options.onRefused?.(reason);
    return undefined;
  }

  /** What is known of a socket; undefined when it is not in the room. */
  memberOf(socket: RoomSocket): Member | undefined {
    return this.#places.get(socket)?.member;
  }

  /** All members in the order in which they came. */
  *members(): Generator<Member> {
    for (const { member } of this.#places.values()) yield member;
  }

  /** Ends every socket that answered no ping since the last one, and pings the others. */
  pingAll(): void {
    for (const [socket, place] of this.#places) {
      if (!place.alive) {
        this.#options.onRefused?.('silent');
        socket.terminate();
        continue;
      }
      place.alive = false;
      socket.ping();
    }
  }
}
