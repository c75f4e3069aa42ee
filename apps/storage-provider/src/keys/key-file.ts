/**
 * The provider's keys in one file that only its owner can read: `bondKey` signs offers, receipts
 * and log heads, `payKey` owns what channels pay. JSON
 * `{"type":"tangle-provider","bondKey":…,"payKey":…}`, 32 bytes of hex each. Written by
 * `tangle-provider init`. A lost file is a lost reputation and lost money: back it up.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { z } from 'zod';

export interface ProviderKeys {
  /** 32-byte Ed25519 seeds. */
  readonly bondKey: Uint8Array;
  readonly payKey: Uint8Array;
}

/** A key file that cannot be used; `message` is for the operator and names no secret. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const DOCUMENT = z.strictObject({
  type: z.literal('tangle-provider'),
  bondKey: hex32,
  payKey: hex32,
});

/** Fresh keys from the system's randomness. */
export function generateKeys(): ProviderKeys {
  return { bondKey: new Uint8Array(randomBytes(32)), payKey: new Uint8Array(randomBytes(32)) };
}

/** The HMAC key of challenges and sessions: derived, so that a restart keeps both valid. */
export function apiSecretOf({ bondKey }: ProviderKeys): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', bondKey, '', 'tanglemail/provider/api/v1', 32));
}

/** Writes a new file with mode 0600, synced. Refuses to overwrite. Throws KeyFileError. */
export async function writeKeyFile(path: string, keys: ProviderKeys): Promise<void> {
  const document = {
    type: 'tangle-provider',
    bondKey: bytesToHex(keys.bondKey),
    payKey: bytesToHex(keys.payKey),
  };
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new KeyFileError(`cannot create ${path}: ${reasonOf(error)}`, { cause: error });
  });
  try {
    await file.writeFile(`${JSON.stringify(document, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o600);
}

/** Reads a file of `writeKeyFile`; refuses one that others can read. Throws KeyFileError. */
export async function readKeyFile(path: string): Promise<ProviderKeys> {
  let text: string;
  let mode: number;
  try {
    ({ mode } = await stat(path));
    text = await readFile(path, 'utf8');
  } catch (error) {
    const hint = `cannot read the key file ${path}: ${reasonOf(error)}; see tangle-provider init`;
    throw new KeyFileError(hint, { cause: error });
  }
  if ((mode & 0o077) !== 0) {
    throw new KeyFileError(`others can read the key file ${path}: run \`chmod 600 ${path}\``);
  }
  const document = DOCUMENT.safeParse(parse(text));
  if (!document.success) throw new KeyFileError(`${path} is no key file of tangle-provider`);
  const { bondKey, payKey } = document.data;
  return { bondKey: hexToBytes(bondKey), payKey: hexToBytes(payKey) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const isObject = typeof error === 'object' && error !== null;
  const code: unknown = isObject ? Reflect.get(error, 'code') : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EEXIST') return 'the file exists already';
  if (code === 'EACCES') return 'permission denied';
  return typeof code === 'string' ? code : 'unknown error';
}
