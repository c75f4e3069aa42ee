import { beforeEach, describe, expect, it } from '@jest/globals';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { stampBase, stampDigest, withStamp } from '@tanglemail/mail/core/envelope/stamp.ts';
import { dayOf } from '@tanglemail/mail/core/envelope/stranger.ts';
import { WriteLock } from '../store/write-lock.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { SpamGuard } from './spam-guard.ts';

const DAY = 86_400;
const NETWORK = 7n;
let now: number;
let disk: Disk;

function guard(settings = { stampBits: 4, contactsOnly: false }): SpamGuard {
  const store = sealedMemoryStore(memoryStore(disk).store);
  const tangle = { clock: { nowMs: () => now * 1_000 }, hasher: nobleHasher, networkId: NETWORK };
  return new SpamGuard(settings, { store, writes: new WriteLock(), tangle });
}

beforeEach(() => {
  now = 1_795_322_400;
  disk = new Map();
});

/** An envelope with at least, or fewer than, `bits` bits of work today. */
function envelope(bits: number): Uint8Array {
  const bytes = new Uint8Array(508).fill(3);
  const digest = stampDigest(stampBase(bytes), NETWORK, dayOf(now));
  const nonce = searchNonce(digest, bits, 0n, 1 << 20, nobleHasher);
  return withStamp(bytes, nonce ?? 0n);
}

const tagIn = (bytes: Uint8Array): Uint8Array => bytes.slice(2, 18);

describe('the rules for strangers', () => {
  it('are those of the settings until the user changes them, and outlive the program', async () => {
    const first = guard();
    expect(first.policy).toEqual({ stampBits: 4, contactsOnly: false });
    await first.change({ contactsOnly: true });
    expect(guard({ stampBits: 9, contactsOnly: false }).policy).toEqual({
      stampBits: 4,
      contactsOnly: true,
    });
  });

  it('tell of each change', async () => {
    const rules = guard();
    let told = 0;
    rules.observe(() => (told += 1));
    await rules.change({ stampBits: 5 });
    expect(told).toBe(1);
  });

  it('let mail arrive for a day that was sent before more was asked', async () => {
    const rules = guard();
    await rules.change({ stampBits: 20 });
    expect([rules.askedAt(now), rules.askedAt(now + DAY - 1)]).toEqual([4, 4]);
    expect(rules.askedAt(now + DAY)).toBe(20);
    await rules.change({ stampBits: 3 });
    expect(rules.askedAt(now)).toBe(3);
  });

  it('ask nothing and hear nobody with contacts only, at once', async () => {
    const rules = guard();
    await rules.change({ contactsOnly: true, stampBits: 0 });
    expect(rules.askedNow()).toBeUndefined();
    const bytes = envelope(10);
    expect(rules.hears({ bytes, tag: tagIn(bytes) }, now)).toBe(false);
  });

  it('count the least of all addresses', () => {
    const rules = guard();
    rules.include(() => [
      { stampBits: 2, contactsOnly: false },
      { stampBits: 0, contactsOnly: true },
    ]);
    expect(rules.askedNow()).toBe(2);
  });
});

describe('a stranger’s envelope', () => {
  it('is heard from the bits on that are asked, by its bytes or by its base', () => {
    const rules = guard({ stampBits: 10, contactsOnly: false });
    const good = envelope(10);
    const heard = [good, good.with(400, 9)].map((bytes) => {
      const tag = tagIn(bytes);
      const base = { stampBase: stampBase(bytes), tag };
      return [rules.hears({ bytes, tag }, now), rules.hears(base, now)];
    });
    expect(heard).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(rules.hears({ bytes: good, tag: tagIn(good) }, now + 3 * DAY)).toBe(false);
  });

  it('needs no work when none is asked', () => {
    const rules = guard({ stampBits: 0, contactsOnly: false });
    const bytes = new Uint8Array(508);
    expect(rules.hears({ bytes, tag: tagIn(bytes) }, now)).toBe(true);
  });
});
