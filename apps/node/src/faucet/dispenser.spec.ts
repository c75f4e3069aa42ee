import { afterEach, describe, expect, it } from '@jest/globals';
import type { Address, BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { Dispenser, type Payment } from './dispenser.ts';

const address = (n: number) => n.toString(16).padStart(64, '0') as Address;
const OPTIONS = { amount: 100n, amountMin: 10n, perAddressPerHour: 2, totalPerHour: 5 };

class World {
  readonly paid: Payment[][] = [];
  nowMs = 1_000;
  fails = false;
  readonly dispenser: Dispenser;

  constructor(options = OPTIONS) {
    this.dispenser = new Dispenser(options, {
      send: async (payments, onIssued) => {
        await new Promise(setImmediate);
        if (this.fails) throw new Error('no tokens');
        this.paid.push([...payments]);
        onIssued(`${this.paid.length}`.padStart(64, '0') as BlockId);
        await new Promise(setImmediate);
      },
      clock: { nowMs: () => this.nowMs },
      logger: SILENT_LOGGER,
    });
    this.dispenser.start();
  }
}

let world: World;
afterEach(() => world.dispenser.stop());

describe('dispenser', () => {
  it('pays all who wait in one transaction', async () => {
    world = new World();
    const grants = await Promise.all([1, 2, 3].map((n) => world.dispenser.request(address(n))));
    expect(world.paid).toHaveLength(1);
    expect(world.paid[0]).toHaveLength(3);
    expect(new Set(grants.map(({ blockId }) => blockId)).size).toBe(1);
    expect(grants[0]).toMatchObject({ address: address(1), amount: 100n });
  });

  it('gives the same answer to an address that asks again meanwhile', async () => {
    world = new World();
    const [first, second] = [
      world.dispenser.request(address(1)),
      world.dispenser.request(address(1), 50n),
    ];
    expect(await first).toBe(await second);
    expect(world.paid.flat()).toHaveLength(1);
  });

  it('faucet-limit: per address, and in all, within an hour', async () => {
    world = new World();
    const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
    for (let round = 0; round < 2; round++) {
      await world.dispenser.request(address(1));
      await settle();
    }
    await expect(world.dispenser.request(address(1))).rejects.toMatchObject({
      code: 'faucet-limit',
    });
    await Promise.all([2, 3, 4].map((n) => world.dispenser.request(address(n))));
    await expect(world.dispenser.request(address(5))).rejects.toThrow(/5 requests per hour in all/);
    world.nowMs += 3_600_001;
    await settle();
    expect(await world.dispenser.request(address(1))).toMatchObject({ amount: 100n });
  });

  it('faucet-amount: outside of what an output needs and the faucet gives', async () => {
    world = new World();
    for (const amount of [9n, 101n]) {
      await expect(world.dispenser.request(address(1), amount)).rejects.toMatchObject({
        code: 'faucet-amount',
      });
    }
    expect(await world.dispenser.request(address(1), 10n)).toMatchObject({ amount: 10n });
  });

  it('faucet-failed: tells all who wait, and pays the next ones', async () => {
    world = new World();
    world.fails = true;
    await expect(world.dispenser.request(address(1))).rejects.toMatchObject({
      code: 'faucet-failed',
    });
    world.fails = false;
    expect(await world.dispenser.request(address(2))).toMatchObject({ address: address(2) });
  });

  it('faucet-busy: when too many wait', async () => {
    world = new World({ ...OPTIONS, totalPerHour: 100_000 });
    const all = Array.from({ length: 1_001 }, (_, n) => world.dispenser.request(address(n)));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'faucet-busy' });
    await Promise.all(all.slice(0, -1));
    expect(world.paid.every((payments) => payments.length <= 100)).toBe(true);
  });
});
