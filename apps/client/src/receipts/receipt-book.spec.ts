/** Receipts between whole clients over a real node, and what the settings allow. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OutboxItemDto, QueuedMessageDto } from '../api/dto.ts';
import type { ClientConfigInput } from '../config/schema.ts';
import { DaemonBench, type DaemonUser } from '../testing/daemon-bench.ts';
import { until } from '../testing/small-tangle.ts';

let bench: DaemonBench;

beforeEach(async () => {
  bench = await DaemonBench.start();
});

afterEach(() => bench.stop());

type Receipts = NonNullable<ClientConfigInput['receipts']>;

interface Pair {
  readonly alice: DaemonUser;
  readonly bob: DaemonUser;
}

/** Alice, and Bob with these settings, who are contacts of each other unless told otherwise. */
async function pair(receipts: Receipts, isKnown = true): Promise<Pair> {
  const [alice, bob] = await Promise.all([bench.user(1), bench.user(2, { receipts })]);
  await alice.client.service.addContact({ address: bob.address, name: 'Bob' });
  if (isKnown) await bob.client.service.addContact({ address: alice.address, name: 'Alice' });
  return { alice, bob };
}

/** Sends one mail; gives its number in the outbox once Bob has it in `folder`. */
async function deliver({ alice, bob }: Pair, subject: string, folder = 'INBOX'): Promise<string> {
  const line = ['--to', 'Bob', '--subject', subject, '--body', 'x'];
  const queued = await alice.json<QueuedMessageDto>('send', ...line);
  await bob.arrival(folder, subject);
  return queued.recipients[0]?.outboxId ?? '';
}

const itemOf = ({ alice }: Pair, id: string): Promise<OutboxItemDto> => alice.json('outbox', id);

/** Waits until everything that Bob's client wants to say has been said. */
async function hasSpoken({ bob }: Pair): Promise<void> {
  await until(async () => (await bob.client.service.status()).outbox.queued === 0);
}

describe('a delivery receipt', () => {
  it('is given to a contact by itself, and shown with its time', async () => {
    const both = await pair({});
    const line = ['--to', 'Bob', '--subject', 'hello', '--body', 'x', '--wait', 'fetched'];
    const { items } = await both.alice.json<{ items: OutboxItemDto[] }>('send', ...line);
    const [item] = items;
    expect(item).toMatchObject({ state: 'fetched', wantsReceipt: true });
    const { confirmedAtMs = 0, fetchedAtMs = 0 } = item?.times ?? {};
    expect(fetchedAtMs).toBeGreaterThanOrEqual(confirmedAtMs);
    expect((await both.alice.cli('outbox')).out).toContain('fetched by recipient');
    // Nobody sees the note: it stands in no folder and no list.
    expect(await both.alice.subjects('Requests')).toEqual([]);
    expect(await both.alice.subjects('INBOX')).toEqual([]);
    expect(await both.bob.json('outbox')).toEqual([]);
  });

  it('of mails that come together is one note', async () => {
    const both = await pair({});
    const before = bench.tangle.node.blocks.size;
    const mails = ['one', 'two', 'three'];
    const ids = await Promise.all(mails.map((subject) => deliver(both, subject)));
    for (const id of ids) {
      await until(async () => (await itemOf(both, id)).state === 'fetched');
    }
    const envelopes = [...bench.tangle.confirmedEnvelopes(new Set())].length;
    expect(bench.tangle.node.blocks.size).toBeGreaterThan(before);
    expect(envelopes).toBeLessThan(2 * mails.length);
  });

  it('is not given where the settings say never, nor to strangers, nor unasked', async () => {
    const silent = await pair({ delivery: 'never' });
    const id = await deliver(silent, 'no answer');
    const unasked = ['--to', 'Alice', '--subject', 'unasked', '--body', 'x', '--no-receipt'];
    const back = await silent.bob.json<QueuedMessageDto>('send', ...unasked);
    await silent.alice.arrival('INBOX', 'unasked');
    await hasSpoken(silent);
    expect((await itemOf(silent, id)).times.fetchedAtMs).toBeUndefined();
    const own = back.recipients[0]?.outboxId ?? '';
    expect((await silent.bob.json<OutboxItemDto>('outbox', own)).wantsReceipt).toBe(false);
    const carol = await bench.user(3);
    await carol.json('send', '--to', silent.alice.address, '--subject', 'stranger', '--body', 'x');
    await silent.alice.arrival('Requests', 'stranger');
    // Alice's client is one that gives receipts to contacts: to this one it says nothing.
    await silent.alice.json('send', '--to', 'Bob', '--subject', 'later', '--body', 'x');
    await silent.bob.arrival('INBOX', 'later');
    expect((await carol.json<OutboxItemDto>('outbox', '1')).times.fetchedAtMs).toBeUndefined();
  });

  it('goes to whoever asks to be a contact where the settings say always', async () => {
    const both = await pair({ delivery: 'always' }, false);
    const id = await deliver(both, 'may I', 'Requests');
    await until(async () => (await itemOf(both, id)).state === 'fetched');
    expect((await both.bob.client.service.contacts())[0]?.state).toBe('requested');
  });
});

describe('a read receipt', () => {
  it('follows the first look, if the recipient wants that', async () => {
    const both = await pair({ read: true, delivery: 'never' });
    const id = await deliver(both, 'look');
    expect((await itemOf(both, id)).state).not.toBe('read');
    await both.bob.json('read', await both.bob.arrival('INBOX', 'look'));
    await until(async () => (await itemOf(both, id)).state === 'read');
    const { times } = await itemOf(both, id);
    expect(times.readAtMs).toBe(times.fetchedAtMs);
  });

  it('is off by default', async () => {
    const both = await pair({});
    const id = await deliver(both, 'quietly');
    await until(async () => (await itemOf(both, id)).state === 'fetched');
    await both.bob.json('read', await both.bob.arrival('INBOX', 'quietly'));
    const second = await deliver(both, 'another');
    await until(async () => (await itemOf(both, second)).state === 'fetched');
    expect((await itemOf(both, id)).state).toBe('fetched');
  });
});
