/**
 * The daemon of the benchmark of mail programs, in a process of its own: a whole client with its
 * bridge over the store that 23-mail-programs.ts filled. It says what its work cost, and does the
 * same work without a mail program around it. Steered over the process channel.
 */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Bridge } from '../../../apps/client/src/bridge/bridge.ts';
import { Client } from '../../../apps/client/src/client.ts';
import { configOf } from '../../../apps/client/src/config/schema.ts';
import { messageEntries, rawMessageKey } from '../../../apps/client/src/store/collections.ts';
import { bestStoreCrypto } from '../../../apps/client/src/store/native-store-crypto.ts';
import { type KeyValueStore, SealedStore } from '../../../apps/client/src/store/sealed-store.ts';
import { deriveAccountRoot } from '../../../libs/mail/src/core/identity/keys.ts';
import { parseGenesisJson } from '../../../libs/tangle/src/core/codec/genesis.ts';
import { bytesToHex, hexToBytes } from '../../../libs/tangle/src/core/codec/ids.ts';
import { type KvStore, openKvStore } from '../../../libs/tangle/src/io/level/kv-store.ts';
import { SILENT_LOGGER } from '../../../libs/tangle/src/io/logger.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '../../../libs/tangle/src/io/system.ts';
import { liveBytes } from '../memory.ts';
import {
  type Answer,
  type DaemonStart,
  type Order,
  type Ready,
  SEED,
  STORE_KEY,
  STORE_OWNER,
} from './order.ts';

/** More mails than a search finds here. */
const MAX_FOUND = 200_000;

type Write = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** The store, and every batch that is written to it. */
function recording(kv: KvStore, written: Write[][]): KeyValueStore {
  return {
    getSync: (key) => kv.getSync(key),
    iterate: (range) => kv.iterate(range),
    close: () => kv.close(),
    batch: () => {
      const batch = kv.batch();
      const writes: Write[] = [];
      return {
        put: (key, value) => {
          writes.push([key, value]);
          batch.put(key, value);
        },
        del: (key) => {
          writes.push([key, undefined]);
          batch.del(key);
        },
        write: (options) => {
          written.push(writes);
          return batch.write(options);
        },
      };
    },
  };
}

async function writeAgain(kv: KvStore, batches: readonly Write[][]): Promise<number> {
  let bytes = 0;
  for (const writes of batches) {
    const batch = kv.batch();
    for (const [key, value] of writes) {
      bytes += key.length + (value?.length ?? 0);
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: true });
  }
  return bytes;
}

async function bareServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.once('data', (line) => {
      socket.end(Buffer.alloc(Number(line.toString('latin1')), 'a'));
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The folder's mails, straight from the store. */
class Shelf {
  readonly #store: SealedStore;
  /** Ids of bytes, by what was asked: to find them is no part of reading them. */
  readonly #ids = new Map<string, readonly string[]>();

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** How many bytes they are. */
  async readAll(prefix: string, isLast: boolean): Promise<number> {
    const name = `${prefix} ${isLast}`;
    const ids = this.#ids.get(name) ?? (await this.#find(prefix, isLast));
    this.#ids.set(name, ids);
    let bytes = 0;
    for (const id of ids) {
      bytes += this.#store.getBytes('messageRaw', rawMessageKey(this.#store, id))?.length ?? 0;
    }
    return bytes;
  }

  async #find(prefix: string, isLast: boolean): Promise<string[]> {
    const options = isLast ? { prefix, reverse: true, limit: 1 } : { prefix };
    const all = await Array.fromAsync(this.#store.scan(messageEntries, options));
    return all.map(({ value }) => value.emailId);
  }
}

async function openClient(start: DaemonStart, store: SealedStore): Promise<Client> {
  const genesis = parseGenesisJson(start.genesisJson);
  if (!genesis.ok) throw new Error(genesis.code);
  const bridge = {
    imapPort: 0,
    imapsPort: 0,
    smtpPort: 0,
    smtpsPort: 0,
    pop3Port: 0,
    pop3sPort: 0,
  };
  return await Client.open(
    {
      config: configOf({ node: { url: start.nodeUrl }, mailFromNode: true, bridge }),
      secrets: {
        accountRoot: bytesToHex(deriveAccountRoot(SEED, 0)),
        accountIndex: 0,
        storeKey: STORE_KEY,
        createdAt: Math.floor(Date.now() / 1_000),
      },
      genesis: genesis.value,
      store,
    },
    { logger: SILENT_LOGGER, clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM },
  );
}

/** What the daemon and its limits work with. */
interface Built {
  readonly client: Client;
  readonly bridge: Bridge;
  readonly shelf: Shelf;
  readonly written: Write[][];
  readonly bareKv: KvStore;
}

async function carryOut(built: Built, order: Order): Promise<number> {
  const { client, bridge, shelf, written, bareKv } = built;
  switch (order.do) {
    case 'look':
      return 0;
    case 'weigh':
      return liveBytes();
    case 'read-all':
      return await shelf.readAll(order.prefix, false);
    case 'read-last':
      return await shelf.readAll(order.prefix, true);
    case 'find': {
      const found = await client.services.mailbox?.search(order.words, MAX_FOUND);
      return found === undefined || found.pending > 0 ? -1 : found.messages.length;
    }
    case 'forget-writes':
      return written.splice(0).length;
    case 'write-again':
      return await writeAgain(bareKv, [...written]);
    default:
      await bridge.close();
      await client.stop();
      await bareKv.close();
      return 0;
  }
}

/** Answers orders, one at a time, with what each cost. */
function obey(built: Built): void {
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  const answer = async (order: Order): Promise<void> => {
    const started = performance.now();
    const amount = await carryOut(built, order);
    const thread = process.threadCpuUsage();
    const told: Answer = {
      threadMicros: thread.user + thread.system,
      residentBytes: process.memoryUsage.rss(),
      stallMs: delay.max / 1e6,
      amount,
      tookMs: performance.now() - started,
    };
    delay.reset();
    process.send?.(told);
    if (order.do === 'stop') process.disconnect();
  };
  process.on('message', (order: Order) => void answer(order));
}

async function run(start: DaemonStart): Promise<Ready> {
  const written: Write[][] = [];
  const kv = await openKvStore(start.path, STORE_OWNER);
  const bareKv = await openKvStore(join(start.path, '..', 'bare'), STORE_OWNER);
  const store = new SealedStore(
    { storeKey: hexToBytes(STORE_KEY) },
    {
      store: recording(kv, written),
      crypto: await bestStoreCrypto(),
      randomBytes: (length) => SYSTEM_RANDOM.bytes(length),
    },
  );
  const client = await openClient(start, store);
  client.start();
  const bridge = await client.openBridge();
  const { password } = await bridge.addPassword('a program');
  const { user, certPem, doors } = bridge.bridge();
  const ports = doors.map(({ protocol, tls, port }) => [`${protocol} ${tls}`, port]);
  obey({ client, bridge, shelf: new Shelf(store), written, bareKv });
  const barePort = await bareServer();
  return { user, password, ca: certPem, ports: Object.fromEntries(ports), barePort };
}

// Whoever steers it is gone.
process.on('disconnect', () => process.exit());
process.send?.(await run(JSON.parse(process.argv[2] ?? '') as DaemonStart));
