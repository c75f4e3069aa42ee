import { describe, expect, it } from '@jest/globals';
import { configOf } from './config/schema.ts';
import { judgeHealth, type HealthFacts } from './health.ts';

const good: HealthFacts = {
  halted: undefined,
  confirmedIndex: 100,
  confirmedTimestampMs: 1_000_000,
  latestIndex: 102,
  problem: undefined,
  peers: 1,
  nowMs: 1_299_999,
};
const alone = configOf({});
const PEER = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK';
const inCompany = configOf({ gossip: { peers: [PEER] } });
const reasonsOf = (changes: Partial<HealthFacts>, config = inCompany) =>
  judgeHealth({ ...good, ...changes }, config).reasons;

describe('health', () => {
  it('is good within two milestones, with a peer, and a young milestone', () => {
    expect(judgeHealth(good, inCompany)).toEqual({ healthy: true, reasons: [] });
  });

  it.each([
    [{ latestIndex: 103 }, '3 milestones behind'],
    [{ peers: 0 }, '0 peers, 1 wanted'],
    [{ nowMs: 1_300_000 }, 'the latest milestone is 300 s old'],
    [{ problem: 'all 3 peers have pruned milestone 7' }, 'all 3 peers have pruned milestone 7'],
    [{ isWaiting: true, nowMs: 1_060_000 }, 'no milestone for 60 s though blocks wait'],
    [{ seatSilent: 'log-missing' }, 'the seat is silent: log-missing'],
    [{ halted: 'two milestones' }, 'confirmation stopped: two milestones'],
  ])('is bad with %j', (changes, reason) => {
    expect(reasonsOf(changes)).toEqual([reason]);
  });

  it('lets blocks wait for a while', () => {
    expect(reasonsOf({ isWaiting: true, nowMs: 1_059_999 })).toEqual([]);
  });

  it('needs no peer where none is configured, unless the operator wants one', () => {
    expect(reasonsOf({ peers: 0 }, alone)).toEqual([]);
    expect(reasonsOf({ peers: 0 }, configOf({ discovery: { mdns: true } }))).toEqual([
      '0 peers, 1 wanted',
    ]);
    expect(reasonsOf({ peers: 1 }, configOf({ health: { minPeers: 2 } }))).toEqual([
      '1 peers, 2 wanted',
    ]);
  });
});
