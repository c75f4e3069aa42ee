/**
 * Goal 23: mail programs in front of a folder of 100,000 mails: a real daemon in a process of its
 * own, its bridge over sockets, its store on the disk. What a command costs the daemon's main
 * thread, beside the part that cannot be saved: reading the same mails from the store, the bare
 * socket, the bare synced writes. Steers mail-programs/daemon.ts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { FOLDER } from '../../apps/client/src/messages/folder-name.ts';
import { EpochStore } from '../../apps/client/src/account/epoch-store.ts';
import { type Account, emailText, openAccount } from '../../apps/client/src/account/account.ts';
import { MessageStore } from '../../apps/client/src/messages/message-store.ts';
import { openSealedStore } from '../../apps/client/src/store/open-store.ts';
import { SmallTangle } from '../../apps/client/src/testing/small-tangle.ts';
import { startEpochs } from '../../libs/mail/src/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '../../libs/mail/src/core/identity/keys.ts';
import { bestSuite } from '../../libs/mail/src/io/crypto/native-suite.ts';
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { genesisToJson } from '../../libs/tangle/src/core/codec/genesis.ts';
import { SYSTEM_RANDOM } from '../../libs/tangle/src/io/system.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atMost, type Bench, type BenchContext, type Measurement, valueAtMost } from './bench.ts';
import { fill, type FillOptions, Language } from './mailbox.ts';
import { median } from './measure.ts';
import {
  type Answer,
  type Order,
  type Ready,
  SEED,
  STORE_KEY,
  STORE_OWNER,
} from './mail-programs/order.ts';
import { type Heard, Program, UNTIL } from './mail-programs/program.ts';

/** Fewer for a quick look: `BENCH_MAILS=10000`. */
const MAILS = Number(process.env['BENCH_MAILS'] ?? 100_000);
const QUICK_MAILS = 1_000;
const LARGE_BYTES = 25 << 20;
const SUBMISSIONS = 200;
const QUICK_SUBMISSIONS = 20;
/** Of the account that it came from. */
const OTHER_SEED = new Uint8Array(64).fill(2);
const DAEMON = new URL('./mail-programs/daemon.ts', import.meta.url);
const HEADERS = 'UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])';
const MIB = 1_048_576;
/** How often the index is asked whether it is done. */
const LOOK_MS = 500;
/** CPU of a look below which the daemon has nothing to do. */
const BUSY_MICROS = 50_000;
/** What a daemon does at its start is over by then. */
const SETTLE_MS = 5_000;

/** What one command cost the daemon. */
interface Cost {
  readonly heard: Heard;
  readonly threadMs: number;
  readonly stallMs: number;
}

class Daemon {
  readonly ready: Ready;
  readonly #child: ChildProcess;
  #last: Answer | undefined;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  static async start(path: string, tangle: SmallTangle): Promise<Daemon> {
    const { baseUrl: nodeUrl, genesis } = tangle.node;
    const start = JSON.stringify({ path, nodeUrl, genesisJson: genesisToJson(genesis) });
    const child = fork(DAEMON, [start], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const [ready] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => {
        throw new Error('the daemon ended at its start');
      }),
    ])) as [Ready];
    return new Daemon(child, ready);
  }

  async ask(order: Order): Promise<Answer & { readonly threadMs: number }> {
    const before = this.#last?.threadMicros ?? 0;
    const answered = once(this.#child, 'message');
    this.#child.send(order);
    const [answer] = (await answered) as [Answer];
    this.#last = answer;
    return { ...answer, threadMs: (answer.threadMicros - before) / 1_000 };
  }

  /** What `work` costs. */
  async cost(work: () => Promise<Heard>): Promise<Cost> {
    await this.ask({ do: 'look' });
    const heard = await work();
    const { threadMs, stallMs } = await this.ask({ do: 'look' });
    return { heard, threadMs, stallMs };
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    await this.ask({ do: 'stop' });
    await exited;
  }

  async imap(isEncrypted = false): Promise<Program> {
    const { ports, ca, user, password } = this.ready;
    const port = ports[isEncrypted ? 'imap implicit' : 'imap starttls'] ?? 0;
    const program = await Program.open(port, isEncrypted ? ca : undefined);
    await program.greeting();
    await this.command(program, `LOGIN ${user} ${password}`);
    return program;
  }

  async command(program: Program, text: string): Promise<Heard> {
    const heard = await program.ask(`t ${text}\r\n`, UNTIL.tagged);
    if (!/(?:^|\n)t OK/.test(heard.tail)) throw new Error(`${text}: ${heard.tail}`);
    return heard;
  }
}

interface Table {
  readonly rows: Measurement[];
  readonly daemon: Daemon;
  readonly rounds: number;
}

function row(
  name: string,
  unit: string,
  value: number,
  more: Partial<Measurement> = {},
): Measurement {
  return {
    name: `mail programs, ${name}`,
    unit,
    value,
    limit: null,
    ratio: null,
    goal: null,
    ...more,
  };
}

/** Runs both `rounds` times in turn, behind one round that warms up. */
async function inTurn<A, B>(
  rounds: number,
  one: () => Promise<A>,
  other: () => Promise<B>,
): Promise<{ readonly ones: A[]; readonly others: B[] }> {
  const ones: A[] = [];
  const others: B[] = [];
  for (let round = -1; round < rounds; round++) {
    const [first, second] = [await one(), await other()];
    if (round < 0) continue;
    ones.push(first);
    others.push(second);
  }
  return { ones, others };
}

const threadOf = (costs: readonly { readonly threadMs: number }[]): number =>
  median(costs.map((one) => one.threadMs));

const ratioOf = (
  costs: readonly { readonly threadMs: number }[],
  limits: readonly { readonly threadMs: number }[],
): number => median(costs.map((one, at) => one.threadMs / (limits[at]?.threadMs ?? Number.NaN)));

async function measureSelect({ rows, daemon, rounds }: Table): Promise<void> {
  const program = await daemon.imap();
  const select = (): Promise<Cost> => daemon.cost(() => daemon.command(program, 'SELECT INBOX'));
  const { ones } = await inTurn(rounds, select, async () => undefined);
  rows.push(
    row('SELECT, main thread', 'ms', threadOf(ones), { goal: valueAtMost(100) }),
    row('SELECT, by the clock', 'ms', median(ones.map(({ heard }) => heard.tookMs))),
  );
  program.close();
}

async function measureHeaders({ rows, daemon, rounds }: Table, mails: number): Promise<void> {
  const limit = () => daemon.ask({ do: 'read-all', prefix: `${FOLDER.INBOX}/` });
  for (const isEncrypted of [false, true]) {
    const program = await daemon.imap(isEncrypted);
    await daemon.command(program, 'EXAMINE INBOX');
    const sync = (): Promise<Cost> => daemon.cost(() => daemon.command(program, HEADERS));
    const { ones, others } = await inTurn(Math.min(rounds, 3), sync, limit);
    const perMail = (ms: number): number => (ms * 1_000) / mails;
    const name = isEncrypted ? 'all headers over TLS' : 'all headers';
    rows.push(
      row(name, 'us', perMail(threadOf(ones)), {
        limit: perMail(threadOf(others)),
        ratio: ratioOf(ones, others),
        goal: isEncrypted ? null : atMost(2),
      }),
      row(`${name}, longest stall`, 'ms', median(ones.map((one) => one.stallMs)), {
        goal: valueAtMost(100),
      }),
    );
    program.close();
  }
}

/** What stays in memory for a program that asks for everything and reads nothing. */
async function measureUnread({ rows, daemon }: Table): Promise<void> {
  const program = await daemon.imap();
  await daemon.command(program, 'EXAMINE INBOX');
  const before = await daemon.ask({ do: 'weigh' });
  program.pause();
  program.say(`t ${HEADERS}\r\n`);
  let [last, now] = [-1, 0];
  // Until the daemon has no more to do for it.
  for (let quiet = 0; quiet < 3; quiet = now - last < BUSY_MICROS ? quiet + 1 : 0) {
    last = now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    now = (await daemon.ask({ do: 'look' })).threadMicros;
  }
  const during = await daemon.ask({ do: 'weigh' });
  rows.push(
    row('held for one that reads nothing', 'MiB', (during.amount - before.amount) / MIB, {
      goal: valueAtMost(4),
    }),
  );
  program.close();
}

async function measureSearch({ rows, daemon, rounds }: Table, language: Language): Promise<void> {
  const program = await daemon.imap();
  await daemon.command(program, 'EXAMINE INBOX');
  let at = 1_000;
  const next = (): string => language.words[(at += 37)] ?? '';
  const search = async (): Promise<Cost> =>
    daemon.cost(() => daemon.command(program, `UID SEARCH TEXT "${next()}"`));
  const find = () => daemon.ask({ do: 'find', words: `"${next()}"` });
  const { ones, others } = await inTurn(rounds * 3, search, find);
  rows.push(
    row('SEARCH TEXT, main thread', 'ms', threadOf(ones), {
      limit: threadOf(others),
      ratio: threadOf(ones) / threadOf(others),
      goal: valueAtMost(50),
    }),
  );
  const prefix = `${FOLDER.INBOX}/`;
  const { ones: headers, others: reads } = await inTurn(
    1,
    () => daemon.cost(() => daemon.command(program, `UID SEARCH FROM "${next()}"`)),
    () => daemon.ask({ do: 'read-all', prefix }),
  );
  rows.push(
    row('SEARCH FROM, main thread', 'ms', threadOf(headers), {
      limit: threadOf(reads),
      ratio: ratioOf(headers, reads),
    }),
    row('SEARCH FROM, longest stall', 'ms', median(headers.map((one) => one.stallMs)), {
      goal: valueAtMost(100),
    }),
  );
  program.close();
}

/** A mail with one attachment. */
function largeMail(): Buffer {
  const head =
    'From: a@x\r\nSubject: large\r\nMIME-Version: 1.0\r\n' +
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhere it is\r\n--b\r\n' +
    'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const line = `${'YWJj'.repeat(18)}\r\n`;
  return Buffer.from(`${head}${line.repeat(Math.floor(LARGE_BYTES / line.length))}--b--\r\n`);
}

async function measureLarge({ rows, daemon, rounds }: Table): Promise<void> {
  const program = await daemon.imap();
  const mail = largeMail();
  await program.ask(`t APPEND Archive {${mail.length}}\r\n`, /\r\n$/);
  await program.ask(Buffer.concat([mail, Buffer.from('\r\n')]), UNTIL.tagged);
  await daemon.command(program, 'EXAMINE Archive');
  const bare = async (): Promise<Cost> => {
    const socket = await Program.open(daemon.ready.barePort);
    return daemon.cost(() => socket.hearOut(`${mail.length}\r\n`));
  };
  const fetch = (): Promise<Cost> =>
    daemon.cost(() => daemon.command(program, 'FETCH * BODY.PEEK[]'));
  const { ones, others } = await inTurn(rounds, fetch, bare);
  const read = () => daemon.ask({ do: 'read-last', prefix: `${FOLDER.Archive}/` });
  const { ones: reads } = await inTurn(rounds, read, async () => undefined);
  const both = ones.map((one, at) => {
    return one.threadMs / ((reads[at]?.threadMs ?? 0) + (others[at]?.threadMs ?? 0));
  });
  const clock = (costs: readonly Cost[]): number => median(costs.map((one) => one.heard.tookMs));
  rows.push(
    row('FETCH of 25 MiB, main thread, beside store and bare socket', 'ms', threadOf(ones), {
      limit: threadOf(reads) + threadOf(others),
      ratio: median(both),
      goal: atMost(2),
    }),
    row('FETCH of 25 MiB, by the clock, beside the bare socket', 'ms', clock(ones), {
      limit: clock(others),
      ratio: clock(ones) / clock(others),
    }),
  );
  program.close();
}

async function measureUidl({ rows, daemon, rounds }: Table): Promise<void> {
  const { ports, user, password } = daemon.ready;
  const program = await Program.open(ports['pop3 starttls'] ?? 0);
  await program.greeting();
  await program.ask(`USER ${user}\r\n`, UNTIL.line);
  const login = await daemon.cost(() => program.ask(`PASS ${password}\r\n`, UNTIL.line));
  if (!/^\+OK/m.test(login.heard.tail)) throw new Error(login.heard.tail);
  const ask = (line: string) => () => daemon.cost(() => program.ask(`${line}\r\n`, UNTIL.dot));
  const { ones, others } = await inTurn(rounds, ask('UIDL'), ask('LIST'));
  rows.push(
    row('POP3 UIDL, main thread', 'ms', threadOf(ones), { goal: valueAtMost(100) }),
    row('POP3 LIST, main thread', 'ms', threadOf(others), { goal: valueAtMost(100) }),
  );
  program.close();
}

async function measureSubmission(
  { rows, daemon }: Table,
  { count, to }: { readonly count: number; readonly to: string },
): Promise<void> {
  const { ports, user, password } = daemon.ready;
  const program = await Program.open(ports['smtp starttls'] ?? 0);
  await program.greeting();
  await program.ask('EHLO bench\r\n', UNTIL.code);
  const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
  await program.ask(`AUTH PLAIN ${plain}\r\n`, UNTIL.code);
  await daemon.ask({ do: 'forget-writes' });
  await daemon.ask({ do: 'look' });
  const started = performance.now();
  for (let at = 0; at < count; at++) {
    await program.ask(`MAIL FROM:<${user}>\r\n`, UNTIL.code);
    await program.ask(`RCPT TO:<${to}>\r\n`, UNTIL.code);
    await program.ask('DATA\r\n', UNTIL.code);
    const text = `From: ${user}\r\nTo: ${to}\r\nSubject: ${at}\r\nMessage-ID: <${at}@b>\r\n\r\n`;
    const heard = await program.ask(`${text}${'a line of it\r\n'.repeat(80)}.\r\n`, UNTIL.code);
    if (!heard.tail.startsWith('250')) throw new Error(heard.tail);
  }
  const tookMs = performance.now() - started;
  const { threadMs } = await daemon.ask({ do: 'look' });
  const bare = await daemon.ask({ do: 'write-again' });
  const perSecond = (ms: number): number => (count * 1_000) / ms;
  rows.push(
    row('SMTP submissions, durable, beside bare synced writes', 'per s', perSecond(tookMs), {
      limit: perSecond(bare.tookMs),
      ratio: bare.tookMs / tookMs,
    }),
    row('SMTP submission, main thread', 'ms', threadMs / count),
  );
  program.close();
}

/** Waits for the index, and until the daemon has nothing to do. */
async function settle(daemon: Daemon): Promise<Answer> {
  for (;;) {
    const { amount } = await daemon.ask({ do: 'find', words: 'zzzz' });
    if (amount >= 0) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return daemon.ask({ do: 'look' });
}

/** An account from which all mail came, and to which mail goes. */
function otherAccount({ node, access }: SmallTangle): Account {
  const root = bytesToHex(deriveAccountRoot(OTHER_SEED, 0));
  const network = { networkId: access.networkId, name: node.genesis.name };
  return openAccount(root, network, bestSuite());
}

async function fillStore(path: string, language: Language, options: FillOptions): Promise<void> {
  const owner = { storeKey: STORE_KEY, networkId: STORE_OWNER.networkId };
  const store = await openSealedStore(path, owner, SYSTEM_RANDOM);
  const batch = store.batch();
  const epochs = startEpochs(deriveEpochRoot(SEED, 0), Math.floor(Date.now() / 1_000));
  EpochStore.create(batch, epochs);
  await batch.write();
  await fill(store, await MessageStore.load(store), language, options);
  await store.close();
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const { quick, seed, rounds } = context;
  const count = quick ? QUICK_MAILS : MAILS;
  const random = new SeededRandom(seed);
  const language = new Language(random);
  const path = join(await context.folder(), 'store');
  const tangle = await SmallTangle.start();
  tangle.confirmAlways();
  const rows: Measurement[] = [];
  try {
    const other = otherAccount(tangle);
    await fillStore(path, language, { random, count, archiveEvery: 0, sender: other.address });
    const first = await Daemon.start(path, tangle);
    const made = await settle(first);
    rows.push(row('daemon that made its index, resident', 'MiB', made.residentBytes / MIB));
    await first.stop();
    const daemon = await Daemon.start(path, tangle);
    const table = { rows, daemon, rounds };
    const { residentBytes } = await settle(daemon);
    rows.push(row('idle daemon, resident', 'MiB', residentBytes / MIB));
    await measureSelect(table);
    await measureUidl(table);
    await measureHeaders(table, count);
    await measureUnread(table);
    await measureSearch(table, language);
    await measureLarge(table);
    const submissions = quick ? QUICK_SUBMISSIONS : SUBMISSIONS;
    await measureSubmission(table, { count: submissions, to: emailText(other) });
    await daemon.stop();
  } finally {
    await tangle.stop();
  }
  return rows;
}

export const mailPrograms: Bench = { name: 'mail-programs', goal: 23, run };
