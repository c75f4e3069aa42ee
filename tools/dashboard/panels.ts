/**
 * The panels of the Grafana dashboard of a node, as one table: row by row, panel by panel, with the
 * queries. `$node` in a query stands for the label of the chosen instances. Next: main.ts, which
 * writes ops/grafana/tangle-node.json. Spec: docs/operating.md, "Monitoring".
 */

/** A query and how its lines are called. */
export type Query = readonly [expression: string, legend: string];

export interface Panel {
  readonly title: string;
  /** A unit of Grafana: `s`, `bytes`, `short`, … */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** One number instead of lines. */
  readonly stat?: true;
  /** Value from which a number is red, or below which with `redBelow`. */
  readonly redFrom?: number;
  readonly redBelow?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const rate = (metric: string, labels = ''): string =>
  `rate(${metric}{$node${labels}}[$__rate_interval])`;
const quantile = (q: number, metric: string): string =>
  `histogram_quantile(${q}, sum by (le, instance) (${rate(`${metric}_bucket`)}))`;
const mean = (metric: string): string => `${rate(`${metric}_sum`)} / ${rate(`${metric}_count`)}`;
const lines = (metric: string, legend = '{{instance}}'): Query[] => [[`${metric}{$node}`, legend]];
const times = (metric: string): Query[] => [
  [quantile(0.5, metric), '{{instance}} half'],
  [quantile(0.99, metric), '{{instance}} 99 %'],
];
const events = (...names: string[]): Query[] =>
  names.map((name) => [
    rate('tangle_network_events_total', `, event="${name}"`),
    `{{instance}} ${name}`,
  ]);

/** The dashboard from top to bottom. */
export const ROWS: readonly Row[] = [
  {
    title: 'Health',
    panels: [
      {
        title: 'Healthy',
        unit: 'short',
        stat: true,
        redBelow: 1,
        queries: lines('tangle_healthy'),
      },
      {
        title: 'Confirmation halted',
        unit: 'short',
        stat: true,
        redFrom: 1,
        queries: lines('tangle_halted'),
      },
      {
        title: 'Age of the last milestone',
        unit: 's',
        stat: true,
        redFrom: 60,
        queries: [['time() - tangle_milestone_timestamp_seconds{$node}', '{{instance}}']],
      },
      {
        title: 'Milestones behind',
        unit: 'short',
        stat: true,
        redFrom: 10,
        queries: [
          [
            'tangle_milestone_index{$node, kind="latest"} - ignoring(kind) ' +
              'tangle_milestone_index{$node, kind="confirmed"}',
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Peers',
        unit: 'short',
        stat: true,
        redBelow: 1,
        queries: [['sum by (instance) (tangle_peers{$node})', '{{instance}}']],
      },
      {
        title: 'Free disk',
        unit: 'bytes',
        stat: true,
        redBelow: 5e9,
        queries: lines('tangle_disk_free_bytes'),
      },
    ],
  },
  {
    title: 'Milestones',
    panels: [
      {
        title: 'Index',
        unit: 'none',
        queries: lines('tangle_milestone_index', '{{instance}} {{kind}}'),
      },
      {
        title: 'Milestones a second',
        unit: 'short',
        queries: [[rate('tangle_milestone_confirmation_seconds_count'), '{{instance}}']],
      },
      {
        title: 'Checking and writing one milestone',
        unit: 's',
        queries: times('tangle_milestone_confirmation_seconds'),
      },
      {
        title: 'Wait of a block for its milestone',
        unit: 's',
        queries: times('tangle_block_confirmation_seconds'),
      },
      {
        title: 'Blocks of one milestone, mean',
        unit: 'short',
        queries: [[mean('tangle_milestone_blocks'), '{{instance}}']],
      },
      {
        title: 'Transactions',
        unit: 'ops',
        queries: [
          [rate('tangle_transactions_applied_total'), '{{instance}} applied'],
          [
            `sum by (instance, reason) (${rate('tangle_transaction_conflicts_total')}) > 0`,
            '{{instance}} conflict: {{reason}}',
          ],
        ],
      },
      {
        title: 'Unspent outputs',
        unit: 'short',
        queries: lines('tangle_unspent_outputs'),
      },
      {
        title: 'Difficulty of a small block',
        unit: 'short',
        queries: lines('tangle_pow_difficulty'),
      },
    ],
  },
  {
    title: 'Agreement',
    panels: [
      {
        title: 'Own seat silent',
        unit: 'short',
        stat: true,
        redFrom: 1,
        queries: lines('tangle_agreement_silent'),
      },
      {
        title: 'Seats that contradict themselves',
        unit: 'short',
        stat: true,
        redFrom: 1,
        queries: lines('tangle_agreement_evidence_total', '{{instance}} {{kind}}'),
      },
      {
        title: 'Bonds that were burnt',
        unit: 'short',
        stat: true,
        redFrom: 1,
        queries: lines('tangle_bonds_slashed_total'),
      },
      { title: 'View', unit: 'none', queries: lines('tangle_agreement_view') },
      {
        title: 'Views that ended, and those undecided',
        unit: 'short',
        queries: [
          [rate('tangle_agreement_views_total'), '{{instance}} {{end}} a second'],
          ...lines('tangle_agreement_undecided_views', '{{instance}} undecided'),
        ],
      },
      {
        title: 'From proposal to finality',
        unit: 's',
        queries: times('tangle_agreement_finality_seconds'),
      },
      {
        title: 'Writing and signing votes',
        unit: 's',
        queries: times('tangle_agreement_votes_written_seconds'),
      },
      {
        title: 'Votes that came, by seat',
        unit: 'ops',
        queries: [[rate('tangle_agreement_seat_votes_total'), '{{instance}} seat {{seat}}']],
      },
      {
        title: 'Messages',
        unit: 'ops',
        queries: [[rate('tangle_agreement_messages_total'), '{{instance}} {{type}} {{direction}}']],
      },
      {
        title: 'Messages, bytes',
        unit: 'Bps',
        queries: [[rate('tangle_agreement_message_bytes_total'), '{{instance}} {{direction}}']],
      },
    ],
  },
  {
    title: 'Blocks',
    panels: [
      {
        title: 'Received, by source',
        unit: 'ops',
        queries: [[rate('tangle_blocks_received_total'), '{{instance}} {{source}}']],
      },
      {
        title: 'New, by payload',
        unit: 'ops',
        queries: [[rate('tangle_blocks_new_total'), '{{instance}} {{payload}}']],
      },
      {
        title: 'Refused, by code',
        unit: 'ops',
        queries: [[`${rate('tangle_blocks_refused_total')} > 0`, '{{instance}} {{code}}']],
      },
      {
        title: 'From queue to verdict',
        unit: 's',
        queries: times('tangle_block_processing_seconds'),
      },
      {
        title: 'Signatures checked',
        unit: 'ops',
        queries: [[rate('tangle_signatures_checked_total'), '{{instance}} valid: {{verdict}}']],
      },
      {
        title: 'In memory',
        unit: 'short',
        queries: [
          ...lines('tangle_dag_blocks', '{{instance}} all'),
          ...lines('tangle_unsolid_blocks', '{{instance}} unsolid'),
          ...lines('tangle_unreferenced_blocks', '{{instance}} unreferenced'),
        ],
      },
      { title: 'Tips', unit: 'short', queries: lines('tangle_tips') },
      {
        title: 'Proof of work done here',
        unit: 'short',
        queries: [
          [rate('tangle_pow_hashes_total'), '{{instance}} hashes/s'],
          [quantile(0.9, 'tangle_pow_seconds'), '{{instance}} seconds, 90 %'],
        ],
      },
    ],
  },
  {
    title: 'Gossip and peers',
    panels: [
      {
        title: 'Peers by direction',
        unit: 'short',
        queries: lines('tangle_peers', '{{instance}} {{direction}}'),
      },
      {
        title: 'Peers by transport, static, known, banned',
        unit: 'short',
        queries: [
          ...lines('tangle_peers_by_transport', '{{instance}} {{transport}}'),
          ...lines('tangle_peers_static', '{{instance}} static'),
          ...lines('tangle_peers_known', '{{instance}} known'),
          ...lines('tangle_peer_bans', '{{instance}} bans'),
        ],
      },
      {
        title: 'Gossip, bytes',
        unit: 'Bps',
        queries: [
          [rate('tangle_gossip_bytes_total'), '{{instance}} payload {{direction}}'],
          [rate('tangle_gossip_wire_bytes_total'), '{{instance}} on the wire, in'],
        ],
      },
      {
        title: 'Packs and milestones',
        unit: 'ops',
        queries: events('pack-sent', 'pack-received', 'milestone-sent', 'milestone-received'),
      },
      {
        title: 'Verdicts',
        unit: 'ops',
        queries: events('verdict-accept', 'verdict-ignore', 'verdict-reject'),
      },
      {
        title: 'Trouble with peers',
        unit: 'ops',
        queries: events(
          'peer-banned',
          'peer-muted',
          'peer-silent',
          'peer-foreign',
          'connection-refused',
          'dial-failed',
          'frame-invalid',
        ),
      },
    ],
  },
  {
    title: 'Requests',
    panels: [
      {
        title: 'Under way',
        unit: 'short',
        queries: [
          ...lines('tangle_requests_queued', '{{instance}} queued'),
          ...lines('tangle_requests_pending', '{{instance}} pending'),
          ...lines('tangle_requests_serving', '{{instance}} serving'),
          ...lines('tangle_requests_waiting', '{{instance}} waiting, {{priority}}'),
          ...lines('tangle_sync_cones', '{{instance}} cones {{state}}'),
          ...lines('tangle_sync_cones_failed', '{{instance}} cones failed'),
          ...lines('tangle_sync_held_blocks', '{{instance}} blocks held'),
          ...lines('tangle_sync_buffered_bytes', '{{instance}} bytes of proven cones'),
        ],
      },
      {
        title: 'Asked of peers',
        unit: 'ops',
        queries: events('request-sent', 'request-answered', 'request-timed-out', 'request-failed'),
      },
      {
        title: 'Asked by peers',
        unit: 'ops',
        queries: events('request-served', 'request-refused'),
      },
    ],
  },
  {
    title: 'Queues',
    panels: [
      {
        title: 'Length',
        unit: 'short',
        queries: lines('tangle_queue_length', '{{instance}} {{queue}}'),
      },
      {
        title: 'Dropped',
        unit: 'ops',
        queries: [[rate('tangle_queue_dropped_total'), '{{instance}} {{queue}}']],
      },
    ],
  },
  {
    title: 'Store and pruning',
    panels: [
      { title: 'Size on the disk', unit: 'bytes', queries: lines('tangle_store_bytes') },
      { title: 'Room left', unit: 'bytes', queries: lines('tangle_disk_free_bytes') },
      {
        title: 'Time of a write, 99 %',
        unit: 's',
        queries: [
          [
            'histogram_quantile(0.99, sum by (le, instance, batch) ' +
              `(${rate('tangle_store_batch_seconds_bucket')}))`,
            '{{instance}} {{batch}}',
          ],
        ],
      },
      {
        title: 'Milestones kept',
        unit: 'short',
        queries: [
          [
            'tangle_milestone_index{$node, kind="confirmed"} - ignoring(kind) ' +
              'tangle_milestone_index{$node, kind="pruned"}',
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Filters that wait to be built',
        unit: 'short',
        queries: [
          [
            'tangle_milestone_index{$node, kind="confirmed"} + 1 - ignoring(kind) ' +
              'tangle_filter_index{$node, kind="next"}',
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Pruned',
        unit: 'ops',
        queries: [
          [rate('tangle_milestones_pruned_total'), '{{instance}} milestones'],
          [rate('tangle_blocks_pruned_total'), '{{instance}} blocks'],
        ],
      },
      {
        title: 'Newest snapshot',
        unit: 'none',
        queries: lines('tangle_snapshot_index', '{{instance}} {{kind}}'),
      },
      {
        title: 'Writing a snapshot, mean',
        unit: 's',
        queries: [[mean('tangle_snapshot_seconds'), '{{instance}} {{kind}}']],
      },
    ],
  },
  {
    title: 'API',
    panels: [
      {
        title: 'Answers by status',
        unit: 'ops',
        queries: [
          [
            `sum by (instance, status) (${rate('tangle_api_requests_total')})`,
            '{{instance}} {{status}}',
          ],
        ],
      },
      {
        title: 'Answers by route',
        unit: 'ops',
        queries: [
          [
            `sum by (instance, route) (${rate('tangle_api_requests_total')})`,
            '{{instance}} {{route}}',
          ],
        ],
      },
      { title: 'Time of an answer', unit: 's', queries: times('tangle_api_request_seconds') },
      {
        title: 'Event sockets',
        unit: 'short',
        queries: [
          ...lines('tangle_api_sockets', '{{instance}} open'),
          [`${rate('tangle_api_sockets_ended_total')} > 0`, '{{instance}} ended: {{reason}}'],
        ],
      },
      {
        title: 'Trees for proofs',
        unit: 'short',
        queries: [
          ...lines('tangle_proof_tree_bytes', '{{instance}} bytes'),
          ...lines('tangle_proof_trees_built', '{{instance}} built'),
        ],
      },
    ],
  },
  {
    title: 'Process',
    panels: [
      { title: 'Memory', unit: 'bytes', queries: lines('process_resident_memory_bytes') },
      {
        title: 'Processor',
        unit: 'percentunit',
        queries: [[rate('process_cpu_seconds_total'), '{{instance}}']],
      },
      {
        title: 'Delay of the event loop',
        unit: 's',
        queries: [
          ...lines('nodejs_eventloop_lag_p99_seconds', '{{instance}} 99 %'),
          ...lines('nodejs_eventloop_lag_max_seconds', '{{instance}} worst'),
        ],
      },
      { title: 'Open files', unit: 'short', queries: lines('process_open_fds') },
      {
        title: 'Running for',
        unit: 's',
        queries: [['time() - process_start_time_seconds{$node}', '{{instance}}']],
      },
    ],
  },
];
