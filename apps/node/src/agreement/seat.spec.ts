// A seat speaks where its log is whole, and nowhere else. Spec: docs/spec/16-signer.md §3.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { electionIndex } from '@tanglemail/tangle/core/milestone/election.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { TEST_PARAMS, testKey } from '../testing/test-network.ts';
import { committeesOf, genesisCommittees } from '../committees.ts';
import { checkMaySit, openSeat, type Seat, type SeatOptions } from './seat.ts';
import type { Signer } from './seat-memory.ts';
import { KeySigner } from './signer.ts';
import { certificate, headerOf, proposal, statement } from './testing/votes.ts';
import { SignerError, VoteError } from './vote-error.ts';

const NETWORK = 7n;
const KEYS = [1, 2, 3, 4].map(testKey);
const COMMITTEE = KEYS.map(({ publicKey }) => publicKey);
const SEAT = 1;
const KEY = KEYS[SEAT]!;
const START_MS = 1_000_000;
const LATE_MS = START_MS + 2 * TEST_PARAMS.maxDriftMs + 1;

const folders: string[] = [];
const seats: Seat[] = [];
afterEach(async () => {
  for (const seat of seats.splice(0)) await seat.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'seat-'));
  folders.push(folder);
  return folder;
}

async function open(
  dataDir: string,
  more: Partial<SeatOptions> & { readonly signer?: Signer; readonly nowMs?: () => number } = {},
): Promise<Seat> {
  const { signer = new KeySigner(KEY), nowMs = () => START_MS, ...options } = more;
  const seat = await openSeat(
    {
      dataDir,
      networkId: NETWORK,
      committees: genesisCommittees(COMMITTEE),
      params: TEST_PARAMS,
      latestIndex: 0,
      acceptLostVotes: false,
      ...options,
    },
    { signer, hasher: nobleHasher, clock: { nowMs }, logger: SILENT_LOGGER },
  );
  seats.push(seat);
  return seat;
}

/** A seat whose log is missing although milestones are there. */
async function openLost(dataDir: string, more: Parameters<typeof open>[1] = {}): Promise<Seat> {
  return await open(dataDir, { latestIndex: 5, ...more });
}

async function stop(seat: Seat): Promise<void> {
  seats.splice(seats.indexOf(seat), 1);
  await seat.close();
}

const noCone = (): Promise<void> => Promise.reject(new Error('no cone is synced here'));
const NOT_SAID = { signatures: [undefined] };
const withUs = { signers: [0, SEAT, 2] };
const withoutUs = { signers: [0, 2, 3] };

describe('a seat', () => {
  it('syncs the cone, writes, and signs, in this order and the order given', async () => {
    const order: string[] = [];
    const key = new KeySigner(KEY);
    const signer: Signer = {
      publicKey: key.publicKey,
      isAway: false,
      sign: async (one, networkId) => {
        order.push(`${one.kind} ${seat.statementsOf(0).length}`);
        return await key.sign(one, networkId);
      },
      close: async () => await key.close(),
    };
    const seat: Seat = await open(await newFolder(), { signer });
    const cone = (): Promise<void> => Promise.resolve(void order.push('cone'));
    const group = [statement('propose', 1n), statement('notarize', 1n, { proposal: proposal(1n) })];
    const signatures = await seat.record(group, cone);
    expect(order).toEqual(['cone', 'propose 2', 'notarize 2']);
    for (const [index, { kind, epoch, view, digest }] of group.entries()) {
      const message = signedMessage(NETWORK, kind, epoch, view, digest);
      expect(nobleVerifier.verify(KEY.publicKey, message, signatures[index]!)).toBe(true);
    }
    // What is known is signed again: no cone, no write, the same bytes.
    expect(await seat.record(group, noCone)).toEqual(signatures);
    await expect(seat.record([statement('notarize', 2n)], noCone)).rejects.toThrow(/no cone/);
    expect(seat.statementsOf(0)).toHaveLength(2);
    expect(seat.publicKey).toEqual(KEY.publicKey);
  });

  it('is refused to a key that has none where nobody is elected', () => {
    const genesis = { committee: COMMITTEE, params: TEST_PARAMS };
    const [stranger, member] = [testKey(9).publicKey, KEY.publicKey];
    expect(() => checkMaySit(stranger, genesis)).toThrow(/no seat/);
    expect(() => checkMaySit(member, genesis)).not.toThrow();
    const electing = { ...genesis, params: { ...TEST_PARAMS, validatorBondMin: 1n } };
    expect(() => checkMaySit(stranger, electing)).not.toThrow();
  });

  it('does not contradict itself after a restart', async () => {
    const folder = await newFolder();
    const seat = await open(folder);
    await seat.record([statement('nullify', 1n)], noCone);
    await stop(seat);
    const again = await openLost(folder);
    expect(again.silence.reason).toBeUndefined();
    expect(again.silence.silentBelow(0)).toBe(0n);
    await expect(again.record([statement('finalize', 1n)], noCone)).rejects.toThrow(VoteError);
  });

  it('tells which of a group are signed when others are not', async () => {
    const key = new KeySigner(KEY);
    const signer: Signer = {
      publicKey: key.publicKey,
      isAway: false,
      sign: async (one, networkId) => {
        if (one.kind === 'finalize') throw new SignerError('contradicts');
        return await key.sign(one, networkId);
      },
      close: async () => await key.close(),
    };
    const seat = await open(await newFolder(), { signer });
    const group = [statement('finalize', 1n), statement('ratify', 1n)];
    await expect(seat.record(group, noCone)).rejects.toMatchObject({
      code: 'contradicts',
      signatures: [undefined, expect.any(Uint8Array)],
    });
  });

  it('says nothing below what it forgot, ratifications excepted', async () => {
    const seat = await open(await newFolder());
    await seat.record([statement('nullify', 4n)], noCone);
    await seat.forget(0, 5n);
    expect(seat.silence.silentBelow(0)).toBe(5n);
    await expect(seat.record([statement('finalize', 4n)], noCone)).rejects.toMatchObject(NOT_SAID);
    await expect(seat.record([statement('ratify', 3n)], noCone)).resolves.toHaveLength(1);
    await seat.forget(1, 0n);
    expect([0, 1, 2].map((epoch) => seat.silence.silentBelow(epoch))).toEqual([undefined, 0n, 0n]);
  });
});

describe('silence', () => {
  it('lasts, over restarts, until a milestone younger than the start is final', async () => {
    const folder = await newFolder();
    await stop(await openLost(folder));
    const seat = await openLost(folder);
    const { silence } = seat;
    expect([silence.reason, silence.silentBelow(0)]).toEqual(['log-missing', undefined]);
    await expect(seat.record([statement('nullify', 9n)], noCone)).rejects.toMatchObject(NOT_SAID);
    silence.onConfirmed(headerOf(20n, { timestampMs: LATE_MS - 1 }), certificate('finalize', 20n));
    silence.onCaughtUp(headerOf(20n));
    expect(silence.silentBelow(0)).toBeUndefined();
    silence.onConfirmed(headerOf(21n, { timestampMs: LATE_MS }), certificate('finalize', 21n));
    expect([silence.reason, silence.silentBelow(0), silence.silentBelow(1)]).toEqual([
      undefined,
      22n,
      0n,
    ]);
    await expect(seat.record([statement('nullify', 21n)], noCone)).rejects.toMatchObject(NOT_SAID);
    await seat.record([statement('nullify', 22n)], noCone);
    await stop(seat);
    expect((await openLost(folder)).silence.silentBelow(0)).toBe(22n);
  });

  it('begins when a certificate has a vote of ours that the log lacks', async () => {
    const folder = await newFolder();
    const seat = await open(folder);
    await seat.record([statement('finalize', 1n)], noCone);
    const { silence } = seat;
    silence.onConfirmed(headerOf(1n), certificate('finalize', 1n, withUs));
    silence.onConfirmed(headerOf(2n), certificate('finalize', 2n, withoutUs));
    expect(silence.reason).toBeUndefined();
    silence.onConfirmed(headerOf(3n), certificate('ratify', 3n, withUs));
    expect(silence.reason).toBe('log-behind');
    await expect(seat.record([statement('nullify', 4n)], noCone)).rejects.toMatchObject(NOT_SAID);
    await expect(seat.record([statement('ratify', 3n)], noCone)).resolves.toHaveLength(1);
    await stop(seat);
    expect((await openLost(folder)).silence.reason).toBe('log-behind');
  });

  it('begins when a vote of ours is heard that the log lacks, and counts from then', async () => {
    let nowMs = START_MS;
    const seat = await open(await newFolder(), { nowMs: () => nowMs });
    await seat.forget(0, 5n);
    seat.silence.onForeignOwn(0, 4n);
    expect(seat.silence.reason).toBeUndefined();
    nowMs += 60_000;
    seat.silence.onForeignOwn(0, 5n);
    expect(seat.silence.reason).toBe('log-behind');
    seat.silence.onConfirmed(headerOf(8n, { timestampMs: LATE_MS }), certificate('finalize', 8n));
    expect(seat.silence.reason).toBe('log-behind');
    const timestampMs = LATE_MS + 60_000;
    seat.silence.onConfirmed(headerOf(9n, { timestampMs }), certificate('finalize', 9n));
    expect(seat.silence.silentBelow(0)).toBe(10n);
  });

  it('stops what is being written while it begins', async () => {
    const seat = await open(await newFolder());
    const cone = Promise.withResolvers<void>();
    const recorded = seat.record([statement('notarize', 3n)], () => cone.promise);
    seat.silence.onForeignOwn(0, 3n);
    cone.resolve();
    await expect(recorded).rejects.toMatchObject(NOT_SAID);
  });

  it('begins beside a chain older than an unused log, and not beside a new one', async () => {
    const wiped = await open(await newFolder());
    wiped.silence.onConfirmed(headerOf(1n), certificate('finalize', 1n, withoutUs));
    expect(wiped.silence.reason).toBe('log-missing');
    const first = await open(await newFolder());
    await first.record([statement('finalize', 1n)], noCone);
    first.silence.onConfirmed(headerOf(1n), certificate('finalize', 1n, withUs));
    expect(first.silence.reason).toBeUndefined();
    const late = await open(await newFolder());
    const header = headerOf(1n, { timestampMs: LATE_MS });
    late.silence.onConfirmed(header, certificate('finalize', 1n, withoutUs));
    expect(late.silence.reason).toBeUndefined();
  });
});

describe('a seat without which nobody goes on', () => {
  const committee = [KEY.publicKey];
  const committees = genesisCommittees(committee);

  it('does not start without its log, and leaves none behind', async () => {
    const folder = await newFolder();
    await expect(openLost(folder, { committees })).rejects.toThrow(/--accept-lost-votes/);
    await expect(openLost(folder, { committees })).rejects.toThrow(VoteError);
    expect(await readdir(folder)).toEqual(['votes.lock']);
  });

  it('goes on by the operator’s word, and makes the next milestone', async () => {
    const seat = await openLost(await newFolder(), { committees, acceptLostVotes: true });
    expect(seat.silence.silentBelow(0)).toBeUndefined();
    const header = headerOf(30n, { index: 5, timestampMs: START_MS });
    seat.silence.onCaughtUp(header);
    const silentBelow = seat.silence.silentBelow(0) ?? 0n;
    expect(silentBelow).toBe(31n);
    const simplex = new Simplex(
      {
        networkId: NETWORK,
        epoch: 0,
        committee,
        seat: 0,
        params: TEST_PARAMS,
        deltaMs: 500,
        base: { id: '00'.repeat(32) as MilestoneId, header },
        signed: seat.statementsOf(0),
        silentBelow,
      },
      { hasher: nobleHasher, verifier: nobleVerifier },
    );
    const actions: SimplexAction[] = [
      ...simplex.start(START_MS),
      ...simplex.onWaiting(true, START_MS),
      ...simplex.onTick(START_MS + TEST_PARAMS.milestoneIntervalMs),
    ];
    expect(actions).toMatchObject([{ do: 'build', view: 31n }]);
  });

  it('is not silenced by the operator’s word where its log is whole', async () => {
    const folder = await newFolder();
    await stop(await open(folder, { committees }));
    const seat = await openLost(folder, { committees, acceptLostVotes: true });
    expect(seat.silence.silentBelow(0)).toBe(0n);
    seat.silence.onCaughtUp(headerOf(30n));
    expect(seat.silence.silentBelow(0)).toBe(0n);
  });
});

describe('a key without a seat', () => {
  const params = { ...TEST_PARAMS, epochLength: 4, validatorBondMin: 1n };
  /** Genesis names somebody else; this key sits from epoch 1 on, in epoch 2 no more. */
  const start = { params, genesis: [testKey(9).publicKey], latestIndex: 0 };
  const committeesUpTo = (latestIndex: number) => {
    const committees = committeesOf({ ...start, elections: [], latestIndex: 0 });
    const named = [COMMITTEE, [testKey(9).publicKey]];
    for (const [epoch, nextCommittee] of named.entries()) {
      const index = electionIndex(epoch, params);
      if (index > latestIndex) break;
      const header = headerOf(1n, { index });
      committees.learn({ header, body: { parents: [], options: { nextCommittee } } });
    }
    return committees;
  };

  it('has lost nothing before it sat, however late its log is made', async () => {
    const committees = committeesUpTo(2);
    const seat = await open(await newFolder(), { params, committees, latestIndex: 2 });
    expect([seat.silence.reason, seat.silence.silentBelow(1)]).toEqual([undefined, 0n]);
    seat.silence.onConfirmed(headerOf(3n, { index: 3 }), certificate('finalize', 3n, withUs));
    expect([seat.silence.reason, seat.silence.silentBelow(1)]).toEqual([undefined, 0n]);
  });

  it('uses its log before it sits, once its node stands with its peers', async () => {
    const folder = await newFolder();
    const before = committeesUpTo(2);
    const seat = await open(folder, { params, committees: before, latestIndex: 2 });
    seat.silence.onCaughtUp(headerOf(2n, { index: 2 }));
    await stop(seat);
    // It starts again a moment before its epoch and is not the first to vote in it.
    const again = await open(folder, { params, committees: before, latestIndex: 3 });
    const first = headerOf(1n, { index: 4, epoch: 1 });
    again.silence.onConfirmed(first, certificate('finalize', 1n, withoutUs));
    expect([again.silence.reason, again.silence.silentBelow(1)]).toEqual([undefined, 0n]);
    await stop(again);
    // A log that is made when the epoch has begun may lack votes, and nobody's word changes that.
    const late = await open(await newFolder(), { params, committees: before, latestIndex: 3 });
    late.silence.onCaughtUp(first);
    expect(late.silence.reason).toBe('log-missing');
  });

  it('is silent first when its log is gone and it has sat, now or earlier', async () => {
    for (const latestIndex of [3, 9]) {
      const committees = committeesUpTo(latestIndex);
      const seat = await open(await newFolder(), { params, committees, latestIndex });
      expect(seat.silence.reason).toBe('log-missing');
    }
    // The seat of one without which nothing goes on is not this key's.
    expect(committeesUpTo(9).of(2)).toHaveLength(1);
  });
});

describe('votes of older versions', () => {
  const old = { networkId: '0000000000000007', index: 3_700, view: '40', digest: 'a'.repeat(64) };
  const write = async (folder: string, value: unknown): Promise<void> => {
    await writeFile(join(folder, 'votes.json'), JSON.stringify(value));
  };

  it('are taken over once: the seat speaks above them, at once', async () => {
    const folder = await newFolder();
    await write(folder, old);
    const seat = await openLost(folder);
    expect([0, 1, 2].map((epoch) => seat.silence.silentBelow(epoch))).toEqual([undefined, 41n, 0n]);
    expect((await readdir(folder)).toSorted()).toEqual([
      'votes.json.old',
      'votes.lock',
      'votes.log',
    ]);
    await stop(seat);
    // An older version ran in between.
    await write(folder, { ...old, view: '60' });
    const again = await openLost(folder);
    expect(again.silence.silentBelow(1)).toBe(61n);
    await stop(again);
    expect((await openLost(folder)).silence.silentBelow(1)).toBe(61n);
  });

  it.each([
    ['damaged', { ...old, view: -1 }, /damaged/],
    ['another network’s', { ...old, networkId: 'f'.repeat(16) }, /another network/],
  ])('stop the validator when they are %s', async (_, value, message) => {
    const folder = await newFolder();
    await write(folder, value);
    await expect(openLost(folder)).rejects.toThrow(message);
    await expect(openLost(folder)).rejects.toThrow(VoteError);
  });
});
