import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { decodeOffer, OFFER_TAG } from '@tanglemail/mail/core/market/offer.ts';
import {
  formatCredential,
  fromCompactJson,
  parseChallenge,
  PAYMENT_RECEIPT,
} from '@tanglemail/mail/io/provider/payment-auth.ts';
import type { Challenge } from '@tanglemail/mail/io/provider/payment-auth.ts';
import { ProviderUnreachable } from '@tanglemail/mail/io/provider/errors.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Provider } from '../provider.ts';
import { FakeNode } from '../testing/fake-node.ts';
import { envelope, openPurse, POLICY, signingKey, tagOf, testClient } from '../testing/world.ts';
import type { TestPurse } from '../testing/world.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import {
  codeOf,
  OWNER,
  OWNER_ID,
  type ServedProvider,
  serveProvider,
} from '../testing/served-provider.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { DescribedDocument } from '@tanglemail/tangle/io/shell/describe-parameters.ts';
import { undescribed } from '@tanglemail/tangle/io/shell/testing/undescribed.ts';

describe('the API of a provider', () => {
  let served: ServedProvider;
  let node: FakeNode;
  let provider: Provider;
  let api: RunningApi;
  let client: ProviderClient;
  let purse: TestPurse;
  let session: ProviderSession;

  beforeAll(async () => {
    served = await serveProvider({ settings: { offer: { minCredit: '120' } } });
    ({ node, provider, api, client, purse, session } = served);
  });

  afterAll(() => served.close());

  const arrive = (...payloads: Payload[]): Promise<void> => served.arrive(payloads);

  async function renew(): Promise<void> {
    session = await client.login(signingKey(OWNER));
  }

  it('publishes the offer in the tangle and serves the same bytes', async () => {
    const published = node.attached.find((payload) => payload.kind === 'tagged-data');
    const data = published?.kind === 'tagged-data' ? published.data : new Uint8Array();
    expect(published?.kind === 'tagged-data' && published.tag).toEqual(OFFER_TAG);
    const response = await fetch(`${api.url}/v1/offer`, {
      headers: { accept: 'application/octet-stream' },
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(data);
    expect(decodeOffer(data).ok).toBe(true);
    expect((await client.offer(true)).seq).toBe(1n);
  });

  it('answers status, health, OpenAPI and metrics', async () => {
    expect((await client.status()).ledger.synced).toBe(true);
    expect((await fetch(`${api.url}/health`)).status).toBe(200);
    const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as DescribedDocument;
    expect(undescribed(document)).toEqual([]);
    expect(JSON.stringify(document)).toContain('/v1/mailboxes/{id}/credit');
    expect((await fetch(`${api.url}/docs`)).status).toBe(200);
    const metrics = await (await fetch(api.metricsUrl ?? '')).text();
    expect(metrics).toContain('provider_vouchers_total{result="accepted"} 1');
  });

  it('credits what a voucher adds and never twice under one key', async () => {
    const before = BigInt((await client.mailbox(session)).balance);
    const key = client.newIdempotencyKey();
    const first = await client.credit(OWNER_ID, 500n, purse, key);
    const second = await client.credit(OWNER_ID, 500n, purse, key);
    expect(first.credited).toBe('500');
    expect(second).toEqual(first);
    expect(BigInt(first.balance)).toBe(before + 500n);
    expect(purse.channel().acknowledged).toBe(2_500n);
  });

  it('idempotency-conflict: the key of another request', async () => {
    const key = client.newIdempotencyKey();
    await client.credit(OWNER_ID, 100n, purse, key);
    expect(await codeOf(client.credit(OWNER_ID, 101n, purse, key))).toBe('idempotency-conflict');
  });

  it('stores watched mail, hands it out once paid, and signs receipts', async () => {
    const tag = tagOf(1, 2, 3);
    const payload = envelope(tag, 20_480);
    const bytes = payload.kind === 'envelope' ? payload.bytes : new Uint8Array();
    const root = bytesToHex(segmentRoot(bytes));
    const ledgerTime = Math.floor(node.nowMs / 1_000);
    expect(await client.receipt(root, { size: 20_480, ledgerTime })).toBeUndefined();
    const filters = await client.setFilters(session, { addTags: [tag, tag] });
    expect(filters.tagCount).toBe(1);
    const before = BigInt((await client.mailbox(session)).balance);
    await arrive(payload);
    const receipt = await client.receipt(root, { size: 20_480, ledgerTime });
    expect(receipt?.until).toBe(ledgerTime + 1 + 30 * 86_400);
    expect(receipt?.releasePublicKey).toEqual(OWNER.publicKey);
    const key = client.newIdempotencyKey();
    expect(await client.fetchObject(session, root, key)).toEqual(bytes);
    expect(await client.fetchObject(session, root, key)).toEqual(bytes);
    const { log, position } = await client.log(session);
    expect(log.entries).toMatchObject([{ seq: 0, root, state: 'stored', cost: 8 }]);
    expect(position.length).toBe(1);
    // 1 for the record before; then 8 to store, 2 to fetch (once), 1 each for log and record.
    expect(BigInt((await client.mailbox(session)).balance)).toBe(before - 8n - 2n - 1n - 1n);
    const proof = await client.proveSegments(session, root, 3, 2);
    expect(proof.segments).toHaveLength(2);
  });

  it('holds mail of strangers and stores what is retained', async () => {
    const bucket = { bits: 10, prefix: Uint8Array.of(0xab, 0xc0), stampBits: 0 };
    await client.setFilters(session, { addBuckets: [bucket] });
    const wanted = envelope(tagOf(0xab, 0xff, 9), 2_048, 5);
    const other = envelope(tagOf(0xab, 0xbf, 9), 2_048, 6);
    await arrive(wanted, other);
    const held = await client.held(session);
    expect(held.items).toHaveLength(1);
    const [item] = held.items;
    if (!item) throw new Error('nothing held');
    expect(item.head).toHaveLength(128);
    const ledgerTime = Math.floor(node.nowMs / 1_000);
    const { root, size } = item;
    expect(await client.receipt(root, { size, ledgerTime })).toBeUndefined();
    expect(await codeOf(client.fetchObject(session, root))).toBe('object-unknown');
    const retained = await client.retain(session, root, 7);
    expect(retained.cost).toBe('3');
    expect((await client.receipt(root, { size, ledgerTime }))?.until).toBe(retained.until);
    expect(bytesToHex(segmentRoot(await client.fetchObject(session, root)))).toBe(root);
  });

  it('gives unused days back at release and shows the release in place of a receipt', async () => {
    const tag = tagOf(7, 7);
    const payload = envelope(tag, 24_000, 9);
    const bytes = payload.kind === 'envelope' ? payload.bytes : new Uint8Array();
    const root = bytesToHex(segmentRoot(bytes));
    await client.setFilters(session, { addTags: [tag] });
    await arrive(payload);
    const released = await client.release(session, signingKey(OWNER), root);
    expect(released.refund).toBe('6');
    expect((await client.release(session, signingKey(OWNER), root)).refund).toBe('0');
    const ledgerTime = Math.floor(node.nowMs / 1_000);
    expect(await codeOf(client.receipt(root, { size: 24_000, ledgerTime }))).toBe(
      'object-released',
    );
    expect(await codeOf(client.fetchObject(session, root))).toBe('object-released');
  });

  it('release-signature: the signature of another key', async () => {
    const tag = tagOf(7, 8);
    const payload = envelope(tag, 600, 10);
    await client.setFilters(session, { addTags: [tag] });
    await arrive(payload);
    const bytes = payload.kind === 'envelope' ? payload.bytes : new Uint8Array();
    const work = client.release(session, signingKey(keyPair(31)), bytesToHex(segmentRoot(bytes)));
    expect(await codeOf(work)).toBe('release-signature');
  });

  describe('paying', () => {
    const path = `/v1/mailboxes/${OWNER_ID}/credit`;

    async function post(amount: string, authorization?: string): Promise<Response> {
      const headers = { 'content-type': 'application/json' };
      return fetch(`${api.url}${path}`, {
        method: 'POST',
        headers: authorization === undefined ? headers : { ...headers, authorization },
        body: JSON.stringify({ amount }),
      });
    }

    async function challengeOf(response: Response): Promise<Challenge> {
      expect(response.status).toBe(402);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
      if (!challenge) throw new Error('no challenge');
      return challenge;
    }

    function answer(challenge: Challenge, cumulative: bigint, seed = 20): string {
      const { channelId } = purse.channel();
      if (channelId === undefined) throw new Error('no channel');
      const message = voucherMessage(node.chain.networkId, channelId, cumulative);
      const signature = bytesToHex(signingKey(keyPair(seed)).sign(message));
      const cumulativeAmount = `${cumulative}`;
      const payload = { action: 'voucher', channelId, cumulativeAmount, signature } as const;
      return formatCredential({ challenge, payload });
    }

    async function refusal(response: Response): Promise<unknown> {
      const body = (await response.json()) as { code: string };
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      return body.code;
    }

    it('payment-required: no credential, with a challenge', async () => {
      const response = await post('100');
      const challenge = await challengeOf(response);
      expect(challenge).toMatchObject({ method: 'tangle', intent: 'session' });
      expect(await refusal(response)).toBe('payment-required');
    });

    it('challenge-invalid: a challenge for another body', async () => {
      const challenge = await challengeOf(await post('100'));
      const paid = answer(challenge, purse.channel().acknowledged + 200n);
      expect(await refusal(await post('200', paid))).toBe('challenge-invalid');
    });

    it('challenge-invalid: a changed parameter', async () => {
      const challenge = await challengeOf(await post('100'));
      const forged = { ...challenge, expires: '2099-01-01T00:00:00Z' };
      const paid = answer(forged, purse.channel().acknowledged + 100n);
      expect(await refusal(await post('100', paid))).toBe('challenge-invalid');
    });

    it('challenge-expired: five minutes later', async () => {
      const challenge = await challengeOf(await post('100'));
      node.confirm(301);
      await provider.feed.round();
      const paid = answer(challenge, purse.channel().acknowledged + 100n);
      expect(await refusal(await post('100', paid))).toBe('challenge-expired');
    });

    it('voucher-not-increasing: a lower voucher, with the highest one attached', async () => {
      const challenge = await challengeOf(await post('100'));
      const response = await post('100', answer(challenge, 10n));
      const body = (await response.json()) as { code: string; voucher: { cumulative: string } };
      expect(body.code).toBe('voucher-not-increasing');
      expect(body.voucher.cumulative).toBe(`${purse.channel().acknowledged}`);
    });

    it('voucher-too-small: less than was asked for', async () => {
      const challenge = await challengeOf(await post('100'));
      const response = await post('100', answer(challenge, purse.channel().acknowledged + 99n));
      const body = (await response.json()) as { code: string; required: string };
      expect(body.code).toBe('voucher-too-small');
      expect(body.required).toBe(`${purse.channel().acknowledged + 100n}`);
    });

    it('voucher-over-deposit: more than the channel holds', async () => {
      const challenge = await challengeOf(await post('100'));
      expect(await refusal(await post('100', answer(challenge, 40_001n)))).toBe(
        'voucher-over-deposit',
      );
    });

    it('voucher-signature: another key', async () => {
      const challenge = await challengeOf(await post('100'));
      const paid = answer(challenge, purse.channel().acknowledged + 100n, 21);
      expect(await refusal(await post('100', paid))).toBe('voucher-signature');
    });

    it('balance-over-maximum: more than a mailbox may hold, and nothing is taken', async () => {
      const rich = await openPurse(node, provider, 40, 200_000n);
      await provider.feed.round();
      expect(await codeOf(client.credit(OWNER_ID, 150_000n, rich))).toBe('balance-over-maximum');
      expect((await client.credit(OWNER_ID, 1_000n, rich)).credited).toBe('1000');
    });

    it('names channel and total in Payment-Receipt', async () => {
      const challenge = await challengeOf(await post('100'));
      const cumulative = purse.channel().acknowledged + 100n;
      const response = await post('100', answer(challenge, cumulative));
      await purse.save({ ...purse.channel(), signed: cumulative, acknowledged: cumulative });
      expect(response.status).toBe(200);
      const text = response.headers.get('payment-receipt') ?? '';
      const receipt = fromCompactJson(text, PAYMENT_RECEIPT);
      expect(receipt?.reference).toBe(`${purse.channel().channelId}:${cumulative}`);
    });

    it('recovers when the answer to a payment gets lost', async () => {
      let isLost = false;
      const lossy: typeof fetch = async (url, init) => {
        const response = await fetch(url, init);
        const paid = new Headers(init?.headers).get('authorization')?.startsWith('Payment');
        if (paid !== true || isLost) return response;
        isLost = true;
        throw new TypeError('connection reset');
      };
      const unlucky = testClient(node, api.url, lossy);
      const before = provider.credits.mailbox(OWNER_ID)?.balance ?? 0n;
      await unlucky.credit(OWNER_ID, 300n, purse, 'a-key-of-its-own');
      expect(isLost).toBe(true);
      expect(provider.credits.mailbox(OWNER_ID)?.balance).toBe(before + 300n);
      // The next payment finds out what the provider holds and builds on it.
      await client.credit(OWNER_ID, 20n, purse);
      expect(provider.credits.mailbox(OWNER_ID)?.balance).toBe(before + 320n);
    });
  });

  describe('logging in', () => {
    it('login-missing: no session', async () => {
      const anonymous = { ...session, token: 'AAAA' };
      expect(await codeOf(client.mailbox(anonymous))).toBe('login-missing');
    });

    it('login-invalid: the signature of another key', async () => {
      const { publicKey } = OWNER;
      const impostor = { publicKey, sign: signingKey(keyPair(31)).sign };
      expect(await codeOf(client.login(impostor))).toBe('login-invalid');
    });

    it('mailbox-unknown: nobody has opened it', async () => {
      expect(await codeOf(client.login(signingKey(keyPair(32))))).toBe('mailbox-unknown');
    });

    it('policy-forbids: the session of another mailbox', async () => {
      const other = { ...session, mailboxId: mailboxIdOf(keyPair(32).publicKey) };
      expect(await codeOf(client.mailbox(other))).toBe('policy-forbids');
    });

    it('session-expired: fifteen minutes later', async () => {
      await renew();
      node.confirm(901);
      await provider.feed.round();
      expect(await codeOf(client.mailbox(session))).toBe('session-expired');
      await renew();
      expect((await client.mailbox(session)).mailboxId).toBe(OWNER_ID);
    });
  });

  it('mailbox-signature: a mailbox of somebody else’s key', async () => {
    const forged = { publicKey: keyPair(33).publicKey, sign: signingKey(keyPair(34)).sign };
    expect(await codeOf(client.createMailbox(forged, POLICY, 1_000n, purse))).toBe(
      'mailbox-signature',
    );
  });

  it('request-malformed: a body of another form, unknown members, bad ids', async () => {
    const post = async (path: string, body: string): Promise<number> => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${api.url}${path}`, { method: 'POST', headers, body })).status;
    };
    expect(await post(`/v1/mailboxes/${OWNER_ID}/credit`, '{"amount":"1","more":1}')).toBe(400);
    expect(await post(`/v1/mailboxes/${OWNER_ID}/credit`, '{')).toBe(400);
    expect(await post('/v1/mailboxes/xyz/credit', '{"amount":"1"}')).toBe(400);
    expect((await fetch(`${api.url}/v1/receipts/XYZ`)).status).toBe(400);
    expect((await fetch(`${api.url}/nowhere`)).status).toBe(404);
  });

  it('balance-insufficient: an empty mailbox, with a challenge', async () => {
    const poor = signingKey(keyPair(35));
    const small = await openPurse(node, provider, 50, 6_000n);
    await provider.feed.round();
    await client.createMailbox(poor, POLICY, 120n, small);
    const own = await client.login(poor);
    const tag = tagOf(0x50);
    await client.setFilters(own, { addTags: [tag] });
    for (let count = 0; count < 121; count += 1) {
      const request = { headers: { authorization: `Bearer ${own.token}` } };
      const response = await fetch(`${api.url}/v1/mailboxes/${own.mailboxId}`, request);
      if (response.status === 200) continue;
      expect(response.headers.get('www-authenticate')).toContain('Payment id=');
      break;
    }
    expect(await codeOf(client.mailbox(own))).toBe('balance-insufficient');
    // Mail for an empty mailbox waits for 72 hours and is listed in its log.
    await arrive(envelope(tag, 700, 11));
    await client.credit(own.mailboxId, 100n, small);
    const { log } = await client.log(own);
    expect(log.entries).toMatchObject([{ state: 'held', cost: 0 }]);
    const root = log.entries[0]?.root ?? '';
    expect(await codeOf(client.fetchObject(own, root))).toBe('state-conflict');
    await client.retain(own, root, 3);
    expect(await client.fetchObject(own, root)).toHaveLength(700);
  });

  it('channel-signature: snapshot and close by another key', async () => {
    const channelId = purse.channel().channelId;
    if (channelId === undefined) throw new Error('no channel');
    const stranger = signingKey(keyPair(60));
    expect(await codeOf(client.snapshot(channelId, stranger))).toBe('channel-signature');
    expect(await codeOf(client.close(channelId, stranger))).toBe('channel-signature');
    const snapshot = await client.snapshot(channelId, signingKey(purse.key));
    expect(snapshot.accepted).toBe(`${purse.channel().acknowledged}`);
  });

  it('ledger-unsynced: sells nothing while the node lags, and serves on', async () => {
    await renew();
    node.clockAheadMs = 121_000;
    try {
      expect(await codeOf(client.credit(OWNER_ID, 10n, purse))).toBe('ledger-unsynced');
      expect((await client.mailbox(session)).mailboxId).toBe(OWNER_ID);
      expect((await fetch(`${api.url}/health`)).status).toBe(503);
    } finally {
      node.clockAheadMs = 0;
    }
  });

  it('claims a closed channel and pays the rest back', async () => {
    const channel = purse.channel();
    const { channelId } = channel;
    if (channelId === undefined) throw new Error('no channel');
    const before = node.balanceOf(provider.terms.payee);
    const closed = await client.close(channelId, signingKey(purse.key));
    expect(closed.state).toBe('claiming');
    expect(await codeOf(client.credit(OWNER_ID, 10n, purse))).toBe('channel-gone');
    node.confirm();
    await provider.feed.round();
    expect((await client.snapshot(channelId, signingKey(purse.key))).state).toBe('claimed');
    expect(node.balanceOf(provider.terms.payee)).toBe(before + channel.acknowledged);
    const refund = node.balanceOf(keyPair(21).address);
    expect(refund).toBe(channel.amount - channel.acknowledged);
  });

  it('tells an unreachable provider from one that refuses', async () => {
    const nobody = testClient(node, 'http://127.0.0.1:9');
    await expect(nobody.status()).rejects.toBeInstanceOf(ProviderUnreachable);
  });
});
