import { describe, expect, it } from '@jest/globals';
import type { ApiCall } from '../daemon/api.ts';
import { folderIdOf, MailDesk, type MailDeskDeps } from './mail-desk.ts';

interface Body {
  readonly ids: readonly string[];
  readonly folder?: string;
  readonly flags?: readonly string[];
  readonly change?: string;
}

/** A daemon that gives moved mails new ids, and has none of those in `gone`. */
function openDesk(gone: readonly string[] = []) {
  const calls: string[] = [];
  let uid = 100;
  const api: MailDeskDeps['api'] = {
    send: async <T>(path: string, { json }: ApiCall) => {
      const { ids, folder, flags = [], change } = json as Body;
      const what = folder ?? `${change} ${flags.join(' ')}`;
      calls.push(`${path} ${ids.length > 3 ? ids.length : ids.join(' ')} ${what}`);
      const there = ids.filter((id) => !gone.includes(id));
      return there.map((from) => ({ from, id: `${folder}.${++uid}` })) as T;
    },
  };
  return { desk: new MailDesk({ api }), calls };
}

describe('a mail desk', () => {
  it('moves mails, and back into the folder that each came from', async () => {
    const { desk, calls } = openDesk(['INBOX.3']);
    expect(await desk.move(['INBOX.1', 'f7.2', 'INBOX.3'], 'Trash')).toBe(2);
    expect(await desk.undo()).toBe(true);
    expect(calls).toEqual([
      'mailbox/move INBOX.1 f7.2 INBOX.3 Trash',
      'mailbox/move Trash.101 INBOX',
      'mailbox/move Trash.102 f7',
    ]);
    expect(await desk.undo()).toBe(false);
  });

  it('undoes one action after the other', async () => {
    const { desk, calls } = openDesk();
    await desk.flag(['INBOX.1'], '\\Flagged', 'add');
    await desk.flag(['INBOX.1'], '\\Seen', 'remove');
    await desk.undo();
    await desk.undo();
    expect(calls.slice(2)).toEqual([
      'mailbox/flags INBOX.1 add \\Seen',
      'mailbox/flags INBOX.1 remove \\Flagged',
    ]);
  });

  it('asks for no more mails at once than the API takes', async () => {
    const { desk, calls } = openDesk();
    const ids = Array.from({ length: 2_100 }, (_, index) => `INBOX.${index + 1}`);
    expect(await desk.move(ids, 'Archive')).toBe(2_100);
    expect(calls).toEqual([
      'mailbox/move 1000 Archive',
      'mailbox/move 1000 Archive',
      'mailbox/move 100 Archive',
    ]);
  });

  it('knows the folder of a mail by its id', () => {
    expect(folderIdOf('INBOX.12')).toBe('INBOX');
  });
});
