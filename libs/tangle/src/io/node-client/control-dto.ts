/**
 * The JSON of a node's control API, once for both sides: the controllers and `tangle-node control`.
 * Spec: docs/spec/11-node-api.md, "Control".
 */
import { z } from 'zod';
import {
  decimal,
  healthDto,
  milestoneRefDto,
  peerDto,
  snapshotFileDto,
  text,
  timeMs,
  u32,
  validatorDto,
} from './dto.ts';

export const CONTROL_PREFIX = '/api/control/v1';
/** The file in the data folder that says where control listens, and has its token. */
export const CONTROL_FILE = 'control.json';

/** The content of CONTROL_FILE. */
export const controlFileDto = z.strictObject({
  url: z.string().max(256),
  token: z.string().regex(/^[0-9a-f]{64}$/),
});

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export const logLevelDto = z.strictObject({ level: z.enum(LOG_LEVELS) });

export const pruningDto = z.object({
  /** Milestones up to here are gone; 0 when none is. */
  prunedIndex: u32,
  /** Where pruning goes at present. */
  targetIndex: u32,
  running: z.boolean(),
});

export const banDto = z.object({ id: text, untilMs: timeMs, finding: text });
export const bansDto = z.object({ bans: z.array(banDto).max(10_000) });

/** A peer that the node would dial by itself. */
export const knownPeerDto = z.object({
  id: text,
  addresses: z.array(text).max(64),
  /** When it was last connected; 0 for never. */
  lastSeenMs: timeMs,
});
/** A connected peer with its address. */
export const connectedPeerDto = peerDto.extend({ address: text });
export const knownPeersDto = z.object({
  connected: z.array(connectedPeerDto).max(1_000),
  known: z.array(knownPeerDto).max(10_000),
});

export const statusDto = z.object({
  name: text,
  version: text,
  networkName: text,
  networkId: decimal,
  /** What other nodes dial. */
  addresses: z.array(text).max(64),
  uptimeMs: timeMs,
  health: healthDto,
  latestMilestone: milestoneRefDto,
  confirmedMilestone: milestoneRefDto,
  /** The seats of the present epoch, in order. */
  validators: z.array(validatorDto).min(1).max(32),
  /** Blocks that wait, by queue. */
  queues: z.record(z.string(), u32),
  requests: z.object({
    /** Missing blocks that are not asked for yet. */
    missing: u32,
    queued: u32,
    pending: u32,
    serving: u32,
  }),
  blocks: z.object({ inMemory: u32, unsolid: u32, unreferenced: u32, tips: u32 }),
  /** Of the process, as the system counts it. */
  memoryBytes: z.int().min(0),
  store: z.object({ sizeBytes: z.int().min(0), freeBytes: z.int().min(0) }),
  pruning: pruningDto,
  snapshots: z.array(snapshotFileDto).max(1_000),
  peers: u32,
  bans: u32,
  logLevel: z.enum(LOG_LEVELS).optional(),
});

/** A multiaddress with its `/p2p/…` part. */
export const newPeerDto = z.strictObject({ address: z.string().min(1).max(256) });

export const newBanDto = z.strictObject({
  id: z.string().min(1).max(128),
  minutes: z.int().min(1).max(525_600),
});

export const newSnapshotDto = z.strictObject({ kind: z.enum(['full', 'delta']) });

/** The last milestone to remove. */
export const pruneToDto = z.strictObject({ index: u32 });

export type ControlFileDto = z.infer<typeof controlFileDto>;
export type PruningDto = z.infer<typeof pruningDto>;
export type BansDto = z.infer<typeof bansDto>;
export type KnownPeerDto = z.infer<typeof knownPeerDto>;
export type ConnectedPeerDto = z.infer<typeof connectedPeerDto>;
export type KnownPeersDto = z.infer<typeof knownPeersDto>;
export type StatusDto = z.infer<typeof statusDto>;
export type LogLevelDto = z.infer<typeof logLevelDto>;
