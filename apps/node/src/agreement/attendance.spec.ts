import { describe, expect, it } from '@jest/globals';
import type { Vote } from '@tanglemail/tangle/core/codec/consensus.ts';
import { idToBytes, type MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Entry } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import { Attendance, MAX_SEEN_KEYS } from './attendance.ts';

const KEYS: readonly Uint8Array[] = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
const ID = 'ab'.repeat(32) as MilestoneId;
/** Of ten deltas and three heartbeats. */
const SILENT_AFTER_MS = 11_000;

function bench() {
  const clock = { ms: 50_000, nowMs: () => clock.ms };
  const attendance = new Attendance({ heartbeatMs: 2_000, deltaMs: 500 }, { clock });
  const simplex = {
    entryOf: (id: MilestoneId) => (id === ID ? ({ header: { index: 7 } } as Entry) : undefined),
  };
  const vote = (seat: number, kind: Vote['kind'], view: bigint, epoch = 0): void => {
    const digest = kind === 'nullify' ? new Uint8Array(32) : idToBytes(ID);
    const signature = new Uint8Array(64);
    attendance.voted({ kind, epoch, view, digest, seat, signature }, simplex, KEYS);
  };
  const look = (view: bigint, keys = KEYS, epoch = 0) =>
    attendance.of(keys, { epoch, view, own: 2 });
  const silent = (view: bigint, epoch = 0): number[] =>
    look(view, KEYS, epoch).flatMap(({ seat, isSilent }) => (isSilent ? [seat] : []));
  return { clock, attendance, vote, look, silent };
}

describe('attendance', () => {
  it('tells of each seat the greatest milestone that it voted for, and when it was heard', () => {
    const { clock, attendance, vote, look } = bench();
    vote(0, 'notarize', 3n);
    clock.ms += 10;
    vote(0, 'nullify', 4n);
    vote(1, 'nullify', 4n);
    const header = { index: 6, timestampMs: 49_000 };
    attendance.certified(header, { epoch: 0, view: 2n, signers: [0, 1, 2] }, KEYS);
    expect(look(4n).map(({ lastIndex, lastVoteMs }) => [lastIndex, lastVoteMs])).toEqual([
      [7, 50_010],
      [6, 50_010],
      [6, 49_000],
      [undefined, undefined],
    ]);
    expect(look(4n).map(({ isOwn }) => isOwn)).toEqual([false, false, true, false]);
  });

  it('forgets who was heard longest ago, however many committees come', () => {
    const { attendance } = bench();
    const keys = Array.from({ length: MAX_SEEN_KEYS + 1 }, (_, at) => Uint8Array.of(at));
    const hear = (key: Uint8Array): void => {
      const header = { index: 6, timestampMs: 49_000 };
      attendance.certified(header, { epoch: 0, view: 2n, signers: [0] }, [key]);
    };
    const isKnown = (key: Uint8Array): boolean =>
      attendance.of([key], { epoch: 0, view: 2n, own: undefined })[0]?.lastIndex === 6;
    for (const key of keys.slice(0, -1)) hear(key);
    hear(keys[0]!);
    hear(keys.at(-1)!);
    expect(keys.filter((key) => !isKnown(key))).toEqual([keys[1]]);
  });

  it('calls nobody silent before there was time to hear them', () => {
    const { clock, silent } = bench();
    clock.ms += SILENT_AFTER_MS;
    expect(silent(1n)).toEqual([]);
    clock.ms += 1;
    expect(silent(1n)).toEqual([0, 1, 2, 3]);
  });

  it('tells who is missing in a view that does not end, however long it lasts', () => {
    const { clock, vote, silent } = bench();
    for (const seat of KEYS.keys()) vote(seat, 'finalize', 8n);
    for (const seat of [0, 1]) vote(seat, 'nullify', 9n);
    clock.ms += SILENT_AFTER_MS + 1;
    expect(silent(9n)).toEqual([2, 3]);
    vote(3, 'nullify', 9n);
    clock.ms += SILENT_AFTER_MS + 1;
    expect(silent(9n)).toEqual([2]);
    // Views are counted anew in each epoch.
    expect(silent(1n, 1)).toEqual([0, 1, 2, 3]);
  });

  it('goes by keys, whichever seat they have', () => {
    const { vote, look } = bench();
    vote(0, 'notarize', 3n);
    const [first, second] = KEYS as [Uint8Array, Uint8Array];
    expect(look(3n, [second, first]).map(({ lastIndex }) => lastIndex)).toEqual([undefined, 7]);
  });
});
