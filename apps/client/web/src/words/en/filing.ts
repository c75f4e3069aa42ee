/** What working through mail says, in English. */
import type { Plurals } from '../plurals.ts';

const marked: Plurals = { one: '{n} selected', other: '{n} selected' };
const archived: Plurals = { one: 'Archived', other: '{n} messages archived' };
const trashed: Plurals = { one: 'Moved to Trash', other: '{n} messages moved to Trash' };
const moved: Plurals = { one: 'Moved to {folder}', other: '{n} messages moved to {folder}' };
const deleted: Plurals = { one: 'Deleted for good', other: '{n} messages deleted for good' };
const deleteText: Plurals = {
  one: 'This message is deleted on this device. It cannot be brought back.',
  other: '{n} messages are deleted on this device. They cannot be brought back.',
};
const found: Plurals = { one: '{n} message found', other: '{n} messages found' };
const pending: Plurals = {
  one: '{n} message is not searched yet.',
  other: '{n} messages are not searched yet.',
};

export const filing = {
  marked,
  unmark: 'Select none',
  select: 'Select',
  archived,
  trashed,
  moved,
  deleted,
  labelled: 'Labelled {name}',
  unlabelled: 'Label {name} taken away',
  undo: 'Undo',
  undone: 'Taken back',
  nothingToUndo: 'There is nothing to take back',
  failed: 'That did not work: {reason}',
  star: 'Star',
  unstar: 'Take the star away',
  markRead: 'Mark as read',
  deleteTitle: 'Delete for good?',
  deleteText,
  deleteAction: 'Delete for good',
  file: 'Move or label',
  fileHint: 'Type a folder or a label',
  moveTo: 'Move to {name}',
  addLabel: 'Label: {name}',
  removeLabel: 'Take label away: {name}',
  labels: 'Labels',
  loading: 'Loading this message',
  search: 'Search mail',
  clearSearch: 'Clear the search',
  searchHint:
    'Narrow it with from:anna, has:attachment, is:unread, before:2026-01-31 or label:bills',
  results: 'Results for “{text}”',
  found,
  pending,
  isFuzzy: 'Nothing has exactly these words; these are similar.',
  noMatch: 'No mail matches “{text}”. All folders were searched.',
  notReadable: 'This search cannot be read: {reason}',
  outbox: 'Outbox',
  outboxEmpty: 'Nothing is on its way. What you send waits here until it has left.',
  recall: 'Take back',
  recallOf: 'Take back “{subject}”',
  recalled: 'Taken back. It lies in your drafts.',
  edit: 'Edit',
  waits: 'Queued on this device',
  leaves: 'Leaves {time}',
  inTangle: 'In the tangle',
  notSent: 'Not sent: {reason}',
  newFolder: 'New folder',
  folderName: 'Name; “/” puts it into another folder',
  create: 'Create',
  rename: 'Rename',
  renameTitle: 'Rename {name}',
  deleteFolder: 'Delete folder',
  deleteFolderTitle: 'Delete {name}?',
  deleteFolderText: 'Its messages, and those of the folders in it, move to Trash.',
  readAll: 'Mark all as read',
  emptyTrash: 'Empty Trash',
  folderMenu: 'What to do with {name}',
  showFolders: 'Show folders',
  accept: 'Accept',
  reject: 'Reject',
  block: 'Block',
  requestNote: '{name} is not among your contacts. Accept, and their mail goes to the inbox.',
  accepted: '{name} is a contact now. Their mail is in the inbox.',
  rejected: 'Rejected. {name} may ask again.',
  blocked: '{name} is blocked.',
  actions: 'Actions',
};
