/**
 * The metrics of a node. Path: apps/node → here → create-metrics.ts. Spec: docs/operating.md.
 */
import { CONFLICT } from '../../core/ledger/conflict.ts';
import type { ConflictName } from '../../core/ledger/conflict.ts';
import { ERROR_CODES } from '../../core/outcome.ts';
import type { ErrorCode } from '../../core/outcome.ts';
import { MAX_COMMITTEE } from '../../core/params/limits.ts';
import { NETWORK_EVENTS, PEER_TRANSPORTS, REQUEST_PRIORITIES } from '../libp2p/types.ts';
import type { Metrics, MetricTable } from './create-metrics.ts';

const FAST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const SLOW_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const BLOCK_COUNTS = [0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000];

const SOURCES = ['milestone', 'api', 'sync', 'gossip'] as const;
const CODES: readonly ErrorCode[] = Object.keys(ERROR_CODES) as ErrorCode[];
type Reason = Exclude<ConflictName, 'none'>;
const REASONS: readonly Reason[] = Object.keys(CONFLICT).filter(
  (name): name is Reason => name !== 'none',
);

/** Classes of answers; 429 apart, because it is about the caller's pace and not a mistake. */
export const API_STATUSES = ['2xx', '3xx', '4xx', '429', '5xx'] as const;

/** Routes of the API that are alike in what they cost; see apps/node/src/api/limits.ts. */
export const API_ROUTES = [
  'health',
  'node',
  'submit',
  'block',
  'ledger',
  'proof',
  'feed',
  'indexer',
  'snapshot',
  'other',
] as const;

/** Seats of a committee. */
export const SEATS: readonly string[] = Array.from({ length: MAX_COMMITTEE }, (_, at) => `${at}`);

export const NODE_METRICS = {
  blocksReceived: {
    type: 'counter',
    name: 'tangle_blocks_received_total',
    help: 'Blocks handed to the processor, known ones included.',
    labels: { source: SOURCES },
  },
  blocksNew: {
    type: 'counter',
    name: 'tangle_blocks_new_total',
    help: 'Valid blocks that the node did not have.',
    labels: { payload: ['none', 'transaction', 'envelope', 'tagged-data'] },
  },
  blocksRefused: {
    type: 'counter',
    name: 'tangle_blocks_refused_total',
    help: 'Blocks that were not taken, by error code.',
    labels: { code: CODES },
  },
  blockProcessing: {
    type: 'histogram',
    name: 'tangle_block_processing_seconds',
    help: 'Time from the entry into the queue to the verdict.',
    buckets: FAST_SECONDS,
  },
  signaturesChecked: {
    type: 'counter',
    name: 'tangle_signatures_checked_total',
    help: 'Ed25519 signatures that were checked.',
    labels: { verdict: ['true', 'false'] },
  },
  queueLength: {
    type: 'gauge',
    name: 'tangle_queue_length',
    help: 'Blocks that wait to be processed.',
    labels: { queue: SOURCES },
  },
  queueDropped: {
    type: 'counter',
    name: 'tangle_queue_dropped_total',
    help: 'Blocks that a full queue did not take or lost; packs: own blocks that no peer took.',
    labels: { queue: [...SOURCES, 'packs'] },
  },
  dagBlocks: {
    type: 'gauge',
    name: 'tangle_dag_blocks',
    help: 'Blocks that the node holds in memory.',
  },
  unsolidBlocks: {
    type: 'gauge',
    name: 'tangle_unsolid_blocks',
    help: 'Blocks that wait for missing parents.',
  },
  unreferencedBlocks: {
    type: 'gauge',
    name: 'tangle_unreferenced_blocks',
    help: 'Solid blocks that no milestone has referenced.',
  },
  tips: { type: 'gauge', name: 'tangle_tips', help: 'Tips in the pool.' },
  milestoneIndex: {
    type: 'gauge',
    name: 'tangle_milestone_index',
    help: 'Latest milestone heard of, last one made final here, last one that is pruned.',
    labels: { kind: ['latest', 'confirmed', 'pruned'] },
  },
  filterIndex: {
    type: 'gauge',
    name: 'tangle_filter_index',
    help: 'First milestone whose filter of tags is here, and the first that has none yet.',
    labels: { kind: ['first', 'next'] },
  },
  milestoneTimestamp: {
    type: 'gauge',
    name: 'tangle_milestone_timestamp_seconds',
    help: 'Time in the header of the last confirmed milestone, since 1970.',
  },
  confirmation: {
    type: 'histogram',
    name: 'tangle_milestone_confirmation_seconds',
    help: 'Time to check one milestone and to write its batch.',
    buckets: FAST_SECONDS,
  },
  blockConfirmation: {
    type: 'histogram',
    name: 'tangle_block_confirmation_seconds',
    help: 'Time from a block becoming solid here to its milestone; one block in sixteen.',
    buckets: SLOW_SECONDS,
  },
  halted: {
    type: 'gauge',
    name: 'tangle_halted',
    help: '1 when the node confirms nothing more because of a fork or a broken rule.',
  },
  milestoneBlocks: {
    type: 'histogram',
    name: 'tangle_milestone_blocks',
    help: 'Blocks that one milestone newly references.',
    buckets: BLOCK_COUNTS,
  },
  transactionsApplied: {
    type: 'counter',
    name: 'tangle_transactions_applied_total',
    help: 'Transactions that changed the ledger.',
  },
  transactionConflicts: {
    type: 'counter',
    name: 'tangle_transaction_conflicts_total',
    help: 'Referenced transactions that did not change the ledger.',
    labels: { reason: REASONS },
  },
  unspentOutputs: {
    type: 'gauge',
    name: 'tangle_unspent_outputs',
    help: 'Unspent outputs of the ledger.',
  },
  peers: {
    type: 'gauge',
    name: 'tangle_peers',
    help: 'Connected peers.',
    labels: { direction: ['inbound', 'outbound'] },
  },
  peersByTransport: {
    type: 'gauge',
    name: 'tangle_peers_by_transport',
    help: 'Connected peers by what carries the connection.',
    labels: { transport: PEER_TRANSPORTS },
  },
  staticPeers: {
    type: 'gauge',
    name: 'tangle_peers_static',
    help: 'Peers of the configuration, or added at run time, that are connected.',
  },
  knownPeers: {
    type: 'gauge',
    name: 'tangle_peers_known',
    help: 'Peers that were good once and are dialled first after a restart.',
  },
  bans: { type: 'gauge', name: 'tangle_peer_bans', help: 'Bans that have not ended.' },
  networkEvents: {
    type: 'counter',
    name: 'tangle_network_events_total',
    help: 'What happened between this node and its peers.',
    labels: { event: NETWORK_EVENTS },
  },
  gossipWireBytes: {
    type: 'counter',
    name: 'tangle_gossip_wire_bytes_total',
    help: 'Bytes received on gossip streams, with duplicates and control messages.',
  },
  gossipBytes: {
    type: 'counter',
    name: 'tangle_gossip_bytes_total',
    help: 'Bytes of packs and milestones published, and received for the first time.',
    labels: { direction: ['in', 'out'] },
  },
  requestsQueued: {
    type: 'gauge',
    name: 'tangle_requests_queued',
    help: 'Missing blocks that are not asked for yet.',
  },
  requestsPending: {
    type: 'gauge',
    name: 'tangle_requests_pending',
    help: 'Requests to peers that have no answer yet.',
  },
  requestsWaiting: {
    type: 'gauge',
    name: 'tangle_requests_waiting',
    help: 'Requests that wait for a free place at a peer, by what they are for.',
    labels: { priority: REQUEST_PRIORITIES },
  },
  syncCones: {
    type: 'gauge',
    name: 'tangle_sync_cones',
    help: 'Cones of milestones ahead: asked for, proven and waiting, being processed.',
    labels: { state: ['requested', 'proven', 'processing'] },
  },
  syncConesFailed: {
    type: 'gauge',
    name: 'tangle_sync_cones_failed',
    help: 'Cones that were wrong or not brought, since the start.',
  },
  syncBufferedBytes: {
    type: 'gauge',
    name: 'tangle_sync_buffered_bytes',
    help: 'Bytes of proven cones that wait to be processed.',
  },
  syncHeldBlocks: {
    type: 'gauge',
    name: 'tangle_sync_held_blocks',
    help: 'Gossiped blocks that are held until the node has caught up.',
  },
  agreementView: {
    type: 'gauge',
    name: 'tangle_agreement_view',
    help: 'View of the epoch in which this node stands.',
  },
  agreementViews: {
    type: 'counter',
    name: 'tangle_agreement_views_total',
    help: 'Views that ended here, with a milestone notarized or without.',
    labels: { end: ['notarized', 'nullified'] },
  },
  agreementFinality: {
    type: 'histogram',
    name: 'tangle_agreement_finality_seconds',
    help: 'Time from seeing or making a proposal to its finality by the votes that came here.',
    buckets: SLOW_SECONDS,
  },
  agreementMessages: {
    type: 'counter',
    name: 'tangle_agreement_messages_total',
    help: 'Messages of the agreement that brought something new, and those that were published.',
    labels: { direction: ['in', 'out'], type: ['proposal', 'vote', 'certificate'] },
  },
  agreementBytes: {
    type: 'counter',
    name: 'tangle_agreement_message_bytes_total',
    help: 'Bytes of the agreement’s messages received by gossip for the first time, and published.',
    labels: { direction: ['in', 'out'] },
  },
  agreementVotesWritten: {
    type: 'histogram',
    name: 'tangle_agreement_votes_written_seconds',
    help: 'Time to write, sync and sign one group of statements.',
    buckets: FAST_SECONDS,
  },
  agreementUndecided: {
    type: 'gauge',
    name: 'tangle_agreement_undecided_views',
    help: 'Views since that of the last final milestone, the current one left out.',
  },
  agreementEvidence: {
    type: 'counter',
    name: 'tangle_agreement_evidence_total',
    help: 'Proofs that a seat contradicts itself, by what contradicts.',
    labels: { kind: ['proposals', 'votes'] },
  },
  bondsSlashed: {
    type: 'counter',
    name: 'tangle_bonds_slashed_total',
    help: 'Bonds of validators that milestones took by evidence.',
  },
  agreementSilent: {
    type: 'gauge',
    name: 'tangle_agreement_silent',
    help: '1 while this node has a seat that does not speak.',
  },
  agreementSeatVotes: {
    type: 'counter',
    name: 'tangle_agreement_seat_votes_total',
    help: 'New votes of each seat that peers brought.',
    labels: { seat: SEATS },
  },
  requestsServing: {
    type: 'gauge',
    name: 'tangle_requests_serving',
    help: 'Requests of peers that are being answered.',
  },
  storeBytes: {
    type: 'gauge',
    name: 'tangle_store_bytes',
    help: 'Size of the store on the disk.',
  },
  milestonesPruned: {
    type: 'counter',
    name: 'tangle_milestones_pruned_total',
    help: 'Milestones that were removed with their blocks.',
  },
  blocksPruned: {
    type: 'counter',
    name: 'tangle_blocks_pruned_total',
    help: 'Blocks that were removed with their milestones.',
  },
  snapshotIndex: {
    type: 'gauge',
    name: 'tangle_snapshot_index',
    help: 'Milestone of the newest snapshot that this node wrote; 0 for none.',
    labels: { kind: ['full', 'delta'] },
  },
  snapshotSeconds: {
    type: 'histogram',
    name: 'tangle_snapshot_seconds',
    help: 'Time to write a snapshot, in small steps beside everything else.',
    labels: { kind: ['full', 'delta'] },
    buckets: SLOW_SECONDS,
  },
  diskFree: {
    type: 'gauge',
    name: 'tangle_disk_free_bytes',
    help: 'Space that is left where the data folder is.',
  },
  storeBatch: {
    type: 'histogram',
    name: 'tangle_store_batch_seconds',
    help: 'Time of one write to the store.',
    labels: { batch: ['blocks', 'milestone'] },
    buckets: FAST_SECONDS,
  },
  pow: {
    type: 'histogram',
    name: 'tangle_pow_seconds',
    help: 'Time of one proof of work done by this node.',
    buckets: SLOW_SECONDS,
  },
  powHashes: {
    type: 'counter',
    name: 'tangle_pow_hashes_total',
    help: 'Hashes tried for proofs of work.',
  },
  powDifficulty: {
    type: 'gauge',
    name: 'tangle_pow_difficulty',
    help: 'Leading zero bits asked of a small block at present.',
  },
  apiRequests: {
    type: 'counter',
    name: 'tangle_api_requests_total',
    help: 'Answers of the API by class of route and of status; 429 is a caller that was too fast.',
    labels: { route: API_ROUTES, status: API_STATUSES },
  },
  apiSeconds: {
    type: 'histogram',
    name: 'tangle_api_request_seconds',
    help: 'Time from a request to the end of its answer, by class of route.',
    labels: { route: API_ROUTES },
    buckets: FAST_SECONDS,
  },
  apiSockets: { type: 'gauge', name: 'tangle_api_sockets', help: 'Event sockets that are open.' },
  apiSocketsEnded: {
    type: 'counter',
    name: 'tangle_api_sockets_ended_total',
    help: 'Event sockets that the node ended or refused, by reason.',
    labels: { reason: ['lagging', 'failed', 'rate', 'full', 'address', 'silent'] },
  },
  proofTreeBytes: {
    type: 'gauge',
    name: 'tangle_proof_tree_bytes',
    help: 'Merkle trees that are kept for proofs.',
  },
  proofTreesBuilt: {
    type: 'gauge',
    name: 'tangle_proof_trees_built',
    help: 'Merkle trees that were built for proofs since the start.',
  },
  healthy: {
    type: 'gauge',
    name: 'tangle_healthy',
    help: '1 while /health says that the node is synchronised, else 0.',
  },
} as const satisfies MetricTable;

export type NodeMetrics = Metrics<typeof NODE_METRICS>;
