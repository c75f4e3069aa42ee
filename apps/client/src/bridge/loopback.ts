/**
 * Ports on which mail programs of this machine, and no others, can connect: on both loopback
 * addresses where there are two, because `localhost` means either. Before: bridge.ts; after: the
 * servers of mail io.
 */
import { createServer } from 'node:net';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { ClientError } from '../client-error.ts';

export const HOST = '127.0.0.1';
const HOST_6 = '::1';
/** Ports that are tried, from the wanted one upward. */
const PORT_TRIES = 100;
/** A machine without IPv6 says one of these. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens there, or rejects with EADDRINUSE. */
export type Listen = (port: number, host: string) => Promise<Listening>;

/**
 * Listens on the port of before if it is near the wanted one, else on the next that is free at both
 * addresses; with 0 on any. Throws ClientError `port-in-use`.
 */
export async function listenOnLoopback(
  wanted: number,
  before: number | undefined,
  listen: Listen,
): Promise<Listening> {
  const tries = wanted === 0 ? 1 : PORT_TRIES;
  const above = Array.from({ length: tries }, (_, at) => wanted + at);
  const ports = above.filter((port) => port <= 65_535);
  if (before !== undefined && ports.includes(before)) ports.unshift(before);
  for (const port of ports) {
    try {
      if (port !== 0) await probe(port);
      return await listenOnBoth(port, listen);
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw error;
    }
  }
  throw new ClientError('port-in-use', `${wanted} and those above`);
}

/** Rejects with EADDRINUSE when somebody else answers there under IPv6. */
async function probe(port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST_6, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  } catch (error) {
    if (!ABSENT.has(errorCode(error) ?? '')) throw error;
  }
}

async function listenOnBoth(port: number, listen: Listen): Promise<Listening> {
  const first = await listen(port, HOST);
  // A port that the system chose may be taken under IPv6: programs are told 127.0.0.1 anyway.
  const second = await listen(first.port, HOST_6).catch((error: unknown) => {
    const code = errorCode(error) ?? '';
    if (ABSENT.has(code) || code === 'EADDRINUSE') return undefined;
    throw error;
  });
  return {
    port: first.port,
    close: async () => void (await Promise.all([first.close(), second?.close()])),
  };
}
