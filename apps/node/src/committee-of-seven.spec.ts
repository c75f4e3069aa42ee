// Seven seats, of which two may be down, as whole nodes over the loopback.
import { afterEach, describe, expect, it } from '@jest/globals';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { TestNetwork } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

describe('a committee of seven', () => {
  it('goes on without two, stands still without three, resumes within three views', async () => {
    const net = new CommitteeNetwork(network, { seats: 7 });
    await net.start();
    net.users();
    await net.allSpeak();
    await net.goesOn(4);
    await net.stop([2, 5]);
    await net.goesOn(6);
    await net.stop([0]);
    const [stood = 0] = await net.standsStill();
    const view = await net.viewOf(1);
    // The one that is back leads no view that was entered without it: others wait in theirs.
    await net.start([0]);
    await net.goesOn(1);
    const { header } = await net.milestone(net.at(1), stood + 1);
    expect(Number(header.view)).toBeLessThanOrEqual(view + 3);
    await net.start([2, 5]);
    await net.goesOn(4);
    expect(await net.forks()).toEqual([]);
    await net.stop();
    for (const seat of Array(7).keys()) expect(await net.evidence(seat)).toEqual([]);
  }, 240_000);
});
