/**
 * Stands before a node's API and writes down what it is asked for; on command it leaves tags out
 * of the filters of some milestones, with headers that fit what it says. For tests of what a client
 * tells a node, and of what it believes.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nextFilterHeader, segmentStart } from '@tanglemail/tangle/core/filter/filter-chain.ts';
import { encodeFilterRange } from '@tanglemail/tangle/core/filter/filter-range.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';

const PREFIX = '/api/core/v1/';

export class FilterProxy {
  /** Method and path with query of every request. */
  readonly requests: string[] = [];
  /** Bytes of bodies that it sent. */
  sentBytes = 0;
  /** Milestones of which it says that they have no mail. */
  readonly emptied = new Set<number>();
  readonly #server: Server;
  readonly #target: string;
  readonly #client: NodeClient;
  readonly #genesisId: MilestoneId;

  private constructor(target: string, genesisId: MilestoneId) {
    this.#target = target;
    this.#client = new NodeClient({ baseUrl: target });
    this.#genesisId = genesisId;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async open(target: string, genesisId: MilestoneId): Promise<FilterProxy> {
    const proxy = new FilterProxy(target, genesisId);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request;
    this.requests.push(`${method} ${path}`);
    const lie = this.emptied.size > 0 ? await this.#lie(path) : undefined;
    if (lie !== undefined) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(lie);
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { accept = 'application/json' } = request.headers;
    const type = request.headers['content-type'];
    const headers = { accept, ...(type === undefined ? {} : { 'content-type': type }) };
    const body = method === 'GET' ? {} : { body: Buffer.concat(parts) };
    const answer = await fetch(`${this.#target}${path}`, { method, headers, ...body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    this.sentBytes += bytes.length;
    const contentType = answer.headers.get('content-type') ?? '';
    response.writeHead(answer.status, { 'content-type': contentType }).end(bytes);
  }

  /** Its own words about filters of the first segment; undefined for every other question. */
  async #lie(path: string): Promise<Uint8Array | undefined> {
    const url = new URL(path, this.#target);
    if (!url.pathname.startsWith(`${PREFIX}filters`)) return undefined;
    const number = (name: string): number => Number(url.searchParams.get(name));
    const isHeader = url.pathname.endsWith('/headers');
    const { milestones, filters } = await this.#client.filters(0, 4_096);
    const shown = filters.filter(({ index }) => !this.emptied.has(index));
    const headerBefore = (end: number): Uint8Array =>
      shown
        .filter(({ index }) => index < end)
        .reduce(
          (header, { index, bytes }) => nextFilterHeader(header, index, bytes, nobleHasher),
          segmentStart(this.#genesisId, 0, nobleHasher),
        );
    const first = isHeader ? number('index') : number('from');
    if (first >= milestones) return undefined;
    if (isHeader) return headerBefore(first + 1);
    const last = Math.min(first + number('count'), milestones) - 1;
    const inside = shown.filter(({ index }) => index >= first && index <= last);
    return encodeFilterRange({ first, last }, headerBefore(first), inside);
  }
}
