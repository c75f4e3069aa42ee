/**
 * A light client of a node whose network changed its committee many times: it knows the genesis,
 * asks the node's API, and believes what the elections prove.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SnapshotFixture, encodeFile } from '@tanglemail/tangle/core/testing/snapshot-fixture.ts';
import { MAX_PAGE_ELECTIONS } from '@tanglemail/tangle/io/node-client/dto.ts';
import { TestNetwork } from '../testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll());

const EPOCH = 4;
const MINIMUM = 10_000n;
/** Changes of the committee: one more than a page has. */
const CHANGES = MAX_PAGE_ELECTIONS + 1;

/** In every epoch one more key bonds, and each bonds more than those before it. */
function electingChain(): SnapshotFixture {
  const params = { epochLength: EPOCH, validatorBondMin: MINIMUM };
  const fixture = new SnapshotFixture(4, 8, params);
  fixture.bond([20, 21, 22, 23].map((seed) => keyPair(seed)));
  for (let epoch = 0; epoch < CHANGES; epoch++) {
    if (epoch > 0) fixture.advance(1);
    fixture.bond([keyPair(30 + epoch)], MINIMUM * BigInt(epoch + 2));
    fixture.advance(epoch === 0 ? 1 : 2);
  }
  return fixture;
}

describe('GET elections', () => {
  it('leads a light client from genesis to the present committee, page by page', async () => {
    const fixture = electingChain();
    const last = fixture.headers.length - 1;
    expect(last).toBe(CHANGES * EPOCH - 1);
    const folder = await network.folder();
    const full = join(folder, 'full.snapshot');
    await writeFile(full, encodeFile(fixture.file(last)));
    const { genesis } = fixture.chain;
    const one = await network.start({ folder, genesis, config: { snapshot: { from: [full] } } });
    const info = await one.client.info();
    expect(info.committee).toEqual({ epoch: CHANGES, size: 16, quorum: 11 });
    expect(info.election).toEqual({ index: (CHANGES + 1) * EPOCH - 2 });

    const first = await one.client.elections(0);
    expect([first.elections.length, first.more]).toEqual([MAX_PAGE_ELECTIONS, true]);
    const rest = await one.client.elections(MAX_PAGE_ELECTIONS);
    expect([rest.elections.length, rest.more]).toEqual([1, false]);
    const elections = fixture.file(last).elections ?? [];
    expect([...first.elections, ...rest.elections]).toEqual(elections);
    expect(await one.client.elections(CHANGES)).toEqual({ elections: [], more: false });

    const latest = await one.client.milestone('latest');
    expect((await one.checker.milestone(latest)).header.index).toBe(last);
    // Of a term that is long over, though the node itself does not have it any more.
    const old = await one.checker.milestone(fixture.milestones[EPOCH]!.bytes);
    expect(old.header.epoch).toBe(1);
  });

  it('is empty where nobody is elected, and request-malformed for what is no epoch', async () => {
    const one = await network.start();
    expect(await one.client.elections(0)).toEqual({ elections: [], more: false });
    const url = `${one.api.url}/api/core/v1/elections`;
    expect(await (await fetch(url)).json()).toEqual({ elections: [], more: false });
    for (const after of ['-1', 'x', '4294967296', '1&after=2']) {
      const answer = await fetch(`${url}?after=${after}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: 'request-malformed' });
    }
    const info = await one.client.info();
    expect(info.committee).toEqual({ epoch: 0, size: 1, quorum: 1 });
    expect(info.election).toBeUndefined();
  });
});
