/**
 * What can go wrong between a user and the client: one closed table that the parts of the client,
 * the local API (HTTP status, problem body) and the command line (exit code, advice) all read.
 * Spec: docs/spec/41-client-api.md, "Errors".
 */

/**
 * What kind of trouble: `usage` the request itself is wrong; `not-found` it names something that is
 * not there; `refused` a rule forbids it; `unavailable` it may work later; `internal` our mistake.
 */
export type ErrorKind = 'usage' | 'not-found' | 'refused' | 'unavailable' | 'internal';

interface ErrorRow {
  readonly kind: ErrorKind;
  /** HTTP status of the local API. */
  readonly status: number;
  /** One clause without a full stop; the detail follows behind a colon. */
  readonly title: string;
  /** What the user can do next, one clause. */
  readonly advice: string;
}

function row(kind: ErrorKind, status: number, title: string, advice: string): ErrorRow {
  return { kind, status, title, advice };
}

const SEE_HELP = 'see --help or /docs for what is accepted';
const TRY_AGAIN = 'try again in a moment';

/** Code → what it means. Codes are part of the API: never reused, never renamed. */
export const CLIENT_ERRORS = {
  // The request.
  'request-malformed': row('usage', 400, 'the request does not have the form asked for', SEE_HELP),
  'media-type-unknown': row(
    'usage',
    415,
    'the body is of a type that is not accepted here',
    'send application/json or message/rfc822',
  ),
  'body-too-large': row('refused', 413, 'the request body is too large', 'send a smaller one'),
  unauthorized: row(
    'unavailable',
    401,
    'the token of the local API is missing or wrong',
    'use the token in daemon.json of the data folder; for a browser, run: tanglemail web',
  ),
  'host-refused': row(
    'refused',
    421,
    'the local API answers only under the name of this machine',
    'use http://127.0.0.1 and the port',
  ),
  'origin-refused': row(
    'refused',
    403,
    'pages of other origins may not call the local API',
    'open the client from its own address',
  ),
  'app-password-unknown': row(
    'not-found',
    404,
    'there is no such password of a mail program',
    'see tanglemail bridge passwords',
  ),
  'app-passwords-too-many': row(
    'refused',
    409,
    'there are as many passwords of mail programs as there may be',
    'remove one that no program uses',
  ),
  'bridge-closed': row(
    'refused',
    409,
    'the bridge for mail programs does not offer this protocol',
    'name it in the setting bridge.protocols and start the daemon again',
  ),
  'pages-off': row(
    'refused',
    409,
    'no browser reaches this daemon, because it listens on a unix socket',
    'take the setting api.socket back and start the daemon again',
  ),
  'path-unknown': row('not-found', 404, 'there is nothing at this address', SEE_HELP),
  'address-invalid': row(
    'usage',
    400,
    'this is not an address of this network',
    'copy the address again',
  ),
  'link-invalid': row('usage', 400, 'this is not a tangle: link', 'copy the whole link again'),
  'amount-invalid': row(
    'usage',
    400,
    'this is not an amount',
    'write tokens as 1.5T or base units as 1500000',
  ),
  'message-malformed': row(
    'usage',
    400,
    'the message is not a mail as RFC 5322 describes it',
    'check its headers and line ends',
  ),
  'folder-name-invalid': row(
    'usage',
    400,
    'this cannot be the name of a folder',
    'write it as Work or Work/Invoices',
  ),
  // Things that are not there.
  'message-unknown': row(
    'not-found',
    404,
    'there is no such message',
    'list messages with tanglemail inbox',
  ),
  'attachment-unknown': row(
    'not-found',
    404,
    'the message has no such attachment',
    'read the message to see its attachments',
  ),
  'folder-unknown': row(
    'not-found',
    404,
    'there is no such folder',
    'list folders with tanglemail folders',
  ),
  'outbox-unknown': row(
    'not-found',
    404,
    'there is no such mail in the outbox',
    'list mails with tanglemail outbox',
  ),
  'incoming-unknown': row(
    'not-found',
    404,
    'there is no such mail on its way',
    'list mails with tanglemail incoming; one that is whole lies in its folder',
  ),
  'contact-unknown': row(
    'not-found',
    404,
    'there is no such contact',
    'list contacts with tanglemail contacts list',
  ),
  'conversation-unknown': row(
    'not-found',
    404,
    'there is no such conversation',
    'list conversations with tanglemail chat list',
  ),
  'group-unknown': row(
    'not-found',
    404,
    'there is no such group',
    'list conversations with tanglemail chat list',
  ),
  'provider-unknown': row(
    'not-found',
    404,
    'no provider with this id has an offer in the tangle',
    'list offers with tanglemail provider list',
  ),
  'rental-unknown': row(
    'not-found',
    404,
    'nothing is rented at this provider',
    'list rented mailboxes with tanglemail provider status',
  ),
  'sub-address-unknown': row(
    'not-found',
    404,
    'there is no such sub-address (any more)',
    'list your own with tanglemail address list; ask others for their present address',
  ),
  'invite-unknown': row(
    'not-found',
    404,
    'there is no such invite',
    'list invites with tanglemail invite list',
  ),
  'draft-unknown': row(
    'not-found',
    404,
    'there is no such draft',
    'list drafts with tanglemail drafts',
  ),
  'rule-unknown': row('not-found', 404, 'there is no such rule', 'list them with tanglemail rules'),
  'folder-exists': row('refused', 409, 'there is such a folder already', 'choose another name'),
  'folder-standard': row(
    'refused',
    422,
    'this folder belongs to every account',
    'rename and delete only folders of your own',
  ),
  'folders-too-many': row('refused', 422, 'there are too many folders', 'delete one first'),
  'search-invalid': row(
    'usage',
    400,
    'this cannot be searched for',
    'write words and conditions such as from:anna has:attachment after:2026-01-31',
  ),
  'archive-invalid': row(
    'usage',
    400,
    'this is not an archive of mails that can be read',
    'give an mbox file or a Maildir folder',
  ),
  // Rules.
  'sub-address-invalid': row(
    'usage',
    400,
    'this cannot be a sub-address',
    'use 1 to 13 of a-z, 0-9 and - inside',
  ),
  'sub-address-exists': row(
    'refused',
    409,
    'there is such a sub-address already',
    'revoke it first to give it a new key',
  ),
  'sub-addresses-too-many': row(
    'refused',
    422,
    'there are as many sub-addresses as a descriptor holds',
    'revoke one with tanglemail address revoke',
  ),
  'invites-too-many': row(
    'refused',
    422,
    'too many invites are open',
    'revoke some with tanglemail invite revoke',
  ),
  'name-taken': row(
    'refused',
    409,
    'another contact has this name',
    'choose another name, or rename the other contact first',
  ),
  'key-changed': row(
    'refused',
    409,
    'the keys of a recipient have changed',
    'compare the safety number, then accept with --accept-key-change',
  ),
  'safety-number-wrong': row(
    'refused',
    422,
    'this is not the safety number of you and this contact',
    'compare again; if it stays different, somebody may stand between you',
  ),
  'contact-keys-unknown': row(
    'refused',
    409,
    'no keys of this contact have been seen yet',
    'wait until it has published its keys',
  ),
  'request-unknown': row(
    'not-found',
    404,
    'there is no contact request of this address',
    'list requests with tanglemail contacts requests',
  ),
  'vcard-malformed': row('usage', 400, 'this is not a vCard file', 'export it as vCard 4.0 or 3.0'),
  'qr-unreadable': row(
    'usage',
    400,
    'no QR code can be read in this picture',
    'take it as a PNG with the whole code in it',
  ),
  'recipient-unknown': row(
    'refused',
    422,
    'a recipient is neither an address nor the name of one contact',
    'add the contact with tanglemail contacts add, or give the address',
  ),
  'chat-closed': row(
    'refused',
    422,
    'nothing can be written to this conversation',
    'ask to be added to the group again, or send a mail',
  ),
  'chat-text-invalid': row(
    'refused',
    422,
    'a chat message is 1 to 16,000 bytes of text',
    'send a shorter text, or a mail',
  ),
  'group-name-invalid': row(
    'refused',
    422,
    'a group’s name is 1 to 64 bytes without control characters',
    'choose another name',
  ),
  'group-member-unknown': row(
    'refused',
    422,
    'this person has never written to you, so there is no proof of their keys',
    'ask them for a message first',
  ),
  'group-refused': row(
    'refused',
    422,
    'the rules of the group do not allow this',
    'see the members with tanglemail chat group info',
  ),
  'descriptor-not-found': row(
    'refused',
    422,
    'the recipient has published no keys yet',
    'ask the recipient to start the client once',
  ),
  'contacts-only': row(
    'refused',
    422,
    'the recipient takes mail of contacts only',
    'ask the recipient for an invite link',
  ),
  'not-registered': row(
    'refused',
    422,
    'the message was not registered by its sender, so nothing about it can be proven to others',
    'ask the sender to send it with --registered',
  ),
  'signature-invalid': row(
    'refused',
    422,
    'the signature does not hold: this is not what the account wrote to the recipient',
    'do not rely on it',
  ),
  'recall-too-late': row(
    'refused',
    409,
    'a block with the mail has left this device or may have, and nothing takes it back',
    'write to the recipient',
  ),
  'message-too-large': row(
    'refused',
    413,
    'the message is larger than 35 MiB: its attachments may have 25 MiB together',
    'shorten it or leave an attachment out',
  ),
  'parcel-recipient-limit': row(
    'refused',
    413,
    'the mail is larger than the recipient takes',
    'send a smaller one, or a link',
  ),
  'parcel-no-provider': row(
    'refused',
    422,
    'the recipient rents no storage, and so receives no large mails',
    'send up to 23,207 bytes, or ask the recipient to rent a provider',
  ),
  'parcel-not-accepted': row(
    'refused',
    422,
    'large mails go to people who have accepted you',
    'write a short mail first, or ask for an invite',
  ),
  'parcel-part-limit': row(
    'refused',
    422,
    'no provider of the recipient takes parts of large mails',
    'send up to 23,207 bytes',
  ),
  'parcel-refused': row(
    'refused',
    422,
    'what the providers keep is not what the sender named',
    'ask the sender to send it again',
  ),
  'send-cancelled': row('refused', 409, 'nothing was sent', 'add --yes to send without a question'),
  'parcel-cannot-pay': row(
    'refused',
    402,
    'the mailbox of the recipient does not pay for a mail of this size now',
    'it is tried again; the recipient can fill the mailbox up or raise its daily limit',
  ),
  'parcel-storage-full': row(
    'refused',
    503,
    'the providers of the recipient have no room for large mails now',
    'it is tried again',
  ),
  'contact-is-self': row(
    'refused',
    422,
    'this is your own address',
    'give the address of somebody else',
  ),
  'insufficient-funds': row(
    'refused',
    422,
    'the wallet does not hold enough',
    'look at tanglemail wallet balance and get tokens at tanglemail wallet address',
  ),
  'deposit-too-small': row(
    'refused',
    422,
    'the amount is below what an output must hold',
    'send a larger amount',
  ),
  'dust-change': row(
    'refused',
    422,
    'what is left over would be too small to be an output',
    'send a little less, or everything',
  ),
  'too-many-inputs': row(
    'refused',
    422,
    'the amount is spread over too many small outputs',
    'send a smaller amount first',
  ),
  'transaction-conflict': row(
    'refused',
    409,
    'the ledger did not apply the transaction',
    'look at the balance and send it again',
  ),
  'no-provider': row(
    'refused',
    422,
    'no provider has an offer that fits',
    'raise the price limit in the settings or name a provider',
  ),
  'hook-unknown': row('not-found', 404, 'there is no such hook', 'look at tanglemail hook list'),
  'hooks-too-many': row('refused', 422, 'there are 32 hooks already', 'remove one of them'),
  'hook-commands-off': row(
    'refused',
    403,
    'hooks may not start programs here',
    'start the daemon with --hooks-commands true, or set hooks.commands in its settings file',
  ),
  'filters-off': row(
    'refused',
    409,
    'mail is not looked for by filters',
    'add filters to mail.find in the settings',
  ),
  'price-too-high': row(
    'refused',
    422,
    'the offer is dearer than the price limit in the settings',
    'raise provider.maxPricePerMonth or choose another provider',
  ),
  'already-rented': row(
    'refused',
    409,
    'a mailbox is rented at this provider already',
    'look at tanglemail provider status',
  ),
  'rentals-too-many': row(
    'refused',
    422,
    'three mailboxes are rented already',
    'close one with tanglemail provider close',
  ),
  'channel-too-small': row(
    'refused',
    422,
    'the deposit is below the least channel of the offer',
    'give a larger --deposit',
  ),
  'credit-too-large': row(
    'refused',
    422,
    'the provider holds no balance that large',
    'give a smaller --credit',
  ),
  'channel-not-ready': row(
    'refused',
    409,
    'the channel is not in a state for this',
    'look at tanglemail provider status',
  ),
  'provider-refused': row(
    'refused',
    422,
    'the provider refused the request',
    'choose another provider or read the detail',
  ),
  // The account on this machine and its daemon; only the command line gives these.
  'account-missing': row(
    'not-found',
    404,
    'there is no account in this folder',
    'create one with tanglemail account create, or name its folder with --data-dir',
  ),
  'account-exists': row(
    'refused',
    409,
    'there is an account in this folder already',
    'use it, or name another folder with --data-dir',
  ),
  'account-damaged': row(
    'internal',
    500,
    'a file of the account is damaged',
    'restore the account from its words in a new folder',
  ),
  'passphrase-missing': row(
    'usage',
    400,
    'there is no passphrase',
    'give --passphrase-file, or TANGLEMAIL_PASSPHRASE, or run it at a terminal',
  ),
  'passphrase-wrong': row(
    'refused',
    403,
    'the passphrase does not open this account',
    'type it again; without it the account can be restored from its words',
  ),
  'words-invalid': row(
    'usage',
    400,
    'these are not the 24 words of an account',
    'compare them with what you wrote down',
  ),
  'genesis-invalid': row(
    'usage',
    400,
    'this is not the genesis of the network',
    'ask whoever runs the network for its genesis document',
  ),
  'no-terminal': row(
    'usage',
    400,
    'this needs a terminal with a screen and keys',
    'use tanglemail inbox and tanglemail read in scripts',
  ),
  'file-unusable': row('usage', 400, 'a file cannot be used', 'check its name and its rights'),
  'daemon-unreachable': row(
    'unavailable',
    503,
    'the daemon does not answer',
    'start it with tanglemail daemon',
  ),
  'daemon-running': row(
    'refused',
    409,
    'another daemon has this folder open',
    'stop it with tanglemail daemon stop',
  ),
  'port-in-use': row(
    'refused',
    409,
    'another program listens on this port',
    'choose another one with --port',
  ),
  'wait-over': row(
    'unavailable',
    504,
    'it has not come that far in time',
    'it goes on by itself; look at tanglemail outbox',
  ),
  // Later.
  'node-unreachable': row(
    'unavailable',
    503,
    'the node does not answer',
    'check node.url; what is queued goes on by itself',
  ),
  'node-refused': row('unavailable', 502, 'the node refused the request', TRY_AGAIN),
  'node-untrusted': row(
    'unavailable',
    502,
    'the node told something that it could not prove',
    'use another node',
  ),
  'network-mismatch': row(
    'unavailable',
    502,
    'the node belongs to another network',
    'check node.url or create an account for that network in another data folder',
  ),
  'provider-unreachable': row(
    'unavailable',
    503,
    'the provider does not answer',
    'try again later or rent at another one',
  ),
  'confirmation-late': row(
    'unavailable',
    504,
    'no milestone has confirmed it in time',
    'look at the wallet later; it may still be confirmed',
  ),
  busy: row('unavailable', 503, 'too much is under way at once', TRY_AGAIN),
  stopping: row('unavailable', 503, 'the daemon is stopping', 'start it again'),
  // Backups and devices.
  'backup-exists': row(
    'refused',
    409,
    'there is a file of this name already',
    'choose another name; backups are never written over',
  ),
  'backup-invalid': row(
    'refused',
    422,
    'the file is not a whole backup',
    'use another backup; this one is damaged, cut off or something else',
  ),
  'backup-locked': row(
    'refused',
    403,
    'the backup does not open',
    'check its passphrase, or the 24 words and the account number',
  ),
  'backup-words-unknown': row(
    'refused',
    409,
    'this account was made before backups could be sealed to its words',
    'give the backup a passphrase',
  ),
  'device-unknown': row(
    'not-found',
    404,
    'there is no such device',
    'see tanglemail device list; at least four digits of its id',
  ),
  'device-is-own': row(
    'refused',
    409,
    'a device does not remove itself',
    'remove it from another device of the account',
  ),
  'link-not-open': row(
    'refused',
    409,
    'no device is being linked',
    'begin with tanglemail device link',
  ),
  'link-number-wrong': row(
    'refused',
    409,
    'the two devices show different numbers',
    'somebody may be in between: begin again with a new code',
  ),
  'link-expired': row(
    'refused',
    410,
    'the code is over',
    'begin again with tanglemail device link on the old device',
  ),
  'link-too-large': row(
    'refused',
    413,
    'the account is too large for the tangle',
    'use tanglemail backup create and backup restore',
  ),
  'paying-device-other': row(
    'refused',
    409,
    'another device of the account pays',
    'pay there, or let this one pay from now on: tanglemail device pay',
  ),
  // Us.
  'store-damaged': row(
    'internal',
    500,
    'a value in the local store is damaged',
    'restore the account in a new data folder',
  ),
  internal: row('internal', 500, 'the client failed', 'look at the log of the daemon'),
} as const satisfies Record<string, ErrorRow>;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

/** True when `text` is a code of the table. */
export function isClientErrorCode(text: string): text is ClientErrorCode {
  return Object.hasOwn(CLIENT_ERRORS, text);
}

/**
 * Thrown by everything below the local API. `detail` holds facts for the user (an amount, a name
 * that the user gave), never a secret and never text of a peer.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  readonly kind: ErrorKind;
  /** HTTP status of the local API. */
  readonly status: number;
  readonly detail: string | undefined;

  constructor(code: ClientErrorCode, detail?: string, options?: ErrorOptions) {
    const { title, kind, status } = CLIENT_ERRORS[code];
    super(detail === undefined ? title : `${title}: ${detail}`, options);
    this.code = code;
    this.kind = kind;
    this.status = status;
    this.detail = detail;
  }
}
