/**
 * Reads what stands in paths and queries. Whatever does not have its form is `request-malformed`.
 */
import {
  parseAddress,
  parseBlockId,
  parseMilestoneId,
  parseOutputId,
  parseTransactionId,
  type Address,
  type BlockId,
  type MilestoneId,
  type OutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { ApiProblem } from './problem.ts';

function need<T>(value: T | undefined, expected: string): T {
  if (value === undefined) throw ApiProblem.of('request-malformed', `expected ${expected}`);
  return value;
}

export function blockIdParam(text: string): BlockId {
  return need(parseBlockId(text), 'a block id: 64 lowercase hex digits');
}

export function transactionIdParam(text: string): TransactionId {
  return need(parseTransactionId(text), 'a transaction id: 64 lowercase hex digits');
}

export function milestoneIdParam(text: string): MilestoneId {
  return need(parseMilestoneId(text), 'a milestone id: 64 lowercase hex digits');
}

export function outputIdParam(text: string): OutputId {
  return need(parseOutputId(text), 'an output id: 68 lowercase hex digits');
}

/** A milestone index, u32. */
export function indexParam(text: string): number {
  return integerParam(text, 0, 0xffff_ffff, 'a milestone index');
}

/** A decimal integer within the bounds. */
export function integerParam(text: string, min: number, max: number, what: string): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  const inside = value !== undefined && value >= min && value <= max;
  return need(inside ? value : undefined, `${what}: an integer from ${min} to ${max}`);
}

/** One value of a query; an array or an object is malformed. */
export function textQuery(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw ApiProblem.of('request-malformed', 'a query parameter is given twice');
}

export function addressParam(text: string): Address {
  return need(parseAddress(text), 'an address: 64 lowercase hex digits');
}

/** Milliseconds since 1970. */
export function timeQuery(value: unknown): number | undefined {
  const text = textQuery(value);
  if (text === undefined) return undefined;
  const time = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  return need(time, 'a time in milliseconds since 1970');
}

export function addressQuery(value: unknown): Address | undefined {
  const text = textQuery(value);
  return text === undefined ? undefined : need(parseAddress(text), 'an address: 64 hex digits');
}

/** `true` or `false`. */
export function booleanQuery(value: unknown): boolean | undefined {
  const text = textQuery(value);
  if (text === undefined) return undefined;
  return need(text === 'true' ? true : text === 'false' ? false : undefined, 'true or false');
}

/** A tag of 1–64 bytes as lowercase hex. */
export function tagQuery(value: unknown): Uint8Array | undefined {
  const text = textQuery(value);
  if (text === undefined) return undefined;
  const isTag = /^(?:[0-9a-f]{2}){1,64}$/.test(text);
  return new Uint8Array(Buffer.from(need(isTag ? text : undefined, 'a tag: hex'), 'hex'));
}

/** One of a closed list. */
export function choiceQuery<T extends string>(
  value: unknown,
  choices: readonly T[],
): T | undefined {
  const text = textQuery(value);
  if (text === undefined) return undefined;
  return need(
    choices.find((choice) => choice === text),
    `one of ${choices.join(', ')}`,
  );
}
