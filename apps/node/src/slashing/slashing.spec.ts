// A committee whose fourth seat signs two proposals: its bond is burnt by the others.
import { afterEach, expect, it } from '@jest/globals';
import { NULL_ADDRESS, outputIdOf, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { publishTo, twoProposals } from '../testing/contradiction.ts';
import { CommitteeNetwork } from '../testing/committee-network.ts';
import { RICH_KEY, TestNetwork, testKey, until, type TestNode } from '../testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const WAIT_MS = 90_000;
const FAULTY = testKey(103);

/** Bonds for the faulty key and gives the bond's output id, and that of another's. */
async function bond({ wallet }: TestNode, amount: bigint) {
  const owner = RICH_KEY.address;
  const common = { kind: 'validator-bond', amount, owner, unbondAt: 0 } as const;
  const { transactionId } = await wallet.sendTransaction({
    from: [RICH_KEY.secretKey],
    outputs: [
      { ...common, publicKey: FAULTY.publicKey },
      { ...common, publicKey: testKey(100).publicKey },
    ],
  });
  return [outputIdOf(transactionId, 0), outputIdOf(transactionId, 1)] as const;
}

async function isSpent({ client }: TestNode, id: OutputId): Promise<boolean> {
  return (await client.output(id)).spent !== undefined;
}

async function burnt({ wallet }: TestNode): Promise<bigint> {
  return await wallet.balance(NULL_ADDRESS);
}

async function slashedCount({ node }: TestNode): Promise<number> {
  const name = 'tangle_bonds_slashed_total';
  const text = await node.metrics.registry.getSingleMetricAsString(name);
  return Number(/^tangle_bonds_slashed_total (\d+)$/m.exec(text)?.[1]);
}

it('burns the bond of a seat that signs two proposals, and those it makes later', async () => {
  const net = new CommitteeNetwork(network, { seats: 4 });
  await net.start([0, 1, 2]);
  await until(() => Math.min(...net.indexes) >= 2, WAIT_MS);
  const [accused, other] = await bond(net.at(0), 1_600_000n);
  const { networkId } = genesisMilestone(net.genesis, nobleHasher);
  const byzantine = { networkId, key: FAULTY, seat: 3, seats: 4 };
  const addresses = net.running.flatMap(({ node }) => node.addresses());
  await publishTo(addresses, networkId, async () => {
    const latest = await net.milestone(net.at(0), net.at(0).node.query.confirmedIndex);
    return twoProposals(byzantine, latest);
  });
  for (const node of net.running) {
    await until(() => isSpent(node, accused), WAIT_MS);
    expect(await isSpent(node, other)).toBe(false);
    expect(await burnt(node)).toBe(1_600_000n);
    await until(async () => (await slashedCount(node)) === 1);
  }
  await net.stop([0, 1, 2]);
  await net.start([0, 1, 2]);
  const before = Math.max(...net.indexes);
  await until(() => Math.min(...net.indexes) > before, WAIT_MS);
  const [again] = await bond(net.at(0), 320_000n);
  await until(() => isSpent(net.at(0), again), WAIT_MS);
  expect(await burnt(net.at(0))).toBe(1_920_000n);
}, 240_000);

it('does not start with an address that nobody can have', async () => {
  const config = { validator: { rewardAddress: 'tw1nobody' } };
  await expect(network.openNode({ config })).rejects.toThrow(/^validator.rewardAddress is "tw1nob/);
});
