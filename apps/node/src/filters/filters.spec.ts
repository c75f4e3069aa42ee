// Filters of a running node: what its route answers, over pruning, upgrade and hostile questions.
import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { nobleHasher as hasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { isFilterOf, segmentStart } from '@tanglemail/tangle/core/filter/filter-chain.ts';
import { checkFilterRange } from '@tanglemail/tangle/core/filter/filter-range.ts';
import { matchFilter, watchFor } from '@tanglemail/tangle/core/filter/match.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { openKvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { NODE_SCHEMA } from '@tanglemail/tangle/io/level/milestone-batch.ts';
import {
  TEST_PARAMS,
  testGenesis,
  TestNetwork,
  until,
  type TestNode,
} from '../testing/test-network.ts';

const network = new TestNetwork();
const { id: genesisId, networkId } = genesisMilestone(testGenesis(), hasher);

afterEach(async () => {
  await network.closeAll();
});

/** An envelope with a tag that says its number; gives the milestone that has it. */
async function mail({ issuer }: TestNode, number: number): Promise<[number, Uint8Array]> {
  const bytes = new Uint8Array(508);
  const tag = hasher.blake2b256(Uint8Array.of(number)).subarray(0, 16);
  bytes.set(tag, 2);
  const { milestoneIndex } = await issuer.issueAndConfirm({ kind: 'envelope', bytes });
  return [milestoneIndex, tag];
}

/** All filters of the first segment, checked from its start. */
async function scan({ client, node }: TestNode) {
  const before = segmentStart(genesisId, 0, hasher);
  const last = node.query.confirmedIndex;
  const range = await client.filters(0, last + 1);
  const checked = checkFilterRange(range, { first: 0, last }, before, hasher);
  if (!checked.ok) throw new Error(checked.code);
  return { range, end: range.milestones - 1, header: checked.value };
}

describe('the filters of a node', () => {
  it('find every mail, are true, and the same on two nodes', async () => {
    const one = await network.start({ validator: true });
    const two = await network.start({ peers: [one] });
    const mails = [await mail(one, 1), await mail(one, 2), await mail(one, 3)];
    const { range, header, end } = await scan(one);
    for (const [index, tag] of mails) {
      const found = range.filters.find((each) => each.index === index);
      if (!found) throw new Error(`no filter of ${index}`);
      expect(matchFilter(found.filter, watchFor([tag]))).toEqual([0]);
      const blocks = (await one.client.milestoneBlocks(index)).map(({ bytes }) => {
        const decoded = decodeBlock(bytes);
        if (!decoded.ok) throw new Error(decoded.code);
        return decoded.value;
      });
      expect(isFilterOf(found.bytes, blocks)).toBe(true);
    }
    await until(() => two.node.query.confirmedIndex >= end);
    expect(await one.client.filterHeader(end)).toEqual(header);
    expect(await two.client.filterHeader(end)).toEqual(header);
    const [middle] = mails[1]!;
    const rest = await one.client.filters(middle, 2);
    expect(rest.before).toEqual(await two.client.filterHeader(middle - 1));
  });

  it('may be kept by caches as far as they are final', async () => {
    const one = await network.start({ validator: true });
    const [index] = await mail(one, 1);
    const url = `${one.api.url}/api/core/v1/filters?from=0&count=`;
    const whole = await fetch(`${url}${index + 1}`);
    expect(whole.headers.get('cache-control')).toContain('immutable');
    const open = await fetch(`${url}4096`);
    expect(open.headers.get('cache-control')).toBe('no-cache');
    const etag = whole.headers.get('etag') ?? '';
    const again = await fetch(`${url}${index + 1}`, { headers: { 'if-none-match': etag } });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
    await mail(one, 2);
    const longer = await fetch(`${url}4096`);
    expect(longer.headers.get('etag')).not.toBe(open.headers.get('etag'));
    expect((await longer.arrayBuffer()).byteLength).toBeGreaterThan(
      (await open.arrayBuffer()).byteLength,
    );
  });

  it('are not answered for anything that is malformed, pruned, or still to come', async () => {
    const one = await network.start({ validator: true });
    await mail(one, 1);
    const status = async (query: string): Promise<number> => {
      const answer = await fetch(`${one.api.url}/api/core/v1/filters${query}`);
      await answer.arrayBuffer();
      return answer.status;
    };
    const malformed = ['', '?from=', '?from=-1', '?from=1.5', '?from=x', '?from=4294967296'];
    malformed.push('?from=1&count=0', '?from=1&count=4097', '?from=1&from=2', '?from[]=1');
    malformed.push('/headers', '/headers?index=a', '/headers?index=1&index=1', '?count=1');
    for (const query of malformed) expect([query, await status(query)]).toEqual([query, 400]);
    for (const query of ['?from=4000000', '/headers?index=4294967295', '?from=4294967295']) {
      expect([query, await status(query)]).toEqual([query, 404]);
    }
    let seed = 7;
    for (let round = 0; round < 200; round++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      const part = Buffer.from(Uint8Array.of(seed, seed >>> 8, seed >>> 16, seed >>> 24));
      const text = encodeURIComponent(part.toString('latin1'));
      const query = [`?from=${text}`, `?from=0&count=${text}`, `/headers?index=${text}`];
      expect([200, 400, 404]).toContain(await status(query[seed % 3] ?? ''));
    }
    expect(one.node.health().reasons).toEqual([]);
  });

  it('are built at the next start where a store has none', async () => {
    const first = await network.start({ validator: true });
    await mail(first, 1);
    await mail(first, 2);
    const known = await scan(first);
    await first.close();
    const owner = { kind: 'node', networkId, schema: NODE_SCHEMA };
    const store = await openKvStore(join(first.folder, 'store'), owner);
    const batch = store.batch();
    for await (const [key] of store.iterate({ gte: Uint8Array.of(23), lt: Uint8Array.of(24) })) {
      batch.del(key);
    }
    for (const name of ['filters', 'filtersNext']) {
      batch.del(Buffer.concat([Uint8Array.of(1), Buffer.from(name)]));
    }
    expect(batch.length).toBeGreaterThan(3);
    await batch.write({ sync: true });
    await store.close();
    const again = await network.start({ validator: true, folder: first.folder });
    const { filters } = again.node.query;
    await until(async () => (await filters.header(known.end)) instanceof Uint8Array);
    expect(await again.client.filterHeader(known.end)).toEqual(known.header);
    await mail(again, 3);
    expect((await scan(again)).range.filters.length).toBe(known.range.filters.length + 1);
  });

  it('go with their milestones when these are pruned', async () => {
    const params = { ...TEST_PARAMS, belowMaxDepth: 8, heartbeatMs: 200 };
    const genesis = { ...testGenesis(), params };
    const one = await network.start({ validator: true, genesis });
    const [index] = await mail(one, 1);
    await until(() => one.node.query.confirmedIndex > index + 20);
    await one.node.pruner.pruneTo(index + 1);
    const { prunedIndex } = one.node.query;
    expect(prunedIndex).toBeGreaterThanOrEqual(index);
    const gone = await fetch(`${one.api.url}/api/core/v1/filters?from=${index}`);
    expect([gone.status, await gone.json()]).toMatchObject([404, { code: 'pruned', prunedIndex }]);
    const [next] = await mail(one, 2);
    const rest = await one.client.filters(prunedIndex + 1, next - prunedIndex);
    expect(rest.filters.map((each) => each.index)).toEqual([next]);
    expect(rest.before).toEqual(await one.client.filterHeader(prunedIndex));
  });
});
