import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { makePerson, TEST_NETWORK } from '../../testing/people.ts';
import { fromHex, readVectors } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { addressOf, formatAddress, formatEmail } from './address.ts';
import { certifyIdentity, isIdentityCertified } from './certificate.ts';
import {
  channelKey,
  deriveAccountKeys,
  deriveAccountRoot,
  deriveEpochRoot,
  introKey,
  mailboxKey,
  walletKey,
} from './keys.ts';
import { mnemonicFromEntropy, seedFromMnemonic } from './mnemonic.ts';
import { safetyNumber } from './safety-number.ts';

interface Vectors {
  entropy: string;
  mnemonic: string;
  seed: string;
  safetyNumber: string;
  accounts: ({ index: number } & Record<string, string>)[];
}
const vectors = readVectors('identity') as Vectors;

describe('keys', () => {
  it('follow from the words as the vectors say', () => {
    expect(mnemonicFromEntropy(fromHex(vectors.entropy))).toBe(vectors.mnemonic);
    const seed = seedFromMnemonic(vectors.mnemonic);
    expect(bytesToHex(seed)).toBe(vectors.seed);
    for (const { index, ...expected } of vectors.accounts) {
      const root = deriveAccountRoot(seed, index);
      const keys = deriveAccountKeys(root, nobleSuite);
      const address = addressOf(keys.account.publicKey);
      const bond = fromHex(expected['bondId'] ?? '');
      const bytes = {
        accountRoot: root,
        epochRoot: deriveEpochRoot(seed, index),
        accountSecret: keys.account.secretKey,
        accountKey: keys.account.publicKey,
        identitySecret: keys.identity.secretKey,
        identityKey: keys.identity.publicKey,
        deviceLinkSecret: keys.deviceLinkSecret,
        walletKey0: walletKey(keys, 0).publicKey,
        walletKey7: walletKey(keys, 7).publicKey,
        channelKey3: channelKey(keys, 3).publicKey,
        bondId: bond,
        mailboxKey1: mailboxKey(keys, bond, 1).publicKey,
        introKey: introKey(keys, '', 0, nobleSuite).publicKey,
        introKeyShop2: introKey(keys, 'shop', 2, nobleSuite).publicKey,
      };
      const hex = Object.entries(bytes).map(([name, value]) => [name, bytesToHex(value)]);
      expect({
        ...Object.fromEntries(hex),
        address,
        textMain: formatAddress({ address, network: 'main' }),
        textTest: formatAddress({ address, network: 'test' }),
        emailShop: formatEmail({ address, network: 'test', subAddress: 'shop' }),
      }).toEqual(expected);
    }
  });

  it('are all different from each other', () => {
    const { keys } = makePerson(0);
    const bond = new Uint8Array(32);
    const secrets = [
      keys.account.secretKey,
      keys.identity.secretKey,
      keys.walletRoot,
      keys.channelRoot,
      keys.mailboxRoot,
      keys.introRoot,
      keys.deviceLinkSecret,
      walletKey(keys, 0).secretKey,
      walletKey(keys, 1).secretKey,
      channelKey(keys, 0).secretKey,
      mailboxKey(keys, bond, 0).secretKey,
      mailboxKey(keys, bond, 1).secretKey,
      mailboxKey(keys, bond.with(0, 1), 0).secretKey,
      introKey(keys, '', 0, nobleSuite).secretKey,
      introKey(keys, '', 1, nobleSuite).secretKey,
      introKey(keys, 'a', 0, nobleSuite).secretKey,
    ].map(bytesToHex);
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it('do not let a device go back to the epoch root', () => {
    // The account root is all that a device keeps; the epoch root comes from the seed alone.
    const seed = new Uint8Array(64).fill(1);
    const other = new Uint8Array(64).fill(2);
    expect(deriveEpochRoot(seed, 0)).not.toEqual(deriveEpochRoot(other, 0));
    expect(deriveEpochRoot(seed, 0)).not.toEqual(deriveAccountRoot(seed, 0));
  });
});

describe('certificate', () => {
  const { keys, sender } = makePerson(0);
  const check = (network: bigint, account: Uint8Array, identity: Uint8Array): boolean =>
    isIdentityCertified(network, account, identity, sender.certificate, nobleVerifier);

  it('binds account, identity and network', () => {
    const [account, identity] = [keys.account.publicKey, keys.identity.publicKey];
    expect(check(TEST_NETWORK, account, identity)).toBe(true);
    expect(check(TEST_NETWORK + 1n, account, identity)).toBe(false);
    expect(check(TEST_NETWORK, makePerson(1).keys.account.publicKey, identity)).toBe(false);
    expect(check(TEST_NETWORK, account, makePerson(1).keys.identity.publicKey)).toBe(false);
  });

  it('is the same on every device', () => {
    const again = certifyIdentity(TEST_NETWORK, keys.account, keys.identity.publicKey);
    expect(again).toEqual(sender.certificate);
  });
});

describe('safety number', () => {
  const [a, b] = vectors.accounts.map((one) => fromHex(one['accountKey'] ?? ''));

  it('is that of the vectors on both sides: sixty digits', () => {
    if (!a || !b) throw new Error('two accounts');
    expect(safetyNumber(a, b)).toBe(vectors.safetyNumber);
    expect(safetyNumber(b, a)).toBe(vectors.safetyNumber);
    expect(vectors.safetyNumber).toMatch(/^\d{5}( \d{5}){11}$/);
  });

  it('changes with either key', () => {
    if (!a || !b) throw new Error('two accounts');
    expect(safetyNumber(a, a)).not.toBe(vectors.safetyNumber);
  });
});
