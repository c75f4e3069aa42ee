// Committees that bonds elect, as whole nodes over the loopback: who was elected begins to vote,
// who was not follows, and whoever comes later follows through all of them.
// Spec: docs/spec/04-milestone.md §6, docs/spec/13-sync.md.
import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { epochOf } from '@tanglemail/tangle/core/milestone/committee.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { SpendableOutput } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { VALIDATOR_UNBOND_SECONDS } from '@tanglemail/tangle/core/params/limits.ts';
import { keyOf } from '@tanglemail/tangle/io/level/buckets.ts';
import { readElections } from '@tanglemail/tangle/io/level/election-repository.ts';
import { openKvStore, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { NODE_SCHEMA } from '@tanglemail/tangle/io/level/milestone-batch.ts';
import { StoreCheck } from './cli/db-check.ts';
import { committeesOf } from './committees.ts';
import { NodeStore } from './store/node-store.ts';
import { CommitteeNetwork, keyAt } from './testing/committee-network.ts';
import { Purse } from './testing/purse.ts';
import {
  pay,
  RICH_KEY,
  TestNetwork,
  testKey,
  until,
  type TestNode,
} from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const TEST_MS = 400_000;
const WAIT_MS = 90_000;
const BOND = 1_000_000n;
const PARAMS = { epochLength: 10, validatorBondMin: BOND, heartbeatMs: 400 };
const ALICE = testKey(9);

const least = (indexes: readonly number[]): number => Math.min(...indexes);

function bond(place: number, unbondAt = 0, amount = BOND): ValidatorBondOutput {
  const { publicKey } = keyAt(place);
  return { kind: 'validator-bond', amount, publicKey, owner: RICH_KEY.address, unbondAt };
}

/** The same bond, on its way out. */
function leaving({ output }: SpendableOutput): ValidatorBondOutput {
  if (output.kind !== 'validator-bond') throw new Error('a bond leaves');
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return { ...output, unbondAt: nowSeconds + VALIDATOR_UNBOND_SECONDS + 3_600 };
}

/** The nodes at these places have committed `count` milestones more than any of them has now. */
async function goesOn(nodes: readonly TestNode[], count: number): Promise<void> {
  const indexes = (): number[] => nodes.map(({ node }) => node.query.confirmedIndex);
  const target = Math.max(...indexes()) + count;
  await until(() => least(indexes()) >= target, WAIT_MS);
}

/**
 * The committee of each epoch so far as a node keeps it, in places of the network: every milestone
 * has a certificate of the committee that the elections before it named.
 */
async function termsOf(net: CommitteeNetwork, node: TestNode): Promise<string[]> {
  const places = new Map(Array.from({ length: 16 }, (_, at) => [hexOf(keyAt(at).publicKey), at]));
  const terms: (readonly Uint8Array[])[] = [net.genesis.committee];
  for (let index = 1; index <= node.node.query.confirmedIndex; index += 1) {
    const epoch = epochOf(index, net.genesis.params);
    const committee = terms[epoch] ?? terms[epoch - 1] ?? [];
    terms[epoch] = committee;
    const { body } = await net.milestone(node, index, committee);
    const { nextCommittee } = body.options;
    if (nextCommittee !== undefined) terms[epoch + 1] = nextCommittee;
  }
  return terms.map((keys) => placesText(keys.map((key) => places.get(hexOf(key)) ?? -1)));
}

const placesText = (places: readonly number[]): string => places.toSorted((a, b) => a - b).join();
const hexOf = (key: Uint8Array): string => bytesToHex(key);

/** Waits until the node is in an epoch whose committee these places are. */
async function untilServes(net: CommitteeNetwork, node: TestNode, places: number[]): Promise<void> {
  for (;;) {
    const terms = await termsOf(net, node);
    const epoch = terms.indexOf(placesText(places));
    // The last milestone but one of an epoch may name those of the next.
    const wanted = (epoch < 0 ? terms.length : epoch) * PARAMS.epochLength - (epoch < 0 ? 1 : 0);
    await until(() => node.node.query.confirmedIndex >= wanted, WAIT_MS);
    if (epoch >= 0) return;
  }
}

/** What `tools db check` says of a stopped node's store. */
async function problemsOf({ genesis }: CommitteeNetwork, folder: string) {
  const root = genesisMilestone(genesis, nobleHasher);
  const { store, latest } = await NodeStore.open(join(folder, 'store'), root, nobleHasher);
  try {
    const { params } = genesis;
    const elections = store.elections(0, Infinity);
    const latestIndex = latest.header.index;
    const start = { params, genesis: genesis.committee, elections, latestIndex };
    const committees = committeesOf(start);
    const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
    const onProgress = (): void => undefined;
    const { networkId } = root;
    const deps = { store, networkId, params, committees, ...crypto, onProgress };
    return (await new StoreCheck(deps).run(latestIndex)).problems;
  } finally {
    await store.close();
  }
}

async function withKv(
  { genesis }: CommitteeNetwork,
  folder: string,
  run: (kv: KvStore) => Promise<void>,
): Promise<void> {
  const { networkId } = genesisMilestone(genesis, nobleHasher);
  const owner = { kind: 'node', networkId, schema: NODE_SCHEMA };
  const kv = await openKvStore(join(folder, 'store'), owner);
  await run(kv).finally(() => kv.close());
}

describe('elections', () => {
  it(
    'hand over from one seat to bonded followers, and on to the next',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 1, candidates: 5, params: PARAMS });
      const purse = new Purse(net.genesis);
      await net.start();
      const observer = await net.follower();
      await goesOn(net.running, 2);
      await observer.close();
      const bonds = await purse.pay(net.running, [bond(1), bond(2), bond(3), bond(4)]);
      await untilServes(net, net.at(1), [1, 2, 3, 4]);
      // The committee of genesis is not needed any more.
      await net.stop([0]);
      await goesOn(net.running, 3);
      await purse.pay(net.running, [pay(ALICE.address, 7_000n)]);

      const [first] = bonds;
      if (first === undefined) throw new Error('a bond was made');
      await purse.pay(net.running, [bond(5), leaving(first)], [first]);
      await untilServes(net, net.at(2), [2, 3, 4, 5]);
      await goesOn(net.running, 3);
      // Who has left follows; without it the new committee still has its quorum.
      await net.stop([1]);
      await goesOn(net.running, 3);
      await purse.pay(net.running, [pay(ALICE.address, 8_000n)]);

      const fresh = await net.follower();
      const back = await net.follower({ folder: observer.folder });
      await net.start([0, 1]);
      await goesOn([fresh, back, ...net.running], 3);

      await net.stop();
      await net.start();
      await goesOn(net.running, 12);
      await purse.pay(net.running, [pay(ALICE.address, 9_000n)]);
      const terms = await Promise.all(net.running.map((node) => termsOf(net, node)));
      expect(new Set(terms.map((term) => term.at(-1)))).toEqual(new Set(['2,3,4,5']));
      for (const { node } of net.running) expect(node.health().reasons).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'change a committee of four into one of five, in which one of them is missing',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4, candidates: 2, params: PARAMS });
      const purse = new Purse(net.genesis);
      await net.start();
      const places = [1, 2, 3, 4, 5];
      await purse.pay(
        net.running,
        places.map((place) => bond(place)),
      );
      await untilServes(net, net.at(5), places);
      await net.stop([2]);
      await goesOn(net.running, 5);
      await purse.pay(net.running, [pay(ALICE.address, 7_000n)]);
      await net.start([2]);
      await goesOn(net.running, 11);
      const terms = await Promise.all(net.running.map((node) => termsOf(net, node)));
      expect(new Set(terms.map((term) => term.at(-1)))).toEqual(new Set([placesText(places)]));

      const { folder } = net.at(5);
      await net.stop([5]);
      expect(await problemsOf(net, folder)).toEqual([]);
      await withKv(net, folder, async (kv) => {
        const [first] = await readElections(kv);
        if (first === undefined) throw new Error('one was elected');
        const altered = Uint8Array.from(first.bytes);
        altered.set([(altered.at(-1) ?? 0) ^ 1], altered.length - 1);
        await kv.batch().put(keyOf('elections', first.epoch), altered).write({ sync: true });
      });
      expect(await problemsOf(net, folder)).toEqual([
        expect.stringMatching(/^the election of milestone \d+ is not kept$/),
        expect.stringMatching(/^the certificate of milestone \d+ does not hold/),
      ]);
    },
    TEST_MS,
  );
});
