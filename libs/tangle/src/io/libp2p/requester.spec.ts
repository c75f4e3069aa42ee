/** Whom a request goes to, in which order, and what becomes of it when a peer is bad. */
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { encodeConsensusMessage } from '../../core/codec/consensus.ts';
import type { SyncStatus } from '../../core/codec/frame.ts';
import type { MilestoneId } from '../../core/codec/ids.ts';
import { until } from '../testing/until.ts';
import { PeerPerformance, PeerRota } from './peer-performance.ts';
import type { PeerSession, RequestBody, RequestDetails, RequestResult } from './peer-session.ts';
import { Requester } from './requester.ts';
import { DEFAULT_LIMITS, NO_METRICS, type NetworkLimits } from './types.ts';

const HAS_ALL: SyncStatus = { solidIndex: 100, latestIndex: 100, prunedIndex: 0, peers: 1 };
const TIMING = { firstFrameMs: 10, totalMs: 20, bytes: 1_000 };

interface Asked {
  readonly peer: string;
  readonly body: RequestBody;
  readonly answer: (items: Uint8Array[], complete?: boolean) => void;
  readonly fail: (failure: 'timed-out' | 'refused') => void;
  readonly begin: () => void;
}

/** A requester over peers whose answers the test gives. */
class Bench {
  readonly asked: Asked[] = [];
  readonly reports: string[] = [];
  readonly requester: Requester;
  readonly #sessions: PeerSession[] = [];
  /** Peers that subscribe to the agreement. */
  readonly consensusPeers = new Set<string>();
  nowMs = 0;

  constructor(limits: Partial<NetworkLimits> = {}) {
    this.requester = new Requester(
      { ...DEFAULT_LIMITS, hedgeMs: 60_000, ...limits },
      {
        sessions: () => this.#sessions,
        consensusPeers: () => this.consensusPeers,
        report: ({ key }, finding) => this.reports.push(`${key} ${finding}`),
        hasher: nobleHasher,
        metrics: NO_METRICS,
        nowMs: () => this.nowMs,
      },
    );
  }

  peer(key: string, status: SyncStatus = HAS_ALL): void {
    const session = {
      key,
      status,
      inFlight: 0,
      outbound: { ended: false },
      request: (body: RequestBody, details: RequestDetails) =>
        this.#onRequest(session, body, details),
    };
    this.#sessions.push(session as unknown as PeerSession);
  }

  /** Lets what was set off run. */
  async turn(): Promise<void> {
    await new Promise(setImmediate);
  }

  get peers(): string[] {
    return this.asked.map(({ peer }) => peer);
  }

  #onRequest(
    session: { key: string; inFlight: number },
    body: RequestBody,
    { onFirstFrame, signal }: RequestDetails,
  ): Promise<RequestResult> {
    const { promise, resolve } = Promise.withResolvers<RequestResult>();
    session.inFlight += 1;
    const settle = (result: RequestResult): void => {
      session.inFlight -= 1;
      resolve(result);
    };
    signal?.addEventListener('abort', () => settle({ ok: false, failure: 'aborted' }));
    this.asked.push({
      peer: session.key,
      body,
      answer: (items, complete = true) =>
        settle({ ok: true, answer: { items, complete }, timing: TIMING }),
      fail: (failure) => settle({ ok: false, failure }),
      begin: () => onFirstFrame?.(),
    });
    return promise;
  }
}

const ITEM = Uint8Array.of(1);

describe('requests', () => {
  it('leave their line by priority, and in order of arrival within one', async () => {
    const bench = new Bench({ maxInFlight: 3, maxInFlightPerPeer: 1 });
    bench.peer('a');
    const done: string[] = [];
    const ask = (name: string, priority: 'milestone' | 'window' | 'parents' | 'background') =>
      bench.requester.milestones(1, 1, { priority }).then(() => done.push(name));
    const all = [
      ask('first', 'background'),
      ask('later', 'background'),
      ask('window 1', 'window'),
      ask('window 2', 'window'),
      ask('parents', 'parents'),
      ask('next', 'milestone'),
    ];
    await bench.turn();
    expect(bench.requester.counts()).toEqual({
      queued: 5,
      queuedBy: { milestone: 1, window: 2, parents: 1, background: 1 },
      pending: 1,
      failed: 0,
    });
    for (let count = 0; count < all.length; count++) {
      bench.asked[count]?.answer([ITEM]);
      await bench.turn();
    }
    await Promise.all(all);
    expect(done).toEqual(['first', 'next', 'window 1', 'window 2', 'parents', 'later']);
  });

  it('for later milestones leave places to what is urgent', async () => {
    const bench = new Bench();
    bench.peer('a');
    for (let count = 0; count < 10; count++) {
      void bench.requester.cones(count + 1, 1, { priority: 'window' });
    }
    await bench.turn();
    expect(bench.asked).toHaveLength(DEFAULT_LIMITS.maxInFlightPerPeer - 2);
    void bench.requester.cones(1, 1, { priority: 'milestone' });
    await bench.turn();
    expect(bench.asked).toHaveLength(DEFAULT_LIMITS.maxInFlightPerPeer - 1);
  });

  it('go to a second peer when the first does not begin, and the first answer counts', async () => {
    const bench = new Bench({ hedgeMs: 5 });
    bench.peer('hung');
    bench.peer('good');
    const asked = bench.requester.milestones(1, 1, { peer: 'hung' });
    await until(() => bench.asked.length >= 2);
    bench.asked[1]?.answer([ITEM]);
    expect(await asked).toMatchObject({ peer: 'good' });
    // The hung one holds its own place until its time is over.
    expect(bench.requester.counts()).toMatchObject({ pending: 1, failed: 0 });
    bench.asked[0]?.fail('timed-out');
    await bench.turn();
    expect(bench.requester.counts()).toMatchObject({ pending: 0, failed: 1 });
  });

  it('stay with a peer that has begun', async () => {
    const bench = new Bench({ hedgeMs: 5 });
    bench.peer('a');
    bench.peer('b');
    const asked = bench.requester.milestones(1, 1, { peer: 'a' });
    await bench.turn();
    bench.asked[0]?.begin();
    await new Promise((resolve) => setTimeout(resolve, 20));
    bench.asked[0]?.answer([ITEM]);
    await asked;
    expect(bench.peers).toEqual(['a']);
  });

  it('go to those that say that they have it, and never to those that pruned it', async () => {
    const bench = new Bench();
    bench.peer('pruned', { ...HAS_ALL, prunedIndex: 50 });
    bench.peer('behind', { ...HAS_ALL, solidIndex: 10 });
    bench.peer('good');
    const asked = bench.requester.cone(50);
    await bench.turn();
    bench.asked[0]?.answer([]);
    await bench.turn();
    bench.asked[1]?.answer([]);
    expect((await asked).items).toEqual([]);
    expect(bench.peers).toEqual(['good', 'behind']);
  });

  it('ask nobody else when only one is meant, and not whom they except', async () => {
    const bench = new Bench();
    bench.peer('a');
    bench.peer('b');
    const only = bench.requester.milestones(1, 1, { peer: 'b', only: true });
    await bench.turn();
    bench.asked[0]?.answer([]);
    expect(await only).toMatchObject({ peer: 'b', items: [] });
    const except = new Set(['a', 'b']);
    await expect(bench.requester.milestones(1, 1, { except })).rejects.toMatchObject({
      code: 'no-peers',
    });
    expect(bench.peers).toEqual(['b']);
  });

  it('split cones, say when one is too large, and report a list without an end', async () => {
    const bench = new Bench();
    bench.peer('a');
    const end = new Uint8Array();
    const ask = async (items: Uint8Array[], complete = true) => {
      const cones = bench.requester.cones(5, 3);
      await bench.turn();
      bench.asked.at(-1)?.answer(items, complete);
      return (await cones).cones;
    };
    expect(await ask([ITEM, ITEM, end, end])).toEqual([[ITEM, ITEM], []]);
    expect(await ask([], false)).toEqual([]);
    expect(bench.reports).toEqual([]);
    expect(await ask([ITEM, end, ITEM])).toEqual([]);
    expect(await ask([end, end, end, end])).toEqual([]);
    expect(bench.reports).toEqual(['a answer-invalid', 'a answer-invalid']);
  });

  it('do not blame the peer that says that a cone is too large for one answer', async () => {
    const bench = new Bench({ hedgeMs: 1 });
    bench.peer('a');
    bench.peer('b');
    const sent: string[] = [];
    const asked = bench.requester.cones(1, 1, { onSent: (peer) => sent.push(peer) });
    await until(() => bench.asked.length >= 2);
    // The other one, still silent, is not waited for.
    bench.asked[1]?.answer([], false);
    expect(await asked).toEqual({ cones: [], peer: bench.asked[1]?.peer });
    expect(sent).toEqual(bench.peers);
    bench.asked[0]?.answer([], false);
    await bench.turn();
    const many = Array.from({ length: 8 }, () => bench.requester.milestones(1, 1));
    // Before a second peer is asked, which is a millisecond away.
    for (const { begin } of bench.asked.slice(2)) begin();
    await bench.turn();
    expect(bench.peers.slice(2).toSorted().join('')).toBe('aaaabbbb');
    for (const { answer } of bench.asked.slice(2)) answer([ITEM]);
    await Promise.all(many);
  });

  it('come less often than the peer allows, and leave some to what is urgent', async () => {
    const many = { maxInFlight: 1_000, maxInFlightPerPeer: 1_000 };
    const bench = new Bench({ requestsPerSecond: 10, requestsBurst: 50, ...many });
    bench.peer('a');
    const ask = (priority: 'milestone' | 'window'): void =>
      void bench.requester.cones(1, 1, { priority }).catch(() => undefined);
    const askedNow = async (): Promise<number> => {
      const before = bench.asked.length;
      bench.requester.wake();
      await bench.turn();
      for (const { answer } of bench.asked.slice(before)) answer([ITEM]);
      await bench.turn();
      return bench.asked.length - before;
    };
    for (let count = 0; count < 100; count++) ask('window');
    const windows = bench.asked.length;
    expect(windows).toBe(24);
    for (let count = 0; count < 100; count++) ask('milestone');
    expect(bench.asked.length - windows).toBe(16);
    for (const { answer } of bench.asked) answer([ITEM]);
    let all = bench.asked.length;
    while (bench.nowMs < 10_000) {
      bench.nowMs += 100;
      all += await askedNow();
    }
    // A burst of 50 and 10 a second: never more than the peer lets pass.
    expect(all).toBeGreaterThan(100);
    expect(all).toBeLessThan(50 + 100);
    bench.requester.stop();
  });

  it('let a busy peer rest, longer each time until it answers again', async () => {
    const bench = new Bench();
    bench.peer('a');
    const restMs: number[] = [];
    for (const outcome of ['busy', 'busy', 'busy', 'busy', 'busy', 'busy', 'answer', 'busy']) {
      const startMs = bench.nowMs;
      const before = bench.asked.length;
      const asked = bench.requester.milestones(1, 1, { priority: 'milestone' });
      for (; bench.asked.length === before; bench.requester.wake()) bench.nowMs += 10;
      restMs.push(bench.nowMs - startMs);
      if (outcome === 'answer') bench.asked.at(-1)?.answer([ITEM]);
      else bench.asked.at(-1)?.fail('refused');
      await asked.catch(() => undefined);
    }
    expect(restMs).toEqual([0, 250, 500, 1_000, 2_000, 4_000, 4_000, 0]);
    expect(bench.requester.counts()).toMatchObject({ pending: 0, failed: 7 });
    bench.requester.stop();
  });

  it('wake by themselves when the peer may be asked again', async () => {
    const bench = new Bench();
    const beginMs = performance.now();
    bench.peer('a');
    const refused = bench.requester.milestones(1, 1);
    bench.asked[0]?.fail('refused');
    await expect(refused).rejects.toMatchObject({ code: 'no-peers' });
    const asked = bench.requester.milestones(1, 1);
    const clock = setInterval(() => (bench.nowMs = performance.now() - beginMs), 1);
    await until(() => bench.asked.length === 2);
    clearInterval(clock);
    bench.asked[1]?.answer([ITEM]);
    expect(await asked).toMatchObject({ peer: 'a' });
  });

  it('are refused beyond the bound, and end when the network stops', async () => {
    const bench = new Bench({ maxInFlightPerPeer: 1, maxWaitingRequests: 1 });
    bench.peer('a');
    void bench.requester.milestones(1, 1);
    const waiting = bench.requester.milestones(1, 1).catch((error: unknown) => error);
    await expect(bench.requester.milestones(1, 1)).rejects.toMatchObject({ code: 'busy' });
    bench.requester.stop();
    expect(await waiting).toMatchObject({ code: 'stopped' });
  });
});

describe('requests about the agreement', () => {
  const VOTE = encodeConsensusMessage({
    type: 'vote',
    vote: {
      kind: 'nullify',
      epoch: 1,
      view: 3n,
      digest: new Uint8Array(32),
      seat: 0,
      signature: new Uint8Array(64),
    },
  });
  const WANTED = { epoch: 1, views: [3n], ids: [] };

  it('go to those only that subscribe to it, looked up each time', async () => {
    const bench = new Bench();
    bench.peer('older');
    const refused = bench.requester.consensus(WANTED);
    await expect(refused).rejects.toMatchObject({ code: 'no-peers' });
    const meant = bench.requester.consensus(WANTED, { peer: 'older', only: true });
    await expect(meant).rejects.toMatchObject({ code: 'no-peers' });
    bench.peer('new');
    bench.consensusPeers.add('new');
    const asked = bench.requester.consensus(WANTED);
    await bench.turn();
    bench.asked[0]?.fail('timed-out');
    await expect(asked).rejects.toMatchObject({ code: 'timed-out' });
    expect(bench.peers).toEqual(['new']);
    expect(bench.asked[0]?.body).toEqual({ type: 'get-consensus', ...WANTED });
    bench.consensusPeers.delete('new');
    await expect(bench.requester.consensus(WANTED)).rejects.toMatchObject({ code: 'no-peers' });
  });

  it('that wait in line pass by a peer that has become an older one', async () => {
    const bench = new Bench({ maxInFlightPerPeer: 1 });
    bench.peer('a');
    bench.consensusPeers.add('a');
    void bench.requester.milestones(1, 1);
    const waiting = bench.requester.consensus(WANTED).catch((error: unknown) => error);
    await bench.turn();
    expect(bench.requester.counts().queuedBy).toMatchObject({ milestone: 1 });
    bench.consensusPeers.clear();
    bench.asked[0]?.answer([ITEM]);
    expect(await waiting).toMatchObject({ code: 'no-peers' });
    expect(bench.asked).toHaveLength(1);
  });

  it('take nothing for an answer, and give each peer its turn however fast it is', async () => {
    const bench = new Bench();
    for (const peer of ['fast', 'slow', 'failing']) {
      bench.peer(peer);
      bench.consensusPeers.add(peer);
    }
    bench.requester.noteFault('failing');
    for (let round = 0; round < 9; round += 1) {
      const asked = bench.requester.consensus(WANTED);
      bench.nowMs += bench.peers.at(-1) === 'slow' ? 900 : 1;
      bench.asked.at(-1)?.answer([]);
      expect(await asked).toMatchObject({ items: [], peer: bench.peers.at(-1) });
    }
    const turns = ['fast', 'slow', 'failing'].map(
      (peer) => bench.peers.filter((one) => one === peer).length,
    );
    expect(turns).toEqual([3, 3, 3]);
    expect(bench.requester.counts()).toMatchObject({ failed: 0 });
  });

  it('report a peer whose answer has no form, and go to the next one', async () => {
    const bench = new Bench();
    for (const peer of ['a', 'b']) {
      bench.peer(peer);
      bench.consensusPeers.add(peer);
    }
    const asked = bench.requester.consensus(WANTED, { peer: 'a' });
    bench.asked[0]?.answer([VOTE, Uint8Array.of(4, 1)]);
    await bench.turn();
    bench.asked[1]?.answer([VOTE]);
    expect(await asked).toEqual({ items: [VOTE], complete: true, peer: 'b' });
    expect(bench.reports).toEqual(['a answer-invalid']);
  });

  it('ask for sixteen of each at once, the first ones, and never for nothing', async () => {
    const bench = new Bench();
    bench.peer('a');
    bench.consensusPeers.add('a');
    const views = Array.from({ length: 20 }, (_, view) => BigInt(view));
    const ids = views.map((view) => view.toString(16).padStart(64, '0') as MilestoneId);
    const asked = bench.requester.consensus({ epoch: 7, views, ids });
    bench.asked[0]?.answer([]);
    await asked;
    expect(bench.asked[0]?.body).toEqual({
      type: 'get-consensus',
      epoch: 7,
      views: views.slice(0, 16),
      ids: ids.slice(0, 16),
    });
    const nothing = bench.requester.consensus({ epoch: 7, views: [], ids: [] });
    await expect(nothing).rejects.toThrow('something is asked for');
  });
});

describe('the turns of peers', () => {
  const draw = (rota: PeerRota, peers: string[], turns: number): Map<string, number> => {
    const drawn = new Map(peers.map((peer) => [peer, 0]));
    for (let turn = 0; turn < turns; turn++) {
      const peer = rota.next(peers, 0) ?? '';
      drawn.set(peer, (drawn.get(peer) ?? 0) + 1);
    }
    return drawn;
  };

  it('are even among equals', () => {
    expect([...draw(new PeerRota(), ['a', 'b', 'c', 'd'], 100).values()]).toEqual([25, 25, 25, 25]);
  });

  it('come less often to a slow peer and to one that fails, and never not at all', () => {
    const rota = new PeerRota();
    for (let answer = 0; answer < 20; answer++) {
      rota.performance('fast').noteAnswer({ firstFrameMs: 5, totalMs: 50, bytes: 4 << 20 }, 0);
      rota.performance('slow').noteAnswer({ firstFrameMs: 50, totalMs: 500, bytes: 1 << 20 }, 0);
      rota.performance('bad').noteFailure(0);
    }
    const drawn = draw(rota, ['fast', 'slow', 'bad'], 1_000);
    const [fast = 0, slow = 0, bad = 0] = drawn.values();
    expect(fast).toBeGreaterThan(2 * slow);
    expect(slow).toBeGreaterThan(bad);
    expect(bad).toBeGreaterThan(10);
  });

  it('give one place to a peer that failed, until the failure is forgotten', () => {
    const rota = new PeerRota();
    rota.performance('bad').noteFailure(0);
    expect(rota.places(['good', 'bad'], 8, 0)).toEqual(
      new Map([
        ['good', 8],
        ['bad', 1],
      ]),
    );
    expect(rota.places(['good', 'bad'], 8, 600_000).get('bad')).toBe(8);
  });

  it('count failures up to a bound and halve them with an answer', () => {
    const performance = new PeerPerformance();
    for (let failure = 0; failure < 10; failure++) performance.noteFailure(0);
    expect(performance.failures(0)).toBe(3);
    performance.noteAnswer(TIMING, 0);
    expect(performance.failures(0)).toBe(1.5);
    expect(performance.failures(30_000)).toBeCloseTo(0.75);
  });
});
