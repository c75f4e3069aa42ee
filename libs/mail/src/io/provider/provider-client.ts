/**
 * A client's view of one storage provider: every route of its API as a typed call that checks what
 * comes back. Roots are recomputed, receipts and log heads verified, payments made from a channel.
 * Before: the client's inbox and outbox. After: core/envelope opens what was fetched.
 * Spec: docs/spec/34-provider-api.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock, Random, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { MARKET_TIMES, MAX_PAGE } from '../../core/market/constants.ts';
import type { MarketTimes } from '../../core/market/constants.ts';
import type { MailboxPolicy, StrangerBucket, WatchedBucket } from '../../core/market/mailbox.ts';
import { followLog, isHeadSigned } from '../../core/market/mailbox-log.ts';
import {
  bondPublicKeyOf,
  checkOffer,
  decodeOffer,
  MAX_OFFER_SIZE,
} from '../../core/market/offer.ts';
import type { Offer } from '../../core/market/offer.ts';
import { checkReceipt, decodeReceipt, RECEIPT_SIZE } from '../../core/market/receipt.ts';
import type { StorageReceipt } from '../../core/market/receipt.ts';
import { segmentRoot, verifySegments } from '../../core/market/segment-tree.ts';
import type { SegmentProof, Sha256 } from '../../core/market/segment-tree.ts';
import {
  closeMessage,
  loginMessage,
  mailboxIdOf,
  mailboxMessage,
  releaseMessage,
  snapshotMessage,
} from '../../core/market/signed-requests.ts';
import type { ProviderScope } from '../../core/market/signed-requests.ts';
import * as dto from './dto.ts';
import { ProviderFault, ProviderUnreachable } from './errors.ts';
import { exchange, problemOf, readJson } from './http.ts';
import type { Answer, Exchange, HttpOptions } from './http.ts';
import { PartClient } from './part-client.ts';
import { payAndSend } from './purse.ts';
import type { ChannelPurse, PayContext } from './purse.ts';

/** A key that signs for a mailbox or a channel; the secret stays with the caller. */
export interface SigningKey {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface ProviderClientOptions {
  /** Origin of the provider's API, such as `https://prov.example`. */
  readonly baseUrl: string;
  readonly networkId: bigint;
  /** The offer as confirmed in the tangle; without it the served one is checked by itself. */
  readonly offer?: Offer;
  readonly timeoutMs?: number;
  readonly times?: MarketTimes;
}

export interface ProviderClientDeps {
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof fetch;
}

/** A logged-in mailbox. */
export interface ProviderSession {
  readonly mailboxId: string;
  readonly token: string;
  /** Unix seconds of the provider's clock. */
  readonly expiresAt: number;
}

/** Position up to which a mailbox's log has been followed and verified. */
export interface LogPosition {
  readonly length: number;
  readonly hash: Uint8Array;
  /** Which log that is, 32 hex digits; absent where nothing was said of it. */
  readonly logId?: string | undefined;
}

export interface FilterChange {
  /** 16 bytes each. */
  readonly addTags?: readonly Uint8Array[];
  readonly removeTags?: readonly Uint8Array[];
  readonly addBuckets?: readonly WatchedBucket[];
  readonly removeBuckets?: readonly StrangerBucket[];
}

export class ProviderClient {
  readonly #http: HttpOptions;
  readonly #networkId: bigint;
  readonly #times: MarketTimes;
  readonly #deps: ProviderClientDeps;
  #offer: Offer | undefined;
  /** Payments run one after another: each voucher builds on the one before. */
  #paying: Promise<unknown> = Promise.resolve();

  constructor(options: ProviderClientOptions, deps: ProviderClientDeps) {
    this.#http = {
      baseUrl: options.baseUrl.replace(/\/+$/, ''),
      timeoutMs: options.timeoutMs ?? 20_000,
      fetch: deps.fetch ?? fetch,
    };
    this.#networkId = options.networkId;
    this.#offer = options.offer;
    this.#times = options.times ?? MARKET_TIMES;
    this.#deps = deps;
  }

  /** The same provider for parts of parcels. */
  parts(sha256: Sha256): PartClient {
    const { verifier } = this.#deps;
    const networkId = this.#networkId;
    return new PartClient(this.#http, { networkId, offer: () => this.offer(), verifier, sha256 });
  }

  /** The provider's offer, checked; fetched once unless `isFresh`. */
  async offer(isFresh = false): Promise<Offer> {
    if (this.#offer && !isFresh) return this.#offer;
    const headers = { accept: 'application/octet-stream' };
    const answer = await this.#send({
      method: 'GET',
      path: '/v1/offer',
      headers,
      maxBytes: MAX_OFFER_SIZE,
    });
    const decoded = decodeOffer(answer.bytes);
    if (!decoded.ok) throw new ProviderFault('answer-malformed', decoded.code);
    const context = { networkId: this.#networkId, ledgerTime: this.#nowSeconds() };
    const checked = checkOffer(decoded.value, context, this.#deps.verifier);
    if (!checked.ok) throw new ProviderFault('proof-invalid', checked.code);
    const isOther = this.#offer && !equalBytes(this.#offer.bondId, checked.value.bondId);
    if (isOther) throw new ProviderFault('proof-invalid', 'another provider answers here');
    this.#offer = checked.value;
    return checked.value;
  }

  async status(): Promise<dto.StatusDto> {
    return readJson(await this.#send({ method: 'GET', path: '/v1/status' }), dto.STATUS);
  }

  /** Opens a mailbox and credits it with at least `amount` base units. Safe to repeat. */
  async createMailbox(
    key: SigningKey,
    policy: MailboxPolicy,
    amount: bigint,
    purse: ChannelPurse,
  ): Promise<dto.CreditDto> {
    const scope = await this.#scope();
    const mailboxId = mailboxIdOf(key.publicKey);
    const json: dto.CreateMailboxDto = {
      publicKey: bytesToHex(key.publicKey),
      signature: bytesToHex(key.sign(mailboxMessage(scope, mailboxId))),
      policy: { ...policy, maxDebitPerDay: `${policy.maxDebitPerDay}` },
      amount: `${amount}`,
    };
    const request = { method: 'POST', path: '/v1/mailboxes', json };
    return readJson(await this.#pay(request, amount, purse, mailboxId), dto.CREDIT);
  }

  /** Credits any mailbox. The same `idempotencyKey` never pays twice; keep it over a crash. */
  async credit(
    mailboxId: string,
    amount: bigint,
    purse: ChannelPurse,
    idempotencyKey: string = this.newIdempotencyKey(),
  ): Promise<dto.CreditDto> {
    const path = `/v1/mailboxes/${mailboxId}/credit`;
    const request = { method: 'POST', path, json: { amount: `${amount}` } };
    return readJson(await this.#pay(request, amount, purse, idempotencyKey), dto.CREDIT);
  }

  /** Proves the mailbox key with a nonce of the provider; the session lasts 15 minutes. */
  async login(key: SigningKey): Promise<ProviderSession> {
    const scope = await this.#scope();
    const mailboxId = mailboxIdOf(key.publicKey);
    const path = '/v1/sessions';
    const first = await this.#send({ method: 'POST', path, json: { mailboxId } });
    const { nonce } = readJson(first, dto.SESSION_NONCE);
    const signature = bytesToHex(key.sign(loginMessage(scope, mailboxId, hexToBytes(nonce))));
    const json = { mailboxId, nonce, signature };
    const second = await this.#send({ method: 'POST', path, json });
    return { mailboxId, ...readJson(second, dto.SESSION) };
  }

  async setPolicy(session: ProviderSession, policy: MailboxPolicy): Promise<dto.PolicyDto> {
    const json = { ...policy, maxDebitPerDay: `${policy.maxDebitPerDay}` };
    const path = `/v1/mailboxes/${session.mailboxId}/policy`;
    return readJson(await this.#sendAs(session, { method: 'PATCH', path, json }), dto.POLICY);
  }

  /** Adds and removes tags and stranger buckets; repeating a change changes nothing. */
  async setFilters(session: ProviderSession, change: FilterChange): Promise<dto.FiltersDto> {
    const tags = (list?: readonly Uint8Array[]): string[] => (list ?? []).map(bytesToHex);
    const json: dto.FilterPatchDto = {
      addTags: tags(change.addTags),
      removeTags: tags(change.removeTags),
      addBuckets: (change.addBuckets ?? []).map(watchedDto),
      removeBuckets: (change.removeBuckets ?? []).map(bucketDto),
    };
    const path = `/v1/mailboxes/${session.mailboxId}/filters`;
    return readJson(await this.#sendAs(session, { method: 'PATCH', path, json }), dto.FILTERS);
  }

  async mailbox(session: ProviderSession): Promise<dto.MailboxDto> {
    const path = `/v1/mailboxes/${session.mailboxId}`;
    return readJson(await this.#sendAs(session, { method: 'GET', path }), dto.MAILBOX);
  }

  /**
   * The entries behind `known`, verified against the signed head, and the new position. Throws
   * ProviderFault `log-rewritten` when the provider has signed another log than that of `known`.
   */
  async log(
    session: ProviderSession,
    known: LogPosition = { length: 0, hash: new Uint8Array(32) },
    limit = MAX_PAGE,
  ): Promise<{ log: dto.LogDto; position: LogPosition }> {
    const path = `/v1/mailboxes/${session.mailboxId}/log?after=${known.length}&limit=${limit}`;
    const log = readJson(await this.#sendAs(session, { method: 'GET', path }), dto.LOG);
    const offer = await this.offer();
    const entries = log.entries.map((entry) => ({ ...entry, root: hexToBytes(entry.root) }));
    const { headHash, signature } = log.head;
    const head = {
      ...log.head,
      headHash: hexToBytes(headHash),
      signature: hexToBytes(signature),
    };
    const provider = {
      networkId: this.#networkId,
      bondId: offer.bondId,
      bondPublicKey: bondPublicKeyOf(offer) ?? offer.bondId,
    };
    const isOwn = head.mailboxId === session.mailboxId;
    if (!isOwn || !isHeadSigned(head, provider, this.#deps.verifier)) {
      throw new ProviderFault('proof-invalid');
    }
    const { logId } = log;
    const isOther = known.logId !== undefined && known.logId !== logId;
    const position = isOther ? undefined : followLog(known, entries, head);
    if (!position) throw new ProviderFault('log-rewritten');
    return { log, position: { ...position, logId } };
  }

  /** Envelopes of strangers that wait in the mailbox's buckets; give `cursor` to go on. */
  async held(session: ProviderSession, cursor?: string, limit = 200): Promise<dto.HeldDto> {
    const after = cursor === undefined ? '' : `&after=${encodeURIComponent(cursor)}`;
    const path = `/v1/mailboxes/${session.mailboxId}/held?limit=${limit}${after}`;
    return readJson(await this.#sendAs(session, { method: 'GET', path }), dto.HELD);
  }

  /** The object's bytes, checked against its root. The same key never pays twice. */
  async fetchObject(
    session: ProviderSession,
    root: string,
    idempotencyKey: string = this.newIdempotencyKey(),
  ): Promise<Uint8Array> {
    const { maxObject } = await this.offer();
    const headers = { accept: 'application/octet-stream', 'idempotency-key': idempotencyKey };
    const path = `/v1/objects/${root}`;
    const request = { method: 'GET', path, headers, maxBytes: maxObject };
    const answer = await this.#sendAs(session, request);
    if (answer.bytes.length === 0 || bytesToHex(segmentRoot(answer.bytes)) !== root) {
      throw new ProviderFault('root-mismatch');
    }
    return answer.bytes;
  }

  /** Asks for chosen segments with their proof: an audit. Throws when the proof fails. */
  async proveSegments(
    session: ProviderSession,
    root: string,
    from: number,
    count: number,
  ): Promise<SegmentProof> {
    const headers = { range: `segments=${from}-${from + count - 1}` };
    const path = `/v1/objects/${root}?proof=1`;
    const answer = await this.#sendAs(session, { method: 'GET', path, headers });
    const { size, siblings, segments, from: first } = readJson(answer, dto.PROOF);
    const proof = {
      size,
      from: first,
      segments: segments.map(hexToBytes),
      siblings: siblings.map(hexToBytes),
    };
    const isAnswer = first === from && segments.length === count;
    if (!isAnswer || !verifySegments(hexToBytes(root), proof)) {
      throw new ProviderFault('proof-invalid');
    }
    return proof;
  }

  /** Buys more days; turns a held object into a stored one. */
  async retain(
    session: ProviderSession,
    root: string,
    days: number,
    idempotencyKey: string = this.newIdempotencyKey(),
  ): Promise<dto.RetainDto> {
    const headers = { 'idempotency-key': idempotencyKey };
    const request = { method: 'POST', path: `/v1/objects/${root}/retain`, json: { days }, headers };
    return readJson(await this.#sendAs(session, request), dto.RETAIN);
  }

  /** Brings an object that another provider still had; it is stored anew for `days`. */
  async restore(
    session: ProviderSession,
    root: string,
    copy: { readonly bytes: Uint8Array; readonly days: number },
    idempotencyKey: string = this.newIdempotencyKey(),
  ): Promise<dto.RetainDto> {
    const headers = { 'idempotency-key': idempotencyKey };
    const json = { days: copy.days, bytes: bytesToHex(copy.bytes) };
    const request = { method: 'POST', path: `/v1/objects/${root}/restore`, json, headers };
    return readJson(await this.#sendAs(session, request), dto.RETAIN);
  }

  /** Gives an object up; unused whole days of rent come back. */
  async release(session: ProviderSession, key: SigningKey, root: string): Promise<dto.ReleaseDto> {
    const scope = await this.#scope();
    const signature = bytesToHex(key.sign(releaseMessage(scope, hexToBytes(root))));
    const request = { method: 'DELETE', path: `/v1/objects/${root}`, json: { signature } };
    return readJson(await this.#sendAs(session, request), dto.RELEASE);
  }

  /** The receipt of a stored object, verified against the offer; undefined while there is none. */
  async receipt(
    root: string,
    object: { readonly size: number; readonly ledgerTime: number },
  ): Promise<StorageReceipt | undefined> {
    const offer = await this.offer();
    const headers = { accept: 'application/octet-stream' };
    const path = `/v1/receipts/${root}`;
    const request = { ...this.#http };
    const answer = await exchange(request, { method: 'GET', path, headers, maxBytes: 4_096 });
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw problemOf(answer);
    const decoded = decodeReceipt(answer.bytes.subarray(0, RECEIPT_SIZE + 1));
    if (!decoded.ok) throw new ProviderFault('answer-malformed', decoded.code);
    const expected = {
      networkId: this.#networkId,
      root: hexToBytes(root),
      size: object.size,
      ledgerTime: object.ledgerTime,
      offer,
      bondPublicKey: bondPublicKeyOf(offer) ?? offer.bondId,
    };
    const checked = checkReceipt(decoded.value, expected, this.#deps.verifier);
    if (!checked.ok) throw new ProviderFault('proof-invalid', checked.code);
    return checked.value;
  }

  /** What the provider holds of a channel; a hint, worth what its own signature proves. */
  async snapshot(channelId: OutputId, key: SigningKey): Promise<dto.SnapshotDto> {
    const scope = await this.#scope();
    const time = this.#nowSeconds();
    const signature = bytesToHex(key.sign(snapshotMessage(scope, channelId, time)));
    const path = `/v1/channels/${channelId}/snapshot`;
    const answer = await this.#send({ method: 'POST', path, json: { time, signature } });
    return readJson(answer, dto.SNAPSHOT);
  }

  /** Asks the provider to claim now, so that the rest of the deposit comes back early. */
  async close(channelId: OutputId, key: SigningKey): Promise<dto.CloseDto> {
    const scope = await this.#scope();
    const signature = bytesToHex(key.sign(closeMessage(scope, channelId)));
    const path = `/v1/channels/${channelId}/close`;
    const answer = await this.#send({ method: 'POST', path, json: { signature } });
    return readJson(answer, dto.CLOSE);
  }

  /** 16 random bytes in hex; to be stored with the intent before the call. */
  newIdempotencyKey(): string {
    return bytesToHex(this.#deps.random.bytes(16));
  }

  async #scope(): Promise<ProviderScope> {
    const { bondId } = await this.offer();
    return { networkId: this.#networkId, bondId };
  }

  async #send(request: Exchange): Promise<Answer> {
    const answer = await exchange(this.#http, request);
    if (answer.status >= 400) throw problemOf(answer);
    return answer;
  }

  #sendAs(session: ProviderSession, request: Exchange): Promise<Answer> {
    const headers = { ...request.headers, authorization: `Bearer ${session.token}` };
    return this.#send({ ...request, headers });
  }

  /** One paid request at a time; an answer that got lost is asked for again under the same key. */
  async #pay(
    request: Exchange,
    amount: bigint,
    purse: ChannelPurse,
    idempotencyKey: string,
  ): Promise<Answer> {
    const { bondId } = await this.offer();
    const context: PayContext = {
      networkId: this.#networkId,
      bondId: bytesToHex(bondId),
      ledgerTime: this.#nowSeconds(),
      times: this.#times,
      verifier: this.#deps.verifier,
      maxAmount: amount,
    };
    const send = (authorization?: string): Promise<Answer> => {
      const paid = authorization === undefined ? {} : { authorization };
      const headers = { ...request.headers, 'idempotency-key': idempotencyKey, ...paid };
      return exchange(this.#http, { ...request, headers });
    };
    const attempt = async (): Promise<Answer> => {
      try {
        return await payAndSend(send, purse, context);
      } catch (error) {
        if (!(error instanceof ProviderUnreachable)) throw error;
        return payAndSend(send, purse, context);
      }
    };
    const result = this.#paying.then(attempt, attempt);
    this.#paying = result.catch(() => undefined);
    return result;
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.clock.nowMs() / 1_000);
  }
}

function bucketDto({ bits, prefix }: StrangerBucket): dto.BucketDto {
  return { bits, prefix: bytesToHex(prefix) };
}

function watchedDto(bucket: WatchedBucket): dto.WatchedBucketDto {
  return { ...bucketDto(bucket), stampBits: bucket.stampBits };
}
