/** Packs and vouchers: bytes, limits, codes. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes, type OutputId } from './ids.ts';
import { decodePack, encodePack } from './pack.ts';
import { decodeVoucher, encodeVoucher, VOUCHER_SIZE, voucherMessage } from './voucher.ts';

function codeOf(hex: string): string {
  const outcome = decodePack(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

describe('pack', () => {
  it('has its bytes', () => {
    const blocks = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    expect(bytesToHex(encodePack(blocks))).toBe('020002000102010003');
    expect(decodePack(encodePack(blocks))).toEqual({ ok: true, value: blocks });
  });

  it('count-out-of-range', () => {
    expect(codeOf('0000')).toBe('count-out-of-range');
    expect(codeOf('0102')).toBe('count-out-of-range');
    expect(codeOf('01000000')).toBe('count-out-of-range');
    expect(codeOf('01000180')).toBe('count-out-of-range');
  });

  it('truncated and trailing-bytes', () => {
    expect(codeOf('0100020001')).toBe('truncated');
    expect(codeOf('010001000102')).toBe('trailing-bytes');
  });

  it('too-large', () => {
    expect(codeOf('00'.repeat(98_305))).toBe('too-large');
  });

  it('does not encode nothing, an empty block, too many or too much', () => {
    const one = Uint8Array.of(1);
    expect(() => encodePack([])).toThrow('broken');
    expect(() => encodePack([new Uint8Array(0)])).toThrow('broken');
    expect(() => encodePack(Array.from({ length: 513 }, () => one))).toThrow('broken');
    const large = new Uint8Array(32_768);
    expect(() => encodePack([large, large, large])).toThrow('broken');
    expect(encodePack([large, large])).toHaveLength(2 + 2 * (2 + 32_768));
  });
});

describe('voucher', () => {
  const channelId = ('11'.repeat(32) + '0100') as OutputId;
  const voucher = { channelId, cumulative: 258n, signature: new Uint8Array(64).fill(9) };

  it('has its 106 bytes', () => {
    const hex = channelId + '0201000000000000' + '09'.repeat(64);
    expect(bytesToHex(encodeVoucher(voucher))).toBe(hex);
    expect(hex).toHaveLength(2 * VOUCHER_SIZE);
    expect(decodeVoucher(hexToBytes(hex))).toEqual({ ok: true, value: voucher });
  });

  it('is signed with domain, network, channel and sum', () => {
    const domain = bytesToHex(new TextEncoder().encode('tmail/voucher/v1\0'));
    expect(bytesToHex(voucherMessage(5n, channelId, 258n))).toBe(
      domain + '0500000000000000' + channelId + '0201000000000000',
    );
  });

  it('truncated and too-large', () => {
    expect(decodeVoucher(new Uint8Array(105))).toMatchObject({ code: 'truncated' });
    expect(decodeVoucher(new Uint8Array(107))).toMatchObject({ code: 'too-large' });
  });
});
