import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { limitServer } from './http-limits.ts';

const PROBLEM = { status: 400, code: 'request-malformed' };
let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

async function listen(limits: object = {}): Promise<void> {
  server = createServer((request, response) => {
    request.resume().on('end', () => response.end('well'));
  });
  const times = { headTimeoutMs: 10_000, requestTimeoutMs: 10_000 };
  limitServer(server, { maxConnections: 10, ...times, ...limits }, PROBLEM);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

/** Sends `text` and returns all that comes until the connection ends. */
async function say(text: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const bodyOf = (answer: string): unknown => JSON.parse(answer.split('\r\n\r\n')[1] ?? '');

describe('limits of a server', () => {
  it('answers what is no HTTP with a problem body', async () => {
    await listen();
    const answer = await say('ÿÿÿ\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*Content-Type: application\/problem\+json/s);
    expect(bodyOf(answer)).toEqual(PROBLEM);
  });

  it('answers a head that is too long, and an expectation that nobody has', async () => {
    await listen();
    const long = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(bodyOf(await say(long))).toEqual(PROBLEM);
    const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n';
    expect(await say(expecting)).toContain(JSON.stringify(PROBLEM));
  });

  it('ends a request whose body does not come', async () => {
    await listen({ headTimeoutMs: 100, requestTimeoutMs: 200 });
    const answer = await say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow');
    expect(bodyOf(answer)).toEqual(PROBLEM);
  });

  it('closes connections beyond the bound', async () => {
    await listen({ maxConnections: 1 });
    const first = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(first);
    await once(server, 'connection');
    expect(await say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
  });
});
