/**
 * Ends the timers that parts of libp2p leave behind when they stop: gossipsub's next heartbeat, and
 * the address manager's pause before it notes new addresses, which a closing listener begins anew.
 * Each would fire once on a node that is gone and keep the process for up to 1.25 s more. Path:
 * create-node.ts, network.ts → here. Spec: docs/spec/07-gossip.md, "Connections".
 */
import type { Libp2p } from 'libp2p';

/**
 * The same factory of gossip, whose product takes its next heartbeat with it when it stops, and
 * stops also while it starts: libp2p does not wait for it when another part cannot start.
 */
export function endingHeartbeat<Components, Gossip extends object>(
  create: (components: Components) => Gossip,
): (components: Components) => Gossip {
  return (components) => {
    const gossip = create(components);
    const [start, stop] = [memberOf(gossip, 'start'), memberOf(gossip, 'stop')];
    if (typeof start !== 'function' || typeof stop !== 'function') return gossip;
    let starting: Promise<unknown> = Promise.resolve();
    Reflect.set(gossip, 'start', async () => {
      starting = Promise.resolve(Reflect.apply(start, gossip, []));
      await starting;
    });
    Reflect.set(gossip, 'stop', async () => {
      await starting.catch(() => undefined);
      // The state of a heartbeat that goes on; stopping puts another in its place.
      const state = memberOf(gossip, 'status');
      await Reflect.apply(stop, gossip, []);
      clearTimeout(memberOf(state, 'heartbeatTimeout') as NodeJS.Timeout | undefined);
    });
    return gossip;
  };
}

/** Stops `node` and what its address manager would do later. */
export async function stopWhole(node: Pick<Libp2p, 'stop'>): Promise<void> {
  await node.stop();
  const addresses = memberOf(memberOf(node, 'components'), 'addressManager');
  const stop = memberOf(memberOf(addresses, '_updatePeerStoreAddresses'), 'stop');
  if (typeof stop === 'function') Reflect.apply(stop, undefined, []);
}

/** A member that the library's types do not show; undefined when it is not there. */
function memberOf(value: unknown, name: string): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? Reflect.get(value, name) : undefined;
}
