/** What a restored store does differently: mails of the outbox keep the times that they wait for. */
import { expect, it } from '@jest/globals';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { outboxEntries } from '../store/outbox-collections.ts';
import type { RecordOf } from '../store/collections.ts';
import { startAnew } from './start-anew.ts';

type Entry = RecordOf<typeof outboxEntries>;

const TO = 'ab'.repeat(24) as MailAddress;
const LATER_MS = 1_800_000_000_000;

function entryOf(facts: Partial<Entry>): Entry {
  return {
    id: 1,
    letterId: '00'.repeat(16),
    emailId: '',
    messageId: '',
    to: TO,
    subject: '',
    sizeBytes: 1,
    createdAtMs: 1,
    state: 'queued',
    deliveries: [],
    isDone: false,
    attempts: 3,
    nextTryAtMs: LATER_MS,
    history: [],
    ...facts,
  };
}

function restored(entry: Entry): Entry {
  const value = new TextEncoder().encode(JSON.stringify(entry));
  const after = startAnew({ bucket: 'outbox', key: '0000000000000001', value });
  return outboxEntries.schema.parse(JSON.parse(new TextDecoder().decode(after?.value)));
}

it('tries again at once what has waited because of a failure', () => {
  expect(restored(entryOf({}))).toMatchObject({ nextTryAtMs: 0, state: 'queued' });
});

it.each([
  ['that is scheduled', { state: 'scheduled', notBeforeMs: LATER_MS }],
  ['that rests to be undone', { notBeforeMs: LATER_MS }],
  ['whose storage has not ended', { state: 'stored', awaitsFetchUntilMs: LATER_MS }],
] as const)('lets a mail wait %s', (_which, facts) => {
  expect(restored(entryOf(facts))).toEqual(entryOf(facts));
});
