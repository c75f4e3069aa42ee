/** Issuing, proven confirmation, re-attachment and payments against a small real node. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import type { Output } from '../../core/codec/output.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { LightClient } from '../../core/milestone/light-client.ts';
import { BlockIssuer } from './block-issuer.ts';
import type { ProofOfWork } from './block-issuer.ts';
import type { BlockProofDto } from './dto.ts';
import { NodeClient } from './node-client.ts';
import type { NodeEvents } from './node-events.ts';
import { ProofChecker } from './proof-checker.ts';
import {
  addressOf,
  POOR_KEY,
  RICH_KEY,
  SLOW_WORK,
  SmallNode,
  SUPPLY,
} from './testing/small-node.ts';
import { Wallet } from './wallet.ts';
import type { SentTransaction } from './wallet.ts';

let node: SmallNode;
let client: NodeClient;
let events: NodeEvents;
let checker: ProofChecker;
let issuer: BlockIssuer;
let wallet: Wallet;
let clockMs: () => number;

async function setUp(started: SmallNode): Promise<void> {
  node = started;
  await node.start();
  client = new NodeClient({ baseUrl: node.baseUrl });
  events = client.events();
  clockMs = Date.now;
  const clock = { nowMs: () => clockMs() };
  checker = new ProofChecker(LightClient.fromGenesis(node.genesis), {
    hasher: nobleHasher,
    clock,
    client,
  });
  issuer = newIssuer(SLOW_WORK);
  wallet = new Wallet(
    { networkId: node.start0.networkId, params: node.genesis.params },
    { node: client, issuer, checker, hasher: nobleHasher, clock },
  );
}

function newIssuer(proofOfWork: ProofOfWork<never>, freshTipsMs = 20_000): BlockIssuer {
  return new BlockIssuer(
    { networkId: node.start0.networkId, params: node.genesis.params, pollMs: 20, freshTipsMs },
    { node: client, proofOfWork, checker, hasher: nobleHasher, events },
  );
}

beforeEach(async () => {
  await setUp(new SmallNode());
});

afterEach(async () => {
  events.close();
  await node.stop();
});

const rich = addressOf(RICH_KEY);
const poor = addressOf(POOR_KEY);

function pay(amount: bigint): Output {
  return { kind: 'basic', amount, address: poor };
}

async function send(amount: bigint): Promise<SentTransaction> {
  return await wallet.sendTransaction({ from: [RICH_KEY], outputs: [pay(amount)] });
}

/** Confirms whenever blocks wait, until the promise settles. */
async function whileConfirming<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const result = promise.finally(() => {
    settled = true;
  });
  result.catch(() => undefined);
  await until(() => {
    if (node.blocks.size > node.referencedBy.size) node.confirm();
    return settled;
  });
  return await result;
}

const DATA = { kind: 'tagged-data', tag: Uint8Array.of(1), data: new Uint8Array(10) } as const;

describe('block issuer', () => {
  it('issues a block and proves its confirmation', async () => {
    const issued = await issuer.issue(DATA);
    const waiting = issuer.awaitConfirmation(issued);
    node.confirm();
    expect(await waiting).toMatchObject({
      blockId: issued.blockId,
      milestoneIndex: 1,
      state: 'noTransaction',
    });
  });

  it('searches again when the load rose meanwhile', async () => {
    let searches = 0;
    const solver = newIssuer({
      solve: async (digest, difficulty) => {
        searches += 1;
        if (searches === 1) node.loadBits = 6;
        return await SLOW_WORK.solve(digest, difficulty);
      },
    });
    const { blockId } = await solver.issue(DATA);
    expect(node.blocks.has(blockId)).toBe(true);
    expect(searches).toBeGreaterThan(1);
  });

  it('difficulty-rising', async () => {
    const lazy = newIssuer({ solve: async () => ({ nonce: 0n }) });
    node.loadBits = 40;
    await expect(lazy.issue(DATA)).rejects.toMatchObject({ code: 'difficulty-rising' });
  });

  it('takes fresh tips when a search outlives them, and stops on its signal', async () => {
    let searches = 0;
    const solve: ProofOfWork<never>['solve'] = async (digest, difficulty, options) => {
      searches += 1;
      if (searches > 2) return await SLOW_WORK.solve(digest, difficulty);
      return await new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('cancelled')));
      });
    };
    await newIssuer({ solve }, 10).issue(DATA);
    expect(searches).toBe(3);
    searches = 0;
    const abort = new AbortController();
    const asked = newIssuer({ solve }).issue(DATA, { signal: abort.signal });
    await until(() => searches === 1);
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  it('re-attaches what is left behind and tells of it', async () => {
    const issued = await issuer.issue(DATA);
    node.stale.add(issued.blockId);
    const again: string[] = [];
    const waiting = issuer.awaitConfirmation(issued, {
      onReattached: ({ blockId }) => again.push(blockId),
    });
    await until(() => again.length === 1);
    node.confirm();
    const { blockId } = await waiting;
    expect([issued.blockId, ...again]).toContain(blockId);
    expect(node.blocks.size).toBe(2);
  });

  it('too-many-attachments', async () => {
    const issued = await issuer.issue(DATA);
    node.intercept = (method, path) => {
      if (method === 'POST' || !path.endsWith('/metadata')) return undefined;
      const blockId = path.split('/').at(-2);
      return { status: 200, body: { blockId, parents: [], solid: true, shouldReattach: true } };
    };
    await expect(issuer.awaitConfirmation(issued)).rejects.toMatchObject({
      code: 'too-many-attachments',
    });
    expect(node.blocks.size).toBe(8);
  });

  it('gives a block again to a node that lost it', async () => {
    const issued = await issuer.issue(DATA);
    node.blocks.delete(issued.blockId);
    const waiting = issuer.awaitConfirmation(issued);
    await until(() => node.blocks.has(issued.blockId));
    node.confirm();
    expect(await waiting).toMatchObject({ blockId: issued.blockId });
  });

  it('waits for a node that is out of order for a while', async () => {
    const issued = await issuer.issue(DATA);
    let refused = 0;
    node.intercept = () => {
      refused += 1;
      return { status: 503, body: { code: 'not-synced' } };
    };
    const waiting = issuer.awaitConfirmation(issued);
    await until(() => refused > 2);
    node.intercept = () => undefined;
    node.confirm();
    expect(await waiting).toMatchObject({ milestoneIndex: 1 });
  });

  it('timed-out', async () => {
    const issued = await issuer.issue(DATA);
    await expect(issuer.awaitConfirmation(issued, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'timed-out',
    });
  });

  it('believes no node without a proof', async () => {
    const first = await issuer.issue(DATA);
    const second = await issuer.issue({ ...DATA, tag: Uint8Array.of(2) });
    node.confirm();
    const proof = await client.blockProof(second.blockId);
    const forge = (forged: Partial<BlockProofDto>): void => {
      node.intercept = (_method, path) =>
        path.endsWith('/proof') ? { status: 200, body: { ...proof, ...forged } } : undefined;
    };
    forge({});
    await expect(issuer.awaitConfirmation(first)).rejects.toMatchObject({ code: 'proof-invalid' });
    forge({ inclusionPath: '00'.repeat(40) });
    await expect(issuer.awaitConfirmation(second)).rejects.toMatchObject({ name: 'ProofError' });
    forge({ milestone: `${proof.milestone.slice(0, -2)}ff` });
    await expect(issuer.awaitConfirmation(second)).rejects.toMatchObject({
      code: 'certificate-signature',
    });
  });
});

describe('wallet', () => {
  it('pays, gets its change, and knows balances', async () => {
    expect(await wallet.balance(rich)).toBe(SUPPLY);
    const issued: string[] = [];
    const sent = await whileConfirming(
      wallet.sendTransaction({
        from: [RICH_KEY],
        outputs: [pay(1_000n)],
        onIssued: ({ transactionId }) => issued.push(transactionId),
      }),
    );
    expect(issued).toEqual([sent.transactionId]);
    expect(sent.milestoneIndex).toBe(1);
    expect(await wallet.balance(rich)).toBe(SUPPLY - 1_000n);
    expect(await wallet.balance(poor)).toBe(1_000n);
  });

  it('sends many payments at once from one output, one after the other', async () => {
    const payments = Array.from(
      { length: 3 },
      async (_, index) => await send(1_000n + BigInt(index)),
    );
    const sent = await whileConfirming(Promise.all(payments));
    expect(new Set(sent.map(({ transactionId }) => transactionId)).size).toBe(3);
    expect(await wallet.balance(poor)).toBe(3_003n);
  });

  it('gathers many small outputs', async () => {
    await node.stop();
    await setUp(new SmallNode(Array.from({ length: 20 }, () => ({ address: rich, amount: 500n }))));
    const sent = await whileConfirming(send(7_000n));
    expect(sent.transaction.inputs.length).toBeGreaterThanOrEqual(14);
    expect((await wallet.balance(rich)) + (await wallet.balance(poor))).toBe(10_000n);
  });

  it('insufficient-funds', async () => {
    await expect(send(SUPPLY + 1n)).rejects.toMatchObject({ code: 'insufficient-funds' });
    expect(await wallet.balance(rich)).toBe(SUPPLY);
  });

  it('deposit-too-small', async () => {
    await expect(send(1n)).rejects.toMatchObject({ code: 'deposit-too-small' });
    expect(await wallet.balance(rich)).toBe(SUPPLY);
  });

  it('conflict, with its name', async () => {
    const other = new Wallet(
      { networkId: node.start0.networkId, params: node.genesis.params },
      { node: client, issuer, checker, hasher: nobleHasher, clock: { nowMs: Date.now } },
    );
    const both = [
      send(1_000n),
      other.sendTransaction({ from: [RICH_KEY], outputs: [pay(2_000n)] }),
    ];
    await until(() => node.blocks.size === 2);
    node.confirm();
    const outcomes = await Promise.allSettled(both);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({
      code: 'conflict',
      conflict: 'input-spent-in-milestone',
    });
  });

  it('takes the block that was applied when one transaction stands in two', async () => {
    const waiting = send(1_000n);
    await until(() => node.blocks.size === 1);
    const [first] = node.blocks.values();
    if (first === undefined) throw new Error('no block');
    const twin = await issuer.issue(first.block.payload);
    node.confirm();
    const [sent, confirmation] = [await waiting, await issuer.awaitConfirmation(twin)];
    expect(confirmation.state).toBe('included');
    expect(confirmation.blockId).toBe(sent.blockId);
  });

  it('lets outputs rest while the fate of their transaction is open, then uses them', async () => {
    const request = { from: [RICH_KEY], outputs: [pay(1_000n)], timeoutMs: 30 };
    await expect(wallet.sendTransaction(request)).rejects.toMatchObject({ code: 'timed-out' });
    expect(await wallet.balance(rich)).toBe(0n);
    await expect(send(1_000n)).rejects.toMatchObject({ code: 'insufficient-funds' });
    node.confirm();
    expect(await wallet.balance(rich)).toBe(SUPPLY - 1_000n);
  });

  it('frees outputs at once when the node refuses the block', async () => {
    node.intercept = (method) =>
      method === 'POST' ? { status: 400, body: { code: 'signature-invalid' } } : undefined;
    await expect(send(1_000n)).rejects.toMatchObject({ code: 'signature-invalid' });
    expect(await wallet.balance(rich)).toBe(SUPPLY);
  });

  it('too-many-in-flight', async () => {
    const small = new Wallet(
      { networkId: node.start0.networkId, params: node.genesis.params, maxInFlight: 0 },
      { node: client, issuer, checker, hasher: nobleHasher, clock: { nowMs: Date.now } },
    );
    await expect(
      small.sendTransaction({ from: [RICH_KEY], outputs: [pay(1_000n)] }),
    ).rejects.toMatchObject({ code: 'too-many-in-flight' });
  });

  it('proof-stale', async () => {
    clockMs = () => Date.now() + 3_600_000;
    await expect(wallet.balance(rich)).rejects.toMatchObject({ code: 'proof-stale' });
  });

  it('leaves locked outputs and those about to change hands', async () => {
    const seconds = Math.floor(Date.now() / 1_000);
    const outputs: Output[] = [
      { ...pay(1_000n), kind: 'basic', address: poor, timelock: seconds + 3_600 },
      expiring(2_000n, seconds + 3_600),
      expiring(4_000n, seconds + 60),
    ];
    await whileConfirming(wallet.sendTransaction({ from: [RICH_KEY], outputs }));
    expect(await wallet.balance(poor)).toBe(2_000n);
  });
});

function expiring(amount: bigint, unixSeconds: number): Output {
  return { kind: 'basic', amount, address: poor, expiration: { unixSeconds, returnAddress: rich } };
}
