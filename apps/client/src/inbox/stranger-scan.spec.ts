/** What a list of held mail costs: each head is looked at once, whichever providers show it. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HeldItemDto } from '@tanglemail/mail/io/provider/dto.ts';
import type { ObjectFetcher, SyncPass } from './object-fetcher.ts';
import { StrangerScan } from './stranger-scan.ts';

const HEAD = `0102${'ab'.repeat(48)}`;

let looks: number;
let fetched: string[];
let isOurs: boolean;
let scan: StrangerScan;

function item(more: Partial<HeldItemDto> = {}): HeldItemDto {
  const facts = { root: '11'.repeat(32), tag: '22'.repeat(16), head: HEAD, size: 2_048 };
  return { ...facts, stampBase: '33'.repeat(32), until: 1_800_000_000, ...more };
}

function passOf(bondId: string, items: readonly HeldItemDto[]): SyncPass {
  const provider = { held: async () => ({ items }) };
  const result = { fetched: 0, held: 0, cost: 0n, errors: [] };
  return { provider, session: {}, bondId, rental: () => ({}), result } as unknown as SyncPass;
}

beforeEach(() => {
  looks = 0;
  fetched = [];
  isOurs = false;
  const intake = {
    doorAt: () => (isOurs ? '' : undefined),
    hasTaken: () => false,
    isForeign: () => false,
  };
  const fetcher = {
    retain: async () => true,
    fetch: async ({ bondId }: SyncPass) => {
      fetched.push(bondId);
      return true;
    },
  } as unknown as ObjectFetcher;
  const spam = {
    askedNow: () => 0,
    hears: (_stamped: unknown, _at: number, doorOf: () => string | undefined) => {
      looks += 1;
      return doorOf() !== undefined;
    },
  };
  scan = new StrangerScan(intake, fetcher, spam);
});

describe('StrangerScan', () => {
  it('looks at a head once, whichever providers show it', async () => {
    for (const bondId of ['a', 'b', 'a']) await scan.scan(passOf(bondId, [item()]));
    expect(looks).toBe(1);
    expect(fetched).toEqual([]);
  });

  it('has what is ours kept by every provider', async () => {
    isOurs = true;
    for (const bondId of ['a', 'b', 'a']) await scan.scan(passOf(bondId, [item()]));
    expect(fetched).toEqual(['a', 'b']);
    expect(looks).toBe(1);
  });

  it('believes no provider that shows another head under the same root', async () => {
    await scan.scan(passOf('a', [item({ head: `0102${'cd'.repeat(48)}` })]));
    isOurs = true;
    await scan.scan(passOf('b', [item()]));
    expect(fetched).toEqual(['b']);
  });
});
