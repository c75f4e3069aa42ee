import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId } from '../codec/ids.ts';
import { GENESIS_BLOCK_ID, idToBytes, outputIdOf } from '../codec/ids.ts';
import { encodeMilestone } from '../codec/milestone.ts';
import { encodeOutput } from '../codec/output.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { auditPath, encodeAuditPath } from '../crypto/merkle.ts';
import { encodeStateProof } from '../ledger/state-proof.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import type { Outcome } from '../outcome.ts';
import { FRESHNESS_MARGIN_MS, MAX_MILESTONE_SIZE } from '../params/limits.ts';
import type { FinalMilestone } from '../testing/chain-fixture.ts';
import { TestChain } from '../testing/chain-fixture.ts';
import { basic, keyPair, PARAMS } from '../testing/ledger-fixtures.ts';
import type { TrustedMilestone } from './light-client.ts';
import { LightClient, verifyBlockInclusion, verifyPayment, verifyUnspent } from './light-client.ts';

const [alice, bob] = [keyPair(1), keyPair(2)];

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

function pathOf(ids: readonly BlockId[], id: BlockId): Uint8Array {
  const leaves = ids.map((one) => idToBytes(one));
  return encodeAuditPath(auditPath(leaves, ids.indexOf(id), nobleHasher));
}

const later = (chain: TestChain): number => chain.parent.header.timestampMs + 1_000;

/** A chain of two milestones; the second has a payment to Bob and two blocks without one. */
function paidChain(committeeSize = 4): {
  chain: TestChain;
  final: FinalMilestone;
  payment: BlockId;
  other: BlockId;
  client: LightClient;
  trusted: TrustedMilestone;
} {
  const chain = new TestChain(committeeSize);
  const first = chain.attach([GENESIS_BLOCK_ID]);
  chain.confirm([first]);
  const [funds] = chain.start.outputs;
  if (funds === undefined) throw new Error('genesis has an output');
  const { transaction } = unwrap(
    buildTransaction({
      networkId: chain.networkId,
      inputs: [{ ...funds, unlock: { kind: 'signature', secretKey: alice.secretKey } }],
      outputs: [basic(5_000n, bob.address)],
      changeAddress: alice.address,
      params: PARAMS,
      hasher: nobleHasher,
    }),
  );
  const payment = chain.attach([first], transaction);
  const other = chain.attach([first, GENESIS_BLOCK_ID]);
  const final = chain.confirm([payment, other, chain.attach([first])]);
  const client = LightClient.fromGenesis(chain.genesis);
  const trusted = unwrap(client.checkMilestone(final.bytes, later(chain)));
  return { chain, final, payment, other, client, trusted };
}

const bytesOf = (chain: TestChain, id: BlockId): Uint8Array =>
  chain.blocks.get(id)?.bytes ?? new Uint8Array(0);

describe.each([1, 4, 10, 32])('a light client under a committee of %i', (size) => {
  it('follows certified milestones from the genesis alone', () => {
    const { chain, final, client } = paidChain(size);
    expect(client.state.newest).toEqual(final.header);
    expect(client.state.networkId).toBe(chain.networkId);
  });
});

describe('LightClient', () => {
  it('accepts older milestones without going back', () => {
    const { chain, final, client } = paidChain();
    const next = chain.confirm([chain.attach([GENESIS_BLOCK_ID])]);
    unwrap(client.checkMilestone(next.bytes, later(chain)));
    unwrap(client.checkMilestone(final.bytes, later(chain)));
    unwrap(client.checkMilestone(encodeMilestone(chain.start.milestone), later(chain)));
    expect(client.state.newest.index).toBe(3);
  });

  it('certificate-signature: nobody else’s chain', () => {
    const { chain, client } = paidChain();
    const stranger = new TestChain(4, { ...chain.genesis, name: 'stranger' });
    const foreign = stranger.confirm([stranger.attach([GENESIS_BLOCK_ID])]);
    expect(client.checkMilestone(foreign.bytes, later(chain))).toMatchObject({
      code: 'certificate-signature',
    });
  });

  it('certificate-mismatch: the certificate of another milestone, or a false genesis', () => {
    const { chain, final, client } = paidChain();
    const next = chain.confirm([chain.attach([GENESIS_BLOCK_ID])]);
    const { certificate } = final.milestone;
    const swapped = encodeMilestone({ ...next.milestone, certificate });
    expect(client.checkMilestone(swapped, later(chain))).toMatchObject({
      code: 'certificate-mismatch',
    });
    const { milestone } = new TestChain(4, { ...chain.genesis, name: 'stranger' }).start;
    expect(client.checkMilestone(encodeMilestone(milestone), later(chain))).toMatchObject({
      code: 'certificate-mismatch',
    });
  });

  it('certificate-quorum: too few signatures', () => {
    const { chain, final, client } = paidChain();
    const { certificate } = final.milestone;
    const { signers, signatures } = certificate;
    const thin = { ...certificate, signers: signers.slice(1), signatures: signatures.slice(1) };
    const bytes = encodeMilestone({ ...final.milestone, certificate: thin });
    expect(client.checkMilestone(bytes, later(chain))).toMatchObject({
      code: 'certificate-quorum',
    });
  });

  it('milestone-root: another body under a certified header', () => {
    const { chain, final, client } = paidChain();
    const judge = (body: Partial<FinalMilestone['body']>): unknown =>
      client.checkMilestone(
        encodeMilestone({ ...final.milestone, body: { ...final.body, ...body } }),
        later(chain),
      );
    expect(judge({ parents: [GENESIS_BLOCK_ID] })).toMatchObject({ detail: 'parentsRoot' });
    expect(judge({ options: { powLoadBits: 1 } })).toMatchObject({ detail: 'optionsRoot' });
  });

  it('milestone-timestamp: ahead of the clock', () => {
    const { chain, final, client } = paidChain();
    const edge = final.header.timestampMs - chain.genesis.params.maxDriftMs;
    expect(client.checkMilestone(final.bytes, edge)).toMatchObject({ ok: true });
    expect(client.checkMilestone(final.bytes, edge - 1)).toMatchObject({
      code: 'milestone-timestamp',
    });
  });

  it('milestone-timestamp: a greater index with an earlier time, or the other way round', () => {
    const { chain, final, client } = paidChain();
    const judge = (index: number, timestampMs: number): unknown => {
      const header = { ...final.header, index, timestampMs };
      const forged = chain.certify({ header, body: final.body });
      return client.checkMilestone(encodeMilestone(forged), later(chain));
    };
    const { timestampMs } = final.header;
    expect(judge(3, timestampMs - 1)).toMatchObject({ code: 'milestone-timestamp' });
    expect(judge(1, timestampMs + 1)).toMatchObject({ code: 'milestone-timestamp' });
  });

  it('milestone-fork: two final milestones of one index', () => {
    const { chain, final, client } = paidChain();
    const header = { ...final.header, view: 77n };
    const rival = encodeMilestone(chain.certify({ header, body: final.body }));
    expect(client.checkMilestone(rival, later(chain))).toMatchObject({ code: 'milestone-fork' });
    expect(client.state.newest).toEqual(final.header);
  });

  it('truncated, trailing-bytes, too-large: never throws on bytes of any kind', () => {
    const { chain, final, client } = paidChain();
    expect(client.checkMilestone(final.bytes.subarray(1), later(chain))).toMatchObject({
      ok: false,
    });
    expect(
      client.checkMilestone(new Uint8Array(MAX_MILESTONE_SIZE + 1), later(chain)),
    ).toMatchObject({
      code: 'too-large',
    });
    fc.assert(
      fc.property(fc.nat(final.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(final.bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(client.checkMilestone(changed, later(chain)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('proof-stale: older than a heartbeat and a minute', () => {
    const { client, trusted } = paidChain();
    const edge = trusted.header.timestampMs + PARAMS.heartbeatMs + FRESHNESS_MARGIN_MS;
    expect(client.checkFreshness(trusted, edge - 1)).toMatchObject({ ok: true });
    expect(client.checkFreshness(trusted, edge)).toMatchObject({ ok: true });
    expect(client.checkFreshness(trusted, edge + 1)).toMatchObject({
      action: 'ignore',
      code: 'proof-stale',
    });
  });
});

describe('proofs', () => {
  const { chain, final, payment, other, trusted } = paidChain();
  const { included, applied, stateTree } = final.result;

  it('show that a block is confirmed', () => {
    for (const id of included) {
      const path = pathOf(included, id);
      const proven = unwrap(verifyBlockInclusion(trusted, bytesOf(chain, id), path));
      expect(proven.blockId).toBe(id);
    }
  });

  it('proof-invalid: of another block, place or root', () => {
    const path = pathOf(included, payment);
    const wrong = [
      verifyBlockInclusion(trusted, bytesOf(chain, other), path),
      verifyBlockInclusion(trusted, bytesOf(chain, payment), pathOf(included, other)),
      verifyPayment(trusted, bytesOf(chain, payment), path, 0),
    ];
    for (const outcome of wrong) expect(outcome).toMatchObject({ code: 'proof-invalid' });
  });

  it('show that a payment was applied and what it created', () => {
    const path = pathOf(applied, payment);
    const proven = unwrap(verifyPayment(trusted, bytesOf(chain, payment), path, 0));
    expect(proven.output).toEqual(basic(5_000n, bob.address));
    expect(proven.transactionId).toBe(chain.blocks.get(payment)?.transactionId);
    expect(proven.outputId).toBe(outputIdOf(proven.transactionId, 0));
  });

  it('proof-invalid: an output that the payment does not have', () => {
    const path = pathOf(applied, payment);
    for (const index of [2, -1, 0.5]) {
      expect(verifyPayment(trusted, bytesOf(chain, payment), path, index)).toMatchObject({
        code: 'proof-invalid',
      });
    }
  });

  it('show that an output is unspent, and of a spent one nothing', () => {
    const paid = outputIdOf(
      unwrap(verifyPayment(trusted, bytesOf(chain, payment), pathOf(applied, payment), 0))
        .transactionId,
      0,
    );
    const proof = stateTree.proof(paid);
    if (proof === undefined) throw new Error('unspent outputs have a proof');
    const bytes = encodeOutput(basic(5_000n, bob.address));
    const proofBytes = encodeStateProof(proof);
    expect(unwrap(verifyUnspent(trusted, paid, bytes, proofBytes))).toEqual(
      basic(5_000n, bob.address),
    );
    const more = encodeOutput(basic(5_001n, bob.address));
    expect(verifyUnspent(trusted, paid, more, proofBytes)).toMatchObject({ code: 'proof-invalid' });
    const [funds] = chain.start.outputs;
    if (funds === undefined) throw new Error('genesis has an output');
    expect(stateTree.proof(funds.outputId)).toBeUndefined();
    const spent = encodeOutput(funds.output);
    expect(verifyUnspent(trusted, funds.outputId, spent, proofBytes)).toMatchObject({
      code: 'proof-invalid',
    });
  });

  it('never throw on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        expect(verifyBlockInclusion(trusted, a, b).ok).toBe(false);
        expect(verifyBlockInclusion(trusted, bytesOf(chain, payment), b).ok).toBe(false);
        expect(verifyPayment(trusted, a, b, 0).ok).toBe(false);
        expect(verifyUnspent(trusted, outputIdOf(chain.start.transactionId, 0), a, b).ok).toBe(
          false,
        );
      }),
    );
  });
});
