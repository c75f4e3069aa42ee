/**
 * Counts what peers send on the streams of a service of libp2p, gossipsub or the table of peers:
 * bytes as they come, and streams opened. Neither tells of them, and libp2p's own hook for it
 * (`use`) adds a handler per stream to one list for ever, so the service's registrar is wrapped.
 * Used by create-node.ts; gossip-budget.ts judges. Spec: docs/spec/07-gossip.md, "Budgets".
 */
import type { gossipsub } from '@libp2p/gossipsub';
import type { Connection, PeerKey, Stream } from './types.ts';

type Registrar = Parameters<ReturnType<typeof gossipsub>>[0]['registrar'];
type Handle = Registrar['handle'];

/** Told of every stream and of every piece of data; false ends the stream. */
export interface WireEvents {
  readonly onStream: (peer: PeerKey) => boolean;
  readonly onBytes: (peer: PeerKey, bytes: number) => boolean;
}

/** The same service, whose inbound streams are counted. */
export function metered<Components extends { registrar: Registrar }, Service>(
  create: (components: Components) => Service,
  events: WireEvents,
): (components: Components) => Service {
  return (components) => create(replaced(components, 'registrar', countingRegistrar));

  function countingRegistrar(registrar: Registrar): Registrar {
    const handle: Handle = async (protocol, handler, options) => {
      const counted = async (stream: Stream, connection: Connection): Promise<void> => {
        const peer = connection.remotePeer.toString();
        if (!events.onStream(peer)) {
          stream.abort(new Error('too many streams'));
          return;
        }
        stream.addEventListener('message', ({ data }) => {
          if (!events.onBytes(peer, data.byteLength)) stream.abort(new Error('too much'));
        });
        await handler(stream, connection);
      };
      await registrar.handle(protocol, counted, options);
    };
    return replaced(registrar, 'handle', () => handle);
  }
}

/** `target` with one member made anew; methods keep their object. */
function replaced<T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (old: T[K]) => T[K],
): T {
  const value = make(target[name]);
  return new Proxy(target, {
    get: (object, member) => {
      if (member === name) return value;
      const found: unknown = Reflect.get(object, member, object);
      return typeof found === 'function' ? found.bind(object) : found;
    },
  });
}
