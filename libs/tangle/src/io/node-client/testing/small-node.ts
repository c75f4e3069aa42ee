/**
 * For the specs of this folder: a node in one file. Its rules, milestones and proofs are the real
 * ones of the core; its store is a few maps, and a milestone comes when a spec says so.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { checkBlock } from '../../../core/block/rules.ts';
import type { CheckedBlock } from '../../../core/block/rules.ts';
import { searchNonce } from '../../../core/block/pow.ts';
import { genesisToJson } from '../../../core/codec/genesis.ts';
import type { Genesis } from '../../../core/codec/genesis.ts';
import {
  addressFromBytes,
  bytesToHex,
  GENESIS_BLOCK_ID,
  idToBytes,
} from '../../../core/codec/ids.ts';
import type { BlockId, OutputId, TransactionId } from '../../../core/codec/ids.ts';
import { encodeMilestone } from '../../../core/codec/milestone.ts';
import type { Milestone } from '../../../core/codec/milestone.ts';
import { encodeOutput } from '../../../core/codec/output.ts';
import { nobleHasher } from '../../../core/crypto/blake2b.ts';
import { nobleVerifier, publicKeyOf } from '../../../core/crypto/ed25519-strict.ts';
import { auditPath, encodeAuditPath } from '../../../core/crypto/merkle.ts';
import type { OutputRecord } from '../../../core/ledger/ledger-diff.ts';
import { encodeStateProof } from '../../../core/ledger/state-proof.ts';
import { buildMilestone, signMilestone } from '../../../core/milestone/build.ts';
import { assembleCertificate } from '../../../core/milestone/certificate.ts';
import { genesisMilestone } from '../../../core/milestone/genesis.ts';
import type { GenesisMilestone } from '../../../core/milestone/genesis.ts';
import type { Hasher, Verifier } from '../../../core/ports.ts';
import { parentOf } from '../../../core/milestone/rules.ts';
import type { MilestoneResult, ParentMilestone } from '../../../core/milestone/rules.ts';
import type { Failure } from '../../../core/outcome.ts';
import { NETWORK_PRESETS } from '../../../core/params/networks.ts';
import type { ProofOfWork } from '../block-issuer.ts';
import type { EventRequestDto } from '../event-dto.ts';
import { outputToJson } from '../json.ts';
import { SmallIndex } from './small-index.ts';

export const COMMITTEE_KEY = new Uint8Array(32).fill(1);
export const RICH_KEY = new Uint8Array(32).fill(2);
export const POOR_KEY = new Uint8Array(32).fill(3);
export const SUPPLY = 1_000_000n;

export function addressOf(secretKey: Uint8Array): ReturnType<typeof addressFromBytes> {
  return addressFromBytes(nobleHasher.blake2b256(publicKeyOf(secretKey)));
}

/** Noble's search; the test preset asks for a few bits. */
export const SLOW_WORK: ProofOfWork<never> = {
  async solve(digest, difficulty, options) {
    options?.signal?.throwIfAborted();
    const nonce = searchNonce(digest, difficulty, 0n, 1 << 20, nobleHasher);
    if (nonce === undefined) throw new Error('no nonce found');
    return { nonce };
  },
};

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Body = string | Uint8Array;

interface Confirmed {
  readonly milestone: Milestone;
  readonly bytes: Uint8Array;
  readonly result: MilestoneResult | undefined;
}

export interface SmallNodeOptions {
  readonly nowMs: () => number;
  /** Blocks of a page of a milestone. */
  readonly blocksPage: number;
  /** Ids of a page of outputs. */
  readonly outputsPage: number;
  /** The core's own unless a faster one is given; all give the same bytes. */
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

/** So small that paging is seen. */
const SMALL_PAGES = { blocksPage: 2, outputsPage: 3 } as const;

const NOT_FOUND: Answer = { status: 404, body: { code: 'not-found', title: 'not found' } };

export class SmallNode {
  readonly genesis: Genesis;
  readonly start0: GenesisMilestone;
  readonly blocks = new Map<BlockId, CheckedBlock>();
  readonly referencedBy = new Map<BlockId, number>();
  readonly chain: Confirmed[] = [];
  readonly requests: string[] = [];
  /** Ids that the node calls left behind. */
  readonly stale = new Set<BlockId>();
  /** Load term asked of new blocks. */
  loadBits = 0;
  /** Answers in place of the node's own. */
  intercept: (method: string, path: string) => Answer | undefined = () => undefined;
  readonly #options: SmallNodeOptions;
  readonly #index: SmallIndex;
  readonly #pending = new Set<BlockId>();
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly subscriptions = new Map<WebSocket, EventRequestDto[]>();
  #parent: ParentMilestone;
  #newest: BlockId | undefined;

  constructor(
    outputs: { address: ReturnType<typeof addressOf>; amount: bigint }[] = [],
    options: Partial<SmallNodeOptions> = {},
  ) {
    const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
    this.#options = { ...SMALL_PAGES, ...crypto, nowMs: Date.now, ...options };
    const { hasher } = this.#options;
    this.genesis = {
      name: 'small',
      timestampMs: this.#options.nowMs() - 30_000,
      params: NETWORK_PRESETS.test,
      committee: [publicKeyOf(COMMITTEE_KEY)],
      outputs: outputs.length > 0 ? outputs : [{ address: addressOf(RICH_KEY), amount: SUPPLY }],
    };
    this.start0 = genesisMilestone(this.genesis, hasher);
    this.#parent = this.start0.parent;
    const bytes = encodeMilestone(this.start0.milestone);
    this.chain.push({ milestone: this.start0.milestone, bytes, result: undefined });
    this.#index = new SmallIndex(this.start0.outputs);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#sockets = new WebSocketServer({ server: this.#server, path: '/api/events/v1' });
    this.#sockets.on('connection', (socket) => {
      this.subscriptions.set(socket, []);
      socket.on('message', (data: Buffer) => {
        this.subscriptions.get(socket)?.push(JSON.parse(data.toString('utf8')) as EventRequestDto);
      });
      socket.on('close', () => this.subscriptions.delete(socket));
    });
  }

  get baseUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  /** Confirms all blocks that no milestone references yet. */
  confirm(): void {
    const { hasher, verifier } = this.#options;
    const pending = this.#unreferenced();
    const covered = new Set(pending.flatMap((id) => this.blocks.get(id)?.block.parents ?? []));
    const tips = pending.filter((id) => !covered.has(id));
    const built = buildMilestone(
      {
        parent: this.#parent,
        parents: tips.slice(-8),
        timestampMs: Math.max(this.#options.nowMs(), this.#parent.header.timestampMs + 1),
        view: BigInt(this.chain.length),
      },
      {
        blocks: this.blocks,
        outputs: (id) => this.#index.state(id),
        params: this.genesis.params,
        verifier,
        hasher,
        rootIndexOf: (id) => (id === GENESIS_BLOCK_ID ? 0 : this.referencedBy.get(id)),
      },
    );
    if (!built.ok) throw new Error(built.code);
    const { header, body, result } = built.value;
    const signer = { networkId: this.start0.networkId, seat: 0, secretKey: COMMITTEE_KEY };
    const vote = signMilestone(header, 'finalize', signer, hasher);
    const certificate = assembleCertificate([vote], 1);
    if (certificate === undefined) throw new Error('no certificate');
    const milestone = { header, body, certificate };
    const { params } = this.genesis;
    this.#parent = parentOf(milestone, this.#parent, result, { params, hasher });
    this.chain.push({ milestone, bytes: encodeMilestone(milestone), result });
    for (const id of result.included) this.referencedBy.set(id, header.index);
    for (const id of result.included) this.#pending.delete(id);
    this.#index.book(header, result, this.blocks);
    this.push('milestones/confirmed', this.confirmedEvent(header.index));
  }

  confirmedEvent(index: number): object {
    const result = this.chain[index]?.result;
    return {
      ...this.#milestoneRef(index),
      blocks: result?.included.length ?? 0,
      applied: result?.applied.length ?? 0,
      conflicting: result?.conflicts.size ?? 0,
    };
  }

  /** Sends an event to all who subscribed to the topic. */
  push(topic: string, data: unknown): void {
    for (const [socket, requests] of this.subscriptions) {
      const wanted = requests.findLast((request) => request.topic === topic);
      if (wanted?.op === 'subscribe') socket.send(JSON.stringify({ topic, data }));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    this.requests.push(`${method} ${url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { status, type, body } = wireOf(this.#respond(method, url, Buffer.concat(chunks)));
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  }

  /** The node's API without a socket, for whoever needs a great many answers. */
  readonly fetch = async (input: URL | string, init: RequestInit = {}): Promise<Response> => {
    init.signal?.throwIfAborted();
    const { pathname, search } = new URL(input);
    const sent = init.body instanceof Uint8Array ? init.body : new Uint8Array(0);
    const { status, type, body } = wireOf(
      this.#respond(init.method ?? 'GET', `${pathname}${search}`, sent),
    );
    const bytes = typeof body === 'string' ? body : new Uint8Array(body);
    return new Response(bytes, { status, headers: { 'content-type': type } });
  };

  #respond(method: string, url: string, body: Uint8Array): Answer {
    return this.intercept(method, url) ?? this.#answer(method, url, body);
  }

  #answer(method: string, url: string, body: Uint8Array): Answer {
    const { pathname, searchParams } = new URL(url, 'http://node');
    const [, prefix, area, , ...path] = pathname.split('/');
    if (prefix === 'health') return { status: 503, body: { healthy: false, reasons: ['alone'] } };
    if (area === 'indexer') return this.#indexer(path[0] ?? '', searchParams);
    if (method === 'POST') return this.#submit(body);
    const [kind = '', id = '', part = ''] = path;
    switch (kind) {
      case 'info':
        return { status: 200, body: this.#info() };
      case 'genesis':
        return { status: 200, body: genesisToJson(this.genesis) };
      case 'tips':
        return { status: 200, body: { tips: this.#tips() } };
      case 'blocks':
        return this.#block(id as BlockId, part);
      case 'transactions':
        return this.#block(this.#index.applied.get(id as TransactionId) ?? GENESIS_BLOCK_ID, '');
      case 'outputs':
        return this.#output(id as OutputId, part);
      case 'milestones':
        return this.#milestone(id, part, searchParams);
      case 'peers':
        return { status: 200, body: [] };
      default:
        return NOT_FOUND;
    }
  }

  /** A spec may have taken blocks away that the node had. */
  #unreferenced(): BlockId[] {
    return [...this.#pending].filter((id) => this.blocks.has(id));
  }

  #tips(): BlockId[] {
    const last = this.#unreferenced().slice(-4).toReversed();
    if (last.length > 0) return last;
    const newest = this.#newest ?? GENESIS_BLOCK_ID;
    return [this.blocks.has(newest) ? newest : GENESIS_BLOCK_ID];
  }

  #milestoneRef(index: number): object {
    const { header, certificate } = this.chain[index]?.milestone ?? this.start0.milestone;
    const milestoneId = bytesToHex(certificate.digest);
    return { index, milestoneId, timestampMs: header.timestampMs };
  }

  #info(): object {
    const newest = this.#milestoneRef(this.chain.length - 1);
    const { depositPerByte, validatorBondMin, ...params } = this.genesis.params;
    return {
      name: 'small-node',
      version: '0',
      networkId: `${this.start0.networkId}`,
      networkName: this.genesis.name,
      genesisId: this.start0.id,
      protocolVersion: 1,
      tokenSupply: `${SUPPLY}`,
      status: {
        healthy: true,
        latestMilestone: newest,
        confirmedMilestone: newest,
        solidIndex: this.chain.length - 1,
        prunedIndex: 0,
        tips: 1,
        peers: 0,
        unsolid: 0,
        sync: {
          state: 'following',
          behind: 0,
          milestones: 0,
          requested: 0,
          proven: 0,
          processing: 0,
          bufferedBytes: 0,
          held: 0,
        },
      },
      metrics: { blocksPerSecond: 0, referencedBlocksPerSecond: 0, referencedRate: 0 },
      params: {
        ...params,
        depositPerByte: `${depositPerByte}`,
        validatorBondMin: `${validatorBondMin}`,
        powLoadBits: this.loadBits,
      },
      committee: { epoch: 0, size: 1, quorum: 1 },
      validators: this.genesis.committee.map((key, seat) => {
        return { seat, publicKey: bytesToHex(key), own: true, silent: false };
      }),
      features: [],
    };
  }

  #submit(bytes: Uint8Array): Answer {
    const checked = checkBlock(new Uint8Array(bytes), {
      params: this.genesis.params,
      networkId: this.start0.networkId,
      loadBits: this.loadBits,
      hasher: this.#options.hasher,
    });
    if (!checked.ok) return problem(checked);
    const { id } = checked.value;
    if (!this.blocks.has(id)) {
      this.blocks.set(id, checked.value);
      this.#pending.add(id);
      this.#newest = id;
    }
    return { status: 202, body: { blockId: id } };
  }

  #block(id: BlockId, part: string): Answer {
    const known = this.blocks.get(id);
    if (known === undefined) return NOT_FOUND;
    if (part === '') return { status: 200, body: known.bytes };
    if (part === 'children') return { status: 200, body: { blockId: id, children: [] } };
    return part === 'proof' ? this.#blockProof(id, known) : this.#metadata(id, known);
  }

  #metadata(blockId: BlockId, known: CheckedBlock): Answer {
    const index = this.referencedBy.get(blockId);
    const base = { blockId, parents: known.block.parents, solid: true };
    if (index === undefined) {
      return { status: 200, body: { ...base, shouldReattach: this.stale.has(blockId) } };
    }
    const conflictCode = this.chain[index]?.result?.conflicts.get(blockId);
    const state = conflictCode === undefined ? 'included' : 'conflicting';
    const ledgerInclusionState = known.transactionId === undefined ? 'noTransaction' : state;
    return {
      status: 200,
      body: { ...base, referencedByMilestoneIndex: index, ledgerInclusionState, conflictCode },
    };
  }

  #blockProof(id: BlockId, known: CheckedBlock): Answer {
    const confirmed = this.chain[this.referencedBy.get(id) ?? 0];
    if (confirmed?.result === undefined) return NOT_FOUND;
    const { included, applied } = confirmed.result;
    const { hasher } = this.#options;
    const appliedAt = applied.indexOf(id);
    return {
      status: 200,
      body: {
        milestone: bytesToHex(confirmed.bytes),
        block: bytesToHex(known.bytes),
        inclusionPath: pathTo(included, included.indexOf(id), hasher),
        ...(appliedAt === -1 ? {} : { appliedPath: pathTo(applied, appliedAt, hasher) }),
      },
    };
  }

  #output(id: OutputId, part: string): Answer {
    const spent = this.#index.spent.get(id);
    const record = this.#index.outputs.get(id) ?? spent?.record;
    if (record === undefined) return NOT_FOUND;
    const outputBytes = bytesToHex(encodeOutput(record.output));
    if (part === 'proof') {
      const proof = this.#parent.stateTree.proof(id);
      const milestone = this.chain.at(-1)?.bytes;
      if (proof === undefined || milestone === undefined) return NOT_FOUND;
      const path = bytesToHex(encodeStateProof(proof));
      return { status: 200, body: { milestone: bytesToHex(milestone), output: outputBytes, path } };
    }
    const booked = {
      outputId: id,
      output: outputToJson(record.output),
      outputBytes,
      blockId: record.blockId,
      milestoneIndexBooked: record.milestoneIndex,
      milestoneTimestampBooked: record.milestoneTimestampMs,
      ledgerIndex: this.chain.length - 1,
    };
    if (spent === undefined) return { status: 200, body: booked };
    const { index: milestoneIndex, timestampMs: milestoneTimestamp } = spent.header;
    const facts = { transactionId: spent.record.transactionId, milestoneIndex, milestoneTimestamp };
    return { status: 200, body: { ...booked, spent: facts } };
  }

  #milestone(id: string, part: string, query: URLSearchParams): Answer {
    const index = id === 'latest' ? this.chain.length - 1 : Number(id);
    const confirmed = this.chain[index];
    if (confirmed === undefined) return NOT_FOUND;
    if (part === '') return { status: 200, body: confirmed.bytes };
    if (part === 'utxo-changes') {
      const { created = [], consumed = [] } = confirmed.result?.diff ?? {};
      const ids = (records: readonly OutputRecord[]): OutputId[] => records.map((r) => r.outputId);
      return { status: 200, body: { index, created: ids(created), consumed: ids(consumed) } };
    }
    const { blocksPage } = this.#options;
    const skip = Number(query.get('skip') ?? 0);
    const included = confirmed.result?.included ?? [];
    const kind = query.get('kind');
    const blocks = included.slice(skip, skip + blocksPage).flatMap((blockId) => {
      const known = this.blocks.get(blockId);
      const fits = kind === null || known?.block.payload?.kind === kind;
      return known === undefined || !fits ? [] : [{ blockId, bytes: bytesToHex(known.bytes) }];
    });
    const end = skip + blocksPage;
    const next = end < included.length ? { next: end } : {};
    return { status: 200, body: { index, blocks, ...next } };
  }

  #indexer(kind: string, query: URLSearchParams): Answer {
    if (kind === 'tagged-data') {
      const limit = Number(query.get('limit') ?? 100);
      const items = this.#index.taggedData(query.get('tag') ?? '').slice(0, limit);
      return { status: 200, body: { items } };
    }
    const all = this.#index.find(query);
    const { outputsPage } = this.#options;
    const from = Number(query.get('cursor') ?? 0);
    const end = from + outputsPage;
    const cursor = end < all.length ? { cursor: `${end}` } : {};
    const ledgerIndex = this.chain.length - 1;
    return { status: 200, body: { ledgerIndex, items: all.slice(from, end), ...cursor } };
  }
}

function pathTo(ids: readonly BlockId[], index: number, hasher: Hasher): string {
  const leaves = ids.map((id) => idToBytes(id));
  return bytesToHex(encodeAuditPath(auditPath(leaves, index, hasher)));
}

function wireOf({ status, body }: Answer): { status: number; type: string; body: Body } {
  if (body instanceof Uint8Array) return { status, type: 'application/octet-stream', body };
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  return { status, type, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

function problem({ code, detail }: Failure): Answer {
  return { status: 400, body: { type: 'about:blank', title: code, status: 400, code, detail } };
}
