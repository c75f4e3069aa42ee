/**
 * A store with a long history, made in seconds: the validator's own rules on a clock of the test's.
 * Copies of the folder are nodes that have seen it all. Used by specs and benchmarks of sync.
 */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { powDifficulty, powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import { checkBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { signMilestone, type BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import { Intake } from '../processor/intake.ts';
import { NodeStore } from '../store/node-store.ts';
import { rebuild } from '../store/rebuild.ts';
import { TEST_POW, VALIDATOR_KEY } from './test-network.ts';

export interface GrownChain {
  readonly genesis: Genesis;
  /** Milestones to add to what the folder has. */
  readonly milestones: number;
  readonly blocksPerMilestone: number;
  /** Bytes of tagged data in each block. */
  readonly dataBytes?: number;
}

/** Adds milestones to the store of a node's folder and closes it; returns the last index. */
export async function growChain(folder: string, chain: GrownChain): Promise<number> {
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const { genesis, milestones, blocksPerMilestone, dataBytes = 64 } = chain;
  const root = genesisMilestone(genesis, hasher);
  const { store, latest } = await NodeStore.open(join(folder, 'store'), root, hasher);
  const { params } = genesis;
  const dag = new Dag({ belowMaxDepth: params.belowMaxDepth });
  const tips = new TipPool({ belowMaxDepth: params.belowMaxDepth }, { random: SYSTEM_RANDOM });
  const clock = { nowMs: (): number => Number.MAX_SAFE_INTEGER };
  const intake = new Intake({
    dag,
    store,
    requester: { want: () => undefined, received: () => undefined },
    onSolid: () => undefined,
  });
  const ignore = (): void => undefined;
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const told = { onPruned: ignore, onConfirmed: ignore, onFatal };
  const { committee } = genesis;
  const deps = { params, committee, hasher, verifier, clock, store, dag, tips, ...told };
  const engine = new ConfirmationEngine(deps, latest);
  await rebuild({ store, dag, tips, intake }, latest.header.index, params.belowMaxDepth);
  let parent = store.milestones.cone(latest.header.index)?.at(-1) ?? GENESIS_BLOCK_ID;
  for (let count = 0; count < milestones; count++) {
    const { header } = engine.latest;
    for (let position = 0; position < blocksPerMilestone; position++) {
      const data = Buffer.alloc(dataBytes, `${header.index} ${position} `);
      const bytes = await mine(data, parent, root.networkId, genesis, hasher);
      const rules = { params, networkId: root.networkId, loadBits: 0, hasher };
      const checked = checkBlock(bytes, rules);
      if (!checked.ok) throw new Error(checked.code);
      await store.save([checked.value]);
      dag.add(checked.value.id, [parent]);
      parent = checked.value.id;
    }
    const made = await engine.propose(
      () => ({
        parents: [parent],
        timestampMs: header.timestampMs + params.heartbeatMs,
        view: header.view + 1n,
      }),
      (built) => Promise.resolve(certify(built, root.networkId, hasher)),
    );
    if (!made.ok) throw new Error(made.code);
  }
  await store.close();
  return engine.latest.header.index;
}

/** Another node's folder with the same history. */
export async function copyChain(from: string, to: string): Promise<void> {
  await cp(join(from, 'store'), join(to, 'store'), { recursive: true });
}

async function mine(
  data: Uint8Array,
  parent: BlockId,
  networkId: bigint,
  { params }: Genesis,
  hasher: Hasher,
): Promise<Uint8Array> {
  const payload = { kind: 'tagged-data', tag: Buffer.from('grown'), data } as const;
  const base = { version: 1, networkId, parents: [parent], payload } as const;
  const unmined = encodeBlockWithoutNonce(base);
  const bits = powDifficulty(unmined.length + 8, params, 0);
  const { nonce } = await TEST_POW.solve(powDigest(unmined, hasher), bits);
  return encodeBlock({ ...base, nonce });
}

function certify({ header, body }: BuiltMilestone, networkId: bigint, hasher: Hasher) {
  const { secretKey } = VALIDATOR_KEY;
  const vote = signMilestone(header, 'finalize', { networkId, seat: 0, secretKey }, hasher);
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}
