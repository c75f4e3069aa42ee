/**
 * Mail that outlives where it went: its recipient moved to another provider while it was under way,
 * or never came for it. Real clients and providers, virtual time. Spec: docs/spec/42-delivery.md,
 * section 26.
 */
import { describe, expect, it } from '@jest/globals';
import type { LifeProvider } from '../life/provider.ts';
import { DAY_MS, HOUR_MS, MailWorld } from './mail-world.ts';

const LIMIT_MS = 300_000;

/** Plays with a recipient who rents at the first of `count` providers. */
async function inWorld(
  count: number,
  play: (world: MailWorld, ...providers: LifeProvider[]) => Promise<void>,
): Promise<void> {
  const world = await MailWorld.create(count, 1);
  try {
    await play(world, ...world.providers);
  } finally {
    await world.close();
  }
}

describe('a recipient that moved while a mail was under way', () => {
  const moved = (): Promise<void> =>
    inWorld(2, async (world, old, next) => {
      const { service } = world.bob.client;
      await world.during(old!.stop());
      const id = await world.write('to the old address');
      await world.until('a milestone', async () => (await world.shown(id)).startsWith('confirmed'));
      // A provider that is gone claims nothing any more: the rental ends all the same.
      const closing = world.during(service.closeProvider(old!.bondId));
      await expect(closing).rejects.toMatchObject({ code: 'provider-unreachable' });
      await world.rent(next!.bondId);
      const shown = new Set<string>();
      const isThere = async (): Promise<boolean> => {
        shown.add((await world.shown(id)).replace(/milestone \d+/, 'milestone'));
        return shown.has('fetched by recipient');
      };
      await world.until('the recipient’s receipt', isThere, 6 * HOUR_MS);
      // *Stored* may be skipped: the recipient’s own word can be faster than the next question.
      const steps = [...shown].filter((text) => !/^(?:queued|stored)/.test(text));
      expect(steps).toEqual([
        'confirmed (milestone, proof checked)',
        'confirmed (milestone, proof checked), sent as a stranger’s mail, no receipt yet',
        'fetched by recipient',
      ]);
      expect(await world.bobsMails()).toEqual(['first', 'to the old address']);
    });
  it('gets it at its new provider, once, and its sender is told the truth', moved, LIMIT_MS);
});

describe('a mail that nobody comes for', () => {
  /** Alice writes, and both are away until `days` later; then Alice looks. */
  async function late(world: MailWorld, days: number, more: object): Promise<string> {
    await world.during(world.bob.stop());
    const id = await world.write('too late', more);
    await world.untilShown(id, 'stored 1/1 (receipts checked)');
    await world.during(world.alice.stop());
    await world.pass(days * DAY_MS, 6 * HOUR_MS);
    await world.during(world.alice.start());
    await world.pass(60_000);
    return id;
  }

  const inTime = (): Promise<void> =>
    inWorld(1, async (world) => {
      const id = await late(world, 29, {});
      expect(await world.shown(id)).toBe('stored 1/1 (receipts checked)');
      await world.during(world.bob.start());
      await world.untilShown(id, 'fetched by recipient');
      expect(await world.bobsMails()).toEqual(['first', 'too late']);
    });
  it('waits as long as it was paid for', inTime, LIMIT_MS);

  const expired = (): Promise<void> =>
    inWorld(1, async (world, provider) => {
      const id = await late(world, 31.5, {});
      expect(await world.shown(id)).toBe('expired before it was fetched');
      const { state, history } = await world.alice.client.service.outboxItem(id);
      expect([state, history.at(-1)?.detail]).toEqual([
        'expired',
        'storage ended before it was fetched',
      ]);
      await world.during(world.bob.start());
      await world.pass(10 * 60_000);
      // It is dropped, and the provider is not blamed for what was not paid any more.
      const rental = await world.rental(provider!);
      expect(rental).toMatchObject({ storedObjects: 0, fetchesFailed: 0, audits: { failed: 0 } });
      expect(await world.bobsMails()).toEqual(['first']);
      const next = await world.write('in time');
      await world.untilShown(next, 'fetched by recipient');
      expect(await world.bobsMails()).toEqual(['first', 'in time']);
    });
  it('expires, is dropped, and its sender is told', expired, LIMIT_MS);

  const unasked = (): Promise<void> =>
    inWorld(1, async (world) => {
      const id = await late(world, 31.5, { wantsReceipt: false });
      // Nobody can know whether it was fetched: the state stays at what was proven, with its end.
      const item = await world.alice.client.service.outboxItem(id);
      expect(item.state).toBe('stored');
      expect(item.receipts[0]?.until).toBeLessThan(world.time.nowMs / 1_000);
    });
  it('without a wish for a receipt stays at what was proven', unasked, LIMIT_MS);
});
