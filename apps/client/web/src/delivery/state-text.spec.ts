import { describe, expect, it } from '@jest/globals';
import { de } from '../words/de.ts';
import { en } from '../words/en.ts';
import { it as italian } from '../words/it.ts';
import {
  deliveryText,
  deliveryTone,
  type ShownDelivery,
  stateText,
  stepTime,
} from './state-text.ts';

const one: ShownDelivery = {
  recipientCount: 1,
  weakest: 'stored',
  furthest: { state: 'stored', count: 1 },
  failedCount: 0,
  isFailed: false,
  providerCount: 2,
  storedCount: 2,
};

describe('the words of a delivery', () => {
  const all = ['queued', 'attached', 'confirmed', 'stored', 'fetched', 'read', 'expired'] as const;

  it.each([
    [
      en,
      'Queued on this device|In the tangle|Confirmed|Stored at 2 of 2 providers|' +
        'Fetched by recipient|Read|Expired before it was fetched',
    ],
    [
      italian,
      'In coda su questo dispositivo|Nel tangle|Confermato|Custodito da 2 di 2 provider|' +
        'Ritirato dal destinatario|Letto|Scaduto prima del ritiro',
    ],
    [
      de,
      'Wartet auf diesem Gerät|Im Tangle|Bestätigt|Bei 2 von 2 Anbietern hinterlegt|' +
        'Vom Empfänger abgeholt|Gelesen|Vor Abholung abgelaufen',
    ],
  ])('are those of the specification', ({ delivery }, texts) => {
    expect(all.map((state) => stateText(delivery, state, one)).join('|')).toBe(texts);
  });

  it('say how many of several have come how far', () => {
    const four = { ...one, recipientCount: 4 };
    const fetched = { ...four, furthest: { state: 'fetched', count: 3 } } as const;
    expect(deliveryText(en.delivery, fetched)).toBe('Fetched by 3 of 4');
    expect(deliveryText(de.delivery, fetched)).toBe('Von 3 von 4 abgeholt');
    const all4 = { ...four, furthest: { state: 'fetched', count: 4 } } as const;
    expect(deliveryText(en.delivery, all4)).toBe('Fetched by all 4');
    const confirmed = { ...four, furthest: { state: 'confirmed', count: 1 } } as const;
    expect(deliveryText(en.delivery, confirmed)).toBe('Confirmed for 1 of 4');
    expect(deliveryText(en.delivery, one)).toBe('Stored at 2 of 2 providers');
  });

  it('are red only if all have failed, and say why', () => {
    const partly = { ...one, recipientCount: 2, failedCount: 1 };
    expect(deliveryText(en.delivery, partly)).toBe('Stored for 1 of 2, 1 not sent');
    expect(deliveryTone(partly)).toBe('warn');
    const failed: ShownDelivery = {
      ...one,
      furthest: { state: 'failed', count: 1 },
      failedCount: 1,
      isFailed: true,
      errorCode: 'insufficient-funds',
    };
    expect(deliveryTone(failed)).toBe('err');
    expect(deliveryText(en.delivery, failed)).toBe(
      'Not sent: balance too low. Add tokens or shorten storage.',
    );
    expect(deliveryText(en.delivery, { ...failed, errorCode: 'odd' })).toBe('Not sent: odd');
  });

  it('give each step its own time', () => {
    const item = { createdAtMs: 1, times: { confirmedAtMs: 3, storedAtMs: 2 } };
    expect(stepTime(item, 'queued')).toBe(1);
    expect(stepTime(item, 'attached')).toBeUndefined();
    expect(stepTime(item, 'confirmed')).toBe(3);
    expect(stepTime(item, 'stored')).toBe(2);
  });
});
