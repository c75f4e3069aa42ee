/**
 * Ports for processes that are killed and come back to the same port. A port that the system gives
 * may go to somebody else's connection meanwhile, so these lie below the ones that systems give
 * (32,768 on Linux), apart for each process of the test runner.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST_PORT = 20_000;
const PORTS_PER_WORKER = 2_000;
const MAX_WORKERS = 5;
const taken = new Set<number>();

/** A port of 127.0.0.1 that is free, and is not given again to the same test file. */
export async function freePort(): Promise<number> {
  const worker = (Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % MAX_WORKERS;
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + randomInt(PORTS_PER_WORKER);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error('no port is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
