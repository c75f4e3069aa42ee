/**
 * The WebSocket transport with bounds that its library does not have: sockets that connect and say
 * nothing are held for ever there, and one message may take 100 MiB before it is looked at. Used by
 * transports.ts. Spec: docs/spec/07-gossip.md, "Transports".
 */
import type { Server, Socket } from 'node:net';
import { webSockets } from '@libp2p/websockets';
import { assert } from '../../core/outcome.ts';

type Factory = ReturnType<typeof webSockets>;
type Listener = ReturnType<ReturnType<Factory>['createListener']>;

/** What a listener is made of, which its type does not tell. */
interface Inside {
  readonly server?: Server;
  readonly wsServer?: {
    readonly options: { maxPayload?: number };
    /** Told when a request becomes a WebSocket; `connection` is not, because of how it is used. */
    on(event: 'headers', listener: (headers: string[], request: Upgrade) => void): unknown;
  };
}

/** The HTTP request that became a WebSocket. */
interface Upgrade {
  readonly socket: Socket;
}

export interface WebSocketBounds {
  readonly maxConnections: number;
  /** A socket that has not become a WebSocket is closed after so long. */
  readonly handshakeMs: number;
}

/** Bytes that may wait for a WebSocket's reader before the writer is told to pause. */
const BUFFER_BYTES = 4 << 20;
/** Peers send frames of some 64 KiB, and may send several of them as one message. */
const MAX_MESSAGE_BYTES = 4 << 20;

/** The transport, whose listeners are bounded. */
export function boundedWebSockets(bounds: WebSocketBounds): Factory {
  const create = webSockets({ maxBufferedAmount: BUFFER_BYTES });
  return (components) => {
    const transport = create(components);
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (options) => {
      const listener = createListener(options);
      bound(listener, bounds);
      return listener;
    };
    return transport;
  };
}

function bound(listener: Listener, { maxConnections, handshakeMs }: WebSocketBounds): void {
  const { server, wsServer } = listener as Listener & Inside;
  assert(server !== undefined && wsServer !== undefined, 'a WebSocket listener has its servers');
  wsServer.options.maxPayload = MAX_MESSAGE_BYTES;
  server.maxConnections = maxConnections;
  // The HTTP server inside never listens itself, so its own time-outs do not run.
  const timers = new WeakMap<Socket, ReturnType<typeof setTimeout>>();
  server.on('connection', (socket) => {
    const timer = setTimeout(() => socket.destroy(), handshakeMs);
    timers.set(socket, timer);
    socket.once('close', () => clearTimeout(timer));
  });
  wsServer.on('headers', (_headers, { socket }) => clearTimeout(timers.get(socket)));
}
