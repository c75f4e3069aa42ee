/**
 * Proof against single seats: two statements of one view that no honest seat signs both. Bucket:
 * contradictions. Path: the node's agreement → here → kv-store.ts; `tools db evidence` shows them.
 * Spec: docs/spec/10-storage.md §2, docs/spec/15-consensus.md §9.
 */
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '../../core/codec/consensus.ts';
import { Writer } from '../../core/codec/writer.ts';
import type { Evidence } from '../../core/consensus/round.ts';
import { BUCKETS, keyOf, prefixRange, u32InKey, u8Part } from './buckets.ts';
import type { KvReader, KvStore } from './kv-store.ts';
import { StoreError } from './store-error.ts';
import { decodeStored } from './stored.ts';

/** Numbers on disk, never reused: what contradicts itself. */
const KINDS = { proposals: 1, votes: 2 } as const satisfies Record<Evidence['kind'], number>;

/**
 * Pieces that are kept of one seat and epoch: one proves all that matters. A seat can make one in
 * every view and would fill the disk: some 17 KB a second with proposals of the greatest size.
 */
export const MAX_CONTRADICTIONS = 16;

/** Offsets in the key, the bucket's number not counted: epoch, view, seat, kind. */
const SEAT_AT = 12;

/** All that was kept, by epoch, view and seat. Throws StoreError `corrupt`. */
export async function readContradictions(store: KvReader): Promise<Evidence[]> {
  const found: Evidence[] = [];
  const range = prefixRange(Uint8Array.of(BUCKETS.contradictions.number));
  for await (const [key, value] of store.iterate(range)) {
    found.push(decodeEvidence(seatIn(key), value));
  }
  return found;
}

/**
 * Keeps a piece, synced; false when it is left out because there are MAX_CONTRADICTIONS of this
 * seat and epoch. One at a time.
 */
export async function saveContradiction(store: KvStore, evidence: Evidence): Promise<boolean> {
  const [{ epoch, view }] = evidence.pair;
  let kept = 0;
  for await (const [key] of store.iterate(prefixRange(keyOf('contradictions', epoch)))) {
    if (seatIn(key) === evidence.seat) kept += 1;
  }
  if (kept >= MAX_CONTRADICTIONS) return false;
  const [high, low] = [Number(view >> 32n), Number(view & 0xffff_ffffn)];
  const place = [u8Part(evidence.seat), u8Part(KINDS[evidence.kind])];
  const key = keyOf('contradictions', epoch, high, low, ...place);
  await store.batch().put(key, encodeEvidence(evidence)).write({ sync: true });
  return true;
}

/** The two messages that a piece of evidence consists of. */
export function statementsOf(evidence: Evidence): [ConsensusMessage, ConsensusMessage] {
  if (evidence.kind === 'votes') {
    const [first, second] = evidence.pair;
    return [
      { type: 'vote', vote: first },
      { type: 'vote', vote: second },
    ];
  }
  const [first, second] = evidence.pair;
  return [
    { type: 'proposal', proposal: first },
    { type: 'proposal', proposal: second },
  ];
}

function seatIn(key: Uint8Array): number {
  // The four bytes that end with the seat.
  return u32InKey(key, SEAT_AT - 3) & 0xff;
}

function encodeEvidence(evidence: Evidence): Uint8Array {
  const writer = new Writer(256);
  for (const message of statementsOf(evidence)) {
    const bytes = encodeConsensusMessage(message);
    writer.u16(bytes.length);
    writer.raw(bytes);
  }
  return writer.finish();
}

function decodeEvidence(seat: number, value: Uint8Array): Evidence {
  const [first, second] = decodeStored(value, 'a contradiction', (reader) => [
    reader.bytes(reader.u16()),
    reader.bytes(reader.u16()),
  ]).map((bytes) => {
    const message = decodeConsensusMessage(bytes);
    if (!message.ok) throw new StoreError('corrupt', `a contradiction: ${message.code}`);
    return message.value;
  });
  if (first?.type === 'vote' && second?.type === 'vote') {
    return { kind: 'votes', seat, pair: [first.vote, second.vote] };
  }
  if (first?.type === 'proposal' && second?.type === 'proposal') {
    return { kind: 'proposals', seat, pair: [first.proposal, second.proposal] };
  }
  throw new StoreError('corrupt', 'a contradiction: two kinds of messages');
}
