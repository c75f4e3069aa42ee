/** Free TCP ports on 127.0.0.1. Used by network.ts when a network is planned. */
import { createServer } from 'node:net';

const MAX_PORT = 65_535;

/** `wanted` when it is free and not in `taken`, else the next port above it that is. */
export async function freePort(wanted: number, taken: ReadonlySet<number>): Promise<number> {
  for (let port = wanted; port <= MAX_PORT; port += 1) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no port from ${wanted} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
