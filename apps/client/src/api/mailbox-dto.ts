/**
 * The JSON of the area `mailbox`: folders, moves, search, conversations, rules, drafts, archives.
 * Spec: docs/spec/41-client-api.md §20.
 */
import { z } from 'zod';
import { archiveFormats } from '../archive/archive-format.ts';
import { MAX_FOLDER_NAME } from '../messages/folder-name.ts';
import { MAX_QUERY_LENGTH } from '../search/query.ts';
import { ruleSchema } from '../store/mailbox-collections.ts';
import {
  attachmentInputDto,
  listIdDto,
  MAX_ATTACHMENTS,
  MAX_BODY_BYTES,
  messageSummaryDto,
  pageQueryDto,
  sendChoicesDto,
  setFlagsDto,
} from './dto.ts';

/** Mails that one call changes. */
export const MAX_IDS = 1_000;

const count = z.int().min(0);
const folderRef = z.string().min(1).max(MAX_FOLDER_NAME);
const ids = z.array(listIdDto).min(1).max(MAX_IDS);
const people = z.array(z.string().max(1_024)).max(100);

export const folderNameDto = z.strictObject({ name: z.string().min(1).max(1_024) });

/** `folder`: id or whole name. */
export const moveDto = z.strictObject({ ids, folder: folderRef });
/** Where each mail went; one that was not there is not named. */
export const movedDto = z.array(z.object({ from: listIdDto, id: listIdDto }));

/** Into Trash; for good when `forGood` is set, or when the mail lies in Trash already. */
export const deleteDto = z.strictObject({ ids, forGood: z.boolean().default(false) });
export const countDto = z.object({ count });
export const flagManyDto = setFlagsDto.extend({ ids });

export const searchQueryDto = z.strictObject({
  q: z.string().min(1).max(MAX_QUERY_LENGTH),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** Newer ones that are left out. */
  offset: z.coerce.number().int().min(0).optional(),
});
export const searchResultDto = z.object({
  messages: z.array(messageSummaryDto),
  total: count,
  /** Nothing was found letter by letter, so words with mistakes counted too. */
  isFuzzy: z.boolean(),
  /** Messages that are not searched yet: the index is being made. */
  pending: count,
});

/** A flag that a user gave: it has no `\\` in front, and is not one of the programs' own (`$…`). */
export const labelDto = z.object({ name: z.string().max(128), total: count, unread: count });

export const threadsQueryDto = pageQueryDto.extend({ folder: folderRef.optional() });
export const threadDto = z.object({
  /** Id of its first mail. */
  id: listIdDto,
  subject: z.string(),
  /** Names or addresses, in the order of their first mail, at most 16. */
  people: z.array(z.string()).max(16),
  count,
  unread: count,
  newestMs: count,
  newestId: listIdDto,
});
export const threadMessageDto = messageSummaryDto.extend({
  /** Id of the mail that it answers, if that is in the conversation. */
  parent: listIdDto.nullable(),
});

/** A rule as the API takes it: `moveTo` is a folder's id or whole name. */
export const ruleDto = ruleSchema.extend({
  isEnabled: z.boolean().default(true),
  isLast: z.boolean().default(false),
  actions: ruleSchema.shape.actions.extend({ moveTo: folderRef.optional() }),
});
export const rulesDto = z.array(ruleDto).max(200);

/** An attachment, new or as the saved draft has it. */
export const draftAttachmentDto = z.union([
  attachmentInputDto,
  z.strictObject({ keep: z.int().min(0).max(500) }),
]);
export const saveDraftDto = z.strictObject({
  /** 32 hex digits; absent for a new draft. A composer may draw one, so that nothing is doubled. */
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  to: people.default([]),
  cc: people.default([]),
  bcc: people.default([]),
  subject: z.string().max(998).default(''),
  text: z.string().max(MAX_BODY_BYTES).default(''),
  html: z.string().max(MAX_BODY_BYTES).optional(),
  /** Absent: as they are. */
  attachments: z.array(draftAttachmentDto).max(MAX_ATTACHMENTS).optional(),
  /** Message-ID of the mail that it answers, with angle brackets. */
  inReplyTo: z.string().min(3).max(998).optional(),
});
/** How a draft goes (docs/spec/41-client-api.md §21). */
export const draftChoicesDto = z.strictObject(sendChoicesDto.shape);

export const draftDto = z.object({
  id: z.string(),
  /** Id of its message in folder Drafts; another one after each change. */
  messageId: listIdDto,
  createdAtMs: count,
  updatedAtMs: count,
  to: people,
  cc: people,
  bcc: people,
  subject: z.string(),
  text: z.string(),
  html: z.string().optional(),
  attachments: z.array(
    z.object({ index: count, filename: z.string(), contentType: z.string(), sizeBytes: count }),
  ),
  inReplyTo: z.string().optional(),
});

export const exportQueryDto = z.strictObject({
  format: z.enum(archiveFormats).default('mbox'),
  folder: folderRef.optional(),
});
export const importQueryDto = z.strictObject({ folder: folderRef.optional() });
export const importReportDto = z.object({
  imported: count,
  known: count,
  tooLarge: count,
  malformed: count,
});

export type MovedDto = z.infer<typeof movedDto>;
export type CountDto = z.infer<typeof countDto>;
export type FlagManyDto = z.infer<typeof flagManyDto>;
export type SearchResultDto = z.infer<typeof searchResultDto>;
export type LabelDto = z.infer<typeof labelDto>;
export type ThreadsQueryDto = z.infer<typeof threadsQueryDto>;
export type ThreadDto = z.infer<typeof threadDto>;
export type ThreadMessageDto = z.infer<typeof threadMessageDto>;
export type RuleDto = z.infer<typeof ruleDto>;
export type SaveDraftDto = z.infer<typeof saveDraftDto>;
export type DraftDto = z.infer<typeof draftDto>;
export type ImportReportDto = z.infer<typeof importReportDto>;
