/**
 * The driver under the real rules: nodes on the simulation's links and virtual clock, with its
 * chain and disk, whose agreement is the one of a real node.
 */
import { describe, expect, it } from '@jest/globals';
import { signedMessage, type Statement } from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  assembleCertificate,
  checkFinality,
} from '@tanglemail/tangle/core/milestone/certificate.ts';
import { hashWasmBackend, sodiumBackend } from '@tanglemail/tangle/io/accel/hasher.ts';
import type { AgreementNode, Published } from '../../../../test/sim/agreement-node.ts';
import {
  AgreementWorld,
  DELTA_MS,
  type AgreementWorldOptions,
} from '../../../../test/sim/agreement-world.ts';

const hasher = (await sodiumBackend()) ?? (await hashWasmBackend());

function world(options: AgreementWorldOptions): AgreementWorld {
  return new AgreementWorld(options, hasher).start();
}

/** All nodes agree, nothing failed, and nobody honest is accused. */
function sound({ nodes, forks }: AgreementWorld): void {
  expect(forks).toEqual([]);
  expect(nodes.flatMap(({ errors }) => errors)).toEqual([]);
  expect(nodes.flatMap(({ evidence }) => evidence)).toEqual([]);
}

const NO_DIGEST = new Uint8Array(32);

const lowest = (net: AgreementWorld): number => Math.min(...net.indexes);

describe('the agreement of four seats', () => {
  it('makes milestones final, each with a certificate that holds', async () => {
    const net = world({ seats: 4 });
    await net.run(15_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(15);
    const { rules, signing, nodes } = net;
    const { committee, start } = rules;
    const crypto = { hasher, verifier: signing.verifier };
    for (const { milestone } of nodes[2]!.disk.chain.slice(1)) {
      const { header, certificate } = milestone;
      expect(checkFinality(header, certificate, committee, start.networkId, crypto).ok).toBe(true);
    }
  });

  it('confirms what waits, and beats slowly when nothing does', async () => {
    const net = world({ seats: 4 });
    await net.run(5_000);
    net.stopTraffic();
    await net.run(3_000);
    expect(net.nodes.map(({ chain }) => chain.isWaiting(chain.latest.id))).toEqual(
      net.nodes.map(() => false),
    );
    const before = lowest(net);
    await net.run(10_000);
    sound(net);
    // One heartbeat is two seconds.
    expect(lowest(net) - before).toBeGreaterThanOrEqual(3);
    expect(lowest(net) - before).toBeLessThanOrEqual(6);
  });

  it('goes on while one seat is down, whoever leads, and takes it back', async () => {
    const net = world({ seats: 4 });
    await net.run(3_000);
    net.nodes[1]!.crash();
    const before = net.indexes[0]!;
    await net.run(15_000);
    const meanwhile = net.indexes[0]!;
    expect(meanwhile - before).toBeGreaterThan(6);
    expect(net.indexes[1]).toBeLessThan(before + 2);
    net.nodes[1]!.start();
    await net.run(8_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(meanwhile + 4);
  });

  it('stands still without a quorum and goes on when it is back', async () => {
    const net = world({ seats: 4 });
    await net.run(3_000);
    for (const seat of [1, 2]) net.cut(seat);
    await net.run(2_000);
    const before = Math.max(...net.indexes);
    await net.run(20_000);
    expect(Math.max(...net.indexes)).toBe(before);
    for (const seat of [1, 2]) net.cut(seat, false);
    await net.run(8_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(before + 4);
  });

  it('goes on from the disks after the power of all was cut, at whatever moment', async () => {
    const net = world({ seats: 4, seed: 5 });
    for (let cut = 0; cut < 12; cut += 1) {
      await net.run(2_000 + cut * 137);
      for (const node of net.nodes) node.crash();
      await net.run(200);
      for (const node of net.nodes) node.start();
    }
    const before = lowest(net);
    await net.run(6_000);
    sound(net);
    expect(before).toBeGreaterThan(10);
    expect(lowest(net)).toBeGreaterThan(before + 4);
  });

  it('begins every epoch anew and forgets the votes of the one before', async () => {
    const net = world({ seats: 4, params: { epochLength: 3 } });
    await net.run(20_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(12);
    for (const { agreement, chain, disk } of net.nodes) {
      const epoch = Math.floor((chain.latest.header.index + 1) / 3);
      expect(agreement?.state.epoch).toBe(epoch);
      expect(disk.votes.statements.filter((vote) => vote.epoch < epoch)).toEqual([]);
    }
  });

  it('fetches the blocks that a proposal names and that only its leader has', async () => {
    const net = world({ seats: 4 });
    net.stopTraffic();
    await net.run(1_000);
    const { chain } = net.nodes[0]!;
    const before = chain.latest.header.index;
    for (let round = 0; round < 8; round += 1) {
      // Told to one peer only, so that a quorum has to fetch it.
      const data = new Uint8Array([round]);
      const node = net.nodes[round % 4]!;
      node.issue({ kind: 'tagged-data', tag: new Uint8Array([1]), data }, [(round + 1) % 4]);
      await net.run(4_000);
    }
    sound(net);
    expect(net.nodes.some(({ asked }) => asked.length > 0)).toBe(true);
    for (const node of net.nodes) expect(node.chain.isWaiting(node.chain.latest.id)).toBe(false);
    expect(lowest(net)).toBeGreaterThan(before + 8);
  });
});

/** How often each message was said, by its bytes. */
function repeatsOf(node: AgreementNode): Map<string, Published[]> {
  const repeats = new Map<string, Published[]>();
  for (const one of node.published) {
    const key = bytesToHex(encodeConsensusMessage(one.message));
    repeats.set(key, [...(repeats.get(key) ?? []), one]);
  }
  return repeats;
}

describe('a seat that is alone', () => {
  it('makes milestones final, and tells nobody how', async () => {
    const net = world({ seats: 1, observers: 1 });
    const [alone] = net.nodes;
    const told: number[] = [];
    for (let turn = 0; turn < 100; turn += 1) {
      await net.run(50);
      const { epoch, view } = alone!.agreement!.state;
      told.push(alone!.agreement!.messagesFor(epoch, [view, view - 1n], []).length);
    }
    sound(net);
    expect(lowest(net)).toBeGreaterThan(5);
    expect(alone!.published).toEqual([]);
    expect(new Set(told)).toEqual(new Set([0]));
  });
});

describe('what a seat says again', () => {
  it('is nothing while all goes well, and nothing begins anew', async () => {
    const net = world({ seats: 4, params: { epochLength: 8 } });
    await net.run(10_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(10);
    const said = net.nodes.flatMap((node) => Array.from(repeatsOf(node).values()));
    expect(said.length).toBeGreaterThan(100);
    expect(said.filter(({ length }) => length > 1)).toEqual([]);
    // Made, started, and once more for each epoch that was entered; not for what is forgotten.
    for (const { openings, chain } of net.nodes) {
      expect(openings).toBe(2 + Math.floor((chain.latest.header.index + 1) / 8));
    }
  });

  it('has another attempt each time, also after a restart', async () => {
    const net = world({ seats: 4 });
    await net.run(2_000);
    for (const seat of [1, 2]) net.cut(seat);
    await net.run(5_000);
    net.nodes[0]!.crash();
    await net.run(700);
    net.nodes[0]!.start();
    await net.run(6_000);
    const repeated = [...repeatsOf(net.nodes[0]!).values()].filter(({ length }) => length > 10);
    expect(repeated.length).toBeGreaterThan(0);
    for (const said of repeated) {
      expect(new Set(said.map(({ attempt }) => attempt)).size).toBe(said.length);
      const last = said.at(-1)!.atMs;
      expect(said.length).toBeLessThanOrEqual((last - said[0]!.atMs) / DELTA_MS + 2);
    }
  });
});

describe('a final milestone', () => {
  it('is published by the leaders of its view and of the next, and by nobody else', async () => {
    const net = world({ seats: 7 });
    await net.run(15_000);
    sound(net);
    const counts = new Map<number, number>();
    for (const index of net.nodes.flatMap((node) => node.publishedMilestones)) {
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    const settled = [...counts].filter(([index]) => index < lowest(net)).map(([, count]) => count);
    expect(settled.length).toBeGreaterThan(10);
    expect(Math.min(...settled)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...settled)).toBeLessThanOrEqual(2);
  });
});

describe('a node without a seat', () => {
  it('follows all, says nothing, and publishes nothing', async () => {
    const net = world({ seats: 4, observers: 1 });
    await net.run(10_000);
    sound(net);
    const observer = net.nodes[4]!;
    expect(lowest(net)).toBeGreaterThan(10);
    expect(observer.published).toEqual([]);
    expect(observer.publishedMilestones).toEqual([]);
    expect(observer.agreement?.state).toMatchObject({ seat: undefined, isLeading: false });
    expect(observer.agreement?.state).not.toHaveProperty('silent');
  });

  it('takes nothing but certificates while it is far behind, and asks for nothing', async () => {
    const net = world({ seats: 4, observers: 1 });
    const observer = net.nodes[4]!;
    observer.isFollowing = false;
    net.cut(4);
    await net.run(3_000);
    const said = net.nodes.flatMap(({ published }) => published.map(({ message }) => message));
    const votes = said.filter((message) => message.type === 'vote').slice(0, 3);
    const certificate = said.find(({ type }) => type === 'certificate')!;
    const take = (message: ConsensusMessage): string | undefined =>
      observer.agreement?.onMessage(message);
    expect(votes.map(take)).toEqual(['ignore', 'ignore', 'ignore']);
    expect(take(certificate)).toBe('accept');
    await net.run(3_000);
    expect(observer.requests).toBe(0);
    observer.isFollowing = true;
    expect(votes.map(take)).toContain('accept');
    net.cut(4, false);
    await net.run(5_000);
    sound(net);
    expect(net.indexes[4]).toBeGreaterThan(10);
  });
});

describe('a silent seat', () => {
  const saidBy = (node: AgreementNode): number => node.published.length;

  it('listens, and speaks when its memory may be trusted again', async () => {
    const net = world({ seats: 4 });
    const [, silent] = net.nodes;
    silent!.crash();
    Object.assign(silent!.silence, { from: undefined, reason: 'log-missing' });
    silent!.start();
    await net.run(5_000);
    expect(saidBy(silent!)).toBe(0);
    expect(silent!.disk.votes.statements).toEqual([]);
    expect(silent!.agreement?.state).toMatchObject({ seat: 1, silent: 'log-missing' });
    const { view } = silent!.agreement!.state;
    silent!.silence.from = view + 3n;
    await net.run(8_000);
    sound(net);
    expect(saidBy(silent!)).toBeGreaterThan(0);
    expect(silent!.agreement?.state).not.toHaveProperty('silent');
    const votes = silent!.published.flatMap(({ message }) =>
      message.type === 'vote' && message.vote.kind !== 'ratify' ? [message.vote.view] : [],
    );
    expect(votes.filter((one) => one < view + 3n)).toEqual([]);
  });

  it('waits for its node to have followed the network once', async () => {
    const net = world({ seats: 4 });
    const [, behind] = net.nodes;
    behind!.crash();
    behind!.isFollowing = false;
    behind!.start();
    await net.run(3_000);
    expect(saidBy(behind!)).toBe(0);
    expect(behind!.agreement?.state.silent).toBe('catching-up');
    expect(behind!.silence.caughtUpAt).toEqual([0]);
    behind!.isFollowing = true;
    await net.run(3_000);
    behind!.isFollowing = false;
    const before = saidBy(behind!);
    await net.run(3_000);
    sound(net);
    expect(before).toBeGreaterThan(0);
    expect(saidBy(behind!)).toBeGreaterThan(before);
  });

  it.each(['vote', 'certificate'] as const)(
    'falls silent at once when it hears a %s of its own that it does not remember',
    async (type) => {
      const net = world({ seats: 4 });
      await net.run(3_000);
      net.cut(1);
      const { silence, published, agreement } = net.nodes[1]!;
      const { epoch, view } = agreement!.state;
      const statement = { kind: 'nullify', epoch, view: view + 1n, digest: NO_DIGEST } as const;
      const before = published.length;
      expect(agreement!.onMessage(spoken(net, statement, [0, 2, 3], type))).toBe('accept');
      expect(silence.foreign).toEqual([]);
      const later = { ...statement, view: view + 2n };
      expect(agreement!.onMessage(spoken(net, later, [0, 1, 2], type))).toBe('accept');
      expect(silence.foreign).toEqual([view + 2n]);
      await net.run(2_000);
      expect(published.slice(before)).toEqual([]);
      expect(agreement!.state.silent).toBeDefined();
    },
  );
});

describe('two seats of four that lost their logs, by the operator’s word', () => {
  /** Milestones of the least in ten seconds after the loss, which comes after `ms`. */
  async function afterLoss(ms: number, passesOver: boolean): Promise<number> {
    const net = world({ seats: 4 });
    await net.run(ms);
    const [kept, lost] = [net.nodes.slice(0, 2), net.nodes.slice(2)];
    for (const node of lost) node.crash();
    await net.run(3_000);
    const views = kept.map(({ chain }) => chain.latest.header.view);
    const from = views.reduce((a, b) => (a > b ? a : b)) + 1n;
    const before = lowest(net);
    for (const node of lost) {
      node.disk.votes.forget({ epoch: 1, view: 0n });
      Object.assign(node.silence, { from, passesOver });
      node.start();
    }
    await net.run(10_000);
    sound(net);
    return lowest(net) - before;
  }

  // At these moments peers are left with votes of theirs above the last final milestone. One seat
  // that falls silent there costs the views that it leads; two would end everything.
  it.each([3_088, 3_132, 3_583, 3_616])(
    'pass over what their peers have of them, lost after %i ms',
    async (ms) => {
      const [silent, passing] = [await afterLoss(ms, false), await afterLoss(ms, true)];
      expect(passing).toBeGreaterThan(silent);
    },
  );
});

/** What these seats sign: a certificate, or the vote of the second one. */
function spoken(
  { rules, signing }: AgreementWorld,
  statement: Statement,
  signers: readonly number[],
  type: 'vote' | 'certificate',
): ConsensusMessage {
  const { kind, epoch, view, digest } = statement;
  const message = signedMessage(rules.start.networkId, kind, epoch, view, digest);
  const votes = signers.map((seat) => ({
    ...statement,
    seat,
    signature: signing.sign(seat, message),
  }));
  if (type === 'vote') return { type, vote: votes[1]! };
  return { type, certificate: assembleCertificate(votes, 4)! };
}

describe('a committee of one', () => {
  it('makes milestones, and no message of the agreement leaves the node', async () => {
    const net = world({ seats: 1, observers: 1 });
    await net.run(10_000);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(15);
    const [seat, follower] = net.nodes;
    expect([seat!.published, follower!.published]).toEqual([[], []]);
    expect(seat!.publishedMilestones.length).toBeGreaterThan(15);
    expect([seat!.requests, follower!.requests]).toEqual([0, 0]);
  });
});

describe('the end', () => {
  it('comes when the log cannot be written: nothing is signed or said any more', async () => {
    const net = world({ seats: 4 });
    await net.run(2_000);
    const [broken] = net.nodes;
    const error = new Error('disk full');
    broken!.disk.votes.sync = () => {
      throw error;
    };
    await net.run(1_000);
    expect(broken!.errors).toEqual([error]);
    const said = broken!.published.length;
    await net.run(5_000);
    expect(broken!.published.length).toBe(said);
    const last = net.nodes[1]!.published.at(-1)!.message;
    expect(broken!.agreement?.onMessage(last)).toBe('ignore');
  });

  it('is orderly: no timer, no message, and what was being written is closed', async () => {
    const net = world({ seats: 4 });
    await net.run(2_000);
    const [node] = net.nodes;
    let isStopped = false;
    void node!.agreement?.stop().then(() => (isStopped = true));
    const said = node!.published.length;
    await net.run(5_000);
    expect([isStopped, node!.published.length]).toEqual([true, said]);
    expect(node!.agreement?.messagesFor(0, [1n], [])).toEqual([]);
    sound(net);
    expect(lowest(net)).toBeGreaterThan(5);
  });
});
