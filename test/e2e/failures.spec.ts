/**
 * What people meet on a bad day, with real processes: the provider or the node is away, the
 * passphrase is wrong, the mailbox cannot pay, the port is taken. Nothing is lost, and everybody
 * hears in a sentence what is the matter.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutboxItemDto } from '../../apps/client/src/api/dto.ts';
import type { Daemon } from '../../tools/devnet/daemon.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { type CommandResult, tryCommand } from '../../tools/devnet/processes.ts';
import { hasArrived } from './testing/kills.ts';
import { Rig } from './testing/rig.ts';

const SETUP_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 120_000;
const WAIT_MS = 60_000;

let rig: Rig | undefined;

function theRig(): Rig {
  if (rig === undefined) throw new Error('the network did not start');
  return rig;
}

beforeAll(async () => {
  rig = await Rig.open();
  await rig.befriend();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await rig?.close();
}, SETUP_TIMEOUT_MS);

async function send(from: Daemon, to: string, subject: string): Promise<string> {
  const queued = await from.send({ to: [to], subject, text: 'Whatever happens.' });
  return queued.recipients[0]?.outboxId ?? '';
}

async function reach(
  sender: Daemon,
  outboxId: string,
  what: string,
  isReached: (item: OutboxItemDto) => boolean,
): Promise<OutboxItemDto> {
  return await until(what, WAIT_MS, async () => {
    const item = await sender.outboxItem(outboxId);
    return isReached(item) ? item : new NotYet(JSON.stringify(item));
  });
}

async function arrived(reader: Daemon, subject: string): Promise<void> {
  await until(`“${subject}” arrives`, WAIT_MS, async () => {
    await reader.sync();
    const inbox = await reader.messages('INBOX');
    return inbox.some((one) => one.subject === subject) ? true : new NotYet('not in the inbox');
  });
}

/** A command of a client, as a person types it. */
async function tanglemail(role: 'alice' | 'bob', ...args: string[]): Promise<CommandResult> {
  const dataDir = theRig().devnet.layout.folder(role);
  return await tryCommand('tanglemail', ['--data-dir', dataDir, ...args]);
}

describe('a client whose surroundings fail', () => {
  it(
    'keeps a mail confirmed while the provider is down, and stored when it is back',
    async () => {
      const { devnet, stage } = theRig();
      await devnet.kill('provider');
      const id = await send(stage.alice, 'Bob', 'no provider');
      const confirmed = await reach(stage.alice, id, 'confirmed', (one) => one.proofChecked);
      expect(confirmed).toMatchObject({ state: 'confirmed', storedCount: 0, providerCount: 1 });
      const synced = await stage.bob.sync();
      expect(synced.errors).toMatchObject([{ code: 'provider-unreachable' }]);
      await devnet.start('provider');
      await reach(stage.alice, id, 'stored', hasArrived);
      await arrived(stage.bob, 'no provider');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'keeps a mail queued while its node is down, and goes on when it is back',
    async () => {
      const { devnet, stage } = theRig();
      await devnet.kill('node-1');
      const id = await send(stage.alice, 'Bob', 'no node');
      const waiting = await reach(stage.alice, id, 'waits', (one) => one.error !== undefined);
      expect(waiting).toMatchObject({ state: 'queued', error: { code: 'node-unreachable' } });
      expect((await stage.alice.status()).node.reachable).toBe(false);
      await devnet.start('node-1');
      await reach(stage.alice, id, 'stored', hasArrived);
      await arrived(stage.bob, 'no node');
    },
    TEST_TIMEOUT_MS,
  );

  it('refuses a wrong passphrase in one sentence, with an exit code of its own', async () => {
    const { devnet } = theRig();
    await devnet.stop('bob');
    const wrong = join(devnet.layout.dataDir, 'wrong');
    writeFileSync(wrong, 'not the passphrase\n', { mode: 0o600 });
    const { code, err } = await tanglemail('bob', 'daemon', '--passphrase-file', wrong);
    expect(code).toBe(5);
    expect(err).toMatch(/passphrase/i);
    expect(err.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(err).not.toMatch(/\n\s+at /);
    const away = await tanglemail('bob', 'inbox');
    expect(away).toMatchObject({ code: 3 });
    await devnet.start('bob');
  });

  it('says what is wrong with an unknown recipient, address or provider', async () => {
    const unknown = await tanglemail('alice', 'send', '--to', 'Nobody', '--body', 'x');
    expect(unknown).toMatchObject({ code: 5 });
    expect(unknown.err).toContain('Nobody');
    const malformed = await tanglemail('alice', 'contacts', 'add', 'tmt1qqqq');
    expect(malformed).toMatchObject({ code: 2 });
    expect(malformed.err).toContain('address-invalid');
    const foreign = await tanglemail('bob', 'provider', 'rent', 'abcdef0123456789');
    expect(foreign).toMatchObject({ code: 4 });
    expect(foreign.err).toContain('provider-unknown');
    for (const { err } of [unknown, malformed, foreign]) {
      expect(err.trim()).not.toBe('');
      expect(err).not.toMatch(/\n\s+at /);
    }
  });

  it('refuses a payment beyond the balance', async () => {
    const { address } = await theRig().stage.alice.wallet();
    const { code, err } = await tanglemail('bob', 'wallet', 'send', address, '999999T');
    expect(code).toBe(5);
    expect(err).toMatch(/insufficient|balance|enough/i);
  });

  it(
    'is told when its mailbox cannot pay for a fetch, and fetches when it can',
    async () => {
      const { devnet, stage } = theRig();
      await devnet.stop('provider');
      devnet.changeSettings('provider', { prices: { egressPerMiB: 4_000_000_000 } });
      await devnet.start('provider');
      const id = await send(stage.alice, 'Bob', 'too dear');
      await reach(stage.alice, id, 'stored', hasArrived);
      const refused = await until('the fetch is refused', WAIT_MS, async () => {
        const { errors } = await stage.bob.sync();
        return errors[0] ?? new NotYet('no error');
      });
      expect(refused.code).toMatch(/balance|payment|provider-refused/);
      await devnet.stop('provider');
      devnet.changeSettings('provider', {});
      await devnet.start('provider');
      await arrived(stage.bob, 'too dear');
    },
    TEST_TIMEOUT_MS,
  );
});
