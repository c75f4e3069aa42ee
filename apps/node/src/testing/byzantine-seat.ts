/**
 * A seat of a committee that lies, as a whole node over real connections: its core is an honest
 * one, what it would say goes through the alterations of the simulation instead. It has two mouths,
 * peers of their own, each connected to one half of the others, which tell their halves different
 * things at the same time; the others pass on what they take.
 */
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { digestId } from '@tanglemail/tangle/core/consensus/round.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import {
  alterBy,
  type Behaviour,
  type ByzantineSeat as Liar,
} from '../../../../test/sim/byzantine.ts';
import { SeededRandom } from '../../../../test/sim/random.ts';
import { Tally } from '../../../../test/sim/tally.ts';
import type { AgreementWire } from '../agreement/ports.ts';
import { keyAt, type CommitteeNetwork } from './committee-network.ts';
import { mutePeer } from './flood-peer.ts';
import { until, type TestNetwork } from './test-network.ts';

/** Views whose proposals the seat remembers. */
const MAX_PROPOSALS = 256;

export interface ByzantineSeat {
  /** What it did so far, by name. */
  readonly counts: () => Readonly<Record<string, number>>;
  /** Peers that lied in its name. */
  readonly mouths: readonly string[];
}

/** Starts the seat, with peers that run already. */
export async function startByzantineSeat(
  net: CommitteeNetwork,
  network: TestNetwork,
  { seat, behaviours }: { seat: number; behaviours: readonly Behaviour[] },
): Promise<ByzantineSeat> {
  const mouths = await Promise.all([0, 1].map((half) => openMouth(net, network, half)));
  const tally = new Tally();
  const tools = {
    hasher: nobleHasher,
    random: new SeededRandom(seat),
    tally,
    collusion: { twins: new Map(), said: [] },
  };
  const alter = alterBy(behaviours, tools);
  const liar = liarOf(net, seat);
  const publish = (message: ConsensusMessage, attempt: number): void => {
    liar.hear(message);
    for (const [half, mouth] of mouths.entries()) {
      for (const told of alter(liar, half, message) ?? [message]) say(mouth, told, attempt);
    }
  };
  const wrapWire = (wire: AgreementWire): AgreementWire => ({ ...wire, publish });
  await net.start([seat], { wrapWire });
  return {
    counts: () => tally.counts,
    mouths: mouths.map(({ key }) => key),
  };
}

/** What a mouth says while the test ends nobody need hear. */
function say(mouth: TangleNetwork, message: ConsensusMessage, attempt: number): void {
  mouth.publishConsensus(encodeConsensusMessage(message), attempt).catch(() => undefined);
}

async function openMouth(
  net: CommitteeNetwork,
  network: TestNetwork,
  half: number,
): Promise<TangleNetwork> {
  const listeners = net.running.filter((_, place) => place % 2 === half);
  const addresses = listeners.flatMap(({ node }) => node.addresses());
  const mouth = await mutePeer(addresses, net.root.networkId);
  network.onClose(() => mouth.stop());
  await mouth.start();
  await until(() => mouth.peers().length === listeners.length);
  return mouth;
}

/** It knows what was proposed by its own proposals, and by its votes for those of others. */
function liarOf(
  net: CommitteeNetwork,
  seat: number,
): Liar & { hear(message: ConsensusMessage): void } {
  const { secretKey } = keyAt(seat);
  const proposals = new Map<bigint, MilestoneId>();
  const note = (view: bigint, id: MilestoneId): void => {
    proposals.set(view, id);
    for (const oldest of proposals.keys()) {
      if (proposals.size <= MAX_PROPOSALS) break;
      proposals.delete(oldest);
    }
  };
  return {
    signStatement: ({ kind, epoch, view, digest }) =>
      signEd25519(secretKey, signedMessage(net.root.networkId, kind, epoch, view, digest)),
    proposalAt: (view) => proposals.get(view),
    // A node builds in its own time: it says the last milestone of an epoch again as it is.
    buildOn: () => undefined,
    hear: (message) => {
      if (message.type === 'proposal') {
        const { view, header } = message.proposal;
        note(view, milestoneIdOf(header, nobleHasher));
      } else if (message.type === 'vote' && message.vote.kind === 'notarize') {
        note(message.vote.view, digestId(message.vote));
      }
    },
  };
}
