/**
 * Reads what stands in bodies, paths and queries by the schemas of dto.ts. Whatever does not fit is
 * `request-malformed` with the field's name.
 */
import { z } from 'zod';
import { ClientError } from '../client-error.ts';
import { listIdDto, MAX_RECIPIENTS } from './dto.ts';
import { headerOf, type HttpRequest } from '@tanglemail/tangle/io/shell/http.ts';

/** Holds a value to its schema. The detail names the field, never its content. */
export function parseWith<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  const reason = issue?.code === 'unrecognized_keys' ? `unknown ${issue.keys[0]}` : issue?.message;
  throw new ClientError('request-malformed', field === '' ? reason : `${field}: ${reason}`);
}

/** A JSON body; an absent one counts as {}. */
export function parseBody<T extends z.ZodType>(schema: T, request: HttpRequest): z.output<T> {
  if (request.body !== undefined) return parseWith(schema, request.body);
  const length = headerOf(request, 'content-length') ?? '0';
  const isEmpty = length === '0' && request.headers['transfer-encoding'] === undefined;
  if (!isEmpty) throw new ClientError('media-type-unknown', 'expected application/json');
  return parseWith(schema, {});
}

/** An id in a path. */
export function parseId(text: string): string {
  return parseWith(listIdDto, text);
}

/** A small number in a path. */
export function parseIndex(text: string): number {
  return parseWith(z.coerce.number().int().min(0).max(0xffff), text);
}

const recipients = z.array(z.string().min(1).max(1_024)).min(1).max(MAX_RECIPIENTS);

/** `?to=a&to=b`. */
export function parseRecipients(value: unknown): string[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value];
  const parsed = recipients.safeParse(list);
  if (parsed.success) return parsed.data;
  throw new ClientError('request-malformed', `expected 1 to ${MAX_RECIPIENTS} times ?to=`);
}
