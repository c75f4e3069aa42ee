import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { createApi } from './api/create-api.ts';
import { PROVIDER_METRICS } from './metrics.ts';
import { FakeNode } from './testing/fake-node.ts';
import { MemoryKv } from './testing/memory-kv.ts';
import { openPurse, testConfig, testProvider } from './testing/world.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe('settings that contradict each other', () => {
  it.each([
    [{ offer: { minTtl: 10, maxTtl: 9 } }, 'offer.maxTtl'],
    [{ offer: { minRetentionDays: 9, maxRetentionDays: 8 } }, 'offer.maxRetentionDays'],
    [{ offer: { endpoints: ['prov.example'] } }, 'offer.endpoints'],
    [{ times: { claimStart: 5, claimAlarm: 6 } }, 'times.claimStart'],
  ])('%j is told at the start', (settings, key) => {
    const start = () => testProvider(new FakeNode(), new MemoryKv(), testConfig(settings));
    expect(start).toThrow(expect.objectContaining({ name: 'ConfigError' }));
    expect(start).toThrow(key);
  });
});

describe('a provider whose disk fails', () => {
  it('ends with what the disk said', async () => {
    const node = new FakeNode();
    node.confirm();
    const kv = new MemoryKv();
    const provider = testProvider(node, kv);
    kv.fault = { atWrite: 0, isApplied: false, error: new StoreError('no-space') };
    await expect(provider.feed.round()).rejects.toThrow('a write to the store failed');
    expect(await provider.failure).toEqual(new StoreError('no-space'));
  });
});

describe('metrics of a running provider', () => {
  it('shows every row of the table, and what a provider does moves them', async () => {
    const node = new FakeNode();
    node.confirm();
    const provider = testProvider(node, new MemoryKv());
    await provider.feed.round();
    const api = await createApi(provider);
    closers.push(async () => {
      await api.close();
      await provider.stop();
    });
    await openPurse(node, provider);
    await provider.feed.round();
    expect((await fetch(`${api.url}/v1/offer`)).status).toBe(200);
    expect((await fetch(`${api.url}/v1/nothing`)).status).toBe(404);
    const text = await (await fetch(api.metricsUrl ?? '')).text();
    const absent = Object.values(PROVIDER_METRICS).filter(
      ({ name, type }) => !text.includes(`# TYPE ${name} ${type}\n`),
    );
    expect(absent).toEqual([]);
    expect(text).toMatch(/^provider_api_requests_total\{status="2xx"\} 1$/m);
    expect(text).toMatch(/^provider_api_requests_total\{status="4xx"\} 1$/m);
    expect(text).toMatch(/^provider_ledger_index [1-9]/m);
    // No channel has money: nothing can expire unclaimed, and no alarm may stand for ever.
    expect(text).toMatch(/^provider_claim_margin_seconds \+Inf$/m);
  });
});
