/**
 * A wallet beside a node that is not trusted: keys and proofs here, blocks and answers there. Used
 * by the faucet and by `tangle-node validator`. Next: tangle/io/node-client.
 * Spec: docs/spec/05-light-client.md.
 */
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { PowPool, type PowProgress } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';

export interface NodeWalletOptions {
  readonly nodeUrl: string;
  /** The network, and whose certificates are believed. */
  readonly genesis: Genesis;
  readonly powThreads: number;
  /** The machine's clock unless a test gives another. */
  readonly clock?: Clock;
}

export interface NodeWallet {
  readonly genesis: Genesis;
  readonly networkId: bigint;
  readonly clock: Clock;
  readonly client: NodeClient;
  readonly checker: ProofChecker;
  readonly issuer: BlockIssuer<PowProgress>;
  readonly wallet: Wallet<PowProgress>;
  close(): Promise<void>;
}

/** Opens no connection yet; `close` it. */
export async function openNodeWallet(options: NodeWalletOptions): Promise<NodeWallet> {
  const { genesis, nodeUrl, powThreads, clock = SYSTEM_CLOCK } = options;
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const { networkId } = genesisMilestone(genesis, hasher);
  const client = new NodeClient({ baseUrl: nodeUrl, hasher });
  const events = client.events();
  const lightClient = LightClient.fromGenesis(genesis, { hasher, verifier });
  const checker = new ProofChecker(lightClient, { hasher, clock, client });
  const powPool = new PowPool({ threads: powThreads });
  const network = { networkId, params: genesis.params };
  const issuer = new BlockIssuer<PowProgress>(network, {
    node: client,
    proofOfWork: powPool,
    checker,
    hasher,
    events,
  });
  const deps = { node: client, issuer, checker, hasher, clock };
  const wallet = new Wallet<PowProgress>(network, deps);
  const close = async (): Promise<void> => {
    events.close();
    await powPool.close();
  };
  return { genesis, networkId, clock, client, checker, issuer, wallet, close };
}
