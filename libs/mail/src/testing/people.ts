/**
 * People for tests: two accounts with fixed keys, and what they need to write to each other.
 */
import { nobleSuite } from '../core/crypto/noble-suite.ts';
import type { MailAddress } from '../core/identity/address.ts';
import { addressOf } from '../core/identity/address.ts';
import { certifyIdentity } from '../core/identity/certificate.ts';
import type { Descriptor, DescriptorBody } from '../core/identity/descriptor.ts';
import { signDescriptor } from '../core/identity/descriptor.ts';
import type { EpochState } from '../core/identity/epoch.ts';
import { epochOf, publicBundles, startEpochs } from '../core/identity/epoch.ts';
import type { AccountKeys } from '../core/identity/keys.ts';
import {
  deriveAccountKeys,
  deriveAccountRoot,
  deriveEpochRoot,
  introKey,
} from '../core/identity/keys.ts';
import type { SubAddress } from '../core/identity/sub-address.ts';
import { sortSubAddresses, subAddressId } from '../core/identity/sub-address.ts';
import { createKeyring } from '../core/letter/keyring.ts';
import type { LetterReader, LetterSender } from '../core/letter/letter.ts';

export const TEST_NETWORK = 0x1122_3344_5566_7788n;
/** A Sunday in November 2026, unix seconds. */
export const TEST_NOW = 1_795_322_400;

export interface Person {
  readonly keys: AccountKeys;
  readonly epochs: EpochState;
  readonly address: MailAddress;
  readonly sender: LetterSender;
  readonly reader: LetterReader;
  readonly descriptor: Descriptor;
}

/** The same person for the same index, every time. */
export function makePerson(index: number): Person {
  const seed = new Uint8Array(64).fill(0x42);
  const keys = deriveAccountKeys(deriveAccountRoot(seed, index), nobleSuite);
  const epochs = startEpochs(deriveEpochRoot(seed, index), TEST_NOW);
  const address = addressOf(keys.account.publicKey);
  const accountKey = keys.account.publicKey;
  const certificate = certifyIdentity(TEST_NETWORK, keys.account, keys.identity.publicKey);
  return {
    keys,
    epochs,
    address,
    sender: { accountKey, identity: keys.identity, certificate },
    reader: { address, identity: keys.identity, keyring: createKeyring(epochs, nobleSuite) },
    descriptor: signDescriptor(descriptorBody(keys, epochs), keys.account.secretKey),
  };
}

/** Sub-addresses of every test person: as many as a descriptor holds. */
export const EXAMPLE_LABELS: readonly string[] = [
  'shop',
  'work',
  ...Array.from({ length: 14 }, (_, at) => `list-${at}`),
];

/** The first is open with 20 bits, the second for contacts only. */
function exampleSubAddress(keys: AccountKeys, label: string): SubAddress {
  return {
    id: subAddressId(addressOf(keys.account.publicKey), label),
    introKey: introKey(keys, label, 1, nobleSuite).publicKey,
    policy: { stampBits: label === 'shop' ? 20 : 0, contactsOnly: label === 'work' },
  };
}

/**
 * A full descriptor: eight bundles, three providers with the longest endpoints, all sub-addresses.
 */
export function descriptorBody(keys: AccountKeys, epochs: EpochState): DescriptorBody {
  const firstEpoch = epochOf(TEST_NOW);
  const bundles = publicBundles(epochs, firstEpoch, nobleSuite);
  if (!bundles.ok) throw new Error(bundles.code);
  return {
    networkId: TEST_NETWORK,
    accountKey: keys.account.publicKey,
    sequence: 7n,
    issuedAt: TEST_NOW - 60,
    identityKey: keys.identity.publicKey,
    firstEpoch,
    bundles: bundles.value,
    introKey: introKey(keys, '', 0, nobleSuite).publicKey,
    providers: [1, 2, 3].map((one) => ({
      bondId: new Uint8Array(32).fill(one),
      endpoint: `https://provider-${one}.example/`.padEnd(128, 'x'),
    })),
    policy: { stampBits: 18, contactsOnly: false },
    maxEnvelope: 24_576,
    maxMail: 10_485_760,
    subAddresses: sortSubAddresses(EXAMPLE_LABELS.map((label) => exampleSubAddress(keys, label))),
    formatVersions: [1],
  };
}
