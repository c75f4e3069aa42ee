/**
 * Structured logs of the node: one JSON line each (pino). Text that came from a peer, a request or
 * a document never goes to a line at info or above; ids, codes and counts do.
 */
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { pino } from 'pino';
import type { NodeConfig } from './config/schema.ts';

/** A logger to standard output from `level` on; `name` tells node and faucet apart. */
export function createLogger(level: NodeConfig['logLevel'], name: string): Logger {
  return pino({ level, base: { name } });
}
