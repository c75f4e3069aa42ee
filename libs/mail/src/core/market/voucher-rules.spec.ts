import { describe, expect, it } from '@jest/globals';
import type { Address, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { Voucher } from '@tanglemail/tangle/core/codec/voucher.ts';
import {
  nobleVerifier,
  publicKeyOf,
  signEd25519,
} from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import fc from 'fast-check';
import { MARKET_TIMES } from './constants.ts';
import { acceptVoucher, admitChannel, claimableMax } from './voucher-rules.ts';
import type { ProviderChannel, VoucherContext } from './voucher-rules.ts';

const NETWORK_ID = 5n;
const PAYER = new Uint8Array(32).fill(4);
const CHANNEL_ID = `${'11'.repeat(32)}0000` as OutputId;
const OTHER_ID = `${'22'.repeat(32)}0000` as OutputId;
const PAYEE = 'aa'.repeat(32) as Address;
const EXPIRY = 1_800_000_000;
const DAY = 86_400;

const FACTS = {
  channelId: CHANNEL_ID,
  amount: 10_112n,
  reserve: 112n,
  payerPublicKey: publicKeyOf(PAYER),
  payee: PAYEE,
  refundAddress: 'bb'.repeat(32) as Address,
  expiry: EXPIRY,
};
const LIMITS = { payee: PAYEE, minChannel: 5_000n, minTtl: 7 * DAY, maxTtl: 180 * DAY };
const CONTEXT: VoucherContext = {
  networkId: NETWORK_ID,
  ledgerTime: EXPIRY - 30 * DAY,
  times: MARKET_TIMES,
  verifier: nobleVerifier,
  minCumulative: 120n,
};

function opened(): ProviderChannel {
  const outcome = admitChannel(FACTS, LIMITS, EXPIRY - 60 * DAY);
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.value;
}

function voucher(cumulative: bigint, more: { id?: OutputId; key?: Uint8Array } = {}): Voucher {
  const channelId = more.id ?? CHANNEL_ID;
  const message = voucherMessage(NETWORK_ID, channelId, cumulative);
  return { channelId, cumulative, signature: signEd25519(more.key ?? PAYER, message) };
}

function after(cumulative: bigint, channel = opened()): ProviderChannel {
  const outcome = acceptVoucher(channel, voucher(cumulative), CONTEXT);
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.value.channel;
}

function codeOf(channel: ProviderChannel, one: Voucher, more: Partial<VoucherContext> = {}) {
  const outcome = acceptVoucher(channel, one, { ...CONTEXT, ...more });
  return outcome.ok ? 'ok' : outcome.code;
}

describe('admitChannel', () => {
  function admit(more: Partial<typeof FACTS>, now = EXPIRY - 60 * DAY): string {
    const outcome = admitChannel({ ...FACTS, ...more }, LIMITS, now);
    return outcome.ok ? 'ok' : outcome.code;
  }

  it('channel-payee-wrong', () => {
    expect(admit({ payee: 'cc'.repeat(32) as Address })).toBe('channel-payee-wrong');
  });

  it('channel-too-small', () => {
    expect(admit({ amount: 4_999n })).toBe('channel-too-small');
    expect(admit({ amount: 5_000n })).toBe('ok');
    expect(admit({ amount: 6_000n, reserve: 6_000n })).toBe('channel-too-small');
  });

  it('channel-ttl, one second outside either limit', () => {
    expect(admit({}, EXPIRY - 7 * DAY)).toBe('ok');
    expect(admit({}, EXPIRY - 7 * DAY + 1)).toBe('channel-ttl');
    expect(admit({}, EXPIRY - 180 * DAY)).toBe('ok');
    expect(admit({}, EXPIRY - 180 * DAY - 1)).toBe('channel-ttl');
  });
});

describe('acceptVoucher', () => {
  it('accepts a growing total up to the deposit without its reserve', () => {
    const outcome = acceptVoucher(after(1_000n), voucher(10_000n), CONTEXT);
    expect(outcome).toMatchObject({ ok: true, value: { increase: 9_000n, isRepeated: false } });
    expect(claimableMax(opened())).toBe(10_000n);
  });

  it('takes the same voucher again as the same payment', () => {
    const outcome = acceptVoucher(after(1_000n), voucher(1_000n), CONTEXT);
    expect(outcome).toMatchObject({ ok: true, value: { increase: 0n, isRepeated: true } });
  });

  it('takes the same voucher again even while the channel is claimed or past its stop', () => {
    const claiming = { ...after(1_000n), state: 'claiming' } as const;
    expect(codeOf(claiming, voucher(1_000n), { ledgerTime: EXPIRY + 1 })).toBe('ok');
  });

  it('voucher-wrong-channel: signed for another channel', () => {
    expect(codeOf(opened(), voucher(1_000n, { id: OTHER_ID }))).toBe('voucher-wrong-channel');
  });

  it('voucher-not-increasing: lowered, or zero', () => {
    expect(codeOf(after(1_000n), voucher(999n))).toBe('voucher-not-increasing');
    expect(codeOf(opened(), voucher(0n))).toBe('voucher-not-increasing');
  });

  it('voucher-over-deposit: one base unit into the reserve', () => {
    expect(codeOf(opened(), voucher(10_001n))).toBe('voucher-over-deposit');
  });

  it('voucher-expired: from expiry − 24 h on', () => {
    const stop = EXPIRY - MARKET_TIMES.sellStop;
    expect(codeOf(opened(), voucher(1_000n), { ledgerTime: stop - 1 })).toBe('ok');
    expect(codeOf(opened(), voucher(1_000n), { ledgerTime: stop })).toBe('voucher-expired');
    expect(codeOf(opened(), voucher(1_000n), { ledgerTime: EXPIRY - 1 })).toBe('voucher-expired');
    expect(codeOf(opened(), voucher(1_000n), { ledgerTime: EXPIRY })).toBe('voucher-expired');
  });

  it('voucher-too-small: a total that no claim could pay out', () => {
    expect(codeOf(opened(), voucher(119n))).toBe('voucher-too-small');
    expect(codeOf(opened(), voucher(120n))).toBe('ok');
  });

  it('voucher-signature: another key, another network, a changed total, a repeated forgery', () => {
    const key = new Uint8Array(32).fill(6);
    expect(codeOf(opened(), voucher(1_000n, { key }))).toBe('voucher-signature');
    expect(codeOf(opened(), voucher(1_000n), { networkId: 6n })).toBe('voucher-signature');
    const raised = { ...voucher(1_000n), cumulative: 2_000n };
    expect(codeOf(opened(), raised)).toBe('voucher-signature');
    expect(codeOf(after(1_000n), voucher(1_000n, { key }))).toBe('voucher-signature');
  });

  it('channel-gone: new money for a channel that is being claimed', () => {
    for (const state of ['claim-due', 'claiming', 'claimed', 'lost', 'empty'] as const) {
      expect(codeOf({ ...opened(), state }, voucher(1_000n))).toBe('channel-gone');
    }
  });

  it('never accepts more than was signed, whatever order vouchers come in', () => {
    const verifier = { verify: () => true };
    const totals = fc.array(fc.bigInt({ min: 0n, max: 12_000n }), { maxLength: 30 });
    fc.assert(
      fc.property(totals, (list) => {
        let channel = opened();
        let credited = 0n;
        for (const cumulative of list) {
          const one = { channelId: CHANNEL_ID, cumulative, signature: new Uint8Array(64) };
          const outcome = acceptVoucher(channel, one, { ...CONTEXT, verifier });
          if (!outcome.ok) continue;
          credited += outcome.value.increase;
          channel = outcome.value.channel;
        }
        const valid = list.filter((one) => one >= 120n && one <= 10_000n);
        const highest = valid.reduce((max, one) => (one > max ? one : max), 0n);
        expect(credited).toBe(highest);
        expect(channel.accepted).toBe(highest);
      }),
    );
  });
});
