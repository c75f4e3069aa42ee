/**
 * A byzantine seat of a test network: what it signs by hand, with its key, that no honest one does.
 */
import type { ConsensusMessage, Proposal } from '@tanglemail/tangle/core/codec/consensus.ts';
import { encodeConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import { signedMessage, type CertificateKind } from '@tanglemail/tangle/core/codec/certificate.ts';
import { idToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { leaderSeat } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { KeyPair } from '../keys/key-file.ts';
import { mutePeer } from './flood-peer.ts';

/** Who contradicts itself, and where. */
export interface Byzantine {
  readonly networkId: bigint;
  readonly key: KeyPair;
  readonly seat: number;
  readonly seats: number;
}

/** Two proposals for a view that the seat leads and that comes soon after a milestone. */
export function twoProposals(by: Byzantine, { header, body }: Milestone): [Proposal, Proposal] {
  const { epoch } = header;
  const leads = (view: bigint): boolean =>
    leaderSeat(by.networkId, epoch, view, by.seats, nobleHasher) === by.seat;
  let view = header.view + 24n;
  while (!leads(view)) view += 1n;
  const propose = (later: number): Proposal => {
    const own = { ...header, view, timestampMs: header.timestampMs + later };
    const digest = idToBytes(milestoneIdOf(own, nobleHasher));
    const message = signedMessage(by.networkId, 'propose', epoch, view, digest);
    return { epoch, view, header: own, body, signature: signEd25519(by.key.secretKey, message) };
  };
  return [propose(1), propose(2)];
}

/** Evidence of two votes of one kind for different milestones. */
export function twoVotes(
  by: Byzantine,
  { epoch, view, kind = 'notarize' }: { epoch: number; view: bigint; kind?: CertificateKind },
): Evidence {
  const vote = (byte: number) => {
    const digest = new Uint8Array(32).fill(byte);
    const message = signedMessage(by.networkId, kind, epoch, view, digest);
    const signature = signEd25519(by.key.secretKey, message);
    return { kind, epoch, view, digest, seat: by.seat, signature };
  };
  return { kind: 'votes', seat: by.seat, pair: [vote(2), vote(1)] };
}

/** Says what is made to the peers at these addresses, as a peer of theirs. */
export async function publishTo(
  addresses: readonly string[],
  networkId: bigint,
  make: () => Promise<readonly Proposal[]>,
): Promise<void> {
  const peer = await mutePeer(addresses, networkId);
  await peer.start();
  try {
    while (peer.peers().length < addresses.length) await pause(50);
    // Peers need a moment to know that this one has the topic too.
    await pause(1_500);
    for (const proposal of await make()) {
      const message: ConsensusMessage = { type: 'proposal', proposal };
      await peer.publishConsensus(encodeConsensusMessage(message), 0);
    }
    await pause(500);
  } finally {
    await peer.stop();
  }
}

async function pause(timeMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, timeMs));
}
