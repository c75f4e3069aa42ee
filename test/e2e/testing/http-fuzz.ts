/**
 * Requests that nobody should make, drawn by a seed over every operation of an OpenAPI document:
 * wrong methods, odd and huge parameters, bodies of all kinds of wrong, doubled headers. Says what
 * an API answered that it must not: no answer, an error without a problem body or with a code that
 * stands in no table, a failure of the server.
 */
import { Agent, request } from 'node:http';
import type { Chance } from './chance.ts';

export interface FuzzTarget {
  readonly url: string;
  /** Path of the OpenAPI document. */
  readonly document: string;
  /** Every code that a problem body may have. */
  readonly codes: ReadonlySet<string>;
  /** Codes that may come with status 503. */
  readonly busy: ReadonlySet<string>;
}

interface Operation {
  readonly path: string;
  readonly method: string;
}

interface Attempt {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value …, doubled ones included. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
const TYPES = [
  'application/json',
  'application/octet-stream',
  'text/plain',
  'application/json; charset=utf-7',
  'multipart/form-data',
  'application/x-www-form-urlencoded',
  ';',
];
const ENCODINGS = ['gzip', 'br', 'identity', 'deflate', 'wonders'];
const ODD_TEXTS = [
  '-1',
  '0',
  '4294967296',
  '1e9',
  'NaN',
  '%00',
  '%ff',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..',
  '__proto__',
  'constructor',
  'é',
  '%F0%9F%92%A9',
  'a'.repeat(4_000),
  '0x00',
  "'%20OR%201=1",
];
/** Names of fields of real requests. */
const FIELDS = (
  'payload parents publicKey policy amount signature mailboxId nonce addTags removeTags ' +
  'addBuckets removeBuckets days time address'
).split(' ');
const TIMEOUT_MS = 15_000;

export class HttpFuzz {
  readonly #target: FuzzTarget;
  readonly #chance: Chance;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  #operations: readonly Operation[] = [];

  constructor(target: FuzzTarget, chance: Chance) {
    this.#target = target;
    this.#chance = chance;
  }

  /** Makes `count` requests, many at once; returns what was wrong with the answers. */
  async run(count: number): Promise<string[]> {
    this.#operations = await this.#load();
    const findings: string[] = [];
    const statuses = new Map<number, number>();
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const attempt = this.#draw();
        const answer = await this.#send(attempt);
        if (typeof answer !== 'string') bump(statuses, answer.status);
        const finding = typeof answer === 'string' ? answer : this.#judge(attempt, answer);
        if (finding !== undefined) findings.push(`${describe(attempt)}: ${finding}`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    this.#agent.destroy();
    // A fuzz that only ever meets one kind of answer tests nothing.
    if (statuses.size < 4) findings.push(`only ${[...statuses.keys()].join(', ')} were answered`);
    return findings;
  }

  async #load(): Promise<Operation[]> {
    const response = await fetch(`${this.#target.url}${this.#target.document}`);
    const { paths } = (await response.json()) as { paths: Record<string, object> };
    return Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => ({ path, method: method.toUpperCase() })),
    );
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#chance.integer(0, items.length - 1)] as T;
  }

  #often(share: number): boolean {
    return this.#chance.next() < share;
  }

  #draw(): Attempt {
    const operation = this.#pick(this.#operations);
    const method = this.#often(0.8) ? operation.method : this.#pick(METHODS);
    const path = operation.path.replaceAll(/\{[^}]+\}/g, () => this.#parameter()) + this.#query();
    const body = this.#often(0.7) ? this.#body() : undefined;
    return { method, path, headers: this.#headers(body), body };
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => this.#chance.integer(0, 15).toString(16)).join('');
  }

  #parameter(): string {
    if (this.#often(0.4)) return this.#pick(ODD_TEXTS);
    if (this.#often(0.2)) return `${this.#chance.integer(0, 20)}`;
    const digits = this.#pick([64, 64, 68, 63, 65, 2, 128]);
    return this.#often(0.1) ? this.#hex(digits).toUpperCase() : this.#hex(digits);
  }

  #query(): string {
    if (this.#often(0.5)) return '';
    const names = [
      'limit',
      'cursor',
      'kind',
      'skip',
      'tag',
      'address',
      'payee',
      'unspent',
      'after',
    ];
    const parts = Array.from({ length: this.#chance.integer(1, 4) }, () => {
      const name = this.#often(0.1) ? this.#pick(['a[b]', '__proto__', '']) : this.#pick(names);
      return `${name}=${this.#parameter()}`;
    });
    return `?${parts.join('&')}`;
  }

  #headers(body: Uint8Array | undefined): string[] {
    const headers = ['Host', 'localhost', 'Content-Type', this.#pick(TYPES)];
    if (this.#often(0.1)) headers.push('Content-Type', this.#pick(TYPES));
    if (this.#often(0.1)) headers.push('Content-Encoding', this.#pick(ENCODINGS));
    if (this.#often(0.3)) headers.push('Accept', this.#pick([...TYPES, '*/*', '']));
    if (this.#often(0.4)) headers.push('Authorization', this.#authorization());
    if (this.#often(0.1)) headers.push('Authorization', this.#authorization());
    if (this.#often(0.2)) headers.push('Range', this.#pick(['segments=9-1', 'bytes=0-', 'x', '']));
    if (this.#often(0.3)) headers.push('Idempotency-Key', this.#pick(['a', '', 'k'.repeat(500)]));
    if (this.#often(0.1)) headers.push('X-Forwarded-For', 'a'.repeat(1_000));
    if (body !== undefined) headers.push('Content-Length', `${body.length}`);
    return headers;
  }

  #authorization(): string {
    const noise = Buffer.from(this.#hex(64), 'hex').toString('base64url');
    const credential = Buffer.from(`{"challenge":{"id":"${noise}"},"payload":{}}`);
    const token = Buffer.alloc(52, this.#chance.integer(0, 255)).toString('base64url');
    return this.#pick([
      `Bearer ${noise}`,
      `Bearer ${token}`,
      'Bearer',
      `Payment ${noise}`,
      `Payment ${credential.toString('base64url')}`,
      `Basic ${noise}`,
      'x'.repeat(5_000),
    ]);
  }

  #body(): Uint8Array {
    const kind = this.#chance.integer(0, 8);
    const text = (value: string): Uint8Array => Buffer.from(value);
    if (kind === 0) return Buffer.from(this.#hex(2 * this.#chance.integer(0, 2_000)), 'hex');
    if (kind === 1) return text('{"payload":"');
    if (kind === 2) return text('['.repeat(60_000));
    if (kind === 3) return text(`{"a":`.repeat(10_000) + '1' + '}'.repeat(10_000));
    if (kind === 4) return new Uint8Array(this.#pick([200_000, 700_000]));
    if (kind === 5) return text('{"__proto__":{"x":1},"constructor":{"prototype":{}}}');
    if (kind === 6) return text(this.#pick(['null', '1', '"x"', '[]', '{}', 'true', '1e400']));
    return text(JSON.stringify(this.#object()));
  }

  /** An object with the names of the real requests and values that do not fit. */
  #object(): object {
    const plain = [null, -1, 1e21, 0.5, '', true, [], {}, [[]], '-1', '9'.repeat(25), '0', '1000'];
    const ids = [this.#hex(64), this.#hex(128), [this.#hex(32)], Array(3_000).fill(this.#hex(32))];
    const odd = [{ bits: 99, prefix: 'zz' }, [{ bits: 8, prefix: '' }], 'ff'.repeat(16_000)];
    const values: readonly unknown[] = [...plain, ...ids, ...odd];
    const count = this.#chance.integer(0, 6);
    return Object.fromEntries(
      Array.from({ length: count }, () => [this.#pick(FIELDS), this.#pick(values)]),
    );
  }

  async #send({ method, path, headers, body }: Attempt): Promise<Answer | string> {
    return await new Promise((resolve) => {
      const outgoing = request(
        `${this.#target.url}${path}`,
        { method, headers, agent: this.#agent, timeout: TIMEOUT_MS },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => (text += part));
          response.on('error', (error) => resolve(`the answer broke off: ${error.message}`));
          response.on('end', () => {
            const type = response.headers['content-type'] ?? '';
            resolve({ status: response.statusCode ?? 0, type, text });
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.on('error', (error) => resolve(`no answer: ${error.message}`));
      outgoing.end(body);
    });
  }

  #judge({ method, path }: Attempt, { status, type, text }: Answer): string | undefined {
    if (status < 400) return undefined;
    if (path.startsWith('/health') && status === 503) return undefined;
    if (!type.startsWith('application/problem+json')) return `${status} with ${type || 'no type'}`;
    if (method === 'HEAD') return status >= 500 ? `${status}` : undefined;
    const { code, status: said } = JSON.parse(text) as { code: string; status: number };
    if (!this.#target.codes.has(code)) return `${status} with the code ${code}`;
    if (said !== status) return `${status} with a body that says ${said}`;
    if (status > 503 || (status >= 500 && !this.#target.busy.has(code))) return `${status} ${code}`;
    return undefined;
  }
}

function bump(counts: Map<number, number>, status: number): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

function describe({ method, path, headers, body }: Attempt): string {
  const shown = headers.map((text) => text.slice(0, 40)).join(' ');
  return `${method} ${path.slice(0, 120)} [${shown}] ${body?.length ?? 'no'} bytes`;
}
