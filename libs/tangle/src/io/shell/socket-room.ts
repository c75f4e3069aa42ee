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

interface Place<Member> {
  readonly member: Member;
  alive: boolean;
}

export class SocketRoom<Member> {
  readonly #places = new Map<RoomSocket, Place<Member>>();
  readonly #maxSockets: number;
  #ping: NodeJS.Timeout | undefined;

  constructor(maxSockets: number) {
    this.#maxSockets = maxSockets;
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

  /** Takes a socket in; a full room closes the socket instead and gives undefined. */
  enter(socket: RoomSocket, memberOf: () => Member): Member | undefined {
    if (this.#places.size >= this.#maxSockets) {
      socket.close(TRY_AGAIN, 'too many sockets');
      return undefined;
    }
    const place: Place<Member> = { member: memberOf(), alive: true };
    socket.on('pong', () => {
      place.alive = true;
    });
    this.#places.set(socket, place);
    return place.member;
  }

  leave(socket: RoomSocket): void {
    this.#places.delete(socket);
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
        socket.terminate();
        continue;
      }
      place.alive = false;
      socket.ping();
    }
  }
}
