/**
 * A store with a long history, made in seconds: the validator's own rules on a clock of the test's.
 * Copies of the folder are nodes that have seen it all. Used by specs and benchmarks of sync.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { powDifficulty, powDigest, searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { checkBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import type { BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate, statementOf } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { genesisCommittees } from '../committees.ts';
import { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import { Intake } from '../processor/intake.ts';
import { NodeStore } from '../store/node-store.ts';
import { rebuild } from '../store/rebuild.ts';
import { makeMilestone } from './make-milestone.ts';
import { VALIDATOR_KEY } from './test-network.ts';

export interface GrownChain {
  readonly genesis: Genesis;
  /** Milestones to add to what the folder has. */
  readonly milestones: number;
  readonly blocksPerMilestone: number;
  /** Only every so many-th milestone has blocks, the others none; 1 unless said otherwise. */
  readonly blocksEvery?: number;
  /** Bytes of tagged data in each block. */
  readonly dataBytes?: number;
}

/** Adds milestones to the store of a node's folder and closes it; returns the last index. */
export async function growChain(folder: string, chain: GrownChain): Promise<number> {
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const { genesis, milestones, blocksPerMilestone, blocksEvery = 1, dataBytes = 64 } = chain;
  const root = genesisMilestone(genesis, hasher);
  const { store, latest } = await NodeStore.open(join(folder, 'store'), root, hasher);
  const { params } = genesis;
  const dag = new Dag({ belowMaxDepth: params.belowMaxDepth });
  const tips = new TipPool({ belowMaxDepth: params.belowMaxDepth }, { random: SYSTEM_RANDOM });
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
  const committees = genesisCommittees(genesis.committee);
  const deps = { params, committees, hasher, verifier, store, dag, tips, ...told };
  const engine = new ConfirmationEngine(deps, latest);
  await rebuild({ store, dag, tips, intake }, latest.header.index, params.belowMaxDepth);
  let parent = lastBlock(store, latest.header.index);
  for (let count = 0; count < milestones; count++) {
    const { header } = engine.latest;
    const blocks = count % blocksEvery === 0 ? blocksPerMilestone : 0;
    for (let position = 0; position < blocks; position++) {
      const data = Buffer.alloc(dataBytes, `${header.index} ${position} `);
      const bytes = mine(data, parent, root.networkId, genesis, hasher);
      const rules = { params, networkId: root.networkId, loadBits: 0, hasher };
      const checked = checkBlock(bytes, rules);
      if (!checked.ok) throw new Error(checked.code);
      await store.save([checked.value]);
      dag.add(checked.value.id, [parent]);
      parent = checked.value.id;
    }
    const timestampMs = header.timestampMs + params.heartbeatMs;
    const proposal = { parents: [parent], timestampMs, view: header.view + 1n };
    const made = await makeMilestone(engine, proposal, (built) =>
      certify(built, root.networkId, hasher),
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

/** The newest block of the history; the last milestones may have none. */
function lastBlock({ milestones }: NodeStore, latestIndex: number): BlockId {
  for (let index = latestIndex; index > 0; index--) {
    const last = milestones.cone(index)?.at(-1);
    if (last !== undefined) return last;
  }
  return GENESIS_BLOCK_ID;
}

function mine(
  data: Uint8Array,
  parent: BlockId,
  networkId: bigint,
  { params }: Genesis,
  hasher: Hasher,
): Uint8Array {
  const payload = { kind: 'tagged-data', tag: Buffer.from('grown'), data } as const;
  const base = { version: 1, networkId, parents: [parent], payload } as const;
  const unmined = encodeBlockWithoutNonce(base);
  const bits = powDifficulty(unmined.length + 8, params, 0);
  const nonce = searchNonce(powDigest(unmined, hasher), bits, 0n, 10_000_000, hasher);
  if (nonce === undefined) throw new Error('a few bits are found in ten million tries');
  return encodeBlock({ ...base, nonce });
}

/** The validator's key for the machine's own code, which signs ten times as fast as the core. */
const SIGNING_KEY = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    VALIDATOR_KEY.secretKey.subarray(0, 32),
  ]),
  format: 'der',
  type: 'pkcs8',
});

function certify({ header, body }: BuiltMilestone, networkId: bigint, hasher: Hasher) {
  const statement = statementOf(header, 'finalize', hasher);
  const { kind, epoch, view, digest } = statement;
  const message = signedMessage(networkId, kind, epoch, view, digest);
  const signature = new Uint8Array(sign(null, message, SIGNING_KEY));
  const vote = { ...statement, seat: 0, signature };
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}
