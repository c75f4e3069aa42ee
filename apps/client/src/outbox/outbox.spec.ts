/**
 * The outbox against a small real node: states, receipts, re-attachment, and power cuts at every
 * write, after which each mail that was taken has arrived once.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { descriptorOf, sealerOf } from '../testing/letters.ts';
import type { Disk, PowerCut } from '../testing/memory-store.ts';
import { OutboxBench, PROVIDER, type Sender, type SenderOptions } from '../testing/outbox-bench.ts';
import type { Person } from '../testing/people.ts';
import { type SmallTangle, until } from '../testing/small-tangle.ts';
import { RESEND_AFTER_MS } from './outbox-entry.ts';
import type { OutboxDeps, WorkDone } from './outbox.ts';
import { SealingRefused } from './sealer.ts';

let bench: OutboxBench;
let tangle: SmallTangle;
let bob: Person;

beforeAll(async () => {
  bench = await OutboxBench.start();
  ({ tangle } = bench);
});

afterAll(() => tangle.stop());

beforeEach(async () => {
  await bench.renew();
  ({ bob } = bench);
});

afterEach(() => bench.rest());

const sender = (disk?: Disk, more?: SenderOptions): Promise<Sender> => bench.sender(disk, more);
const send = (from: Sender, text: string): Promise<OutboxEntry> => bench.send(from, text);
const allDone = (from: Sender): Promise<void> => bench.allDone(from);
const received = (before?: Set<never>): Promise<string[]> => bench.received(before);
const blocksSoFar = (): Set<never> => bench.blocksSoFar();
const storing = (has: () => boolean): OutboxDeps['providerAt'] => bench.storing(has);

describe('a mail on its way', () => {
  it('goes queued, attached, confirmed and stored, each on the disk', async () => {
    const before = blocksSoFar();
    const providerAt = storing(() => true);
    const disk: Disk = new Map();
    const alice = await sender(disk, { providers: [PROVIDER], providerAt });
    await send(alice, 'one');
    alice.outbox.start();
    await allDone(alice);
    const done = alice.outbox.get(1);
    expect(done).toMatchObject({ state: 'stored', tagKind: 'stranger', isDone: true });
    expect(done?.history.map((line) => line.state)).toEqual([
      'queued',
      'attached',
      'confirmed',
      'stored',
    ]);
    expect(done?.deliveries[0]).toMatchObject({ state: 'stored', until: 4_000_000_000 });
    expect(done?.milestoneIndex).toBe(tangle.node.referencedBy.get(done?.blockId as never));
    const restarted = await sender(disk);
    expect(restarted.outbox.get(1)).toEqual(done);
    expect(restarted.outbox.counts()).toEqual({ queued: 0, failed: 0 });
    expect(await received(before)).toEqual(['one']);
  });

  it('leaves nothing of its envelope and block on the disk once it is confirmed', async () => {
    const alice = await sender();
    await send(alice, 'gone');
    alice.outbox.start();
    await allDone(alice);
    const key = '0000000000000001';
    expect(alice.alice.store.getBytes('outboxEnvelope', key)).toBeUndefined();
    expect(alice.alice.store.getBytes('outboxBlock', key)).toBeUndefined();
  });

  it('does not leave before tags for the answer are watched', async () => {
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    const watchTags = (): Promise<void> => {
      asked += 1;
      return gate.promise;
    };
    const blocks = tangle.node.blocks.size;
    const alice = await sender(new Map(), { watchTags });
    await send(alice, 'patient');
    alice.outbox.start();
    await until(() => asked === 1);
    expect(tangle.node.blocks.size).toBe(blocks);
    // The source of the tags was there before it was asked to be watched.
    expect(Object.keys(alice.alice.tags.windows())).toHaveLength(1);
    gate.resolve();
    await allDone(alice);
  });

  it('is attached again when the node advises it, with every block in its history', async () => {
    tangle.confirmNoMore();
    const before = blocksSoFar();
    const alice = await sender();
    await send(alice, 'twice');
    alice.outbox.start();
    const attached = (): OutboxEntry | undefined => alice.outbox.get(1);
    await until(() => attached()?.blockId !== undefined);
    const first = attached()?.blockId as never;
    tangle.node.stale.add(first);
    await until(() => attached()?.blockId !== first);
    tangle.node.stale.add(attached()?.blockId as never);
    const second = attached()?.blockId;
    await until(() => attached()?.blockId !== second);
    const lines = attached()?.history.filter((line) => line.state === 'attached');
    expect(lines?.map((line) => line.detail)).toEqual([first, second, attached()?.blockId]);
    tangle.confirmAlways();
    await allDone(alice);
    expect(await received(before)).toEqual(['twice']);
  });

  it('tells how far its proof of work has come, while it goes on', async () => {
    const { issuer } = tangle.access;
    const told: WorkDone[] = [];
    const during: (WorkDone | undefined)[] = [];
    const watched: Pick<typeof issuer, 'issue' | 'awaitConfirmation'> = {
      issue: async (payload, options) => {
        options?.onProgress?.({ hashes: 10, hashesPerSecond: 1, expectedHashes: 40, elapsedMs: 9 });
        during.push(one.outbox.workOf(1));
        return await issuer.issue(payload, options);
      },
      awaitConfirmation: async (issued, options) => await issuer.awaitConfirmation(issued, options),
    };
    const one = await sender(new Map(), {
      tangle: { ...tangle.access, issuer: watched as typeof issuer },
      onWork: (entry, work) => told.push({ ...work, hashes: work.hashes + entry.id }),
    });
    one.outbox.start();
    await send(one, 'hello');
    await until(() => one.outbox.get(1)?.state === 'confirmed');
    expect(told[0]).toEqual({ hashes: 11, expectedHashes: 40 });
    expect(during).toEqual([{ hashes: 10, expectedHashes: 40 }]);
    expect(one.outbox.workOf(1)).toBeUndefined();
  });

  it('waits for a node that is away, and goes at once when it is back', async () => {
    const { intercept } = tangle.node;
    tangle.node.intercept = (method, path) =>
      path.includes('/tips') ? { status: 503, body: {} } : intercept(method, path);
    const alice = await sender();
    await send(alice, 'later');
    alice.outbox.start();
    await until(() => alice.outbox.get(1)?.error !== undefined);
    expect(alice.outbox.counts()).toEqual({ queued: 1, failed: 1 });
    expect(alice.outbox.get(1)).toMatchObject({ state: 'queued', isDone: false });
    tangle.node.intercept = intercept;
    await allDone(alice);
    expect(alice.outbox.get(1)?.error).toBeUndefined();
  });

  it('fails for good when it cannot be sealed, and the status says so', async () => {
    const alice = await sender();
    const text = 'x'.repeat(900);
    await send(alice, Array.from({ length: 40 }, () => text).join('\r\n '));
    alice.outbox.start();
    await allDone(alice);
    const failed = alice.outbox.get(1);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'message-too-large' } });
    expect(alice.outbox.counts()).toEqual({ queued: 0, failed: 1 });
  });

  it('contacts-only: a stranger’s mail to somebody who hears only contacts fails', async () => {
    const alice = await sender();
    const policy = { stampBits: 0, contactsOnly: true };
    const sealer = sealerOf(alice.alice, () => descriptorOf(bob, { policy }));
    const entry = await send(alice, 'hello');
    const seal = (): unknown =>
      sealer.seal(alice.alice.store.batch(), entry, descriptorOf(bob, { policy }));
    expect(seal).toThrow(SealingRefused);
  });

  it('envelope-version-unknown: nobody seals what the recipient cannot read', async () => {
    const { alice } = await sender();
    const sealer = sealerOf(alice, () => descriptorOf(bob, { formatVersions: [7] }));
    await expect(sealer.findRecipient(bob.account.address)).rejects.toMatchObject({
      code: 'envelope-version-unknown',
      isFinal: true,
    });
  });
});

describe('a note', () => {
  const body = Uint8Array.of(0xc3, 1, 2);

  /** Queues a note to Bob; a later one of the same kind takes its place. */
  async function note({ alice, outbox }: Sender, text: Uint8Array): Promise<OutboxEntry> {
    return alice.writes.run(async () => {
      const batch = alice.store.batch();
      const to = bob.account.address;
      const accept = outbox.enqueueNote(batch, { to, body: text, dedupe: 'kind' });
      await batch.write();
      return accept();
    });
  }

  it('goes the way of a mail, and no list shows it', async () => {
    const before = blocksSoFar();
    const heard: Uint8Array[] = [];
    bob.notes.on(0xc3, (_batch, one) => () => heard.push(one.body));
    const alice = await sender();
    const { id } = await note(alice, body);
    alice.outbox.start();
    await until(() => alice.outbox.get(id)?.isDone === true);
    expect(alice.outbox.get(id)).toMatchObject({ form: 'note', state: 'confirmed' });
    expect(await alice.outbox.list(9)).toEqual([]);
    expect(await alice.outbox.list(9, undefined, true)).toHaveLength(1);
    expect(alice.alice.store.getBytes('outboxPayload', '0000000000000001')).toBeUndefined();
    expect(await received(before)).toEqual([]);
    expect(heard).toEqual([body]);
  });

  it('that has not left is replaced by the next of its kind', async () => {
    const before = blocksSoFar();
    const heard: Uint8Array[] = [];
    bob.notes.on(0xc3, (_batch, one) => () => heard.push(one.body));
    const disk: Disk = new Map();
    const first = await sender(disk);
    await first.outbox.stop();
    await note(first, body);
    const later = Uint8Array.of(0xc3, 9);
    expect((await note(first, later)).id).toBe(1);
    const alice = await sender(disk);
    alice.outbox.start();
    await until(() => alice.outbox.get(1)?.isDone === true);
    await received(before);
    expect(heard).toEqual([later]);
  });

  it('form-unknown: a form that this program cannot seal fails for good', async () => {
    const alice = await sender();
    const batch = alice.alice.store.batch();
    const audience = [bob.account.address];
    const accept = alice.outbox.enqueueChat(batch, { audience, payload: body });
    await batch.write();
    const { id } = accept();
    alice.outbox.start();
    await until(() => alice.outbox.get(id)?.isDone === true);
    expect(alice.outbox.get(id)).toMatchObject({ form: 'chat', error: { code: 'form-unknown' } });
  });
});

describe('receipts', () => {
  it('of slow providers do not hold up what wants to leave', async () => {
    const never = new Promise<never>(() => {});
    const providers = [PROVIDER];
    const alice = await sender(new Map(), { providers, providerAt: () => never });
    for (let at = 0; at < 12; at += 1) await send(alice, `slow ${at}`);
    alice.outbox.start();
    const isSent = (one: OutboxEntry): boolean => one.milestoneIndex !== undefined;
    await until(async () => (await alice.outbox.list(99)).filter(isSent).length === 12);
    await send(alice, 'after them');
    await until(async () => (await alice.outbox.list(99)).filter(isSent).length === 13);
    expect(alice.outbox.counts()).toEqual({ queued: 0, failed: 0 });
    // Nothing in this spec ends the requests; in the client, its lifetime does.
    bench.open.splice(bench.open.indexOf(alice.outbox), 1);
  });

  it('that never come for an exact tag make it leave again, for one mail in the end', async () => {
    const before = blocksSoFar();
    const providers = [PROVIDER];
    const disk: Disk = new Map();
    const alice = await sender(disk, { providers });
    // Bob wrote once, so Alice takes contact tags; Bob's provider watches none of them.
    const { account, identity } = { account: bob.account, identity: bob.account.keys.identity };
    const batch = alice.alice.store.batch();
    const keys = {
      accountKey: account.keys.account.publicKey,
      identityKey: identity.publicKey,
    };
    const contact = alice.alice.contacts.recipient(account.address, keys, 0);
    const apply = alice.alice.contacts.put(batch, { ...contact, knowsUs: true });
    await batch.write();
    apply();
    await send(alice, 'ahead of the window');
    alice.outbox.start();
    const entry = (): OutboxEntry | undefined => alice.outbox.get(1);
    await until(() => entry()?.deliveries[0]?.state === 'absent');
    expect(entry()).toMatchObject({ tagKind: 'contact', state: 'confirmed' });
    tangle.aheadMs = RESEND_AFTER_MS + 1_000;
    alice.outbox.start();
    await until(() => entry()?.tagKind === 'stranger' && entry()?.milestoneIndex !== undefined);
    expect(entry()?.history.map((line) => line.state)).toEqual([
      'queued',
      'attached',
      'confirmed',
      'queued',
      'attached',
      'confirmed',
    ]);
    expect(tangle.confirmedEnvelopes(before)).toHaveLength(2);
    tangle.aheadMs = 0;
    expect(await received(before)).toEqual(['ahead of the window']);
  });
});

describe('stopping', () => {
  it('ends a wait for a confirmation at once, and the next start goes on', async () => {
    tangle.confirmNoMore();
    const before = blocksSoFar();
    const disk: Disk = new Map();
    const alice = await sender(disk);
    await send(alice, 'interrupted');
    alice.outbox.start();
    await until(() => alice.outbox.get(1)?.state === 'attached');
    await alice.outbox.stop();
    const { blockId } = alice.outbox.get(1) ?? {};
    tangle.confirmAlways();
    const restarted = await sender(disk);
    restarted.outbox.start();
    await allDone(restarted);
    expect(restarted.outbox.get(1)?.blockId).toBe(blockId);
    expect(await received(before)).toEqual(['interrupted']);
  });
});

describe('a power cut', () => {
  const MAILS = ['first', 'second'];

  /** Runs two mails until they are done or the power goes; writes that the first run made. */
  async function run(disk: Disk, cut?: PowerCut): Promise<number> {
    const alice = await sender(disk, cut === undefined ? {} : { cut });
    alice.outbox.start();
    for (const text of MAILS) await send(alice, text).catch(() => undefined);
    await until(
      async () => alice.isOff() || (await alice.outbox.list(9)).every((one) => one.isDone),
    );
    await alice.outbox.stop();
    return alice.writes();
  }

  /** A disk on which Alice's account was set up. */
  async function freshDisk(): Promise<Disk> {
    const disk: Disk = new Map();
    await sender(disk);
    return disk;
  }

  it('at any write loses no mail that was taken, and doubles none', async () => {
    const writes = await run(await freshDisk());
    expect(writes).toBeGreaterThanOrEqual(8);
    for (let atWrite = 0; atWrite < writes; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const before = blocksSoFar();
        const disk = await freshDisk();
        await run(disk, { atWrite, isApplied });
        const restarted = await sender(disk);
        restarted.outbox.start();
        await allDone(restarted);
        const taken = (await restarted.outbox.list(9)).map((one) => one.subject).toSorted();
        await bench.renew();
        const facts = `write ${atWrite}, applied ${isApplied}`;
        expect([facts, await received(before)]).toEqual([facts, taken]);
        const sent = restarted.alice.messages.list('Sent', 9).map((one) => one.entry.subject);
        expect([facts, sent.toSorted()]).toEqual([facts, taken]);
        await restarted.outbox.stop();
      }
    }
  }, 120_000);

  it('that leaves a disk which takes nothing does not make the outbox spin', async () => {
    const disk = await freshDisk();
    let resolved = 0;
    const errors: unknown[] = [];
    const logger = { ...SILENT_LOGGER, error: (facts: unknown) => errors.push(facts) };
    const alice = await sender(disk, {
      cut: { atWrite: 1, isApplied: false },
      logger,
      watchTags: async () => {
        resolved += 1;
      },
    });
    await send(alice, 'full disk');
    alice.outbox.start();
    await until(() => errors.length > 0);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toHaveLength(1);
    expect(resolved).toBe(0);
    expect(alice.outbox.get(1)?.state).toBe('queued');
  });
});
