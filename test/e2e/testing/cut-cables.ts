/**
 * Plays partitions.ts on a cable-network.ts and prints the report as JSON. Run by
 * committee-partition.spec.ts under `unshare -Urn`. With `--try` it only puts up
 * the switches, to see whether this machine lets it.
 */
import { CableNetwork } from './cable-network.ts';
import { playPartitions } from './partitions.ts';

const network = new CableNetwork();
if (process.argv[2] !== '--try') {
  const abort = new AbortController();
  process.once('SIGTERM', () => abort.abort());
  const report = await playPartitions(network, abort.signal);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
