import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { undescribed } from '@tanglemail/tangle/io/shell/testing/undescribed.ts';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { CLIENT_ERRORS, ClientError } from '../client-error.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { createApi } from './create-api.ts';
import {
  addressWithQrDto,
  API_PREFIX,
  contactDto,
  EVENTS_PATH,
  MAX_BODY_BYTES,
  MAX_MESSAGE_BODY_BYTES,
  messageDto,
  outboxItemDto,
  problemDto,
  statusDto,
} from './dto.ts';
import { EventSession, MAX_BUFFERED, UNAUTHORIZED } from './event-session.ts';
import { webSessionDto } from './web-dto.ts';
import { MAX_WEB_SESSIONS } from './web-sessions.ts';

const token = 'a'.repeat(43);
/** What a build of the pages may look like. */
const webDir = mkdtempSync(join(tmpdir(), 'tanglemail-web-'));
mkdirSync(join(webDir, 'assets'));
writeFileSync(join(webDir, 'index.html'), '<!doctype html>page');
writeFileSync(join(webDir, 'assets/index-1.js'), 'page();');
writeFileSync(join(webDir, '.hidden.svg'), 'hidden');

let client: MemoryClient;
let api: RunningServer;

beforeEach(async () => {
  client = new MemoryClient();
  const options = { host: '127.0.0.1', port: 0, token, version: '0.1.0', webDir } as const;
  api = await createApi({ local: client }, { ...options, logger: SILENT_LOGGER });
});

afterEach(async () => {
  await api.close();
});

afterAll(() => rmSync(webDir, { recursive: true }));

async function call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  return await fetch(`${api.url}${path}`, { ...init, method, headers });
}

async function get(path: string): Promise<Response> {
  return await call('GET', `${API_PREFIX}/${path}`);
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return await call(method, `${API_PREFIX}/${path}`, { headers, body: JSON.stringify(body) });
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = problemDto.parse(await response.json());
  expect(problem.status).toBe(response.status);
  return problem;
}

/** A request with headers that fetch does not let one set. */
async function rawRequest(path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(api.url);
  return await new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('access', () => {
  it('unauthorized: without, or with a wrong token', async () => {
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, `Basic ${token}`, token]) {
      const response = await call('GET', `${API_PREFIX}/status`, { headers: { authorization } });
      expect((await problemOf(response)).code).toBe('unauthorized');
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('asks for the token before it reads a body or tells what exists', async () => {
    const body = 'x'.repeat(MAX_BODY_BYTES + 1);
    const headers = { authorization: 'none', 'content-type': 'message/rfc822' };
    const large = await call('POST', `${API_PREFIX}/messages`, { headers, body });
    expect(large.status).toBe(401);
    const unknown = await call('GET', '/nothing', { headers: { authorization: 'none' } });
    expect(unknown.status).toBe(401);
  });

  it('health and docs need no token', async () => {
    const headers = { authorization: 'none' };
    const health = await call('GET', '/health', { headers });
    expect(await health.json()).toEqual({ healthy: true, version: '0.1.0' });
    expect((await call('GET', '/docs', { headers })).status).toBe(200);
  });

  it('host-refused: a name that is not of this machine, even with the token', async () => {
    const authorization = `Bearer ${token}`;
    const { port } = new URL(api.url);
    const path = `${API_PREFIX}/status`;
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', '127.0.0.1:1']) {
      expect(await rawRequest(path, { authorization, host })).toBe(421);
      expect(await rawRequest('/health', { host })).toBe(421);
    }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
      expect(await rawRequest(path, { authorization, host })).toBe(200);
    }
  });

  it('origin-refused: pages of other origins', async () => {
    const foreign = ['null', 'https://evil.example', api.url.replace('http:', 'https:')];
    for (const origin of foreign) {
      const response = await call('GET', `${API_PREFIX}/status`, { headers: { origin } });
      expect((await problemOf(response)).code).toBe('origin-refused');
    }
    const same = await call('GET', `${API_PREFIX}/status`, { headers: { origin: api.url } });
    expect(same.status).toBe(200);
    const preflight = await call('OPTIONS', `${API_PREFIX}/status`, {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('requests', () => {
  it('answers the status and the address with a QR code', async () => {
    expect(statusDto.parse(await (await get('status')).json()).node.networkName).toBe('dev-memory');
    const address = addressWithQrDto.parse(await (await get('address')).json());
    expect(address.qr).toMatch(/^[\u2580-\u2588 \n]+$/);
  });

  it('keeps contacts', async () => {
    const added = await send('POST', 'contacts', { address: 'tmt1qbob', name: 'Bob' });
    expect(added.status).toBe(201);
    const list = contactDto.array().parse(await (await get('contacts')).json());
    expect(list.map((one) => one.name)).toEqual(['Bob']);
    expect((await call('DELETE', `${API_PREFIX}/contacts/tmt1qbob`)).status).toBe(204);
    const again = await call('DELETE', `${API_PREFIX}/contacts/tmt1qbob`);
    expect((await problemOf(again)).code).toBe('contact-unknown');
  });

  it('queues a composed message and shows its way', async () => {
    const message = { to: ['tmt1qbob'], subject: 'Hi', text: 'Hello' };
    const response = await send('POST', 'messages', message);
    expect(response.status).toBe(202);
    const { recipients } = (await response.json()) as { recipients: { outboxId: string }[] };
    const id = recipients[0]?.outboxId ?? '';
    const item = outboxItemDto.parse(await (await get(`outbox/${id}`)).json());
    expect(item).toMatchObject({ state: 'queued', subject: 'Hi', to: { address: 'tmt1qbob' } });
  });

  it('takes and gives raw messages byte for byte', async () => {
    const bytes = Buffer.concat([
      Buffer.from('Subject: raw\r\nX: \xe4\r\n\r\n', 'latin1'),
      randomBytes(2_000),
    ]);
    const init = { headers: { 'content-type': 'message/rfc822' }, body: new Uint8Array(bytes) };
    const response = await call('POST', `${API_PREFIX}/messages?to=tmt1qa&to=tmt1qb`, init);
    expect(response.status).toBe(202);
    expect(client.items.map((one) => one.to.address)).toEqual(['tmt1qa', 'tmt1qb']);
    const raw = await get('messages/Sent.1/raw');
    expect(raw.headers.get('content-type')).toBe('message/rfc822');
    expect(Buffer.from(await raw.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('keeps what strangers sent from running as a page', async () => {
    const content = new TextEncoder().encode('<script>fetch("/")</script>');
    const html = { filename: 'ü".html', contentType: 'text/html\r\nX: y', content };
    client.deliver('INBOX', content, [html], { subject: 'x', address: 'tmt1qeve' });
    const response = await get('messages/INBOX.1/attachments/0');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''%C3%BC%22.html",
    );
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(content);
  });

  it('lists pages and changes flags', async () => {
    for (let index = 0; index < 3; index++) {
      client.deliver('INBOX', new Uint8Array(3), [], { subject: `${index}`, address: 'tmt1qeve' });
    }
    const first = (await (await get('messages?limit=2')).json()) as { id: string }[];
    expect(first.map((one) => one.id)).toEqual(['INBOX.3', 'INBOX.2']);
    const rest = (await (await get('messages?limit=2&before=INBOX.2')).json()) as { id: string }[];
    expect(rest.map((one) => one.id)).toEqual(['INBOX.1']);
    const middle = (await (await get('messages?limit=1&offset=1')).json()) as { id: string }[];
    expect(middle.map((one) => one.id)).toEqual(['INBOX.2']);
    await send('PATCH', 'messages/INBOX.1', { flags: ['\\Seen', '\\Flagged'] });
    await send('PATCH', 'messages/INBOX.1', { flags: ['\\Seen'], change: 'remove' });
    const message = messageDto.parse(await (await get('messages/INBOX.1')).json());
    expect(message.flags).toEqual(['\\Flagged']);
  });

  it('sends tokens and rents', async () => {
    const sent = await send('POST', 'wallet/send', { to: 'twt1qx', amount: '2000000' });
    expect(sent.status).toBe(202);
    expect(await (await get('wallet')).json()).toMatchObject({ balance: '3000000' });
    expect(await (await get('wallet/history')).json()).toMatchObject([{ amount: '2000000' }]);
    expect((await send('POST', 'providers/rent', {})).status).toBe(201);
    expect((await call('POST', `${API_PREFIX}/providers/rent`)).status).toBe(409);
    const bondId = client.rentals[0]?.bondId;
    const closed = await call('POST', `${API_PREFIX}/providers/${bondId}/close`);
    expect(await closed.json()).toEqual({ state: 'closing' });
  });

  it('describes itself, and is described by its page', async () => {
    const document = (await (await call('GET', '/docs-json')).json()) as {
      paths: Record<string, Record<string, object>>;
    };
    expect(undescribed(document)).toEqual([]);
    const url = new URL('../../../../docs/spec/41-client-api.md', import.meta.url);
    const page = readFileSync(url, 'utf8');
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const route = `${method.toUpperCase()} \`${path.replace(`${API_PREFIX}/`, '')}\``;
        expect(page).toContain(`| ${route}`);
      }
    }
    for (const [code, { status, kind, title }] of Object.entries(CLIENT_ERRORS)) {
      expect(page).toContain(`| \`${code}\` | ${status} | ${kind} | ${title} |`);
    }
  });
});

describe('refusals', () => {
  const malformed: readonly (readonly [string, string, unknown])[] = [
    ['an unknown field', 'contacts', { address: 'tmt1qbob', nickname: 'x' }],
    ['link and address at once', 'contacts', { address: 'tmt1qbob', link: 'tangle:x' }],
    ['no recipient', 'messages', { to: [], subject: '', text: '' }],
    ['too many recipients', 'messages', { to: Array(51).fill('x'), subject: '', text: '' }],
    [
      'content that is not base64',
      'messages',
      {
        to: ['x'],
        subject: '',
        text: '',
        attachments: [{ filename: 'a', contentBase64: '*' }],
      },
    ],
    ['an amount that is not a whole number', 'wallet/send', { to: 'twt1q', amount: '1.5' }],
    ['an amount of nothing', 'wallet/send', { to: 'twt1q', amount: '0' }],
  ];
  it.each(malformed)('request-malformed: %s', async (_name, path, body) => {
    expect((await problemOf(await send('POST', path, body))).code).toBe('request-malformed');
  });

  it('request-malformed: broken JSON, ids and queries of another form', async () => {
    const headers = { 'content-type': 'application/json' };
    const broken = await call('POST', `${API_PREFIX}/contacts`, { headers, body: '{' });
    expect((await problemOf(broken)).code).toBe('request-malformed');
    for (const path of ['messages/a%20b', 'messages?limit=0', 'outbox?limit=x', 'outbox?x=1']) {
      expect((await problemOf(await get(path))).code).toBe('request-malformed');
    }
    const raw = { headers: { 'content-type': 'message/rfc822' }, body: 'Subject: x\r\n\r\n' };
    const noRecipient = await call('POST', `${API_PREFIX}/messages`, raw);
    expect((await problemOf(noRecipient)).code).toBe('request-malformed');
  });

  it('media-type-unknown', async () => {
    const init = { headers: { 'content-type': 'text/plain' }, body: '{}' };
    const response = await call('POST', `${API_PREFIX}/contacts`, init);
    expect((await problemOf(response)).code).toBe('media-type-unknown');
  });

  it('body-too-large: at the limit it passes, one byte more it does not', async () => {
    const headers = { 'content-type': 'message/rfc822' };
    const at = { headers, body: 'x'.repeat(MAX_BODY_BYTES) };
    const allowed = await call('POST', `${API_PREFIX}/messages?to=tmt1q`, at);
    expect((await problemOf(allowed)).code).toBe('message-malformed');
    const above = { headers, body: 'x'.repeat(MAX_MESSAGE_BODY_BYTES + 1) };
    const refused = await call('POST', `${API_PREFIX}/messages?to=tmt1q`, above);
    expect((await problemOf(refused)).code).toBe('body-too-large');
    // Only a message may be large: nobody keeps 36 MiB of anything else in memory.
    const json = { headers: { 'content-type': 'application/json' } };
    const large = { ...json, body: JSON.stringify({ name: 'x'.repeat(MAX_BODY_BYTES) }) };
    const other = await call('POST', `${API_PREFIX}/invites`, large);
    expect((await problemOf(other)).code).toBe('body-too-large');
    const letter = await call('POST', `${API_PREFIX}/messages`, large);
    expect((await problemOf(letter)).code).toBe('request-malformed');
  });

  it('path-unknown', async () => {
    expect((await problemOf(await get('nothing'))).code).toBe('path-unknown');
  });

  it('answers every code of the table with its status', async () => {
    // A 421 makes every fetch ask once more (Fetch standard); it is asked for without one above.
    const asked = Object.entries(CLIENT_ERRORS).filter(([, { status }]) => status !== 421);
    for (const [code, { status, title }] of asked) {
      client.failure = new ClientError(code as keyof typeof CLIENT_ERRORS, 'a fact');
      const problem = await problemOf(await get('status'));
      const type = `urn:tanglemail:error:${code}`;
      expect(problem).toEqual({ type, title, status, code, detail: 'a fact' });
    }
  });

  it('internal: an unforeseen error says nothing of itself', async () => {
    client.failure = new Error('secret');
    const problem = await problemOf(await get('status'));
    expect(problem.code).toBe('internal');
    expect(JSON.stringify(problem)).not.toContain('secret');
  });
});

describe('pages', () => {
  interface SignedIn {
    readonly cookie: string;
    readonly pageKey: string;
  }

  /** What a page does with the token of its link. */
  async function signIn(): Promise<SignedIn> {
    const response = await call('POST', `${API_PREFIX}/session`);
    expect(response.status).toBe(201);
    const header = response.headers.get('set-cookie') ?? '';
    expect(header).toMatch(
      /^tanglemail-\d+=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const { pageKey } = webSessionDto.parse(await response.json());
    return { cookie: header.split(';')[0] ?? '', pageKey };
  }

  async function statusWith(headers: Record<string, string>): Promise<number> {
    const response = await fetch(`${api.url}${API_PREFIX}/status`, { headers });
    return response.status;
  }

  it('are served to anybody, under a policy that asks nothing of other hosts', async () => {
    const page = await fetch(`${api.url}/`);
    expect(await page.text()).toBe('<!doctype html>page');
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'"]) {
      expect(policy.split('; ')).toContain(part);
    }
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const script = await fetch(`${api.url}/assets/index-1.js`);
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${api.url}/assets/other.js`)).status).toBe(404);
    expect((await fetch(`${api.url}/.hidden.svg`)).status).toBe(401);
    expect((await fetch(`${api.url}/assets/..%2f..%2fsecret`)).status).toBe(401);
  });

  it('learn from the daemon which faces it stands behind', async () => {
    const response = await fetch(`${api.url}/faces.json`);
    expect(response.headers.get('content-type')).toContain('application/json');
    const { faces } = (await response.json()) as { faces: string[] };
    expect(faces).toContain('mail');
    expect(faces).not.toContain('node');
  });

  it('need cookie and key together', async () => {
    const { cookie, pageKey } = await signIn();
    const both = { cookie, 'tanglemail-page': pageKey };
    expect(await statusWith(both)).toBe(200);
    expect(await statusWith({ cookie })).toBe(401);
    expect(await statusWith({ 'tanglemail-page': pageKey })).toBe(401);
    const other = await signIn();
    expect(await statusWith({ cookie, 'tanglemail-page': other.pageKey })).toBe(401);
    expect(await statusWith({ ...both, origin: 'https://evil.example' })).toBe(403);
  });

  it('are signed out, and lose their place to the next when there are too many', async () => {
    const { cookie, pageKey } = await signIn();
    const headers = { cookie, 'tanglemail-page': pageKey };
    const path = `${api.url}${API_PREFIX}/session`;
    const end = await fetch(path, { method: 'DELETE', headers });
    expect(end.status).toBe(204);
    expect(end.headers.get('set-cookie')).toContain('Max-Age=0');
    expect(await statusWith(headers)).toBe(401);
    const first = await signIn();
    for (let count = 0; count < MAX_WEB_SESSIONS; count++) await signIn();
    expect(await statusWith({ cookie: first.cookie, 'tanglemail-page': first.pageKey })).toBe(401);
  });

  it('hear events with cookie and key, and not with one of them', async () => {
    const { cookie, pageKey } = await signIn();
    const url = `${api.url.replace('http', 'ws')}${EVENTS_PATH}`;
    const outcome = async (headers: Record<string, string>): Promise<string> => {
      const socket = new WebSocket(url, ['tanglemail', `page.${pageKey}`], { headers });
      const [first] = await Promise.race([
        once(socket, 'message'),
        once(socket, 'close').then(([code]) => [`closed with ${code}`]),
      ]);
      socket.terminate();
      return String(first);
    };
    expect(await outcome({ cookie })).toContain('$ready');
    expect(await outcome({})).toBe(`closed with ${UNAUTHORIZED}`);
  });
});

describe('events', () => {
  const open: WebSocket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.terminate();
  });

  function connect(protocols: string[], headers: Record<string, string> = {}): WebSocket {
    const url = `${api.url.replace('http', 'ws')}${EVENTS_PATH}`;
    const socket = new WebSocket(url, protocols, { headers });
    socket.on('error', () => {});
    open.push(socket);
    return socket;
  }

  async function nextMessage(socket: WebSocket): Promise<{ topic: string; data: unknown }> {
    return await new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString('utf8'))));
      socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
      socket.once('error', reject);
    });
  }

  async function closeCode(socket: WebSocket): Promise<number> {
    return await new Promise((resolve) => {
      socket.once('close', resolve);
    });
  }

  it('come to who shows the token as a sub-protocol', async () => {
    const socket = connect(['tanglemail', `token.${token}`]);
    expect(await nextMessage(socket)).toEqual({ topic: '$ready', data: {} });
    expect(socket.protocol).toBe('tanglemail');
    const event = nextMessage(socket);
    await send('POST', 'messages', { to: ['tmt1qbob'], subject: 'Hi', text: '' });
    expect(await event).toMatchObject({ topic: 'outbox', data: { id: '1', state: 'queued' } });
  });

  it('come to who shows the token first, and to nobody before', async () => {
    const socket = connect([]);
    await new Promise((resolve) => socket.once('open', resolve));
    client.deliver('INBOX', new Uint8Array(1), [], { subject: 'secret', address: 'tmt1q' });
    const first = nextMessage(socket);
    socket.send(JSON.stringify({ token }));
    expect(await first).toEqual({ topic: '$ready', data: {} });
  });

  it('end for who shows another one', async () => {
    expect(await closeCode(connect(['tanglemail', 'token.wrong']))).toBe(UNAUTHORIZED);
    const socket = connect([]);
    socket.on('open', () => socket.send('[]'));
    expect(await closeCode(socket)).toBe(UNAUTHORIZED);
  });

  it('are refused to foreign pages and names', async () => {
    const protocols = ['tanglemail', `token.${token}`];
    const foreign = [
      { headers: { origin: 'https://evil.example' }, refusal: 403 },
      { headers: { host: 'evil.example' }, refusal: 421 },
    ];
    for (const { headers, refusal } of foreign) {
      const socket = connect(protocols, headers);
      const status = new Promise((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      });
      expect(await status).toBe(refusal);
    }
  });

  it('stop with the API', async () => {
    expect(client.listenerCount).toBe(1);
    await api.close();
    expect(client.listenerCount).toBe(0);
  });

  it('close a reader that lags, and tell it', () => {
    const sent: string[] = [];
    const closed: number[] = [];
    const socket = {
      bufferedAmount: 0,
      readyState: 1,
      send: (text: string) => sent.push(text),
      close: (code: number) => closed.push(code),
    };
    const session = new EventSession(socket);
    session.send('inbox', {});
    expect(sent).toEqual([]);
    session.open();
    socket.bufferedAmount = MAX_BUFFERED + 1;
    session.send('inbox', {});
    expect(JSON.parse(sent.at(-1) ?? '')).toEqual({ topic: '$lagging', data: {} });
    expect(closed).toEqual([1013]);
  });
});
