import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { channelFromJson, channelToJson } from './channel-json.ts';
import {
  formatChallenge,
  formatCredential,
  fromCompactJson,
  parseChallenge,
  parseCredential,
  PAYMENT_RECEIPT,
  toCompactJson,
} from './payment-auth.ts';
import type { Challenge } from './payment-auth.ts';

const CHALLENGE: Challenge = {
  id: 'abc-_123',
  realm: 'prov.example',
  method: 'tangle',
  intent: 'session',
  expires: '2026-11-22T03:05:00Z',
  request: 'eyJhIjoxfQ',
  digest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
};
const PAYLOAD = {
  action: 'voucher',
  channelId: '11'.repeat(34),
  cumulativeAmount: '1000',
  signature: '22'.repeat(64),
} as const;

describe('payment challenges', () => {
  it('read back as they were written', () => {
    expect(parseChallenge(formatChallenge(CHALLENGE))).toEqual(CHALLENGE);
  });

  it('are found beside challenges of other schemes', () => {
    const other = 'PrivateToken challenge="AAAA", token-key="BBBB"';
    expect(parseChallenge(`${other}, ${formatChallenge(CHALLENGE)}`)).toEqual(CHALLENGE);
    expect(parseChallenge(`${formatChallenge(CHALLENGE)}, ${other}`)).toEqual(CHALLENGE);
  });

  it('are refused when they are of another method, incomplete or endless', () => {
    const header = formatChallenge(CHALLENGE);
    expect(parseChallenge(header.replace('method="tangle"', 'method="card"'))).toBeUndefined();
    expect(parseChallenge(header.replace('id="abc-_123", ', ''))).toBeUndefined();
    expect(parseChallenge(header.replace('abc', 'a'.repeat(9_000)))).toBeUndefined();
    expect(parseChallenge('Basic realm="x"')).toBeUndefined();
  });

  it('never throw at what a server sends', () => {
    const noise = fc.string({ maxLength: 200, unit: 'binary-ascii' });
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const parsed = parseChallenge(`${before}, Payment ${after}`);
        expect(parsed === undefined || parsed.method === 'tangle').toBe(true);
      }),
    );
  });
});

describe('payment credentials', () => {
  it('read back as they were written, in whatever case the scheme is', () => {
    const credential = { challenge: CHALLENGE, payload: PAYLOAD };
    const header = formatCredential(credential);
    expect(parseCredential(header)).toEqual(credential);
    expect(parseCredential(header.replace('Payment', 'payment'))).toEqual(credential);
  });

  it('are refused with another scheme, more words, unknown members or broken base64', () => {
    const header = formatCredential({ challenge: CHALLENGE, payload: PAYLOAD });
    const more = toCompactJson({ challenge: CHALLENGE, payload: { ...PAYLOAD, more: 1 } });
    for (const wrong of [
      header.replace('Payment', 'Bearer'),
      `${header} more`,
      `${header}!`,
      'Payment',
      '',
      `Payment ${more}`,
      `Payment ${'A'.repeat(9_000)}`,
      'Payment AAAA',
    ]) {
      expect(parseCredential(wrong)).toBeUndefined();
    }
  });

  it('are canonical JSON', () => {
    const [one, two] = [toCompactJson({ b: '1', a: '2' }), toCompactJson({ a: '2', b: '1' })];
    expect(one).toBe(two);
    expect(fromCompactJson(one, PAYMENT_RECEIPT)).toBeUndefined();
  });
});

describe('channels as JSON', () => {
  it('read back as they were written', () => {
    const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
    fc.assert(
      fc.property(u64, u64, u64, (amount, signed, acknowledged) => {
        const channel = {
          state: 'open',
          bondId: '33'.repeat(32),
          keyIndex: 2,
          amount,
          reserve: 112n,
          expiry: 1_800_000_000,
          signed,
          acknowledged,
        } as const;
        const text = JSON.stringify(channelToJson(channel));
        expect(channelFromJson(JSON.parse(text))).toEqual(channel);
      }),
    );
    expect(() => channelFromJson({ state: 'open' })).toThrow();
  });
});
