/**
 * The worked example of docs/spec/04-milestone.md ff.: one payment under a committee of one seat.
 * The vectors are checked in; this test makes them again, reads them as a light client that has
 * only the genesis, and finds every value in the spec pages.
 */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { powDigest, searchNonce } from '../block/pow.ts';
import { checkBlock } from '../block/rules.ts';
import { encodeBlockWithoutNonce } from '../codec/block.ts';
import type { OutputId } from '../codec/ids.ts';
import { bytesToHex, GENESIS_BLOCK_ID, hexToBytes, idToBytes, outputIdOf } from '../codec/ids.ts';
import { encodeMilestoneHeader } from '../codec/milestone.ts';
import { encodeOutput } from '../codec/output.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { auditPath, encodeAuditPath } from '../crypto/merkle.ts';
import { encodeStateProof } from '../ledger/state-proof.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import type { Outcome } from '../outcome.ts';
import { TestChain } from '../testing/chain-fixture.ts';
import { basic, keyPair, testBlock } from '../testing/ledger-fixtures.ts';
import { loadGenesis } from './genesis.ts';
import { LightClient, verifyBlockInclusion, verifyPayment, verifyUnspent } from './light-client.ts';

const root = new URL('../../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

/** Key 1 of the fixtures pays 1 T to key 2 on a network of one validator. */
function makeExample(genesisText: string): Record<string, string> {
  const chain = new TestChain(1, unwrap(loadGenesis(genesisText)));
  const { params } = chain.genesis;
  const [funds] = chain.start.outputs;
  if (funds === undefined) throw new Error('genesis has an output');
  const { networkId } = chain;
  const { transaction, transactionId } = unwrap(
    buildTransaction({
      networkId,
      inputs: [{ ...funds, unlock: { kind: 'signature', secretKey: keyPair(1).secretKey } }],
      outputs: [basic(1_000_000n, keyPair(2).address)],
      changeAddress: keyPair(1).address,
      params,
      hasher: nobleHasher,
    }),
  );
  const parents = [GENESIS_BLOCK_ID];
  const unmined = { version: 1, networkId, parents, payload: transaction } as const;
  const digest = powDigest(encodeBlockWithoutNonce(unmined), nobleHasher);
  const nonce = searchNonce(digest, params.powBaseBits, 0n, 10_000, nobleHasher);
  const block = testBlock(parents, transaction, nonce, networkId);
  chain.blocks.set(block.id, block);
  const { id, header, body, bytes, result } = chain.confirm([block.id]);
  const path = encodeAuditPath(auditPath([idToBytes(block.id)], 0, nobleHasher));
  const outputId = outputIdOf(transactionId, 0);
  const proof = result.stateTree.proof(outputId);
  if (proof === undefined) throw new Error('the payment is unspent');
  expect(body.parents).toEqual([block.id]);
  return {
    genesis: genesisText,
    networkId: networkId.toString(16).padStart(16, '0'),
    genesisTransactionId: chain.start.transactionId,
    genesisId: chain.start.id,
    genesisHeader: bytesToHex(encodeMilestoneHeader(chain.start.header)),
    blockId: block.id,
    block: bytesToHex(block.bytes),
    transactionId,
    milestoneId: id,
    header: bytesToHex(encodeMilestoneHeader(header)),
    milestone: bytesToHex(bytes),
    auditPath: bytesToHex(path),
    outputId,
    output: bytesToHex(encodeOutput(basic(1_000_000n, keyPair(2).address))),
    stateProof: bytesToHex(encodeStateProof(proof)),
    checkpoint: bytesToHex(checkpointAfter(chain, bytes)),
  };
}

/** What a light client keeps that has seen the milestone. */
function checkpointAfter(chain: TestChain, milestone: Uint8Array): Uint8Array {
  const client = LightClient.fromGenesis(chain.genesis);
  unwrap(client.checkMilestone(milestone, chain.parent.header.timestampMs));
  return client.checkpoint();
}

describe('the worked example', () => {
  const vectors = JSON.parse(read('test/vectors/milestone.json')) as Record<string, string>;
  const vector = (name: string): string => vectors[name] ?? '';
  const bytes = (name: string): Uint8Array => hexToBytes(vector(name));

  it('comes out the same, byte for byte', () => {
    expect(makeExample(vector('genesis'))).toEqual(vectors);
  });

  it('is proven to a client that has only the genesis', () => {
    const genesis = unwrap(loadGenesis(vector('genesis')));
    const client = LightClient.fromGenesis(genesis);
    expect(client.state.genesisId).toBe(vector('genesisId'));
    const now = genesis.timestampMs + 2_000;
    const trusted = unwrap(client.checkMilestone(bytes('milestone'), now));
    unwrap(client.checkFreshness(trusted, now));
    expect(bytesToHex(client.checkpoint())).toBe(vector('checkpoint'));
    const { networkId } = client.state;
    const rules = { params: genesis.params, networkId, loadBits: 0, hasher: nobleHasher };
    unwrap(checkBlock(bytes('block'), rules));
    const proven = unwrap(verifyBlockInclusion(trusted, bytes('block'), bytes('auditPath')));
    expect(proven.blockId).toBe(vector('blockId'));
    const payment = unwrap(verifyPayment(trusted, bytes('block'), bytes('auditPath'), 0));
    expect(payment.outputId).toBe(vector('outputId'));
    expect(payment.output.amount).toBe(1_000_000n);
    const outputId = vector('outputId') as OutputId;
    unwrap(verifyUnspent(trusted, outputId, bytes('output'), bytes('stateProof')));
  });

  it.each([
    ['04-milestone', ['milestoneId', 'header', 'milestone']],
    ['05-light-client', ['blockId', 'auditPath', 'outputId', 'output', 'stateProof', 'checkpoint']],
    ['06-genesis', ['networkId', 'genesisTransactionId', 'genesisId', 'genesisHeader']],
    ['08-ledger', ['transactionId', 'block']],
  ])('stands in docs/spec/%s.md as it is', (page, names) => {
    const text = read(`docs/spec/${page}.md`).replaceAll(/[\s|]/g, '');
    const absent = names.filter((name) => !text.includes(vector(name)));
    expect(absent).toEqual([]);
  });
});
