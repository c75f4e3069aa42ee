/**
 * A client's view of the parts of parcels at one provider: announcing and sending those that are
 * for a recipient's mailbox, fetching those in one's own. Roots are recomputed, receipts verified.
 * Before: the client's parcels. After: core/parcel. Spec: docs/spec/34-provider-api.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { MAX_UPLOAD_PARTS } from '../../core/market/constants.ts';
import { bondPublicKeyOf } from '../../core/market/offer.ts';
import type { Offer } from '../../core/market/offer.ts';
import { checkReceipt, decodeReceipt } from '../../core/market/receipt.ts';
import type { StorageReceipt } from '../../core/market/receipt.ts';
import { segmentRoot } from '../../core/market/segment-tree.ts';
import type { Sha256 } from '../../core/market/segment-tree.ts';
import type { UploadPart } from '../../core/market/upload.ts';
import * as dto from './dto.ts';
import { ProviderFault } from './errors.ts';
import { exchange, problemOf, readJson } from './http.ts';
import type { Answer, Exchange, HttpOptions } from './http.ts';

export interface PartClientDeps {
  readonly networkId: bigint;
  /** The provider's offer, checked. */
  readonly offer: () => Promise<Offer>;
  readonly verifier: Verifier;
  readonly sha256: Sha256;
}

/** Time for one part either way: 1 MiB on a slow line. */
const PART_TIMEOUT_MS = 60_000;

export class PartClient {
  readonly #http: HttpOptions;
  readonly #deps: PartClientDeps;

  constructor(http: HttpOptions, deps: PartClientDeps) {
    this.#http = { ...http, timeoutMs: Math.max(http.timeoutMs, PART_TIMEOUT_MS) };
    this.#deps = deps;
  }

  /** The offer of the provider. */
  offer(): Promise<Offer> {
    return this.#deps.offer();
  }

  /**
   * Announces the parts under a tag (16 bytes) that nobody has seen yet, or asks again which are
   * missing: their roots, and when the upload ends (unix seconds of ledger time).
   */
  async announce(
    tag: Uint8Array,
    parts: readonly UploadPart[],
    signal?: AbortSignal,
  ): Promise<{ readonly missing: readonly string[]; readonly closesAt: number }> {
    const json: dto.UploadRequestDto = {
      tag: bytesToHex(tag),
      parts: parts.slice(0, MAX_UPLOAD_PARTS + 1).map(({ root, size }) => ({ root, size })),
    };
    const request: Exchange = { method: 'POST', path: '/v1/parts', json };
    const answer = await exchange(this.#http, withSignal(request, signal));
    const { missing, closesAt } = readJson(answer, dto.UPLOAD);
    return { missing, closesAt };
  }

  /** Sends an announced part and returns its receipt, checked. Safe to repeat. */
  async put(
    tag: Uint8Array,
    part: { readonly root: string; readonly bytes: Uint8Array },
    ledgerTime: number,
    signal?: AbortSignal,
  ): Promise<StorageReceipt> {
    const { root, bytes } = part;
    const { sha256 } = this.#deps;
    const digest = Buffer.from(sha256(bytes)).toString('base64');
    const request: Exchange = {
      method: 'PUT',
      path: `/v1/parts/${root}?tag=${bytesToHex(tag)}`,
      headers: { 'content-digest': `sha-256=:${digest}:` },
      bytes,
    };
    const answer = readJson(await exchange(this.#http, withSignal(request, signal)), dto.PART);
    return this.#checked(answer, { root, size: bytes.length, ledgerTime });
  }

  async #checked(
    answer: dto.PartDto,
    object: { readonly root: string; readonly size: number; readonly ledgerTime: number },
  ): Promise<StorageReceipt> {
    const decoded = decodeReceipt(hexToBytes(answer.receipt));
    if (!decoded.ok) throw new ProviderFault('answer-malformed', decoded.code);
    const { networkId, verifier } = this.#deps;
    const offer = await this.offer();
    const { size, ledgerTime } = object;
    const expected = {
      networkId,
      root: hexToBytes(object.root),
      size,
      ledgerTime,
      offer,
      bondPublicKey: bondPublicKeyOf(offer) ?? offer.bondId,
    };
    const checked = checkReceipt(decoded.value, expected, verifier);
    if (!checked.ok) throw new ProviderFault('proof-invalid', checked.code);
    return checked.value;
  }

  /** A part of one's own mailbox, checked against its root. The same key never pays twice. */
  async fetch(
    session: { readonly token: string },
    part: UploadPart,
    idempotencyKey: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const headers = {
      accept: 'application/octet-stream',
      authorization: `Bearer ${session.token}`,
      'idempotency-key': idempotencyKey,
    };
    const path = `/v1/objects/${part.root}`;
    const request: Exchange = { method: 'GET', path, headers, maxBytes: part.size };
    const answer = await exchange(this.#http, withSignal(request, signal));
    return this.#right(answer, part);
  }

  #right(answer: Answer, { root, size }: UploadPart): Uint8Array {
    if (answer.status >= 400) throw problemOf(answer);
    const { bytes } = answer;
    const isRight =
      bytes.length === size && bytesToHex(segmentRoot(bytes, this.#deps.sha256)) === root;
    if (!isRight) throw new ProviderFault('root-mismatch');
    return bytes;
  }
}

function withSignal(request: Exchange, signal: AbortSignal | undefined): Exchange {
  return signal === undefined ? request : { ...request, signal };
}
