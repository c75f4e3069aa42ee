// A validator bond on a real node: found by its owner, no balance, kept over a start, slashed.
import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex, outputIdOf, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { EvidenceUnlock, SignedDigest } from '@tanglemail/tangle/core/codec/unlock.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier, signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { earliestUnbondAt } from '@tanglemail/tangle/core/ledger/bond-rules.ts';
import {
  burns,
  type TransactionInput,
} from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { OutputsFilter } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { StoreCheck } from './cli/db-check.ts';
import { genesisCommittees } from './committees.ts';
import { NodeStore } from './store/node-store.ts';
import {
  pay,
  RICH_AMOUNT,
  RICH_KEY,
  TEST_PARAMS,
  testGenesis,
  testKey,
  TestNetwork,
  until,
  type TestNode,
} from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const [OWNER, SEAT] = [testKey(9), testKey(20)];
const GENESIS = { ...testGenesis(), params: { ...TEST_PARAMS, validatorBondMin: 10_000n } };
const ROOT = genesisMilestone(GENESIS, nobleHasher);
const UNLOCK = { kind: 'signature', secretKey: OWNER.secretKey } as const;

function bondOf(amount: bigint, unbondAt = 0): ValidatorBondOutput {
  const { publicKey } = SEAT;
  return { kind: 'validator-bond', amount, publicKey, owner: OWNER.address, unbondAt };
}

/** The seat voted for two milestones in one view. */
function evidence(): EvidenceUnlock {
  const [epoch, view] = [0, 5n];
  const signed = (byte: number): SignedDigest => {
    const digest = new Uint8Array(32).fill(byte);
    const message = signedMessage(ROOT.networkId, 'notarize', epoch, view, digest);
    return { kind: 'notarize', digest, signature: signEd25519(SEAT.secretKey, message) };
  };
  return { kind: 'evidence', epoch, view, statements: [signed(1), signed(2)] };
}

async function find({ client }: TestNode, filter: OutputsFilter): Promise<OutputId[]> {
  const found: OutputId[] = [];
  for await (const id of client.outputs(filter)) found.push(id);
  return found;
}

/** A node whose owner has 50,000 and a bond of 30,000. */
async function bonded() {
  const one = await network.start({ validator: true, genesis: GENESIS });
  await until(() => one.node.query.confirmedIndex > 0);
  const from = [RICH_KEY.secretKey];
  const outputs = [pay(OWNER.address, 50_000n), bondOf(30_000n)];
  const { transactionId } = await one.wallet.sendTransaction({ from, outputs });
  return { one, bondId: outputIdOf(transactionId, 1) };
}

describe('a validator bond on a node', () => {
  it('is found by its owner and its kind, and is no balance', async () => {
    const { one, bondId } = await bonded();
    const { address } = OWNER;
    expect(await find(one, { bondOwner: address })).toEqual([bondId]);
    expect(await find(one, { bondOwner: address, kind: 'validator-bond' })).toEqual([bondId]);
    expect(await find(one, { address, kind: 'validator-bond' })).toEqual([]);
    expect(await find(one, { address })).not.toContain(bondId);
    expect(await find(one, { createdAfter: 0, kind: 'validator-bond' })).toEqual([bondId]);
    const others: OutputsFilter[] = [{ payee: address }, { hasTimelock: true }, { kind: 'basic' }];
    for (const filter of others) {
      expect(await find(one, { bondOwner: address, ...filter })).toEqual([]);
    }
    expect(await find(one, { bondOwner: RICH_KEY.address })).toEqual([]);
    expect(await one.wallet.balance(address)).toBe(50_000n);
    expect(await one.client.balance(address)).toMatchObject({ amount: '50000' });
    expect((await one.client.output(bondId)).output).toEqual({
      kind: 'validator-bond',
      amount: '30000',
      publicKey: bytesToHex(SEAT.publicKey),
      owner: address,
      unbondAt: 0,
    });
    expect((await one.client.info()).params.validatorBondMin).toBe('10000');
  });

  it('splits and unbonds in part, stays locked, and counts after a start', async () => {
    const { one, bondId } = await bonded();
    const { wallet, folder } = one;
    const input: TransactionInput = { outputId: bondId, output: bondOf(30_000n), unlock: UNLOCK };
    const unbondAt = earliestUnbondAt(Math.ceil(Date.now() / 1_000) + 60);
    const outputs = [bondOf(20_000n), bondOf(10_000n, unbondAt)];
    const split = await wallet.sendTransaction({
      from: [OWNER.secretKey],
      inputs: [input],
      outputs,
    });
    expect(await find(one, { bondOwner: OWNER.address })).toHaveLength(2);
    expect(await find(one, { bondOwner: OWNER.address, unspent: false })).toEqual([bondId]);
    const tries = outputs.map((output, index): TransactionInput => {
      return { outputId: outputIdOf(split.transactionId, index), output, unlock: UNLOCK };
    });
    for (const locked of tries) {
      const taken = { from: [OWNER.secretKey], inputs: [locked], outputs: [] };
      await expect(wallet.sendTransaction(taken)).rejects.toMatchObject({
        conflict: 'bond-locked',
      });
    }
    await one.close();
    const opened = await NodeStore.open(join(folder, 'store'), ROOT, nobleHasher);
    try {
      const { latest, store } = opened;
      const [only, ...more] = latest.bonds.candidates();
      expect(only).toEqual({ publicKey: SEAT.publicKey, amount: 20_000n });
      expect(more).toEqual([]);
      expect(latest).toMatchObject({ committee: GENESIS.committee, elected: undefined });
      const { networkId } = ROOT;
      const committees = genesisCommittees(GENESIS.committee);
      const deps = { store, networkId, params: GENESIS.params, committees };
      const check = new StoreCheck({
        ...deps,
        hasher: nobleHasher,
        verifier: nobleVerifier,
        onProgress: () => undefined,
      });
      expect((await check.run(latest.header.index)).problems).toEqual([]);
    } finally {
      await opened.store.close();
    }
  });

  it('is burnt by evidence that anybody brings, but for a sixteenth', async () => {
    const { one, bondId } = await bonded();
    const unlock = evidence();
    const inputs: TransactionInput[] = [{ outputId: bondId, output: bondOf(30_000n), unlock }];
    const before = await one.wallet.balance(RICH_KEY.address);
    const from = [RICH_KEY.secretKey];
    const { blockId, transactionId } = await one.wallet.sendTransaction({
      from,
      inputs,
      outputs: burns(inputs),
    });
    expect(before).toBe(RICH_AMOUNT - 80_000n);
    expect(await one.wallet.balance(RICH_KEY.address)).toBe(before + 30_000n / 16n);
    expect(await find(one, { bondOwner: OWNER.address })).toEqual([]);
    const shown = await fetch(`${one.api.url}/api/core/v1/blocks/${blockId}`);
    const { block } = (await shown.json()) as { block: { payload: { unlocks: unknown[] } } };
    expect(block.payload.unlocks).toEqual([
      {
        kind: 'evidence',
        epoch: 0,
        view: '5',
        statements: unlock.statements.map(({ kind, digest, signature }) => ({
          kind,
          digest: bytesToHex(digest),
          signature: bytesToHex(signature),
        })),
      },
    ]);
    const burnt = await one.client.output(outputIdOf(transactionId, 0));
    expect(burnt.output).toMatchObject({ amount: '28125', address: '0'.repeat(64) });
  });
});
