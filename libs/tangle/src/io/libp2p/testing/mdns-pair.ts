/**
 * Two nodes of one network and one of another that know nothing of each other but the local
 * network. Run by discovery.spec.ts in a network namespace of its own, because multicast must not
 * leave the machine. Prints who met whom as one line of JSON.
 */
import { until } from '../../testing/until.ts';
import { startNode, stopAll } from './network-nodes.ts';

const discovery = { mdns: true };
const left = await startNode({ discovery });
const right = await startNode({ discovery });
const other = await startNode({ discovery, networkId: 1n });
await until(() => left.network.peers().length > 0 && right.network.peers().length > 0);
const met = [left, right, other].map(({ network }) => network.peers().map(({ id }) => id));
console.log(JSON.stringify({ keys: [left.network.key, right.network.key], met }));
await stopAll();
