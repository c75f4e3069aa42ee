/**
 * The other process of goal 9: a peer that sends ready-made blocks by gossip, as fast as the node
 * under test gives it leave to, and answers requests for them. Started by 09-node.ts.
 *
 * Lines on standard input: a number, how many blocks it may have sent in all.
 * Lines on standard output: first its address.
 */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { blockIdOf } from '../../libs/tangle/src/core/codec/block.ts';
import type { BlockId } from '../../libs/tangle/src/core/codec/ids.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { TangleNetwork } from '../../libs/tangle/src/io/libp2p/network.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';
import { decodeBlocks } from './block-file.ts';

const [file = '', networkId = ''] = process.argv.slice(2);
const hasher = await bestHasher();
const blocks = decodeBlocks(await readFile(file));
const byId = new Map<BlockId, Uint8Array>(blocks.map((bytes) => [blockIdOf(bytes, hasher), bytes]));
const network = new TangleNetwork(
  {
    networkId: BigInt(networkId),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: [],
    privateKey: await generateKeyPair('Ed25519'),
  },
  {
    onPack: () => Promise.resolve('ignore'),
    onMilestone: () => Promise.resolve('ignore'),
    onConsensus: () => Promise.resolve('ignore'),
    getBlocks: (ids) => Promise.resolve(ids.flatMap((id) => byId.get(id) ?? [])),
    getMilestones: () => Promise.resolve([]),
    getCone: () => Promise.resolve([]),
    getCones: () => Promise.resolve({ cones: [], isTooLarge: false }),
    getConsensus: () => Promise.resolve([]),
    status: () => ({ solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: 1 }),
  },
  { logger: SILENT_LOGGER },
);
await network.start();
console.log(network.addresses()[0]);
let sent = 0;
for await (const line of createInterface({ input: process.stdin })) {
  for (const most = Math.min(Number(line), blocks.length); sent < most; sent++) {
    network.publishBlock(blocks[sent] as Uint8Array);
  }
}
await network.stop();
