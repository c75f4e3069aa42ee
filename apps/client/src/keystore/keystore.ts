/**
 * The secrets of one account at rest: a JSON file whose content is sealed with XChaCha20-Poly1305
 * under a key that Argon2id (RFC 9106) makes from the passphrase. Read once when the daemon starts;
 * neither the mnemonic nor the seed is stored, only the account root that derives from it.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { argon2 as argon2Callback, randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { RECOVERY_KEY_LENGTH } from '@tanglemail/mail/core/backup/lock.ts';
import { syncFolder } from '@tanglemail/tangle/io/write-file.ts';

const argon2 = promisify(argon2Callback);

/** Cost of one passphrase guess; the second recommended choice of RFC 9106 §4. */
export const PASSPHRASE_COST = { memoryKiB: 65_536, passes: 3, parallelism: 4 } as const;
const KEY_LENGTH = 32;
const SALT_LENGTH = 16;
const NONCE_LENGTH = 24;
/** A sealed keystore is a few hundred bytes; a larger file is not one. */
const MAX_FILE_SIZE = 16_384;

const hex = (bytes: number): z.ZodString =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

const FileSchema = z.strictObject({
  version: z.literal(1),
  kdf: z.strictObject({
    name: z.literal('argon2id'),
    // Bounds, so that a planted file cannot make the daemon take all memory.
    memoryKiB: z.number().int().min(8_192).max(1_048_576),
    passes: z.number().int().min(1).max(16),
    parallelism: z.number().int().min(1).max(16),
    salt: hex(SALT_LENGTH),
  }),
  cipher: z.literal('xchacha20poly1305'),
  nonce: hex(NONCE_LENGTH),
  sealed: z.string().regex(/^[0-9a-f]+$/),
});

/** The schema of what the keystore protects. */
export const SecretsSchema = z.strictObject({
  /** Root of the account's keys. The seed itself stays on paper: from it the epochs restart. */
  accountRoot: hex(32),
  accountIndex: z.number().int().min(0).max(0x7fffffff),
  /** Key of the local store; random, so that a copy of the store says nothing without this file. */
  storeKey: hex(32),
  /** Unix seconds at which the account was created or restored here. */
  createdAt: z.number().int().min(0).max(0xffffffff),
  /** Public key to which backups are sealed that the 24 words open. */
  recoveryKey: hex(RECOVERY_KEY_LENGTH).optional(),
});

/** What the keystore protects. Byte strings are lowercase hex. */
export type AccountSecrets = z.infer<typeof SecretsSchema>;

export type KeystoreErrorCode = 'missing' | 'exists' | 'passphrase-wrong' | 'damaged';

/** The keystore cannot be used; `code` says why. */
export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: KeystoreErrorCode;

  constructor(code: KeystoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Seals `secrets` into a new file, mode 0600. Throws `exists` when there is one already. */
export async function createKeystore(
  path: string,
  secrets: AccountSecrets,
  passphrase: string,
): Promise<void> {
  const salt = randomBytes(SALT_LENGTH);
  const nonce = randomBytes(NONCE_LENGTH);
  const key = await passphraseKey(passphrase, { ...PASSPHRASE_COST, salt });
  const plain = new TextEncoder().encode(JSON.stringify(secrets));
  const file: z.infer<typeof FileSchema> = {
    version: 1,
    kdf: { name: 'argon2id', ...PASSPHRASE_COST, salt: salt.toString('hex') },
    cipher: 'xchacha20poly1305',
    nonce: nonce.toString('hex'),
    sealed: Buffer.from(xchacha20poly1305(key, nonce).encrypt(plain)).toString('hex'),
  };
  await writeNewFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
}

/** Opens the file with the passphrase. Throws `missing`, `damaged` or `passphrase-wrong`. */
export async function openKeystore(path: string, passphrase: string): Promise<AccountSecrets> {
  const file = parseFile(path, await readKeystoreFile(path));
  const { kdf } = file;
  const key = await passphraseKey(passphrase, { ...kdf, salt: Buffer.from(kdf.salt, 'hex') });
  let plain: Uint8Array;
  try {
    const nonce = Buffer.from(file.nonce, 'hex');
    plain = xchacha20poly1305(key, nonce).decrypt(Buffer.from(file.sealed, 'hex'));
  } catch (cause) {
    throw new KeystoreError('passphrase-wrong', 'the passphrase does not open this account', {
      cause,
    });
  }
  const secrets = SecretsSchema.safeParse(JSON.parse(new TextDecoder().decode(plain)));
  if (!secrets.success) {
    throw new KeystoreError('damaged', `${path} opens, but its content is not an account`);
  }
  return secrets.data;
}

async function readKeystoreFile(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_FILE_SIZE) throw new KeystoreError('damaged', `${path} is too large`);
    return text;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new KeystoreError('missing', `there is no account in ${dirname(path)}`, { cause });
  }
}

function parseFile(path: string, text: string): z.infer<typeof FileSchema> {
  try {
    return FileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new KeystoreError('damaged', `${path} is not a keystore of this program`, { cause });
  }
}

export interface PassphraseCost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
}

/** 32 bytes that a passphrase gives, by Argon2id. */
export async function passphraseKey(passphrase: string, cost: PassphraseCost): Promise<Uint8Array> {
  // NFKD, so that the same passphrase typed on another keyboard gives the same bytes (as BIP-39).
  return argon2('argon2id', {
    message: Buffer.from(passphrase.normalize('NFKD'), 'utf8'),
    nonce: cost.salt,
    parallelism: cost.parallelism,
    tagLength: KEY_LENGTH,
    memory: cost.memoryKiB,
    passes: cost.passes,
  });
}

/** Writes a file that must not exist yet, synced before it gets its name. */
async function writeNewFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    // A link, unlike a rename, refuses to replace an account that is already there.
    await link(temporary, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new KeystoreError('exists', `${path} exists already`, { cause });
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
}
