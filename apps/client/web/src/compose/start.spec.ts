import { describe, expect, it } from '@jest/globals';
import type { MessageDto } from '../../../src/api/dto.ts';
import { splitRecipients } from './recipients.ts';
import { addressesIn, answerTo, quoted, sameAddress, subjectWith } from './start.ts';

const ALICE = 'tmt1qqh49ng7jt3klt8pnxsauvt4tpz58g2qfy2vhrcmczh8mj';
const BOB = 'tmt1qph02kxmzuxnsdj9gkwvchp3shwyej5nltt78rcvht0p6t';
const CAROL = 'tmt1qqv2twl8carolcarolcarolcarolcarolcarolcarolcar';

const MAIL: MessageDto = {
  id: 'INBOX.1',
  uid: 1,
  folder: 'INBOX',
  from: { address: BOB, name: 'Bob', verified: true },
  to: `Alice <${ALICE}@tangle.alt>, ${CAROL}@tangle.alt`,
  subject: 'Plan',
  dateMs: 0,
  sizeBytes: 1,
  flags: [],
  hasAttachments: false,
  messageId: '<1@tangle.alt>',
  text: 'One\n> Two\n',
  attachments: [],
  headers: [{ name: 'Cc', value: `${BOB}@tangle.alt` }],
  verified: { senderAddress: BOB, how: 'seal' },
};

describe('answers', () => {
  it('go to whom the seal proves, and quote what was written', () => {
    const answer = answerTo(MAIL, ALICE, false, 'Bob wrote:');
    expect(answer).toMatchObject({ to: [BOB], cc: [], subject: 'Re: Plan' });
    expect(answer.inReplyTo).toBe('<1@tangle.alt>');
    expect(answer.text).toBe('\n\nBob wrote:\n> One\n>> Two\n');
  });

  it('to all go to everybody else once, never to oneself', () => {
    const { to, cc } = answerTo(MAIL, ALICE, true, '');
    expect(to).toEqual([BOB]);
    expect(cc).toEqual([`${CAROL}@tangle.alt`]);
  });

  it('to an own mail go on to its recipients', () => {
    const own = { ...MAIL, sentTo: 'Bob', to: `Bob <${BOB}@tangle.alt>` };
    expect(answerTo(own, ALICE, false, '').to).toEqual([`${BOB}@tangle.alt`]);
  });
});

describe('subjects and quotations', () => {
  it('say Re and Fwd once', () => {
    expect(subjectWith('Re', 'AW: Plan')).toBe('Re: Plan');
    expect(subjectWith('Fwd', 'fw: Plan')).toBe('Fwd: Plan');
    expect(subjectWith('Re', '')).toBe('Re:');
  });

  it('keep empty lines without a space at the end', () => {
    expect(quoted('a\n\nb\n')).toBe('> a\n>\n> b');
  });
});

describe('addresses', () => {
  it('are the same with and without host and label', () => {
    expect(sameAddress(`${ALICE}+shop@tangle.alt`, ALICE)).toBe(true);
    expect(sameAddress(ALICE, BOB)).toBe(false);
    expect(addressesIn('nobody@example.org')).toEqual([]);
  });

  it('are split as people write them', () => {
    expect(splitRecipients(` Bob, "C, D" <${CAROL}>;\nBob`)).toEqual(['Bob', '"C', CAROL]);
    expect(splitRecipients(' ,; ')).toEqual([]);
  });
});
