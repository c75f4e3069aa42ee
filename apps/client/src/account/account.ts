/**
 * The account that a daemon works for: keys from the keystore's account root, the address and the
 * certificate that travels in every letter. Before: keystore; after: outbox, inbox, descriptor.
 * Spec: docs/spec/20-identity.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { NetworkKind } from '@tanglemail/tangle/core/params/networks.ts';
import { networkKindOf } from '@tanglemail/tangle/core/params/networks.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { addressOf, formatAddress, formatEmail } from '@tanglemail/mail/core/identity/address.ts';
import { certifyIdentity } from '@tanglemail/mail/core/identity/certificate.ts';
import {
  type AccountKeys,
  deriveAccountKeys,
  introKey,
} from '@tanglemail/mail/core/identity/keys.ts';
import type { LetterSender } from '@tanglemail/mail/core/letter/letter.ts';
import type { KeyPair, SealingSuite } from '@tanglemail/mail/core/ports.ts';

/** One account on one network. */
export interface Account {
  readonly networkId: bigint;
  readonly network: NetworkKind;
  readonly keys: AccountKeys;
  readonly address: MailAddress;
  /** Strangers' tags are made for this key. */
  readonly intro: KeyPair;
  readonly sender: LetterSender;
}

/** The account of `accountRoot` (64 hex digits) on a network. */
export function openAccount(
  accountRoot: string,
  network: { readonly networkId: bigint; readonly name: string },
  suite: SealingSuite,
): Account {
  const keys = deriveAccountKeys(hexToBytes(accountRoot), suite);
  const { networkId } = network;
  return {
    networkId,
    network: networkKindOf(network.name),
    keys,
    address: addressOf(keys.account.publicKey),
    intro: introKey(keys, '', 0, suite),
    sender: {
      accountKey: keys.account.publicKey,
      identity: keys.identity,
      certificate: certifyIdentity(networkId, keys.account, keys.identity.publicKey),
    },
  };
}

/** The address as people write it. */
export function addressText(account: Account, address: MailAddress = account.address): string {
  return formatAddress({ address, network: account.network });
}

/** The address in the form of an e-mail address. */
export function emailText(account: Account, address: MailAddress = account.address): string {
  return formatEmail({ address, network: account.network });
}
