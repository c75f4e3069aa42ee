/**
 * Topics and messages of the node's event socket, once for both sides: what each topic brings, and
 * whether it can be resumed. Next: node-events.ts, and the node's event-session.ts.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import { z } from 'zod';
import {
  blockId,
  blockMetadataDto,
  hexBytes,
  milestoneDto,
  milestoneRefDto,
  outputId,
  payloadKinds,
  text,
  transactionId,
  u32,
} from './dto.ts';
import type { BlockMetadataDto, MilestoneDto, MilestoneRefDto, PayloadKindDto } from './dto.ts';
import type { Address, BlockId, OutputId, TransactionId } from '../../core/codec/ids.ts';

export const EVENTS_PATH = '/api/events/v1';

/** Characters of a topic. */
const MAX_TOPIC_LENGTH = 200;

export const confirmedMilestoneDto = milestoneRefDto.extend({
  blocks: u32,
  applied: u32,
  conflicting: u32,
});

export const blockEventDto = z.object({
  blockId,
  kind: z.enum([...payloadKinds, 'none']),
  /** What it hangs on, for whoever draws the tangle; older nodes do not say it. */
  parents: z.array(blockId).max(8).optional(),
});

export const includedBlockEventDto = z.object({
  transactionId,
  blockId,
  milestoneIndex: u32,
  bytes: hexBytes,
});

export const outputEventDto = z.object({
  outputId,
  change: z.enum(['created', 'consumed']),
  milestoneIndex: u32,
});

/** What the server sends on the event socket. */
export const eventMessageDto = z.object({
  topic: z.string().max(MAX_TOPIC_LENGTH),
  data: z.unknown(),
});

/** What a client sends on the event socket. */
export const eventRequestDto = z.object({
  op: z.enum(['subscribe', 'unsubscribe']),
  topic: z.string().max(MAX_TOPIC_LENGTH),
  /** For topics about confirmed things: the last index that the client has; later ones follow. */
  since: u32.optional(),
});

/** Told before a connection is closed because its reader is too slow. */
export const LAGGING_TOPIC = '$lagging';
/** A request was not understood or not granted; `data` is `{code, topic?}`. */
export const ERROR_TOPIC = '$error';
/** Everything of a topic up to `index` has been sent or was not asked for: the end of a replay. */
export const READY_TOPIC = '$ready';
/** Milestones `from` to `to` of a replay are gone here. */
export const PRUNED_TOPIC = '$pruned';

export const readyEventDto = z.object({ topic: text, index: u32 });
export const prunedEventDto = z.object({ topic: text, from: u32, to: u32 });

/** Who an address is to an output, in the words of topics. */
export const UNLOCK_CONDITIONS = ['address', 'expiration', 'payee', 'refund', 'bond'] as const;
export type UnlockCondition = (typeof UNLOCK_CONDITIONS)[number];

/**
 * A topic taken apart. `live` ones tell of what happens now and cannot be resumed; `feed` ones tell
 * of every milestone; `point` ones of a single thing.
 */
export type Topic =
  | { readonly way: 'live'; readonly of: 'latest' }
  | {
      readonly way: 'live';
      readonly of: 'blocks';
      readonly kind?: PayloadKindDto;
      readonly tag?: string;
    }
  | { readonly way: 'feed'; readonly of: 'confirmed' | 'milestones' | 'referenced' }
  | { readonly way: 'feed'; readonly of: 'address'; readonly address: Address }
  | {
      readonly way: 'feed';
      readonly of: 'unlock';
      readonly address: Address;
      readonly condition: UnlockCondition;
      readonly spent: boolean;
    }
  | { readonly way: 'point'; readonly of: 'metadata'; readonly blockId: BlockId }
  | { readonly way: 'point'; readonly of: 'included'; readonly transactionId: TransactionId }
  | { readonly way: 'point'; readonly of: 'output'; readonly outputId: OutputId };

const FIXED: Readonly<Record<string, Topic>> = {
  'milestones/latest': { way: 'live', of: 'latest' },
  'milestones/confirmed': { way: 'feed', of: 'confirmed' },
  milestones: { way: 'feed', of: 'milestones' },
  'block-metadata/referenced': { way: 'feed', of: 'referenced' },
  blocks: { way: 'live', of: 'blocks' },
  'blocks/transaction': { way: 'live', of: 'blocks', kind: 'transaction' },
  'blocks/envelope': { way: 'live', of: 'blocks', kind: 'envelope' },
  'blocks/tagged-data': { way: 'live', of: 'blocks', kind: 'tagged-data' },
};

const PATTERNS: readonly [RegExp, (one: string, two: string, three: string) => Topic][] = [
  [
    /^blocks\/tagged-data\/((?:[0-9a-f]{2}){1,64})$/,
    (tag) => ({ way: 'live', of: 'blocks', kind: 'tagged-data', tag }),
  ],
  [
    /^block-metadata\/([0-9a-f]{64})$/,
    (id) => ({ way: 'point', of: 'metadata', blockId: id as BlockId }),
  ],
  [
    /^transactions\/([0-9a-f]{64})\/included-block$/,
    (id) => ({ way: 'point', of: 'included', transactionId: id as TransactionId }),
  ],
  [/^outputs\/([0-9a-f]{68})$/, (id) => ({ way: 'point', of: 'output', outputId: id as OutputId })],
  [
    /^outputs\/address\/([0-9a-f]{64})$/,
    (address) => ({ way: 'feed', of: 'address', address: address as Address }),
  ],
  [
    /^outputs\/unlock\/(address|expiration|payee|refund)\/([0-9a-f]{64})(\/spent)?$/,
    (condition, address, spent) => ({
      way: 'feed',
      of: 'unlock',
      condition: condition as UnlockCondition,
      address: address as Address,
      spent: spent !== '',
    }),
  ],
];

/** What a topic asks for; undefined for one that does not exist. */
export function parseTopic(topic: string): Topic | undefined {
  if (topic.length > MAX_TOPIC_LENGTH) return undefined;
  if (Object.hasOwn(FIXED, topic)) return FIXED[topic];
  for (const [pattern, make] of PATTERNS) {
    const [, one = '', two = '', three = ''] = pattern.exec(topic) ?? [];
    if (one !== '') return make(one, two, three);
  }
  return undefined;
}

const SCHEMAS = {
  latest: milestoneRefDto,
  blocks: blockEventDto,
  confirmed: confirmedMilestoneDto,
  milestones: milestoneDto,
  referenced: blockMetadataDto,
  metadata: blockMetadataDto,
  included: includedBlockEventDto,
  address: outputEventDto,
  unlock: outputEventDto,
  output: outputEventDto,
} as const satisfies Record<Topic['of'], z.ZodType>;

/** The schema of a topic's data; undefined for a topic that does not exist. */
export function eventSchema(topic: string): z.ZodType | undefined {
  const parsed = parseTopic(topic);
  return parsed && SCHEMAS[parsed.of];
}

/** The milestone that an event of a resumable topic belongs to. */
export function indexOfEvent(data: unknown): number | undefined {
  const { index, milestoneIndex, referencedByMilestoneIndex } = data as Readonly<
    Record<string, unknown>
  >;
  const found = index ?? milestoneIndex ?? referencedByMilestoneIndex;
  return typeof found === 'number' ? found : undefined;
}

export type ConfirmedMilestoneDto = z.infer<typeof confirmedMilestoneDto>;
export type BlockEventDto = z.infer<typeof blockEventDto>;
export type IncludedBlockEventDto = z.infer<typeof includedBlockEventDto>;
export type OutputEventDto = z.infer<typeof outputEventDto>;
export type EventRequestDto = z.infer<typeof eventRequestDto>;

/** Data by topic of the event socket. */
export interface EventData {
  'milestones/latest': MilestoneRefDto;
  'milestones/confirmed': ConfirmedMilestoneDto;
  milestones: MilestoneDto;
  blocks: BlockEventDto;
  [blocks: `blocks/${string}`]: BlockEventDto;
  [metadata: `block-metadata/${string}`]: BlockMetadataDto;
  [included: `transactions/${string}/included-block`]: IncludedBlockEventDto;
  [outputs: `outputs/${string}`]: OutputEventDto;
}

export type EventTopic = keyof EventData;
