/** The people of the simulated weeks: who they are, whom they know, what they were promised. */
import { type EpochLine, nextEpochSecret } from '@tanglemail/mail/core/identity/epoch.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import {
  deriveAccountKeys,
  deriveAccountRoot,
  walletKey,
} from '@tanglemail/mail/core/identity/keys.ts';
import { type Address, addressFromBytes, bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { Device } from './device.ts';

/** A mail that somebody wrote, and what its writer was shown of it. */
export interface WrittenMail {
  /** Stands in the subject. */
  readonly mark: string;
  readonly from: number;
  readonly to: number;
  readonly atMs: number;
  /** Where it was written. */
  readonly device: Device;
  readonly outboxId: string;
  /** The bond ids of the providers whose receipts were shown. */
  storedAt: string[];
  isConfirmed: boolean;
  /** The recipient's client has said that it has it. */
  isFetched: boolean;
}

/** A line of chat, and what its writer was shown of it. */
export interface WrittenLine {
  /** The whole text. */
  readonly mark: string;
  readonly from: number;
  readonly to: number;
  readonly atMs: number;
  readonly device: Device;
  readonly conversation: string;
  readonly number: number;
  /** Every provider of the recipient has given its receipt. */
  isStored: boolean;
}

/** A device that is gone, and what its owner went on with. */
export interface Loss {
  readonly atMs: number;
  readonly goesOnWith: 'another device' | 'backup' | 'words';
}

export interface PersonFacts {
  readonly index: number;
  readonly seed: Uint8Array;
  readonly runsNode: boolean;
  /** Indexes of the people whom this one writes to, and who know this one. */
  readonly friends: readonly number[];
}

export class Person {
  readonly facts: PersonFacts;
  /** The ones in use, the oldest first. */
  devices: Device[];
  address = '';
  /** Mails that this one wrote and that were taken. */
  readonly written: WrittenMail[] = [];
  readonly lines: WrittenLine[] = [];
  readonly losses: Loss[] = [];
  /** When this one last sat down. */
  seenMs = 0;
  backup: { readonly path: string; readonly atMs: number } | undefined;
  /** Every line of epoch secrets that any device ever held. */
  readonly epochLines: EpochLine[] = [];

  constructor(facts: PersonFacts, device: Device) {
    this.facts = facts;
    this.devices = [device];
  }

  /** Keeps what a thief of everything would have: secrets that are deleted later, too. */
  noteEpochs(lines: readonly EpochLine[]): void {
    for (const line of lines) {
      if (!this.epochLines.some((known) => leadsTo(known, line))) this.epochLines.push(line);
    }
  }
}

/** Whether a secret is one of the line's later ones. */
function leadsTo(known: EpochLine, { epoch, secret }: EpochLine): boolean {
  let present = known.secret;
  for (let at = known.epoch; at < epoch; at += 1) present = nextEpochSecret(present);
  return known.epoch <= epoch && bytesToHex(present) === bytesToHex(secret);
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
