/** Conversations while mails come and go: what one asks for between a change and its disk. */
import { expect, it } from '@jest/globals';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { Conversations } from './conversations.ts';
import { FOLDER } from './folder-name.ts';
import type { NewMail } from './listed-mail.ts';
import { MessageStore } from './message-store.ts';

function mail(key: string): NewMail {
  return {
    folder: FOLDER.INBOX,
    raw: new TextEncoder().encode(`Message-ID: <${key}@x>\r\n\r\n${key}`),
    messageKey: key,
    receivedAtMs: 1_000,
    flags: [],
    isRegistered: false,
    hasAttachments: false,
    fromName: '',
    to: '',
    subject: key,
    messageId: `<${key}@x>`,
  };
}

it('a conversation that is listed while its mail is written is listed afterwards too', async () => {
  const store = sealedMemoryStore();
  const messages = await MessageStore.load(store);
  const conversations = new Conversations(messages);
  const keys = (): string[] =>
    conversations.list(10).map((thread) => thread[0]?.entry.messageKey ?? '');
  for (const key of ['first', 'second']) {
    const batch = store.batch();
    const change = messages.deliver(batch, mail(key));
    expect(keys()).not.toContain(key);
    await batch.write();
    change.apply();
    expect(keys()).toContain(key);
  }
  const batch = store.batch();
  const gone = messages.expunge(batch, ['INBOX.1']);
  expect(keys()).toContain('first');
  await batch.write();
  gone.apply();
  expect(keys()).toEqual(['second']);
});
