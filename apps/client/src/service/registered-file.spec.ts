/** Registered letters from the command line: sent, shown on both sides, checked by a third person. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { MessageDto, OutboxItemDto, QueuedMessageDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { runProgram } from '../cli/program.ts';
import { DaemonBench, type DaemonUser } from '../testing/daemon-bench.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { readRegisteredFile } from './registered-file.ts';

let bench: DaemonBench;
let alice: DaemonUser;
let bob: DaemonUser;
let dir: string;

beforeAll(async () => {
  bench = await DaemonBench.start();
  [alice, bob] = await Promise.all([bench.user(1), bench.user(2)]);
  await bob.client.service.addContact({ address: alice.address, name: 'Alice' });
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-registered-'));
});

afterAll(async () => {
  await rm(dir, { recursive: true });
  await bench.stop();
});

/** The command line of somebody who has neither account nor daemon. */
async function third(...line: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = testTerminal({ input: '' });
  const code = await runProgram(['--data-dir', join(dir, 'none'), ...line], terminal);
  return { code, ...terminal.written };
}

describe('a registered letter', () => {
  it('warns its writer, is shown on both sides, and convinces a third person', async () => {
    const line = ['--to', bob.address, '--subject', 'order', '--body', 'Ten.', '--registered'];
    const sent = await alice.cli('send', ...line);
    expect(sent.err).toContain('your signature proves to everybody');
    const id = await bob.arrival('INBOX', 'order');
    const message = await bob.json<MessageDto>('read', id);
    expect(message.verified).toEqual({ senderAddress: alice.address, how: 'signature' });
    expect((await alice.json<OutboxItemDto[]>('outbox'))[0]?.isRegistered).toBe(true);
    expect((await alice.cli('outbox', '1')).out).toContain('signed: it cannot be denied');
    const path = join(dir, 'order.json');
    expect((await bob.cli('verify', id, '--out', path)).out).toContain('The signature holds.');
    const checked = await third('verify', '--file', path);
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(new RegExp(`written by +${alice.address}`));
    expect(checked.out).toContain('Ten.');
    expect((await bob.cli('verify', id, '--out', path)).code).toBe(2);
    const forged = (await readFile(path, 'utf8')).replace(bob.address, alice.address);
    await writeFile(path, forged);
    const refused = await third('verify', '--file', path);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('signature-invalid')]);
  });

  it('not-registered: an ordinary one proves nothing to others', async () => {
    await alice.json<QueuedMessageDto>(
      'send',
      '--to',
      bob.address,
      '--subject',
      'x',
      '--body',
      'y',
    );
    const refused = await bob.cli('verify', await bob.arrival('INBOX', 'x'));
    expect(refused.code).toBe(5);
    expect(refused.err).toContain('not-registered');
    expect((await bob.cli('verify')).code).toBe(2);
  });
});

describe('a file', () => {
  it('of any other bytes is refused in one sentence', () => {
    const texts = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((one) => Buffer.from(one)),
    );
    fc.assert(
      fc.property(texts, (bytes) => {
        expect(() => readRegisteredFile(bytes)).toThrow(ClientError);
      }),
    );
  });
});
