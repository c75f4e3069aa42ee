import { describe, expect, it } from '@jest/globals';
import { SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { BodyTickets, MAX_TICKETS, TICKET_MS } from './body-tickets.ts';

const ticket = { mailId: 'INBOX.1', isDark: true };

describe('nonces of bodies', () => {
  it('are good once, for the browser and the mail that they were asked for', () => {
    const tickets = new BodyTickets(SYSTEM_RANDOM, { nowMs: () => 0 });
    const nonce = tickets.issue(ticket, 'mine');
    expect(nonce).toMatch(/^[\w-]{32}$/);
    expect(tickets.permits('INBOX.1', nonce, 'mine')).toBe(true);
    expect(tickets.permits('INBOX.1', nonce, undefined)).toBe(false);
    expect(tickets.take('INBOX.1', nonce, 'theirs')).toBeUndefined();
    expect(tickets.take('INBOX.2', nonce, 'mine')).toBeUndefined();
    expect(tickets.take('INBOX.1', nonce, 'mine')).toMatchObject(ticket);
    expect(tickets.take('INBOX.1', nonce, 'mine')).toBeUndefined();
  });

  it('end, by time and by number', () => {
    let nowMs = 0;
    const tickets = new BodyTickets(SYSTEM_RANDOM, { nowMs: () => nowMs });
    const first = tickets.issue(ticket, 'mine');
    nowMs = TICKET_MS;
    expect(tickets.permits('INBOX.1', first, 'mine')).toBe(true);
    nowMs += 1;
    expect(tickets.permits('INBOX.1', first, 'mine')).toBe(false);
    const oldest = tickets.issue(ticket, 'mine');
    for (let count = 1; count < MAX_TICKETS; count++) tickets.issue(ticket, 'mine');
    expect(tickets.permits('INBOX.1', oldest, 'mine')).toBe(true);
    tickets.issue(ticket, 'mine');
    expect(tickets.permits('INBOX.1', oldest, 'mine')).toBe(false);
  });
});
