/**
 * The shapes of `hooks`: programs that are told of new mail. Spec: docs/spec/41-client-api.md §28.
 */
import { z } from 'zod';
import { hookTarget } from '../store/hook-collections.ts';

const count = z.int().min(0);
const text = z.string().max(1_024);

/** Seconds that a receiver may take. */
const timeoutSeconds = z.int().min(1).max(600);

/** One of `url` and `argv`; `folder` by name or `*`, INBOX when left out; `sender` as elsewhere. */
export const newHookDto = z
  .strictObject({
    url: z.string().min(1).max(4_096).optional(),
    argv: z.array(z.string().min(1).max(4_096)).min(1).max(32).optional(),
    folder: text.min(1).optional(),
    sender: text.min(1).optional(),
    withText: z.boolean().default(false),
    timeoutSeconds: timeoutSeconds.default(30),
  })
  .refine(({ url, argv }) => (url === undefined) !== (argv === undefined), 'either url or argv');

export const hookDto = z.object({
  id: count,
  target: hookTarget,
  /** Name of the folder, or `*`. */
  folder: z.string(),
  sender: z.string().optional(),
  withText: z.boolean(),
  timeoutSeconds: count,
  createdAtMs: count,
  delivered: count,
  failed: count,
  /** Of the last attempt; null before the first. */
  lastAtMs: count.nullable(),
  lastError: z.string(),
});

/** A hook that was just made: its secret is told once. */
export const addedHookDto = hookDto.extend({
  /** 32 bytes, hex: key of the signatures. */
  secret: z.string(),
  /** What the user should know of this target. */
  warnings: z.array(z.string()),
});

export const hookTestDto = z.object({ isTaken: z.boolean(), detail: z.string(), tookMs: count });

export type NewHookDto = z.infer<typeof newHookDto>;
export type HookDto = z.infer<typeof hookDto>;
export type AddedHookDto = z.infer<typeof addedHookDto>;
export type HookTestDto = z.infer<typeof hookTestDto>;
