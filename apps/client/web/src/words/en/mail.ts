/** What mail says, in English. */
import type { Plurals } from '../plurals.ts';

const messages: Plurals = { one: '{n} message', other: '{n} messages' };
const attachments: Plurals = { one: '{n} attachment', other: '{n} attachments' };
const unread: Plurals = { one: '{n} unread', other: '{n} unread' };

export const mail = {
  folders: 'Folders',
  folderNames: {
    INBOX: 'Inbox',
    Sent: 'Sent',
    Drafts: 'Drafts',
    Archive: 'Archive',
    Requests: 'Requests',
    Junk: 'Junk',
    Trash: 'Trash',
    System: 'System',
  },
  newMessage: 'New message',
  list: 'Messages',
  messages,
  unread,
  attachments,
  search: 'Search mail',
  emptyFolder: 'No messages here',
  emptyInbox: 'No mail yet. Give your address to somebody who shall write to you.',
  chooseMessage: 'Choose a message to read it',
  noSubject: '(no subject)',
  isUnread: 'Unread',
  isStarred: 'Starred',
  isAnswered: 'Answered',
  verified: 'Verified',
  notVerified: 'Not verified',
  to: 'To {name}',
  from: 'From {name}',
  reader: 'Message',
  attachmentHint: 'encrypted on the way',
  save: 'Save {name}',
  reply: 'Reply',
  replyAll: 'Reply to all',
  forward: 'Forward',
  archive: 'Archive',
  trash: 'Move to Trash',
  markUnread: 'Mark as unread',
  star: 'Star',
  back: 'Back to the list',
};
