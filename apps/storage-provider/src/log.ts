/**
 * Structured logs of the provider: one JSON line each (pino). Text that came from a request never
 * goes to a line at info or above; ids, codes and counts do. Credentials are cut out of whatever
 * object holds them, whoever logs it.
 */
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { ProviderConfig } from './config/schema.ts';

const SECRETS = ['authorization', 'secretKey', 'bondSecretKey', 'payeeSecretKey', 'token'];
/** The names themselves, and one and two levels down, such as `req.headers.authorization`. */
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A logger to standard output, or to `destination` in tests. */
export function createLogger(
  level: ProviderConfig['logLevel'],
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { name: 'tangle-provider' },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
