import { describe, expect, it } from '@jest/globals';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { testConfig, testProvider } from '../testing/world.ts';
import { createApi } from './create-api.ts';

describe('rate limits', () => {
  it('rate-limited and body-too-large: what the API answers', async () => {
    const node = new FakeNode();
    node.confirm();
    const api = { port: 0, rateLimit: { perSecond: 0.1, burst: 2 } };
    const provider = testProvider(node, new MemoryKv(), testConfig({ api }));
    const running = await createApi(provider);
    try {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ text: 'x'.repeat(600_000) });
      const options = { method: 'POST', headers, body };
      expect((await fetch(`${running.url}/v1/sessions`, options)).status).toBe(413);
      expect((await fetch(`${running.url}/v1/status`)).status).toBe(200);
      const refused = await fetch(`${running.url}/v1/status`);
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('10');
      expect(((await refused.json()) as { code: string }).code).toBe('rate-limited');
    } finally {
      await running.close();
      await provider.stop();
    }
  });
});
