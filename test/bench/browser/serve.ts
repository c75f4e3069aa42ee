/**
 * Serves this project's sources to a browser on 127.0.0.1: TypeScript without its types, noble from
 * node_modules by an import map, so that what is measured is what stands in the core.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);
const PACKAGES = ['@noble/curves/', '@noble/hashes/'];
/** The page's own sources, and the packages; nothing else of the disk. */
const SERVED = /^\/(?:libs\/tangle\/src\/core|test\/bench|node_modules\/@noble)\/[\w./-]+\.[jt]s$/;
const MAX_BODY_LENGTH = 65_536;

const IMPORTS = Object.fromEntries(PACKAGES.map((name) => [name, `/node_modules/${name}`]));
const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module" src="/test/bench/browser/page.ts"></script>`;

export interface ServedPage {
  readonly url: string;
  /** What the page posted to `/rows`; rejects with what it posted to `/failed`. */
  readonly rows: Promise<string>;
  close(): void;
}

async function source(path: string): Promise<string | undefined> {
  if (!SERVED.test(path) || path.includes('..')) return undefined;
  try {
    const text = await readFile(fileURLToPath(new URL(`.${path}`, ROOT)), 'utf8');
    return path.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
  } catch {
    return undefined;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MAX_BODY_LENGTH) throw new Error('the page posts a short list');
  }
  return body;
}

function answer(response: ServerResponse, type: string, text: string | undefined): void {
  response.writeHead(text === undefined ? 404 : 200, { 'content-type': type });
  response.end(text ?? '');
}

/** Serves the page and `fixture` under `/fixture.json` until `close`. */
export async function servePage(fixture: unknown): Promise<ServedPage> {
  const { promise: rows, resolve, reject } = Promise.withResolvers<string>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (path === '/') return answer(response, 'text/html', PAGE);
    if (path === '/fixture.json') {
      return answer(response, 'application/json', JSON.stringify(fixture));
    }
    if (request.method === 'POST') {
      const body = await bodyOf(request);
      if (path === '/rows') resolve(body);
      else reject(new Error(`the page failed: ${body}`));
      return answer(response, 'text/plain', '');
    }
    return answer(response, 'text/javascript', await source(path));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(reject);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, rows, close: () => void server.close() };
}
