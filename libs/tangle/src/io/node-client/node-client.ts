/**
 * A client of a node's REST API: used by provider, client, faucet and tools. Every answer is
 * bounded in time and size and checked against its schema; ids of blocks are recomputed from their
 * bytes. What must be certain is proven by proof-checker.ts. Before: wallets and inboxes; after:
 * http.ts.
 */
import type { z } from 'zod';
import { blockIdOf } from '../../core/codec/block.ts';
import { parseGenesisJson } from '../../core/codec/genesis.ts';
import type { Genesis } from '../../core/codec/genesis.ts';
import { bytesToHex, hexToBytes } from '../../core/codec/ids.ts';
import type { Address, BlockId, OutputId, TransactionId } from '../../core/codec/ids.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { FILTER_HEADER_LENGTH } from '../../core/filter/filter-chain.ts';
import { decodeFilterRange, type FilterRange } from '../../core/filter/filter-range.ts';
import {
  MAX_BLOCK_SIZE,
  MAX_FILTER_RANGE_SIZE,
  MAX_GENESIS_TEXT_LENGTH,
  MAX_MILESTONE_SIZE,
} from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import {
  API_PREFIX,
  balanceDto,
  blockIdDto,
  blockMetadataDto,
  blockProofDto,
  childrenDto,
  electionsDto,
  healthDto,
  INDEXER_PREFIX,
  infoDto,
  milestoneBlocksDto,
  outputInfoDto,
  outputProofDto,
  outputsPageDto,
  peerDto,
  snapshotsDto,
  taggedDataPageDto,
  tipsDto,
  utxoChangesDto,
} from './dto.ts';
import type {
  BalanceDto,
  BlockMetadataDto,
  BlockProofDto,
  HealthDto,
  InfoDto,
  OutputInfoDto,
  OutputKindDto,
  OutputProofDto,
  OutputsPageDto,
  PayloadKindDto,
  PeerDto,
  SnapshotFileDto,
  TaggedDataPageDto,
  UtxoChangesDto,
} from './dto.ts';
import { NodeApiError } from './errors.ts';
import { EVENTS_PATH } from './event-dto.ts';
import { exchange, parseJson } from './http.ts';
import type { Fetch } from './http.ts';
import { NodeEvents } from './node-events.ts';
import type { NodeEventsOptions } from './node-events.ts';

export interface NodeClientOptions {
  /** For instance `http://127.0.0.1:14265`; a path in front of `/api` is kept. */
  readonly baseUrl: string;
  /** Of one request; default 10 s. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
  readonly hasher?: Hasher;
}

/** A block as the feed of a milestone gives it; the id was recomputed. */
export interface ConfirmedBlock {
  readonly blockId: BlockId;
  readonly bytes: Uint8Array;
}

export interface ConfirmedBlockPage {
  readonly blocks: ConfirmedBlock[];
  /** Position to go on from; absent on the last page. */
  readonly next?: number;
}

/** Encoded milestones with their certificates; nothing of them is checked yet. */
export interface ElectionsPage {
  readonly elections: readonly Uint8Array[];
  /** Whether others follow. */
  readonly more: boolean;
}

/** What the indexer can filter by; all given fields must fit. */
export interface OutputsFilter {
  readonly address?: Address;
  readonly kind?: OutputKindDto;
  readonly payee?: Address;
  readonly refundAddress?: Address;
  /** Owner of a validator bond. */
  readonly bondOwner?: Address;
  /** Key that a validator bond stands behind: 64 hex digits, as an address has them. */
  readonly bondKey?: Address;
  /** Who gets a basic output back when it expires. */
  readonly returnAddress?: Address;
  readonly tag?: Uint8Array;
  readonly hasTimelock?: boolean;
  readonly hasExpiration?: boolean;
  /** Times of milestones, exclusive, in milliseconds since 1970. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  /** Default true. */
  readonly unspent?: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_JSON_BYTES = 1 << 20;
/** A page holds 4 MiB of blocks, twice as much as hex, and ids around them. */
const MAX_BLOCKS_PAGE_BYTES = 16 << 20;
/** Items that are asked for at once: as many as a node gives unasked. */
const PAGE_ITEMS = 100;
/** Pages of one listing; stops a node that never ends. */
const MAX_PAGES = 10_000;

export class NodeClient {
  readonly baseUrl: string;
  readonly #timeoutMs: number;
  readonly #fetch: Fetch;
  readonly #hasher: Hasher;

  constructor(options: NodeClientOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#fetch = options.fetch ?? (async (url, init) => await fetch(url, init));
    this.#hasher = options.hasher ?? nobleHasher;
  }

  /** Health, also of an unhealthy node (status 503). */
  async health(options: CallOptions = {}): Promise<HealthDto> {
    const passOn: Fetch = async (url, init) => {
      const response = await this.#fetch(url, init);
      if (response.status !== 503) return response;
      return new Response(response.body, { status: 200, headers: response.headers });
    };
    const body = await this.#send(this.#url('', 'health'), { ...options, fetchUrl: passOn });
    return this.#parse(healthDto, body);
  }

  async info(options: CallOptions = {}): Promise<InfoDto> {
    return await this.#get(infoDto, 'info', options);
  }

  /** The genesis document. Whoever must trust it compares its network id with a known one. */
  async genesis(options: CallOptions = {}): Promise<Genesis> {
    const body = await this.#send(this.#url(API_PREFIX, 'genesis'), {
      ...options,
      maxBytes: MAX_GENESIS_TEXT_LENGTH,
    });
    const genesis = parseGenesisJson(new TextDecoder().decode(body));
    if (!genesis.ok) throw new NodeApiError('answer-invalid', 200);
    return genesis.value;
  }

  /** 1–8 tips to be parents of a new block. */
  async tips(options: CallOptions = {}): Promise<BlockId[]> {
    return (await this.#get(tipsDto, 'tips', options)).tips;
  }

  /** Hands a whole block to the node. Resubmitting a known block is fine. */
  async submitBlock(bytes: Uint8Array, options: CallOptions = {}): Promise<BlockId> {
    const body = await this.#send(this.#url(API_PREFIX, 'blocks'), { ...options, body: bytes });
    const { blockId } = this.#parse(blockIdDto, body);
    if (blockId !== blockIdOf(bytes, this.#hasher)) throw new NodeApiError('answer-invalid', 202);
    return blockId;
  }

  /** A block's bytes, held to its id. */
  async block(id: BlockId, options: CallOptions = {}): Promise<Uint8Array> {
    const bytes = await this.#getBytes(`blocks/${id}`, MAX_BLOCK_SIZE, options);
    if (blockIdOf(bytes, this.#hasher) !== id) throw new NodeApiError('answer-invalid', 200);
    return bytes;
  }

  async blockMetadata(id: BlockId, options: CallOptions = {}): Promise<BlockMetadataDto> {
    return await this.#get(blockMetadataDto, `blocks/${id}/metadata`, options);
  }

  async blockChildren(id: BlockId, options: CallOptions = {}): Promise<BlockId[]> {
    return (await this.#get(childrenDto, `blocks/${id}/children`, options)).children;
  }

  /** What proves that a milestone contains the block; 404 until one does. */
  async blockProof(id: BlockId, options: CallOptions = {}): Promise<BlockProofDto> {
    return await this.#get(blockProofDto, `blocks/${id}/proof`, options);
  }

  /** The bytes of the block whose transaction was applied; 404 when none was. */
  async includedBlock(id: TransactionId, options: CallOptions = {}): Promise<Uint8Array> {
    return await this.#getBytes(`transactions/${id}/included-block`, MAX_BLOCK_SIZE, options);
  }

  async output(id: OutputId, options: CallOptions = {}): Promise<OutputInfoDto> {
    return await this.#get(outputInfoDto, `outputs/${id}`, options);
  }

  /** What proves that the output is unspent at the latest confirmed milestone; else 404. */
  async outputProof(id: OutputId, options: CallOptions = {}): Promise<OutputProofDto> {
    return await this.#get(outputProofDto, `outputs/${id}/proof`, options);
  }

  /** One page of what an address owns; proof-checker.ts proves it. */
  async balance(address: Address, cursor?: string, options: CallOptions = {}): Promise<BalanceDto> {
    const url = this.#url(API_PREFIX, `addresses/${address}/balance`);
    if (cursor !== undefined) url.searchParams.set('cursor', cursor);
    return this.#parse(balanceDto, await this.#send(url, options));
  }

  async snapshots(options: CallOptions = {}): Promise<SnapshotFileDto[]> {
    return (await this.#get(snapshotsDto, 'snapshots', options)).snapshots;
  }

  /** The bytes of a milestone with its certificate. */
  async milestone(index: number | 'latest', options: CallOptions = {}): Promise<Uint8Array> {
    return await this.#getBytes(`milestones/${index}`, MAX_MILESTONE_SIZE, options);
  }

  /** One page of the milestones that named the committees of epochs above `after`, ascending. */
  async elections(after: number, options: CallOptions = {}): Promise<ElectionsPage> {
    const url = this.#url(API_PREFIX, 'elections');
    url.searchParams.set('after', `${after}`);
    const { elections, more } = this.#parse(electionsDto, await this.#send(url, options));
    return { elections: elections.map(({ milestone }) => hexToBytes(milestone)), more };
  }

  /** One page of the blocks that milestone `index` newly references, in white-flag order. */
  async milestoneBlockPage(
    index: number,
    kind: PayloadKindDto | undefined,
    skip: number,
    options: CallOptions = {},
  ): Promise<ConfirmedBlockPage> {
    const url = this.#url(API_PREFIX, `milestones/${index}/blocks`);
    if (kind !== undefined) url.searchParams.set('kind', kind);
    if (skip > 0) url.searchParams.set('skip', `${skip}`);
    const body = await this.#send(url, { ...options, maxBytes: MAX_BLOCKS_PAGE_BYTES });
    const page = this.#parse(milestoneBlocksDto, body);
    const blocks = page.blocks.map(({ blockId, bytes }) => {
      const block = hexToBytes(bytes);
      const known = block.length <= MAX_BLOCK_SIZE && blockIdOf(block, this.#hasher) === blockId;
      if (!known) throw new NodeApiError('answer-invalid', 200);
      return { blockId, bytes: block };
    });
    return page.next === undefined ? { blocks } : { blocks, next: page.next };
  }

  /** All blocks of a kind that milestone `index` newly references. Large cones: use the pages. */
  async milestoneBlocks(
    index: number,
    kind?: PayloadKindDto,
    options: CallOptions = {},
  ): Promise<ConfirmedBlock[]> {
    const blocks: ConfirmedBlock[] = [];
    let skip = 0;
    for (;;) {
      const page = await this.milestoneBlockPage(index, kind, skip, options);
      for (const block of page.blocks) blocks.push(block);
      if (page.next === undefined) return blocks;
      if (page.next <= skip) throw new NodeApiError('answer-invalid', 200);
      skip = page.next;
    }
  }

  /**
   * The filters of at most `count` milestones from `from` on, all of one segment. What it says is
   * checked by `checkFilterRange`, whose rules need what the caller knows.
   */
  async filters(
    from: number,
    count: number,
    options: CallOptions = {},
  ): Promise<FilterRange & { readonly sizeBytes: number }> {
    const path = `filters?from=${from}&count=${count}`;
    const bytes = await this.#getBytes(path, MAX_FILTER_RANGE_SIZE, options);
    const range = decodeFilterRange(bytes);
    if (!range.ok) throw new NodeApiError('answer-invalid', 200);
    return { ...range.value, sizeBytes: bytes.length };
  }

  /** The filter header after milestone `index`, 32 bytes; 404 when the node does not have it. */
  async filterHeader(index: number, options: CallOptions = {}): Promise<Uint8Array> {
    const path = `filters/headers?index=${index}`;
    const header = await this.#getBytes(path, FILTER_HEADER_LENGTH, options);
    if (header.length !== FILTER_HEADER_LENGTH) throw new NodeApiError('answer-invalid', 200);
    return header;
  }

  async utxoChanges(index: number, options: CallOptions = {}): Promise<UtxoChangesDto> {
    return await this.#get(utxoChangesDto, `milestones/${index}/utxo-changes`, options);
  }

  async peers(options: CallOptions = {}): Promise<PeerDto[]> {
    return await this.#get(peerDto.array().max(1_000), 'peers', options);
  }

  /** One page of the indexer. */
  async outputsPage(
    filter: OutputsFilter,
    cursor?: string,
    options: CallOptions = {},
  ): Promise<OutputsPageDto> {
    const url = this.#url(INDEXER_PREFIX, 'outputs');
    const { tag, unspent, ...texts } = filter;
    for (const [name, value] of Object.entries(texts)) url.searchParams.set(name, `${value}`);
    if (tag !== undefined) url.searchParams.set('tag', bytesToHex(tag));
    url.searchParams.set('unspent', `${unspent ?? true}`);
    if (cursor !== undefined) url.searchParams.set('cursor', cursor);
    return this.#parse(outputsPageDto, await this.#send(url, options));
  }

  /** Output ids page by page. The indexer is a hint: what matters is proven by `outputProof`. */
  async *outputs(filter: OutputsFilter, options: CallOptions = {}): AsyncGenerator<OutputId> {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { items, cursor: next } = await this.outputsPage(filter, cursor, options);
      yield* items;
      if (next === undefined) return;
      cursor = next;
    }
  }

  /** One page of confirmed tagged data, newest first. */
  async taggedDataPage(
    tag: Uint8Array,
    limit: number,
    cursor?: string,
    options: CallOptions = {},
  ): Promise<TaggedDataPageDto> {
    const url = this.#url(INDEXER_PREFIX, 'tagged-data');
    url.searchParams.set('tag', bytesToHex(tag));
    url.searchParams.set('limit', `${limit}`);
    if (cursor !== undefined) url.searchParams.set('cursor', cursor);
    return this.#parse(taggedDataPageDto, await this.#send(url, options));
  }

  /** The newest confirmed tagged data, up to `limit` of them, page by page. */
  async taggedData(
    tag: Uint8Array,
    limit: number,
    options: CallOptions = {},
  ): Promise<TaggedDataPageDto['items']> {
    const found: TaggedDataPageDto['items'] = [];
    let cursor: string | undefined;
    while (found.length < limit) {
      const count = Math.min(limit - found.length, PAGE_ITEMS);
      const { items, cursor: next } = await this.taggedDataPage(tag, count, cursor, options);
      found.push(...items.slice(0, count));
      // A node that gives a cursor and nothing with it would have us ask for ever.
      if (next === undefined || items.length === 0) break;
      cursor = next;
    }
    return found;
  }

  /** A new event connection; the caller closes it. */
  events(options: Omit<NodeEventsOptions, 'url'> = {}): NodeEvents {
    const url = this.#url('', EVENTS_PATH.slice(1));
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return new NodeEvents({ ...options, url: url.href });
  }

  async #get<T extends z.ZodType>(
    schema: T,
    path: string,
    options: CallOptions,
  ): Promise<z.infer<T>> {
    return this.#parse(schema, await this.#send(this.#url(API_PREFIX, path), options));
  }

  async #getBytes(path: string, maxBytes: number, options: CallOptions): Promise<Uint8Array> {
    const accept = 'application/octet-stream';
    return await this.#send(this.#url(API_PREFIX, path), { ...options, accept, maxBytes });
  }

  async #send(
    url: URL,
    options: CallOptions & {
      body?: Uint8Array;
      maxBytes?: number;
      accept?: 'application/octet-stream';
      fetchUrl?: Fetch;
    },
  ): Promise<Uint8Array> {
    const { body } = options;
    return await exchange(options.fetchUrl ?? this.#fetch, {
      url,
      method: body === undefined ? 'GET' : 'POST',
      accept: options.accept ?? 'application/json',
      maxBytes: options.maxBytes ?? MAX_JSON_BYTES,
      timeoutMs: this.#timeoutMs,
      signal: options.signal,
      ...(body === undefined ? {} : { body }),
    });
  }

  #parse<T extends z.ZodType>(schema: T, body: Uint8Array): z.infer<T> {
    const parsed = schema.safeParse(parseJson(body));
    if (parsed.success) return parsed.data;
    throw new NodeApiError('answer-invalid', 200, undefined, parsed.error);
  }

  #url(prefix: string, path: string): URL {
    return new URL(`${this.baseUrl}${prefix}/${path}`);
  }
}
