/**
 * Two people with whole clients and several whole providers under virtual time: a tangle with the
 * real rules, providers with their API on the loopback, disks in memory. Unlike the simulated weeks
 * nothing is left to chance; a spec says what happens to whom.
 */
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { SeededRandom } from '../sim/random.ts';
import { stateText } from '../../apps/client/src/cli/outbox-states.ts';
import type { RentalDto } from '../../apps/client/src/api/dto.ts';
import { Device } from '../life/device.ts';
import { seedOf, walletAddressOf } from '../life/people.ts';
import { LifeProvider } from '../life/provider.ts';
import { LifeTangle } from '../life/tangle.ts';
import { VirtualTime } from '../life/time.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const START_MS = 1_800_000_000_000;
const TOKENS = 50_000_000n;
/** By which time moves while something is waited for. */
const STEP_MS = 250;
const BEAT_MS = 90_000;
/** Between two looks at what is waited for. */
const LOOK_MS = 20_000;
const NO_BODY = [101, 204, 205, 304];

export class MailWorld {
  readonly time = new VirtualTime(START_MS);
  readonly tangle: LifeTangle;
  readonly providers: LifeProvider[] = [];
  readonly alice: Device;
  bob: Device;
  /** Answers of providers that a spec replaces. */
  refuses: (url: URL) => boolean = () => false;
  readonly #uninstall: () => void;
  #bobAddress = '';

  private constructor() {
    const outputs = [0, 1].map((index) => ({
      address: walletAddressOf(seedOf(index)),
      amount: TOKENS,
    }));
    this.tangle = new LifeTangle(this.time, outputs);
    this.tangle.onMilestone = async () => {
      for (const provider of this.providers) await provider.follow();
    };
    this.alice = this.device(0);
    this.bob = this.device(1);
    const [giveTimersBack, giveSocketsBack] = [this.time.install(), this.#holdTimeForSockets()];
    this.#uninstall = () => {
      giveSocketsBack();
      giveTimersBack();
    };
  }

  /** Bob rents at the first `rented` of `count` providers; Alice and he have written each other. */
  static async create(count: number, rented = count): Promise<MailWorld> {
    const world = new MailWorld();
    try {
      await world.#settle(count, rented);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #settle(count: number, rented: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const provider = new LifeProvider(index, await freePort(), this.tangle, this.time);
      this.providers.push(provider);
      await this.during(provider.start());
    }
    await this.pass(60_000);
    const { alice, bob } = this;
    await this.during(bob.start());
    for (const { bondId } of this.providers.slice(0, rented)) await this.rent(bondId);
    await this.during(alice.start());
    this.#bobAddress = (await bob.client.service.address()).address;
    await this.#befriend();
  }

  /** A device of one of the two, without anything on its disk. Alice hears her own node. */
  device(index: number): Device {
    const runsNode = index === 0;
    const options = { seed: seedOf(index), runsNode, random: new SeededRandom(index + 1) };
    return new Device(options, this.tangle, this.time);
  }

  async close(): Promise<void> {
    for (const device of [this.alice, this.bob]) await this.during(device.stop());
    for (const provider of this.providers) await this.during(provider.stop());
    this.#uninstall();
  }

  /** Time stands still while a request to a provider is under way: no limit ends for a slow CPU. */
  #holdTimeForSockets(): () => void {
    const real = globalThis.fetch;
    const held = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const url = new URL(input instanceof Request ? input.url : input);
      if (this.refuses(url)) return Response.json({ code: 'internal' }, { status: 500 });
      const answer = await real(input, init);
      const { status, headers } = answer;
      const body = await answer.arrayBuffer();
      return new Response(NO_BODY.includes(status) ? null : body, { status, headers });
    };
    globalThis.fetch = ((input, init) => this.time.during(held(input, init))) as typeof fetch;
    return () => {
      globalThis.fetch = real;
    };
  }

  /** Waits for work while virtual time goes on around it. */
  async during<T>(work: Promise<T>): Promise<T> {
    const progress = { isDone: false };
    const ended = work.finally(() => {
      progress.isDone = true;
    });
    ended.catch(() => undefined);
    await this.time.settle();
    while (!progress.isDone) await this.time.run(this.time.nowMs + STEP_MS);
    return await ended;
  }

  /** Lets `timeMs` pass; ledger time goes on with a block every `beatMs`. */
  async pass(timeMs: number, beatMs = BEAT_MS): Promise<void> {
    const endMs = this.time.nowMs + timeMs;
    while (this.time.nowMs < endMs) {
      await this.time.during(this.tangle.beat());
      await this.time.run(Math.min(endMs, this.time.nowMs + beatMs));
    }
  }

  /** Lets time pass until `isSo`; throws with `what` after `limitMs` of virtual time. */
  async until(
    what: string,
    isSo: () => boolean | Promise<boolean>,
    limitMs = HOUR_MS,
  ): Promise<void> {
    const endMs = this.time.nowMs + limitMs;
    while (!(await this.during(Promise.resolve(isSo())))) {
      if (this.time.nowMs > endMs) throw new Error(`waited too long for ${what}`);
      await this.pass(LOOK_MS, LOOK_MS);
    }
  }

  async rent(bondId: string): Promise<void> {
    await this.during(this.bob.client.service.rentProvider({ bondId }));
    await this.bobSyncs();
  }

  /** A look at all of Bob's providers. */
  async bobSyncs(): Promise<{ fetched: number; errors: { bondId: string; code: string }[] }> {
    return this.during(this.bob.client.service.sync());
  }

  async #befriend(): Promise<void> {
    const { alice, bob } = this;
    const { link } = await this.during(bob.client.service.createInvite({}));
    await this.during(alice.client.service.addContact({ link, name: 'Bob' }));
    await this.bobIsNamed();
    await this.write('first');
    await this.until('Alice’s first mail', async () => (await this.bobsMails()).length === 1);
    const { address } = await alice.client.service.address();
    await this.during(bob.client.service.sendMessage(mail(address, 'answer')));
    await this.until('Bob’s answer', async () => (await subjectsOf(alice)).length === 1);
  }

  /** Waits until everybody can read where Bob has rented. */
  async bobIsNamed(): Promise<void> {
    await this.until('Bob’s descriptor', async () => {
      const { descriptor, providers } = await this.bob.client.service.status();
      return descriptor.state === 'confirmed' && providers > 0;
    });
  }

  /** Alice writes to Bob; gives the number of her mail. */
  async write(subject: string, more: object = {}): Promise<string> {
    const { service } = this.alice.client;
    const message = { ...mail(this.#bobAddress, subject), ...more };
    const { recipients } = await this.during(service.sendMessage(message));
    return recipients[0]?.outboxId ?? '';
  }

  /** What Alice's list says about her mail. */
  async shown(outboxId: string): Promise<string> {
    return stateText(await this.alice.client.service.outboxItem(outboxId));
  }

  /** Waits until Alice's list says exactly this of her mail. */
  async untilShown(outboxId: string, text: string, limitMs = HOUR_MS): Promise<void> {
    let shown = '';
    const isShown = async (): Promise<boolean> => {
      shown = await this.shown(outboxId);
      return shown === text;
    };
    await this.until(text, isShown, limitMs).catch((error: unknown) => {
      throw new Error(`Alice is shown “${shown}” and not “${text}”`, { cause: error });
    });
  }

  /** Subjects in all of Bob's folders, each as often as it is there. */
  async bobsMails(): Promise<string[]> {
    return subjectsOf(this.bob);
  }

  /** What Bob is shown of his mailbox at a provider. */
  async rental({ bondId }: LifeProvider): Promise<RentalDto> {
    const rented = await this.bob.client.service.rentedProviders();
    const found = rented.find((one) => one.bondId === bondId);
    if (found === undefined) throw new Error('Bob has not rented there');
    return found;
  }
}

/** Subjects of the mails that a device received, in the order of the alphabet. */
export async function subjectsOf({ client }: Device): Promise<string[]> {
  const subjects: string[] = [];
  for (const { name } of await client.service.folders()) {
    if (name === 'Sent' || name === 'Drafts') continue;
    const page = await client.service.messages({ folder: name, limit: 500 });
    subjects.push(...page.map((one) => one.subject));
  }
  return subjects.toSorted();
}

function mail(to: string, subject: string) {
  return { to: [to], subject, text: 'Hello.' };
}
