/** Parts of parcels over the real API: who may send them, what they cost, and what floods do. */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { PartClient } from '@tanglemail/mail/io/provider/part-client.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { Provider } from '../provider.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { MemoryKv } from '../testing/memory-kv.ts';
import { envelope, POLICY, signingKey, tagOf, testClient, testProvider } from '../testing/world.ts';
import { createApi } from './create-api.ts';
import { codeOf, OWNER, OWNER_ID, serveProvider } from '../testing/served-provider.ts';

const DAY = 86_400;
const RICH = { ...POLICY, maxDebitPerDay: 1_000_000n };

interface Part {
  readonly root: string;
  readonly size: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

let filler = 0;

function partOf(size: number): Part {
  filler += 1;
  const bytes = new Uint8Array(size).fill(filler);
  return { root: bytesToHex(segmentRoot(bytes, nativeSha256)), size, bytes };
}

describe('parts of parcels', () => {
  let node: FakeNode;
  let kv: MemoryKv;
  let provider: Provider;
  let api: RunningApi;
  let client: ProviderClient;
  let parts: PartClient;
  let session: ProviderSession;
  let tagCount = 0;

  beforeAll(async () => {
    const settings = {
      offer: { minCredit: '120', maxBalance: '1000000' },
      parts: { maxUploads: 3, uploadTimeoutMs: 3_000 },
    };
    const money = { spendable: 500_000n, credit: 400_000n };
    const served = await serveProvider({ settings, policy: RICH, ...money });
    ({ node, kv, provider, api, client, session } = served);
    parts = client.parts(nativeSha256);
  });

  // Not `served.close`: the provider may be another one by then.
  afterAll(async () => {
    await api.close();
    await provider.stop();
  });

  /** A tag that the owner watches and nobody has seen. */
  async function watchedTag(): Promise<Uint8Array> {
    session = await client.login(signingKey(OWNER));
    tagCount += 1;
    const tag = tagOf(9, 9, tagCount);
    await client.setFilters(session, { addTags: [tag] });
    return tag;
  }

  async function pass(seconds: number): Promise<void> {
    node.confirm(seconds);
    await provider.feed.round();
  }

  async function arrive(tag: Uint8Array): Promise<void> {
    filler += 1;
    node.confirm(1, [envelope(tag, 1_020, filler)]);
    await provider.feed.round();
  }

  const ledgerTime = (): number => Math.floor(node.nowMs / 1_000);
  const balance = (): bigint => provider.credits.mailbox(OWNER_ID)?.balance ?? 0n;
  const put = (tag: Uint8Array, part: Part) => parts.put(tag, part, ledgerTime());

  async function raw(tag: Uint8Array, root: string, init: RequestInit): Promise<string> {
    const url = `${api.url}/v1/parts/${root}?tag=${bytesToHex(tag)}`;
    const response = await fetch(url, { method: 'PUT', ...init });
    return ((await response.json()) as { code?: string }).code ?? 'taken';
  }

  it('are announced, taken, paid by the mailbox, listed, fetched and given up', async () => {
    const tag = await watchedTag();
    const [first, last] = [partOf(1_048_576), partOf(32_768)];
    const before = balance();
    const announced = await parts.announce(tag, [first, last]);
    expect(announced.missing).toEqual([first.root, last.root]);
    expect(announced.closesAt).toBe(ledgerTime() + DAY);
    await put(tag, first);
    const receipt = await put(tag, last);
    expect(bytesToHex(receipt.releasePublicKey)).toBe(bytesToHex(OWNER.publicKey));
    // 1 to announce; 1 + 20 + 300 for 1 MiB; 1 + 1 + 10 for 32 KiB.
    expect(before - balance()).toBe(1n + 321n + 12n);
    expect((await parts.announce(tag, [first, last])).missing).toEqual([]);
    await put(tag, first);
    expect(before - balance()).toBe(334n);
    await arrive(tag);
    const { log } = await client.log(session);
    expect(log.entries.slice(-3)).toMatchObject([
      { root: first.root, state: 'part', cost: 321 },
      { root: last.root, state: 'part', cost: 12 },
      { state: 'stored', size: 1_020 },
    ]);
    const rich = balance();
    expect(await parts.fetch(session, first, 'a')).toEqual(first.bytes);
    expect(await parts.fetch(session, first, 'a')).toEqual(first.bytes);
    expect(rich - balance()).toBe(51n);
    const proof = await client.proveSegments(session, first.root, 1_000, 3);
    expect(proof.segments).toHaveLength(3);
    const released = await client.release(session, signingKey(OWNER), first.root);
    expect(released.refund).toBe('290');
    expect(await codeOf(parts.fetch(session, first, 'b'))).toBe('object-released');
  });

  it('have receipts only to the end of the upload until their letter is there', async () => {
    const tag = await watchedTag();
    const part = partOf(20_000);
    const { closesAt } = await parts.announce(tag, [part]);
    const early = await put(tag, part);
    expect(early.until).toBe(closesAt);
    await arrive(tag);
    const receipt = await client.receipt(part.root, { size: part.size, ledgerTime: ledgerTime() });
    expect(receipt?.until).toBeGreaterThan(ledgerTime() + 29 * DAY);
  });

  it('may come for 72 hours after the letter, if they were announced before it', async () => {
    const tag = await watchedTag();
    const [first, late, later] = [partOf(20_000), partOf(20_001), partOf(20_002)];
    await parts.announce(tag, [first, late, later]);
    await put(tag, first);
    await arrive(tag);
    // The owner watches the tag no more, as a client does once the letter is there.
    await client.setFilters(session, { removeTags: [tag] });
    await pass(71 * 3_600);
    expect((await put(tag, late)).until).toBeGreaterThan(ledgerTime() + 29 * DAY);
    await pass(3_601);
    expect(await codeOf(put(tag, later))).toBe('upload-unknown');
  });

  it('are dropped after a day without a letter, and the rent to come goes back', async () => {
    const tag = await watchedTag();
    const part = partOf(1_000_000);
    await parts.announce(tag, [part]);
    const before = balance();
    await put(tag, part);
    const objects = provider.credits.mailbox(OWNER_ID)?.objectCount ?? 0;
    await pass(DAY);
    // 1 + 20 + 287 were paid; 29 whole days of 30 are left.
    expect(before - balance()).toBe(308n - 276n);
    expect(provider.credits.mailbox(OWNER_ID)?.objectCount).toBeLessThan(objects);
    session = await client.login(signingKey(OWNER));
    expect(await codeOf(parts.fetch(session, part, 'c'))).toBe('object-unknown');
    expect(await client.receipt(part.root, { size: 1, ledgerTime: 0 })).toBeUndefined();
    // The tag was never seen: it may be used after all.
    expect((await parts.announce(tag, [part])).missing).toEqual([part.root]);
  });

  it('tag-unwatched: a stranger is refused before anything is sent', async () => {
    expect(await codeOf(parts.announce(tagOf(1, 2, 3), [partOf(20_000)]))).toBe('tag-unwatched');
    expect(await codeOf(put(tagOf(1, 2, 3), partOf(20_000)))).toBe('upload-unknown');
  });

  it('upload-closed: a tag that everybody has seen announces nothing', async () => {
    const tag = await watchedTag();
    await arrive(tag);
    const before = balance();
    expect(await codeOf(parts.announce(tag, [partOf(20_000)]))).toBe('upload-closed');
    expect(balance()).toBe(before);
  });

  it('part-unannounced: nobody adds to what was announced', async () => {
    const tag = await watchedTag();
    const part = partOf(20_000);
    await parts.announce(tag, [part]);
    expect(await codeOf(put(tag, partOf(20_000)))).toBe('part-unannounced');
    expect(await codeOf(put(tag, { ...part, bytes: part.bytes.slice(1) }))).toBe(
      'part-unannounced',
    );
    expect(await codeOf(parts.announce(tag, [partOf(20_000)]))).toBe('state-conflict');
  });

  it('upload-too-large and body-too-large: the limits of mailbox and offer', async () => {
    const tag = await watchedTag();
    const many = Array.from({ length: 37 }, () => ({ ...partOf(1), size: 1_048_576 }));
    expect(await codeOf(parts.announce(tag, many))).toBe('upload-too-large');
    const large = { ...partOf(1), size: 1_048_577 };
    expect(await codeOf(parts.announce(tag, [large]))).toBe('body-too-large');
    await client.setPolicy(session, { ...RICH, maxUpload: 0 });
    expect(await codeOf(parts.announce(tag, [partOf(20_000)]))).toBe('upload-too-large');
    await client.setPolicy(session, { ...RICH, maxDebitPerDay: 100n });
    expect(await codeOf(parts.announce(tag, [partOf(1_000_000)]))).toBe('mailbox-cannot-pay');
    await client.setPolicy(session, RICH);
    expect((await parts.announce(tag, many.slice(0, 26))).missing).toHaveLength(26);
  });

  it('mailbox-cannot-pay: a limit that was lowered after the announcement', async () => {
    const tag = await watchedTag();
    const part = partOf(500_000);
    await parts.announce(tag, [part]);
    await client.setPolicy(session, { ...RICH, maxDebitPerDay: 1n });
    expect(await codeOf(put(tag, part))).toBe('mailbox-cannot-pay');
    await client.setPolicy(session, RICH);
    expect((await put(tag, part)).size).toBe(500_000);
  });

  it('digest-mismatch, root-mismatch, request-malformed: not the announced body', async () => {
    const tag = await watchedTag();
    const part = partOf(20_000);
    await parts.announce(tag, [part]);
    const digestOf = (bytes: Uint8Array): string =>
      `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
    const other = part.bytes.with(7, 1);
    const send = (body: Uint8Array<ArrayBuffer>, digest: string): Promise<string> =>
      raw(tag, part.root, { body, headers: { 'content-digest': digest } });
    expect(await send(other, digestOf(part.bytes))).toBe('digest-mismatch');
    expect(await send(other, digestOf(other))).toBe('root-mismatch');
    expect(await send(other, 'md5=:AAAA:')).toBe('request-malformed');
    expect(await raw(tag, 'xyz', {})).toBe('request-malformed');
    const stream = new Blob([part.bytes]).stream();
    const chunked = { body: stream, duplex: 'half' } as RequestInit;
    expect(await raw(tag, part.root, chunked)).toBe('request-malformed');
    expect(provider.uploads.count).toBe(0);
    expect((await put(tag, part)).size).toBe(20_000);
  });

  it('storage-full: a disk that is nearly full takes no part and serves on', async () => {
    const tag = await watchedTag();
    const part = partOf(20_000);
    await parts.announce(tag, [part]);
    node.freeBytes = 1_073_741_824 + 19_999;
    expect(await codeOf(put(tag, part))).toBe('storage-full');
    expect(await codeOf(parts.announce(await watchedTag(), [part]))).toBe('storage-full');
    await arrive(await watchedTag());
    node.freeBytes = Number.MAX_SAFE_INTEGER;
    expect((await put(tag, part)).size).toBe(20_000);
  });

  it('ledger-unsynced: sells nothing on an old ledger', async () => {
    const tag = await watchedTag();
    node.clockAheadMs = 121_000;
    try {
      expect(await codeOf(parts.announce(tag, [partOf(20_000)]))).toBe('ledger-unsynced');
    } finally {
      node.clockAheadMs = 0;
    }
  });

  /** Opens an upload by hand and sends `body` of it. */
  function halfUpload(tag: Uint8Array, part: Part, body: Uint8Array): Promise<string> {
    const { hostname, port } = new URL(api.url);
    const digest = createHash('sha256').update(part.bytes).digest('base64');
    const head = [
      `PUT /v1/parts/${part.root}?tag=${bytesToHex(tag)} HTTP/1.1`,
      'Host: provider',
      `Content-Length: ${part.size}`,
      `Content-Digest: sha-256=:${digest}:`,
    ];
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('close', () => resolve(text)).on('error', () => undefined);
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(body);
    return promise;
  }

  it('upload-timeout: slow senders lose their places, too many are turned away', async () => {
    const tags = [await watchedTag(), await watchedTag()] as const;
    const flood = Array.from({ length: 4 }, () => partOf(300_000));
    const one = partOf(20_000);
    await parts.announce(tags[0], flood);
    await parts.announce(tags[1], [one]);
    const slow = flood.map((part) => halfUpload(tags[0], part, part.bytes.subarray(0, 1_000)));
    // Three wait for their bytes, the fourth and everybody else are told to come again.
    await until(() => provider.uploads.count === 3);
    expect(await codeOf(put(tags[1], one))).toBe('rate-limited');
    const answers = await Promise.race([Promise.all(slow), Promise.all(slow.slice(0, 3))]);
    const late = answers.filter((text) => text.includes('upload-timeout'));
    expect(late.length).toBeGreaterThanOrEqual(2);
    await until(() => provider.uploads.count === 0);
    expect((await put(tags[1], one)).size).toBe(20_000);
  });

  it('survive a restart of the provider in the middle', async () => {
    const tag = await watchedTag();
    const [first, second] = [partOf(40_000), partOf(40_001)];
    await parts.announce(tag, [first, second]);
    await put(tag, first);
    await api.close();
    await provider.stop();
    kv = kv.reopen();
    provider = testProvider(node, kv, provider.config);
    await provider.feed.round();
    api = await createApi(provider);
    client = testClient(node, api.url);
    parts = client.parts(nativeSha256);
    expect((await parts.announce(tag, [first, second])).missing).toEqual([second.root]);
    await put(tag, second);
    await arrive(tag);
    session = await client.login(signingKey(OWNER));
    expect(await parts.fetch(session, second, randomBytes(8).toString('hex'))).toEqual(
      second.bytes,
    );
  });
});
