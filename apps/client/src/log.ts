/**
 * Structured logs of the daemon: one JSON line each (pino). Text that came from a peer, a mail or a
 * user never goes to a line at info or above; ids, codes and counts do.
 */
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { pino } from 'pino';
import type { ClientConfig } from './config/schema.ts';

/** A logger to standard output from `level` on. */
export function createLogger(level: ClientConfig['logLevel']): Logger {
  return pino({ level, base: { name: 'tanglemail' } });
}
