/**
 * The JSON of the node's API, once for both sides: the node's controllers return these types, the
 * client checks every answer against these schemas. Ids and bytes are lowercase hex, amounts and
 * u64 decimal strings, times milliseconds since 1970 unless the name says otherwise.
 */
import { z } from 'zod';
import type {
  Address,
  BlockId,
  MilestoneId,
  OutputId,
  TransactionId,
} from '../../core/codec/ids.ts';

/** Prefixes of the API's paths; the event socket's is in event-dto.ts. */
export const API_PREFIX = '/api/core/v1';
export const INDEXER_PREFIX = '/api/indexer/v1';

/** Items of one indexer page. */
export const MAX_PAGE_ITEMS = 1_000;
/** Bytes of blocks on one page of `milestones/:index/blocks`. */
export const MAX_BLOCK_PAGE_BYTES = 4 << 20;

/** 64 lowercase hex digits: ids, addresses and keys. */
export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const blockId = hex64.transform((text) => text as BlockId);
export const milestoneId = hex64.transform((text) => text as MilestoneId);
export const transactionId = hex64.transform((text) => text as TransactionId);
export const address = hex64.transform((text) => text as Address);
export const outputId = z
  .string()
  .regex(/^[0-9a-f]{68}$/)
  .transform((text) => text as OutputId);
/** Whole bytes as lowercase hex. */
export const hexBytes = z.string().regex(/^(?:[0-9a-f]{2})*$/);
/** A u64. */
export const decimal = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
/** A count or an index. */
export const u32 = z.int().min(0).max(0xffff_ffff);
/** Milliseconds since 1970. */
export const timeMs = z.int().min(0);
/** Short text. */
export const text = z.string().max(1_024);

/** RFC 9457. `code` is one of `ERROR_CODES` or of the API's own. */
export const problemDto = z.object({
  type: text.optional(),
  title: text.optional(),
  status: z.int().optional(),
  code: text,
  detail: text.optional(),
  /** With `pruned`: milestones up to this index are gone here. */
  prunedIndex: u32.optional(),
});

/** `GET /health/live`: the process answers, whatever state its node is in. */
export const liveDto = z.object({ live: z.literal(true) });

/** The groups of routes that a node serves, such as `core/v1`. */
export const routesDto = z.object({ routes: z.array(text).max(64) });

export const healthDto = z.object({ healthy: z.boolean(), reasons: z.array(text).max(64) });

export const milestoneRefDto = z.object({
  index: u32,
  timestampMs: timeMs,
  milestoneId,
});

/** The network's parameters as in the genesis. */
const paramsDto = z.object({
  powBaseBits: u32,
  powLoadBitsMax: u32,
  depositPerByte: decimal,
  milestoneIntervalMs: u32,
  heartbeatMs: u32,
  maxDriftMs: u32,
  belowMaxDepth: u32,
  epochLength: u32,
  /** Base units of a bond that counts in elections; absent or 0 where there are none. */
  validatorBondMin: decimal.optional(),
});

/** The genesis document: it is the network. */
export const genesisDto = z.object({
  name: text,
  timestampMs: timeMs,
  params: paramsDto,
  committee: z.array(hex64).min(1).max(32),
  outputs: z.array(z.object({ address, amount: decimal })),
});

export const syncStates = ['following', 'warping', 'halted'] as const;

/** How the node stands to its network; docs/spec/13-sync.md says what each number means. */
export const syncDto = z.object({
  state: z.enum(syncStates),
  /** Milestones known by certificate that are not confirmed here yet. */
  behind: u32,
  /** Certified milestones that wait for their cones. */
  milestones: u32,
  /** Cones that are asked for, proven and waiting, in the processor. */
  requested: u32,
  proven: u32,
  processing: u32,
  /** Memory that waiting cones take. */
  bufferedBytes: u32,
  /** Gossiped blocks that wait until the node has caught up. */
  held: u32,
  /** Why the node cannot catch up by itself; absent while it can. */
  problem: text.optional(),
});

/** One seat of the committee, as the node has seen it since its start. */
export const validatorDto = z.object({
  /** From 0. */
  seat: u32,
  publicKey: hex64,
  /** Whether the node speaks for this seat. */
  own: z.boolean(),
  /** The greatest milestone that a vote of the seat named; absent while none was seen. */
  lastMilestoneIndex: u32.optional(),
  /** When its last vote was heard, or the time of the milestone whose certificate has it. */
  lastVoteMs: timeMs.optional(),
  /** It has no vote in the current view, and had none in any for three heartbeats and more. */
  silent: z.boolean(),
});

export const infoDto = z.object({
  name: text,
  version: text,
  networkId: decimal,
  networkName: text,
  genesisId: milestoneId,
  /** Version byte of the blocks that the node makes and takes. */
  protocolVersion: u32,
  /** Base units in all. */
  tokenSupply: decimal,
  status: z.object({
    healthy: z.boolean(),
    latestMilestone: milestoneRefDto,
    confirmedMilestone: milestoneRefDto,
    solidIndex: u32,
    /** Milestones up to this index are gone here; 0 when none is. */
    prunedIndex: u32,
    tips: u32,
    peers: u32,
    unsolid: u32,
    sync: syncDto,
  }),
  /** Rates over the last half minute. */
  metrics: z.object({
    /** New solid blocks. */
    blocksPerSecond: z.number().min(0),
    referencedBlocksPerSecond: z.number().min(0),
    /** Referenced blocks by new ones, in percent. */
    referencedRate: z.number().min(0),
    /**
     * How long the last watched blocks waited for their milestone, in milliseconds; absent before
     * the first of them.
     */
    confirmationMs: z.object({ median: timeMs, p95: timeMs }).optional(),
  }),
  /** Since the start of the process; absent in answers of older nodes. */
  uptimeMs: timeMs.optional(),
  /** The network's parameters, and the load term of the last milestone. */
  params: paramsDto.extend({ powLoadBits: u32 }),
  /** Who certifies the next milestone. */
  committee: z.object({
    epoch: u32,
    size: z.int().min(1).max(32),
    /** Signatures that make a certificate. */
    quorum: z.int().min(1).max(32),
  }),
  /** The next milestone that may name another committee; absent where none ever does. */
  election: z.object({ index: u32 }).optional(),
  /** The seats of the present epoch, in order. */
  validators: z.array(validatorDto).min(1).max(32),
  features: z.array(text).max(64),
});

export const tipsDto = z.object({ tips: z.array(blockId).min(1).max(8) });

export const blockIdDto = z.object({ blockId });

export const ledgerInclusionStates = ['noTransaction', 'included', 'conflicting'] as const;

export const blockMetadataDto = z.object({
  blockId,
  parents: z.array(blockId).max(8),
  solid: z.boolean(),
  /** Index of the milestone that references the block; absent while none does. */
  referencedByMilestoneIndex: u32.optional(),
  /** Its place in that milestone's white-flag order, from 0. */
  whiteFlagIndex: u32.optional(),
  ledgerInclusionState: z.enum(ledgerInclusionStates).optional(),
  /** See core/ledger/conflict.ts. */
  conflictCode: z.int().min(0).max(255).optional(),
  /** The block can no longer be referenced soon: put its payload into a new block. */
  shouldReattach: z.boolean().optional(),
  /** A child would help it to be referenced. */
  shouldPromote: z.boolean().optional(),
});

export const childrenDto = z.object({ blockId, children: z.array(blockId).max(MAX_PAGE_ITEMS) });

export const blockProofDto = z.object({
  /** Milestone with certificate. */
  milestone: hexBytes,
  block: hexBytes,
  /** Audit path to the milestone's inclusionRoot. */
  inclusionPath: hexBytes,
  /** Audit path to appliedRoot; only for a transaction that was applied. */
  appliedPath: hexBytes.optional(),
});

export const basicOutputDto = z.object({
  kind: z.literal('basic'),
  amount: decimal,
  address,
  tag: hexBytes.optional(),
  timelock: u32.optional(),
  expiration: z.object({ unixSeconds: u32, returnAddress: address }).optional(),
});

export const channelOutputDto = z.object({
  kind: z.literal('channel'),
  amount: decimal,
  payerPublicKey: hex64,
  payee: address,
  refundAddress: address,
  expiry: u32,
});

export const validatorBondDto = z.object({
  kind: z.literal('validator-bond'),
  amount: decimal,
  publicKey: hex64,
  owner: address,
  /** 0: active; else seconds since 1970 from which the owner may take it. */
  unbondAt: u32,
});

export const outputKinds = ['basic', 'channel', 'validator-bond'] as const;

export const outputDto = z.discriminatedUnion('kind', [
  basicOutputDto,
  channelOutputDto,
  validatorBondDto,
]);

export const outputInfoDto = z.object({
  outputId,
  output: outputDto,
  outputBytes: hexBytes,
  /** The block whose transaction created it; absent for outputs of the genesis. */
  blockId: blockId.optional(),
  milestoneIndexBooked: u32,
  milestoneTimestampBooked: timeMs,
  spent: z.object({ transactionId, milestoneIndex: u32, milestoneTimestamp: timeMs }).optional(),
  /** Index of the milestone whose ledger this is. */
  ledgerIndex: u32,
});

/** What is known of an output besides what stands in it. */
export const outputMetadataDto = outputInfoDto.omit({ output: true, outputBytes: true }).extend({
  /** The transaction that created it, and the output's place there; zeros for the genesis. */
  transactionId,
  outputIndex: u32,
  isSpent: z.boolean(),
});

export const outputProofDto = z.object({
  milestone: hexBytes,
  output: hexBytes,
  /** State proof to the milestone's stateRoot. */
  path: hexBytes,
});

/** Outputs that one balance answer proves at most. */
export const MAX_BALANCE_OUTPUTS = 128;

/** Unspent outputs of an address, each proven against the same milestone: at least this balance. */
export const balanceDto = z.object({
  address,
  /** Sum of the amounts below. */
  amount: decimal,
  /** The milestone with its certificate; its stateRoot is what the paths lead to. */
  milestone: hexBytes,
  ledgerIndex: u32,
  outputs: z
    .array(z.object({ outputId, output: hexBytes, path: hexBytes }))
    .max(MAX_BALANCE_OUTPUTS),
  /** For the next page; absent on the last. */
  cursor: text.optional(),
});

export const milestoneDto = z.object({
  index: u32,
  milestoneId,
  timestampMs: timeMs,
  bytes: hexBytes,
});

/** Elections of one page: with the longest milestones it stays below a mebibyte. */
export const MAX_PAGE_ELECTIONS = 32;

export const electionsDto = z.object({
  /** Ascending by epoch. */
  elections: z
    .array(
      z.object({
        /** The first epoch that the named committee certifies. */
        epoch: u32,
        /** The milestone that names it, with its certificate. */
        milestone: hexBytes,
      }),
    )
    .max(MAX_PAGE_ELECTIONS),
  /** Whether others follow. */
  more: z.boolean(),
});

export const payloadKinds = ['transaction', 'envelope', 'tagged-data'] as const;

export const milestoneBlocksDto = z.object({
  index: u32,
  /** White-flag order. */
  blocks: z.array(z.object({ blockId, bytes: hexBytes })),
  /** Position in the cone to ask for next (`skip`); absent on the last page. */
  next: u32.optional(),
});

export const utxoChangesDto = z.object({
  index: u32,
  consumed: z.array(outputId),
  created: z.array(outputId),
});

/** A connected peer as anybody may see it; its address is for the operator only. */
export const peerDto = z.object({
  id: text,
  connected: z.boolean(),
  direction: z.enum(['inbound', 'outbound']),
  /** When it connected, in milliseconds since 1970. */
  connectedMs: timeMs,
  static: z.boolean(),
  points: z.number(),
  status: z.object({ solidIndex: u32, latestIndex: u32, prunedIndex: u32, peers: u32 }).optional(),
  counters: z.record(z.string(), z.number()),
});

export const snapshotFileDto = z.object({
  kind: z.enum(['full', 'delta']),
  sizeBytes: z.int().min(0),
  /** A delta stands on the full snapshot of this milestone. */
  baseIndex: u32.optional(),
  targetIndex: u32,
  targetId: milestoneId,
  timestampMs: timeMs,
});

/** The snapshots that a node has, oldest first. */
export const snapshotsDto = z.object({ snapshots: z.array(snapshotFileDto).max(1_000) });

export const outputsPageDto = z.object({
  ledgerIndex: u32,
  items: z.array(outputId).max(MAX_PAGE_ITEMS),
  cursor: text.optional(),
});

export const taggedDataPageDto = z.object({
  items: z.array(z.object({ blockId, milestoneIndex: u32 })).max(MAX_PAGE_ITEMS),
  /** For the next page; absent on the last. */
  cursor: text.optional(),
});

export type ProblemDto = z.infer<typeof problemDto>;
export type HealthDto = z.infer<typeof healthDto>;
export type MilestoneRefDto = z.infer<typeof milestoneRefDto>;
export type InfoDto = z.infer<typeof infoDto>;
export type ValidatorDto = z.infer<typeof validatorDto>;
export type LiveDto = z.infer<typeof liveDto>;
export type RoutesDto = z.infer<typeof routesDto>;
export type TipsDto = z.infer<typeof tipsDto>;
export type BlockIdDto = z.infer<typeof blockIdDto>;
export type LedgerInclusionState = (typeof ledgerInclusionStates)[number];
export type BlockMetadataDto = z.infer<typeof blockMetadataDto>;
export type ChildrenDto = z.infer<typeof childrenDto>;
export type BlockProofDto = z.infer<typeof blockProofDto>;
export type OutputKindDto = (typeof outputKinds)[number];
export type OutputDto = z.infer<typeof outputDto>;
export type OutputInfoDto = z.infer<typeof outputInfoDto>;
export type OutputMetadataDto = z.infer<typeof outputMetadataDto>;
export type BalanceDto = z.infer<typeof balanceDto>;
export type SnapshotFileDto = z.infer<typeof snapshotFileDto>;
export type SnapshotsDto = z.infer<typeof snapshotsDto>;
export type OutputProofDto = z.infer<typeof outputProofDto>;
export type MilestoneDto = z.infer<typeof milestoneDto>;
export type ElectionsDto = z.infer<typeof electionsDto>;
export type PayloadKindDto = (typeof payloadKinds)[number];
export type MilestoneBlocksDto = z.infer<typeof milestoneBlocksDto>;
export type UtxoChangesDto = z.infer<typeof utxoChangesDto>;
export type PeerDto = z.infer<typeof peerDto>;
export type OutputsPageDto = z.infer<typeof outputsPageDto>;
export type TaggedDataPageDto = z.infer<typeof taggedDataPageDto>;
