/**
 * A checkpoint: all that a light client must know to go on, in one small object. Nothing in it is
 * secret and nothing signs it; like a genesis document it is as good as the place it came from.
 * Path: `milestone/light-client.ts` → here → a client's store, or an app that ships with one.
 * Spec: docs/spec/05-light-client.md §6.
 */
import type { Outcome } from '../outcome.ts';
import { MAX_CHECKPOINT_SIZE, MAX_COMMITTEE } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import { ID_LENGTH, type MilestoneId } from './ids.ts';
import { readHeader, writeHeader, type MilestoneHeader } from './milestone.ts';
import { decodeWith, refuse } from './reader.ts';
import { Writer } from './writer.ts';

const CHECKPOINT_VERSION = 1;

/** The parameters of a network that a light client's rules read, each u32. */
export type LightClientParams = Pick<NetworkParams, 'epochLength' | 'heartbeatMs' | 'maxDriftMs'>;

/** What a light client knows; all of it is public. */
export interface Checkpoint {
  /** u64. */
  readonly networkId: bigint;
  /** Id of milestone 0. */
  readonly genesisId: MilestoneId;
  readonly params: LightClientParams;
  /** The first epoch whose milestones are believed under `committee`, u32. */
  readonly epoch: number;
  /** Keys of 32 bytes in seat order that certify milestones from `epoch` on, 1–32. */
  readonly committee: readonly Uint8Array[];
  /** The milestone with the greatest index that was checked. */
  readonly newest: MilestoneHeader;
  /** The way to this committee; present exactly when `epoch` is above 0. */
  readonly followed?: FollowedElections;
}

/** Elections that a light client followed from genesis on, as far as it must know them again. */
export interface FollowedElections {
  /** How many, u32, 1 to `epoch`. */
  readonly elections: number;
  /** 32 bytes; `milestone/terms.ts` says over what. */
  readonly digest: Uint8Array;
}

/** The checkpoint's bytes: 307 and 32 for each seat, and 36 when elections were followed. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { networkId, genesisId, params, epoch, committee, newest, followed } = checkpoint;
  const writer = new Writer(MAX_CHECKPOINT_SIZE - (MAX_COMMITTEE - committee.length) * 32);
  writer.u8(CHECKPOINT_VERSION);
  writer.u64(networkId);
  writer.hex(genesisId, ID_LENGTH);
  writer.u32(params.epochLength);
  writer.u32(params.heartbeatMs);
  writer.u32(params.maxDriftMs);
  writer.u32(epoch);
  writer.count8(committee.length, 1, MAX_COMMITTEE);
  for (const key of committee) writer.fixed(key, 32);
  writeHeader(writer, newest);
  if (followed !== undefined) {
    writer.u32(followed.elections);
    writer.fixed(followed.digest, 32);
  }
  return writer.finish();
}

/**
 * Decodes a checkpoint: form only; `LightClient.fromCheckpoint` checks that its parts fit together.
 * An epoch or a heartbeat of no length is 'number-out-of-range', as is a number of elections that
 * nobody can have followed.
 */
export function decodeCheckpoint(bytes: Uint8Array): Outcome<Checkpoint> {
  return decodeWith(bytes, MAX_CHECKPOINT_SIZE, (reader) => {
    if (reader.u8() !== CHECKPOINT_VERSION) refuse('version-unknown');
    const networkId = reader.u64();
    const genesisId = reader.hex(ID_LENGTH) as MilestoneId;
    const epochLength = reader.u32();
    const heartbeatMs = reader.u32();
    if (epochLength === 0 || heartbeatMs === 0) refuse('number-out-of-range');
    const params = { epochLength, heartbeatMs, maxDriftMs: reader.u32() };
    const epoch = reader.u32();
    const count = reader.count8(1, MAX_COMMITTEE);
    const committee = Array.from({ length: count }, () => reader.bytes(32));
    const newest = readHeader(reader);
    const checkpoint = { networkId, genesisId, params, epoch, committee, newest };
    if (epoch === 0) return checkpoint;
    const elections = reader.u32();
    if (elections === 0 || elections > epoch) refuse('number-out-of-range', 'elections');
    return { ...checkpoint, followed: { elections, digest: reader.bytes(32) } };
  });
}
