/**
 * What a node stands on before its parts are made: settings, genesis, keys, backends for hashing
 * and signatures, and the opened and checked store. Next: parts.ts. Spec: docs/architecture.md.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import {
  genesisMilestone,
  type GenesisMilestone,
} from '@tanglemail/tangle/core/milestone/genesis.ts';
import { networkKindOf } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { loadPeerKey } from '@tanglemail/tangle/io/libp2p/peer-key.ts';
import type { PeerPrivateKey } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { ConfigError } from '@tanglemail/tangle/io/shell/settings.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import type { AgreementWire } from './agreement/ports.ts';
import { checkMaySit, openSeat, type Seat } from './agreement/seat.ts';
import type { Signer } from './agreement/seat-memory.ts';
import { openSigner } from './agreement/signer.ts';
import { committeesOf, type Committees } from './committees.ts';
import type { NodeConfig } from './config/schema.ts';
import { saltedHash } from './processor/seen-filter.ts';
import { snapshotFill } from './snapshot/import-snapshot.ts';
import { NodeStore, type OpenedStore } from './store/node-store.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  /** A document that `checkGenesis` accepts. */
  readonly genesis: Genesis;
  readonly logger: Logger;
  /** The machine's clock unless a test gives another. */
  readonly clock?: Clock;
  /** Ends what takes long while the node opens: the import of a snapshot. */
  readonly signal?: AbortSignal;
  /** The operator says that the votes of this seat are lost: it is silent first. */
  readonly acceptLostVotes?: boolean;
  /** Goes between the agreement and its peers; for tests of a seat that lies. */
  readonly wrapWire?: (wire: AgreementWire) => AgreementWire;
}

export interface Foundation extends NodeOptions, OpenedStore {
  readonly clock: Clock;
  readonly root: GenesisMilestone;
  readonly committees: Committees;
  readonly hasher: Hasher & { readonly backend: string };
  readonly verifier: Verifier & { readonly backend: string };
  /** Salted, so that nobody can make two blocks that the seen-filter takes for one. */
  readonly hash: (bytes: Uint8Array) => bigint;
  readonly privateKey: PeerPrivateKey;
  /** Key and log of a node that validates when it has a seat; undefined without a key. */
  readonly memory: Seat | undefined;
  /** Who gets the finder's part of slashed bonds; undefined burns it. */
  readonly rewardAddress: Address | undefined;
}

/**
 * Reads the keys, then opens the store: whatever fails before it leaves nothing open. Throws
 * StoreError (another network's folder, locked, damaged), SnapshotError (an empty store and
 * no source of snapshot.from that holds), KeyFileError, SignerError, ValidatorError, VoteError,
 * PeerKeyError, ConfigError, and the reason of `options.signal` when that ends an import.
 */
export async function openFoundation(options: NodeOptions): Promise<Foundation> {
  const { config, genesis } = options;
  const rewardAddress = rewardAddressOf(options);
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const root = genesisMilestone(genesis, hasher);
  const ground = { root, hasher, verifier };
  const hash = await saltedHash(randomBytes(8).readBigUInt64LE());
  const clock = options.clock ?? SYSTEM_CLOCK;
  const signer = await signerOf(options, ground);
  let store: NodeStore | undefined;
  try {
    const fill = fillOf(options, ground);
    const opened = await NodeStore.open(join(config.dataDir, 'store'), root, hasher, fill);
    store = opened.store;
    const privateKey = await loadPeerKey(config.gossip.keyFile ?? join(config.dataDir, 'peer.key'));
    const { index: latestIndex } = opened.latest.header;
    const elections = store.elections(0, Number.POSITIVE_INFINITY);
    const { committee, params } = genesis;
    const committees = committeesOf({ params, genesis: committee, elections, latestIndex });
    const seated = { ...options, clock, latestIndex, committees };
    const memory = signer === undefined ? undefined : await memoryOf(seated, ground, signer);
    const own = { privateKey, memory, rewardAddress };
    return { ...options, ...opened, ...ground, committees, clock, hash, ...own };
  } catch (error) {
    await Promise.all([store?.close(), signer?.close()]);
    throw error;
  }
}

function rewardAddressOf({ config, genesis }: NodeOptions): Address | undefined {
  const { rewardAddress: text } = config.validator;
  if (text === undefined) return undefined;
  const read = readAddress(text, networkKindOf(genesis.name));
  if (read.ok) return read.value;
  throw new ConfigError(`validator.rewardAddress is "${text}": ${read.detail ?? read.code}`);
}

/** Who signs for this node, which may sit some day; undefined for a node that only follows. */
async function signerOf(
  { config, genesis }: NodeOptions,
  { root, verifier }: Pick<Foundation, 'root' | 'verifier'>,
): Promise<Signer | undefined> {
  const { keyFile, signerSocket: socketPath } = config.validator;
  if (keyFile !== undefined && socketPath !== undefined) {
    throw new ConfigError('validator.keyFile and validator.signerSocket: give one of them');
  }
  const external = { networkId: root.networkId, timeoutMs: config.agreement.deltaMs };
  const place =
    keyFile !== undefined ? { keyFile } : socketPath !== undefined && { socketPath, ...external };
  if (place === false) return undefined;
  const signer = await openSigner(place, verifier);
  try {
    checkMaySit(signer.publicKey, genesis);
    return signer;
  } catch (error) {
    await signer.close();
    throw error;
  }
}

async function memoryOf(
  options: NodeOptions &
    Pick<Foundation, 'clock' | 'committees'> & { readonly latestIndex: number },
  { root, hasher }: Pick<Foundation, 'root' | 'hasher'>,
  signer: Signer,
): Promise<Seat> {
  const { config, genesis, clock, logger, latestIndex, committees } = options;
  const { acceptLostVotes = false } = options;
  const { params } = genesis;
  const { dataDir } = config;
  const { networkId } = root;
  const facts = { dataDir, networkId, committees, params, latestIndex, acceptLostVotes };
  return await openSeat(facts, { signer, hasher, clock, logger });
}

/** What fills an empty store: undefined for genesis, which NodeStore writes by itself. */
function fillOf(
  { config, genesis, logger, signal }: NodeOptions,
  ground: Pick<Foundation, 'root' | 'hasher' | 'verifier'>,
): ReturnType<typeof snapshotFill> | undefined {
  const { from, maxDownloadBytes } = config.snapshot;
  if (from.length === 0) return undefined;
  const { params } = genesis;
  const { root, hasher, verifier } = ground;
  const trust = { genesis: root, params, hasher, verifier };
  const downloadFolder = join(config.dataDir, 'snapshot-download');
  return snapshotFill({ from, downloadFolder, maxDownloadBytes, trust, logger, signal });
}
