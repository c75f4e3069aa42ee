/**
 * Counts what peers send on gossipsub's streams: bytes as they come, duplicates and control
 * messages included, and streams opened. gossipsub tells neither, and libp2p's own hook for it
 * (`use`) adds a handler per stream to one list for ever, so gossipsub's registrar is wrapped.
 * Used by create-node.ts; gossip-budget.ts judges. Spec: docs/spec/07-gossip.md, "Budgets".
 */
import type { gossipsub } from '@libp2p/gossipsub';
import type { Connection, PeerKey, Stream } from './types.ts';

type Factory = ReturnType<typeof gossipsub>;
type Components = Parameters<Factory>[0];
type Registrar = Components['registrar'];
type Handle = Registrar['handle'];

/** Told of every stream and of every piece of data. */
export interface WireEvents {
  readonly onStream: (peer: PeerKey) => void;
  readonly onBytes: (peer: PeerKey, bytes: number) => void;
}

/** The same gossipsub, whose inbound streams are counted. */
export function metered(create: Factory, events: WireEvents): Factory {
  return (components) => create(replaced(components, 'registrar', countingRegistrar));

  function countingRegistrar(registrar: Registrar): Registrar {
    const handle: Handle = async (protocol, handler, options) => {
      const counted = async (stream: Stream, connection: Connection): Promise<void> => {
        const peer = connection.remotePeer.toString();
        events.onStream(peer);
        stream.addEventListener('message', ({ data }) => events.onBytes(peer, data.byteLength));
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
