/** Objects that an owner brings from another provider, over the real API. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { idKey } from '../store/buckets.ts';
import { codeOf, OWNER, type ServedProvider, serveProvider } from '../testing/served-provider.ts';
import { envelope, POLICY, signingKey, tagOf } from '../testing/world.ts';

let served: ServedProvider;

beforeEach(async () => {
  served = await serveProvider({ policy: { ...POLICY, maxObject: 20_480 } });
});

afterEach(() => served.close());

function objectOf(size: number, filler = 1): { bytes: Uint8Array; root: string } {
  const payload = envelope(tagOf(3, 3, filler), size, filler);
  const bytes = payload.kind === 'envelope' ? payload.bytes : new Uint8Array();
  return { bytes, root: bytesToHex(segmentRoot(bytes)) };
}

describe('an object that its owner brings', () => {
  it('is stored at the price of an arrival, once, with log entry and receipt', async () => {
    const { client, session, node } = served;
    const { bytes, root } = objectOf(20_480);
    const key = client.newIdempotencyKey();
    const before = BigInt((await client.mailbox(session)).balance);
    const brought = await client.restore(session, root, { bytes, days: 30 }, key);
    const ledgerTime = Math.floor(node.nowMs / 1_000);
    expect(brought).toMatchObject({ cost: '8', until: ledgerTime + 30 * 86_400 });
    expect(await client.restore(session, root, { bytes, days: 30 }, key)).toEqual(brought);
    expect(BigInt(brought.balance)).toBe(before - 8n);
    expect((await client.receipt(root, { size: 20_480, ledgerTime }))?.until).toBe(brought.until);
    expect(await client.fetchObject(session, root)).toEqual(bytes);
    const { log } = await client.log(session);
    expect(log.entries).toMatchObject([{ root, state: 'stored', cost: 8, size: 20_480 }]);
    expect((await client.mailbox(session)).objectCount).toBe(1);
  });

  it('that is stored is written again for the price of a request, and keeps its time', async () => {
    const { client, session, kv } = served;
    const { bytes, root } = objectOf(1_020);
    const { until } = await client.restore(session, root, { bytes, days: 9 });
    const batch = kv.batch();
    batch.put(idKey('body', root), new Uint8Array(1_020));
    await batch.write({ sync: true });
    await expect(client.fetchObject(session, root)).rejects.toMatchObject({
      code: 'root-mismatch',
    });
    const again = await client.restore(session, root, { bytes, days: 30 });
    expect(again).toMatchObject({ cost: '1', until });
    expect(await client.fetchObject(session, root)).toEqual(bytes);
    expect((await client.mailbox(session)).objectCount).toBe(1);
  });

  it('is refused: root-mismatch, body-too-large, policy-forbids, state-conflict', async () => {
    const { client, session } = served;
    const { bytes, root } = objectOf(1_020);
    const other = objectOf(1_020, 2).root;
    expect(await codeOf(client.restore(session, other, { bytes, days: 3 }))).toBe('root-mismatch');
    const large = objectOf(20_481);
    const brought = { bytes: large.bytes, days: 3 };
    expect(await codeOf(client.restore(session, large.root, brought))).toBe('body-too-large');
    const long = client.restore(session, root, { bytes, days: 31 });
    expect(await codeOf(long)).toBe('policy-forbids');
    await client.restore(session, root, { bytes, days: 3 });
    await client.release(session, signingKey(OWNER), root);
    const gone = client.restore(session, root, { bytes, days: 3 });
    expect(await codeOf(gone)).toBe('state-conflict');
  });
});
