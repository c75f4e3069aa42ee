/**
 * The provider's keys in one file that only its owner can read: `bondKey` signs offers, receipts
 * and log heads, `payKey` owns what channels pay. JSON
 * `{"type":"tangle-provider","bondKey":…,"payKey":…}`, 32 bytes of hex each. Written by
 * `tangle-provider init`. A lost file is a lost reputation and lost money: back it up.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { createKeyFile, KeyFileError, openKeyFile } from '@tanglemail/tangle/io/shell/key-file.ts';
import { z } from 'zod';

export interface ProviderKeys {
  /** 32-byte Ed25519 seeds. */
  readonly bondKey: Uint8Array;
  readonly payKey: Uint8Array;
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
  await createKeyFile(path, {
    type: 'tangle-provider',
    bondKey: bytesToHex(keys.bondKey),
    payKey: bytesToHex(keys.payKey),
  });
}

/** Reads a file of `writeKeyFile`; refuses one that others can read. Throws KeyFileError. */
export async function readKeyFile(path: string): Promise<ProviderKeys> {
  const document = DOCUMENT.safeParse(await openKeyFile(path, '; see tangle-provider init'));
  if (!document.success) throw new KeyFileError(`${path} is no key file of tangle-provider`);
  const { bondKey, payKey } = document.data;
  return { bondKey: hexToBytes(bondKey), payKey: hexToBytes(payKey) };
}
