/**
 * Whole clients and whole providers for large mails: the real rules of a tangle without sockets,
 * providers with their API on the loopback, disks in memory that outlive their programs. Real time.
 */
import { createCipheriv } from 'node:crypto';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { SeededRandom } from '../sim/random.ts';
import { Device } from '../life/device.ts';
import { seedOf, walletAddressOf } from '../life/people.ts';
import { LifeProvider } from '../life/provider.ts';
import { LifeTangle } from '../life/tangle.ts';
import type { VirtualTime } from '../life/time.ts';
import { linkDisk } from './link-disk.ts';

const TOKENS = 50_000_000n;
const LOOK_MS = 20;

/** The part of virtual time that the tangle and its people use, by the clock of the wall. */
function realTime(): VirtualTime {
  const time = {
    get nowMs(): number {
      return Date.now();
    },
    // A milestone is a second away there: nothing of what is shown here needs it to be.
    after: (_waitMs: number, ring: () => void) => {
      const timer = setTimeout(ring, LOOK_MS);
      return () => clearTimeout(timer);
    },
    during: <T>(work: Promise<T>): Promise<T> => work,
  };
  return time as VirtualTime;
}

export class ParcelWorld {
  readonly tangle: LifeTangle;
  readonly providers: LifeProvider[] = [];
  /** Runs a node, gets her mail from it, and rents nothing. */
  readonly alice: Device;
  readonly bob: Device;
  /** Off until `meetCarol`. */
  readonly carol: Device;
  readonly #beat: NodeJS.Timeout;

  readonly #devices: Device[] = [];

  private constructor() {
    const seeds = [seedOf(0), seedOf(1), seedOf(2)] as const;
    const outputs = seeds.map((seed) => ({ address: walletAddressOf(seed), amount: TOKENS }));
    const time = realTime();
    this.tangle = new LifeTangle(time, outputs);
    this.tangle.onMilestone = async () => {
      for (const provider of this.providers) await provider.follow();
    };
    const device = (seed: Uint8Array, number: number): Device =>
      new Device(
        { seed, runsNode: number === 1, random: new SeededRandom(number) },
        this.tangle,
        time,
      );
    this.alice = device(seeds[0], 1);
    this.bob = device(seeds[1], 2);
    this.carol = device(seeds[2], 3);
    // Ledger time goes on though nobody writes.
    this.#beat = setInterval(() => void this.tangle.beat(), 20_000);
    this.#beat.unref();
  }

  /** Bob rents at `count` providers, and Alice has an invite of his. */
  static async create(count: number): Promise<ParcelWorld> {
    const world = new ParcelWorld();
    const { providers, tangle, alice, bob } = world;
    for (let index = 0; index < count; index += 1) {
      const provider = new LifeProvider(index, await freePort(), tangle, realTime());
      providers.push(provider);
      await provider.start();
    }
    await alice.start();
    await world.#settle(bob, 'Bob');
    return world;
  }

  /** Carol rents where Bob does, and Alice has an invite of hers. */
  async meetCarol(): Promise<void> {
    await this.#settle(this.carol, 'Carol');
  }

  /** One more device of a person, linked from one that is off. */
  async link(from: Device, index: number, runsNode = false): Promise<Device> {
    const seed = seedOf(index);
    const random = new SeededRandom(70 + this.#devices.length);
    const device = new Device({ seed, runsNode, random }, this.tangle, realTime());
    await linkDisk(from.disk, device.disk, seed);
    this.#devices.push(device);
    return device;
  }

  async #settle(device: Device, name: string): Promise<void> {
    const { alice, providers } = this;
    const count = providers.length;
    await device.start();
    const { service } = device.client;
    await until('the offers', async () => (await service.providers()).length === count);
    for (const { bondId } of providers) await service.rentProvider({ bondId });
    const { link } = await service.createInvite({});
    await alice.client.service.addContact({ link, name });
    await until(`${name}’s descriptor`, async () => {
      const { descriptor, providers: rented } = await service.status();
      return descriptor.state === 'confirmed' && rented === count;
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    const people = [this.alice, this.bob, this.carol, ...this.#devices];
    await Promise.all(people.map((one) => one.stop()));
    for (const provider of this.providers) await provider.stop();
  }
}

/** Looks again and again until `isSo`; throws with `what` after a while. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 240_000,
  lookMs = LOOK_MS,
): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** A message of exactly `size` bytes with an attachment that does not compress. */
export function mailOf(size: number, to: string): Uint8Array {
  const head = [
    'From: "Alice" <alice@tangle.alt>',
    `To: ${to}`,
    'Subject: A large file',
    'Date: Sun, 22 Nov 2026 12:00:00 +0000',
    'Message-ID: <large@tangle.alt>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Here it is.',
    '--b',
    'Content-Type: application/octet-stream; name=file.bin',
    'Content-Transfer-Encoding: base64',
    '',
    '',
  ].join('\r\n');
  const tail = '\r\n--b--\r\n';
  const room = size - head.length - tail.length;
  const lines = fileOf(room).toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  return new Uint8Array(Buffer.from(head + lines.slice(0, room) + tail, 'latin1'));
}

/** `size` bytes that do not compress, the same each time. */
export function fileOf(size: number): Buffer {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  return stream.update(Buffer.alloc(size));
}
