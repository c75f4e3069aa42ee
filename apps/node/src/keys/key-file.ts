/**
 * Files that hold one Ed25519 key: a committee seat's or a faucet's. JSON
 * `{"type":"ed25519","secretKey":…,"publicKey":…,"address":…}`, all hex, readable by its owner
 * only. Written by `tangle-node tools keys`, read by the validator and the faucet.
 */
import { randomBytes } from 'node:crypto';
import {
  addressFromBytes,
  bytesToHex,
  hexToBytes,
  type Address,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { createKeyFile, KeyFileError, openKeyFile } from '@tanglemail/tangle/io/shell/key-file.ts';
import { z } from 'zod';

export interface KeyPair {
  /** 32 bytes, the Ed25519 seed. */
  readonly secretKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** BLAKE2b-256 of the public key. */
  readonly address: Address;
}

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const DOCUMENT = z.strictObject({
  type: z.literal('ed25519'),
  secretKey: hex32,
  publicKey: hex32,
  address: hex32,
});

/** The pair of a secret key of 32 bytes. */
export function keyPairOf(secretKey: Uint8Array): KeyPair {
  const publicKey = publicKeyOf(secretKey);
  return { secretKey, publicKey, address: addressFromBytes(nobleHasher.blake2b256(publicKey)) };
}

/** A fresh pair from the system's randomness. */
export function generateKeyPair(): KeyPair {
  return keyPairOf(new Uint8Array(randomBytes(32)));
}

/** Writes a new file with mode 0600, synced. Refuses to overwrite: a key lost is a seat lost. */
export async function writeKeyFile(path: string, pair: KeyPair): Promise<void> {
  const document = {
    type: 'ed25519',
    secretKey: bytesToHex(pair.secretKey),
    publicKey: bytesToHex(pair.publicKey),
    address: pair.address,
  };
  await createKeyFile(path, document);
}

/** Reads a file of `writeKeyFile`; refuses one that others can read. Throws KeyFileError. */
export async function readKeyFile(path: string): Promise<KeyPair> {
  const pair = pairOf(await openKeyFile(path));
  if (pair === undefined) throw new KeyFileError(`${path} is no key file of \`tools keys\``);
  return pair;
}

function pairOf(content: unknown): KeyPair | undefined {
  const document = DOCUMENT.safeParse(content);
  if (!document.success) return undefined;
  const pair = keyPairOf(hexToBytes(document.data.secretKey));
  const fits =
    bytesToHex(pair.publicKey) === document.data.publicKey &&
    pair.address === document.data.address;
  return fits ? pair : undefined;
}
