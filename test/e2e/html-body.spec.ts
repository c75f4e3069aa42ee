/**
 * HTML mails that try to make the reader's browser ask another host for something, in Chromium:
 * each of the two barriers, the policy of the answer and the cleaning, has to hold alone.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import type { Browser, Page } from 'playwright-core';
import { createApi } from '../../apps/client/src/api/create-api.ts';
import { BODY_HEADERS, bodyPage } from '../../apps/client/src/html/body-page.ts';
import { sanitise } from '../../apps/client/src/html/sanitise.ts';
import type { BodyPlaceDto } from '../../apps/client/src/api/web-dto.ts';
import { MemoryClient } from '../../apps/client/src/testing/memory-client.ts';
import { remoteLoads } from '../../apps/client/src/testing/remote-loads.ts';
import { openBrowser } from './testing/browser.ts';

const TEST_MS = 90_000;
/** Frames at once: the daemon keeps 64 nonces. */
const FRAMES = 16;
/** Some ways keep their frame from ever being whole. */
const LOADED_MS = 8_000;
/** After the last frame has loaded; the ways that wait are of the kind that waits for no timer. */
const QUIET_MS = 1_500;
const token = 'a'.repeat(43);
const webDir = mkdtempSync(join(tmpdir(), 'tanglemail-body-'));
writeFileSync(join(webDir, 'index.html'), '<!doctype html><title>Pages</title>');

let browser: Browser | undefined;
let api: RunningServer;
let trap: Server;
const client = new MemoryClient();
const servers: Server[] = [];
const asked: string[] = [];

async function listen(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  browser = await openBrowser();
  trap = await listen((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'text/plain' }).end();
  });
  trap.on('connection', () => asked.push('connection'));
  const options = { host: '127.0.0.1', port: 0, token, version: '0.1.0', webDir } as const;
  api = await createApi({ local: client }, { ...options, logger: SILENT_LOGGER });
}, TEST_MS);

afterAll(async () => {
  await browser?.close();
  await api.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(webDir, { recursive: true });
});

/** A window of a new browser; openBrowser has failed CI where there is none. */
async function withPage(run: (page: Page) => Promise<void>): Promise<void> {
  if (browser === undefined) return;
  const context = await browser.newContext();
  asked.length = 0;
  await run(await context.newPage());
  await context.close();
}

/** Shows each in a frame of the page, and waits for what that may lead to. */
async function showFrames(page: Page, urls: readonly string[]): Promise<void> {
  await page.evaluate(`Promise.race([
    new Promise((resolve) => setTimeout(resolve, ${LOADED_MS})),
    Promise.all(${JSON.stringify(urls)}.map((url) => new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.addEventListener('load', () => resolve(), { once: true });
      frame.src = url;
      document.body.append(frame);
    }))),
  ])`);
  await page.waitForTimeout(QUIET_MS);
}

/** Frames of one server's pages, some at a time. */
async function showAll(page: Page, count: number, urlAt: (index: number) => Promise<string>) {
  for (let from = 0; from < count; from += FRAMES) {
    const indexes = Array.from({ length: Math.min(FRAMES, count - from) }, (_, at) => from + at);
    await page.evaluate('document.body.replaceChildren()');
    const urls: string[] = [];
    for (const index of indexes) urls.push(await urlAt(index));
    await showFrames(page, urls);
  }
}

/** The pages in frames of another, under headers of their own. */
async function serve(
  pages: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const server = await listen((request, response) => {
    const html = pages[Number(/^\/(\d+)$/.exec(request.url ?? '')?.[1])];
    const outer = '<!doctype html><title>Frames</title><body></body>';
    response.setHeader('content-type', 'text/html; charset=utf-8');
    const policy = html === undefined ? {} : headers;
    for (const [name, value] of Object.entries(policy)) response.setHeader(name, value);
    response.end(html ?? outer);
  });
  return urlOf(server);
}

const waysAsTheyAre = (): string[] => remoteLoads(urlOf(trap)).map(([, html]) => html);

describe('a mail that wants to be noticed', () => {
  it(
    'is noticed without any barrier: the trap works',
    () =>
      withPage(async (page) => {
        const url = await serve(waysAsTheyAre(), {});
        await page.goto(url);
        await showAll(page, remoteLoads('').length, async (index) => `${url}/${index}`);
        expect(new Set(asked).size).toBeGreaterThan(28);
      }),
    TEST_MS,
  );

  it(
    'is not noticed under the policy alone',
    () =>
      withPage(async (page) => {
        const { 'Content-Type': _given, ...headers } = BODY_HEADERS;
        const url = await serve(waysAsTheyAre(), headers);
        await page.goto(url);
        await showAll(page, remoteLoads('').length, async (index) => `${url}/${index}`);
        // A policy does not keep a preconnect from opening a connection; the cleaning does.
        expect(asked.filter((one) => one !== 'connection')).toEqual([]);
      }),
    TEST_MS,
  );

  it(
    'is not noticed as the daemon shows it',
    () =>
      withPage(async (page) => {
        const ways = remoteLoads(urlOf(trap));
        const raw = new TextEncoder().encode('Subject: x\r\n\r\n');
        const mails = ways.map(([name, html]) =>
          client.deliver('INBOX', raw, [], { subject: name, address: 'tmt1qa', html }),
        );
        await signIn(page);
        let blocked = 0;
        await showAll(page, mails.length, async (index) => {
          const { url, blockedImages } = await placeOf(page, mails[index]?.id ?? '');
          blocked += blockedImages;
          return url;
        });
        expect(asked).toEqual([]);
        expect(blocked).toBeGreaterThan(8);
      }),
    TEST_MS,
  );

  it(
    'is not noticed by its cleaning alone, without any policy',
    () =>
      withPage(async (page) => {
        const ways = remoteLoads(urlOf(trap));
        const pages = ways.map(([, html]) => bodyPage(sanitise(html, new Map()), false));
        const url = await serve(pages, {});
        await page.goto(url);
        await showAll(page, ways.length, async (index) => `${url}/${index}`);
        expect(asked).toEqual([]);
      }),
    TEST_MS,
  );
});

describe('the page in the frame', () => {
  it(
    'is shown, belongs to no origin, and cannot be loaded again',
    () =>
      withPage(async (page) => {
        const html = '<p>Hello <b>you</b></p><script>document.title = parent.location</script>';
        const facts = { subject: 'x', address: 'tmt1qa', html };
        const { id } = client.deliver('INBOX', new Uint8Array(), [], facts);
        await signIn(page);
        const { url } = await placeOf(page, id);
        await showFrames(page, [url]);
        const frame = page.frames().find((one) => one.url().endsWith(url));
        expect(await frame?.locator('body').innerText()).toBe('Hello you');
        expect(await page.evaluate('document.querySelector("iframe").contentDocument')).toBeNull();
        expect((await page.goto(`${api.url}${url}`))?.status()).toBe(401);
      }),
    TEST_MS,
  );
});

/** As a page that is signed in by its link. */
async function signIn(page: Page): Promise<void> {
  await page.goto(api.url);
  await page.evaluate(`(async () => {
    const headers = { Authorization: 'Bearer ${token}' };
    const answer = await fetch('/api/client/v1/session', { method: 'POST', headers });
    window.pageKey = (await answer.json()).pageKey;
  })()`);
}

async function placeOf(page: Page, mailId: string): Promise<BodyPlaceDto> {
  return await page.evaluate(`(async () => {
    const headers = { 'Tanglemail-Page': window.pageKey };
    const path = '/api/client/v1/messages/${mailId}/body';
    return await (await fetch(path, { method: 'POST', headers })).json();
  })()`);
}
