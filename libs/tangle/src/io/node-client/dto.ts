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

/** Topic prefixes and paths of the API. */
export const API_PREFIX = '/api/core/v1';
export const INDEXER_PREFIX = '/api/indexer/v1';
export const EVENTS_PATH = '/api/events/v1';

/** Items of one indexer page. */
export const MAX_PAGE_ITEMS = 1_000;
/** Bytes of blocks on one page of `milestones/:index/blocks`. */
export const MAX_BLOCK_PAGE_BYTES = 4 << 20;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const blockId = hex64.transform((text) => text as BlockId);
const milestoneId = hex64.transform((text) => text as MilestoneId);
const transactionId = hex64.transform((text) => text as TransactionId);
const address = hex64.transform((text) => text as Address);
const outputId = z
  .string()
  .regex(/^[0-9a-f]{68}$/)
  .transform((text) => text as OutputId);
const hexBytes = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const decimal = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
const u32 = z.int().min(0).max(0xffff_ffff);
const timeMs = z.int().min(0);
const text = z.string().max(1_024);

/** RFC 9457. `code` is one of `ERROR_CODES` or of the API's own. */
export const problemDto = z.object({
  type: text.optional(),
  title: text.optional(),
  status: z.int().optional(),
  code: text,
  detail: text.optional(),
});

export const healthDto = z.object({ healthy: z.boolean(), reasons: z.array(text).max(64) });

export const milestoneRefDto = z.object({
  index: u32,
  timestampMs: timeMs,
  milestoneId,
});

export const infoDto = z.object({
  name: text,
  version: text,
  networkId: decimal,
  networkName: text,
  genesisId: milestoneId,
  status: z.object({
    healthy: z.boolean(),
    latestMilestone: milestoneRefDto,
    confirmedMilestone: milestoneRefDto,
    solidIndex: u32,
    tips: u32,
    peers: u32,
    unsolid: u32,
  }),
  /** The network's parameters as in the genesis, and the load term of the last milestone. */
  params: z.object({
    powBaseBits: u32,
    powLoadBitsMax: u32,
    depositPerByte: decimal,
    milestoneIntervalMs: u32,
    heartbeatMs: u32,
    maxDriftMs: u32,
    belowMaxDepth: u32,
    epochLength: u32,
    powLoadBits: u32,
  }),
  committee: z.array(hex64).min(1).max(32),
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
  ledgerInclusionState: z.enum(ledgerInclusionStates).optional(),
  /** See core/ledger/conflict.ts. */
  conflictCode: z.int().min(0).max(255).optional(),
  /** The block can no longer be referenced soon: put its payload into a new block. */
  shouldReattach: z.boolean().optional(),
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

export const outputDto = z.discriminatedUnion('kind', [basicOutputDto, channelOutputDto]);

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

export const outputProofDto = z.object({
  milestone: hexBytes,
  output: hexBytes,
  /** State proof to the milestone's stateRoot. */
  path: hexBytes,
});

export const milestoneDto = z.object({
  index: u32,
  milestoneId,
  timestampMs: timeMs,
  bytes: hexBytes,
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

export const peerDto = z.object({
  id: text,
  address: text,
  connected: z.boolean(),
  direction: z.enum(['inbound', 'outbound']),
  connectedMs: timeMs,
  static: z.boolean(),
  points: z.number(),
  status: z.object({ solidIndex: u32, latestIndex: u32, prunedIndex: u32, peers: u32 }).optional(),
  counters: z.record(z.string(), z.number()),
});

export const outputsPageDto = z.object({
  ledgerIndex: u32,
  items: z.array(outputId).max(MAX_PAGE_ITEMS),
  cursor: text.optional(),
});

export const taggedDataPageDto = z.object({
  items: z.array(z.object({ blockId, milestoneIndex: u32 })).max(MAX_PAGE_ITEMS),
});

export const confirmedMilestoneDto = milestoneRefDto.extend({
  blocks: u32,
  applied: u32,
  conflicting: u32,
});

export const blockEventDto = z.object({
  blockId,
  kind: z.enum(['transaction', 'envelope', 'tagged-data', 'none']),
});

export const outputEventDto = z.object({
  outputId,
  change: z.enum(['created', 'consumed']),
  milestoneIndex: u32,
});

/** What the server sends on the event socket. */
export const eventMessageDto = z.object({ topic: z.string().max(200), data: z.unknown() });

/** What a client sends on the event socket. */
export const eventRequestDto = z.object({
  op: z.enum(['subscribe', 'unsubscribe']),
  topic: z.string().max(200),
  /** Only `milestones/confirmed`: the last index that the client has; later ones are resent. */
  since: u32.optional(),
});

/** Told before a connection is closed because its reader is too slow. */
export const LAGGING_TOPIC = '$lagging';

export type ProblemDto = z.infer<typeof problemDto>;
export type HealthDto = z.infer<typeof healthDto>;
export type MilestoneRefDto = z.infer<typeof milestoneRefDto>;
export type InfoDto = z.infer<typeof infoDto>;
export type TipsDto = z.infer<typeof tipsDto>;
export type BlockIdDto = z.infer<typeof blockIdDto>;
export type LedgerInclusionState = (typeof ledgerInclusionStates)[number];
export type BlockMetadataDto = z.infer<typeof blockMetadataDto>;
export type ChildrenDto = z.infer<typeof childrenDto>;
export type BlockProofDto = z.infer<typeof blockProofDto>;
export type OutputDto = z.infer<typeof outputDto>;
export type OutputInfoDto = z.infer<typeof outputInfoDto>;
export type OutputProofDto = z.infer<typeof outputProofDto>;
export type MilestoneDto = z.infer<typeof milestoneDto>;
export type PayloadKindDto = (typeof payloadKinds)[number];
export type MilestoneBlocksDto = z.infer<typeof milestoneBlocksDto>;
export type UtxoChangesDto = z.infer<typeof utxoChangesDto>;
export type PeerDto = z.infer<typeof peerDto>;
export type OutputsPageDto = z.infer<typeof outputsPageDto>;
export type TaggedDataPageDto = z.infer<typeof taggedDataPageDto>;
export type ConfirmedMilestoneDto = z.infer<typeof confirmedMilestoneDto>;
export type BlockEventDto = z.infer<typeof blockEventDto>;
export type OutputEventDto = z.infer<typeof outputEventDto>;
export type EventRequestDto = z.infer<typeof eventRequestDto>;

/** Data by topic of the event socket. */
export interface EventData {
  'milestones/latest': MilestoneRefDto;
  'milestones/confirmed': ConfirmedMilestoneDto;
  blocks: BlockEventDto;
  [metadata: `block-metadata/${string}`]: BlockMetadataDto;
  [outputs: `outputs/address/${string}`]: OutputEventDto;
}

export type EventTopic = keyof EventData;

/** The schema of a topic's data; undefined for a topic that does not exist. */
export function eventSchema(topic: string): z.ZodType | undefined {
  if (topic === 'milestones/latest') return milestoneRefDto;
  if (topic === 'milestones/confirmed') return confirmedMilestoneDto;
  if (topic === 'blocks') return blockEventDto;
  if (/^block-metadata\/[0-9a-f]{64}$/.test(topic)) return blockMetadataDto;
  if (/^outputs\/address\/[0-9a-f]{64}$/.test(topic)) return outputEventDto;
  return undefined;
}
