/**
 * A recipient with mailboxes at several real providers of which one fails: what its sender is
 * shown, and that it reads every mail once. Spec: docs/spec/42-delivery.md, section 26.
 */
import { describe, expect, it } from '@jest/globals';
import type { LifeProvider } from '../life/provider.ts';
import { DAY_MS, HOUR_MS, MailWorld, subjectsOf } from './mail-world.ts';

const LIMIT_MS = 300_000;

/** Plays with a recipient who rents at `count` providers. */
async function inWorld(
  count: number,
  play: (world: MailWorld, one: LifeProvider, two: LifeProvider) => Promise<void>,
): Promise<void> {
  const world = await MailWorld.create(count);
  const [one, two] = world.providers;
  try {
    if (one !== undefined && two !== undefined) await play(world, one, two);
  } finally {
    await world.close();
  }
}

const hasMails = (world: MailWorld, count: number) => async (): Promise<boolean> =>
  (await world.bobsMails()).length === count;

describe('one of two providers', () => {
  const away = (): Promise<void> =>
    inWorld(2, async (world, one, two) => {
      await world.during(world.bob.stop());
      await world.during(one.stop());
      const id = await world.write('while one is away');
      await world.untilShown(id, 'stored 1/2 (receipts checked)');
      await world.during(one.start());
      await world.untilShown(id, 'stored 2/2 (receipts checked)');
      await world.during(two.stop());
      await world.during(world.bob.start());
      await world.until('the mail', hasMails(world, 2));
      await world.during(two.start());
      await world.pass(10 * 60_000);
      expect(await world.bobsMails()).toEqual(['first', 'while one is away']);
    });
  it('is away while mail is sent: stores it later, and brings it alone', away, LIMIT_MS);

  const gone = (): Promise<void> =>
    inWorld(2, async (world, one) => {
      await world.during(one.stop());
      const id = await world.write('one is gone');
      await world.untilShown(id, 'stored 1/2 (receipts checked)');
      await world.until('the mail', hasMails(world, 2));
      // Nobody looks for three days; then asking ends, and the list does not claim more.
      await world.during(world.bob.stop());
      await world.during(world.alice.stop());
      await world.pass(3 * DAY_MS + HOUR_MS, HOUR_MS);
      await world.during(world.alice.start());
      await world.pass(60_000);
      const item = await world.alice.client.service.outboxItem(id);
      expect(item).toMatchObject({ state: 'stored', storedCount: 1, providerCount: 2 });
      expect(item).not.toHaveProperty('error');
    });
  it('never comes back: what is shown stays at the receipts that there are', gone, LIMIT_MS);

  const refusing = (): Promise<void> =>
    inWorld(2, async (world, one) => {
      await world.during(world.bob.stop());
      const id = await world.write('one keeps it to itself');
      await world.untilShown(id, 'stored 2/2 (receipts checked)');
      const isObject = ({ port, pathname }: URL): boolean =>
        port === `${one.port}` && pathname.startsWith('/v1/objects/');
      world.refuses = isObject;
      await world.during(world.bob.start());
      await world.until('the mail', hasMails(world, 2));
      await world.pass(10 * 60_000);
      world.refuses = () => false;
      await world.pass(10 * 60_000);
      expect(await world.bobsMails()).toEqual(['first', 'one keeps it to itself']);
    });
  it('does not hand out: the other does, and the mail is there once', refusing, LIMIT_MS);

  const damaged = (): Promise<void> =>
    inWorld(2, async (world, one) => {
      /** Switched off for a day; then each provider is audited once. */
      const nextDay = async (ok: number, failed: number): Promise<void> => {
        await world.during(world.bob.stop());
        await world.pass(DAY_MS, HOUR_MS);
        await world.during(world.bob.start());
        await world.until(`${ok} audits that hold, ${failed} that fail`, async () => {
          const { audits } = await world.rental(one);
          return audits.ok === ok && audits.failed === failed;
        });
      };
      expect(await world.rental(one)).toMatchObject({ audits: { ok: 1, failed: 0 } });
      await world.during(world.alice.stop());
      await world.during(one.loseBodies());
      await nextDay(1, 1);
      await nextDay(2, 1);
      expect(await world.bobsMails()).toEqual(['first']);
    });
  it('loses an object: an audit sees it, and the other’s copy is brought', damaged, LIMIT_MS);
});

describe('one of three providers', () => {
  const lost = (): Promise<void> =>
    inWorld(3, async (world, one, two) => {
      await world.during(world.bob.stop());
      const id = await world.write('before the loss');
      await world.untilShown(id, 'stored 3/3 (receipts checked)');
      await world.during(one.loseDisk());
      await world.during(two.stop());
      await world.during(world.bob.start());
      await world.until('the mail', hasMails(world, 2));
      // The loss counts, the mailbox is there again, with what the third one still had.
      await world.until('a new mailbox', async () => {
        const { storedObjects, audits } = await world.rental(one);
        return storedObjects === 2 && audits.failed === 1;
      });
      const later = await world.write('after the loss');
      await world.untilShown(later, 'stored 2/3 (receipts checked)');
      await world.during(two.start());
      await world.untilShown(later, 'stored 3/3 (receipts checked)');
      const all = ['after the loss', 'before the loss', 'first'];
      await world.until('the later mail', hasMails(world, 3));
      expect(await world.bobsMails()).toEqual(all);
      await onlyWith(world, one);
      expect(await subjectsOf(world.bob)).toEqual(all);
    });
  it('loses its disk: it gets a mailbox and its copies again', lost, LIMIT_MS);

  /** Bob loses his device too, and all providers but one are gone. */
  async function onlyWith(world: MailWorld, left: LifeProvider): Promise<void> {
    await world.during(world.bob.stop());
    for (const provider of world.providers) {
      if (provider !== left) await world.during(provider.stop());
    }
    world.bob = world.device(1);
    await world.during(world.bob.start());
    await world.until('all mails', hasMails(world, 3));
  }
});
