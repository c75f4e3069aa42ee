/**
 * The shapes of what the client stores about folders, rules, drafts and the search index.
 * Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { MAX_EXPUNGED } from '@tanglemail/mail/core/folder/folder.ts';
import { collection, count, hex, type RecordOf } from './collections.ts';

/** A folder without its messages: `name` is the whole path. */
export const folders = collection(
  'folder',
  z.strictObject({
    name: z.string().min(1).max(255),
    uidValidity: count,
    uidNext: count,
    modseq: count,
    firstRecentUid: count,
    expungedFloor: count,
  }),
);

/** UIDs that went with one modification number of a folder. */
export const expungedUids = collection(
  'expunged',
  z.strictObject({ modseq: count, uids: z.array(count).max(MAX_EXPUNGED) }),
);

/** The newest version of a draft. */
export const drafts = collection(
  'draft',
  z.strictObject({ messageKey: z.string().max(128), createdAtMs: count, updatedAtMs: count }),
);

const word = z.string().min(1).max(256);

/** One rule: all conditions that it names must hold; of a list, one entry. Then all actions. */
export const ruleSchema = z.strictObject({
  name: z.string().min(1).max(128),
  isEnabled: z.boolean(),
  when: z.strictObject({
    /** Part of the sender's address or name, upper and lower case alike. */
    from: z.array(word).min(1).max(32).optional(),
    /** Part of a recipient's address, sub-addresses included. */
    to: z.array(word).min(1).max(32).optional(),
    /** Part of the subject. */
    subject: z.array(word).min(1).max(32).optional(),
    largerThan: count.optional(),
    smallerThan: count.optional(),
    hasAttachment: z.boolean().optional(),
  }),
  actions: z.strictObject({
    /** Id of a folder. */
    moveTo: z.string().max(32).optional(),
    labels: z
      .array(z.string().regex(/^[A-Za-z0-9$_-]{1,64}$/))
      .min(1)
      .max(16)
      .optional(),
    markRead: z.literal(true).optional(),
    markFlagged: z.literal(true).optional(),
    /** Into the folder Trash; stands above `moveTo`. */
    trash: z.literal(true).optional(),
  }),
  /** No rule after this one is looked at when it applied. */
  isLast: z.boolean(),
});

/** All rules in their order. */
export const ruleLists = collection(
  'rule',
  z.strictObject({ rules: z.array(ruleSchema).max(200) }),
);

/** What the saved pieces of the search index are put together from. */
export const searchHeads = collection(
  'searchIndex',
  z.strictObject({
    version: count,
    sizeBytes: count,
    /** Hash of each piece, in order. */
    pieces: z.array(hex).max(65_536),
  }),
);

export type FolderRecord = RecordOf<typeof folders>;
export type Rule = z.infer<typeof ruleSchema>;
