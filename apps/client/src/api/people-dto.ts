/**
 * The JSON of the people routes: contacts beyond the list, requests, own sub-addresses, settings,
 * invites. The rules of dto.ts hold here too. Spec: docs/spec/41-client-api.md, section 26.
 */
import { MIN_MAX_MAIL } from '@tanglemail/mail/core/identity/descriptor.ts';
import { MAX_MESSAGE_SIZE, MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { MAX_VCARD_FILE } from '@tanglemail/mail/core/identity/vcard.ts';
import { z } from 'zod';
import { contactDto, listIdDto } from './dto.ts';

const text = z.string().max(1_024);
const count = z.int().min(0);
const timeMs = z.int().min(0);
const label = z.string().min(1).max(64);
const stampBits = z.int().min(0).max(MAX_STAMP_BITS);
const name = z.string().max(64);

export const settingsDto = z.object({
  /** What letters of this account give as its name; may be empty. */
  profileName: name,
  stampBits: count,
  contactsOnly: z.boolean(),
  maxMail: count,
});
export const changeSettingsDto = z.strictObject({
  profileName: name
    .regex(/^[^\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u, 'control characters')
    .optional(),
  stampBits: stampBits.optional(),
  contactsOnly: z.boolean().optional(),
  maxMail: z.int().min(MIN_MAX_MAIL).max(MAX_MESSAGE_SIZE).optional(),
});

export const subAddressDto = z.object({
  label: text,
  address: text,
  email: text,
  link: text,
  stampBits: count,
  contactsOnly: z.boolean(),
  createdAtMs: timeMs,
  /** It is published and heard no more. */
  revokedAtMs: timeMs.optional(),
});
export const addSubAddressDto = z.strictObject({
  label,
  stampBits: stampBits.optional(),
  contactsOnly: z.boolean().optional(),
});
export const changeSubAddressDto = addSubAddressDto.omit({ label: true });
export const revokedDto = z.object({
  label: text,
  /** Who came by it and is not blocked. */
  contacts: z.array(contactDto),
  /** How many of them were blocked with it. */
  blocked: count,
});

export const contactDetailDto = contactDto.extend({
  /** What a QR code of the safety number holds: `tangle-safety:` and 60 digits. */
  safetyCode: text.optional(),
  /** The same as a QR code of block characters. */
  safetyQr: z.string().max(65_536).optional(),
  /** Identity keys that they have shown, the oldest first, and since when. */
  keyHistory: z.array(z.object({ identityKey: text, seenAtMs: timeMs })),
});
export const editContactDto = z.strictObject({
  name: name.optional(),
  /** Empty takes the note away. */
  note: z.string().max(2_048).optional(),
});
export const acceptRequestDto = z.strictObject({ name: name.min(1).optional() });
export const verifyDto = z
  .strictObject({ number: text.optional(), code: text.optional() })
  .refine((one) => (one.number === undefined) !== (one.code === undefined), {
    message: 'give either number or code',
  });
export const requestDto = contactDto.extend({
  /** Mails of theirs in Requests. */
  mails: count,
});

export const listedInviteDto = z.object({
  id: listIdDto,
  name,
  createdAtMs: timeMs,
  expiresAtMs: timeMs,
  state: z.enum(['open', 'used', 'revoked', 'expired']),
  /** Who wrote under it first. */
  usedBy: text.optional(),
  link: text.optional(),
});

export const vcardsDto = z.object({ vcard: z.string().max(MAX_VCARD_FILE) });
export const importReportDto = z.object({
  /** New contacts. */
  added: count,
  /** Known ones that got a name or a note that they lacked. */
  completed: count,
  unchanged: count,
  /** Cards without a tangle address of this network, or our own. */
  skipped: count,
});

export type SettingsDto = z.infer<typeof settingsDto>;
export type ChangeSettingsDto = z.infer<typeof changeSettingsDto>;
export type SubAddressDto = z.infer<typeof subAddressDto>;
export type AddSubAddressDto = z.infer<typeof addSubAddressDto>;
export type ChangeSubAddressDto = z.infer<typeof changeSubAddressDto>;
export type RevokedDto = z.infer<typeof revokedDto>;
export type ContactDetailDto = z.infer<typeof contactDetailDto>;
export type EditContactDto = z.infer<typeof editContactDto>;
export type AcceptRequestDto = z.infer<typeof acceptRequestDto>;
export type VerifyDto = z.infer<typeof verifyDto>;
export type RequestDto = z.infer<typeof requestDto>;
export type ListedInviteDto = z.infer<typeof listedInviteDto>;
export type VcardsDto = z.infer<typeof vcardsDto>;
export type ImportReportDto = z.infer<typeof importReportDto>;
