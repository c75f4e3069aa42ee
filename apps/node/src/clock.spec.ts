/**
 * Nodes whose clocks are wrong by ten minutes: what they do, what /health says, and that all is
 * well once the clock is set right. Spec: docs/spec/14-load.md, "A wrong clock".
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { TestNetwork, until, type TestNode } from './testing/test-network.ts';

const OFF_MS = 10 * 60_000;
const network = new TestNetwork();
afterEach(() => network.closeAll());

const note = (text: string): Payload => ({
  kind: 'tagged-data',
  tag: Buffer.from('note'),
  data: Buffer.from(text),
});

/** A clock that a test sets. */
function clockOff(offMs: number) {
  const clock = { offMs, nowMs: (): number => Date.now() + clock.offMs };
  return clock;
}

const indexOf = ({ node }: TestNode) => node.query.info().status.confirmedMilestone.index;
const clockReasons = ({ node }: TestNode) =>
  node.health().reasons.filter((reason) => reason.includes('clock'));

/** Confirms a few blocks, so that milestones come in their own time. */
async function confirmSome(one: TestNode, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await one.issuer.issueAndConfirm(note(`${Date.now()} ${i}`));
}

describe('a follower with a wrong clock', () => {
  it.each([
    ['behind', -OFF_MS],
    ['ahead', OFF_MS],
  ])(
    'ten minutes %s: follows, names the clock, and is well once it is set',
    async (word, offMs) => {
      const leader = await network.start({ validator: true });
      const clock = clockOff(offMs);
      const follower = await network.start({ peers: [leader], clock });
      await confirmSome(leader, 6);
      await until(() => indexOf(follower) >= indexOf(leader));
      await until(() => clockReasons(follower).length > 0);
      expect(clockReasons(follower)[0]).toMatch(
        new RegExp(`^this machine’s clock is (599|60[0-9]) s ${word}`),
      );
      expect(follower.node.health().reasons.join()).not.toContain('latest milestone');
      expect(clockReasons(leader)).toEqual([]);
      clock.offMs = 0;
      expect(clockReasons(follower)).toEqual([]);
      await confirmSome(leader, 1);
      await until(() => indexOf(follower) >= indexOf(leader));
    },
  );
});

describe('a validator with a wrong clock', () => {
  it('goes on when its clock is set back by ten minutes and set right again', async () => {
    const clock = clockOff(0);
    const one = await network.start({ validator: true, clock });
    await confirmSome(one, 2);
    clock.offMs = -OFF_MS;
    await confirmSome(one, 2);
    await until(() => clockReasons(one).length > 0);
    clock.offMs = 0;
    await confirmSome(one, 4);
    expect(clockReasons(one)).toEqual([]);
  });

  it('ahead: clients refuse its milestones, and goes on once its clock is right', async () => {
    const clock = clockOff(OFF_MS);
    const one = await network.start({ validator: true, clock });
    await expect(one.issuer.issueAndConfirm(note('future'))).rejects.toThrow('milestone-timestamp');
    clock.offMs = 0;
    const { blockId } = await one.issuer.issue(note('after'));
    await until(async () => {
      const { referencedByMilestoneIndex } = await one.client.blockMetadata(blockId);
      return referencedByMilestoneIndex !== undefined;
    });
    expect(clockReasons(one)[0]).toContain('behind the network');
  });
});
