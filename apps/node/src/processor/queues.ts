/**
 * Every queue between the wire and the core in one table: how much it holds, in which order it is
 * served, what happens when it is full, and who hears of it. The processor's own four are built
 * from their rows; the others take their bounds from the same constants. A test compares the table
 * with docs/spec/14-load.md. On the path: tangle/io/libp2p → here → block-processor.ts.
 */
import {
  MAX_BLOCK_SIZE,
  MAX_CONE,
  MAX_MILESTONE_SIZE,
  MAX_PACK_SIZE,
  MAX_REQUEST_IDS,
  MAX_TIPS,
  MAX_UNSOLID,
} from '@tanglemail/tangle/core/params/limits.ts';
import { MAX_QUEUED_BATCHES, MAX_BATCH_CLAIMS } from '@tanglemail/tangle/io/accel/verify-batch.ts';
import { DEFAULT_LIMITS } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { QueueBounds } from './fair-queue.ts';

export interface QueueRow extends QueueBounds {
  /** What waits in it. */
  readonly holds: string;
  readonly order: string;
  /** Who leaves when it is full. */
  readonly drop: string;
  /** Who is told, and how what was lost comes back. */
  readonly told: string;
}

const FAIR = 'fair by kind, then source';
const COSTLIEST = 'newest of the costliest line';

/** The processor's queues in the order in which it serves them. */
export const QUEUES = {
  /** The part of a batch of 64 that is this queue's while all wait; what is left over is shared. */
  milestone: {
    holds: 'blocks that a certified milestone waits for',
    items: 8_192,
    bytes: 64 << 20,
    share: 40,
    order: FAIR,
    drop: COSTLIEST,
    told: 'milestone sync, which asks again',
  },
  api: {
    holds: 'blocks of users, of the faucet and of this validator',
    items: 512,
    bytes: 8 << 20,
    share: 8,
    order: FAIR,
    drop: COSTLIEST,
    told: 'the caller: `queue-full`',
  },
  sync: {
    holds: 'parents that this node asked peers for',
    items: 8_192,
    bytes: 32 << 20,
    share: 8,
    order: FAIR,
    drop: COSTLIEST,
    told: 'the requester, which asks again',
  },
  gossip: {
    holds: 'blocks of gossip packs',
    items: 8_192,
    bytes: 32 << 20,
    share: 8,
    order: FAIR,
    drop: COSTLIEST,
    told: 'nobody; a child that arrives makes the node ask for it',
  },
} as const satisfies Record<string, QueueRow & { readonly share: number }>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as readonly QueueName[];

/**
 * Solid blocks that may wait for a milestone. Above it the node takes no further block from gossip
 * or users: those wait in their queues, which are fair, so the DAG's memory is bounded whatever the
 * flood. Blocks that were asked for still enter: they are what milestones need.
 */
export const MAX_UNREFERENCED = 5 * MAX_CONE;
/**
 * Places beyond it that only the API fills: its users, whose rate is limited, and the validator's
 * merging blocks, which end such a jam, are not kept out by what came over gossip.
 */
export const API_RESERVE = MAX_CONE / 4;

/**
 * Solid blocks that may wait before sources are held to equal shares of these places: twice what
 * calls for a higher difficulty, half of what one milestone takes. A flood then waits in its own
 * line until milestones have taken what it has in the DAG, and a node that relays it hands on no
 * more than that; who has little in the DAG is never held. Up to twice as many wait in all.
 */
export const SHARED_UNREFERENCED = MAX_CONE / 2;

/** Bytes of a vertex with its links, its id and its place in maps: measured, not exact. */
const VERTEX_BYTES = 1_024;
const CLAIM_BYTES = 128;
const EVENT_BYTES = 1 << 20;
const WANT_BYTES = 256;

/** The queues of other parts, in the order of a block's path. */
export const OTHER_QUEUES = {
  'packs under validation': {
    holds: 'gossip packs and milestones whose verdict is open',
    items: DEFAULT_LIMITS.maxValidating,
    bytes: DEFAULT_LIMITS.maxValidating * MAX_PACK_SIZE,
    order: 'all at once',
    drop: `newest; beyond ${DEFAULT_LIMITS.maxValidatingPerPeer} of one peer its newest`,
    told: 'gossipsub: ignore, no penalty',
  },
  'signature batches': {
    holds: `up to ${MAX_BATCH_CLAIMS} signatures each, for the worker threads`,
    items: MAX_QUEUED_BATCHES,
    bytes: MAX_QUEUED_BATCHES * MAX_BATCH_CLAIMS * CLAIM_BYTES,
    order: 'first in, first out',
    drop: 'newest',
    told: 'the sender: `queue-full`; never called invalid',
  },
  'waiting room': {
    holds: 'stored blocks with missing parents (03-dag, section 2)',
    items: MAX_UNSOLID,
    bytes: MAX_UNSOLID * VERTEX_BYTES,
    order: 'when the last parent comes',
    drop: 'oldest of the source that holds most',
    told: 'the store, which deletes it',
  },
  'missing parents': {
    holds: 'ids to ask peers for',
    items: MAX_UNSOLID,
    bytes: MAX_UNSOLID * WANT_BYTES,
    order: 'what milestones wait for, then sources in turn',
    drop: 'newest; oldest after 8 rounds; all far behind the head',
    told: 'nobody; a later child asks anew',
  },
  unreferenced: {
    holds: 'solid blocks without a milestone',
    items: MAX_UNREFERENCED + API_RESERVE,
    bytes: (MAX_UNREFERENCED + API_RESERVE) * VERTEX_BYTES,
    order: 'sources in turn',
    drop: `none: sources with their share of ${SHARED_UNREFERENCED} wait, at last all but the API`,
    told: 'the caller: `queue-full`',
  },
  tips: {
    holds: 'blocks that new ones may name as parents',
    items: MAX_TIPS,
    bytes: MAX_TIPS * WANT_BYTES,
    order: 'drawn by chance',
    drop: 'oldest',
    told: 'nobody; milestones still find it',
  },
  milestones: {
    holds: 'certified milestones ahead of the last confirmed one',
    items: 576,
    bytes: 576 * MAX_MILESTONE_SIZE,
    order: 'by index',
    drop: 'highest index',
    told: 'nobody; fetched when it is its turn',
  },
  'proven cones': {
    holds: 'blocks of milestones ahead, held against their inclusion root (13-sync)',
    items: 512 * 64,
    bytes: 64 << 20,
    order: 'by milestone',
    drop: 'none: no more is asked for',
    told: 'nobody; fetched when there is room',
  },
  'held blocks': {
    holds: 'gossiped blocks while the node is far behind (13-sync)',
    items: 4_096,
    bytes: 8 << 20,
    order: 'first in, first out',
    drop: 'oldest',
    told: 'gossipsub: ignore; milestones bring them',
  },
  'requests to peers': {
    holds: 'requests that wait for a free place',
    items: DEFAULT_LIMITS.maxWaitingRequests,
    bytes: DEFAULT_LIMITS.maxWaitingRequests * MAX_REQUEST_IDS * 64,
    order: 'milestone, window, parents, background (13-sync)',
    drop: 'newest',
    told: 'the part that asked: `busy`',
  },
  'event socket': {
    holds: 'messages that one client has not read',
    items: EVENT_BYTES >> 6,
    bytes: EVENT_BYTES,
    order: 'first in, first out',
    drop: 'the socket',
    told: 'the client: closed; it resumes from an index',
  },
  'packs to send': {
    holds: 'own blocks while no peer can be reached',
    items: DEFAULT_LIMITS.packQueueBytes >> 7,
    bytes: DEFAULT_LIMITS.packQueueBytes,
    order: 'first in, first out',
    drop: 'oldest',
    told: 'nobody; own blocks are offered again until a milestone has them',
  },
  'gossip to one peer': {
    holds: 'bytes in the stream to a peer that reads slowly',
    items: (DEFAULT_LIMITS.gossipBacklogBytes * 4) / MAX_BLOCK_SIZE,
    bytes: DEFAULT_LIMITS.gossipBacklogBytes * 4,
    order: 'first in, first out',
    drop: 'the connection, when more than a quarter waits in two looks',
    told: 'the peer: disconnected',
  },
} as const satisfies Record<string, QueueRow>;
