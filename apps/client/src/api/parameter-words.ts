/**
 * What the parameters of the client's API are, in the words of its OpenAPI page. Before:
 * create-api.ts. Spec: docs/spec/41-client-api.md.
 */
import type { ParameterWords } from '@tanglemail/tangle/io/shell/describe-parameters.ts';

const MAIL_ID = 'id of a message in its folder, such as INBOX.12';
const FOLDER = 'name or id of a folder';

export const PARAMETER_WORDS: ParameterWords = {
  'outbox/id': 'number of a mail in the outbox',
  'messages/id': MAIL_ID,
  'threads/id': `${MAIL_ID}: any of the conversation`,
  'folders/id': FOLDER,
  'drafts/id': 'id of a draft, 32 hex digits',
  'invites/id': 'id of an invite, 64 hex digits',
  'hooks/id': 'number of a hook',
  'conversations/id': 'id of a conversation, as the list gives it',
  'groups/id': 'id of a group, 64 hex digits',
  'incoming/id': 'number of a large mail on its way',
  'devices/id': 'id of a device, 32 hex digits',
  'attachments/index': 'place of the attachment in the message, from 0',
  'outbox?before': 'number of the mail before which the page begins',
  'messages?before': 'the last id of the page before this one',
  'history?before': 'the last entry of the page before this one',
  'threads?before': 'the id of the last conversation of the page before this one',
  'import?folder': 'where mails go that name no folder',
  address: 'address of a contact: tm1… or tmt1…',
  label: 'label of a sub-address: what stands behind the +',
  action: 'reject, block, unblock or accept-keys',
  bondId: 'id of the provider, 64 hex digits',
  number: 'number of the message in its conversation',
  scope: 'message: all recipients of the mail; recipient: this one only',
  folder: FOLDER,
  limit: 'how many at most',
  offset: 'how many newer ones are left out',
  q: 'words and conditions, such as invoice from:anna has:attachment',
  format: 'form of the archive',
};
