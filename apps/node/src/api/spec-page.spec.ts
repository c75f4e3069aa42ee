import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { TestNetwork } from '../testing/test-network.ts';
import { API_PROBLEMS } from './problem.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const page = readFileSync(new URL('../../../../docs/spec/11-node-api.md', import.meta.url), 'utf8');

describe('docs/spec/11-node-api.md', () => {
  it('has every code of the API with its status, and no other', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)];
    const told = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]));
    const real = Object.entries(API_PROBLEMS).map(([code, { status }]) => [code, status]);
    expect(told).toEqual(Object.fromEntries(real));
  });

  it('has an example that works', async () => {
    const one = await network.start();
    const block = /octet-stream\n([0-9a-f\s]+)\n\n202 \{"blockId":"([0-9a-f]{64})"\}/.exec(page);
    const [, hex = '', id = ''] = block ?? [];
    const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
    expect(await one.client.submitBlock(bytes)).toBe(id);
    const answer = await fetch(`${one.api.url}/api/core/v1/blocks/zz`);
    const told = /^400 (\{[\s\S]*?\})\n```/m.exec(page)?.[1] ?? '';
    expect(await answer.json()).toEqual(JSON.parse(told));
  });
});
