/** The HTML of a mail on a path of its own: who may load it, once, and under which policy. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { createApi } from './create-api.ts';
import { API_PREFIX } from './dto.ts';
import { type BodyPlaceDto, bodyPlaceDto, webSessionDto } from './web-dto.ts';

const token = 'a'.repeat(43);
const HTML = '<p>Hello</p><script>run()</script><img src="http://far.example/x.png">';

let client: MemoryClient;
let api: RunningServer;
let mailId: string;

beforeEach(async () => {
  client = new MemoryClient();
  const raw = new TextEncoder().encode('Subject: x\r\n\r\n');
  mailId = client.deliver('INBOX', raw, [], { subject: 'x', address: 'tmt1qa', html: HTML }).id;
  const options = { host: '127.0.0.1', port: 0, token, version: '0.1.0' } as const;
  api = await createApi({ local: client }, { ...options, logger: SILENT_LOGGER });
});

afterEach(async () => {
  await api.close();
});

interface SignedIn {
  readonly cookie: string;
  readonly 'tanglemail-page': string;
}

async function signIn(): Promise<SignedIn> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${api.url}${API_PREFIX}/session`, { method: 'POST', headers });
  const { pageKey } = webSessionDto.parse(await response.json());
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { cookie, 'tanglemail-page': pageKey };
}

async function ask(headers: Record<string, string>, body: object = {}): Promise<Response> {
  return await fetch(`${api.url}${API_PREFIX}/messages/${mailId}/body`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function placeFor(page: SignedIn, body: object = {}): Promise<BodyPlaceDto> {
  const response = await ask({ ...page }, body);
  expect(response.status).toBe(201);
  return bodyPlaceDto.parse(await response.json());
}

async function load(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${api.url}${path}`, { headers });
}

describe('the HTML of a mail', () => {
  it('is loaded by the browser that asked, once, without key and scripts', async () => {
    const page = await signIn();
    const { url, blockedImages, hasColours } = await placeFor(page);
    expect({ blockedImages, hasColours }).toEqual({ blockedImages: 1, hasColours: false });
    const response = await load(url, { cookie: page.cookie });
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain('<p>Hello</p>');
    expect(html).not.toMatch(/script|far\.example/);
    expect((await load(url, { cookie: page.cookie })).status).toBe(401);
  });

  it('stands under a policy that lets it load nothing', async () => {
    const page = await signIn();
    const { url } = await placeFor(page);
    const { headers } = await load(url, { cookie: page.cookie });
    const policy = (headers.get('content-security-policy') ?? '').split('; ');
    expect(policy).toEqual([
      "default-src 'none'",
      "style-src 'unsafe-inline'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
      'sandbox allow-popups allow-popups-to-escape-sandbox',
    ]);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-dns-prefetch-control')).toBe('off');
  });

  it('unauthorized: other browsers, other mails, other nonces, the token alone', async () => {
    const page = await signIn();
    const other = await signIn();
    const { url } = await placeFor(page);
    const nonce = url.split('/').at(-1) ?? '';
    for (const [path, headers] of [
      [url, {}],
      [url, { cookie: other.cookie }],
      [url, { authorization: `Bearer ${token}` }],
      [`/_body/INBOX.99/${nonce}`, { cookie: page.cookie }],
      [`/_body/${mailId}/${'A'.repeat(32)}`, { cookie: page.cookie }],
      [`/_body/${mailId}/`, { cookie: page.cookie }],
      [`/_body/${mailId}/${nonce}/..`, { cookie: other.cookie }],
    ] as const) {
      expect([path, (await load(path, headers)).status]).toEqual([path, 401]);
    }
    expect((await load(url, { cookie: page.cookie, origin: 'null' })).status).toBe(403);
    expect((await load(url, { cookie: page.cookie })).status).toBe(200);
    expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await ask({ cookie: page.cookie })).status).toBe(401);
  });

  it('is dark only where it has no colours of its own', async () => {
    const page = await signIn();
    const schemeOf = async (): Promise<string | undefined> => {
      const { url } = await placeFor(page, { isDark: true });
      const html = await (await load(url, { cookie: page.cookie })).text();
      return /color-scheme: (\w+)/.exec(html)?.[1];
    };
    expect(await schemeOf()).toBe('dark');
    const facts = { subject: 'x', address: 'tmt1qa', html: '<p style="color:#111">x</p>' };
    mailId = client.deliver('INBOX', new Uint8Array(), [], facts).id;
    expect(await schemeOf()).toBe('light');
  });

  it('message-unknown', async () => {
    const page = await signIn();
    mailId = 'INBOX.77';
    const response = await ask({ ...page });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'message-unknown' });
  });
});
