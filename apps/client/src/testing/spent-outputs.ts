/**
 * Lets the small node of the tangle library answer for spent outputs as well, from its
 * milestones.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { outputToJson } from '@tanglemail/tangle/io/node-client/json.ts';
import type { SmallNode } from '@tanglemail/tangle/io/node-client/testing/small-node.ts';

/** Installs the answers; whoever intercepts too calls the function that was there before. */
export function serveSpentOutputs(node: SmallNode): void {
  const consumed = () =>
    node.chain.flatMap(({ milestone, result }) =>
      (result?.diff.consumed ?? []).map((record) => ({ record, milestone })),
    );
  node.intercept = (method, path) => {
    if (method !== 'GET') return undefined;
    const url = new URL(path, 'http://node');
    const ledgerIndex = node.chain.length - 1;
    if (url.searchParams.get('unspent') === 'false') {
      const address = url.searchParams.get('address');
      const items = consumed()
        .filter(({ record: { output } }) => output.kind === 'basic' && output.address === address)
        .map(({ record }) => record.outputId);
      return { status: 200, body: { ledgerIndex, items } };
    }
    const id = /\/outputs\/([0-9a-f]{68})$/.exec(url.pathname)?.[1];
    const found = consumed().find(({ record }) => record.outputId === id);
    if (found === undefined) return undefined;
    const { record, milestone } = found;
    const { transactionId } = record;
    const { index, timestampMs } = milestone.header;
    return {
      status: 200,
      body: {
        outputId: record.outputId,
        output: outputToJson(record.output),
        outputBytes: bytesToHex(encodeOutput(record.output)),
        blockId: record.blockId,
        milestoneIndexBooked: record.milestoneIndex,
        milestoneTimestampBooked: record.milestoneTimestampMs,
        spent: { transactionId, milestoneIndex: index, milestoneTimestamp: timestampMs },
        ledgerIndex,
      },
    };
  };
}
