/**
 * Blocks for the benchmarks: a random DAG from a fixed seed, with real codec, proof of work at the
 * test network's difficulty, and real signatures.
 */
import { powDifficulty, powDigest, searchNonce } from '../../libs/tangle/src/core/block/pow.ts';
import {
  blockIdOf,
  encodeBlock,
  encodeBlockWithoutNonce,
  type UnminedBlock,
} from '../../libs/tangle/src/core/codec/block.ts';
import type { Genesis } from '../../libs/tangle/src/core/codec/genesis.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import type { Payload } from '../../libs/tangle/src/core/codec/payload.ts';
import { buildTransaction } from '../../libs/tangle/src/core/ledger/transaction-builder.ts';
import {
  genesisMilestone,
  type GenesisMilestone,
} from '../../libs/tangle/src/core/milestone/genesis.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher } from '../../libs/tangle/src/core/ports.ts';
import { committeeKeys, keyPair } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';

/** Amount of each genesis output, in base units. */
const AMOUNT = 1_000_000n;
/** Owners of the genesis outputs, in turn. */
const OWNERS = 64;
/** New blocks take their parents among so many latest ones. */
const PARENT_WINDOW = 64;

/** A network of one seat with `outputs` equal outputs to spend. */
export function benchGenesis(outputs: number, hasher: Hasher): GenesisMilestone {
  return genesisMilestone(genesisDocument(outputs), hasher);
}

export function genesisDocument(outputs: number): Genesis {
  const owners = Array.from({ length: OWNERS }, (_, index) => keyPair(index));
  return {
    name: 'bench',
    timestampMs: 1_700_000_000_000,
    params: NETWORK_PRESETS.test,
    committee: committeeKeys(1).map(({ publicKey }) => publicKey),
    outputs: Array.from({ length: outputs }, (_, index) => {
      const owner = owners[index % OWNERS];
      if (owner === undefined) throw new Error('an owner for every output');
      return { address: owner.address, amount: AMOUNT };
    }),
  };
}

/** The payload of block number `index`. */
export type PayloadMaker = (index: number, random: SeededRandom) => Payload | null;

/** An envelope whose payload has `size` bytes with its type; 2,048 is the least one of a letter. */
export function envelopes(size: number): PayloadMaker {
  return (_, random) => ({ kind: 'envelope', bytes: random.bytes(size - 4) });
}

/** Short tagged data: a block of about 350 bytes. */
export const smallData: PayloadMaker = (_, random) => ({
  kind: 'tagged-data',
  tag: random.bytes(16),
  data: random.bytes(200),
});

/** Every block spends one genesis output to another owner, signed. */
export function transfers(genesis: GenesisMilestone, hasher: Hasher): PayloadMaker {
  const keys = Array.from({ length: OWNERS }, (_, index) => keyPair(index));
  return (index) => {
    const record = genesis.outputs[index];
    const owner = keys[index % OWNERS];
    const receiver = keys[(index + 1) % OWNERS];
    if (!record || !owner || !receiver) throw new Error('a genesis output for every transfer');
    const built = buildTransaction({
      networkId: genesis.networkId,
      inputs: [{ ...record, unlock: { kind: 'signature', secretKey: owner.secretKey } }],
      outputs: [{ kind: 'basic', amount: AMOUNT / 4n, address: receiver.address }],
      changeAddress: owner.address,
      params: NETWORK_PRESETS.test,
      hasher,
    });
    if (!built.ok) throw new Error(built.code);
    return built.value.transaction;
  };
}

/** `count` encoded blocks, each after its parents: 1–4 of the latest blocks. */
export function makeBlocks(
  count: number,
  networkId: bigint,
  payloadOf: PayloadMaker,
  { seed, hasher }: { readonly seed: number; readonly hasher: Hasher },
): Uint8Array[] {
  const random = new SeededRandom(seed);
  const recent: BlockId[] = [GENESIS_BLOCK_ID];
  return Array.from({ length: count }, (_, index) => {
    const chosen = random.list(random.between(2, 4), () => {
      const at = Math.max(0, recent.length - 1 - random.between(0, PARENT_WINDOW - 1));
      return recent[at] ?? GENESIS_BLOCK_ID;
    });
    const parents = [...new Set(chosen)].toSorted();
    const payload = payloadOf(index, random);
    const bytes = mine({ version: 1, networkId, parents, payload }, hasher);
    recent.push(blockIdOf(bytes, hasher));
    return bytes;
  });
}

/** The block with the first nonce that the test network accepts, under so much load. */
export function mine(block: UnminedBlock, hasher: Hasher, loadBits = 0): Uint8Array {
  const unmined = encodeBlockWithoutNonce(block);
  const difficulty = powDifficulty(unmined.length + 8, NETWORK_PRESETS.test, loadBits);
  const digest = powDigest(unmined, hasher);
  const nonce = searchNonce(digest, difficulty, 0n, 1_000_000, hasher);
  if (nonce === undefined) throw new Error('a million nonces hold one of a few bits');
  return encodeBlock({ ...block, nonce });
}
