/**
 * `GET /metrics` for Prometheus on a listener of its own, on the loopback unless told otherwise:
 * what a program counts is for its operator.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunningServer } from './http.ts';

/** The part of a prom-client registry that is served. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** A few scrapers and a person; one connection more is closed at once. */
const MAX_CONNECTIONS = 64;

/** Listens on `host:port`; rejects when the port is taken. */
export async function listenMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  source: MetricsSource,
): Promise<RunningServer> {
  const shared = sharedReading(source);
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/metrics') void answer(response, shared);
    else response.writeHead(404).end();
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return { url: `http://${host}:${address.port}/metrics`, close: () => closeServer(server) };
}

/** Reading looks at the whole node: those who ask at the same time get the same text. */
function sharedReading(source: MetricsSource): MetricsSource {
  let reading: Promise<string> | undefined;
  return {
    contentType: source.contentType,
    metrics: async () => {
      reading ??= source.metrics().finally(() => {
        reading = undefined;
      });
      return await reading;
    },
  };
}

async function answer(response: ServerResponse, source: MetricsSource): Promise<void> {
  try {
    const text = await source.metrics();
    response.writeHead(200, { 'Content-Type': source.contentType }).end(text);
  } catch {
    response.writeHead(500).end();
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
