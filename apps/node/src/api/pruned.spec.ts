/**
 * What operators and clients see of a node that has really pruned: a grown store, the real pruner,
 * the control listener, the REST API and the event socket.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { WebSocket } from 'ws';
import { runProgram } from '../cli/program.ts';
import { growChain } from '../testing/grown-chain.ts';
import { TEST_PARAMS, testGenesis, TestNetwork, until } from '../testing/test-network.ts';
import type { TestNode } from '../testing/test-network.ts';
import { createControlApi } from './create-control-api.ts';

const network = new TestNetwork();
const servers: RunningServer[] = [];
const sockets: WebSocket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  for (const server of servers.splice(0)) await server.close();
  await network.closeAll();
});

/** Milestones behind the last one that always stay. */
const KEPT = TEST_PARAMS.belowMaxDepth + 5;
const LAST = KEPT + 50;

async function grownNode(): Promise<TestNode> {
  const folder = await network.folder();
  await growChain(folder, { genesis: testGenesis(), milestones: LAST, blocksPerMilestone: 2 });
  const one = await network.start({ folder, config: { pruning: { enabled: false } } });
  servers.push(await createControlApi(one.node));
  return one;
}

/** The status and the JSON body of an answer. */
async function ask(one: TestNode, path: string): Promise<[number, unknown]> {
  const response = await fetch(`${one.api.url}/api/core/v1/${path}`);
  return [response.status, await response.json()];
}

async function prune(one: TestNode, index: number): Promise<void> {
  const terminal = new TestTerminal();
  const none = (): Promise<never> => Promise.reject(new Error('no server here'));
  const argv = ['control', 'prune', '--to', `${index}`, '--data-dir', one.folder];
  const asked = await runProgram(argv, terminal, {
    nodeApi: none,
    controlApi: none,
    faucetApi: none,
  });
  expect([asked, terminal.errors]).toEqual([0, '']);
  await until(() => !one.node.control.pruning().running);
}

describe('a node that has pruned', () => {
  it('goes as far as it is asked and as it may, and says what is gone', async () => {
    const one = await grownNode();
    const [, page] = await ask(one, 'milestones/7/blocks');
    const blockId = (page as { blocks: { blockId: string }[] }).blocks[0]?.blockId ?? '';
    const [, { milestoneId }] = (await ask(one, 'milestones/7')) as [
      number,
      Record<string, string>,
    ];
    await prune(one, 20);
    expect(one.node.control.pruning()).toMatchObject({ prunedIndex: 20, running: false });
    await prune(one, LAST - 1);
    const prunedIndex = LAST - KEPT;
    expect(one.node.control.pruning()).toMatchObject({ prunedIndex, running: false });
    const gone = [404, expect.objectContaining({ code: 'pruned', prunedIndex })];
    for (const path of ['7', `${prunedIndex}`, '7/blocks', '7/utxo-changes']) {
      expect(await ask(one, `milestones/${path}`)).toEqual(gone);
    }
    const unknown = [404, expect.objectContaining({ code: 'not-found' })];
    expect(await ask(one, `milestones/${LAST + 1}`)).toEqual(unknown);
    expect(await ask(one, `milestones/by-id/${milestoneId}`)).toEqual(unknown);
    for (const path of ['', '/metadata', '/proof']) {
      expect(await ask(one, `blocks/${blockId}${path}`)).toEqual(unknown);
    }
    expect((await ask(one, `milestones/${prunedIndex + 1}/blocks`))[0]).toBe(200);
    const [, { status }] = (await ask(one, 'info')) as [number, { status: unknown }];
    expect(status).toMatchObject({ prunedIndex });
  });

  it('is one that started from a snapshot: what came before is gone, not empty', async () => {
    const one = await grownNode();
    const { path } = await one.node.snapshots.makeNow('full');
    const other = await network.start({ config: { snapshot: { from: [path] } } });
    expect(other.node.query.prunedIndex).toBe(LAST);
    const gone = [404, expect.objectContaining({ code: 'pruned', prunedIndex: LAST })];
    for (const index of [0, LAST - 1, LAST]) {
      expect(await ask(other, `milestones/${index}/blocks`)).toEqual(gone);
    }
  });

  it('passes over what is gone on the event socket, and goes on behind it', async () => {
    const one = await grownNode();
    await prune(one, LAST - 1);
    const socket = new WebSocket(`${one.api.url.replace('http', 'ws')}/api/events/v1`);
    sockets.push(socket);
    const seen: { topic: string; data: Record<string, unknown> }[] = [];
    socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString('utf8'))));
    await new Promise((resolve) => socket.once('open', resolve));
    const topic = 'milestones/confirmed';
    socket.send(JSON.stringify({ op: 'subscribe', topic, since: 10 }));
    await until(() => seen.some((event) => event.topic === '$ready'));
    const prunedIndex = LAST - KEPT;
    const [first, ...rest] = seen;
    expect(first).toEqual({ topic: '$pruned', data: { topic, from: 11, to: prunedIndex } });
    expect(rest.at(-1)).toEqual({ topic: '$ready', data: { topic, index: LAST } });
    const indexes = rest.slice(0, -1).map(({ data }) => data['index']);
    expect(indexes).toEqual(Array.from({ length: KEPT }, (_, at) => prunedIndex + 1 + at));
  });
});
