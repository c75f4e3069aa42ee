/** Mail that rests before it leaves: undo, a chosen time, and taking it back for sure. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { messageEntries, rawMessageKey } from '../store/collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { Disk } from '../testing/memory-store.ts';
import { OutboxBench, type Sender } from '../testing/outbox-bench.ts';
import { until } from '../testing/small-tangle.ts';
import type { OutboxDeps } from './outbox.ts';

let bench: OutboxBench;

beforeAll(async () => {
  bench = await OutboxBench.start();
});

afterAll(() => bench.tangle.stop());

beforeEach(() => bench.renew());

afterEach(() => bench.rest());

const HOUR_MS = 3_600_000;
const stateOf = ({ outbox }: Sender, id: number): string | undefined => outbox.get(id)?.state;

describe('undo', () => {
  it('holds a mail back so long, and takes it out of the world', async () => {
    const before = bench.blocksSoFar();
    const alice = await bench.sender();
    alice.outbox.start();
    const { id } = await bench.send(alice, 'regretted', { undoMs: 60_000 });
    expect(alice.outbox.get(id)).toMatchObject({ state: 'queued', isDone: false });
    expect(await alice.outbox.recall(id)).toBe(true);
    expect(alice.outbox.get(id)).toMatchObject({ state: 'recalled', isDone: true });
    bench.tangle.aheadMs = 120_000;
    await bench.send(alice, 'after it');
    await bench.allDone(alice);
    expect(await bench.received(before)).toEqual(['after it']);
    expect(await alice.outbox.recall(id)).toBe(false);
  });

  it('over, the mail leaves by itself, also after a restart', async () => {
    const before = bench.blocksSoFar();
    const disk: Disk = new Map();
    const first = await bench.sender(disk);
    const { id } = await bench.send(first, 'kept', { undoMs: 30_000 });
    await first.outbox.stop();
    const again = await bench.sender(disk);
    again.outbox.start();
    expect(again.outbox.get(id)?.root).toBeUndefined();
    bench.tangle.aheadMs = 31_000;
    again.outbox.start();
    await bench.allDone(again);
    expect(await bench.received(before)).toEqual(['kept']);
  });
});

describe('a scheduled mail', () => {
  it('leaves at its time and not before, and is not counted as waiting', async () => {
    const before = bench.blocksSoFar();
    const alice = await bench.sender();
    alice.outbox.start();
    const sendAtMs = bench.tangle.access.clock.nowMs() + HOUR_MS;
    const { id } = await bench.send(alice, 'tomorrow', { sendAtMs });
    expect(alice.outbox.get(id)).toMatchObject({ state: 'scheduled', nextTryAtMs: sendAtMs });
    expect(alice.outbox.counts()).toEqual({ queued: 0, failed: 0 });
    bench.tangle.aheadMs = HOUR_MS + 1_000;
    alice.outbox.start();
    await bench.allDone(alice);
    const states = alice.outbox.get(id)?.history.map((line) => line.state);
    expect(states).toEqual(['scheduled', 'queued', 'attached', 'confirmed']);
    expect(await bench.received(before)).toEqual(['tomorrow']);
  });

  it('outlives the copy in Sent that its user deletes', async () => {
    const before = bench.blocksSoFar();
    const alice = await bench.sender();
    const sendAtMs = bench.tangle.access.clock.nowMs() + HOUR_MS;
    const { id, emailId } = await bench.send(alice, 'only here', { sendAtMs });
    const { store } = alice.alice;
    const key = rawMessageKey(store, emailId);
    const batch = store.batch().del('messageRaw', key);
    for await (const found of store.scan(messageEntries)) batch.del('messageEntry', found.key);
    await batch.write();
    bench.tangle.aheadMs = HOUR_MS + 1_000;
    alice.outbox.start();
    await until(() => alice.outbox.get(id)?.isDone === true);
    expect(await bench.received(before)).toEqual(['only here']);
    expect(store.getBytes('outboxPayload', key)).toBeUndefined();
  });
});

describe('recall', () => {
  /** An issuer that stops before the block leaves, or right after, until it is let go on. */
  function gated(at: 'mining' | 'leaving'): {
    deps: Partial<OutboxDeps>;
    reached: Promise<void>;
    open: () => void;
  } {
    const { issuer } = bench.tangle.access;
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const issue: typeof issuer.issue = async (payload, options) => {
      const stop = async (): Promise<void> => {
        reached.resolve();
        await gate.promise;
      };
      if (at === 'mining') await stop();
      const issued = await issuer.issue(payload, options);
      if (at === 'leaving') await stop();
      return issued;
    };
    const awaitConfirmation: typeof issuer.awaitConfirmation = (issued, options) =>
      issuer.awaitConfirmation(issued, options);
    const tangle = { ...bench.tangle.access, issuer: { issue, awaitConfirmation } as never };
    return { deps: { tangle }, reached: reached.promise, open: () => gate.resolve() };
  }

  it('during the proof of work ends it: no block leaves', async () => {
    const before = bench.blocksSoFar();
    const gate = gated('mining');
    const alice = await bench.sender(new Map(), gate.deps);
    alice.outbox.start();
    const { id } = await bench.send(alice, 'never seen');
    await gate.reached;
    const recalled = alice.outbox.recall(id);
    gate.open();
    expect(await recalled).toBe(true);
    expect(stateOf(alice, id)).toBe('recalled');
    expect(bench.blocksSoFar().size).toBe(before.size);
  });

  it('is too late once a block was given to the node, and says so', async () => {
    const before = bench.blocksSoFar();
    const gate = gated('leaving');
    const alice = await bench.sender(new Map(), gate.deps);
    alice.outbox.start();
    const { id } = await bench.send(alice, 'gone already');
    await gate.reached;
    expect(stateOf(alice, id)).toBe('queued');
    expect(await alice.outbox.recall(id)).toBe(false);
    gate.open();
    await bench.allDone(alice);
    expect(await alice.outbox.recall(id)).toBe(false);
    expect(await bench.received(before)).toEqual(['gone already']);
  });

  it('after a crash during the attachment nobody can promise it any more', async () => {
    const disk: Disk = new Map();
    const gate = gated('mining');
    const first = await bench.sender(disk, gate.deps);
    first.outbox.start();
    const { id } = await bench.send(first, 'perhaps gone');
    await gate.reached;
    const after = await bench.sender(new Map(disk));
    expect(after.outbox.get(id)).toMatchObject({ state: 'queued', isLeaving: true });
    expect(await after.outbox.recall(id)).toBe(false);
    gate.open();
    await bench.allDone(first);
  });

  it('holds whatever write the power goes at: recalled, or delivered once', async () => {
    let isOver = false;
    for (let atWrite = 0; !isOver; atWrite += 1) {
      for (const isApplied of [false, true]) {
        await bench.renew();
        const before = bench.blocksSoFar();
        const disk: Disk = new Map();
        // The account is there already: its own first writes are not what is cut.
        await (await bench.sender(disk)).outbox.stop();
        const cut = { atWrite, isApplied };
        const alice = await bench.sender(disk, { cut });
        alice.outbox.start();
        const sent = await bench.send(alice, 'mind', { undoMs: 60_000 }).catch(() => undefined);
        const answer = await alice.outbox.recall(sent?.id ?? 1).catch(() => undefined);
        await alice.outbox.stop();
        isOver = !alice.isOff();
        bench.tangle.aheadMs = 61_000;
        const after = await bench.sender(disk);
        after.outbox.start();
        await bench.allDone(after);
        const mails = await bench.received(before);
        const entry: OutboxEntry | undefined = after.outbox.get(1);
        const isGone = entry === undefined || entry.state === 'recalled';
        const facts = `write ${atWrite}, applied ${isApplied}`;
        expect([facts, mails]).toEqual([facts, isGone ? [] : ['mind']]);
        expect([facts, answer === true && !isGone]).toEqual([facts, false]);
        await bench.rest();
      }
    }
  });
});

describe('what the recipient has acknowledged', () => {
  it('is noted with its time, keeps the furthest state, and ends the waiting', async () => {
    const alice = await bench.sender();
    alice.outbox.start();
    const { id } = await bench.send(alice, 'opened');
    await bench.allDone(alice);
    const told = async (what: 'fetched' | 'read'): Promise<void> => {
      await alice.alice.writes.run(async () => {
        const batch = alice.alice.store.batch();
        const apply = alice.outbox.acknowledge(batch, id, what);
        await batch.write();
        apply();
      });
    };
    await told('read');
    await told('fetched');
    const entry = alice.outbox.get(id);
    expect(entry).toMatchObject({ state: 'read', isDone: true });
    expect(entry?.history.map((line) => line.state).slice(-2)).toEqual(['confirmed', 'read']);
    expect(entry?.confirmedAtMs).toBeLessThanOrEqual(entry?.readAtMs ?? 0);
  });
});
