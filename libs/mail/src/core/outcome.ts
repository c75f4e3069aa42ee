/**
 * What the mail core says of input that came from outside: a value, or a verdict with a code. The
 * shape is the tangle's; codes of form (`truncated`, `address-checksum` …) are the tangle's too, so
 * that one decoder serves both. The table below holds what only mail knows.
 * Spec: docs/spec/20-identity.md to 27-group.md.
 */
import { ERROR_CODES } from '@tanglemail/tangle/core/outcome.ts';
import type { Action, ErrorCode, Failure, Outcome } from '@tanglemail/tangle/core/outcome.ts';

export { assert, succeed } from '@tanglemail/tangle/core/outcome.ts';

/** The closed table of mail codes: action towards the sender, and the page that states the rule. */
export const MAIL_ERROR_CODES = {
  // Mnemonic, address and link: text that a person typed or scanned. The codes of bech32m text are
  // the tangle's.
  'mnemonic-word-count': { action: 'reject', spec: '20-identity' },
  'mnemonic-word-unknown': { action: 'reject', spec: '20-identity' },
  'mnemonic-checksum': { action: 'reject', spec: '20-identity' },
  'address-domain': { action: 'reject', spec: '20-identity' },
  'sub-address-invalid': { action: 'reject', spec: '20-identity' },
  'link-invalid': { action: 'reject', spec: '20-identity' },
  'vcard-invalid': { action: 'reject', spec: '20-identity' },
  'epoch-state-invalid': { action: 'reject', spec: '20-identity' },
  // Descriptor.
  'descriptor-tag': { action: 'reject', spec: '21-descriptor' },
  'descriptor-network': { action: 'reject', spec: '21-descriptor' },
  'descriptor-field': { action: 'reject', spec: '21-descriptor' },
  'descriptor-signature': { action: 'reject', spec: '21-descriptor' },
  'descriptor-account': { action: 'reject', spec: '21-descriptor' },
  'descriptor-rollback': { action: 'ignore', spec: '21-descriptor' },
  'descriptor-conflict': { action: 'reject', spec: '21-descriptor' },
  'descriptor-from-future': { action: 'ignore', spec: '21-descriptor' },
  // Letter.
  'not-for-us': { action: 'ignore', spec: '22-letter' },
  'epoch-secret-gone': { action: 'ignore', spec: '22-letter' },
  'epoch-too-far': { action: 'ignore', spec: '22-letter' },
  'letter-damaged': { action: 'reject', spec: '22-letter' },
  'letter-malformed': { action: 'reject', spec: '22-letter' },
  'letter-kind-unknown': { action: 'ignore', spec: '22-letter' },
  'receipt-note-unknown': { action: 'ignore', spec: '28-receipt-note' },
  'certificate-invalid': { action: 'reject', spec: '22-letter' },
  'registered-signature-invalid': { action: 'reject', spec: '22-letter' },
  'recipient-key-invalid': { action: 'reject', spec: '22-letter' },
  // Chain.
  'chain-tag-unknown': { action: 'ignore', spec: '24-chain' },
  'chain-damaged': { action: 'reject', spec: '24-chain' },
  'chain-content-unknown': { action: 'ignore', spec: '24-chain' },
  'chain-malformed': { action: 'reject', spec: '24-chain' },
  'chain-spent': { action: 'reject', spec: '24-chain' },
  'chain-seed-time': { action: 'ignore', spec: '24-chain' },
  'chain-state-invalid': { action: 'reject', spec: '24-chain' },
  'chain-note-unknown': { action: 'ignore', spec: '24-chain' },
  // Envelope.
  'envelope-version-unknown': { action: 'ignore', spec: '23-envelope' },
  'envelope-class-unknown': { action: 'reject', spec: '23-envelope' },
  'envelope-size': { action: 'reject', spec: '23-envelope' },
  'message-too-large': { action: 'reject', spec: '23-envelope' },
  // Self-log: what the devices of one account share.
  'self-log-operation-invalid': { action: 'reject', spec: '26-self-log' },
  'self-log-known': { action: 'ignore', spec: '26-self-log' },
  'self-log-fork': { action: 'reject', spec: '26-self-log' },
  'self-log-clock': { action: 'reject', spec: '26-self-log' },
  'self-log-gap-full': { action: 'ignore', spec: '26-self-log' },
  'self-log-full': { action: 'ignore', spec: '26-self-log' },
  'self-log-device-removed': { action: 'ignore', spec: '26-self-log' },
  'self-log-snapshot-invalid': { action: 'reject', spec: '26-self-log' },
  // Backup.
  'backup-not-one': { action: 'reject', spec: '29-backup' },
  'backup-head-invalid': { action: 'reject', spec: '29-backup' },
  'backup-locked': { action: 'reject', spec: '29-backup' },
  'backup-damaged': { action: 'reject', spec: '29-backup' },
  // Message.
  'message-empty': { action: 'reject', spec: '23-envelope' },
  'message-line-too-long': { action: 'reject', spec: '23-envelope' },
  'message-bare-newline': { action: 'reject', spec: '23-envelope' },
  'message-nul': { action: 'reject', spec: '23-envelope' },
  'message-header-missing': { action: 'reject', spec: '23-envelope' },
  'message-header-invalid': { action: 'reject', spec: '23-envelope' },
  'message-header-too-large': { action: 'reject', spec: '23-envelope' },
  // Parcel. What the sender's own limits or purse say is `ignore` where waiting or money helps.
  'parcel-version-unknown': { action: 'ignore', spec: '25-parcel' },
  'parcel-manifest': { action: 'reject', spec: '25-parcel' },
  'parcel-part-size': { action: 'reject', spec: '25-parcel' },
  'parcel-part-root': { action: 'reject', spec: '25-parcel' },
  'parcel-part-damaged': { action: 'reject', spec: '25-parcel' },
  'parcel-content-hash': { action: 'reject', spec: '25-parcel' },
  'parcel-content-changed': { action: 'reject', spec: '25-parcel' },
  'parcel-state-invalid': { action: 'reject', spec: '25-parcel' },
  'parcel-empty': { action: 'reject', spec: '25-parcel' },
  'parcel-too-large': { action: 'reject', spec: '25-parcel' },
  'parcel-recipient-limit': { action: 'reject', spec: '25-parcel' },
  'parcel-no-provider': { action: 'ignore', spec: '25-parcel' },
  'parcel-part-limit': { action: 'ignore', spec: '25-parcel' },
  'parcel-balance': { action: 'ignore', spec: '25-parcel' },
  // Group.
  'group-kind-unknown': { action: 'ignore', spec: '27-group' },
  'group-name': { action: 'reject', spec: '27-group' },
  'group-network': { action: 'reject', spec: '27-group' },
  'group-other': { action: 'reject', spec: '27-group' },
  'group-signature': { action: 'reject', spec: '27-group' },
  'group-sequence': { action: 'reject', spec: '27-group' },
  'group-not-allowed': { action: 'reject', spec: '27-group' },
  'group-too-many-members': { action: 'reject', spec: '27-group' },
  'group-full': { action: 'ignore', spec: '27-group' },
  'group-history': { action: 'reject', spec: '27-group' },
  'group-note-unknown': { action: 'ignore', spec: '27-group' },
  'group-not-member': { action: 'ignore', spec: '27-group' },
} as const satisfies Record<string, { action: Action; spec: string }>;

/** A code of the mail core's own table, or a code of form that the tangle's decoders give. */
export type MailErrorCode = keyof typeof MAIL_ERROR_CODES | ErrorCode;
export type MailFailure = Failure<MailErrorCode>;
export type MailOutcome<T> = Outcome<T, MailErrorCode>;

const TABLE: Record<MailErrorCode, { action: Action }> = { ...ERROR_CODES, ...MAIL_ERROR_CODES };

/**
 * A failure with the action that the tables give for `code`. `detail` holds facts only (a position,
 * a limit), never text that came from outside.
 */
export function fail(code: MailErrorCode, detail?: string): MailFailure {
  const { action } = TABLE[code];
  return detail === undefined ? { ok: false, action, code } : { ok: false, action, code, detail };
}
