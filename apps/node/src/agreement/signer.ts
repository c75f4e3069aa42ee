/**
 * Who signs for a seat: a key in this process, read from a file of `tools keys`, or another
 * process. Path: seat.ts → here → external-signer.ts. Spec: docs/spec/16-signer.md §5.
 */
import {
  signedMessage,
  type Statement,
  type StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { readKeyFile, type KeyPair } from '../keys/key-file.ts';
import { ExternalSigner, type ExternalSignerOptions } from './external-signer.ts';
import type { Signer } from './seat-memory.ts';

export class KeySigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly isAway = false;
  readonly #secretKey: Uint8Array;

  constructor({ publicKey, secretKey }: Pick<KeyPair, 'publicKey' | 'secretKey'>) {
    this.publicKey = publicKey;
    this.#secretKey = secretKey;
  }

  /** Throws KeyFileError. */
  static async read(keyFile: string): Promise<KeySigner> {
    return new KeySigner(await readKeyFile(keyFile));
  }

  sign(
    { kind, epoch, view, digest }: Statement<StatementKind>,
    networkId: bigint,
  ): Promise<Uint8Array> {
    const message = signedMessage(networkId, kind, epoch, view, digest);
    return Promise.resolve(signEd25519(this.#secretKey, message));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Where a seat's key is. */
export type KeyPlace = { readonly keyFile: string } | ExternalSignerOptions;

/** Rejects with KeyFileError, or with SignerError when the other process does not answer. */
export async function openSigner(place: KeyPlace, verifier: Verifier): Promise<Signer> {
  if ('keyFile' in place) return await KeySigner.read(place.keyFile);
  return await ExternalSigner.connect(place, verifier);
}
