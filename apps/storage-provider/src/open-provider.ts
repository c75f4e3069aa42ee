/**
 * Wires a provider: store, keys, node, proofs. Before: cli/run.ts; after: provider.ts.
 */
import { statfs } from 'node:fs/promises';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { openKvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import type { Closable } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ProviderConfig } from './config/schema.ts';
import { NodeLedger } from './feed/node-ledger.ts';
import { readKeyFile } from './keys/key-file.ts';
import { Provider } from './provider.ts';

/** Layout of the store's keys and values. */
const STORE_SCHEMA = 1;

/** Everything that touches the world, opened in order; what was opened is pushed to `running`. */
export async function openProvider(
  config: ProviderConfig,
  logger: Logger,
  running: Closable[],
): Promise<Provider> {
  const [genesis, keys] = await Promise.all([
    readGenesis(config.genesisFile),
    readKeyFile(config.keyFile),
  ]);
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const networkId = networkIdOf(genesis, hasher);
  const owner = { kind: 'provider', networkId, schema: STORE_SCHEMA };
  const kv = await openKvStore(config.dataDir, owner);
  running.push(kv);
  const { url, timeoutMs, powThreads } = config.node;
  const client = new NodeClient({ baseUrl: url, timeoutMs, hasher });
  const proofOfWork = new PowPool({ threads: powThreads });
  const clock = SYSTEM_CLOCK;
  const lightClient = LightClient.fromGenesis(genesis, { hasher, verifier });
  const checker = new ProofChecker(lightClient, { hasher, clock, client });
  const { params } = genesis;
  const deps = { node: client, proofOfWork, checker, hasher };
  const issuer = new BlockIssuer({ networkId, params }, deps);
  const node = new NodeLedger(client, issuer);
  const endpoint = `http://${config.api.host}:${config.api.port}`;
  const identity = { genesis, keys, endpoint };
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(config.dataDir);
    return bavail * bsize;
  };
  const parts = { kv, node, checker, clock, hasher, verifier, logger, freeBytes };
  const provider = new Provider(config, identity, parts);
  // The proof of work ends first: a claim under way would otherwise hold the stop up.
  running.push({ close: () => provider.stop() }, proofOfWork);
  return provider;
}
