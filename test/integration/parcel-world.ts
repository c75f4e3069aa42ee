/**
 * Whole clients and whole providers for large mails: the real rules of a tangle without sockets,
 * providers with their API on the loopback, disks in memory that outlive their programs. Real time.
 */
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { SeededRandom } from '../sim/random.ts';
import type { Disk } from '../../apps/client/src/testing/memory-store.ts';
import { Device } from '../life/device.ts';
import { diskFromWords } from '../life/disks.ts';
import { seedOf, walletAddressOf } from '../life/people.ts';
import { LifeProvider } from '../life/provider.ts';
import { LifeTangle } from '../life/tangle.ts';
import type { VirtualTime } from '../life/time.ts';

const TOKENS = 50_000_000n;
const LOOK_MS = 20;

/** The part of virtual time that the tangle and its people use, by the clock of the wall. */
function realTime(): VirtualTime {
  const time = {
    get nowMs(): number {
      return Date.now();
    },
    after: (waitMs: number, ring: () => void) => {
      const timer = setTimeout(ring, waitMs);
      return () => clearTimeout(timer);
    },
    during: <T>(work: Promise<T>): Promise<T> => work,
  };
  return time as VirtualTime;
}

export class ParcelWorld {
  readonly tangle: LifeTangle;
  readonly providers: LifeProvider[] = [];
  readonly alice: Device;
  readonly bob: Device;
  readonly #beat: NodeJS.Timeout;

  private constructor(seeds: readonly [Uint8Array, Uint8Array], disks: readonly [Disk, Disk]) {
    const outputs = seeds.map((seed) => ({ address: walletAddressOf(seed), amount: TOKENS }));
    const time = realTime();
    this.tangle = new LifeTangle(time, outputs);
    this.tangle.onMilestone = async () => {
      for (const provider of this.providers) await provider.follow();
    };
    const device = (seed: Uint8Array, disk: Disk, number: number): Device => {
      const random = new SeededRandom(number);
      const options = { seed, runsNode: false, random, sinceMs: time.nowMs };
      return new Device(options, this.tangle, time, disk);
    };
    this.alice = device(seeds[0], disks[0], 1);
    this.bob = device(seeds[1], disks[1], 2);
    // Ledger time goes on though nobody writes.
    this.#beat = setInterval(() => void this.tangle.beat(), 20_000);
    this.#beat.unref();
  }

  /** Bob rents at `count` providers, and Alice has an invite of his. */
  static async create(count: number): Promise<ParcelWorld> {
    const seeds = [seedOf(0), seedOf(1)] as const;
    const disks = [
      await diskFromWords(seeds[0], Date.now(), false),
      await diskFromWords(seeds[1], Date.now(), false),
    ] as const;
    const world = new ParcelWorld(seeds, disks);
    const { providers, tangle, alice, bob } = world;
    for (let index = 0; index < count; index += 1) {
      const provider = new LifeProvider(index, await freePort(), tangle, realTime());
      providers.push(provider);
      await provider.start();
    }
    await bob.start();
    const { service } = bob.client;
    await until('the offers', async () => (await service.providers()).length === count);
    for (const { bondId } of providers) await bob.client.service.rentProvider({ bondId });
    await alice.start();
    const { link } = await bob.client.service.createInvite({});
    await alice.client.service.addContact({ link, name: 'Bob' });
    await until('Bob’s descriptor', async () => {
      const { descriptor, providers: rented } = await bob.client.service.status();
      return descriptor.state === 'confirmed' && rented === count;
    });
    return world;
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    await Promise.all([this.alice.stop(), this.bob.stop()]);
    for (const provider of this.providers) await provider.stop();
  }
}

/** Looks again and again until `isSo`; throws with `what` after a while. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
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
  const raw = new Uint8Array(size);
  raw.set(Buffer.from(head, 'latin1'));
  let state = 1;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let at = head.length, column = 0; at < size - tail.length; at += 1, column += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const isBreak = column % 78 >= 76 && at < size - tail.length - 2;
    if (isBreak) raw[at] = column % 78 === 76 ? 13 : 10;
    else raw[at] = alphabet.charCodeAt(state >>> 26);
  }
  raw.set(Buffer.from(tail, 'latin1'), size - tail.length);
  return raw;
}
