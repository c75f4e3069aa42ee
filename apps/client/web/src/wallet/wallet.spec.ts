import { describe, expect, it } from '@jest/globals';
import type { RentalDto, WalletLineDto } from '../../../src/api/dto.ts';
import { ageText, isStale, STALE_AFTER_MS } from './ages.ts';
import { historyCsv } from './history-csv.ts';
import { comesBack, daysLeft, firstEndMs, warningOf } from './paid-until.ts';
import { planPayment } from './payment.ts';
import { monthOf, monthText, spentIn, sumByMonth, sumByProvider } from './spending.ts';

const DAY_MS = 86_400_000;

function line(kind: WalletLineDto['kind'], amount: string, more: Partial<WalletLineDto> = {}) {
  const atMs = new Date(2026, 10, 23, 12).getTime();
  return { id: '1', atMs, kind, amount, detail: 'twt1q', ...more };
}

function rental(channel: Partial<NonNullable<RentalDto['channel']>>, isActive = true): RentalDto {
  return {
    bondId: 'ab',
    endpoint: 'https://provider.example',
    mailboxId: 'cd',
    balance: '0',
    retentionDays: 30,
    isActive,
    channel: { amount: '100', signed: '40', expiry: 1_000, state: 'open', ...channel },
    storedObjects: 0,
    audits: { ok: 0, failed: 0 },
    fetchesFailed: 0,
    tagsRegistered: 0,
    lastSyncAt: 0,
  };
}

describe('ages', () => {
  it('are told in the largest unit of which there is one', () => {
    expect(ageText('en', 3_900)).toBe('3s ago');
    expect(ageText('en', 61_000)).toBe('1m ago');
    expect(ageText('en', 2 * 3_600_000)).toBe('2h ago');
    expect(ageText('de', 3_000)).toBe('vor 3 s');
    expect(ageText('en', 3 * DAY_MS)).toMatch(/^3\s?d ago$/);
  });

  it('are never in the future, whatever the clocks say', () => {
    expect(ageText('en', -5_000)).toBe('0s ago');
  });

  it('are too great after three answers without a younger figure', () => {
    expect([STALE_AFTER_MS, STALE_AFTER_MS + 1].map((age) => isStale(age))).toEqual([false, true]);
  });
});

describe('payments', () => {
  const wallet = { balance: '2000000', pending: '300000' };

  it('leave what is neither paid nor under way', () => {
    expect(planPayment(' twt1q ', '1.5 T', wallet)).toEqual({
      ok: true,
      to: 'twt1q',
      amount: 1_500_000n,
      rest: 200_000n,
    });
    expect(planPayment('twt1q', '1700000', wallet)).toMatchObject({ ok: true, rest: 0n });
  });

  it('are refused without address, without amount, and above what is free', () => {
    expect(planPayment(' ', '1 T', wallet)).toEqual({ ok: false, fault: 'no-address' });
    for (const amount of ['', '0', '1.5', '-1 T', '1,5 T', 'T']) {
      expect(planPayment('twt1q', amount, wallet)).toEqual({ ok: false, fault: 'no-amount' });
    }
    expect(planPayment('twt1q', '1700001', wallet)).toEqual({ ok: false, fault: 'too-much' });
  });
});

describe('months', () => {
  it('sum what came and went, without what the ledger did not apply', () => {
    const before = new Date(2026, 9, 31, 23, 59).getTime();
    const months = sumByMonth([
      line('received', '1000'),
      line('sent', '100'),
      line('sent', '999', { detail: 'not paid: conflict' }),
      line('channel-opened', '500'),
      line('channel-closed', '450'),
      line('voucher', '50'),
      line('sent', '7', { atMs: before }),
    ]);
    const november = {
      month: '2026-11',
      received: 1_000n,
      sent: 100n,
      deposited: 500n,
      returned: 450n,
    };
    expect(months.map(({ month }) => month)).toEqual(['2026-11', '2026-10']);
    expect(months[0]).toEqual(november);
    expect(spentIn(november)).toBe(150n);
  });

  it('are those of the local calendar, by name', () => {
    expect(monthOf(new Date(2026, 0, 1).getTime())).toBe('2026-01');
    expect(monthText('en', '2026-01')).toBe('January 2026');
    expect(monthText('it', '2026-11')).toBe('novembre 2026');
  });
});

describe('providers', () => {
  it('are summed by whom the channels pay, and named where a channel is known', () => {
    const transactionId = 'e'.repeat(64);
    const lines = [
      line('channel-opened', '10', { detail: 'twt1a', transactionId }),
      line('channel-opened', '5', { detail: 'twt1a' }),
      line('channel-opened', '20', { detail: 'twt1b' }),
      line('channel-opened', '99', { detail: 'not paid: conflict' }),
      line('sent', '1'),
    ];
    expect(sumByProvider(lines, [rental({ channelId: `${transactionId}0000` })])).toEqual([
      { payee: 'twt1b', endpoint: undefined, channelCount: 1, deposited: 20n },
      { payee: 'twt1a', endpoint: 'https://provider.example', channelCount: 2, deposited: 15n },
    ]);
  });
});

describe('paid time', () => {
  it('warns 14, 3 and 1 days ahead, and when it is over', () => {
    const left = [20, 14, 3.5, 3, 1, 0, -1].map((days) => warningOf(days * DAY_MS, 0));
    expect(left).toEqual([undefined, 14, 14, 3, 1, 'over', 'over']);
    expect([daysLeft(2.9 * DAY_MS, 0), daysLeft(-DAY_MS, 0)]).toEqual([2, 0]);
  });

  it('ends with the first open channel that is in use', () => {
    expect(firstEndMs([])).toBeUndefined();
    expect(
      firstEndMs([
        rental({ expiry: 900 }),
        rental({ expiry: 100 }, false),
        rental({ expiry: 200, state: 'closed' }),
      ]),
    ).toBe(900_000);
  });

  it('brings back what no voucher has promised', () => {
    expect(comesBack(rental({}))).toBe(60n);
  });
});

describe('CSV', () => {
  it('quotes what must be, signs amounts, and computes nothing in a table program', () => {
    const atMs = Date.UTC(2026, 10, 23);
    const csv = historyCsv([
      line('sent', '5', { atMs, detail: 'a "b", c', milestoneIndex: 7 }),
      line('received', '6', { atMs, detail: '=1+1' }),
    ]);
    expect(csv).toBe(
      'time,kind,amount,detail,transaction,milestone\r\n' +
        '2026-11-23T00:00:00.000Z,sent,-5,"a ""b"", c",,7\r\n' +
        "2026-11-23T00:00:00.000Z,received,6,'=1+1,,\r\n",
    );
  });
});
