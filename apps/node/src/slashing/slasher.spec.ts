import { describe, expect, it } from '@jest/globals';
import { bytesToHex, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Transaction } from '@tanglemail/tangle/core/codec/transaction.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { fail, succeed } from '@tanglemail/tangle/core/outcome.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import { twoVotes } from '../testing/contradiction.ts';
import { TEST_PARAMS, testKey } from '../testing/test-network.ts';
import { Slasher, type SlasherOptions, type UnspentBond } from './slasher.ts';

const NETWORK = 7n;
const KEY = testKey(3);
const OWNER = testKey(4).address;
const EVIDENCE = twoVotes(
  { networkId: NETWORK, key: KEY, seat: 1, seats: 4 },
  { epoch: 0, view: 5n },
);

function bondOf(number: number, publicKey = KEY.publicKey): UnspentBond {
  const outputId = number.toString(16).padStart(68, '0') as OutputId;
  const bond = { kind: 'validator-bond', amount: 16_000n, publicKey, owner: OWNER } as const;
  return { outputId, bond: { ...bond, unbondAt: 0 } };
}

/** A slasher over a ledger of bonds, which attaches into a list. */
class World {
  bonds: UnspentBond[] = [];
  isFollowing = true;
  refuses = false;
  /** How often the ledger was asked for bonds. */
  asked = 0;
  readonly attached: Transaction[] = [];
  readonly slasher: Slasher;
  #index = 100;

  constructor(options: Partial<SlasherOptions> = {}) {
    this.slasher = new Slasher(
      {
        networkId: NETWORK,
        params: TEST_PARAMS,
        rewardAddress: undefined,
        isPatient: false,
        ...options,
      },
      {
        hasher: nobleHasher,
        committees: { of: () => [testKey(2).publicKey, KEY.publicKey] },
        kept: () => Promise.resolve([EVIDENCE]),
        bondsOf: (publicKey, limit) => {
          this.asked += 1;
          const key = bytesToHex(publicKey);
          const own = this.bonds.filter(({ bond }) => bytesToHex(bond.publicKey) === key);
          return Promise.resolve(own.slice(0, limit));
        },
        isSlashed: () => Promise.resolve(true),
        attach: (bytes) => {
          const payload = decodePayload(bytes);
          if (!payload.ok || payload.value.kind !== 'transaction')
            throw new Error('no transaction');
          if (this.refuses) return Promise.resolve(fail('queue-full'));
          this.attached.push(payload.value);
          return Promise.resolve(succeed(undefined));
        },
        isFollowing: () => this.isFollowing,
        logger: SILENT_LOGGER,
        onSlashed: () => undefined,
      },
    );
  }

  async start(): Promise<void> {
    await this.slasher.start(this.#index);
    await this.#settled();
  }

  /** A milestone that makes this bond. */
  async confirmBond(bond: UnspentBond): Promise<void> {
    this.bonds.push(bond);
    await this.confirm(1, [{ output: bond.bond }]);
  }

  /** Milestones, by default without bonds; each is worked off before the next. */
  async confirm(count: number, created: readonly object[] = []): Promise<void> {
    for (let each = 0; each < count; each++) {
      this.#index += 1;
      const header = { index: this.#index };
      const result = { diff: { created, consumed: [] } };
      const confirmed = { milestone: { header }, result } as unknown as ConfirmedMilestone;
      this.slasher.onConfirmed(confirmed);
      await this.#settled();
    }
  }

  /** All that waits for nothing but promises is done before the next turn of the loop. */
  async #settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const inputsOf = ({ attached }: World): string[] => attached.flatMap(({ inputs }) => inputs);

describe('slasher', () => {
  it('brings what was kept before the start, once per bond, and no other key’s', async () => {
    const world = new World();
    world.bonds = [bondOf(1), bondOf(2), bondOf(3, testKey(2).publicKey)];
    await world.start();
    await world.confirm(5);
    expect(inputsOf(world)).toEqual([bondOf(1).outputId, bondOf(2).outputId]);
    const [first] = world.attached;
    expect(first).toMatchObject({
      outputs: [{ kind: 'basic', amount: 16_000n, address: '0'.repeat(64) }],
      unlocks: [{ kind: 'evidence', epoch: 0, view: 5n }],
    });
  });

  it('asks for bonds only when there may be some', async () => {
    const world = new World();
    await world.start();
    await world.confirm(10);
    expect(world.asked).toBe(1);
    await world.confirmBond(bondOf(1));
    expect(inputsOf(world)).toEqual([bondOf(1).outputId]);
    world.bonds = [];
    await world.confirm(5);
    expect(world.asked).toBe(3);
  });

  it('attaches again what no milestone took, and not what one took', async () => {
    const world = new World();
    world.bonds = [bondOf(1), bondOf(2)];
    await world.start();
    world.bonds = [bondOf(2)];
    await world.confirm(19);
    expect(world.attached).toHaveLength(2);
    await world.confirm(1);
    expect(inputsOf(world).slice(2)).toEqual([bondOf(2).outputId]);
  });

  it('sees a bond that comes later, and tries again what the node did not take', async () => {
    const world = new World();
    await world.start();
    world.refuses = true;
    await world.confirmBond(bondOf(1));
    expect(world.attached).toEqual([]);
    world.refuses = false;
    await world.confirm(1);
    expect(inputsOf(world)).toEqual([bondOf(1).outputId]);
  });

  it('does nothing while it catches up, and is patient where others are quicker', async () => {
    const world = new World({ isPatient: true });
    world.bonds = [bondOf(1)];
    world.isFollowing = false;
    await world.start();
    await world.confirm(10);
    world.isFollowing = true;
    await world.confirm(3);
    expect(world.attached).toEqual([]);
    await world.confirm(1);
    expect(world.attached).toHaveLength(1);
  });

  it('attaches sixteen at once', async () => {
    const world = new World();
    world.bonds = Array.from({ length: 40 }, (_, at) => bondOf(at + 1));
    await world.start();
    expect(world.attached).toHaveLength(16);
    world.bonds = world.bonds.slice(16);
    await world.confirm(1);
    expect(world.attached).toHaveLength(32);
  });

  it('takes a sixteenth for the address that it is given', async () => {
    const rewardAddress = testKey(8).address;
    const world = new World({ rewardAddress });
    world.bonds = [bondOf(1)];
    await world.start();
    expect(world.attached[0]?.outputs).toEqual([
      { kind: 'basic', amount: 15_000n, address: '0'.repeat(64) },
      { kind: 'basic', amount: 1_000n, address: rewardAddress },
    ]);
  });

  it('takes evidence while it runs, and ends when it is stopped', async () => {
    const world = new World();
    world.bonds = [bondOf(1)];
    world.slasher.accuse(EVIDENCE);
    await until(() => world.attached.length === 1);
    await world.slasher.stop();
    world.bonds = [bondOf(2)];
    await world.confirm(2);
    expect(world.attached).toHaveLength(1);
  });
});
