import { describe, expect, it } from '@jest/globals';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import {
  copyOf,
  deliver,
  deviceId,
  logOf,
  openDevice,
  pull,
  writeInto,
} from '../../testing/self-log.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { TEST_NOW } from '../../testing/people.ts';
import {
  DEFAULT_LEASE_SECONDS,
  decodeEpochState,
  encodeEpochState,
  epochOf,
  epochSecrets,
  nextEpochSecret,
  oldestKeptEpoch,
} from '../identity/epoch.ts';
import { compactSelfLog, forgetEpochs, stableHeads } from './compact.ts';
import {
  applySelfLogDiff,
  clockOf,
  headsOf,
  MAX_PAST_CUT,
  MAX_WAITING_PER_DEVICE,
  mergeSelfLogs,
  newSelfLog,
  operationsSince,
  receiveOperation,
  removalOf,
  writeOperation,
} from './log.ts';
import type { SelfLog } from './log.ts';
import type { DeviceId, Operation, OperationBody } from './operation.ts';
import { flagElement, MAX_CLOCK_STEP, MAX_DEVICES } from './operation.ts';
import { encodeSnapshot } from './snapshot.ts';
import { additionsOf, elementsOf, folderOrder, readRegister, viewOf } from './view.ts';

const [A, B, C] = [deviceId(1), deviceId(2), deviceId(3)];
const BOB = '0b'.repeat(24);
const MESSAGE = '11'.repeat(32);
const SEEN = flagElement('\\Seen');
const petname = (name: string): OperationBody => {
  return { kind: 'set', register: 'petname', key: BOB, value: utf8ToBytes(name) };
};
const nameOf = (log: SelfLog): string =>
  String.fromCharCode(...(readRegister(viewOf(log), 'petname', BOB) ?? []));

/** A log in which these devices opened. */
function opened(...devices: DeviceId[]): SelfLog {
  const log = newSelfLog();
  for (const device of devices) openDevice(log, device);
  return log;
}

function remove(log: SelfLog, author: DeviceId, device: DeviceId): Operation[] {
  const body = removalOf(log, author, device);
  if (!body) throw new Error('the device was seen');
  return writeInto(log, author, body);
}

function say(log: SelfLog, ...devices: DeviceId[]): void {
  for (const device of devices) writeInto(log, device, { kind: 'seen', heads: headsOf(log) });
}

describe('an operation', () => {
  it('waits for the one before it, and then both are taken up', () => {
    const source = opened(A);
    const operations = [...source.operations.values()];
    for (const name of ['x', 'y']) operations.push(...writeInto(source, A, petname(name)));
    const [first, second, third] = operations;
    if (!first || !second || !third) throw new Error('three were written');
    const log = newSelfLog();
    expect(deliver(log, third)).toBe('ok');
    expect(deliver(log, second)).toBe('ok');
    expect([log.operations.size, log.waiting.size]).toEqual([0, 2]);
    expect(deliver(log, first)).toBe('ok');
    expect([log.operations.size, log.waiting.size]).toEqual([3, 0]);
    expect(nameOf(log)).toBe('y');
  });

  it('self-log-known', () => {
    const log = opened(A);
    const [again] = writeInto(log, A, petname('x'));
    expect(again && deliver(log, again)).toBe('self-log-known');
    const waiting = { device: B, seq: 5, clock: 9, body: petname('x') };
    expect([deliver(log, waiting), deliver(log, waiting)]).toEqual(['ok', 'self-log-known']);
  });

  it('self-log-fork', () => {
    const log = opened(A);
    writeInto(log, A, petname('x'));
    expect(deliver(log, { device: A, seq: 2, clock: 2, body: petname('y') })).toBe('self-log-fork');
    deliver(log, { device: B, seq: 5, clock: 9, body: petname('x') });
    expect(deliver(log, { device: B, seq: 5, clock: 9, body: petname('y') })).toBe('self-log-fork');
  });

  it('self-log-clock', () => {
    const log = opened(A);
    const at = (clock: number): Operation => ({ device: A, seq: 2, clock, body: petname('x') });
    expect(deliver(log, at(1))).toBe('self-log-clock');
    expect(deliver(log, at(2 + MAX_CLOCK_STEP))).toBe('self-log-clock');
    expect(deliver(log, at(1 + MAX_CLOCK_STEP))).toBe('ok');
  });

  it('that waited and does not follow is refused when its turn comes', () => {
    const log = opened(A);
    deliver(log, { device: A, seq: 3, clock: 2, body: petname('x') });
    expect(deliver(log, { device: A, seq: 2, clock: 2, body: petname('y') })).toBe('ok');
    expect([log.waiting.size, log.heads.get(A)?.seq]).toEqual([0, 2]);
  });

  it('self-log-gap-full, for one device and not for another', () => {
    const log = opened(A, B);
    const ahead = (device: DeviceId, seq: number): Operation => {
      return { device, seq, clock: seq + 9, body: petname('x') };
    };
    for (let seq = 3; seq < 3 + MAX_WAITING_PER_DEVICE; seq++) deliver(log, ahead(A, seq));
    expect(log.waiting.size).toBe(MAX_WAITING_PER_DEVICE);
    expect(deliver(log, ahead(A, 5_000))).toBe('self-log-gap-full');
    expect(deliver(log, ahead(B, 5_000))).toBe('ok');
  });

  it('self-log-full', () => {
    const log = opened(...Array.from({ length: MAX_DEVICES }, (_, index) => deviceId(index)));
    const body = { kind: 'device-add', name: Uint8Array.of(65), key: new Uint8Array(32) } as const;
    const one = { device: deviceId(200), seq: 1, clock: 1, body };
    expect(codeOf(receiveOperation(log, one))).toBe('self-log-full');
    expect(codeOf(mergeSelfLogs(log, opened(deviceId(200))))).toBe('self-log-full');
  });

  it('changes nothing before its diff is applied', () => {
    const log = opened(A);
    const before = structuredClone(log);
    receiveOperation(log, { device: A, seq: 2, clock: 2, body: petname('x') });
    writeOperation(log, A, petname('x'));
    compactSelfLog(log);
    expect(log).toEqual(before);
  });
});

describe('a clock', () => {
  it('that jumps as far as it may wins only until the others have seen it', () => {
    const log = opened(A, B);
    const other = copyOf(log);
    // B's program is broken, or its owner is hostile: it takes the largest step every time.
    for (let seq = 2; seq <= 50; seq++) {
      const clock = 2 + (seq - 1) * MAX_CLOCK_STEP;
      expect(deliver(log, { device: B, seq, clock, body: petname('from B') })).toBe('ok');
    }
    writeInto(other, A, petname('meanwhile'));
    const joined = valueOf(mergeSelfLogs(log, other));
    expect(nameOf(joined)).toBe('from B');
    // 48 steps of climbing, and the 49th is the writing itself.
    const climb = writeInto(joined, A, petname('from A'));
    expect(nameOf(joined)).toBe('from A');
    expect(climb.map((one) => one.body.kind).filter((kind) => kind === 'seen')).toHaveLength(48);
    for (const one of climb) expect(deliver(log, one)).toBe('ok');
  });

  it('never reaches the end of its numbers', () => {
    expect(0xffff_ffff * MAX_CLOCK_STEP).toBeLessThan(2 ** 52);
    const log = opened(A);
    log.heads.set(A, { seq: 0xffff_ffff, clock: 5, dropped: 0xffff_ffff });
    expect(writeOperation(log, A, petname('x'))).toBeUndefined();
  });
});

describe('sets and registers', () => {
  it('keep what was added while another device removed it', () => {
    const a = opened(A, B);
    writeInto(a, A, { kind: 'add', set: 'flag', owner: MESSAGE, element: SEEN });
    const b = copyOf(a);
    const dots = additionsOf(viewOf(a), 'flag', MESSAGE, SEEN).map(({ device, seq }) => {
      return { device, seq };
    });
    writeInto(a, A, { kind: 'remove', dots });
    expect(elementsOf(viewOf(a), 'flag', MESSAGE)).toEqual([]);
    writeInto(b, B, { kind: 'add', set: 'flag', owner: MESSAGE, element: SEEN });
    pull(a, b);
    expect(elementsOf(viewOf(a), 'flag', MESSAGE)).toEqual([SEEN]);
  });

  it('give a deleted register no value, until somebody writes it again', () => {
    const log = opened(A, B);
    writeInto(log, A, petname('x'));
    writeInto(log, B, { kind: 'set', register: 'petname', key: BOB });
    expect(readRegister(viewOf(log), 'petname', BOB)).toBeUndefined();
    writeInto(log, A, petname('y'));
    expect(nameOf(log)).toBe('y');
  });

  it('give two devices one order of a folder, by when each message came into it', () => {
    const a = opened(A, B);
    const b = copyOf(a);
    const inbox = 'f0'.repeat(16);
    const put = (log: SelfLog, device: DeviceId, owner: string): void => {
      writeInto(log, device, { kind: 'add', set: 'folder', owner, element: inbox });
    };
    put(a, A, '03');
    put(b, B, '01');
    put(a, A, '02');
    put(b, B, '03');
    pull(a, b);
    pull(b, a);
    expect(folderOrder(viewOf(a), inbox)).toEqual(['03', '01', '02']);
    expect(folderOrder(viewOf(b), inbox)).toEqual(['03', '01', '02']);
    expect(folderOrder(viewOf(a), 'f1'.repeat(16))).toEqual([]);
  });
});

describe('a removed device', () => {
  it('counts up to what its remover had seen, whichever came first', () => {
    const a = opened(A, B);
    writeInto(a, B, petname('seen'));
    const b = copyOf(a);
    remove(a, A, B);
    writeInto(b, B, petname('after'));
    expect(nameOf(pull(copyOf(b), a))).toBe('seen');
    expect(nameOf(pull(a, b))).toBe('seen');
    expect(viewOf(a).devices.map((one) => one.device)).toEqual([A]);
    expect([...viewOf(a).removed]).toEqual([[B, 2]]);
  });

  it('self-log-device-removed', () => {
    const log = opened(A, B);
    const b = copyOf(log);
    remove(log, A, B);
    for (let index = 0; index < MAX_PAST_CUT; index++) {
      for (const one of writeInto(b, B, petname('x'))) expect(deliver(log, one)).toBe('ok');
    }
    const [last] = writeInto(b, B, petname('x'));
    expect(last && deliver(log, last)).toBe('self-log-device-removed');
    expect(nameOf(log)).toBe('');
  });

  it('cannot undo its removal, and what it removed afterwards comes back', () => {
    const log = opened(A, B, C);
    const b = copyOf(log);
    const c = copyOf(log);
    remove(b, B, C);
    writeInto(c, C, petname('kept'));
    // Its own removal comes later in the order than what it did, and undoes it all the same.
    say(log, A);
    remove(log, A, B);
    pull(pull(log, b), c);
    expect(nameOf(log)).toBe('kept');
    expect([...viewOf(log).removed.keys()]).toEqual([B]);
  });

  it('and its remover, who remove each other at once: the earlier removal holds everywhere', () => {
    const a = opened(A, B);
    const b = copyOf(a);
    writeInto(a, A, petname('x'));
    remove(a, A, B);
    remove(b, B, A);
    const before = copyOf(a);
    pull(a, b);
    pull(b, before);
    expect([...viewOf(a).removed.keys()]).toEqual([A]);
    expect(viewOf(b)).toEqual(viewOf(a));
  });

  it('that left by itself counts in full', () => {
    const log = opened(A, B);
    remove(log, B, B);
    writeInto(log, B, petname('x'));
    expect(nameOf(log)).toBe('x');
    expect(viewOf(log).devices.map((one) => one.device)).toEqual([A]);
    expect(removalOf(log, A, C)).toBeUndefined();
  });
});

describe('compaction', () => {
  it('waits for every listed device, and goes on without a removed one', () => {
    const log = opened(A, B);
    writeInto(log, A, petname('x'));
    writeInto(log, A, petname('y'));
    say(log, A);
    expect(compactSelfLog(log).drop).toEqual([]);
    remove(log, A, B);
    say(log, A);
    expect(stableHeads(log).get(A)).toBe(log.heads.get(A)?.seq);
    applySelfLogDiff(log, compactSelfLog(log));
    expect(nameOf(log)).toBe('y');
    // Left: two openings, the name, the removal, what A said last.
    expect(log.operations.size).toBe(5);
  });

  it('lets nothing that does not count supersede or take back what does', () => {
    const log = opened(A, B);
    writeInto(log, A, petname('kept'));
    writeInto(log, A, { kind: 'add', set: 'flag', owner: MESSAGE, element: SEEN });
    const b = copyOf(log);
    remove(log, A, B);
    writeInto(b, B, petname('lost'));
    writeInto(b, B, { kind: 'remove', dots: [{ device: A, seq: 3 }] });
    pull(log, b);
    say(log, A);
    const { drop } = compactSelfLog(log);
    expect(drop.map((one) => [one.device, one.seq])).toEqual([
      [B, 2],
      [B, 3],
    ]);
    applySelfLogDiff(log, compactSelfLog(log));
    expect(nameOf(log)).toBe('kept');
    expect(elementsOf(viewOf(log), 'flag', MESSAGE)).toEqual([SEEN]);
  });

  it('keeps a removal until all have what it names, which may come later', () => {
    const log = opened(A, B);
    writeInto(log, B, { kind: 'add', set: 'flag', owner: MESSAGE, element: SEEN });
    writeInto(log, A, { kind: 'remove', dots: [{ device: B, seq: 2 }] });
    const heads = [
      { device: A, seq: 2 },
      { device: B, seq: 1 },
    ];
    writeInto(log, A, { kind: 'seen', heads });
    writeInto(log, B, { kind: 'seen', heads });
    expect(stableHeads(log).get(A)).toBe(2);
    applySelfLogDiff(log, compactSelfLog(log));
    expect(elementsOf(viewOf(log), 'flag', MESSAGE)).toEqual([]);
  });

  it('drops an element with its removal, and no old copy brings it back', () => {
    const log = opened(A, B);
    writeInto(log, A, { kind: 'add', set: 'flag', owner: MESSAGE, element: SEEN });
    const backup = copyOf(log);
    writeInto(log, B, { kind: 'remove', dots: [{ device: A, seq: 2 }] });
    say(log, A, B);
    applySelfLogDiff(log, compactSelfLog(log));
    expect([...log.operations.values()].map((one) => one.body.kind).toSorted()).toEqual([
      'device-add',
      'device-add',
      'seen',
      'seen',
    ]);
    expect(operationsSince(log, headsOf(backup))).toBeUndefined();
    const restored = pull(backup, log);
    expect(elementsOf(viewOf(restored), 'flag', MESSAGE)).toEqual([]);
    expect(bytesToHex(valueOf(encodeSnapshot(restored)))).toBe(
      bytesToHex(valueOf(encodeSnapshot(log))),
    );
  });

  it('keeps the writing that won, so that a late one of before loses as it would have', () => {
    const log = opened(A, B);
    writeInto(log, A, petname('x'));
    const backup = copyOf(log);
    writeInto(log, A, petname('y'));
    writeInto(log, B, { kind: 'set', register: 'petname', key: BOB });
    say(log, A, B);
    openDevice(backup, C);
    applySelfLogDiff(log, compactSelfLog(log));
    expect(nameOf(pull(backup, log))).toBe('');
  });
});

describe('epochs', () => {
  const secret = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
  const now = epochOf(TEST_NOW);
  const line = (from: number, previousUntil: number, fill: number): OperationBody => {
    return { kind: 'epoch-line', from, epoch: from, previousUntil, secret: secret(fill) };
  };

  it('keep the lines that two devices mixed at the same time, newest first', () => {
    const a = opened(A, B);
    writeInto(a, A, line(now - 4, 0, 1));
    const b = copyOf(a);
    writeInto(a, A, line(now + 1, now + 7, 2));
    writeInto(b, B, line(now + 1, now + 7, 3));
    pull(a, b);
    const state = viewOf(a).epochs;
    if (!state) throw new Error('lines were written');
    expect(state.lines.map((one) => one.secret[0])).toEqual([3, 2, 1]);
    expect(state.lines.map((one) => one.lastEpoch)).toEqual([0xffff_ffff, now + 8, now + 7]);
    expect(valueOf(decodeEpochState(encodeEpochState(state)))).toEqual(state);
    expect(valueOf(epochSecrets(state, now + 1))).toHaveLength(3);
    expect(viewOf(opened(A)).epochs).toBeUndefined();
  });

  it('are forgotten, and a backup that still knows them does not bring them back', () => {
    const log = opened(A);
    writeInto(log, A, line(now - 30, 0, 1));
    writeInto(log, A, line(now - 10, now - 9, 2));
    const backup = copyOf(log);
    const oldest = oldestKeptEpoch(TEST_NOW, DEFAULT_LEASE_SECONDS);
    applySelfLogDiff(log, forgetEpochs(log, TEST_NOW, DEFAULT_LEASE_SECONDS));
    let expected = secret(2);
    for (let epoch = now - 10; epoch < oldest; epoch++) expected = nextEpochSecret(expected);
    const left = { epoch: oldest, lastEpoch: 0xffff_ffff, secret: expected };
    expect(viewOf(log).epochs?.lines).toEqual([left]);
    for (const merged of [mergeSelfLogs(log, backup), mergeSelfLogs(backup, log)]) {
      expect(viewOf(valueOf(merged)).epochs?.lines).toEqual([left]);
    }
    expect(forgetEpochs(log, TEST_NOW, DEFAULT_LEASE_SECONDS).replace).toEqual([]);
  });

  it('of a 30-day-old backup still open every letter that a provider may hold', () => {
    const then = TEST_NOW - DEFAULT_LEASE_SECONDS;
    const log = opened(A);
    writeInto(log, A, line(epochOf(then) - 20, 0, 1));
    applySelfLogDiff(log, forgetEpochs(log, then, DEFAULT_LEASE_SECONDS));
    const backup = copyOf(log);
    applySelfLogDiff(log, forgetEpochs(log, TEST_NOW, DEFAULT_LEASE_SECONDS));
    for (const one of [backup, pull(copyOf(backup), log)]) {
      const state = viewOf(one).epochs;
      const oldest = oldestKeptEpoch(TEST_NOW, DEFAULT_LEASE_SECONDS);
      for (let epoch = oldest; epoch <= now; epoch++) {
        expect(state && epochSecrets(state, epoch).ok).toBe(true);
      }
    }
  });
});

describe('a merge', () => {
  it('takes up what waited on one side once the other side has what was missing', () => {
    const whole = opened(A);
    const part = copyOf(whole);
    const [second] = writeInto(whole, A, petname('x'));
    const [third] = writeInto(whole, A, petname('y'));
    if (!second || !third) throw new Error('two were written');
    deliver(part, third);
    const other = logOf([...copyOf(part).operations.values(), second]);
    const merged = valueOf(mergeSelfLogs(part, other));
    expect([nameOf(merged), merged.waiting.size, clockOf(merged)]).toEqual(['y', 0, third.clock]);
  });
});
