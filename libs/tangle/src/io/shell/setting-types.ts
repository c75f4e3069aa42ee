/**
 * Types of settings that several programs have, with what they accept in words (`expected`, which
 * leaves.ts puts into errors and pages). Used by apps/*\/src/config/schema.ts.
 */
import { z } from 'zod';

/** Text of one form; `expected` says in words which. */
export function textLike(pattern: RegExp, expected: string) {
  return z.string().regex(pattern).meta({ expected });
}

/** A TCP port; 0 lets the system choose. */
export const port = z.int().min(0).max(65_535);

/** A path of a file or a folder. */
export const path = z.string().min(1).max(4_096);

/** Base units above 0; text, because JSON numbers end at 2^53. */
export const amount = textLike(
  /^[1-9][0-9]{0,18}$/,
  'a whole number of base units above 0, as text',
);

/** The address of an HTTP API. */
export const httpUrl = textLike(/^https?:\/\/\S+$/, 'a URL that begins with http:// or https://');

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is logged. */
export const logLevel = z
  .enum(LOG_LEVELS)
  .default('info')
  .describe('Least severity of a log line.');

/** Reverse proxies in front of an API. */
export const trustedProxies = z
  .int()
  .min(0)
  .max(8)
  .default(0)
  .describe('Reverse proxies in front of the API whose X-Forwarded-For is believed.');

/** Web pages that may use an API. */
export const corsOrigins = z
  .array(z.string().min(1).max(256))
  .max(64)
  .default([])
  .describe('Origins of web pages that may call the API; `*` allows all.');

/** Section of the limit per remote address; the arguments are the defaults. */
export function rateLimitSection(perSecond: number, burst: number) {
  const section = z.strictObject({
    perSecond: z
      .number()
      .min(0.1)
      .max(1_000_000)
      .default(perSecond)
      .describe('Requests that one remote address may make per second, on average.'),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(burst)
      .describe('Requests that one remote address may make at once after a pause.'),
  });
  return section.prefault({});
}

/** Section of the metrics listener; `defaultPort` is free beside the other programs' ports. */
export function metricsSection(defaultPort: number) {
  const section = z.strictObject({
    enabled: z.boolean().default(true).describe('Whether Prometheus metrics are served.'),
    host: z.string().default('127.0.0.1').describe('Address that the metrics listen on.'),
    port: port.default(defaultPort).describe('Port of the metrics; 0 lets the system choose.'),
  });
  return section.prefault({});
}
