import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatWalletAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { createFaucetApi } from '../api/create-faucet-api.ts';
import { configOf } from '../config/schema.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { RICH_KEY, TestNetwork, testGenesis, testKey, until } from '../testing/test-network.ts';
import { Faucet } from './faucet.ts';

const network = new TestNetwork();
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await network.closeAll();
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'faucet-'));
  closers.push(() => rm(folder, { recursive: true }));
  return folder;
}

/** A faucet of RICH_KEY with its API; asks it and tells status and body. */
async function openFaucet(nodeUrl: string, folder: string) {
  const keyFile = join(folder, 'faucet.key');
  await writeKeyFile(keyFile, RICH_KEY);
  const config = configOf({
    faucet: { keyFile, nodeUrl, port: 0, amount: '5000', perAddressPerHour: 1 },
  });
  const faucet = await Faucet.open({ config, genesis: testGenesis(), logger: SILENT_LOGGER });
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
  return { ask, url: api.url };
}

describe('faucet', () => {
  it('pays what its API is asked for', async () => {
    const one = await network.start({ validator: true });
    await until(() => one.node.query.confirmedIndex > 0);
    const { ask, url } = await openFaucet(one.api.url, one.folder);
    const { address } = testKey(30);
    const [status, grant] = await ask({ address });
    expect([status, grant]).toEqual([
      202,
      { address, amount: '5000', blockId: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    await until(async () => (await one.wallet.balance(address)) === 5_000n);
    // Until the faucet knows that its payment is confirmed, the same request has the same answer.
    await until(async () => (await ask({ address }))[0] === 429);
    // Text is another form of the same address: it has had its share.
    const asText = formatWalletAddress(address, 'test');
    // Until the faucet has seen its payment confirmed, whoever asks again has the same answer.
    await until(async () => (await ask({ address }))[0] !== 202);
    for (const form of [address, asText]) {
      expect(await ask({ address: form })).toMatchObject([429, { code: 'faucet-limit' }]);
    }
    expect(await ask({ address: testKey(31).address, amount: '9999' })).toMatchObject([
      400,
      { code: 'faucet-amount' },
    ]);
    const typed = formatWalletAddress(testKey(32).address, 'test');
    expect(await ask({ address: typed })).toMatchObject([202, { address: testKey(32).address }]);
    await until(async () => (await one.wallet.balance(testKey(32).address)) === 5_000n);
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { healthy: true, reasons: [] }]);
  });

  it('says what is wrong with a request and its address', async () => {
    const { ask } = await openFaucet('http://127.0.0.1:9', await newFolder());
    expect(await ask({ address: 7 })).toMatchObject([400, { code: 'request-malformed' }]);
    const { address } = testKey(30);
    const text = formatWalletAddress(address, 'test');
    const wrong: readonly (readonly [string, string, string])[] = [
      ['me', 'address-prefix', 'expected twt1 and so on, or 64 lowercase hex digits'],
      [
        formatWalletAddress(address, 'main'),
        'address-network',
        'tw1 is for other networks; this one has twt1',
      ],
      [text.slice(0, -1), 'address-length', '62 characters instead of 63'],
      [
        text.replace(/.$/, (end) => (end === 'q' ? 'p' : 'q')),
        'address-checksum',
        'position 63 is probably wrong',
      ],
    ];
    for (const [typed, code, detail] of wrong) {
      const title = 'The address cannot be read';
      const type = `urn:tanglemail:error:${code}`;
      expect(await ask({ address: typed })).toEqual([
        400,
        { type, title, status: 400, code, detail },
      ]);
    }
  });

  it('is for development networks only', async () => {
    for (const name of ['main', 'mail-dev', 'tangle']) {
      const options = { config: configOf({}), genesis: testGenesis(name), logger: SILENT_LOGGER };
      await expect(Faucet.open(options)).rejects.toThrow(/not given away/);
    }
  });
});
