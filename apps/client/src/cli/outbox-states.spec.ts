import { describe, expect, it } from '@jest/globals';
import type { OutboxItemDto } from '../api/dto.ts';
import { stateText } from './outbox-states.ts';

const STORED = { state: 'stored', storedCount: 1, providerCount: 2 } as OutboxItemDto;

describe('the words for a stored mail', () => {
  const receipt = { bondId: '', endpoint: '', checked: true as const };

  it('count receipts while what they promise holds', () => {
    const receipts = [
      { ...receipt, until: 1_700_000_000 },
      { ...receipt, until: 4_000_000_000 },
    ];
    expect(stateText({ ...STORED, receipts })).toBe('stored 1/2 (receipts checked)');
  });

  it('say so when the last of them is over', () => {
    const text = stateText({ ...STORED, receipts: [{ ...receipt, until: 1_700_000_000 }] });
    expect(text).toMatch(
      /^was stored 1\/2 until 2023-11-1\d .*, whether it was fetched is not known$/,
    );
  });
});
