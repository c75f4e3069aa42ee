/** A network that has stopped keeps no process alive. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import { connected, startNode, stopAll } from './testing/network-nodes.ts';

afterEach(stopAll);

const timers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a network that has stopped', () => {
  it('leaves no timer behind', async () => {
    const before = timers();
    const one = await startNode();
    const other = await startNode({ peers: one.network.addresses() });
    await until(connected(other, 1));
    expect(timers()).toBeGreaterThan(before);
    await stopAll();
    // What sockets still say when they close clears the timers of their streams.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
