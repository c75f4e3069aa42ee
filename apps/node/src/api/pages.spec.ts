/** The node's own pages: what is served, which face they show, and control from them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { TestNetwork } from '../testing/test-network.ts';
import { createApi } from './create-api.ts';

const TOKEN = 'ab'.repeat(32);

const network = new TestNetwork();
const servers: RunningServer[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  await network.closeAll();
});

/** The address of a node's API with pages in front of it. */
async function served(config: Parameters<TestNetwork['start']>[0] = {}): Promise<string> {
  const { node } = await network.start(config);
  const webDir = mkdtempSync(join(tmpdir(), 'tangle-node-web-'));
  folders.push(webDir);
  mkdirSync(join(webDir, 'assets'));
  writeFileSync(join(webDir, 'index.html'), '<!doctype html>page');
  writeFileSync(join(webDir, 'assets/index-1.js'), 'page();');
  const server = await createApi(node, { controlToken: TOKEN, webDir });
  servers.push(server);
  return server.url;
}

/** Status and code of a control request with exactly these headers. */
async function control(
  url: string,
  headers: Record<string, string>,
  path = '/api/control/v1/status',
): Promise<[number, string]> {
  return await new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code?: string };
        resolve([response.statusCode ?? 0, code ?? 'ok']);
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('pages of a node', () => {
  it('are served at the root under the usual policy, and show the face of a node', async () => {
    const url = await served();
    const page = await fetch(`${url}/`);
    expect(await page.text()).toBe('<!doctype html>page');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const script = await fetch(`${url}/assets/index-1.js`);
    expect(script.headers.get('cache-control')).toContain('immutable');
    const faces = await fetch(`${url}/faces.json`);
    expect(await faces.json()).toEqual({ faces: ['node'] });
    expect((await fetch(`${url}/assets/other.js`)).status).toBe(404);
    expect((await fetch(`${url}/assets/..%2f..%2fcontrol.json`)).status).toBe(404);
  });

  it('are not there where the operator does not want them, nor control with them', async () => {
    const url = await served({ config: { dashboard: { enabled: false } } });
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/faces.json`)).status).toBe(404);
    const authorization = `Bearer ${TOKEN}`;
    expect(await control(url, { authorization })).toEqual([404, 'method-or-path-unknown']);
  });

  it('are not there by default where the API is public', async () => {
    const url = await served({ config: { api: { port: 0, host: '0.0.0.0' } } });
    const local = `http://127.0.0.1:${new URL(url).port}`;
    expect((await fetch(`${local}/health/live`)).status).toBe(200);
    expect((await fetch(`${local}/faces.json`)).status).toBe(404);
  });

  it('may control the node with the token, and no other page may', async () => {
    const url = await served();
    const { host } = new URL(url);
    const authorization = `Bearer ${TOKEN}`;
    expect(await control(url, { authorization })).toEqual([200, 'ok']);
    expect(await control(url, { authorization, origin: `http://${host}` })).toEqual([200, 'ok']);
    expect(await control(url, {})).toEqual([401, 'unauthorized']);
    const wrong = `Bearer ${'0'.repeat(64)}`;
    expect(await control(url, { authorization: wrong })).toEqual([401, 'unauthorized']);
    for (const origin of ['http://evil.example', `https://${host}`, 'http://127.0.0.1:1', 'null']) {
      expect(await control(url, { authorization, origin })).toEqual([403, 'origin-refused']);
    }
    const rebound = { authorization, host: 'evil.example', origin: 'http://evil.example' };
    expect(await control(url, rebound)).toEqual([403, 'host-refused']);
    const proxied = { authorization, 'x-forwarded-for': '192.0.2.7' };
    expect(await control(url, proxied)).toEqual([403, 'host-refused']);
    for (const path of ['/API/Control/v1/status', '/api/control/v1/status/']) {
      expect(await control(url, {}, path)).toEqual([401, 'unauthorized']);
    }
    expect(await control(url, {}, '/api/contr%6fl/v1/status')).toEqual([
      404,
      'method-or-path-unknown',
    ]);
  });

  it('may not control a node that trusts a proxy', async () => {
    const url = await served({ config: { api: { port: 0, trustedProxies: 1 } } });
    const authorization = `Bearer ${TOKEN}`;
    expect(await control(url, { authorization })).toEqual([404, 'method-or-path-unknown']);
  });
});
