/** Sending from the command line, over whole clients and a real node: copies, answers, recall. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageDto, OutboxItemDto, QueuedMessageDto } from '../api/dto.ts';
import type { OutboxReportDto } from '../api/outbox-dto.ts';
import { DaemonBench, type DaemonUser } from '../testing/daemon-bench.ts';
import { until } from '../testing/small-tangle.ts';

let bench: DaemonBench;
let alice: DaemonUser;
let bob: DaemonUser;
let carol: DaemonUser;

beforeAll(async () => {
  bench = await DaemonBench.start();
  [alice, bob, carol] = await Promise.all([bench.user(1), bench.user(2), bench.user(3)]);
  for (const user of [alice, bob, carol]) {
    const people = { Alice: alice, Bob: bob, Carol: carol };
    for (const [name, { address }] of Object.entries(people)) {
      if (address !== user.address) {
        await user.client.service.addContact({ address, name });
      }
    }
  }
});

afterAll(() => bench.stop());

const rawOf = async (user: DaemonUser, id: string): Promise<string> =>
  new TextDecoder().decode(await user.client.service.rawMessage(id));

describe('copies', () => {
  it('reach everybody; a blind one is named in Sent and nowhere else', async () => {
    const line = ['--to', 'Bob', '--bcc', 'Carol', '--subject', 'party', '--body', 'Secret guest.'];
    const queued = await alice.json<QueuedMessageDto>('send', ...line);
    expect(queued.recipients.map((one) => one.address)).toEqual([bob.address, carol.address]);
    const [atBob, atCarol] = await Promise.all([
      bob.arrival('INBOX', 'party'),
      carol.arrival('INBOX', 'party'),
    ]);
    for (const raw of [await rawOf(bob, atBob), await rawOf(carol, atCarol)]) {
      expect(raw).toContain(bob.address);
      expect(raw).not.toContain(carol.address);
      expect(raw.toLowerCase()).not.toContain('bcc');
    }
    const sent = await rawOf(alice, await alice.arrival('Sent', 'party'));
    expect(sent).toMatch(new RegExp(`^Bcc: ${carol.address}`, 'm'));
    const items = await alice.json<OutboxItemDto[]>('outbox');
    expect(items.slice(0, 2).map((one) => one.role)).toEqual(['bcc', 'to']);
  });

  it('of a whole message lose its Bcc field on the way, and nothing else', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tanglemail-eml-'));
    const bcc = `Bcc: ${carol.address}@tangle.alt\r\n`;
    const eml = `Subject: raw\r\n${bcc}X-Odd:  two  spaces\r\n\r\nHi.\r\n`;
    await writeFile(join(dir, 'a.eml'), eml);
    await alice.json('send', '--to', 'Bob', '--eml', join(dir, 'a.eml'));
    const came = await rawOf(bob, await bob.arrival('INBOX', 'raw'));
    expect(came).toBe('Subject: raw\r\nX-Odd:  two  spaces\r\n\r\nHi.\r\n');
    expect(await rawOf(alice, await alice.arrival('Sent', 'raw'))).toBe(eml);
    await rm(dir, { recursive: true });
  });

  it('are reported together', async () => {
    const line = ['--to', 'Bob', '--cc', 'Carol', '--subject', 'both', '--body', 'Hi.'];
    const queued = await alice.json<QueuedMessageDto>('send', ...line, '--wait', 'confirmed');
    const [first] = queued.recipients;
    const id = first?.outboxId ?? '';
    const report = await alice.json<OutboxReportDto>('outbox', id, '--all');
    expect(report).toMatchObject({ recipientCount: 2, failedCount: 0, isFailed: false });
    expect(report.items.map((one) => one.role)).toEqual(['to', 'cc']);
    expect((await alice.cli('outbox', id, '--all')).out).toMatch(/state +(confirmed|fetched)/);
    const { out } = await alice.cli('outbox', id);
    expect(out).toMatch(/attached +\d{4}-.*\n.*confirmed +\d{4}-/);
  });
});

describe('an answer', () => {
  it('goes to whom the seal proves, quotes, and stays in the thread', async () => {
    await alice.json('send', '--to', 'Bob', '--cc', 'Carol', '--subject', 'plan', '--body', 'Go?');
    const plan = await bob.arrival('INBOX', 'plan');
    expect((await bob.cli('read', plan)).out).toMatch(/^cc +tmt?1/m);
    const sent = await alice.cli('inbox', '--folder', 'Sent');
    expect(sent.out).toMatch(/ TO +SUBJECT[^]* Bob +plan/);
    expect((await alice.cli('search', 'in:Sent', 'plan')).out).toMatch(/ To Bob +plan/);
    await bob.json('reply', plan, '--body', 'Yes.');
    const answer = await alice.json<MessageDto>('read', await alice.arrival('INBOX', 'Re: plan'));
    expect(answer.text).toMatch(/^Yes\.\n+On .* wrote:\n> Go\?/);
    const parent = await bob.json<MessageDto>('read', plan);
    const header = (name: string): string | undefined =>
      answer.headers.find((one) => one.name === name)?.value;
    expect(header('in-reply-to')).toBe(parent.messageId);
    expect(header('references')).toBe(parent.messageId);
    expect(await carol.subjects('INBOX')).not.toContain('Re: plan');
  });

  it('to all goes to everybody else whom the headers name', async () => {
    await bob.json('reply', await bob.arrival('INBOX', 'plan'), '--all', '--body', 'All in.');
    const atCarol = await carol.json<MessageDto>('read', await carol.arrival('INBOX', 'Re: plan'));
    expect(atCarol.text).toContain('All in.');
    expect(atCarol.from.address).toBe(bob.address);
  });

  it('that is forwarded keeps text and attachments', async () => {
    const attachments = [{ filename: 'a.bin', contentBase64: 'AAECAw==' }];
    await alice.client.service.sendMessage({
      to: [bob.address],
      subject: 'files',
      text: 'Here.',
      attachments,
    });
    await bob.json(
      'forward',
      await bob.arrival('INBOX', 'files'),
      '--to',
      'Carol',
      '--body',
      'See.',
    );
    const id = await carol.arrival('INBOX', 'Fwd: files');
    const came = await carol.json<MessageDto>('read', id);
    expect(came.text).toMatch(/^See\.\n+-+ Forwarded message -+\nFrom: .*\n[^]*Here\./);
    const { filename, content } = await carol.client.service.attachment(id, 0);
    expect([filename, [...content]]).toEqual(['a.bin', [0, 1, 2, 3]]);
  });

  it('message-unknown: to a message that is not there', async () => {
    expect((await bob.cli('reply', 'INBOX.999', '--body', 'x')).code).toBe(4);
  });
});

describe('taking back', () => {
  it('an undone mail never leaves, for all of its recipients', async () => {
    const line = ['--to', 'Bob', '--to', 'Carol', '--subject', 'oops', '--body', 'x'];
    const queued = await alice.json<QueuedMessageDto>('send', ...line, '--undo', '60');
    const ids = queued.recipients.map((one) => one.outboxId);
    expect((await alice.cli('outbox', ids[0] ?? '')).out).toContain('queued, leaves at');
    // Taken back as a whole, it is a draft again.
    expect(await alice.json('recall', ids[1] ?? '')).toEqual({
      recalled: ids,
      tooLate: [],
      draftId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect((await alice.cli('outbox', ids[0] ?? '')).out).toContain('recalled, never sent');
    const again = await alice.cli('recall', ids[0] ?? '');
    expect(again.code).toBe(5);
    expect(again.err).toContain('recall-too-late');
  });

  it('a scheduled mail waits, and can be recalled for one person', async () => {
    const at = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);
    const line = ['--to', 'Bob', '--to', 'Carol', '--subject', 'tomorrow', '--body', 'x'];
    const queued = await alice.json<QueuedMessageDto>('send', ...line, '--at', `${at}Z`);
    const [first = '', second = ''] = queued.recipients.map((one) => one.outboxId);
    const item = await alice.json<OutboxItemDto>('outbox', first);
    expect(item).toMatchObject({ state: 'scheduled', notBeforeMs: Date.parse(`${at}Z`) });
    const back = await alice.json('recall', first, '--only');
    expect(back).toEqual({ recalled: [first], tooLate: [] });
    expect(await alice.json('outbox', second)).toMatchObject({ state: 'scheduled' });
    expect((await alice.cli('send', '--to', 'Bob', '--at', 'soon', '--body', 'x')).code).toBe(2);
    const past = ['send', '--to', 'Bob', '--at', '2020-01-31T08:00', '--body', 'x'];
    expect((await alice.cli(...past)).err).toContain('which is over');
  });

  it('what has left is too late, and says so', async () => {
    const line = ['--to', 'Bob', '--subject', 'gone', '--body', 'x', '--wait', 'confirmed'];
    const queued = await alice.json<QueuedMessageDto>('send', ...line);
    const result = await alice.cli('recall', queued.recipients[0]?.outboxId ?? '');
    expect(result.code).toBe(5);
    await until(async () => (await bob.subjects('INBOX')).includes('gone'));
    expect(await bob.subjects('INBOX')).not.toContain('oops');
  });
});
