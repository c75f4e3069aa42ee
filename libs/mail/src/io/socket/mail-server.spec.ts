/** Connections of mail programs are few, and none stays that says nothing. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { LineDialog } from '../testing/line-dialog.ts';
import { MailServer } from './mail-server.ts';

const running: MailServer[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

/** A server whose connections are logged in from their first line on. */
async function serve(limits: { maxConnections?: number; loginMs?: number; idleMs?: number }) {
  let faults = 0;
  // The time stands still until a spec lets it pass.
  let nowMs = 0;
  const server = new MailServer(
    {
      maxConnections: limits.maxConnections ?? 9,
      loginTimeoutMs: limits.loginMs ?? 1_000_000,
      idleTimeoutMs: limits.idleMs ?? 1_000_000,
    },
    {
      fullText: 'no place\r\n',
      nowMs: () => nowMs,
      converse: (socket) => {
        let isLoggedIn = false;
        return {
          get isLoggedIn() {
            return isLoggedIn;
          },
          receive: async (chunk) => {
            isLoggedIn = true;
            if (Buffer.from(chunk).includes('break')) throw new Error(`fault ${++faults}`);
            await socket.write(Buffer.from('heard\r\n'));
          },
          leave: async (reason) => {
            await socket.write(Buffer.from(`left: ${reason}\r\n`));
            socket.end();
          },
          close: () => undefined,
        };
      },
    },
  );
  running.push(server);
  const pass = (timeMs: number): void => {
    nowMs += timeMs;
  };
  return { server, port: await server.listen('127.0.0.1', 0), pass };
}

async function talk(port: number): Promise<LineDialog> {
  const dialog = await LineDialog.open(port);
  dialog.say('x\r\n');
  await dialog.until(/heard/);
  return dialog;
}

describe('a server for mail programs', () => {
  it('tells who finds no place, and has one again when somebody leaves', async () => {
    const { server, port } = await serve({ maxConnections: 2 });
    const [first] = [await talk(port), await talk(port)];
    expect(await (await LineDialog.open(port)).over()).toBe('no place\r\n');
    first.close();
    while (server.connections > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await talk(port);
    expect(server.connections).toBe(2);
  });

  it('leaves who does not log in, and keeps the others', async () => {
    const { port, pass } = await serve({ loginMs: 300 });
    const silent = await LineDialog.open(port);
    const other = await talk(port);
    pass(301);
    expect(await silent.over()).toBe('left: idle\r\n');
    other.say('x\r\n');
    expect(await other.until(/heard/)).toContain('heard');
  });

  it('leaves who says nothing for long', async () => {
    const { port, pass } = await serve({ idleMs: 300 });
    const dialog = await talk(port);
    pass(301);
    expect(await dialog.over()).toContain('left: idle');
  });

  it('ends the connection whose session breaks, and no other', async () => {
    const { port } = await serve({});
    const [broken, other] = [await talk(port), await talk(port)];
    broken.say('break\r\n');
    await broken.over();
    other.say('x\r\n');
    expect(await other.until(/heard/)).toContain('heard');
  });

  it('says goodbye when it stops', async () => {
    const { server, port } = await serve({});
    const dialog = await talk(port);
    await server.close();
    expect(await dialog.over()).toContain('left: shutdown');
    await expect(LineDialog.open(port)).rejects.toThrow('ECONNREFUSED');
  });
});
