/**
 * What goes over the push socket of a provider: the reader shows a session's token, the provider
 * says that there is something to fetch. Hints only: facts come from the log and the list of held
 * mail. Spec: docs/spec/34-provider-api.md, section "Push".
 */
import { z } from 'zod';

export const PUSH_PATH = '/v1/push';
/** Bytes of a message in either direction. */
export const MAX_PUSH_MESSAGE = 1_024;

/** The first and only message of a reader: the token of a session. */
export const PUSH_LOGIN = z.strictObject({ token: z.string().min(1).max(512) });

/**
 * `ready`: the session counts and today is paid. `log`: the mailbox has new log entries. `held`:
 * strangers' mail came into one of its buckets.
 */
export const PUSH_TOPICS = ['ready', 'log', 'held'] as const;
export type PushTopic = (typeof PUSH_TOPICS)[number];
export const PUSH_MESSAGE = z.object({ topic: z.enum(PUSH_TOPICS) });

/** WebSocket close codes, ours from 4400 on. */
export const PUSH_CLOSE = {
  /** Too many sockets, a reader that lags, or one that answers no ping. */
  later: 1013,
  unauthorized: 4401,
  /** The balance does not cover a day of push. */
  payment: 4402,
} as const;
