/** The people of the simulated weeks: who they are, whom they know, what they were promised. */
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import {
  deriveAccountKeys,
  deriveAccountRoot,
  walletKey,
} from '@tanglemail/mail/core/identity/keys.ts';
import { type Address, addressFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { Device } from './device.ts';

/** A mail that somebody wrote, and what its writer was shown of it. */
export interface WrittenMail {
  /** Stands in the subject. */
  readonly mark: string;
  readonly from: number;
  readonly to: number;
  readonly outboxId: string;
  /** The bond ids of the providers whose receipts were shown. */
  storedAt: string[];
  isConfirmed: boolean;
  /** The recipient's client has said that it has it. */
  isFetched: boolean;
}

export interface PersonFacts {
  readonly index: number;
  readonly seed: Uint8Array;
  readonly runsNode: boolean;
  /** Indexes of the people whom this one writes to. */
  readonly friends: number[];
}

export class Person {
  readonly facts: PersonFacts;
  device: Device;
  address = '';
  /** Mails that this one wrote and that were taken. */
  readonly written: WrittenMail[] = [];

  constructor(facts: PersonFacts, device: Device) {
    this.facts = facts;
    this.device = device;
  }
}

export function seedOf(index: number): Uint8Array {
  const seed = new Uint8Array(64).fill(0x40);
  new DataView(seed.buffer).setUint32(0, index + 1);
  return seed;
}

/** Where the genesis puts a person's tokens. */
export function walletAddressOf(seed: Uint8Array): Address {
  const keys = deriveAccountKeys(deriveAccountRoot(seed, 0), bestSuite());
  return addressFromBytes(nobleHasher.blake2b256(walletKey(keys, 0).publicKey));
}
