/**
 * What the client stores of hooks: whom to tell of new mail, and what is still to be told.
 * Spec: docs/spec/40-client-store.md, docs/spec/41-client-api.md §28.
 */
import { z } from 'zod';
import { collection, count, hex, mailAddress, type RecordOf } from './collections.ts';

/** Greatest length of a URL, and of one argument of a command. */
export const MAX_HOOK_TEXT = 4_096;
export const MAX_HOOK_ARGUMENTS = 32;

const hookText = z.string().min(1).max(MAX_HOOK_TEXT);

/** A program that listens at a URL, or one that is started; exactly one of the two. */
export const hookTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('url'), url: hookText }),
  z.strictObject({
    kind: z.literal('command'),
    argv: z.array(hookText).min(1).max(MAX_HOOK_ARGUMENTS),
  }),
]);

export const hooks = collection(
  'webhook',
  z.strictObject({
    id: count,
    target: hookTarget,
    /** Id of a folder, or `*` for all but Sent and Drafts. */
    folder: z.string().max(64),
    /** Mail of this sender only. */
    sender: mailAddress.optional(),
    /** The text of the message goes with the facts. */
    withText: z.boolean(),
    /** 32 bytes for the signature of what is posted. */
    secret: hex.length(64),
    timeoutMs: count,
    createdAtMs: count,
    delivered: count,
    /** Given up after the last attempt, or because too much waited. */
    failed: count,
    lastAtMs: count,
    /** What the last attempt ended with; empty when it was taken. */
    lastError: z.string().max(256),
  }),
);

/** One event that is still to be told. */
export const hookJobs = collection(
  'webhook',
  z.strictObject({
    id: count,
    hookId: count,
    /** The same for every attempt, and for the same message: 32 hex digits. */
    eventId: z.string().regex(/^[0-9a-f]{32}$/),
    messageKey: z.string().max(128),
    createdAtMs: count,
    attempts: count,
    nextTryAtMs: count,
  }),
);

export type Hook = RecordOf<typeof hooks>;
export type HookTarget = Hook['target'];
export type HookJob = RecordOf<typeof hookJobs>;
