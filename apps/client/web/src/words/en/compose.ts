/** What writing a mail says, in English. */
import type { Plurals } from '../plurals.ts';

const providers: Plurals = { one: '{n} provider', other: '{n} providers' };

export const compose = {
  title: 'New message',
  close: 'Close; the draft stays',
  to: 'To',
  cc: 'Cc',
  bcc: 'Bcc',
  copies: 'Add Cc or Bcc',
  subject: 'Subject',
  text: 'Text',
  attach: 'Attach files',
  remove: 'Remove {name}',
  send: 'Send',
  sent: 'Queued on this device. It leaves in a moment.',
  undo: 'Undo',
  partlyUndone: 'Part of it has left and cannot be taken back.',
  discard: 'Discard the draft',
  discarded: 'The draft is gone.',
  saved: 'Saved {time}',
  notSaved: 'Not saved: {reason}',
  cost: '{size}, kept for 30 days at {providers}: {cost}, paid by whoever receives it',
  refused: '{address} cannot receive this: {code}.',
  keyChanged: 'The keys of a recipient have changed. Compare the safety number before you send.',
  acceptKeys: 'The new keys are right: send',
  wrote: '{name} wrote on {date}:',
  forwarded: 'Forwarded message from {name}, {date}:',
  providers,
};
