import { afterEach, describe, expect, it } from '@jest/globals';
import { NODE_METRICS } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { RICH_KEY, TestNetwork, testKey, until } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const note: Payload = {
  kind: 'tagged-data',
  tag: Buffer.from('note'),
  data: Buffer.from('one block'),
};

/** Series that must have moved on a node that took a block of a user, gossiped and confirmed. */
const MOVED = [
  'tangle_blocks_received_total{source="api"}',
  'tangle_blocks_new_total{payload="tagged-data"}',
  'tangle_blocks_new_total{payload="transaction"}',
  'tangle_blocks_refused_total{code="truncated"}',
  'tangle_block_processing_seconds_count',
  'tangle_signatures_checked_total{verdict="true"}',
  'tangle_dag_blocks',
  'tangle_tips',
  'tangle_milestone_index{kind="confirmed"}',
  'tangle_milestone_index{kind="latest"}',
  'tangle_milestone_timestamp_seconds',
  'tangle_milestone_confirmation_seconds_count',
  'tangle_milestone_blocks_count',
  'tangle_transactions_applied_total',
  'tangle_unspent_outputs',
  'tangle_peers{direction="outbound"}',
  'tangle_network_events_total{event="pack-sent"}',
  'tangle_network_events_total{event="milestone-received"}',
  'tangle_gossip_bytes_total{direction="out"}',
  'tangle_gossip_bytes_total{direction="in"}',
  'tangle_store_batch_seconds_count{batch="blocks"}',
  'tangle_store_batch_seconds_count{batch="milestone"}',
  'tangle_pow_seconds_count',
  'tangle_pow_hashes_total',
  'tangle_healthy',
];

/** Every sample line of a text in Prometheus' form. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('metrics of a running node', () => {
  it('shows every row of the table, and what a node does moves them', async () => {
    const validator = await network.start({ validator: true });
    const follower = await network.start({
      peers: [validator],
      config: { metrics: { enabled: true, port: 0 }, pow: { allowRemote: true } },
    });
    const { issuer, wallet, api } = follower;
    await until(() => follower.node.query.peers().length === 1);
    const noted = await issuer.issue(note);
    await issuer.awaitConfirmation(noted, { timeoutMs: 20_000 });
    await wallet.sendTransaction({
      from: [RICH_KEY.secretKey],
      outputs: [{ kind: 'basic', address: testKey(9).address, amount: 1_000n }],
    });
    const post = async (body: string | Uint8Array<ArrayBuffer>, type: string) =>
      await fetch(`${api.url}/api/core/v1/blocks`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
    expect((await post(Uint8Array.of(1), 'application/octet-stream')).status).toBe(400);
    expect((await post('{}', 'application/json')).status).toBe(202);
    const text = await (await fetch(api.metricsUrl ?? '')).text();
    const absent = Object.values(NODE_METRICS).filter(
      ({ name, type }) => !text.includes(`# TYPE ${name} ${type}\n`),
    );
    expect(absent).toEqual([]);
    const samples = samplesOf(text);
    expect(MOVED.filter((name) => !((samples.get(name) ?? 0) > 0))).toEqual([]);
  });
});
