/**
 * The key that names a node among its peers: made once, kept in a file that only its owner reads.
 * It signs no block and no milestone. Spec: docs/spec/07-gossip.md, "Connections".
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  generateKeyPair,
  generateKeyPairFromSeed,
  privateKeyFromProtobuf,
  privateKeyToProtobuf,
} from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { bytesToHex, hexToBytes } from '../../core/codec/ids.ts';
import { errorCode } from '../error-code.ts';
import type { PeerKey, PeerPrivateKey } from './types.ts';

export type PeerKeyErrorCode = 'unreadable' | 'malformed' | 'unwritable';

export class PeerKeyError extends Error {
  readonly code: PeerKeyErrorCode;
  readonly path: string;

  constructor(code: PeerKeyErrorCode, path: string, cause: unknown) {
    super(`peer key file ${path} is ${code}`, { cause });
    this.name = 'PeerKeyError';
    this.code = code;
    this.path = path;
  }
}

const MAX_KEY_TEXT = 1_024;

/**
 * Reads the key, or makes and stores one (Ed25519, hex of libp2p's protobuf form, mode 0600).
 * Two processes that start at once end with the same key: only one of them creates the file.
 */
export async function loadPeerKey(path: string): Promise<PeerPrivateKey> {
  const stored = await readKeyText(path);
  if (stored !== undefined) return parseKey(path, stored);
  const key = await generateKeyPair('Ed25519');
  if (await createKeyFile(path, `${bytesToHex(privateKeyToProtobuf(key))}\n`)) return key;
  return parseKey(path, (await readKeyText(path)) ?? '');
}

/**
 * The same key for the same 32 bytes: for private networks whose addresses are known beforehand.
 */
export async function peerKeyFromSeed(seed: Uint8Array): Promise<PeerPrivateKey> {
  return await generateKeyPairFromSeed('Ed25519', seed);
}

export function peerKeyText(key: PeerPrivateKey): PeerKey {
  return peerIdFromPrivateKey(key).toString();
}

async function readKeyText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new PeerKeyError('unreadable', path, error);
  }
}

function parseKey(path: string, text: string): PeerPrivateKey {
  try {
    if (text.length > MAX_KEY_TEXT) throw new RangeError('key file too long');
    return privateKeyFromProtobuf(hexToBytes(text.trim()));
  } catch (error) {
    throw new PeerKeyError('malformed', path, error);
  }
}

/**
 * False when another process was first. The file is written whole under another name and then
 * linked, so that nobody ever reads half a key.
 */
async function createKeyFile(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw new PeerKeyError('unwritable', path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}
