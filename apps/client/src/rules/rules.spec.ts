/** Rules over real deliveries, in the same batch, over restarts. */
import { describe, expect, it } from '@jest/globals';
import { FOLDER, type FolderId, readFolderName } from '../messages/folder-name.ts';
import type { NewMail } from '../messages/listed-mail.ts';
import { MessageStore } from '../messages/message-store.ts';
import type { Rule } from '../store/mailbox-collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { RuleBook } from './rule-book.ts';

const WORK = 'a'.repeat(32) as FolderId;

function rule(when: Rule['when'], actions: Rule['actions'], more: Partial<Rule> = {}): Rule {
  return { name: 'a rule', isEnabled: true, when, actions, isLast: false, ...more };
}

function mail(more: Partial<NewMail> = {}): NewMail {
  return {
    folder: 'INBOX',
    raw: new Uint8Array(100),
    messageKey: 'key',
    receivedAtMs: 1_800_000_000_000,
    flags: [],
    isRegistered: false,
    hasAttachments: false,
    fromName: 'Boss',
    to: 'tm1me+shop@tangle.alt',
    subject: 'Quarterly Report',
    messageId: '',
    ...more,
  };
}

interface Desk {
  readonly store: SealedStore;
  readonly messages: MessageStore;
  readonly book: RuleBook;
}

async function open(disk: Disk): Promise<Desk> {
  const store = sealedMemoryStore(memoryStore(disk).store);
  const messages = await MessageStore.load(store);
  const book = new RuleBook({ store, messages, senderOf: () => 'tm1boss Alice' });
  return { store, messages, book };
}

/** Where a mail lands under these rules, and with which flags. */
async function land(rules: readonly Rule[], one: NewMail = mail()): Promise<string> {
  const disk: Disk = new Map();
  const first = await open(disk);
  const setup = first.store.batch();
  first.messages.createFolder(setup, readFolderName('Work'), () => WORK);
  first.book.replace(setup, rules);
  await setup.write();
  // After a restart, so that what counts is what lies on the disk.
  const { store, messages } = await open(disk);
  const batch = store.batch();
  const change = messages.deliver(batch, one);
  await batch.write();
  change.apply();
  const { entry } = messages.get(change.id)!;
  return [change.id.replace(WORK, 'Work'), ...entry.flags].join(' ');
}

describe('rules', () => {
  it('look at sender, recipient, subject, size and attachments', async () => {
    const to = { moveTo: WORK };
    const holds: readonly Rule['when'][] = [
      { from: ['nobody', 'ALICE'] },
      { from: ['boss'] },
      { to: ['+shop@'] },
      { subject: ['report'] },
      { largerThan: 99 },
      { smallerThan: 101 },
      { hasAttachment: false },
      {},
    ];
    for (const when of holds) expect(await land([rule(when, to)])).toBe('Work.1');
    const fails: readonly Rule['when'][] = [
      { from: ['carol'] },
      { to: ['+bank@'] },
      { subject: ['invoice'] },
      { largerThan: 100 },
      { smallerThan: 100 },
      { hasAttachment: true },
      { from: ['alice'], subject: ['invoice'] },
    ];
    for (const when of fails) expect(await land([rule(when, to)])).toBe('INBOX.1');
  });

  it('move, label, mark and throw away, in their order', async () => {
    const label = rule({}, { labels: ['work', 'q3'], markRead: true, markFlagged: true });
    expect(await land([label, rule({}, { moveTo: WORK })])).toBe('Work.1 \\Flagged \\Seen q3 work');
    expect(await land([rule({}, { trash: true, moveTo: WORK })])).toBe('Trash.1');
    expect(await land([rule({}, { trash: true }), rule({}, { moveTo: WORK })])).toBe('Work.1');
  });

  it('stop after the last, and pass over those that are switched off', async () => {
    const move = rule({}, { moveTo: WORK });
    expect(await land([rule({}, { markRead: true }, { isLast: true }), move])).toBe(
      'INBOX.1 \\Seen',
    );
    expect(await land([{ ...move, isEnabled: false }])).toBe('INBOX.1');
  });

  it('leave alone what is no mail of an accepted sender, and folders that are gone', async () => {
    const gone = rule({}, { moveTo: 'b'.repeat(32) });
    expect(await land([gone])).toBe('INBOX.1');
    const move = rule({}, { moveTo: WORK });
    expect(await land([move], mail({ folder: FOLDER.Requests }))).toBe('Requests.1');
    expect(await land([move], mail({ folder: FOLDER.Sent }))).toBe('Sent.1');
  });
});
