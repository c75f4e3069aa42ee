/** The life of an outgoing mail: states, waiting times, ends. */
import { describe, expect, it } from '@jest/globals';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { Delivery, OutboxEntry } from '../store/outbox-collections.ts';
import {
  afterReceipts,
  enter,
  EXPIRY_MS,
  giveUp,
  isUnwatched,
  postpone,
  RECEIPT_PATIENCE_MS,
  RESEND_AFTER_MS,
  sendAgain,
  storedCount,
} from './outbox-entry.ts';

const queued: OutboxEntry = {
  id: 1,
  letterId: '00'.repeat(16),
  emailId: '11'.repeat(32),
  messageId: '<a@tangle.alt>',
  to: '22'.repeat(24) as MailAddress,
  subject: 'hello',
  sizeBytes: 100,
  createdAtMs: 1_000,
  state: 'queued',
  deliveries: [],
  isDone: false,
  attempts: 0,
  nextTryAtMs: 1_000,
  history: [{ state: 'queued', atMs: 1_000 }],
};
const waiting: Delivery = { bondId: '33'.repeat(32), endpoint: 'http://p', state: 'waiting' };
const stored: Delivery = { ...waiting, state: 'stored', until: 99 };

describe('an outgoing mail', () => {
  it('writes each state into its history and forgets the last error', () => {
    const late = postpone(queued, { code: 'node-unreachable', detail: 'down' }, 2_000);
    const attached = enter(late, 'attached', 3_000, 'block');
    expect(attached.state).toBe('attached');
    expect(attached.error).toBeUndefined();
    expect(attached.history.map((line) => line.state)).toEqual(['queued', 'attached']);
  });

  it('waits twice as long after each failure, five minutes at most', () => {
    let entry = queued;
    const waits: number[] = [];
    for (let failure = 0; failure < 12; failure += 1) {
      entry = postpone(entry, { code: 'x', detail: '' }, 2_000);
      waits.push(entry.nextTryAtMs - 2_000);
    }
    expect(waits.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(waits.at(-1)).toBe(300_000);
    expect(entry.state).toBe('queued');
  });

  it('expires when no milestone took it in 30 days, and never once it is confirmed', () => {
    const nowMs = queued.createdAtMs + EXPIRY_MS + 1;
    const error = { code: 'x', detail: '' };
    expect(postpone(queued, error, nowMs)).toMatchObject({ state: 'expired', isDone: true });
    const confirmed = { ...queued, state: 'confirmed' as const, milestoneIndex: 7 };
    expect(postpone(confirmed, error, nowMs)).toMatchObject({ state: 'confirmed', isDone: false });
  });

  it('fails for good with its reason', () => {
    const failed = giveUp(queued, { code: 'message-too-large', detail: 'at most 9' }, 5_000);
    expect(failed).toMatchObject({ state: 'failed', isDone: true });
    expect(failed.error).toEqual({ code: 'message-too-large', detail: 'at most 9' });
  });

  it('is stored 1/2, then 2/2 and done', () => {
    const confirmed = enter({ ...queued, deliveries: [waiting, waiting] }, 'confirmed', 9_000);
    const one = afterReceipts(confirmed, [stored, waiting], 10_000);
    expect(one).toMatchObject({ state: 'stored', isDone: false });
    expect(one.history.at(-1)).toMatchObject({ detail: '1/2' });
    const two = afterReceipts(one, [stored, stored], 11_000);
    expect(two).toMatchObject({ state: 'stored', isDone: true });
    expect(storedCount(two)).toBe(2);
  });

  it('stays confirmed while no provider has a receipt, and asks less and less often', () => {
    let entry = enter({ ...queued, deliveries: [waiting] }, 'confirmed', 9_000);
    const waits: number[] = [];
    for (let look = 0; look < 14; look += 1) {
      entry = afterReceipts(entry, [waiting], 10_000);
      waits.push(entry.nextTryAtMs - 10_000);
    }
    expect(entry).toMatchObject({ state: 'confirmed', isDone: false });
    expect(waits[0]).toBe(500);
    expect(waits.at(-1)).toBe(600_000);
    expect(afterReceipts(entry, [waiting], 9_001 + RECEIPT_PATIENCE_MS)).toMatchObject({
      state: 'confirmed',
      isDone: true,
    });
  });

  it('is done at once when the recipient has no provider to ask', () => {
    const confirmed = enter(queued, 'confirmed', 9_000);
    expect(afterReceipts(confirmed, [], 9_000)).toMatchObject({ state: 'confirmed', isDone: true });
  });
});

describe('a mail with an exact tag that nobody stores', () => {
  const absent: Delivery = { ...waiting, state: 'absent' };
  const confirmed = enter(
    {
      ...queued,
      root: '44'.repeat(32),
      envelopeBytes: 1_020,
      tagKind: 'contact',
      blockId: '55'.repeat(32),
      milestoneIndex: 7,
      deliveries: [absent, absent],
    },
    'confirmed',
    10_000,
  );
  const later = 10_001 + RESEND_AFTER_MS;

  it('is sealed again after an hour, for the same letter, and only once', () => {
    expect(isUnwatched(confirmed, later - 2)).toBe(false);
    expect(isUnwatched(confirmed, later)).toBe(true);
    const again = sendAgain(confirmed, later);
    expect(again).toMatchObject({
      state: 'queued',
      letterId: queued.letterId,
      isResent: true,
      isDone: false,
      deliveries: [],
    });
    for (const gone of ['root', 'envelopeBytes', 'tagKind', 'blockId', 'milestoneIndex']) {
      expect(again).not.toHaveProperty(gone);
    }
    expect(again.history.at(-1)?.detail).toMatch(/stranger/);
    expect(isUnwatched({ ...again, tagKind: 'stranger' }, later * 2)).toBe(false);
  });

  it('stays when one provider has it, and waits a day for one that cannot be asked', () => {
    expect(isUnwatched({ ...confirmed, deliveries: [absent, stored] }, later)).toBe(false);
    expect(isUnwatched({ ...confirmed, deliveries: [waiting, waiting] }, later * 99)).toBe(false);
    const mixed = { ...confirmed, deliveries: [absent, waiting] };
    expect(isUnwatched(mixed, later)).toBe(false);
    expect(isUnwatched(mixed, later + 24 * 3_600_000)).toBe(true);
    expect(isUnwatched({ ...confirmed, tagKind: 'stranger' }, later)).toBe(false);
  });
});
