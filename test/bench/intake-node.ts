/**
 * The part of a node that takes blocks in, wired as apps/node/src/node.ts wires it, without network
 * and milestones: processor, seen-filter, rules, signatures, store, DAG, tips.
 */
import { BlockProcessor } from '../../apps/node/src/processor/block-processor.ts';
import { Intake } from '../../apps/node/src/processor/intake.ts';
import { saltedHash, SeenFilter } from '../../apps/node/src/processor/seen-filter.ts';
import { NodeStore } from '../../apps/node/src/store/node-store.ts';
import { checkBlock, signatureClaims } from '../../libs/tangle/src/core/block/rules.ts';
import { blockIdOf } from '../../libs/tangle/src/core/codec/block.ts';
import { GENESIS_BLOCK_ID } from '../../libs/tangle/src/core/codec/ids.ts';
import { Dag } from '../../libs/tangle/src/core/dag/dag.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher, SignatureClaim, Verifier } from '../../libs/tangle/src/core/ports.ts';
import { TipPool } from '../../libs/tangle/src/core/tips/tip-pool.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';

/** Blocks that arrive together, as in a gossip pack. */
export const PACK_BLOCKS = 64;
const SALT = 7n;
const SEEN_SIZE = 32_768;

export interface BatchVerifier {
  verifyBatch(claims: readonly SignatureClaim[]): Promise<boolean[]>;
}

/** Checks signatures on the calling thread. */
export function inline(verifier: Verifier): BatchVerifier {
  return {
    verifyBatch: (claims) =>
      Promise.resolve(
        claims.map(({ publicKey, message, signature }) =>
          verifier.verify(publicKey, message, signature),
        ),
      ),
  };
}

export interface IntakeNodeOptions {
  readonly folder: string;
  readonly genesis: GenesisMilestone;
  readonly hasher: Hasher;
  readonly verifier: BatchVerifier;
}

export class IntakeNode {
  readonly #processor: BlockProcessor;
  readonly #store: NodeStore;

  private constructor(processor: BlockProcessor, store: NodeStore) {
    this.#processor = processor;
    this.#store = store;
  }

  static async open({ folder, genesis, hasher, verifier }: IntakeNodeOptions): Promise<IntakeNode> {
    const params = NETWORK_PRESETS.test;
    const { belowMaxDepth } = params;
    const { networkId } = genesis;
    const { store } = await NodeStore.open(folder, genesis, hasher);
    const hash = await saltedHash(SALT);
    const random = new SeededRandom(1);
    const dag = new Dag({ belowMaxDepth });
    dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
    const draw = {
      bytes: (length: number) => random.bytes(length),
      below: (bound: number) => random.between(0, bound - 1),
    };
    const tips = new TipPool({ belowMaxDepth }, { random: draw });
    let nowMs = 0;
    const intake = new Intake({
      dag,
      store,
      requester: { want: refuseToAsk, received: () => undefined },
      onSolid: (ids) => {
        // A thousand blocks a second by the clock of the tips.
        for (const id of ids) tips.add(id, dag.parentsOf(id) ?? [], nowMs++);
      },
    });
    const rules = { params, networkId, hasher, loadBits: 0 };
    const processor = new BlockProcessor({
      check: (bytes) => checkBlock(bytes, rules),
      idOf: (bytes) => blockIdOf(bytes, hasher),
      claims: ({ block }) => signatureClaims(block, hasher),
      verifier,
      store,
      intake,
      dag,
      seen: new SeenFilter(hash, SEEN_SIZE),
      logger: SILENT_LOGGER,
      onFatal: (error) => {
        throw error;
      },
    });
    return new IntakeNode(processor, store);
  }

  /** Takes all blocks in, pack by pack; returns how many. Throws if one is not new and valid. */
  async takeIn(blocks: readonly Uint8Array[]): Promise<number> {
    for (let at = 0; at < blocks.length; at += PACK_BLOCKS) {
      const pack = blocks.slice(at, at + PACK_BLOCKS);
      const outcomes = await Promise.all(
        // As blocks that were asked for: no milestone ever empties this DAG, and gossip would wait.
        pack.map((bytes) => this.#processor.submit(bytes, 'sync', 'peer')),
      );
      for (const outcome of outcomes) {
        if (!outcome.ok) throw new Error(`a block of the bench was refused: ${outcome.code}`);
        if (!outcome.value.isNew) throw new Error('a block of the bench came twice');
      }
    }
    return blocks.length;
  }

  /** Waits for the store's writes and compaction under way. */
  async close(): Promise<void> {
    await this.#processor.stop();
    await this.#store.close();
  }
}

function refuseToAsk(): never {
  throw new Error('the blocks of a bench come after their parents');
}
