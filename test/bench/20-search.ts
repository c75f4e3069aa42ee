/**
 * Goal 20: a mailbox of 100,000 mails: making the index, a mix of queries as people type them,
 * saving and opening the sealed index, and reading the lists at the start. The mails' words follow
 * Zipf's law over 60,000 words, some 130 words a mail. Absolute goals: a person waits.
 */
import { orderedKey, type SealedBatch } from '../../apps/client/src/store/sealed-store.ts';
import { IndexKeeper } from '../../apps/client/src/search/index-keeper.ts';
import { MailSearch } from '../../apps/client/src/search/mail-search.ts';
import { Conversations } from '../../apps/client/src/messages/conversations.ts';
import { FOLDER } from '../../apps/client/src/messages/folder-name.ts';
import { MessageStore } from '../../apps/client/src/messages/message-store.ts';
import { openSealedStore } from '../../apps/client/src/store/open-store.ts';
import type { SealedStore } from '../../apps/client/src/store/sealed-store.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { type Bench, type BenchContext, type Measurement, valueAtMost } from './bench.ts';
import { collect } from './memory.ts';

const MAILS = 100_000;
const QUICK_MAILS = 2_000;
const WORDS = 60_000;
const PEOPLE = 2_000;
/** Mails of one write. */
const AT_ONCE = 1_000;
const QUERIES = 400;
const PAGE = 50;
const SYLLABLES =
  'ba ce di fo gu han jer kil mon nup pra ques ril sto tan ur vel wix yor zen'.split(' ');

/** Words as frequent as those of a language: the n-th is drawn in proportion to 1/n. */
class Language {
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
  const answer =
    at > 3 && random.chance(2) ? `In-Reply-To: <${at - 1 - random.between(0, 2)}@x>\r\n` : '';
  const head =
    `From: ${person()} <${person()}@example.org>\r\nTo: ${person()}@example.org\r\n` +
    `Message-ID: <${at}@x>\r\n${answer}Subject: ${language.text(4)}\r\n\r\n`;
  return Buffer.from(`${head}${language.text(length)}\r\n`);
}

async function fill(
  store: SealedStore,
  messages: MessageStore,
  language: Language,
  { random, count }: { random: SeededRandom; count: number },
): Promise<void> {
  for (let start = 0; start < count; start += AT_ONCE) {
    const batch: SealedBatch = store.batch();
    let apply = (): void => {};
    for (let at = start; at < Math.min(count, start + AT_ONCE); at++) {
      const raw = mailOf(language, random, at);
      const fromName = language.words[random.between(0, PEOPLE - 1)] ?? '';
      ({ apply } = messages.deliver(batch, {
        folder: at % 5 === 0 ? FOLDER.Archive : FOLDER.INBOX,
        raw,
        messageKey: `bench:${orderedKey(at)}`,
        receivedAtMs: 1_700_000_000_000 + at * 300_000,
        flags: at % 9 === 0 ? [] : ['\\Seen'],
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

/** What people type: mostly one or two words, often unfinished, now and then with conditions. */
function queriesOf(language: Language, random: SeededRandom): string[] {
  const rare = (): string => language.words[random.between(0, 19_999)] ?? '';
  const kinds: readonly (() => string)[] = [
    () => rare(),
    () => rare().slice(0, 4),
    () => `${rare()} ${language.word()}`,
    () => `subject:${rare()}`,
    () => `from:${language.words[random.between(0, PEOPLE - 1)]} ${language.word()}`,
    () => `${language.word()} has:attachment in:Archive`,
    () => `${rare()} after:2024-01-01 is:unread`,
    () => `${rare()}~`,
    () => `${rare().slice(0, -2)}qz`,
    () => `is:unread in:INBOX -${language.word()}`,
  ];
  return Array.from({ length: QUERIES }, (_, at) => (kinds[at % kinds.length] ?? rare)());
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function row(name: string, value: number, unit: string, bound?: number): Measurement {
  const goal = bound === undefined ? null : valueAtMost(bound);
  return { name, value, unit, limit: null, ratio: null, goal };
}

const rssMiB = (): number => {
  collect();
  return process.memoryUsage().rss / 1_048_576;
};

async function run(context: BenchContext): Promise<Measurement[]> {
  const { quick, seed } = context;
  const count = quick ? QUICK_MAILS : MAILS;
  const random = new SeededRandom(seed);
  const language = new Language(random);
  const owner = { storeKey: '07'.repeat(32), networkId: 7n };
  const chance = {
    bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    below: (bound: number) => random.between(0, bound - 1),
  };
  const path = await context.folder();
  const open = (): Promise<SealedStore> => openSealedStore(path, owner, chance);
  const first = await open();
  await fill(first, await MessageStore.load(first), language, { random, count });
  await first.close();
  const store = await open();
  const before = rssMiB();
  const loaded = await timed(() => MessageStore.load(store));
  const messages = loaded.result;
  const lists = rssMiB() - before;
  const deps = { store, messages, senderOf: () => 'tm1sender', logger: SILENT_LOGGER };
  const made = await timed(async () => {
    const keeper = await IndexKeeper.load(deps);
    await keeper.catchUp();
    return keeper;
  });
  const saved = await timed(() => made.result.stop());
  const opened = await timed(() => IndexKeeper.load(deps));
  const keeper = opened.result;
  const search = new MailSearch({ messages, keeper });
  const times: number[] = [];
  for (const query of queriesOf(language, random)) {
    times.push((await timed(() => search.search(query, PAGE))).ms);
  }
  times.sort((a, b) => a - b);
  const indexMiB = keeper.index.sizeBytes / 1_048_576;
  const conversations = new Conversations(messages);
  const threads = await timed(async () => conversations.list(PAGE));
  const again = await timed(async () => conversations.list(PAGE, FOLDER.INBOX));
  const folders = await timed(async () => {
    for (let at = 0; at < 1_000; at++)
      messages.list(FOLDER.INBOX, PAGE, messages.folders().length + at);
  });
  await keeper.stop();
  await store.close();
  return [
    row('search, median query', quantile(times, 0.5), 'ms', 50),
    row('search, 99 of 100 queries', quantile(times, 0.99), 'ms'),
    row('search, index one mail', made.ms / count, 'ms'),
    row('search, index in memory', indexMiB, 'MiB'),
    row('search, save the whole index', saved.ms, 'ms'),
    row('search, open the saved index', opened.ms, 'ms'),
    row('mailbox, read the lists at the start', loaded.ms, 'ms'),
    row('mailbox, lists in memory', lists, 'MiB'),
    row('mailbox, folders and one page', folders.ms, 'us'),
    row('mailbox, conversations, first look', threads.ms, 'ms'),
    row('mailbox, conversations, next look', again.ms, 'ms'),
  ];
}

export const search: Bench = { name: 'search', goal: 20, run };
