/**
 * The accounts that one set of 24 words has: each number gives another account, which nothing but
 * the words connects with the others. Before: cli/account-list.ts; after: account.ts, the tangle.
 * Spec: docs/spec/20-identity.md, section "Several accounts".
 */
import { type Genesis, networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { descriptorTag, openDescriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { deriveAccountRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { provenTaggedData, type TangleAccess } from '../tangle/tangle-access.ts';
import { type Account, addressText, emailText, openAccount } from './account.ts';
import { seedOfWords } from './create.ts';

/** Blocks under an account's tag that are looked at: anybody may publish there. */
const CANDIDATES = 16;

/** One account of the words. */
export interface WordsAccount {
  readonly accountIndex: number;
  readonly address: string;
  readonly email: string;
  /** Whether the tangle has a descriptor that it signed; null when no node could say. */
  readonly isPublished: boolean | null;
}

export interface WordsAccountsOptions {
  /** As typed. */
  readonly words: string;
  readonly genesis: Genesis;
  /** Asked which accounts are in use. */
  readonly nodeUrl: string;
  readonly from: number;
  readonly count: number;
}

/** The accounts `from` … `from + count - 1`. Throws ClientError `words-invalid`. */
export async function accountsOfWords(
  { words, genesis, nodeUrl, from, count }: WordsAccountsOptions,
  clock: Clock,
): Promise<WordsAccount[]> {
  const seed = seedOfWords(words);
  const network = { networkId: networkIdOf(genesis, nobleHasher), name: genesis.name };
  const suite = bestSuite();
  const tangle = wayToTangle(genesis, nodeUrl, clock);
  const accounts: WordsAccount[] = [];
  for (let accountIndex = from; accountIndex < from + count; accountIndex++) {
    const root = bytesToHex(deriveAccountRoot(seed, accountIndex));
    const account = openAccount(root, network, suite);
    // A node that did not answer once is not waited for again.
    const isAway = accounts.at(-1)?.isPublished === null;
    const isPublished = isAway ? null : await hasDescriptor(account, tangle, clock);
    accounts.push({
      accountIndex,
      address: addressText(account),
      email: emailText(account),
      isPublished,
    });
  }
  seed.fill(0);
  return accounts;
}

function wayToTangle(
  genesis: Genesis,
  baseUrl: string,
  clock: Clock,
): Pick<TangleAccess, 'node' | 'checker'> {
  const node = new NodeClient({ baseUrl });
  const lightClient = LightClient.fromGenesis(genesis);
  return {
    node,
    checker: new ProofChecker(lightClient, { hasher: nobleHasher, clock, client: node }),
  };
}

async function hasDescriptor(
  { address, networkId }: Account,
  tangle: Pick<TangleAccess, 'node' | 'checker'>,
  clock: Clock,
): Promise<boolean | null> {
  const expected = { networkId, address, nowSeconds: Math.floor(clock.nowMs() / 1_000) };
  try {
    const { proven } = await provenTaggedData(tangle, descriptorTag(address), CANDIDATES);
    return proven.some((one) => openDescriptor(one, expected, nobleVerifier).ok);
  } catch {
    return null;
  }
}
