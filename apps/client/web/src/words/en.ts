/** Everything that the pages say, in English. The other languages have the same shape. */
import type { Plurals } from './plurals.ts';

const messages: Plurals = { one: '{n} message', other: '{n} messages' };
const attachments: Plurals = { one: '{n} attachment', other: '{n} attachments' };
const unread: Plurals = { one: '{n} unread', other: '{n} unread' };

export const en = {
  faces: {
    mail: 'Mail',
    chat: 'Chat',
    contacts: 'Contacts',
    wallet: 'Wallet',
    node: 'Node',
    settings: 'Settings',
  },
  shell: {
    main: 'Main',
    skip: 'Skip to the content',
    offline: 'No connection to the daemon. Showing what is on this device.',
    notSynced: 'The node does not answer. Mail waits on this device until it does.',
    signedOut: 'This browser is not signed in',
    signedOutHint: 'Run this command on this machine and open the link that it prints:',
    failed: 'This part of the page has failed',
    reload: 'Load the page again',
  },
  state: {
    loading: 'Loading',
    retry: 'Try again',
    failed: 'This could not be loaded',
    kept: 'What was here before stays on the screen.',
  },
  mail: {
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
    forward: 'Forward',
    archive: 'Archive',
    trash: 'Move to Trash',
    markUnread: 'Mark as unread',
    star: 'Star',
    back: 'Back to the list',
  },
};

export type Words = typeof en;
