/**
 * Structured logs of a program: one JSON line each (pino). Text that came from a peer, a request or
 * a document never goes to a line at info or above; ids, codes and counts do. Credentials are cut
 * out of whatever object holds them, whoever logs it.
 */
import { pino, type DestinationStream } from 'pino';
import type { Logger } from '../logger.ts';
import type { LogLevel } from './setting-types.ts';

const SECRETS = ['authorization', 'secretKey', 'bondSecretKey', 'payeeSecretKey', 'token'];
/** The names themselves, and one and two levels down, such as `req.headers.authorization`. */
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A logger of `name` from `level` on, to standard output, or to `destination` in tests. */
export function createLogger(
  level: LogLevel,
  name: string,
  destination?: DestinationStream,
): Logger {
  const redact = { paths: REDACTED, censor: '[redacted]' };
  const options = { level, base: { name }, redact };
  return destination === undefined ? pino(options) : pino(options, destination);
}
