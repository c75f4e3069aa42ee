/**
 * Everybody tries to read everything: each envelope of the tangle is opened with the keys of every
 * person, from the words on, as if no old secret had ever been deleted. It must open for one.
 */
import { openEnvelope } from '@tanglemail/mail/core/envelope/seal.ts';
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { createKeyring } from '@tanglemail/mail/core/letter/keyring.ts';
import type { LetterReader } from '@tanglemail/mail/core/letter/letter.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { openAccount } from '../../apps/client/src/account/account.ts';
import { type LifeWorld, START_MS } from './world.ts';

export interface Eavesdropping {
  /** Envelopes that were tried. */
  readonly tried: number;
  /** Attempts with a person's keys. */
  readonly attempts: number;
  /** How many envelopes opened for so many people: index 0 for nobody. */
  readonly readers: readonly number[];
}

/** Tries envelopes, evenly chosen, at most `limit` of them. */
export function eavesdrop(world: LifeWorld, limit: number): Eavesdropping {
  const { networkId } = world.tangle.node.start0;
  const readers = world.people.map(({ facts }) => readerOf(facts.seed, networkId));
  const envelopes = [...world.tangle.node.blocks.values()].flatMap(({ block: { payload } }) =>
    payload?.kind === 'envelope' ? [payload.bytes] : [],
  );
  const step = Math.max(1, Math.ceil(envelopes.length / limit));
  const chosen = envelopes.filter((_, at) => at % step === 0);
  const counts: number[] = [0, 0, 0];
  for (const bytes of chosen) {
    const opened = readers.filter(
      (reader) => openEnvelope(bytes, networkId, reader, bestSuite(), nobleVerifier).ok,
    );
    counts[opened.length] = (counts[opened.length] ?? 0) + 1;
  }
  return { tried: chosen.length, attempts: chosen.length * readers.length, readers: counts };
}

function readerOf(seed: Uint8Array, networkId: bigint): LetterReader {
  const suite = bestSuite();
  const network = { networkId, name: 'small' };
  const account = openAccount(bytesToHex(deriveAccountRoot(seed, 0)), network, suite);
  const epochs = startEpochs(deriveEpochRoot(seed, 0), Math.floor(START_MS / 1_000));
  const { address, keys } = account;
  return { address, identity: keys.identity, keyring: createKeyring(epochs, suite) };
}
