/**
 * The keys of whoever has written to us, with the certificate that shows others that they belong
 * together: what it takes to add somebody to a group. Before: letter-intake.ts; after:
 * chat/group-desk.ts. Spec: docs/spec/27-group.md.
 */
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { MemberRecord } from '@tanglemail/mail/core/group/change.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { certifiedKeys } from '../store/chat-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';

export class KeyBook {
  readonly #store: SealedStore;

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** Remembers the keys of a letter's sender. */
  note(batch: SealedBatch, letter: OpenedLetter): void {
    const { senderAddress, senderAccountKey, senderIdentityKey, senderCertificate } = letter;
    const known = this.get(senderAddress);
    if (known !== undefined && equalBytes(known.identityKey, senderIdentityKey)) return;
    batch.put(certifiedKeys, this.#key(senderAddress), {
      accountKey: bytesToHex(senderAccountKey),
      identityKey: bytesToHex(senderIdentityKey),
      certificate: bytesToHex(senderCertificate),
    });
  }

  /** Undefined for somebody who has never written to us. */
  get(address: MailAddress): MemberRecord | undefined {
    const known = this.#store.get(certifiedKeys, this.#key(address));
    if (known === undefined) return undefined;
    const { accountKey, identityKey, certificate } = known;
    return {
      accountKey: hexToBytes(accountKey),
      identityKey: hexToBytes(identityKey),
      certificate: hexToBytes(certificate),
    };
  }

  #key(address: MailAddress): string {
    return `k/${this.#store.opaque(`keys/${address}`)}`;
  }
}
