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
let doors: { label: string; stampBits: number }[];

function guard(): SpamGuard {
  const store = sealedMemoryStore(memoryStore(disk).store);
  const tangle = { clock: { nowMs: () => now * 1_000 }, hasher: nobleHasher, networkId: NETWORK };
  const addresses = { doors: () => doors };
  return new SpamGuard({ store, writes: new WriteLock(), tangle, addresses });
}

beforeEach(() => {
  now = 1_795_322_400;
  disk = new Map();
  doors = [{ label: '', stampBits: 4 }];
});

/** An envelope with at least `bits` bits of work today. */
function envelope(bits: number): Uint8Array {
  const bytes = new Uint8Array(508).fill(3);
  const digest = stampDigest(stampBase(bytes), NETWORK, dayOf(now));
  const nonce = searchNonce(digest, bits, 0n, 1 << 20, nobleHasher);
  return withStamp(bytes, nonce ?? 0n);
}

const tagIn = (bytes: Uint8Array): Uint8Array => bytes.slice(2, 18);

/** Whether a stamped envelope for the door `label` is heard, and whether its key was looked at. */
function heard(rules: SpamGuard, bytes: Uint8Array, label: string | undefined = '', at = now) {
  const looked: boolean[] = [];
  const doorOf = (): string | undefined => {
    looked.push(true);
    return label;
  };
  const isHeard = rules.hears({ bytes, tag: tagIn(bytes) }, at, doorOf);
  return { isHeard, isLookedAt: looked.length > 0 };
}

describe('what is asked', () => {
  it('is the least of all doors that are open to strangers', () => {
    doors.push({ label: 'shop', stampBits: 2 });
    expect(guard().askedNow()).toBe(2);
    doors = [];
    expect(guard().askedNow()).toBeUndefined();
  });

  it('stays for a day what it was, when more is asked, also over a restart', async () => {
    const rules = guard();
    await rules.follow();
    doors = [{ label: '', stampBits: 20 }];
    await rules.follow();
    expect([rules.askedNow(), guard().askedNow()]).toEqual([4, 4]);
    const six = envelope(6);
    expect(heard(rules, six)).toEqual({ isHeard: true, isLookedAt: true });
    now += DAY;
    expect(rules.askedNow()).toBe(20);
    expect(heard(rules, six)).toEqual({ isHeard: false, isLookedAt: false });
  });

  it('is less at once, and nothing is heard at once when all doors are closed', async () => {
    const rules = guard();
    await rules.follow();
    doors = [{ label: '', stampBits: 1 }];
    await rules.follow();
    expect(rules.askedNow()).toBe(1);
    doors = [];
    await rules.follow();
    expect(rules.askedNow()).toBeUndefined();
    expect(heard(rules, envelope(10))).toEqual({ isHeard: false, isLookedAt: false });
  });
});

describe('a stranger’s envelope', () => {
  it('is heard from the bits on that are asked; with fewer not even its key is looked at', () => {
    doors = [{ label: '', stampBits: 10 }];
    const rules = guard();
    const good = envelope(10);
    expect(heard(rules, good)).toEqual({ isHeard: true, isLookedAt: true });
    const bare = good.with(400, 9);
    expect(heard(rules, bare)).toEqual({ isHeard: false, isLookedAt: false });
    expect(heard(rules, good, '', now + 3 * DAY).isHeard).toBe(false);
    const base = { stampBase: stampBase(good), tag: tagIn(good) };
    expect(rules.hears(base, now, () => '')).toBe(true);
  });

  it('for nobody here is not heard, whatever its work', () => {
    expect(heard(guard(), envelope(10), 'nobody')).toEqual({ isHeard: false, isLookedAt: true });
  });

  it('has to carry what its own door asks', () => {
    doors = [
      { label: '', stampBits: 12 },
      { label: 'shop', stampBits: 0 },
    ];
    const rules = guard();
    const bytes = envelope(0);
    expect([heard(rules, bytes, '').isHeard, heard(rules, bytes, 'shop').isHeard]).toEqual([
      false,
      true,
    ]);
    expect(heard(rules, envelope(12), '').isHeard).toBe(true);
  });
});
