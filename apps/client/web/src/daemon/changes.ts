/** Which resources an event of the daemon may have changed, as beginnings of their paths. */
import type { LiveEvent } from './events.ts';

const MAIL = ['folders', 'messages', 'mailbox/', 'status'];

const CHANGES: Readonly<Record<LiveEvent['topic'], readonly string[]>> = {
  $connected: [''],
  inbox: MAIL,
  mailbox: MAIL,
  outbox: ['outbox', 'messages', 'status'],
  wallet: ['wallet', 'status', 'providers'],
  contacts: [...MAIL, 'contacts', 'requests', 'settings', 'address', 'invites', 'status'],
  chat: ['chat/'],
  upload: ['uploads'],
  incoming: ['incoming'],
};

export function changedBy({ topic }: LiveEvent): readonly string[] {
  return CHANGES[topic] ?? [];
}
