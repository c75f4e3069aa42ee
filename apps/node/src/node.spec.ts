import { afterEach, describe, expect, it } from '@jest/globals';
import {
  encodeBlock,
  encodeBlockWithoutNonce,
  type Block,
} from '@tanglemail/tangle/core/codec/block.ts';
import { bytesToHex, GENESIS_BLOCK_ID, outputIdOf } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { powDifficulty, powDigest, powScore } from '@tanglemail/tangle/core/block/pow.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import {
  pay,
  RICH_AMOUNT,
  RICH_KEY,
  TEST_PARAMS,
  TEST_POW,
  TestNetwork,
  testGenesis,
  testKey,
  until,
  type TestNode,
} from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const ROOT = genesisMilestone(testGenesis(), nobleHasher);
const ALICE = testKey(10);
const BOB = testKey(11);
const note = (text: string): Payload => ({
  kind: 'tagged-data',
  tag: Buffer.from('note'),
  data: Buffer.from(text),
});

/**
 * A mined block on the genesis, or on `parents`, with as much work as is ever asked: a validator on
 * a busy machine raises the difficulty.
 */
async function mine(payload: Payload | null, changes: Partial<Block> = {}): Promise<Uint8Array> {
  const { networkId } = ROOT;
  const base = { version: 1, networkId, parents: [GENESIS_BLOCK_ID], payload, ...changes } as const;
  const unmined = encodeBlockWithoutNonce(base);
  const bits = powDifficulty(unmined.length + 8, TEST_PARAMS, TEST_PARAMS.powLoadBitsMax);
  const { nonce } = await TEST_POW.solve(powDigest(unmined, nobleHasher), bits);
  return encodeBlock({ ...base, nonce });
}

/** A transaction that spends the genesis output: `amount` to `address`, the rest back. */
function spend(address: typeof ALICE.address, amount: bigint, params = TEST_PARAMS) {
  const [genesisOutput] = ROOT.outputs;
  if (genesisOutput === undefined) throw new Error('the test genesis has an output');
  const built = buildTransaction({
    networkId: ROOT.networkId,
    params,
    inputs: [
      {
        outputId: genesisOutput.outputId,
        output: genesisOutput.output,
        unlock: { kind: 'signature', secretKey: RICH_KEY.secretKey },
      },
    ],
    outputs: [pay(address, amount)],
    changeAddress: RICH_KEY.address,
    hasher: nobleHasher,
  });
  if (!built.ok) throw new Error(built.code);
  return built.value;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof NodeApiError) return `${error.status} ${error.code}`;
    throw error;
  }
  return 'no error';
}

const stateOf = (one: TestNode) => one.node.query.info().status.confirmedMilestone;

describe('a single validator', () => {
  it('confirms tagged data and a transaction with proofs that a light client accepts', async () => {
    const one = await network.start({ validator: true });
    const issued = await one.issuer.issueAndConfirm(note('hello'));
    expect(issued.state).toBe('noTransaction');
    const tagged = await one.client.taggedData(Buffer.from('note'), 10);
    expect(tagged.map(({ blockId }) => blockId)).toEqual([issued.blockId]);

    const sent = await one.wallet.sendTransaction({
      from: [RICH_KEY.secretKey],
      outputs: [pay(ALICE.address, 5_000n)],
    });
    const metadata = await one.client.blockMetadata(sent.blockId);
    expect(metadata.ledgerInclusionState).toBe('included');
    expect(await one.wallet.balance(ALICE.address)).toBe(5_000n);
    expect(await one.wallet.balance(RICH_KEY.address)).toBe(RICH_AMOUNT - 5_000n);
    const included = await one.client.includedBlock(sent.transactionId);
    expect(bytesToHex(nobleHasher.blake2b256(included))).toBe(sent.blockId);

    const changes = await one.client.utxoChanges(sent.milestoneIndex);
    expect(changes.consumed).toEqual(ROOT.outputs.map(({ outputId }) => outputId));
    expect(changes.created).toContain(outputIdOf(sent.transactionId, 0));
    const spent = await one.client.output(changes.consumed[0] ?? outputIdOf(sent.transactionId, 9));
    expect(spent.spent).toMatchObject({ transactionId: sent.transactionId });
    const blocks = await one.client.milestoneBlocks(sent.milestoneIndex, 'transaction');
    expect(blocks.map(({ blockId }) => blockId)).toContain(sent.blockId);
    expect((await one.client.health()).healthy).toBe(true);
  });

  it('sends events, and those missed since an index', async () => {
    const one = await network.start({ validator: true });
    const { blockId, milestoneIndex } = await one.issuer.issueAndConfirm(note('event'));
    const seen: number[] = [];
    const events = one.client.events();
    events.subscribe('milestones/confirmed', ({ index }) => seen.push(index), 0);
    const fresh = events.next('blocks', AbortSignal.timeout(10_000));
    await until(() => seen.length >= milestoneIndex);
    const second = await one.issuer.issue(note('second'));
    const { parents } = await one.client.blockMetadata(second.blockId);
    expect(await fresh).toEqual({ blockId: second.blockId, kind: 'tagged-data', parents });
    expect(second.blockId).not.toBe(blockId);
    await until(() => seen.length > milestoneIndex);
    expect(seen).toEqual(seen.map((_, position) => position + 1));
    events.close();
  });

  it('goes on after a restart in place', async () => {
    const first = await network.start({ validator: true });
    await until(() => stateOf(first).index > 0);
    await first.wallet.sendTransaction({
      from: [RICH_KEY.secretKey],
      outputs: [pay(ALICE.address, 7_000n)],
    });
    const unconfirmed = await mine(note('left over'));
    await first.client.submitBlock(unconfirmed);
    await first.close();
    const before = stateOf(first);

    const second = await network.start({ validator: true, folder: first.folder });
    expect(stateOf(second).index).toBeGreaterThanOrEqual(before.index);
    expect(await second.wallet.balance(ALICE.address)).toBe(7_000n);
    const id = await second.client.submitBlock(unconfirmed);
    await until(async () => {
      const { referencedByMilestoneIndex } = await second.client.blockMetadata(id);
      return referencedByMilestoneIndex !== undefined;
    });
    const sent = await second.wallet.sendTransaction({
      from: [ALICE.secretKey],
      outputs: [pay(BOB.address, 7_000n)],
    });
    expect(sent.milestoneIndex).toBeGreaterThan(before.index);
  });

  it('refuses the data folder of another network', async () => {
    const { node, folder } = await network.openNode();
    await node.stop();
    const genesis = testGenesis('test-other');
    await expect(network.openNode({ folder, genesis })).rejects.toMatchObject({
      code: 'wrong-network',
    });
  });

  it('refuses to validate without a seat, and with a key in two places', async () => {
    const genesis = testGenesis('test-four', [20, 21, 22, 23].map(testKey));
    await expect(network.openNode({ validator: true, genesis })).rejects.toThrow('has no seat');
    const config = { validator: { signerSocket: 'signer.socket' } };
    await expect(network.openNode({ validator: true, config })).rejects.toThrow('give one of them');
    const { node } = await network.openNode({ genesis });
    await node.stop();
  });
});

describe('the API refuses', () => {
  it('blocks that break a rule, each with its code', async () => {
    const one = await network.start();
    const { client } = one;
    const good = await mine(note('x'));
    const lazy = Uint8Array.from(good);
    while (powScore(lazy, nobleHasher) >= 4) lazy[lazy.length - 1] = (lazy.at(-1) ?? 0) + 1;
    const foreign = await mine(note('x'), { networkId: 1n });
    const { transaction } = spend(ALICE.address, 5n, { ...TEST_PARAMS, depositPerByte: 0n });
    const poor = await mine(transaction);
    const forged = await mine({
      ...spend(ALICE.address, 5_000n).transaction,
      unlocks: [
        { kind: 'signature', publicKey: RICH_KEY.publicKey, signature: new Uint8Array(64).fill(1) },
      ],
    });
    expect(await codeOf(client.submitBlock(lazy))).toBe('400 pow-insufficient');
    expect(await codeOf(client.submitBlock(foreign))).toBe('400 network-id-wrong');
    expect(await codeOf(client.submitBlock(Buffer.from('garbage')))).toBe('400 truncated');
    expect(await codeOf(client.submitBlock(new Uint8Array(40_000)))).toBe('400 too-large');
    expect(await codeOf(client.submitBlock(poor))).toBe('400 deposit-too-small');
    expect(await codeOf(client.submitBlock(forged))).toBe('400 signature-invalid');
    expect(await client.submitBlock(good)).toBe(await client.submitBlock(good));
  });

  it('requests that have no sense, with problem bodies', async () => {
    const one = await network.start();
    const ask = async (path: string, init?: RequestInit) => {
      const response = await fetch(`${one.api.url}${path}`, init ?? {});
      const body: unknown = await response.json();
      return [response.status, response.headers.get('content-type'), body];
    };
    const problem = 'application/problem+json; charset=utf-8';
    const code = (text: string) => expect.objectContaining({ code: text });
    const json = { 'content-type': 'application/json' };
    const unknown = '12'.repeat(32);
    const core = '/api/core/v1';
    const wrong = [400, problem, code('request-malformed')];
    const missing = [404, problem, code('not-found')];
    expect(await ask(`${core}/blocks/xyz`)).toEqual(wrong);
    expect(await ask(`${core}/milestones/-1`)).toEqual(wrong);
    expect(await ask(`${core}/milestones/0/blocks?kind=mail`)).toEqual(wrong);
    expect(await ask('/api/indexer/v1/outputs')).toEqual(wrong);
    expect(await ask(`/api/indexer/v1/outputs?address=${unknown}&limit=100000`)).toEqual(wrong);
    expect(await ask(`/api/indexer/v1/outputs?address=${unknown}&cursor=1`)).toEqual(wrong);
    expect(await ask('/api/indexer/v1/tagged-data')).toEqual(wrong);
    expect(await ask(`${core}/blocks/${unknown}`)).toEqual(missing);
    expect(await ask(`${core}/blocks/${unknown}/metadata`)).toEqual(missing);
    expect(await ask(`${core}/blocks/${unknown}/proof`)).toEqual(missing);
    expect(await ask(`${core}/outputs/${unknown}0000`)).toEqual(missing);
    expect(await ask(`${core}/transactions/${unknown}/included-block`)).toEqual(missing);
    expect(await ask(`${core}/milestones/99`)).toEqual(missing);
    expect(await ask('/nothing')).toEqual([404, problem, code('method-or-path-unknown')]);
    const post = (headers: Record<string, string>, body: string) =>
      ask(`${core}/blocks`, { method: 'POST', headers, body });
    expect(await post({ 'content-type': 'text/plain' }, 'x')).toEqual([
      415,
      problem,
      code('media-type-unknown'),
    ]);
    expect(await post(json, '{')).toEqual(wrong);
    expect(await post(json, '{}')).toEqual([403, problem, code('pow-not-offered')]);
    expect(await post(json, `"${'x'.repeat(140_000)}"`)).toEqual([
      413,
      problem,
      code('body-too-large'),
    ]);
  });

  it('does the proof of work where the operator allows it', async () => {
    const one = await network.start({ validator: true, config: { pow: { allowRemote: true } } });
    const post = async (body: unknown) => {
      const response = await fetch(`${one.api.url}/api/core/v1/blocks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return [response.status, await response.json()] as const;
    };
    const payload = bytesToHex(Uint8Array.of(3, 0, 0, 0, 1, 0x61, 2, 0, 0, 0, 1, 2));
    const [status, answer] = await post({ payload });
    expect([status, answer]).toEqual([202, { blockId: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(await post({ payload: 'zz' })).toMatchObject([400, { code: 'request-malformed' }]);
    expect(await post({ payload: '09000000' })).toMatchObject([
      400,
      { code: 'payload-type-unknown' },
    ]);
  });
});

describe('several nodes', () => {
  it('gossip blocks and milestones to each other', async () => {
    const validator = await network.start({ validator: true });
    const follower = await network.start({ peers: [validator] });
    await until(() => validator.node.query.peers().length === 1);
    const { blockId, state } = await follower.issuer.issueAndConfirm(note('from the follower'));
    expect(state).toBe('noTransaction');
    const metadata = await validator.client.blockMetadata(blockId);
    expect(metadata.referencedByMilestoneIndex).toBeDefined();
    await until(() => stateOf(follower).index === stateOf(validator).index);
    expect(stateOf(follower)).toEqual(stateOf(validator));
  });

  it('decide a double spend alike: one is applied, the other conflicts', async () => {
    const validator = await network.start({ validator: true });
    const follower = await network.start({ peers: [validator] });
    await until(() => validator.node.query.peers().length === 1);
    const toAlice = await mine(spend(ALICE.address, 1_000n).transaction);
    const toBob = await mine(spend(BOB.address, 2_000n).transaction);
    const [a, b] = await Promise.all([
      validator.client.submitBlock(toAlice),
      follower.client.submitBlock(toBob),
    ]);
    const statesAt = async (one: TestNode) => {
      const both = [await one.client.blockMetadata(a), await one.client.blockMetadata(b)];
      return both.map((block) => [block.ledgerInclusionState, block.conflictCode]);
    };
    const isDecided = async (one: TestNode) =>
      (await statesAt(one).catch(() => [[undefined]])).every(([state]) => state !== undefined);
    await until(() => isDecided(validator));
    await until(() => isDecided(follower));
    const states = await statesAt(validator);
    expect(await statesAt(follower)).toEqual(states);
    expect(new Set(states.map(([state]) => state))).toEqual(new Set(['conflicting', 'included']));
    const [code] = states.flatMap(([state, reason]) => (state === 'conflicting' ? reason : []));
    expect([1, 2]).toContain(code);
    const sum = async (one: TestNode) =>
      (await one.wallet.balance(ALICE.address)) +
      (await one.wallet.balance(BOB.address)) +
      (await one.wallet.balance(RICH_KEY.address));
    expect(await sum(validator)).toBe(RICH_AMOUNT);
    await until(() => stateOf(follower).index >= stateOf(validator).index - 1);
    expect(await sum(follower)).toBe(RICH_AMOUNT);
  });

  it('let a late joiner catch up from genesis', async () => {
    const validator = await network.start({ validator: true });
    for (let round = 0; round < 5; round++) {
      await validator.issuer.issueAndConfirm(note(`round ${round}`));
    }
    await validator.wallet.sendTransaction({
      from: [RICH_KEY.secretKey],
      outputs: [pay(ALICE.address, 9_000n)],
    });
    const target = stateOf(validator).index;
    const late = await network.start({ peers: [validator] });
    await until(() => stateOf(late).index >= target);
    expect(await late.wallet.balance(ALICE.address)).toBe(9_000n);
    await until(() => late.node.health().healthy);
    const before = stateOf(late).index;
    const { blockId } = await late.issuer.issueAndConfirm(note('caught up'));
    expect((await late.client.blockMetadata(blockId)).referencedByMilestoneIndex).toBeGreaterThan(
      before,
    );
  });
});
