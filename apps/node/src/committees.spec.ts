// The committee goes by the epoch of a milestone's index, wherever a certificate is checked.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GENESIS_BLOCK_ID } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { committeeRoot } from '@tanglemail/tangle/core/milestone/committee.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { committeeAt, genesisCommittees, type Committees } from './committees.ts';
import { ConfirmationEngine, type ConfirmedMilestone } from './confirmation/confirmation-engine.ts';
import type { KeyPair } from './keys/key-file.ts';
import { NodeStore } from './store/node-store.ts';
import { rebuild } from './store/rebuild.ts';
import { ProvenChain } from './sync/proven-chain.ts';
import { Intake } from './processor/intake.ts';
import { makeMilestone } from './testing/make-milestone.ts';
import { testGenesis, testKey, VALIDATOR_KEY } from './testing/test-network.ts';

const params = { ...testGenesis().params, epochLength: 3 };
const GENESIS = { ...testGenesis(), params };
const ROOT = genesisMilestone(GENESIS, nobleHasher);
const { networkId } = ROOT;
/** Whose seat it is in epoch 0, and from epoch 1 on. */
const KEYS: readonly KeyPair[] = [VALIDATOR_KEY, testKey(7)];
const keyIn = (epoch: number): KeyPair => KEYS[Math.min(epoch, 1)] ?? VALIDATOR_KEY;
const CHANGING: Committees = { of: (epoch) => [keyIn(epoch).publicKey], quorumAt: () => 1 };

const folders: string[] = [];
const stores: NodeStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function certifiedBy(
  { secretKey }: KeyPair,
  { header, body }: Pick<Milestone, 'header' | 'body'>,
): Milestone {
  const vote = signMilestone(header, 'finalize', { networkId, seat: 0, secretKey }, nobleHasher);
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}

/** Milestones 1 to `count`, heartbeats, each signed by the seat of the epoch that `sign` says. */
async function milestones(
  count: number,
  sign: (index: number) => number,
): Promise<ConfirmedMilestone[]> {
  const folder = await mkdtemp(join(tmpdir(), 'committees-'));
  folders.push(folder);
  const { store, latest } = await NodeStore.open(join(folder, 'store'), ROOT, nobleHasher);
  stores.push(store);
  const dag = new Dag(params);
  const tips = new TipPool(params, { random: SYSTEM_RANDOM });
  const requester = { want: () => undefined, received: () => undefined };
  const intake = new Intake({ dag, store, requester, onSolid: () => undefined });
  await rebuild({ store, dag, tips, intake }, 0, params.belowMaxDepth);
  const fatal = (error: unknown) => {
    throw error;
  };
  const told = { onPruned: () => undefined, onConfirmed: () => undefined, onFatal: fatal };
  const [hasher, verifier] = [nobleHasher, nobleVerifier];
  const deps = { params, committees: CHANGING, hasher, verifier, store, dag, tips };
  const engine = new ConfirmationEngine({ ...deps, ...told }, latest);
  const made: ConfirmedMilestone[] = [];
  for (let index = 1; index <= count; index++) {
    const { header } = engine.latest;
    const timestampMs = header.timestampMs + params.heartbeatMs;
    const proposal = { parents: [GENESIS_BLOCK_ID], timestampMs, view: header.view + 1n };
    const one = await makeMilestone(engine, proposal, (built) =>
      certifiedBy(keyIn(sign(index)), built),
    );
    if (!one.ok) throw new Error(one.code);
    made.push(one.value);
  }
  return made;
}

function provenChain(): ProvenChain {
  return new ProvenChain({
    networkId,
    params,
    committees: CHANGING,
    hasher: nobleHasher,
    verifier: nobleVerifier,
    confirmedIndex: () => 0,
    onProven: () => undefined,
    onFork: () => Promise.resolve(),
  });
}

describe('committees', () => {
  it('are that of genesis in every epoch', () => {
    const keys = [1, 2, 3, 4].map((seed) => testKey(seed).publicKey);
    const committees = genesisCommittees(keys);
    for (const epoch of [0, 1, 2 ** 32 - 1]) {
      expect(committees.of(epoch)).toEqual(keys);
      expect(committees.quorumAt(epoch)).toBe(3);
    }
    expect(committeeAt(1_000_000, committees, params)).toEqual(keys);
  });

  it('change with the epoch of the index: its keys certify, and nobody else’s', async () => {
    const epochOfIndex = (index: number): number => Math.floor(index / 3);
    const good = await milestones(4, epochOfIndex);
    const chain = provenChain();
    for (const { bytes } of good) expect(chain.check(bytes).ok).toBe(true);
    const old = await milestones(4, () => 0);
    const codes = old.map(({ bytes }) => {
      const checked = chain.check(bytes);
      return checked.ok ? 'ok' : checked.code;
    });
    expect(codes).toEqual(['ok', 'ok', 'certificate-signature', 'certificate-signature']);
  });

  it('go by the index, not by the epoch that a header gives itself', async () => {
    const made = await milestones(3, () => 0);
    const [, , { milestone }] = made as [unknown, unknown, ConfirmedMilestone];
    const header = { ...milestone.header, epoch: 0 };
    const backdated = certifiedBy(keyIn(0), { header, body: milestone.body });
    expect(provenChain().check(encodeMilestone(backdated))).toMatchObject({
      ok: false,
      code: 'certificate-signature',
    });
  });

  it('are named ahead: the last milestone of an epoch names the next committee', async () => {
    const made = await milestones(4, (index) => Math.floor(index / 3));
    const roots = made.map(({ milestone }) => milestone.header.committeeRoot);
    const [first, second] = [0, 1].map((epoch) => committeeRoot(CHANGING.of(epoch), nobleHasher));
    expect(roots).toEqual([first, second, second, second]);
  });
});
