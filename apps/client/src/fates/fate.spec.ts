/** What is due for a recipient, and which keywords a copy in Sent has. */
import { describe, expect, it } from '@jest/globals';
import { delayedAt, DELAY_MS, dueFates, type FateFacts, keywordsOf, retryUntil } from './fate.ts';

const fact = (state: FateFacts['state'], more: Partial<FateFacts> = {}): FateFacts => {
  return { state, createdAtMs: 1_000, isDone: false, deliveries: [], ...more };
};
const PROVIDER = { bondId: '05', endpoint: 'x', state: 'absent' as const };
const ALL = { notify: ['SUCCESS', 'FAILURE', 'DELAY'] as const, asksRead: false, told: [] };

describe('a fate', () => {
  it('of a mail whose last step is over says what is known', () => {
    const done = { isDone: true };
    expect(dueFates(fact('confirmed', done), ALL, 2_000)).toEqual(['relayed']);
    const silent = { ...done, deliveries: [PROVIDER] };
    expect(dueFates(fact('confirmed', silent), ALL, 2_000)).toEqual(['failed']);
    expect(dueFates(fact('expired', done), ALL, 2_000)).toEqual(['failed']);
    expect(dueFates(fact('recalled', done), ALL, 2_000)).toEqual([]);
    expect(dueFates(fact('read', done), ALL, 2_000)).toEqual(['delivered']);
    expect(dueFates(fact('read', done), { ...ALL, asksRead: true }, 0)).toContain('displayed');
  });

  it('is told once, and nothing weaker behind it', () => {
    const stored = fact('stored');
    expect(dueFates(stored, { ...ALL, told: ['delayed'] }, 0)).toEqual(['relayed']);
    expect(dueFates(stored, { ...ALL, told: ['relayed'] }, 0)).toEqual([]);
    expect(dueFates(stored, { ...ALL, told: ['delivered'] }, 0)).toEqual([]);
    expect(dueFates(fact('fetched'), { ...ALL, told: ['failed'] }, 0)).toEqual(['delivered']);
  });

  it('is late from the time at which the mail was to leave', () => {
    const later = fact('scheduled', { notBeforeMs: 500_000 });
    expect(delayedAt(later)).toBe(500_000 + DELAY_MS);
    expect(dueFates(later, ALL, 499_999 + DELAY_MS)).toEqual([]);
    expect(dueFates(later, ALL, 500_000 + DELAY_MS)).toEqual(['delayed']);
    expect(delayedAt(fact('stored'))).toBeUndefined();
    expect(retryUntil(fact('queued'))).toBeGreaterThan(retryUntil(fact('confirmed')));
  });
});

describe('keywords', () => {
  it('say what holds for all, and that it failed for some', () => {
    expect(keywordsOf([fact('stored'), fact('attached')])).toEqual(['$Queued']);
    expect(keywordsOf([fact('fetched'), fact('failed')])).toEqual(['$Fetched', '$Failed']);
    expect(keywordsOf([fact('expired')])).toEqual(['$Failed']);
    expect(keywordsOf([fact('recalled'), fact('read')])).toEqual(['$Read']);
    expect(keywordsOf([fact('recalled')])).toEqual([]);
  });
});
