import { describe, expect, it } from '@jest/globals';
import { nobleVerifier, publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import fc from 'fast-check';
import { MARKET_TIMES } from './constants.ts';
import {
  bucketHolds,
  bucketOf,
  creditMailbox,
  debitArrival,
  debitMailbox,
  isCanonicalBucket,
  newMailbox,
  takeUnsolicited,
} from './mailbox.ts';
import type { Mailbox } from './mailbox.ts';
import {
  appendLog,
  decodeLogEntry,
  encodeLogEntry,
  followLog,
  isHeadSigned,
  LOG_ENTRY_SIZE,
  signLogHead,
} from './mailbox-log.ts';
import type { LogEntry } from './mailbox-log.ts';
import {
  ageObject,
  holdObject,
  releaseObject,
  retainObject,
  storeObject,
} from './stored-object.ts';
import {
  BOND_PUBLIC_KEY,
  BOND_SECRET_KEY,
  NETWORK_ID,
  NOW,
  OFFER_FIELDS,
} from './testing/offer-example.ts';

const DAY = 86_400;
const KEY = publicKeyOf(new Uint8Array(32).fill(30));
const POLICY = {
  maxObject: 24_576,
  retentionDays: 30,
  maxDebitPerDay: 100n,
  unsolicited: true,
  maxUpload: 37_748_736,
};
const EMPTY = newMailbox('30'.repeat(32), KEY, POLICY, NOW);
const ARRIVED = {
  mailboxId: EMPTY.mailboxId,
  root: '11'.repeat(32),
  tag: '22'.repeat(16),
  sizeBytes: 20_480,
  arrivedAt: NOW,
};

function rich(balance = 1_000n): Mailbox {
  return { ...EMPTY, balance };
}

function codeOf(outcome: { ok: boolean; code?: string }): string {
  return outcome.ok ? 'ok' : (outcome.code ?? '');
}

describe('the balance of a mailbox', () => {
  it('balance-over-maximum: one base unit too much', () => {
    expect(codeOf(creditMailbox(rich(), 9_000n, 10_000n, NOW))).toBe('ok');
    expect(codeOf(creditMailbox(rich(), 9_001n, 10_000n, NOW))).toBe('balance-over-maximum');
  });

  it('balance-insufficient: one base unit too little', () => {
    expect(debitMailbox(rich(), 1_000n, NOW)).toMatchObject({ ok: true, value: { balance: 0n } });
    expect(codeOf(debitMailbox(rich(), 1_001n, NOW))).toBe('balance-insufficient');
  });

  it('daily-limit-reached: arriving mail stops at the owner’s limit and starts again', () => {
    const first = debitArrival(rich(), 100n, NOW);
    if (!first.ok) throw new Error(first.code);
    expect(codeOf(debitArrival(first.value, 1n, NOW))).toBe('daily-limit-reached');
    expect(codeOf(debitArrival(first.value, 1n, NOW + DAY))).toBe('ok');
    expect(codeOf(debitMailbox(first.value, 900n, NOW))).toBe('ok');
  });

  it('never falls below zero nor grows out of nothing', () => {
    const step = fc.record({ isCredit: fc.boolean(), amount: fc.bigInt({ min: 0n, max: 3_000n }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let mailbox = rich();
        let sum = 1_000n;
        for (const { isCredit, amount } of steps) {
          const outcome = isCredit
            ? creditMailbox(mailbox, amount, 10_000n, NOW)
            : debitMailbox(mailbox, amount, NOW);
          if (!outcome.ok) continue;
          mailbox = outcome.value;
          sum += isCredit ? amount : -amount;
        }
        expect(mailbox.balance).toBe(sum);
        expect(mailbox.balance).toBeGreaterThanOrEqual(0n);
      }),
    );
  });

  it('quota-exceeded: by count and by size', () => {
    const quota = { perDay: 2, maxSize: 1_000 };
    const one = takeUnsolicited({ day: 0, used: 0n }, 1_000, quota, NOW);
    if (!one.ok) throw new Error(one.code);
    const two = takeUnsolicited(one.value, 1_000, quota, NOW);
    if (!two.ok) throw new Error(two.code);
    expect(codeOf(takeUnsolicited(two.value, 1, quota, NOW))).toBe('quota-exceeded');
    expect(codeOf(takeUnsolicited(two.value, 1, quota, NOW + DAY))).toBe('ok');
    expect(codeOf(takeUnsolicited(one.value, 1_001, quota, NOW))).toBe('quota-exceeded');
  });
});

describe('stranger buckets', () => {
  const tags = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const bits = fc.integer({ min: 0, max: 24 });

  it('hold exactly the tags that share their first bits', () => {
    fc.assert(
      fc.property(tags, tags, bits, (a, b, count) => {
        const binary = (tag: Uint8Array): string =>
          Array.from(tag, (byte) => byte.toString(2).padStart(8, '0')).join('');
        const same = binary(a).slice(0, count) === binary(b).slice(0, count);
        expect(isCanonicalBucket(bucketOf(a, count))).toBe(true);
        expect(bucketHolds(bucketOf(a, count), b)).toBe(same);
      }),
    );
  });

  it('have one encoding', () => {
    expect(isCanonicalBucket({ bits: 4, prefix: Uint8Array.of(0xf1) })).toBe(false);
    expect(isCanonicalBucket({ bits: 4, prefix: Uint8Array.of(0xf0, 0) })).toBe(false);
    expect(isCanonicalBucket({ bits: 25, prefix: new Uint8Array(4) })).toBe(false);
    expect(isCanonicalBucket({ bits: -1, prefix: new Uint8Array(0) })).toBe(false);
    expect(isCanonicalBucket({ bits: 0, prefix: new Uint8Array(0) })).toBe(true);
  });
});

describe('the states of an object', () => {
  it('held for 72 hours, then purged', () => {
    const held = holdObject(ARRIVED, MARKET_TIMES);
    expect(ageObject(held, NOW + 3 * DAY - 1, MARKET_TIMES)).toBe(held);
    expect(ageObject(held, NOW + 3 * DAY, MARKET_TIMES).state).toBe('purged');
  });

  it('stored as long as paid, expired for a day of grace, then purged', () => {
    const { object, cost } = storeObject(ARRIVED, 30, OFFER_FIELDS, NOW);
    expect(cost).toBe(8n);
    const end = NOW + 30 * DAY;
    expect(ageObject(object, end - 1, MARKET_TIMES)).toBe(object);
    const expired = ageObject(object, end, MARKET_TIMES);
    expect(expired).toMatchObject({ state: 'expired', until: end + DAY });
    expect(ageObject(expired, end + DAY - 1, MARKET_TIMES)).toBe(expired);
    const purged = ageObject(expired, end + DAY, MARKET_TIMES);
    expect(purged.state).toBe('purged');
    expect(ageObject(purged, end + 9 * DAY, MARKET_TIMES)).toBe(purged);
  });

  it('retained for more days, not further ahead than the offer sells', () => {
    const { object } = storeObject(ARRIVED, 10, OFFER_FIELDS, NOW);
    const more = retainObject(object, 20, OFFER_FIELDS, NOW, 30);
    expect(more).toMatchObject({ ok: true, value: { cost: 4n } });
    expect(codeOf(retainObject(object, 21, OFFER_FIELDS, NOW, 30))).toBe('policy-forbids');
    const expired = ageObject(object, NOW + 10 * DAY, MARKET_TIMES);
    expect(codeOf(retainObject(expired, 1, OFFER_FIELDS, NOW, 30))).toBe('state-conflict');
    const held = retainObject(holdObject(ARRIVED, MARKET_TIMES), 30, OFFER_FIELDS, NOW, 30);
    expect(held).toMatchObject({ ok: true, value: { cost: 8n, object: { state: 'stored' } } });
  });

  it('released against whole unused days, once', () => {
    const { object } = storeObject(ARRIVED, 30, OFFER_FIELDS, NOW);
    const signature = new Uint8Array(64).fill(1);
    const released = releaseObject(object, signature, NOW + DAY + 1, MARKET_TIMES);
    if (!released.ok) throw new Error(released.code);
    // 28 whole days · 20,480 B · 10 bu / 2^20, rounded down.
    expect(released.value.refund).toBe(5n);
    const again = releaseObject(released.value.object, signature, NOW, MARKET_TIMES);
    expect(codeOf(again)).toBe('state-conflict');
    const { until } = released.value.object;
    expect(until).toBe(NOW + 31 * DAY);
    expect(ageObject(released.value.object, until, MARKET_TIMES).state).toBe('purged');
  });

  it('never refund more than was paid, over any retaining', () => {
    const days = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(days, days, fc.nat(30 * DAY), (first, more, later) => {
        const { object, cost } = storeObject(ARRIVED, first, OFFER_FIELDS, NOW);
        const retained = retainObject(object, more, OFFER_FIELDS, NOW, 60);
        if (!retained.ok) throw new Error(retained.code);
        const paid = cost + retained.value.cost;
        expect(retained.value.object.paid).toBe(paid);
        const one = releaseObject(retained.value.object, KEY, NOW + later, MARKET_TIMES);
        expect(one.ok && one.value.refund <= paid).toBe(true);
      }),
    );
  });
});

describe('the log', () => {
  const entry: LogEntry = {
    seq: 0,
    root: new Uint8Array(32).fill(0x11),
    size: 20_480,
    milestoneTime: NOW,
    state: 'stored',
    cost: 8,
  };

  function logOf(count: number): { mailbox: Mailbox; entries: LogEntry[] } {
    let mailbox = rich();
    const entries: LogEntry[] = [];
    for (let index = 0; index < count; index += 1) {
      const appended = appendLog(mailbox, { ...entry, cost: BigInt(index) });
      const decoded = decodeLogEntry(appended.bytes);
      if (!decoded.ok) throw new Error(decoded.code);
      entries.push(decoded.value);
      mailbox = appended.mailbox;
    }
    return { mailbox, entries };
  }

  const PROVIDER = {
    networkId: NETWORK_ID,
    bondId: BOND_PUBLIC_KEY,
    bondPublicKey: BOND_PUBLIC_KEY,
  };
  const START = { length: 0, hash: new Uint8Array(32) };

  function headOf(mailbox: Mailbox) {
    const { mailboxId, logLength: length, logHead: headHash } = mailbox;
    const head = { mailboxId, length, headHash, time: NOW };
    return signLogHead(NETWORK_ID, BOND_PUBLIC_KEY, head, BOND_SECRET_KEY);
  }

  it('has entries of 53 bytes in one encoding', () => {
    const bytes = encodeLogEntry(entry);
    expect(bytes).toHaveLength(LOG_ENTRY_SIZE);
    expect(decodeLogEntry(bytes)).toEqual({ ok: true, value: entry });
    const wrong = bytes.map((byte, index) => (index === 48 ? 7 : byte));
    expect(codeOf(decodeLogEntry(wrong))).toBe('not-canonical');
    expect(codeOf(decodeLogEntry(bytes.subarray(0, 52)))).toBe('truncated');
  });

  it('is followed page by page to the signed head', () => {
    const { mailbox, entries } = logOf(7);
    const head = headOf(mailbox);
    expect(isHeadSigned(head, PROVIDER, nobleVerifier)).toBe(true);
    const page = followLog(START, entries.slice(0, 4), head);
    if (!page) throw new Error('refused');
    const end = followLog(page, entries.slice(4), head);
    expect(end).toEqual({ length: 7, hash: mailbox.logHead });
  });

  it('shows a changed, missing or reordered entry, a shorter head, another signer', () => {
    const { mailbox, entries } = logOf(3);
    const head = headOf(mailbox);
    const verify = (list: readonly LogEntry[], one = head, known = START) =>
      followLog(known, list, one);
    const [first, second, third] = entries as [LogEntry, LogEntry, LogEntry];
    expect(verify([first, { ...second, cost: 99 }, third])).toBeUndefined();
    expect(verify([first, third])).toBeUndefined();
    expect(verify([second, first, third])).toBeUndefined();
    expect(verify(entries, headOf(logOf(2).mailbox))).toBeUndefined();
    expect(isHeadSigned({ ...head, time: NOW + 1 }, PROVIDER, nobleVerifier)).toBe(false);
    const rewritten = { length: 3, hash: new Uint8Array(32).fill(1) };
    expect(verify([], head, rewritten)).toBeUndefined();
  });
});
