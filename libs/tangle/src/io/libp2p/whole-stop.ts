/**
 * Stops libp2p with the timers that its parts leave behind: gossipsub's next heartbeat, and the
 * address manager's pause before it notes new addresses, which a closing listener begins anew. Each
 * would fire once on a node that is gone and keep the process for up to 1.25 s more. Path:
 * network.ts → here. Spec: docs/spec/07-gossip.md, "Connections".
 */
import type { TangleLibp2p } from './create-node.ts';

/** Stops `node` and whatever it would do later. */
export async function stopWhole(node: TangleLibp2p): Promise<void> {
  // The state of a heartbeat that goes on; stopping puts another in its place.
  const heart = memberOf(node.services.pubsub, 'status');
  await node.stop();
  clearTimeout(memberOf(heart, 'heartbeatTimeout') as NodeJS.Timeout | undefined);
  const addresses = memberOf(memberOf(node, 'components'), 'addressManager');
  const stop = memberOf(memberOf(addresses, '_updatePeerStoreAddresses'), 'stop');
  if (typeof stop === 'function') Reflect.apply(stop, undefined, []);
}

/** A member that the library's types do not show; undefined when it is not there. */
function memberOf(value: unknown, name: string): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? Reflect.get(value, name) : undefined;
}
