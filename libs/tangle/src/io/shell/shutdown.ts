/**
 * How a program takes its parts down: newest first, each of them whatever the others do, and within
 * a bounded time, because whoever stops a service waits for it. Path: cli/ of a program → here.
 * Spec: docs/operating.md, "Stop and start".
 */
import { errorFields, type Logger } from '../logger.ts';

export interface Closable {
  close(): Promise<void> | void;
}

/** Below the time after which service managers kill. The stores survive a kill at any moment. */
const SHUTDOWN_MS = 20_000;

/** Not everything stopped in order; the log says what. */
export class StopError extends Error {
  override readonly name = 'StopError';
}

/**
 * Closes `parts` from the last to the first, as soon as it is known which there are. A part that
 * fails is logged, and the rest follows; then, or when the time is over, it rejects with StopError.
 */
export async function closeAll(
  parts: readonly Closable[] | Promise<readonly Closable[]>,
  logger: Logger,
  timeoutMs: number = SHUTDOWN_MS,
): Promise<void> {
  const deadline = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => deadline.resolve('late'), timeoutMs);
  const closing = Promise.resolve(parts).then((known) => closeInOrder(known, logger));
  const ended = await Promise.race([closing, deadline.promise]);
  clearTimeout(timer);
  if (ended === 'late') logger.error({ timeoutMs }, 'stopping took too long: the process ends now');
  if (ended !== true) throw new StopError('not all parts stopped in order; the log says more');
}

/** The same without a limit of time; false when a part failed. */
export async function closeInOrder(parts: readonly Closable[], logger: Logger): Promise<boolean> {
  let isClean = true;
  for (const part of parts.toReversed()) {
    try {
      await part.close();
    } catch (error) {
      isClean = false;
      logger.error(errorFields(error), 'a part could not be stopped in order');
    }
  }
  return isClean;
}
