/** A view that goes along with its log is the one that would be read anew. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { copyOf, deliver, deviceId, openDevice, writeInto } from '../../testing/self-log.ts';
import { compactSelfLog } from './compact.ts';
import { followLog, liveViewOf } from './live-view.ts';
import type { SelfLogDiff } from './log.ts';
import {
  applySelfLogDiff,
  headsOf,
  newSelfLog,
  receiveOperation,
  removalOf,
  type SelfLog,
} from './log.ts';
import type { DeviceId, Operation } from './operation.ts';
import { additionsOf, viewOf } from './view.ts';

const DEVICES = [1, 2, 3].map(deviceId);
const OWNERS = ['aa', 'bb'];
const step = fc.record({
  by: fc.nat(2),
  what: fc.constantFrom('set', 'unset', 'add', 'add', 'take', 'seen', 'sync', 'remove'),
  at: fc.nat(1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function write(log: SelfLog, device: DeviceId, { what, at }: Step): Operation[] {
  const owner = OWNERS[at] ?? 'aa';
  switch (what) {
    case 'set':
      return writeInto(log, device, {
        kind: 'set',
        register: 'petname',
        key: owner,
        value: Uint8Array.of(at),
      });
    case 'unset':
      return writeInto(log, device, { kind: 'set', register: 'petname', key: owner });
    case 'add':
      return writeInto(log, device, { kind: 'add', set: 'flag', owner, element: 'ff' });
    case 'take': {
      const held = additionsOf(viewOf(log), 'flag', owner, 'ff');
      const dots = held.map((one) => ({ device: one.device, seq: one.seq }));
      dots.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : a.seq - b.seq));
      return dots.length === 0 ? [] : writeInto(log, device, { kind: 'remove', dots });
    }
    case 'seen':
      return writeInto(log, device, { kind: 'seen', heads: headsOf(log) });
    case 'remove': {
      const body = at === 0 ? removalOf(log, device, DEVICES[2] ?? device) : undefined;
      return body === undefined ? [] : writeInto(log, device, body);
    }
    default:
      return [];
  }
}

/** Everything that devices with logs of their own wrote, which met now and then. */
function written(steps: readonly Step[]): Operation[] {
  const start = newSelfLog();
  const all = DEVICES.flatMap((device) => openDevice(start, device));
  const logs = DEVICES.map(() => copyOf(start));
  for (const one of steps) {
    const [log, device] = [logs[one.by], DEVICES[one.by]];
    if (log === undefined || device === undefined) throw new Error('no such device');
    if (one.what === 'sync') all.forEach((operation) => deliver(log, operation));
    all.push(...write(log, device, one));
  }
  return all;
}

describe('a view that goes along', () => {
  it('is the view of the log, whatever comes in whatever order, compacted or not', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        fc.nat(5),
        (steps, chance, compactEvery) => {
          const operations = written(steps)
            .map((operation) => ({ operation, at: chance.next().value ?? 0 }))
            .toSorted((a, b) => a.at - b.at);
          const log = newSelfLog();
          let view = liveViewOf(log);
          const follow = (diff: SelfLogDiff): void => {
            applySelfLogDiff(log, diff);
            view = followLog(view, log, diff);
            const { takenBack: _taken, said: _said, ...shown } = view;
            expect(shown).toEqual(viewOf(log));
          };
          operations.forEach(({ operation }, index) => {
            const received = receiveOperation(log, operation);
            if (received.ok) follow(received.value);
            if (compactEvery > 0 && index % compactEvery === 0) follow(compactSelfLog(log));
          });
          expect(view.said).toEqual(liveViewOf(log).said);
        },
      ),
      { numRuns: 150 },
    );
  });
});
