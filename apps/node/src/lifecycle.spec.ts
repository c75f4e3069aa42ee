/** Starting and stopping at the wrong moment, and with parts that fail: nothing stays open. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { StopError } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { runProgram } from './cli/program.ts';
import { testGenesis, TestNetwork, until } from './testing/test-network.ts';

/** Sockets close in their own time; nothing that stays open is gone so soon. */
const SOON_MS = 30_000;
const network = new TestNetwork();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await network.closeAll();
});

/**
 * Timers and sockets that keep the process alive. Queues of libp2p tell a moment later that they
 * are empty, so a test waits until there are no more than before.
 */
async function handles(): Promise<number> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  const kinds = new Set(['Timeout', 'TCPServerWrap', 'TCPSocketWrap']);
  return process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)).length;
}

async function serverOf(onRequest: RequestListener): Promise<number> {
  const server = createServer(onRequest).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a node', () => {
  it('that is stopped while it starts leaves nothing open', async () => {
    const before = await handles();
    const { node, folder } = await network.openNode({ validator: true });
    const starting = node.start();
    await node.stop();
    await starting;
    expect(node.addresses()).toEqual([]);
    await until(async () => (await handles()) <= before, SOON_MS);
    const again = await network.openNode({ folder });
    await again.node.stop();
  });

  it('that cannot listen leaves nothing open', async () => {
    const port = await serverOf(() => undefined);
    const before = await handles();
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    const { node, folder } = await network.openNode({ config: { gossip: { listen } } });
    await expect(node.start()).rejects.toThrow('gossip.listen is');
    await node.stop();
    await until(async () => (await handles()) <= before, SOON_MS);
    const again = await network.openNode({ folder });
    await again.node.stop();
  });

  it('closes its store and everything else when one part cannot be stopped', async () => {
    const before = await handles();
    const { node, folder } = await network.openNode();
    await node.start();
    const stop = node.pruner.stop.bind(node.pruner);
    node.pruner.stop = async () => {
      await stop();
      throw new Error('stuck');
    };
    await expect(node.stop()).rejects.toThrow(StopError);
    await until(async () => (await handles()) <= before, SOON_MS);
    const again = await network.openNode({ folder });
    await again.node.stop();
  });
});

/** A terminal whose signal comes when the test says so. */
class PatientTerminal extends TestTerminal {
  readonly #signal = Promise.withResolvers<string>();

  signal(): void {
    this.#signal.resolve('SIGTERM');
  }

  override async untilSignal(): Promise<string> {
    return await this.#signal.promise;
  }
}

describe('a signal', () => {
  it('ends a start that waits for a snapshot, and leaves an empty store', async () => {
    const terminal = new PatientTerminal();
    const port = await serverOf((_request, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      response.write('the first bytes of a snapshot');
      terminal.signal();
    });
    const folder = await network.folder();
    const genesis = join(folder, 'genesis.json');
    await writeFile(genesis, genesisToJson(testGenesis()));
    const text =
      `--data-dir ${join(folder, 'data')} --genesis-file ${genesis} --log-level silent ` +
      '--gossip-listen /ip4/127.0.0.1/tcp/0 --api-port 0 ' +
      `--snapshot-from http://127.0.0.1:${port}/full`;
    const flags = text.split(' ');
    const notAsked = () => Promise.reject(new Error('no server is started'));
    const exitCode = await runProgram(['start', ...flags], terminal, {
      nodeApi: notAsked,
      controlApi: notAsked,
      faucetApi: notAsked,
    });
    expect([exitCode, terminal.errors]).toEqual([0, '']);
    const { node } = await network.openNode({ folder: join(folder, 'data') });
    expect(node.query.confirmedIndex).toBe(0);
    await node.stop();
  });
});
