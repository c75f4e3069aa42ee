/**
 * How a request's parts are read: parameters and bodies go through schemas, whatever else they hold
 * is refused.
 */
import { createHash } from 'node:crypto';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { headerOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';
import type { z } from 'zod';
import { refuseWith } from '../refused.ts';
import type { OnceKey } from '../store/once.ts';

/** Reads through a schema, or `request-malformed` with the place of the first mistake. */
export function read<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const place = parsed.error.issues[0]?.path.filter((part) => typeof part === 'string') ?? [];
  // Names of the schema only: unknown keys of the request are not repeated.
  return refuseWith('request-malformed', {}, place.join('.'));
}

/** An id in a path: lowercase hex of `bytes` bytes, or `request-malformed`. */
export function readId(text: string, bytes: number): string {
  if (!new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(text)) refuseWith('request-malformed');
  return text;
}

/** RFC 9530 digest of the body as it came. */
export function digestOf(request: HttpRequest): string {
  const digest = createHash('sha256').update(request.rawBody ?? new Uint8Array(0));
  return `sha-256=:${digest.digest('base64')}:`;
}

/** The Idempotency-Key of a request and what exactly was asked under it. */
export function onceOf(request: HttpRequest, scope: string): OnceKey {
  const key = headerOf(request, 'idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,128}$/.test(key)) refuseWith('request-malformed');
  const range = headerOf(request, 'range') ?? '';
  const body = request.rawBody ?? new Uint8Array(0);
  const text = `${request.method} ${request.originalUrl} ${range} `;
  const digest = createHash('sha256').update(text).update(body).digest();
  return { scope, key, request: bytesToHex(digest) };
}
