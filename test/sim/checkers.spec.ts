// Every checker can fail: nodes that run well are broken on purpose, one thing at a time.
import { describe, expect, it } from '@jest/globals';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import type { Alter } from './byzantine.ts';
import type { CheckedRule } from './checkers.ts';
import type { SimNode } from './node.ts';
import { fastSigning } from './signing.ts';
import type { SimOptions } from './setup.ts';
import { simulate } from './world.ts';

const tools = { hasher: await bestHasher(), signing: fastSigning() };
const CALM = { seed: 11, nodes: 4, byzantine: 0, faultsMax: 0, phaseMs: 8_000 };

/** Rules that are broken when nodes are sabotaged. */
function brokenBy(sabotage: NonNullable<SimOptions['sabotage']>): Set<CheckedRule> {
  return new Set(simulate({ ...CALM, sabotage }, tools).violations.map(({ rule }) => rule));
}

/** The same where bonds elect the committees. */
function brokenInElections(sabotage: NonNullable<SimOptions['sabotage']>): Set<CheckedRule> {
  const options = { ...CALM, isElecting: true, phaseMs: 12_000 };
  const { violations, faults } = simulate({ ...options, sabotage }, tools);
  expect(faults['election']).toBeGreaterThan(0);
  return new Set(violations.map(({ rule }) => rule));
}

/** Breaks seat 1 at each commit. */
function atCommits(spoil: (node: SimNode) => void): NonNullable<SimOptions['sabotage']> {
  return (node, moment) => {
    if (moment === 'committed' && node.seat === 1) spoil(node);
  };
}

/** Has seat 1 say something else. */
function saying(alter: Alter): NonNullable<SimOptions['sabotage']> {
  return (node, moment) => {
    if (moment === 'made' && node.seat === 1) node.alter = alter;
  };
}

describe('the checkers', () => {
  it('find nothing where nothing is broken', () => {
    expect(brokenBy(() => undefined)).toEqual(new Set());
  });

  it('same-order: find a node that applies blocks in another order', () => {
    const reverse = atCommits(({ disk }) => {
      const last = disk.chain.pop()!;
      disk.chain.push({ ...last, included: last.included.toReversed() });
    });
    expect(brokenBy(reverse)).toContain('same-order');
  });

  it('same-ledger: find an output that a node has lost', () => {
    const lose = atCommits(({ disk }) => {
      for (const id of [...disk.ledger.unspent.keys()].slice(0, 1)) disk.ledger.unspent.delete(id);
    });
    expect(brokenBy(lose)).toContain('same-ledger');
  });

  it('constant-supply: find an output that is worth more than it was', () => {
    const enrich = atCommits(({ disk }) => {
      const [id, record] = [...disk.ledger.unspent].at(-1)!;
      const amount = record.output.amount + 1n;
      disk.ledger.unspent.set(id, { ...record, output: { ...record.output, amount } });
    });
    expect(brokenBy(enrich)).toContain('constant-supply');
  });

  it('spent-once: find an output that two milestones spend', () => {
    const spent: OutputId[] = [];
    const again = (node: SimNode, moment: 'made' | 'committed'): void => {
      if (moment === 'made') return;
      const { chain } = node.disk;
      const last = chain.pop()!;
      chain.push({ ...last, consumed: [...last.consumed, ...spent.slice(0, 1)] });
      if (node.seat === 0) spent.push(...last.consumed);
    };
    expect(brokenBy(again)).toContain('spent-once');
  });

  it('find nothing where nothing is broken, and committees change', () => {
    expect(brokenInElections(() => undefined)).toEqual(new Set());
  });

  it('same-committee: find a node that has the seats in another order', () => {
    const swap = atCommits(({ disk }) => {
      const last = disk.chain.pop()!;
      const state = { ...last.state, committee: last.state.committee.toReversed() };
      disk.chain.push({ ...last, state });
    });
    expect(brokenBy(swap)).toEqual(new Set(['same-committee']));
  });

  it('same-committee: find a node that does not know who was elected', () => {
    const forget = atCommits(({ disk }) => {
      const last = disk.chain.pop()!;
      disk.chain.push({ ...last, state: { ...last.state, elected: undefined } });
    });
    expect(brokenBy(forget)).toEqual(new Set());
    expect(brokenInElections(forget)).toEqual(new Set(['same-committee']));
  });

  it('certified: find a milestone that too few signed', () => {
    const weaken = atCommits(({ disk }) => {
      const last = disk.chain.pop()!;
      const { certificate } = last.milestone;
      const few = { ...certificate, signers: certificate.signers.slice(1) };
      disk.chain.push({ ...last, milestone: { ...last.milestone, certificate: few } });
    });
    expect(brokenBy(weaken)).toContain('certified');
  });

  it('elected-by-bonds: find a committee that the bonds do not give', () => {
    // All nodes agree, as they all miscount.
    const miscount = (node: SimNode, moment: 'made' | 'committed'): void => {
      if (moment === 'made') return;
      const { bonds } = node.disk.latest.state;
      const few = bonds.candidates().slice(0, 4);
      bonds.candidates = () => few;
    };
    expect(brokenInElections(miscount)).toContain('elected-by-bonds');
  });

  it('honest-evidence: find a seat that contradicts itself', () => {
    const contradict = saying((node, _, message) => {
      if (message.type !== 'vote' || message.vote.kind !== 'finalize') return undefined;
      const { epoch, view, seat } = message.vote;
      const nullify = { kind: 'nullify', epoch, view, digest: new Uint8Array(32) } as const;
      const signature = node.signStatement(nullify);
      return [message, { type: 'vote', vote: { ...nullify, seat, signature } }];
    });
    expect(brokenBy(contradict)).toContain('honest-evidence');
  });

  it('honest-refused: find a seat that would be banned for what it says', () => {
    const forge = saying((_, __, message) => {
      if (message.type !== 'vote') return undefined;
      const signature = message.vote.signature.map((byte) => byte ^ 1);
      return [{ type: 'vote', vote: { ...message.vote, signature } }];
    });
    expect(brokenBy(forge)).toContain('honest-refused');
  });

  it('convergence: find a node that stays behind', () => {
    const deafen = (node: SimNode): void => {
      if (node.seat === 1) node.receive = () => undefined;
    };
    expect(brokenBy(deafen)).toContain('convergence');
  });

  it('block-left-behind: find blocks that no leader takes in', () => {
    const neglect = (node: SimNode, moment: 'made' | 'committed'): void => {
      if (moment === 'made' || node.disk.latest.milestone.header.index < 3) return;
      const { chain } = node;
      chain.tips.heaviest = (_, __, named) => [...(named ?? [])];
      // Else they would be too old before long, and nobody's fault.
      chain.dag.isBelowMaxDepth = () => false;
      chain.dag.prune = () => [];
    };
    expect(brokenBy(neglect)).toContain('block-left-behind');
  });
});
