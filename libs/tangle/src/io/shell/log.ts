/**
 * Structured logs of a program: one JSON line each (pino). Text that came from a peer, a request or
 * a document never goes to a line at info or above; ids, codes and counts do. Credentials are cut
 * out of whatever object holds them, whoever logs it.
 */
import { writeSync } from 'node:fs';
import { pino, type DestinationStream } from 'pino';
import { errorCode } from '../error-code.ts';
import type { Logger } from '../logger.ts';
import type { LogLevel } from './setting-types.ts';

const SECRETS = ['authorization', 'secretKey', 'bondSecretKey', 'payeeSecretKey', 'token'];
/** The names themselves, and one and two levels down, such as `req.headers.authorization`. */
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A logger of `name` from `level` on, to standard output, or to `destination` in tests. */
export function createLogger(
  level: LogLevel,
  name: string,
  destination: DestinationStream = descriptorStream(STDOUT),
): Logger {
  const redact = { paths: REDACTED, censor: '[redacted]' };
  const options = { level, base: { name }, redact };
  return pino(options, destination);
}

/**
 * Writes each line at once to an open file. A line that cannot be written is dropped: whoever keeps
 * the log on a full disk loses lines, not the program. (pino's own destination throws, and waits
 * for ever at the end of the process.)
 */
export function descriptorStream(descriptor: number): DestinationStream {
  return {
    write(line) {
      const bytes = Buffer.from(line);
      let at = 0;
      for (let pauses = 0; at < bytes.length && pauses <= MAX_PAUSES;) {
        try {
          at += writeSync(descriptor, bytes, at);
        } catch (error) {
          if (errorCode(error) !== 'EAGAIN') return;
          // A reader that lags behind a pipe: it may catch up.
          pauses += 1;
          Atomics.wait(PAUSE, 0, 0, PAUSE_MS);
        }
      }
    },
  };
}

const STDOUT = 1;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));
const PAUSE_MS = 10;
const MAX_PAUSES = 20;
