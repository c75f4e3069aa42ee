/**
 * Everybody tries to read everything: each envelope of the tangle is opened with the keys of every
 * person, from the words on, as if no old secret had ever been deleted. It must open for nobody but
 * the one that it is for.
 */
import { openEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { createKeyring } from '@tanglemail/mail/core/letter/keyring.ts';
import type { LetterReader, OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { openAccount } from '../../apps/client/src/account/account.ts';
import { NOTE_FAMILIES } from '../../apps/client/src/inbox/note-router.ts';
import { type LifeWorld, START_MS } from './world.ts';

export interface Eavesdropping {
  /** Envelopes that were tried. */
  readonly tried: number;
  /** Attempts with a person's keys. */
  readonly attempts: number;
  /** Those that opened, by what they are. */
  readonly mails: number;
  readonly receipts: number;
  readonly ownNotes: number;
  readonly otherNotes: number;
  /** Those that opened for nobody: keys of chains are not made from the words. */
  readonly closed: number;
  /** Sentences about envelopes that opened for the wrong people. */
  readonly faults: string[];
}

const OWN_FAMILIES: ReadonlySet<number> = new Set([NOTE_FAMILIES.selfLog, NOTE_FAMILIES.devices]);
const MARK = /^Subject: mail-\d+-(\d+)-(\d+)\r?$/mu;

/** Tries envelopes, evenly chosen, at most `limit` of them. */
export function eavesdrop(world: LifeWorld, limit: number): Eavesdropping {
  const { networkId } = world.tangle.node.start0;
  const suite = bestSuite();
  const readers = world.people.map(({ facts }) => readerOf(facts.seed, networkId, suite));
  const envelopes = envelopesOf(world);
  const step = Math.max(1, Math.ceil(envelopes.length / limit));
  const chosen = envelopes.filter((_, at) => at % step === 0);
  const counts = { mails: 0, receipts: 0, ownNotes: 0, otherNotes: 0, closed: 0 };
  const faults: string[] = [];
  for (const [at, bytes] of chosen.entries()) {
    const opened = readers.flatMap((reader) => {
      const letter = openEnvelope(bytes, networkId, reader, suite, nobleVerifier);
      return letter.ok ? [{ reader, letter: letter.value }] : [];
    });
    const [only] = opened;
    if (opened.length > 1) faults.push(`envelope ${at} opens for ${opened.length} people`);
    else if (only === undefined) counts.closed += 1;
    else {
      const kind = kindOf(only.letter);
      counts[kind] += 1;
      if (!isMeantFor(kind, only.letter, only.reader)) faults.push(`envelope ${at} is a stray`);
    }
  }
  return { tried: chosen.length, attempts: chosen.length * readers.length, ...counts, faults };

  /** Of a mail, its own words say for whom it is; a note of the account is for the account. */
  function isMeantFor(kind: Kind, letter: OpenedLetter, reader: LetterReader): boolean {
    const addresses = readers.map(({ address }) => address);
    if (!addresses.includes(letter.senderAddress)) return false;
    const isOwn = letter.senderAddress === reader.address;
    if (kind !== 'mails') return isOwn === (kind === 'ownNotes');
    const [, from, to] = MARK.exec(new TextDecoder().decode(letter.message)) ?? [];
    return (
      addresses[Number(from)] === letter.senderAddress && addresses[Number(to)] === reader.address
    );
  }
}

type Kind = 'mails' | 'receipts' | 'ownNotes' | 'otherNotes';

function kindOf({ kind, message: [family = 0] }: OpenedLetter): Kind {
  if (kind !== 'control') return 'mails';
  if (family === NOTE_FAMILIES.receipt) return 'receipts';
  return OWN_FAMILIES.has(family) ? 'ownNotes' : 'otherNotes';
}

/** Every envelope once, however many blocks carried it. */
function envelopesOf(world: LifeWorld): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const { block } of world.tangle.node.blocks.values()) {
    const { payload } = block;
    if (payload?.kind === 'envelope') found.set(bytesToHex(payload.bytes), payload.bytes);
  }
  return [...found.values()];
}

function readerOf(seed: Uint8Array, networkId: bigint, suite: SealingSuite): LetterReader {
  const network = { networkId, name: 'small' };
  const account = openAccount(bytesToHex(deriveAccountRoot(seed, 0)), network, suite);
  const epochs = startEpochs(deriveEpochRoot(seed, 0), Math.floor(START_MS / 1_000));
  const { address, keys } = account;
  return { address, identity: keys.identity, keyring: createKeyring(epochs, suite) };
}
