/**
 * A private network for tests: one validator's seat, one rich key, nodes in this process that speak
 * real TCP on the loopback, and a client that proves everything it is told.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { NETWORK_PRESETS, type NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import { SILENT_LOGGER, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { NodeEvents } from '@tanglemail/tangle/io/node-client/node-events.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { createApi } from '../api/create-api.ts';
import { configOf, type NodeConfigInput } from '../config/schema.ts';
import type { NodeOptions } from '../foundation.ts';
import { keyPairOf, writeKeyFile, type KeyPair } from '../keys/key-file.ts';
import { TangleNode } from '../node.ts';

export { until } from '@tanglemail/tangle/io/testing/until.ts';

const CLOCK = { nowMs: (): number => Date.now() };

/** The pair whose 32 secret bytes all are `byte`. */
export function testKey(byte: number): KeyPair {
  return keyPairOf(new Uint8Array(32).fill(byte));
}

export const VALIDATOR_KEY = testKey(1);
export const RICH_KEY = testKey(2);
export const RICH_AMOUNT = 1_000_000_000n;

/** Parameters of tests: four bits of work, milestones every 200 ms. */
export const TEST_PARAMS: NetworkParams = NETWORK_PRESETS.test;

/** The genesis of the test network; another `name` makes another network. */
export function testGenesis(name = 'test-node', committee = [VALIDATOR_KEY]): Genesis {
  return {
    name,
    timestampMs: 1_700_000_000_000,
    params: TEST_PARAMS,
    committee: committee.map(({ publicKey }) => publicKey),
    outputs: [{ address: RICH_KEY.address, amount: RICH_AMOUNT }],
  };
}

/** Proof of work in this thread: 16 hashes on average. */
export const TEST_POW = {
  solve: (digest: Uint8Array, difficulty: number) => {
    const nonce = searchNonce(digest, difficulty, 0n, 10_000_000, nobleHasher);
    if (nonce === undefined) throw new Error('a few bits are found in ten million tries');
    return Promise.resolve({ nonce });
  },
};

export interface TestNodeOptions {
  readonly validator?: boolean;
  readonly peers?: readonly TestNode[];
  readonly genesis?: Genesis;
  /** A folder of an earlier node; a new one otherwise. */
  readonly folder?: string;
  readonly config?: NodeConfigInput;
  readonly acceptLostVotes?: boolean;
  /** Silent by default. */
  readonly logger?: Logger;
  /** The machine's clock otherwise. */
  readonly clock?: Clock;
  readonly wrapWire?: NodeOptions['wrapWire'];
}

/** A running node with its API and clients of it. */
export interface TestNode {
  readonly node: TangleNode;
  readonly api: RunningApi;
  readonly client: NodeClient;
  readonly events: NodeEvents;
  readonly issuer: BlockIssuer;
  readonly wallet: Wallet;
  readonly checker: ProofChecker;
  readonly folder: string;
  close(): Promise<void>;
}

/** Everything that a test file opens; `closeAll` in afterEach takes it down, newest first. */
export class TestNetwork {
  readonly #open: TestNode[] = [];
  readonly #folders: string[] = [];
  readonly #closers: (() => Promise<void> | void)[] = [];

  /** Done by `closeAll` before the nodes are closed, newest first. */
  onClose(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'tangle-node-test-'));
    this.#folders.push(folder);
    return folder;
  }

  /** A node that is open and not started, with the configuration that `start` would use. */
  async openNode(options: TestNodeOptions = {}): Promise<{ node: TangleNode; folder: string }> {
    const folder = options.folder ?? (await this.folder());
    const keyFile = join(folder, 'validator.key');
    if (options.validator === true && options.folder === undefined) {
      await writeKeyFile(keyFile, VALIDATOR_KEY);
    }
    const peers = (options.peers ?? []).flatMap(({ node }) => node.addresses());
    const { gossip, api, metrics, validator, ...rest } = options.config ?? {};
    const config = configOf({
      dataDir: folder,
      ...rest,
      gossip: { listen: ['/ip4/127.0.0.1/tcp/0'], peers, ...gossip },
      api: { port: 0, rateLimit: { perSecond: 100_000, burst: 100_000 }, ...api },
      metrics: { enabled: false, ...metrics },
      validator: { ...(options.validator === true ? { keyFile } : {}), ...validator },
    });
    const genesis = options.genesis ?? testGenesis();
    const logger = options.logger ?? SILENT_LOGGER;
    const clock = options.clock === undefined ? {} : { clock: options.clock };
    const { acceptLostVotes = false, wrapWire } = options;
    const given = { ...clock, ...(wrapWire === undefined ? {} : { wrapWire }) };
    const node = await TangleNode.open({ config, genesis, logger, acceptLostVotes, ...given });
    return { node, folder };
  }

  async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const { node, folder } = await this.openNode(options);
    const api = await startWithApi(node);
    const started = this.#clientsOf(node, api, folder, options.genesis ?? testGenesis());
    this.#open.push(started);
    return started;
  }

  /** One that cannot be closed leaves none of the others open; its error is thrown at the end. */
  async closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.splice(0).toReversed()) {
      await Promise.resolve(close()).catch((error: unknown) => errors.push(error));
    }
    for (const one of this.#open.splice(0).toReversed()) {
      await one.close().catch((error: unknown) => errors.push(error));
    }
    for (const folder of this.#folders.splice(0)) {
      await rm(folder, { recursive: true }).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
  }

  #clientsOf(node: TangleNode, api: RunningApi, folder: string, genesis: Genesis): TestNode {
    const client = new NodeClient({ baseUrl: api.url });
    const events = client.events();
    const network = {
      networkId: genesisMilestone(genesis, nobleHasher).networkId,
      params: genesis.params,
    };
    const deps = { client, hasher: nobleHasher, clock: CLOCK };
    const checker = new ProofChecker(LightClient.fromGenesis(genesis), deps);
    const issuer = new BlockIssuer(
      { ...network, pollMs: 200 },
      { node: client, proofOfWork: TEST_POW, checker, hasher: nobleHasher, events },
    );
    const wallet = new Wallet(network, { ...deps, node: client, issuer, checker });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      events.close();
      await api.close();
      await node.stop();
    };
    return {
      node,
      api,
      client,
      events,
      issuer,
      wallet,
      checker,
      folder,
      close: () => (closing ??= close()),
    };
  }
}

/** Starts `node` and its API; when that fails, nothing of it stays open. */
async function startWithApi(node: TangleNode): Promise<RunningApi> {
  try {
    await node.start();
    return await createApi(node);
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** A payment of `amount` as an output. */
export function pay(address: Address, amount: bigint) {
  return { kind: 'basic', address, amount } as const;
}
