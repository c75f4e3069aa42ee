/** Any history of an account: devices that write, meet, compact, are removed and are restored. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { copyOf, deliver, deviceId, logOf, pull, writeInto } from '../../testing/self-log.ts';
import { openDevice } from '../../testing/self-log.ts';
import { valueOf } from '../../testing/vectors.ts';
import { compactSelfLog } from './compact.ts';
import type { SelfLog } from './log.ts';
import { applySelfLogDiff, headsOf, mergeSelfLogs, newSelfLog, removalOf } from './log.ts';
import type { DeviceId, Operation } from './operation.ts';
import { encodeSnapshot } from './snapshot.ts';
import { additionsOf, viewOf } from './view.ts';

const DEVICES = [1, 2, 3, 4].map(deviceId);
const at = fc.nat(DEVICES.length - 1);
const key = fc.constantFrom('01', '02');
const write = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), by: at, key, value: fc.option(fc.nat(255)) }),
  fc.record({ kind: fc.constant('add' as const), by: at, key }),
  fc.record({ kind: fc.constant('take' as const), by: at, key }),
);
const meet = fc.record({ kind: fc.constant('meet' as const), by: at, with: at });
const copy = fc.record({ kind: fc.constant('copy' as const), by: at, with: at });
const remove = fc.record({ kind: fc.constant('remove' as const), by: at, target: at });
const firstRemoves = fc.record({
  kind: fc.constant('remove' as const),
  by: fc.constant(0),
  target: fc.integer({ min: 1, max: DEVICES.length - 1 }),
});
const compact = fc.record({ kind: fc.constant('compact' as const), by: at });
const say = fc.record({ kind: fc.constant('say' as const), by: at });
/** Everybody meets one device, says what it has seen, and meets it again: then much is stable. */
const gather = fc.record({ kind: fc.constant('gather' as const), by: at });
type Step =
  | (typeof write extends fc.Arbitrary<infer T> ? T : never)
  | (typeof meet extends fc.Arbitrary<infer T> ? T : never)
  | (typeof copy extends fc.Arbitrary<infer T> ? T : never)
  | (typeof remove extends fc.Arbitrary<infer T> ? T : never)
  | (typeof compact extends fc.Arbitrary<infer T> ? T : never)
  | (typeof say extends fc.Arbitrary<infer T> ? T : never)
  | (typeof gather extends fc.Arbitrary<infer T> ? T : never);

interface Account {
  readonly logs: SelfLog[];
  readonly written: Operation[];
}

/** Runs a history; every device starts with all devices opened. */
function play(steps: readonly Step[]): Account {
  const start = newSelfLog();
  const written = DEVICES.flatMap((device) => openDevice(start, device));
  const account = { logs: DEVICES.map(() => copyOf(start)), written };
  for (const step of steps) playStep(account, step);
  return account;
}

function playStep(account: Account, step: Step): void {
  const { logs, written } = account;
  const [log, device] = [logs[step.by], DEVICES[step.by]];
  if (!log || !device) throw new Error('no such device');
  const other = 'with' in step ? logs[step.with] : undefined;
  if (step.kind === 'gather') gatherAt(account, step.by);
  else if (step.kind === 'meet' && other) logs[step.by] = pull(log, other);
  else if (step.kind === 'copy' && other) {
    logs[step.by] = valueOf(mergeSelfLogs(log, copyOf(other)));
  } else if (step.kind === 'compact') applySelfLogDiff(log, compactSelfLog(log));
  else written.push(...writeStep(log, device, step));
}

function gatherAt(account: Account, by: number): void {
  const others = DEVICES.map((_, index) => index).filter((index) => index !== by);
  for (const other of others) playStep(account, { kind: 'meet', by, with: other });
  for (const other of others) playStep(account, { kind: 'meet', by: other, with: by });
  DEVICES.forEach((_, index) => playStep(account, { kind: 'say', by: index }));
  for (const other of others) playStep(account, { kind: 'meet', by, with: other });
}

function writeStep(log: SelfLog, device: DeviceId, step: Step): Operation[] {
  switch (step.kind) {
    case 'set': {
      const value = step.value === null ? {} : { value: Uint8Array.of(step.value) };
      return writeInto(log, device, { kind: 'set', register: 'petname', key: step.key, ...value });
    }
    case 'add':
      return writeInto(log, device, { kind: 'add', set: 'folder', owner: step.key, element: 'ff' });
    case 'take': {
      const held = additionsOf(viewOf(log), 'folder', step.key, 'ff');
      const dots = held.map((one) => ({ device: one.device, seq: one.seq }));
      dots.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.seq - b.seq));
      return dots.length === 0 ? [] : writeInto(log, device, { kind: 'remove', dots });
    }
    case 'say':
      return writeInto(log, device, { kind: 'seen', heads: headsOf(log) });
    case 'remove': {
      const body = removalOf(log, device, DEVICES[step.target] ?? device);
      return body ? writeInto(log, device, body) : [];
    }
    default:
      return [];
  }
}

/** Everybody meets everybody until nobody has anything new. */
function heal(logs: SelfLog[], join: (to: SelfLog, from: SelfLog) => SelfLog): void {
  for (let round = 0; round < 2; round++) {
    logs.forEach((_, to) =>
      logs.forEach((__, from) => {
        const [a, b] = [logs[to], logs[from]];
        if (a && b && to !== from) logs[to] = join(a, b);
      }),
    );
  }
}

const mergeCopy = (to: SelfLog, from: SelfLog): SelfLog => valueOf(mergeSelfLogs(to, copyOf(from)));
const bytesOf = (log: SelfLog): string => bytesToHex(valueOf(encodeSnapshot(log)));
const history = (...kinds: fc.Arbitrary<Step>[]) => fc.array(fc.oneof(...kinds), { maxLength: 60 });

describe('any history', () => {
  it('ends in the same log, in any order of delivery and with repetition', () => {
    fc.assert(
      fc.property(
        history(write, write, meet, remove),
        fc.infiniteStream(fc.nat()),
        (steps, order) => {
          const { logs, written } = play(steps);
          const ranked = written.map((operation) => ({ operation, rank: order.next().value ?? 0 }));
          ranked.sort((a, b) => a.rank - b.rank);
          const shuffled = logOf(ranked.map((one) => one.operation));
          for (const one of written.slice(0, 20))
            expect(deliver(shuffled, one)).toBe('self-log-known');
          const inOrder = logOf(written);
          expect(shuffled.waiting.size).toBe(0);
          expect(bytesOf(shuffled)).toBe(bytesOf(inOrder));
          heal(logs, mergeCopy);
          for (const log of logs) expect(bytesOf(log)).toBe(bytesOf(inOrder));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('shows the same with compaction at any time as without', () => {
    // Long, and with few removals: a device must have written much that others dropped before.
    const often = fc.oneof(write, write, write, meet, meet, copy, say, gather, compact);
    const step = fc.oneof({ arbitrary: often, weight: 40 }, { arbitrary: firstRemoves, weight: 1 });
    const steps = fc.array(step, { minLength: 40, maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(steps, (all) => {
        const { logs, written } = play(all);
        heal(logs, pull);
        const reference = viewOf(logOf(written));
        for (const log of logs) expect(viewOf(log)).toEqual(reference);
        for (const log of logs) {
          applySelfLogDiff(log, compactSelfLog(log));
          expect(viewOf(log)).toEqual(reference);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('converges also when devices remove each other while they compact', () => {
    fc.assert(
      fc.property(history(write, write, meet, copy, say, gather, compact, remove), (steps) => {
        const { logs } = play(steps);
        heal(logs, mergeCopy);
        const [first] = logs;
        for (const log of logs) expect(first && bytesOf(log)).toBe(first && bytesOf(first));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a merge', () => {
  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(history(write, write, meet, copy, say, gather, compact, remove), (steps) => {
        const [a, b, c] = play(steps).logs;
        if (!a || !b || !c) throw new Error('three logs');
        const merge = (x: SelfLog, y: SelfLog): SelfLog => valueOf(mergeSelfLogs(x, y));
        expect(bytesOf(merge(a, b))).toBe(bytesOf(merge(b, a)));
        expect(bytesOf(merge(merge(a, b), c))).toBe(bytesOf(merge(a, merge(b, c))));
        expect(bytesOf(merge(a, a))).toBe(bytesOf(a));
        expect(bytesOf(merge(merge(a, b), b))).toBe(bytesOf(merge(a, b)));
      }),
      { numRuns: 150 },
    );
  });

  it('of a backup with the present log gives the present log, and keeps what is new', () => {
    const steps = history(write, write, meet, say, gather, compact, firstRemoves);
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const account = play(before);
        const backup = copyOf(account.logs[0] ?? newSelfLog());
        for (const step of after) playStep(account, step);
        heal(account.logs, pull);
        const [present] = account.logs;
        if (!present) throw new Error('a device is there');
        expect(bytesOf(mergeCopy(present, backup))).toBe(bytesOf(present));
        // The restored device goes on under a new name: its old numbers may be used already.
        const restored = copyOf(backup);
        const again = deviceId(9);
        openDevice(restored, again);
        const body = {
          kind: 'set',
          register: 'setting',
          key: '09',
          value: Uint8Array.of(9),
        } as const;
        writeInto(restored, again, body);
        expect(viewOf(pull(restored, present))).toEqual(viewOf(pull(present, restored)));
        expect(viewOf(present).registers.has('setting/09')).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
