/**
 * Four seats of which one lies, as whole nodes over real connections. The honest ones agree and go
 * on, keep the proof of what it did, and hold none of it against each other for passing it on.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Behaviour } from '../../../test/sim/byzantine.ts';
import { startByzantineSeat } from './testing/byzantine-seat.ts';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { TestNetwork, until } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const TEST_MS = 180_000;
const HONEST = [0, 1, 2];
const LIAR = 3;

/**
 * A seat that hears its own lies falls silent for twice the drift, like one whose disk is old; and
 * short epochs have it lie at their ends too.
 */
const PARAMS = { maxDriftMs: 100, epochLength: 6 };

type Kind = 'votes' | 'proposals';

interface Lying {
  /** Each is told so many times. */
  readonly lies: readonly string[];
  readonly times: number;
  /** At least so many nodes then have a proof of the kind. */
  readonly proofs?: Partial<Record<Kind, number>>;
}

/** How many of the nodes keep proof of this kind. */
async function proven(net: CommitteeNetwork, kind: Kind): Promise<number> {
  const kept = new RegExp(`^tangle_agreement_evidence_total\\{kind="${kind}"\\} [1-9]`, 'm');
  const pages = net.running.map(({ node }) => node.metrics.registry.metrics());
  return (await Promise.all(pages)).filter((page) => kept.test(page)).length;
}

/** Plays until each of `lies` was told `times` times and the honest seats have gone on after it. */
async function play(behaviours: readonly Behaviour[], { lies, times, proofs = {} }: Lying) {
  const net = new CommitteeNetwork(network, { seats: 4, params: PARAMS });
  await net.start(HONEST);
  const { counts, mouths } = await startByzantineSeat(net, network, { seat: LIAR, behaviours });
  net.users();
  await until(() => lies.every((lie) => (counts()[lie] ?? 0) >= times));
  // Who is caught at both in one view is charged with one.
  for (const [kind, nodes] of Object.entries(proofs)) {
    await until(async () => (await proven(net, kind as Kind)) >= nodes);
  }
  await net.goesOn(6);
  expect(await net.forks()).toEqual([]);
  // The mouths earned what they get; the honest ones have nothing to hold against anybody else.
  for (const seat of HONEST) {
    const { node } = net.at(seat);
    const banned = node.control.bans().bans.map(({ id }) => id);
    expect(banned.filter((id) => !mouths.includes(id))).toEqual([]);
    const peers = node.query.peers().filter(({ id }) => !mouths.includes(id));
    expect(peers.length).toBe(3);
    for (const { points } of peers) expect(points).toBe(0);
  }
  await net.stop();
  return net;
}

describe('a seat that lies', () => {
  it(
    'tells each half something else: all honest nodes have the proof, and none against others',
    async () => {
      const lies = ['equivocating', 'double-voting'] as const;
      const net = await play(lies, { lies, times: 4, proofs: { proposals: 3, votes: 1 } });
      const proofs = await Promise.all(HONEST.map((seat) => net.evidence(seat)));
      for (const kept of proofs) {
        expect(new Set(kept.map(({ seat }) => seat))).toEqual(new Set([LIAR]));
        expect(new Set(kept.map(({ kind }) => kind))).toContain('proposals');
      }
      expect(proofs.flat().map(({ kind }) => kind)).toContain('votes');
    },
    TEST_MS,
  );

  it(
    'says what is old, broken, or of the next epoch: nobody takes it, and it proves nothing',
    async () => {
      const lies = ['early', 'stale'] as const;
      const net = await play(lies, { lies, times: 3 });
      for (const seat of HONEST) expect(await net.evidence(seat)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'proposes milestones with false roots: they are nullified',
    async () => {
      const net = await play(['invalid-roots'], { lies: ['invalid-roots'], times: 3 });
      for (const seat of HONEST) expect(await net.evidence(seat)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'says nothing at all: the others do without it',
    async () => {
      const net = await play(['silent'], { lies: ['silent'], times: 6 });
      for (const seat of HONEST) expect(await net.evidence(seat)).toEqual([]);
    },
    TEST_MS,
  );
});
