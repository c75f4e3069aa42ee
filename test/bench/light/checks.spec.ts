// The checks that the benchmarks time, here and in a browser, hold and would notice a change.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../../../libs/tangle/src/core/crypto/blake2b.ts';
import { nobleVerifier } from '../../../libs/tangle/src/core/crypto/ed25519-strict.ts';
import { servePage, type ServedPage } from '../browser/serve.ts';
import { checks, limits, type LightFixture } from './checks.ts';
import { makeLightFixture } from './fixture.ts';

const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
const made = makeLightFixture({ blocks: 9, outputs: 30 }, nobleHasher);
/** As it reaches a page. */
const fixture = JSON.parse(JSON.stringify(made)) as LightFixture;

describe('the checks of a light client', () => {
  it('hold for what the fixture says', () => {
    const all = checks(fixture, crypto);
    expect(all.map(({ limit }) => limit)).toEqual([
      { of: 'signature', count: 3 },
      { of: 'signature', count: 11 },
      { of: 'signature', count: 22 },
      { of: 'hash', count: fixture.depths.block },
      { of: 'hash', count: fixture.depths.output },
      { of: 'hash', count: fixture.depths.output * 10 },
    ]);
    for (const { run } of all) run();
    expect(limits(fixture, crypto).signature()).toBe(true);
  });

  it('fail for another block and for a foreign output', () => {
    const wrong = { ...fixture, inclusionPath: '0100000000000000', address: '0'.repeat(64) };
    const all = checks(wrong, crypto);
    expect(() => all[3]?.run()).toThrow('proof-invalid');
    expect(() => all[4]?.run()).toThrow('of the address');
  });
});

describe('the page for a browser', () => {
  let page: ServedPage;
  beforeAll(async () => {
    page = await servePage(fixture);
  });
  afterAll(() => page.close());

  /** Every module that `path` needs, as a browser would ask for it. */
  async function modules(path: string, seen = new Set<string>()): Promise<Set<string>> {
    if (seen.has(path)) return seen;
    seen.add(path);
    const response = await fetch(new URL(path, page.url));
    expect([path, response.status]).toEqual([path, 200]);
    const text = await response.text();
    for (const [, name = ''] of text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gm)) {
      const next = name.startsWith('.') ? new URL(name, new URL(path, page.url)) : undefined;
      await modules(next?.pathname ?? `/node_modules/${name}`, seen);
    }
    return seen;
  }

  it('finds every module that it imports, and no types in them', async () => {
    const all = await modules('/test/bench/browser/page.ts');
    expect(all.size).toBeGreaterThan(20);
    expect([...all].filter((path) => path.includes('/io/'))).toEqual([]);
    expect((await fetch(new URL('/package.json', page.url))).status).toBe(404);
    expect((await fetch(new URL('/fixture.json', page.url))).status).toBe(200);
  });
});
