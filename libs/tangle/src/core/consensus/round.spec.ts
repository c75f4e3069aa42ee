/** Evidence as the ledger takes it: what a node kept slashes the bond of the key that signed. */
import { describe, expect, it } from '@jest/globals';
import { signedMessage } from '../codec/certificate.ts';
import type { Proposal, Vote } from '../codec/consensus.ts';
import { idToBytes, outputIdOf, type MilestoneId, type TransactionId } from '../codec/ids.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier, signEd25519 } from '../crypto/ed25519-strict.ts';
import { checkEvidence } from '../ledger/bond-rules.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import { checkTransactionSyntax } from '../block/rules.ts';
import { signVote } from '../milestone/certificate.ts';
import { genesisMilestone } from '../milestone/genesis.ts';
import {
  basic,
  bond,
  keyPair,
  NETWORK_ID,
  PARAMS,
  testGenesis,
} from '../testing/ledger-fixtures.ts';
import { evidenceUnlockOf, type Evidence } from './round.ts';

const key = keyPair(7);
const [EPOCH, VIEW] = [2, 9n];
const { header, body } = genesisMilestone(testGenesis(1), nobleHasher);

function vote(kind: Vote['kind'], byte: number): Vote {
  const digest = new Uint8Array(32).fill(byte);
  return signVote({ kind, epoch: EPOCH, view: VIEW, digest }, NETWORK_ID, 1, key.secretKey);
}

function proposal(timestampMs: number): Proposal {
  const proposed = { ...header, timestampMs };
  const id: MilestoneId = milestoneIdOf(proposed, nobleHasher);
  const message = signedMessage(NETWORK_ID, 'propose', EPOCH, VIEW, idToBytes(id));
  const signature = signEd25519(key.secretKey, message);
  return { epoch: EPOCH, view: VIEW, header: proposed, body, signature };
}

const pairs: readonly (readonly [string, Evidence])[] = [
  ['two votes', { kind: 'votes', seat: 1, pair: [vote('notarize', 2), vote('notarize', 1)] }],
  [
    'nullify and finalize',
    { kind: 'votes', seat: 1, pair: [vote('finalize', 5), vote('nullify', 0)] },
  ],
  ['two ratifications', { kind: 'votes', seat: 1, pair: [vote('ratify', 5), vote('ratify', 6)] }],
  ['two proposals', { kind: 'proposals', seat: 1, pair: [proposal(2), proposal(1)] }],
];

describe('evidenceUnlockOf', () => {
  it.each(pairs)('makes an unlock of %s that the rules take', (_name, evidence) => {
    const unlock = evidenceUnlockOf(evidence, nobleHasher);
    const bonded = bond(10_000n, { key, owner: key });
    const outputId = outputIdOf('7'.repeat(64) as TransactionId, 0);
    const made = buildTransaction({
      networkId: NETWORK_ID,
      inputs: [{ outputId, output: bonded, unlock }],
      outputs: [basic(10_000n, key.address)],
      params: PARAMS,
      hasher: nobleHasher,
    });
    if (!made.ok) throw new Error(made.code);
    const rules = { params: PARAMS, networkId: NETWORK_ID };
    expect(checkTransactionSyntax(made.value.transaction, rules)).toBeUndefined();
    expect(checkEvidence([{ bond: bonded, unlock }], NETWORK_ID, nobleVerifier)).toBe(0);
    const other = bond(10_000n, { key: keyPair(8), owner: key });
    expect(checkEvidence([{ bond: other, unlock }], NETWORK_ID, nobleVerifier)).toBe(5);
  });

  it('is the same in whatever order the statements came', () => {
    for (const [, evidence] of pairs) {
      const turned = { ...evidence, pair: [evidence.pair[1], evidence.pair[0]] } as Evidence;
      expect(evidenceUnlockOf(turned, nobleHasher)).toEqual(
        evidenceUnlockOf(evidence, nobleHasher),
      );
    }
  });
});
