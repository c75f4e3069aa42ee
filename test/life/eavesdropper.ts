/**
 * Everybody tries to read everything: each envelope of the tangle is opened with the keys of every
 * person, with every epoch secret that a device of theirs ever held, as if none had been deleted.
 * It must open for nobody but the one that it is for.
 */
import { diffieHellman, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
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
import { type HeldSeed, seedIn, tryLines } from './chain-keys.ts';
import type { Person } from './people.ts';
import type { LifeTangle } from './tangle.ts';
import { START_MS } from './world.ts';

export interface Eavesdropping {
  /** Envelopes on the tangle, and those that were tried. */
  readonly envelopes: number;
  readonly tried: number;
  /** Attempts with a person's keys. */
  readonly attempts: number;
  /** Those that opened, by what they are. */
  readonly mails: number;
  readonly receipts: number;
  readonly ownNotes: number;
  readonly otherNotes: number;
  /** Too small for a letter: lines of chat under keys of chains. */
  readonly chains: number;
  /** Of those, the ones that opened with the key of a seed that was found, for the right one. */
  readonly lines: number;
  /** Attempts with a key of a chain. */
  readonly lineAttempts: number;
  /** Seeds in letters that opened. */
  readonly seeds: readonly HeldSeed[];
  /** Letters that opened for nobody. */
  readonly closed: number;
  /** Sentences about envelopes that opened for the wrong people. */
  readonly faults: string[];
}

const OWN_FAMILIES: ReadonlySet<number> = new Set([NOTE_FAMILIES.selfLog]);
const MARK = /^Subject: mail-\d+-(\d+)-(\d+)\r?$/mu;
const CHAT_MARK = /^Subject: Chat message\r?$/mu;
/** Smaller envelopes hold no letter (docs/spec/23-envelope.md). */
const LEAST_LETTER_CLASS = 2;

/** Tries envelopes, evenly chosen, at most `limit` of them, with the keys of all `people`. */
export function eavesdrop(
  { node }: LifeTangle,
  people: readonly Pick<Person, 'facts' | 'epochLines'>[],
  limit: number,
): Eavesdropping {
  const { networkId } = node.start0;
  const suite = quickSuite(bestSuite());
  const readers = people.map((person) => readerOf(person, networkId, suite));
  const envelopes = envelopesOf(node);
  const step = Math.max(1, Math.ceil(envelopes.length / limit));
  const chosen = envelopes.filter((_, at) => at % step === 0);
  const counts = { mails: 0, receipts: 0, ownNotes: 0, otherNotes: 0, chains: 0, closed: 0 };
  const faults: string[] = [];
  const seeds: HeldSeed[] = [];
  for (const [at, bytes] of chosen.entries()) {
    const opened = readers.flatMap((reader) => {
      const letter = openEnvelope(bytes, networkId, reader, suite, nobleVerifier);
      return letter.ok ? [{ reader, letter: letter.value }] : [];
    });
    const [only] = opened;
    if (opened.length > 1) faults.push(`envelope ${at} opens for ${opened.length} people`);
    else if (only === undefined) counts[isLetter(bytes) ? 'closed' : 'chains'] += 1;
    else {
      const kind = kindOf(only.letter);
      counts[kind] += 1;
      const seed = seedIn(only.letter, networkId, only.reader.address);
      if (seed !== undefined) seeds.push(seed);
      if (!isMeantFor(kind, only.letter, only.reader)) faults.push(`envelope ${at} is a stray`);
      if (isOpenWithForeignEpochs(bytes, only.reader)) faults.push(`envelope ${at} has no epoch`);
    }
  }
  const tried = chosen.length;
  const attempts = tried * readers.length;
  const small = (bytes: Uint8Array): boolean => !isLetter(bytes);
  const facts = { seeds, addresses: readers.map(({ address }) => address) };
  const { faults: strays, ...lines } = tryLines(chosen.filter(small), envelopes, facts, suite);
  faults.push(...strays);
  return { envelopes: envelopes.length, tried, attempts, ...counts, ...lines, seeds, faults };

  /** Who knows the recipient's lasting key still lacks the epoch's: another's do not help. */
  function isOpenWithForeignEpochs(bytes: Uint8Array, reader: LetterReader): boolean {
    const other = readers[(readers.indexOf(reader) + 1) % readers.length] ?? reader;
    const thief = { ...reader, keyring: other.keyring };
    return openEnvelope(bytes, networkId, thief, suite, nobleVerifier).ok;
  }

  /** Of a mail, its own words say for whom it is; a note of the account is for the account. */
  function isMeantFor(kind: Kind, letter: OpenedLetter, reader: LetterReader): boolean {
    const addresses = readers.map(({ address }) => address);
    if (!addresses.includes(letter.senderAddress)) return false;
    const isOwn = letter.senderAddress === reader.address;
    if (kind !== 'mails') return isOwn === (kind === 'ownNotes');
    const text = new TextDecoder().decode(letter.message);
    const [, from, to] = MARK.exec(text) ?? [];
    if (from === undefined) return CHAT_MARK.test(text) && !isOwn;
    return (
      addresses[Number(from)] === letter.senderAddress && addresses[Number(to)] === reader.address
    );
  }
}

function isLetter(bytes: Uint8Array): boolean {
  const envelope = decodeEnvelope(bytes);
  return envelope.ok && envelope.value.sizeClass >= LEAST_LETTER_CLASS;
}

type Kind = 'mails' | 'receipts' | 'ownNotes' | 'otherNotes';

function kindOf({ kind, message: [family = 0] }: OpenedLetter): Kind {
  if (kind !== 'control') return 'mails';
  if (family === NOTE_FAMILIES.receipt) return 'receipts';
  return OWN_FAMILIES.has(family) ? 'ownNotes' : 'otherNotes';
}

/** Every envelope once, however many blocks carried it. */
function envelopesOf(node: LifeTangle['node']): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const { block } of node.blocks.values()) {
    const { payload } = block;
    if (payload?.kind === 'envelope') found.set(bytesToHex(payload.bytes), payload.bytes);
  }
  return [...found.values()];
}

function readerOf(
  { facts: { seed }, epochLines }: Pick<Person, 'facts' | 'epochLines'>,
  networkId: bigint,
  suite: SealingSuite,
): LetterReader {
  const network = { networkId, name: 'small' };
  const account = openAccount(bytesToHex(deriveAccountRoot(seed, 0)), network, suite);
  const { lines } = startEpochs(deriveEpochRoot(seed, 0), Math.floor(START_MS / 1_000));
  // Lines serve on here: nobody forgets.
  const known = [...lines, ...epochLines].map(({ epoch, secret }) => ({
    epoch,
    secret,
    lastEpoch: 0xffff_ffff,
  }));
  const { address, keys } = account;
  return { address, identity: keys.identity, keyring: createKeyring({ lines: known }, suite) };
}

const X25519_PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex');
const X25519_PUBLIC = Buffer.from('302a300506032b656e032100', 'hex');

/** The native suite, with keys read once: most of an attempt would be the reading. */
function quickSuite(suite: SealingSuite): SealingSuite {
  const secrets = new WeakMap<Uint8Array, KeyObject>();
  let lastPublic: { readonly hex: string; readonly key: KeyObject } | undefined;
  const der = (head: Buffer, raw: Uint8Array) => ({
    key: Buffer.concat([head, raw]),
    format: 'der' as const,
  });
  return {
    ...suite,
    x25519(secret, publicKey) {
      const privateKey =
        secrets.get(secret) ?? createPrivateKey({ ...der(X25519_PRIVATE, secret), type: 'pkcs8' });
      secrets.set(secret, privateKey);
      const hex = bytesToHex(publicKey);
      if (lastPublic?.hex !== hex) {
        lastPublic = {
          hex,
          key: createPublicKey({ ...der(X25519_PUBLIC, publicKey), type: 'spki' }),
        };
      }
      try {
        return new Uint8Array(diffieHellman({ privateKey, publicKey: lastPublic.key }));
      } catch {
        // Both keys were read, so the only cause left is a shared secret of zero.
        return undefined;
      }
    },
  };
}
