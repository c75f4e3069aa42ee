/**
 * Goal 21: a parcel of 25 MiB. Sealing and opening it against the AEAD and the hashes alone that it
 * takes; sending its parts through a provider's intake (body, digest, root, debit, log, receipt and
 * a synced store on disk) against the same bytes through the same socket into nothing.
 */
import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parcelLayout } from '../../libs/mail/src/core/parcel/layout.ts';
import { openPart, sealParcel } from '../../libs/mail/src/core/parcel/seal.ts';
import { segmentRoot } from '../../libs/mail/src/core/market/segment-tree.ts';
import { bestSuite } from '../../libs/mail/src/io/crypto/native-suite.ts';
import { bytesToHex } from '../../libs/tangle/src/core/codec/ids.ts';
import { keyPair } from '../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { openKvStore } from '../../libs/tangle/src/io/level/kv-store.ts';
import { mailboxIdOf } from '../../libs/mail/src/core/market/signed-requests.ts';
import { newMailbox } from '../../libs/mail/src/core/market/mailbox.ts';
import { LedgerClock } from '../../apps/storage-provider/src/ledger-clock.ts';
import { PartDesk } from '../../apps/storage-provider/src/parts/part-desk.ts';
import { readPartBody } from '../../apps/storage-provider/src/parts/part-body.ts';
import { ReceiptDesk } from '../../apps/storage-provider/src/receipts/receipt-desk.ts';
import { GroupStore } from '../../apps/storage-provider/src/store/group-store.ts';
import { writeMailbox, writeWatchers } from '../../apps/storage-provider/src/store/rows.ts';
import { idKey } from '../../apps/storage-provider/src/store/buckets.ts';
import { FakeNode } from '../../apps/storage-provider/src/testing/fake-node.ts';
import { MemoryKv } from '../../apps/storage-provider/src/testing/memory-kv.ts';
import { POLICY, testProvider } from '../../apps/storage-provider/src/testing/world.ts';
import { atMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { type Comparison, compare, interleave, perSecond } from './measure.ts';

const SIZE = 26_214_400;
const QUICK_SIZE = 2_097_152;
const MIB = 1_048_576;
const PART_TIMEOUT_MS = 30_000;
const OWNER = keyPair(30);

const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

interface Part {
  readonly root: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Uint8Array;
}

/** The desks of a provider over a store on disk, with one rich mailbox. */
class Intake {
  readonly #store: GroupStore;
  readonly #desk: PartDesk;
  readonly #receipts: ReceiptDesk;

  private constructor(store: GroupStore, desk: PartDesk, receipts: ReceiptDesk) {
    this.#store = store;
    this.#desk = desk;
    this.#receipts = receipts;
  }

  static async open(folder: string): Promise<Intake> {
    const node = new FakeNode();
    const { terms } = testProvider(node, new MemoryKv());
    const kv = await openKvStore(folder, {
      kind: 'provider',
      networkId: terms.networkId,
      schema: 1,
    });
    const store = new GroupStore(kv, (error) => {
      throw error;
    });
    const clock = new LedgerClock({ nowMs: () => node.nowMs }, terms.times);
    clock.advance({ index: 0, milestoneId: '00'.repeat(32), timestampMs: node.nowMs });
    const mailboxId = mailboxIdOf(OWNER.publicKey);
    const policy = { ...POLICY, maxDebitPerDay: 1n << 60n };
    const mailbox = newMailbox(mailboxId, OWNER.publicKey, policy, clock.time);
    await store.transact((transaction) =>
      writeMailbox(transaction, { ...mailbox, balance: 1n << 61n }),
    );
    const room = { minFreeBytes: 0, freeBytes: async () => Number.MAX_SAFE_INTEGER };
    const desk = new PartDesk(store, terms, clock, room);
    return new Intake(store, desk, new ReceiptDesk(store, terms, clock));
  }

  async announce(tag: string, parts: readonly Part[]): Promise<void> {
    const mailboxId = mailboxIdOf(OWNER.publicKey);
    await this.#store.transact((transaction) => {
      writeWatchers(transaction, tag, [mailboxId]);
      transaction.put(idKey('mailboxTag', mailboxId, tag), new Uint8Array(0));
    });
    await this.#desk.announce(
      tag,
      parts.map(({ root, bytes }) => ({ root, size: bytes.length })),
    );
  }

  async take(tag: string, part: Part, request: IncomingMessage): Promise<number> {
    const size = part.bytes.length;
    const expected = { size, sha256: part.digest, timeoutMs: PART_TIMEOUT_MS };
    const bytes = await readPartBody(request, expected);
    if (bytesToHex(segmentRoot(bytes, sha256)) !== part.root) throw new Error('another root');
    await this.#desk.store(tag, part.root, bytes);
    return (await this.#receipts.issue(part.root)).until;
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

type Taker = (request: IncomingMessage, index: number) => Promise<unknown>;

async function listen(take: Taker): Promise<Server> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await take(request, Number(request.url?.slice(1)));
    response.end('taken');
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

async function drain(request: IncomingMessage): Promise<void> {
  request.resume();
  await once(request, 'end');
}

async function send(server: Server, parts: readonly Part[]): Promise<number> {
  const { port } = server.address() as AddressInfo;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const url = `http://127.0.0.1:${port}/${index}`;
    const response = await fetch(url, { method: 'PUT', body: part.bytes });
    if ((await response.text()) !== 'taken') throw new Error('a part was not taken');
    bytes += part.bytes.length;
  }
  return bytes / MIB;
}

function row(name: string, compared: Comparison, bound: number): Measurement {
  const { value, limit, costRatio: ratio } = compared;
  const unit = 'MiB/s';
  return {
    name,
    value: perSecond(value),
    limit: perSecond(limit),
    unit,
    ratio,
    goal: atMost(bound),
  };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const suite = bestSuite();
  const content = new Uint8Array(randomBytes(context.quick ? QUICK_SIZE : SIZE));
  const sealed = sealParcel(content, new Uint8Array(32).fill(1), suite, sha256);
  if (!sealed.ok) throw new Error(sealed.code);
  const { manifest, parts: bare } = sealed.value;
  const { sealedSize } = parcelLayout(content.length);
  const [contentMib, sealedMib] = [content.length / MIB, sealedSize / MIB];
  const key = new Uint8Array(32);
  const nonce = new Uint8Array(12);
  const none = new Uint8Array(0);
  const aead = (bytes: Uint8Array): Uint8Array =>
    suite.chacha20poly1305Seal(key, nonce, bytes.subarray(0, bytes.length - 16), none);
  const parts = bare.map((bytes, index): Part => ({
    root: bytesToHex(manifest.roots[index] ?? none),
    bytes: new Uint8Array(bytes),
    digest: sha256(bytes),
  }));
  const intake = await Intake.open(await context.folder());
  let tag = '';
  const server = await listen((request, index) => {
    const part = parts[index];
    return part ? intake.take(tag, part, request) : drain(request);
  });
  const socket = await listen(drain);
  let round = 0;
  const costs = await interleave(context.rounds, {
    seal: {
      run: () => {
        if (!sealParcel(content, key, suite, sha256).ok) throw new Error('not sealed');
        return contentMib;
      },
    },
    open: {
      run: () => {
        const isOpen = (bytes: Uint8Array, at: number): boolean =>
          openPart(manifest, at, bytes, suite, sha256).ok;
        if (!bare.every(isOpen)) throw new Error('not opened');
        return contentMib;
      },
    },
    // What no parcel can save: the AEAD, and the hash over every byte of the parts.
    primitives: {
      run: () => {
        for (const bytes of bare) sha256(aead(bytes));
        return contentMib;
      },
    },
    upload: {
      prepare: async () => {
        round += 1;
        tag = round.toString(16).padStart(32, '0');
        // The same roots would be there already: every round has bytes of its own.
        for (const [at, part] of parts.entries()) {
          part.bytes[0] = round;
          const root = bytesToHex(segmentRoot(part.bytes, sha256));
          parts[at] = { ...part, root, digest: sha256(part.bytes) };
        }
        await intake.announce(tag, parts);
      },
      run: () => send(server, parts),
    },
    socket: { run: () => send(socket, parts) },
  });
  server.close();
  socket.close();
  await intake.close();
  const size = `${sealedMib.toFixed(0)} MiB`;
  return [
    row('parcel, seal', compare(costs.seal, costs.primitives, 'process'), 4),
    row('parcel, open', compare(costs.open, costs.primitives, 'process'), 4),
    row(`parcel, upload of ${size}`, compare(costs.upload, costs.socket, 'process'), 6),
  ];
}

export const parcel: Bench = { name: 'parcel', goal: 21, run };
