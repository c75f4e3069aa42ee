/** The interactive inbox's port over whole clients, their real API and a real node. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonBench, type DaemonUser } from '../../testing/daemon-bench.ts';
import { until } from '../../testing/small-tangle.ts';
import { DaemonClient } from '../daemon-client.ts';
import { DaemonPort } from './daemon-port.ts';
import { EMPTY_DRAFT } from './draft-text.ts';

const TIMES = { pollMs: 60, minBackoffMs: 20, maxBackoffMs: 40, gatherMs: 5 };

let bench: DaemonBench;
let alice: DaemonUser;
let bob: DaemonUser;
let carol: DaemonUser;

const portOf = (user: DaemonUser): DaemonPort =>
  new DaemonPort(() => DaemonClient.find(user.dir), TIMES);

beforeAll(async () => {
  bench = await DaemonBench.start();
  [alice, bob, carol] = await Promise.all([bench.user(1), bench.user(2), bench.user(3)]);
  const people = { Alice: alice, Bob: bob, Carol: carol };
  for (const user of [alice, bob, carol]) {
    for (const [name, { address }] of Object.entries(people)) {
      if (address !== user.address) await user.client.service.addContact({ address, name });
    }
  }
});

afterAll(() => bench.stop());

/** Alice writes to Bob, a copy to Carol, with a file. */
async function letter(subject: string): Promise<string> {
  const file = join(alice.dir, 'plan.txt');
  await writeFile(file, 'The plan.');
  const draft = { ...EMPTY_DRAFT, to: ['Bob'], cc: ['Carol'], subject, attach: [file] };
  await portOf(alice).send({ ...draft, text: 'Go?\n' }, 'new', undefined);
  return await bob.arrival('INBOX', subject);
}

describe('the port of the interactive inbox', () => {
  it('answers with what stands in the editor: quoted once, to those who are named', async () => {
    const id = await letter('picnic');
    const all = await portOf(bob).prepare('reply-all', id);
    expect(all).toMatchObject({ to: [alice.address], cc: [carol.address], subject: 'Re: picnic' });
    expect(all.text).toMatch(/^\n\nOn .* UTC, .* wrote:\n> Go\?\n$/);
    expect((await portOf(bob).prepare('reply', id)).cc).toEqual([]);
    await portOf(bob).send({ ...all, cc: [], text: `Yes.${all.text}` }, 'reply-all', id);
    const answer = await portOf(alice).read(await alice.arrival('INBOX', 'Re: picnic'));
    expect(answer.text.match(/> Go\?/g)).toHaveLength(1);
    expect(answer.headers.find((one) => one.name === 'in-reply-to')?.value).toBe(
      (await portOf(bob).read(id)).messageId,
    );
    expect(answer.headers.some((one) => one.name === 'cc')).toBe(false);
    const own = await portOf(alice).prepare('reply-all', await alice.arrival('Sent', 'picnic'));
    expect([own.to, own.cc]).toEqual([[bob.address], [carol.address]]);
    const nobody = { ...all, to: [] };
    await expect(portOf(bob).send(nobody, 'reply', id)).rejects.toThrow('somebody in To');
    await expect(portOf(bob).send(EMPTY_DRAFT, 'new', undefined)).rejects.toThrow('nobody');
  });

  it('forwards the text once, and the attachments', async () => {
    const id = await letter('photos');
    const draft = await portOf(bob).prepare('forward', id);
    expect(draft).toMatchObject({ to: [], subject: 'Fwd: photos' });
    await portOf(bob).send({ ...draft, to: ['Carol'] }, 'forward', id);
    const came = await portOf(carol).read(await carol.arrival('INBOX', 'Fwd: photos'));
    expect(came.text.match(/Forwarded message/g)).toHaveLength(1);
    expect(came.text).toContain('Go?');
    expect(came.attachments).toMatchObject([{ filename: 'plan.txt', sizeBytes: 9 }]);
  });

  it('reads, marks, finds, moves, saves and deletes', async () => {
    const port = portOf(bob);
    const id = await letter('tidying');
    expect((await port.list('INBOX', 1)).map((one) => one.id)).toEqual([id]);
    expect((await port.flag(id, '\\Flagged', true)).flags).toContain('\\Flagged');
    expect((await port.flag(id, '\\Flagged', false)).flags).not.toContain('\\Flagged');
    expect((await port.search('INBOX', 'tidying', 9)).map((one) => one.id)).toEqual([id]);
    expect(await port.search('Archive', 'tidying', 9)).toEqual([]);
    expect(await port.search('Archive', 'tidying in:INBOX', 9)).toHaveLength(1);
    const path = join(bob.dir, 'saved.txt');
    expect(await port.save(id, 0, path)).toBe(path);
    await writeFile(path, 'mine');
    await expect(port.save(id, 0, path)).rejects.toThrow('is there already');
    expect(await readFile(path, 'utf8')).toBe('mine');
    await port.move(id, 'Archive');
    await expect(port.move(id, 'Archive')).rejects.toMatchObject({ code: 'message-unknown' });
    const archived = await bob.arrival('Archive', 'tidying');
    expect(await port.remove(archived)).toBe('moved to Trash');
    expect(await port.remove(await bob.arrival('Trash', 'tidying'))).toBe('deleted for good');
    expect((await port.folders()).find((one) => one.name === 'Trash')?.total).toBe(0);
    expect(await port.sync()).toMatch(/^\d+ messages? fetched/);
  });

  it('recalls what has not left', async () => {
    const port = portOf(alice);
    await alice.json('send', '--to', 'Bob', '--subject', 'late', '--body', 'x', '--undo', '600');
    const [item] = await port.outbox(1);
    await port.recall(item?.id ?? '');
    expect((await port.outbox(1))[0]?.state).toBe('recalled');
  });

  it('hears of mail, goes on without the socket, and ends', async () => {
    const slow = { ...TIMES, pollMs: 3_600_000 };
    let heard = 0;
    const find = () => DaemonClient.find(bob.dir);
    const end = new DaemonPort(find, slow).onChange(() => (heard += 1));
    let sent = 0;
    await until(async () => {
      sent += 1;
      await bob.json('folders', 'create', `Heard${sent}`);
      return heard > 0;
    });
    end();
    const before = heard;
    await bob.json('folders', 'create', 'Unheard');
    let polls = 0;
    const nowhere = new DaemonPort(() => DaemonClient.find(join(bob.dir, 'none')), TIMES);
    const endPolls = nowhere.onChange(() => (polls += 1));
    await until(async () => polls >= 2);
    endPolls();
    expect(heard).toBe(before);
  });
});
