/** What becomes of the part of a large cone that is fetched again by id. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { succeed } from '@tanglemail/tangle/core/outcome.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { ConeFeed } from './cone-feed.ts';

const BLOCKS = [1, 2, 3].map((byte) => Uint8Array.of(byte));
const idOf = (bytes: Uint8Array) => blockIdOf(bytes, nobleHasher);

let abort = new AbortController();
afterEach(() => abort.abort());

/** Of a cone of three blocks one was kept; `fetch` brings the others. */
function feedOf(fetch: () => Promise<Uint8Array[]>) {
  abort = new AbortController();
  const submitted: Uint8Array[] = [];
  const cone = { ids: BLOCKS.map(idOf), blocks: BLOCKS.slice(0, 1), bytes: 1 };
  const feed = new ConeFeed({
    cones: { get: () => cone, drop: () => undefined },
    submit: (bytes) => {
      submitted.push(bytes);
      return Promise.resolve(succeed({ blockId: idOf(bytes), isNew: true }));
    },
    fetch,
    signal: abort.signal,
  });
  feed.ahead(1, 1);
  return { feed, submitted };
}

describe('the rest of a large cone', () => {
  it('is asked for again when every peer is busy, without beginning anew', async () => {
    let asked = 0;
    const { feed, submitted } = feedOf(() => {
      asked += 1;
      if (asked === 1) return Promise.reject(new NetworkError('no-peers', 'refused'));
      return Promise.resolve(BLOCKS.slice(1));
    });
    expect(await feed.finished(1)).toEqual({ refusal: undefined });
    expect(submitted).toEqual(BLOCKS);
    expect(asked).toBe(2);
  });

  it('is waited for no more when sync ends', async () => {
    const { feed } = feedOf(() => {
      setImmediate(() => abort.abort());
      return Promise.reject(new NetworkError('no-peers', 'refused'));
    });
    await expect(feed.finished(1)).rejects.toMatchObject({ code: 'no-peers' });
  });
});
