import { describe, expect, it } from '@jest/globals';
import type { Address, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import fc from 'fast-check';
import {
  isUnsettled,
  nextCumulative,
  noteAcknowledged,
  noteSigned,
  stepClientChannel,
  stepProviderChannel,
} from './channel-states.ts';
import type { ClientChannel, ClientChannelEvent, ProviderChannelEvent } from './channel-states.ts';
import { MARKET_TIMES } from './constants.ts';
import type { ProviderChannel } from './voucher-rules.ts';

const EXPIRY = 1_800_000_000;
const DAY = 86_400;
const CHANNEL_ID = `${'11'.repeat(32)}0000` as OutputId;

const OPEN: ProviderChannel = {
  channelId: CHANNEL_ID,
  state: 'open',
  amount: 10_112n,
  reserve: 112n,
  payerPublicKey: new Uint8Array(32),
  refundAddress: 'bb'.repeat(32) as Address,
  expiry: EXPIRY,
  accepted: 1_000n,
  signature: new Uint8Array(64),
};

function run(channel: ProviderChannel, ...events: ProviderChannelEvent[]): string {
  return events.reduce((one, event) => stepProviderChannel(one, event, MARKET_TIMES), channel)
    .state;
}

const at = (ledgerTime: number): ProviderChannelEvent => ({ kind: 'clock', ledgerTime });

describe('a channel at the provider', () => {
  it('is due at expiry − 48 h and lost at the expiry', () => {
    expect(run(OPEN, at(EXPIRY - 2 * DAY - 1))).toBe('open');
    expect(run(OPEN, at(EXPIRY - 2 * DAY))).toBe('claim-due');
    expect(run(OPEN, at(EXPIRY - 1))).toBe('claim-due');
    expect(run(OPEN, at(EXPIRY))).toBe('lost');
  });

  it('goes from due over claiming to claimed, and back when a claim fails', () => {
    const [sent, failed] = [{ kind: 'claim-sent' }, { kind: 'claim-failed' }] as const;
    const [close, confirmed] = [{ kind: 'close-requested' }, { kind: 'claim-confirmed' }] as const;
    expect(run(OPEN, close)).toBe('claim-due');
    expect(run(OPEN, { kind: 'value-reached' })).toBe('claim-due');
    expect(run(OPEN, close, sent)).toBe('claiming');
    expect(run(OPEN, close, sent, failed)).toBe('claim-due');
    expect(run(OPEN, close, sent, confirmed)).toBe('claimed');
    expect(run(OPEN, close, sent, at(EXPIRY))).toBe('lost');
    expect(run(OPEN, close, sent, confirmed, at(EXPIRY))).toBe('claimed');
  });

  it('is empty when nothing was promised', () => {
    const empty = { ...OPEN, accepted: 0n };
    expect(run(empty, { kind: 'close-requested' })).toBe('open');
    expect(run(empty, at(EXPIRY - 1))).toBe('open');
    expect(run(empty, at(EXPIRY))).toBe('empty');
  });

  it('never leaves a final state', () => {
    const event = fc.oneof(
      fc.constantFrom<ProviderChannelEvent>(
        { kind: 'close-requested' },
        { kind: 'claim-sent' },
        { kind: 'claim-failed' },
        { kind: 'claim-confirmed' },
      ),
      fc.integer({ min: EXPIRY - 3 * DAY, max: EXPIRY + DAY }).map(at),
    );
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (first, more) => {
        const reached = first.reduce(
          (one, next) => stepProviderChannel(one, next, MARKET_TIMES),
          OPEN,
        );
        const later = isUnsettled(reached) ? reached.state : run(reached, ...more);
        expect(later).toBe(reached.state);
      }),
    );
  });
});

const DRAFT: ClientChannel = {
  state: 'draft',
  bondId: '00'.repeat(32),
  keyIndex: 0,
  amount: 10_112n,
  reserve: 112n,
  expiry: EXPIRY,
  signed: 0n,
  acknowledged: 0n,
};

function live(...events: ClientChannelEvent[]): ClientChannel {
  return events.reduce((one, event) => stepClientChannel(one, event), DRAFT);
}

const SENT: ClientChannelEvent = { kind: 'sent', channelId: CHANNEL_ID };
const CONFIRMED: ClientChannelEvent = { kind: 'confirmed' };

describe('a channel at the payer', () => {
  it('follows its transaction', () => {
    expect(live(SENT)).toMatchObject({ state: 'sent', channelId: CHANNEL_ID });
    expect(live(SENT, CONFIRMED).state).toBe('open');
    expect(live(SENT, { kind: 'conflict' })).toEqual(DRAFT);
    expect(live(CONFIRMED).state).toBe('draft');
  });

  it('ends by claim or by refund', () => {
    const clock = { kind: 'clock', ledgerTime: EXPIRY } as const;
    expect(live(SENT, CONFIRMED, { kind: 'close-requested' }).state).toBe('closing');
    expect(live(SENT, CONFIRMED, { kind: 'claim-confirmed' }).state).toBe('closed');
    expect(live(SENT, CONFIRMED, clock).state).toBe('expired');
    expect(live(SENT, CONFIRMED, { ...clock, ledgerTime: EXPIRY - 1 }).state).toBe('open');
    expect(live(SENT, CONFIRMED, clock, { kind: 'refund-confirmed' }).state).toBe('refunded');
  });

  it('pays from what was acknowledged, within the deposit, until the stop', () => {
    const open = live(SENT, CONFIRMED);
    const context = { ledgerTime: EXPIRY - 30 * DAY, times: MARKET_TIMES };
    const signed = noteAcknowledged(noteSigned(open, 500n), 400n);
    expect(signed).toMatchObject({ signed: 500n, acknowledged: 400n });
    expect(noteAcknowledged(signed, 501n)).toBe(signed);
    expect(nextCumulative(signed, 50n, context)).toEqual({ ok: true, value: 450n });
    expect(nextCumulative(signed, 9_600n, context)).toEqual({ ok: true, value: 10_000n });
    const codes = [
      nextCumulative(signed, 9_601n, context),
      nextCumulative(open, 1n, { ...context, ledgerTime: EXPIRY - DAY }),
      nextCumulative(DRAFT, 1n, context),
    ].map((outcome) => (outcome.ok ? 'ok' : outcome.code));
    expect(codes).toEqual(['voucher-over-deposit', 'voucher-expired', 'channel-gone']);
  });
});
