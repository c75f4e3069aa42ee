/**
 * Goal 20: a mailbox of 100,000 mails: making the index, a mix of queries as people type them,
 * saving and opening the sealed index, and reading the lists at the start. Absolute goals: a person
 * waits.
 */
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
import { fill, Language, PEOPLE } from './mailbox.ts';
import { liveBytes } from './memory.ts';

const MAILS = 100_000;
const QUICK_MAILS = 2_000;
const QUERIES = 400;
const PAGE = 50;

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

/** Time of this thread: a shared machine's other work is none of a mailbox's. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = process.threadCpuUsage();
  const result = await work();
  const { user, system } = process.threadCpuUsage(start);
  return { result, ms: (user + system) / 1_000 };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function row(name: string, value: number, unit: string, bound?: number): Measurement {
  const goal = bound === undefined ? null : valueAtMost(bound);
  return { name, value, unit, limit: null, ratio: null, goal };
}

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
  await fill(first, await MessageStore.load(first), language, { random, count, archiveEvery: 5 });
  await first.close();
  const store = await open();
  const before = liveBytes();
  const loaded = await timed(() => MessageStore.load(store));
  const messages = loaded.result;
  const lists = (liveBytes() - before) / 1_048_576;
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
