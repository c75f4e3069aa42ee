import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { createFaucetApi } from '../api/create-faucet-api.ts';
import { configOf } from '../config/schema.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { RICH_KEY, TestNetwork, testGenesis, testKey, until } from '../testing/test-network.ts';
import { allowsFaucet, Faucet } from './faucet.ts';

const network = new TestNetwork();
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await network.closeAll();
});

describe('faucet', () => {
  it('pays what its API is asked for', async () => {
    const one = await network.start({ validator: true });
    await until(() => one.node.query.confirmedIndex > 0);
    const keyFile = join(one.folder, 'faucet.key');
    await writeKeyFile(keyFile, RICH_KEY);
    const config = configOf({
      faucet: { keyFile, nodeUrl: one.api.url, port: 0, amount: '5000', perAddressPerHour: 1 },
    });
    const options = { config, genesis: testGenesis(), logger: SILENT_LOGGER };
    const faucet = await Faucet.open(options);
    faucet.start();
    closers.push(() => faucet.stop());
    const api = await createFaucetApi(faucet, config, SILENT_LOGGER);
    closers.push(() => api.close());
    const ask = async (body: unknown) => {
      const response = await fetch(`${api.url}/api/faucet/v1/requests`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return [response.status, await response.json()] as const;
    };

    const { address } = testKey(30);
    const [status, grant] = await ask({ address });
    expect([status, grant]).toEqual([
      202,
      { address, amount: '5000', blockId: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    await until(async () => (await one.wallet.balance(address)) === 5_000n);
    expect(await ask({ address })).toMatchObject([429, { code: 'faucet-limit' }]);
    expect(await ask({ address: testKey(31).address, amount: '9999' })).toMatchObject([
      400,
      { code: 'faucet-amount' },
    ]);
    expect(await ask({ address: 'me' })).toMatchObject([400, { code: 'request-malformed' }]);
    const health = await fetch(`${api.url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { healthy: true, reasons: [] }]);
  });

  it('is for development networks only', () => {
    expect(['dev-home', 'devnet', 'testnet', 'test-x'].every(allowsFaucet)).toBe(true);
    expect(['main', 'mail-dev', 'tangle'].some(allowsFaucet)).toBe(false);
  });
});
