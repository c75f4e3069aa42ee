/**
 * Who signs for a seat: a key in this process, read from a file of `tools keys`, or another
 * process. Path: seat.ts → here → external-signer.ts. Spec: docs/spec/16-signer.md §5.
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import {
  signedMessage,
  type Statement,
  type StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { readKeyFile, type KeyPair } from '../keys/key-file.ts';
import { ExternalSigner, type ExternalSignerOptions } from './external-signer.ts';
import type { Signer } from './seat-memory.ts';

/** DER head of an Ed25519 secret key (RFC 8410). */
const KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs by the library of the process: a tenth of the time, the same bytes (RFC 8032). */
export class KeySigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly isAway = false;
  readonly #key: KeyObject;

  constructor({ publicKey, secretKey }: Pick<KeyPair, 'publicKey' | 'secretKey'>) {
    this.publicKey = publicKey;
    const key = Buffer.concat([KEY_HEAD, secretKey]);
    this.#key = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
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
    return Promise.resolve(new Uint8Array(sign(null, message, this.#key)));
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
