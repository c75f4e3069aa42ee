/**
 * What the provider counts, in one table. Before: provider.ts. After: the metrics listener.
 */
import { addProcessMetrics, createMetrics } from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import type { Metrics, MetricTable } from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import { PUSH_TOPICS } from '@tanglemail/mail/io/provider/push-dto.ts';
import { Registry } from 'prom-client';
import { ARRIVAL_OUTCOMES } from './mailboxes/arrivals.ts';

/**
 * Why the provider closes a push socket: the room, its address or its mailbox has enough; no ping
 * back; no session shown; no money for the day; too much waits for it; a failure of ours.
 */
const PUSH_ENDS = [
  'full',
  'address',
  'mailbox',
  'silent',
  'unauthorized',
  'unpaid',
  'lagging',
  'failed',
] as const;
export type PushEnd = (typeof PUSH_ENDS)[number];

export const PROVIDER_METRICS = {
  arrivals: {
    type: 'counter',
    name: 'provider_envelopes_total',
    help: 'Envelopes of the tangle by what became of them here.',
    labels: { outcome: ARRIVAL_OUTCOMES },
  },
  vouchers: {
    type: 'counter',
    name: 'provider_vouchers_total',
    help: 'Vouchers shown, by whether they were accepted.',
    labels: { result: ['accepted', 'refused'] },
  },
  credited: {
    type: 'counter',
    name: 'provider_credited_base_units_total',
    help: 'Base units credited to mailboxes.',
  },
  receipts: {
    type: 'counter',
    name: 'provider_receipts_total',
    help: 'Storage receipts handed out.',
  },
  partBytes: {
    type: 'counter',
    name: 'provider_part_bytes_total',
    help: 'Bytes of parts of parcels that were taken.',
  },
  requests: {
    type: 'counter',
    name: 'provider_api_requests_total',
    help: 'Answers of the API by class of status.',
    labels: { status: ['2xx', '3xx', '4xx', '5xx', '402'] },
  },
  pushSockets: {
    type: 'gauge',
    name: 'provider_push_sockets',
    help: 'Push sockets that have shown a session.',
  },
  pushHints: {
    type: 'counter',
    name: 'provider_push_hints_total',
    help: 'Hints sent over push sockets, by what they say.',
    labels: { topic: PUSH_TOPICS },
  },
  pushEnds: {
    type: 'counter',
    name: 'provider_push_ends_total',
    help: 'Push sockets that the provider closed, by why.',
    labels: { reason: PUSH_ENDS },
  },
  claimsPending: {
    type: 'gauge',
    name: 'provider_claims_pending',
    help: 'Claim transactions that no milestone has applied yet.',
  },
  channelsUnsettled: {
    type: 'gauge',
    name: 'provider_channels_unsettled',
    help: 'Channels that are open, due or being claimed.',
  },
  unclaimed: {
    type: 'gauge',
    name: 'provider_unclaimed_base_units',
    help: 'Accepted by vouchers and not yet claimed on the ledger.',
  },
  claimMargin: {
    type: 'gauge',
    name: 'provider_claim_margin_seconds',
    help: 'Ledger time until the first unclaimed channel expires; alarm below 21,600.',
  },
  ledgerLag: {
    type: 'gauge',
    name: 'provider_ledger_lag_seconds',
    help: 'Age of the last milestone that was worked off.',
  },
  ledgerIndex: {
    type: 'gauge',
    name: 'provider_ledger_index',
    help: 'Index of the last milestone that was worked off.',
  },
} as const satisfies MetricTable;

export interface ProviderMetrics {
  readonly registry: Registry;
  readonly table: Metrics<typeof PROVIDER_METRICS>;
}

export function createProviderMetrics(): ProviderMetrics {
  const registry = new Registry();
  addProcessMetrics(registry);
  return { registry, table: createMetrics(registry, PROVIDER_METRICS) };
}
