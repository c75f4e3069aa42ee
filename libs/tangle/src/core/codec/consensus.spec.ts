/** Consensus messages: bytes, one test for each code, the worked example of the spec page. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_MILESTONE_PARENTS } from '../params/limits.ts';
import { signedMessage } from './certificate.ts';
import {
  addAttempt,
  decodeConsensusMessage,
  dropAttempt,
  encodeConsensusMessage,
  MAX_CONSENSUS_SIZE,
  type ConsensusMessage,
} from './consensus.ts';
import { bytesToHex, type BlockId, type MilestoneId } from './ids.ts';

const root = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const signature = new Uint8Array(64).fill(7);
const nullify: ConsensusMessage = {
  type: 'vote',
  vote: { kind: 'nullify', epoch: 1, view: 7n, digest: root(0), seat: 2, signature },
};

function proposalOf(epoch: number, view: bigint, parents: number): ConsensusMessage {
  const ids = Array.from({ length: parents }, (_, at) => at.toString(16).padStart(64, '0'));
  return {
    type: 'proposal',
    proposal: {
      epoch,
      view,
      signature,
      header: {
        version: 1,
        epoch,
        index: 3,
        view,
        timestampMs: 1_700_000_000_000,
        previousId: '99'.repeat(32) as MilestoneId,
        parentsRoot: root(1),
        inclusionRoot: root(2),
        appliedRoot: root(3),
        stateRoot: root(4),
        committeeRoot: root(5),
        optionsRoot: root(6),
      },
      body: { parents: ids as BlockId[], options: { powLoadBits: 2 } },
    },
  };
}

const certificate: ConsensusMessage = {
  type: 'certificate',
  certificate: {
    kind: 'ratify',
    epoch: 1,
    view: 7n,
    digest: root(9),
    bitmapLength: 1,
    signers: [0, 2, 3],
    signatures: [signature, signature, signature],
  },
};

describe('a consensus message', () => {
  it('comes back as it was, whatever it holds', () => {
    const proposals = fc
      .tuple(fc.nat(), fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: 1, max: 20 }))
      .map(([epoch, view, parents]) => proposalOf(epoch, view, parents));
    fc.assert(
      fc.property(fc.oneof(proposals, fc.constantFrom(nullify, certificate)), (message) => {
        const bytes = encodeConsensusMessage(message);
        expect(decodeConsensusMessage(bytes)).toEqual({ ok: true, value: message });
      }),
    );
  });

  it('fits its limit with all the parents that a milestone may name', () => {
    const bytes = encodeConsensusMessage(proposalOf(1, 2n, MAX_MILESTONE_PARENTS));
    expect(bytes.length).toBeLessThanOrEqual(MAX_CONSENSUS_SIZE);
    expect(decodeConsensusMessage(bytes).ok).toBe(true);
  });

  it('has the bytes of the worked example', () => {
    const bytes = bytesToHex(encodeConsensusMessage(nullify));
    const expected = `0202010000000700000000000000${'00'.repeat(32)}02${'07'.repeat(64)}`;
    expect(bytes).toBe(expected);
    const signed = bytesToHex(signedMessage(5n, 'nullify', 1, 7n, root(0)));
    const tail = `02010000000700000000000000${'00'.repeat(32)}`;
    expect(signed).toBe(`544d310500000000000000${tail}`);
  });

  it('stands behind its attempt in gossip: other bytes each time, the same message', () => {
    const message = encodeConsensusMessage(nullify);
    expect(bytesToHex(addAttempt(message, 2))).toBe(`02${bytesToHex(message)}`);
    expect(addAttempt(message, 0)).toHaveLength(112);
    expect(bytesToHex(addAttempt(message, 255).subarray(0, 2))).toBe('ff02');
    expect(addAttempt(message, 256)).toEqual(addAttempt(message, 0));
    expect(dropAttempt(addAttempt(message, 7))).toEqual(message);
    expect(decodeConsensusMessage(dropAttempt(new Uint8Array()))).toMatchObject({ ok: false });
    expect(() => addAttempt(new Uint8Array(MAX_CONSENSUS_SIZE + 1), 0)).toThrow();
  });

  it('too-large', () => {
    const bytes = new Uint8Array(MAX_CONSENSUS_SIZE + 1);
    expect(decodeConsensusMessage(bytes)).toMatchObject({ code: 'too-large' });
  });

  it('truncated and trailing-bytes: at every length', () => {
    for (const message of [nullify, certificate, proposalOf(1, 2n, 3)]) {
      const bytes = encodeConsensusMessage(message);
      for (let length = 0; length < bytes.length; length += 1) {
        expect(decodeConsensusMessage(bytes.subarray(0, length)).ok).toBe(false);
      }
      const longer = new Uint8Array([...bytes, 0]);
      expect(decodeConsensusMessage(longer)).toMatchObject({ code: 'trailing-bytes' });
    }
  });

  it('consensus-type-unknown', () => {
    expect(decodeConsensusMessage(new Uint8Array([4, 1]))).toMatchObject({
      code: 'consensus-type-unknown',
    });
  });

  it('certificate-kind-unknown: a vote to propose', () => {
    const bytes = encodeConsensusMessage(nullify);
    bytes[1] = 4;
    expect(decodeConsensusMessage(bytes)).toMatchObject({ code: 'certificate-kind-unknown' });
  });

  it('not-canonical: a nullify with a digest', () => {
    const bytes = encodeConsensusMessage(nullify);
    bytes[20] = 1;
    expect(decodeConsensusMessage(bytes)).toMatchObject({ code: 'not-canonical' });
  });
});
