/** Token buckets, standing of peers, the verdict table: budgets without a network. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { fail, succeed } from '../../core/outcome.ts';
import { PeerStanding } from './peer-standing.ts';
import { TokenBucket } from '../token-bucket.ts';
import { ValidationPlaces } from './validation-places.ts';
import {
  BAN_POINTS,
  consensusFinding,
  FINDINGS,
  milestoneFinding,
  packFinding,
  packVerdict,
  POINTS_HALF_LIFE_MS,
} from './verdicts.ts';
import type { Finding, Verdict } from './verdicts.ts';

describe('token bucket', () => {
  it('gives the burst, then the rate', () => {
    const bucket = new TokenBucket(10, 3, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([true, true, true, false]);
    expect(bucket.take(1, 99)).toBe(false);
    expect(bucket.take(1, 100)).toBe(true);
    expect(bucket.take(1, 1_000_000)).toBe(true);
    expect(bucket.take(3, 1_000_000)).toBe(false);
  });

  it('makes later takes wait for what was charged', () => {
    const bucket = new TokenBucket(10, 3, 0);
    bucket.charge(13);
    expect(bucket.take(0, 1_000)).toBe(false);
    expect(bucket.take(0, 1_100)).toBe(true);
  });
});

describe('standing of a peer', () => {
  function standing(): { peers: PeerStanding; bans: string[]; pass: (ms: number) => void } {
    const bans: string[] = [];
    let nowMs = 0;
    const peers = new PeerStanding({
      banMs: 1_000,
      nowMs: () => nowMs,
      onBan: (peer, finding) => bans.push(`${peer} ${finding}`),
    });
    return {
      peers,
      bans,
      pass: (ms) => {
        nowMs += ms;
      },
    };
  }

  it('bans once at the line and forgives after the time', () => {
    const { peers, bans, pass } = standing();
    const needed = Math.ceil(BAN_POINTS / FINDINGS['pack-malformed'].points);
    for (let count = 1; count < needed; count += 1) peers.report('a', 'pack-malformed');
    expect(peers.isBanned('a')).toBe(false);
    peers.report('a', 'pack-malformed');
    peers.report('a', 'pack-malformed');
    expect(bans).toEqual(['a pack-malformed']);
    expect(peers.isBanned('a')).toBe(true);
    expect(peers.isBanned('b')).toBe(false);
    pass(1_001);
    expect(peers.isBanned('a')).toBe(false);
  });

  it('halves points and gives none for what is nobody’s fault', () => {
    const { peers, pass } = standing();
    peers.report('a', 'handler-failed');
    peers.report('a', 'pack-known');
    expect(peers.points('a')).toBe(0);
    peers.report('a', 'frame-invalid');
    pass(POINTS_HALF_LIFE_MS);
    expect(peers.points('a')).toBe(15);
  });

  it('stays bounded and keeps the newest', () => {
    const { peers } = standing();
    for (let peer = 0; peer < 10_000; peer += 1) peers.report(`${peer}`, 'pack-malformed');
    expect(peers.points('0')).toBe(0);
    expect(peers.points('9999')).toBe(FINDINGS['pack-malformed'].points);
  });
});

describe('bans of the operator', () => {
  it('outlive any crowd of peers that ban themselves, and stand first in the list', () => {
    const peers = new PeerStanding({ banMs: 1_000, nowMs: () => 0, onBan: () => undefined });
    peers.ban('enemy', 1_000, 'operator');
    for (let peer = 0; peer < 20_000; peer += 1) peers.ban(`${peer}`, 1_000, 'frame-invalid');
    expect(peers.isBanned('enemy')).toBe(true);
    const bans = peers.bans(0);
    expect(bans.length).toBeLessThanOrEqual(8_192);
    expect(bans.slice(0, 2).map(({ id }) => id)).toEqual(['enemy', '19999']);
  });
});

describe('places for validation', () => {
  const limits = { maxValidating: 256, maxValidatingPerPeer: 64 };

  /** Takes all that `peer` may have; of places without end, one more than there are. */
  function placesLeft(places: ValidationPlaces, peer: string): number {
    let taken = 0;
    while (taken <= limits.maxValidating && places.enter(peer)) taken += 1;
    return taken;
  }

  it('four peers that take all they can leave places to a fifth', () => {
    const places = new ValidationPlaces(limits);
    const flooding = ['a', 'b', 'c', 'd'];
    for (let round = 0; round < 1_000; round += 1) for (const peer of flooding) places.enter(peer);
    expect(placesLeft(places, 'honest')).toBeGreaterThanOrEqual(25);
  });

  it('nobody is refused its first, whatever the crowd', () => {
    const places = new ValidationPlaces(limits);
    for (let peer = 0; peer < 1_000; peer += 1) expect(places.enter(`${peer}`)).toBe(true);
    expect(places.enter('7')).toBe(false);
    places.leave('7');
    expect(places.enter('7')).toBe(true);
  });

  it('one peer alone has its whole share, and gives it back', () => {
    const places = new ValidationPlaces(limits);
    for (let round = 0; round < 3; round += 1) {
      const taken = placesLeft(places, 'a');
      expect(taken).toBe(64);
      for (let place = 0; place < taken; place += 1) places.leave('a');
    }
  });
});

describe('verdicts', () => {
  const good = succeed(1);
  const known = fail('block-known');
  const early = fail('too-many-unsolid');
  const bad = fail('pow-insufficient');

  it.each<[string, Parameters<typeof packVerdict>[0], Verdict]>([
    ['all known', [known, known], 'ignore'],
    ['nothing new', [known, early], 'ignore'],
    ['one new', [known, good], 'accept'],
    ['one invalid', [good, bad, known], 'reject'],
  ])('%s', (_name, outcomes, verdict) => {
    expect(packVerdict(outcomes)).toBe(verdict);
  });

  it('gives points exactly to what is rejected', () => {
    for (const { verdict, points } of Object.values(FINDINGS)) {
      expect(points > 0).toBe(verdict === 'reject');
    }
  });

  it('stands in the spec as it is here', async () => {
    const page = new URL('../../../../../docs/spec/07-gossip.md', import.meta.url);
    const text = await readFile(page, 'utf8');
    for (const [finding, { verdict, points }] of Object.entries(FINDINGS)) {
      expect(text).toContain(`| ${finding} | ${verdict} | ${points} |`);
    }
  });

  it('keeps the verdict of the handler', () => {
    for (const verdict of ['accept', 'ignore', 'reject'] as const) {
      const findings: Finding[] = [packFinding, milestoneFinding, consensusFinding].map(
        (findingOf) => findingOf(verdict),
      );
      expect(findings.map((finding) => FINDINGS[finding].verdict)).toEqual(
        findings.map(() => verdict),
      );
    }
  });
});
