/**
 * Values of registers that are JSON, and keys that are text. Used by the readers and journals of
 * the self-log beside this file. Spec: docs/spec/26-self-log.md, section "Values".
 */
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { OperationBody, Register } from '@tanglemail/mail/core/self-log/operation.ts';
import { MAX_KEY_LENGTH, MAX_VALUE_LENGTH } from '@tanglemail/mail/core/self-log/operation.ts';

/** The folder of a message that was deleted for good. */
export const NOWHERE = '00'.repeat(16);

/** A value as its schema has it; undefined for none, and for one that a later program wrote. */
export function readJson<T>(
  bytes: Uint8Array | undefined,
  schema: { parse(value: unknown): T },
): T | undefined {
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** What writes a value as JSON; undefined when it is larger than an operation can carry. */
export function setJson(
  register: Register,
  key: string,
  value: unknown,
): OperationBody | undefined {
  const bytes = utf8ToBytes(JSON.stringify(value));
  if (bytes.length > MAX_VALUE_LENGTH || key.length > 2 * MAX_KEY_LENGTH) return undefined;
  return { kind: 'set', register, key, value: bytes };
}

/** Text as a register's key. */
export function textKey(text: string): string {
  return bytesToHex(utf8ToBytes(text));
}

/** The text of a key. */
export function textOfKey(key: string): string {
  return new TextDecoder().decode(hexToBytes(key));
}
