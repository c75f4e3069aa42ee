/**
 * A mailbox as a person has one: mails whose words follow Zipf's law over 60,000 words, some 130
 * words a mail. For the benches of search and of mail programs.
 */
import { FOLDER } from '../../apps/client/src/messages/folder-name.ts';
import type { MessageStore } from '../../apps/client/src/messages/message-store.ts';
import {
  orderedKey,
  type SealedBatch,
  type SealedStore,
} from '../../apps/client/src/store/sealed-store.ts';
import type { MailAddress } from '../../libs/mail/src/core/identity/address.ts';
import type { SeededRandom } from '../fuzz/random-objects.ts';

const WORDS = 60_000;
export const PEOPLE = 2_000;
/** Mails of one write. */
const AT_ONCE = 1_000;
const SYLLABLES =
  'ba ce di fo gu han jer kil mon nup pra ques ril sto tan ur vel wix yor zen'.split(' ');

/** Words as frequent as those of a language: the n-th is drawn in proportion to 1/n. */
export class Language {
  readonly words: readonly string[];
  readonly #random: SeededRandom;
  readonly #sums: Float64Array;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.words = Array.from({ length: WORDS }, (_, at) => spell(at + 400));
    this.#sums = new Float64Array(WORDS);
    let sum = 0;
    for (let at = 0; at < WORDS; at++) this.#sums[at] = sum += 1 / (at + 2.7);
  }

  word(): string {
    const aim = (this.#random.between(0, 2 ** 30 - 1) / 2 ** 30) * (this.#sums[WORDS - 1] ?? 1);
    let [low, high] = [0, WORDS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) < aim) low = middle + 1;
      else high = middle;
    }
    return this.words[low] ?? '';
  }

  text(count: number): string {
    return Array.from({ length: count }, () => this.word()).join(' ');
  }
}

function spell(number: number): string {
  let word = '';
  for (let rest = number; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
  }
  return word;
}

function mailOf(language: Language, random: SeededRandom, at: number): Uint8Array {
  const person = (): string => language.words[random.between(0, PEOPLE - 1)] ?? '';
  const length = 20 + Math.floor(random.between(0, 19_999) ** 2 / 1_800_000);
  const answer = at % 4 !== 0 && random.chance(2) ? `In-Reply-To: <${at - (at % 4)}@x>\r\n` : '';
  const head =
    `From: ${person()} <${person()}@example.org>\r\nTo: ${person()}@example.org\r\n` +
    `Message-ID: <${at}@x>\r\n${answer}Subject: ${language.text(4)}\r\n\r\n`;
  return Buffer.from(`${head}${language.text(length)}\r\n`);
}

export interface FillOptions {
  readonly random: SeededRandom;
  readonly count: number;
  /** Every n-th mail goes to Archive; none does when it is 0. */
  readonly archiveEvery: number;
  /** Whose seal all of them came under; else they are own copies. */
  readonly sender?: MailAddress;
}

export async function fill(
  store: SealedStore,
  messages: MessageStore,
  language: Language,
  options: FillOptions,
): Promise<void> {
  const { random, count, sender, archiveEvery } = options;
  for (let start = 0; start < count; start += AT_ONCE) {
    const batch: SealedBatch = store.batch();
    let apply = (): void => {};
    for (let at = start; at < Math.min(count, start + AT_ONCE); at++) {
      const raw = mailOf(language, random, at);
      const fromName = language.words[random.between(0, PEOPLE - 1)] ?? '';
      ({ apply } = messages.deliver(batch, {
        folder: at % archiveEvery === 0 ? FOLDER.Archive : FOLDER.INBOX,
        raw,
        messageKey: `bench:${orderedKey(at)}`,
        receivedAtMs: 1_700_000_000_000 + at * 300_000,
        flags: at % 9 === 0 ? [] : ['\\Seen'],
        ...(sender === undefined ? {} : { sender }),
        isRegistered: false,
        hasAttachments: at % 10 === 0,
        fromName,
        to: `${fromName}@example.org`,
        subject: language.text(4),
        messageId: `<${at}@x>`,
      }));
    }
    await batch.write();
    apply();
  }
}
