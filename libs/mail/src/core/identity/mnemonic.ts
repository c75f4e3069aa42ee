/**
 * The 24 words from which all keys of a person come (BIP-39, English list). Errors say which word
 * is wrong, because this text is copied from paper. Next stop: identity/keys.ts. Spec:
 * docs/spec/20-identity.md.
 */
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

export const MNEMONIC_WORDS = 24;
/** Characters of typed text that are looked at: 24 words of at most 8 letters and spaces. */
const MAX_TEXT = 1_024;
const WORDS: ReadonlySet<string> = new Set(wordlist);

/** 24 words from 32 random bytes. */
export function mnemonicFromEntropy(entropy: Uint8Array): string {
  assert(entropy.length === 32, 'a mnemonic of 24 words needs 32 bytes of entropy');
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * Reads typed words: any white space between them, any case. The value is the canonical text (lower
 * case, one space). Codes: `mnemonic-word-count`, `mnemonic-word-unknown` (the detail gives the
 * word's position, from 1), `mnemonic-checksum`.
 */
export function parseMnemonic(text: string): MailOutcome<string> {
  if (text.length > MAX_TEXT) return fail('mnemonic-word-count', 'the text is far too long');
  const words = text
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word.length > 0);
  if (words.length !== MNEMONIC_WORDS) {
    return fail('mnemonic-word-count', `${words.length} words instead of ${MNEMONIC_WORDS}`);
  }
  const wrong = words.findIndex((word) => !WORDS.has(word));
  if (wrong >= 0) {
    return fail(
      'mnemonic-word-unknown',
      `word ${wrong + 1} is not in the list${hint(words[wrong])}`,
    );
  }
  const canonical = words.join(' ');
  if (!validateMnemonic(canonical, wordlist)) {
    return fail('mnemonic-checksum', 'each word exists, but one of them is wrong or out of order');
  }
  return succeed(canonical);
}

/** The list's words that start with the same four letters: those identify a word in BIP-39. */
function hint(word: string | undefined): string {
  const start = word?.slice(0, 4) ?? '';
  const found = start.length < 4 ? undefined : wordlist.find((one) => one.startsWith(start));
  return found === undefined ? '' : `; perhaps "${found}"`;
}

/**
 * The 64-byte seed (PBKDF2-HMAC-SHA512, 2,048 rounds, as BIP-39). `canonical` comes from
 * `parseMnemonic` or `mnemonicFromEntropy`; `passphrase` is BIP-39's optional 25th word.
 */
export function seedFromMnemonic(canonical: string, passphrase = ''): Uint8Array {
  return mnemonicToSeedSync(canonical, passphrase);
}
