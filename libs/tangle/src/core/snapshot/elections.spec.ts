/**
 * Snapshots of a network whose committee changed: the file proves every committee on the way, and a
 * file that hides, adds or changes an election is refused.
 */
import { describe, expect, it } from '@jest/globals';
import { decodeMilestone, encodeMilestone, type Milestone } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { keyPair } from '../testing/ledger-fixtures.ts';
import {
  encodeFile,
  SnapshotFixture,
  verifyBytes,
  type SnapshotFile,
} from '../testing/snapshot-fixture.ts';
import { keysOf, TermsChain, electedSeats } from '../testing/terms-chain.ts';
import { encodeElection, FRAME_KINDS } from './codec.ts';
import type { SnapshotOutcome } from './codes.ts';
import { encodePrefix, FrameWriter } from './frames.ts';
import type { VerifiedSnapshot } from './verifier.ts';

const EPOCH = 10;
/** Epoch 0 is the genesis committee's, 1 that of four bonded keys, 2 that of five, and so is 3. */
const fixture = new SnapshotFixture(4, 3, { epochLength: EPOCH, validatorBondMin: 10_000n });
fixture.advance(1);
fixture.bond([20, 21, 22, 23].map((seed) => keyPair(seed)));
fixture.advance(EPOCH - 1);
fixture.bond([keyPair(24)]);
fixture.advance(2 * EPOCH + 3);
/** Indexes of the two elections. */
const [FIRST, SECOND] = [8, 18] as const;
const LAST = fixture.headers.length - 1;

const verify = (file: SnapshotFile): SnapshotOutcome<VerifiedSnapshot> =>
  verifyBytes(encodeFile(file), fixture.trust);
function codeOf(file: SnapshotFile): string {
  const outcome = verify(file);
  return outcome.ok ? 'ok' : outcome.code;
}
function milestoneOf(bytes: Uint8Array): Milestone {
  const decoded = decodeMilestone(bytes);
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}
const at = (index: number): Uint8Array => fixture.milestones[index]!.bytes;

describe('a snapshot of a network that elects', () => {
  it('proves every state, before an election, behind it and behind its epoch', () => {
    for (let index = 1; index <= LAST; index++) {
      const verified = verify(fixture.file(index));
      if (!verified.ok) throw new Error(`${index}: ${verified.code} ${verified.detail}`);
      const epochs = verified.value.elections.map(({ epoch }) => epoch);
      expect(epochs).toEqual(index < FIRST ? [] : index < SECOND ? [1] : [1, 2]);
      const bytes = verified.value.elections.map((election) => election.bytes);
      expect(bytes).toEqual([at(FIRST), at(SECOND)].slice(0, epochs.length));
    }
  });

  it('has a delta that proves its own way from genesis', () => {
    for (const [from, to] of [
      [2, 9],
      [5, LAST],
      [SECOND, SECOND + 1],
      [EPOCH, 2 * EPOCH],
    ] as const) {
      const base = verify(fixture.file(from));
      if (!base.ok) throw new Error(base.code);
      const delta = verifyBytes(encodeFile(fixture.file(to, from)), fixture.trust, base.value);
      if (!delta.ok) throw new Error(`${delta.code} ${delta.detail}`);
      expect(delta.value.elections).toHaveLength(to < SECOND ? 1 : 2);
    }
  });

  it('has frames that no other network has', () => {
    const plain = new SnapshotFixture();
    plain.advance(4);
    const { elections, ...rest } = plain.file(4);
    expect(elections).toEqual([]);
    expect(encodeFile(plain.file(4))).toEqual(encodeFile(rest));
  });
});

describe('a lie about elections', () => {
  const full = fixture.file(LAST);
  const [first, second] = full.elections as [Uint8Array, Uint8Array];

  it('snapshot-election: one left out on the way', () => {
    expect(codeOf({ ...full, elections: [second] })).toBe('snapshot-election');
  });

  it('snapshot-certificate: the last ones left out', () => {
    expect(codeOf({ ...full, elections: [first] })).toBe('snapshot-certificate');
    expect(codeOf({ ...full, elections: [] })).toBe('snapshot-certificate');
  });

  it('snapshot-election: one left out between it and the end of its epoch', () => {
    for (const index of [FIRST, FIRST + 1]) {
      const file = fixture.file(index);
      expect(codeOf({ ...file, elections: [] })).toBe('snapshot-election');
    }
  });

  it('snapshot-election: another in the same place, which a committee certified twice', () => {
    const { header, body } = milestoneOf(at(FIRST));
    const chain = new SnapshotFixture(4).chain;
    const rival = encodeMilestone(chain.certify({ header: { ...header, view: 99n }, body }));
    // The same keys certify for another network here: the certificate must not hold either.
    expect(codeOf({ ...fixture.file(FIRST), elections: [rival] })).toBe('snapshot-election');
    const early = new SnapshotFixture(4, 3, fixture.chain.genesis.params);
    const again = encodeMilestone(early.chain.certify({ header: { ...header, view: 99n }, body }));
    expect(codeOf({ ...fixture.file(FIRST), elections: [again] })).toBe('snapshot-election');
    const behind = fixture.file(FIRST + EPOCH - 1);
    expect(codeOf({ ...behind, elections: [again] })).toBe('ok');
  });

  it('snapshot-election: one that was held behind the target', () => {
    const before = fixture.file(FIRST - 1);
    expect(codeOf({ ...before, elections: [first] })).toBe('snapshot-election');
  });

  it('snapshot-election: nobody elected, keys exchanged, signatures of others', () => {
    const milestone = milestoneOf(first);
    const { header, body, certificate } = milestone;
    const options = { nextCommittee: body.options.nextCommittee!.toReversed() };
    const others = new TermsChain([electedSeats(60, 4)], EPOCH).certify(
      header,
      electedSeats(60, 4),
    );
    const lies = [
      at(FIRST - 1),
      encodeMilestone({ header, body: { ...body, options }, certificate }),
      encodeMilestone({ ...milestone, certificate: others }),
    ];
    for (const lie of lies) {
      expect(codeOf({ ...full, elections: [lie, second] })).toBe('snapshot-election');
    }
    expect(keysOf(electedSeats(60, 4))).not.toEqual(body.options.nextCommittee);
  });

  it('snapshot-order: twice, backwards, or behind a milestone', () => {
    expect(codeOf({ ...full, elections: [first, first, second] })).toBe('snapshot-order');
    expect(codeOf({ ...full, elections: [first, second, first] })).toBe('snapshot-order');
    expect(codeOf({ ...full, elections: [second, first] })).toBe('snapshot-election');
    const bytes = encodeFile(fixture.file(5));
    const head = encodePrefix().length + 5 + 93 + 32;
    const frames = new FrameWriter(nobleHasher);
    frames.frame(FRAME_KINDS.header, bytes.slice(encodePrefix().length + 5, head - 32));
    const length = new DataView(bytes.buffer).getUint32(head + 1, true);
    const milestone = frames.frame(FRAME_KINDS.milestone, bytes.slice(head + 5, head + 5 + length));
    const late = frames.frame(FRAME_KINDS.election, encodeElection(first));
    const file = Uint8Array.of(...bytes.subarray(0, head), ...milestone, ...late);
    const outcome = verifyBytes(file, fixture.trust);
    expect(outcome).toMatchObject({ ok: false, code: 'snapshot-order' });
  });

  it('snapshot-form: no milestone, too long, or with bytes behind it', () => {
    expect(codeOf({ ...full, elections: [Uint8Array.of(1, 2, 3)] })).toBe('snapshot-form');
    expect(codeOf({ ...full, elections: [new Uint8Array(20_000)] })).toBe('snapshot-form');
    expect(codeOf({ ...full, elections: [Uint8Array.of(...first, 0)] })).toBe('snapshot-form');
    expect(codeOf({ ...full, elections: [new Uint8Array(0)] })).toBe('snapshot-form');
  });
});
