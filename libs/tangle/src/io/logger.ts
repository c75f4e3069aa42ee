/**
 * The narrow logger that the shells of this library write to; pino satisfies it as it is.
 * Fields first, then a constant message: text that came from a peer never stands in a message, and
 * in fields only at debug level. See docs/architecture.md.
 */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

function drop(): void {}

/** Writes nothing: for tests and for tools that print their own lines. */
export const SILENT_LOGGER: Logger = { debug: drop, info: drop, warn: drop, error: drop };

/** The name and message of whatever was thrown, short enough for one log line. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: error.name, reason: error.message.slice(0, 200) };
}
