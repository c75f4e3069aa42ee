/**
 * An account that comes back from its words alone after months in which none of its devices ran:
 * which epochs it keeps, and which letters it opens.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  DEFAULT_LEASE_SECONDS,
  EPOCH_SECONDS,
  epochOf,
  PUBLISHED_EPOCHS,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../client.ts';
import { configOf } from '../config/schema.ts';
import { openKeystore } from '../keystore/keystore.ts';
import { rentals } from '../store/collections.ts';
import { openSealedStore } from '../store/open-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { SmallTangle, until } from '../testing/small-tangle.ts';
import { openWholeClient } from '../testing/whole-client.ts';
import { createAccount, restoreAccount } from './create.ts';
import { dataFolder } from './data-folder.ts';
import { EpochStore } from './epoch-store.ts';

const DAY_MS = 86_400_000;
const SILENCE_MS = 150 * DAY_MS;
const TEST_MS = 60_000;

let tangle: SmallTangle;
let parent: string;
let words: string;
let warned: string[];
const running: Client[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tanglemail-words-'));
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
  warned = [];
  const deps = { clock: tangle.access.clock, random: tangle.access.random };
  await createAccount(optionsOf('first'), deps, async (_facts, shown) => {
    words = shown;
  });
});

afterEach(async () => {
  for (const client of running.splice(0)) await client.stop();
  await tangle.stop();
  await rm(parent, { recursive: true, force: true });
});

function optionsOf(name: string) {
  const { genesis, baseUrl: nodeUrl } = tangle.node;
  return { dataDir: join(parent, name), genesis, nodeUrl, passphrase: 'p', accountIndex: 0 };
}

/** The words typed in on an empty machine. */
async function restore(name: string): Promise<void> {
  const { clock, random } = tangle.access;
  await restoreAccount(words, optionsOf(name), { clock, random });
}

async function openStore(name: string): Promise<SealedStore> {
  const folder = dataFolder(join(parent, name));
  const { storeKey } = await openKeystore(folder.keystore, 'p');
  const networkId = networkIdOf(tangle.node.genesis, nobleHasher);
  return await openSealedStore(folder.store, { storeKey, networkId }, tangle.access.random);
}

/** The daemon of a folder, until its descriptor is out. */
async function start(name: string): Promise<{ client: Client; store: SealedStore }> {
  const { genesis, baseUrl } = tangle.node;
  const secrets = await openKeystore(dataFolder(join(parent, name)).keystore, 'p');
  const store = await openStore(name);
  const config = configOf({
    node: { url: baseUrl },
    mailFromNode: true,
    pollIntervalMs: 250,
    address: { stampBits: 4 },
  });
  const { clock, random } = tangle.access;
  const warn = (_fields: object, text: string): void => void warned.push(text);
  const logger: Logger = { ...SILENT_LOGGER, warn };
  const client = await Client.open({ config, secrets, genesis, store }, { logger, clock, random });
  running.push(client);
  client.start();
  await published(client);
  return { client, store };
}

async function published({ service }: Client): Promise<void> {
  await until(async () => (await service.status()).descriptor.state === 'confirmed');
}

async function stop(client: Client): Promise<void> {
  running.splice(running.indexOf(client), 1);
  await client.stop();
}

const oldestKept = (store: SealedStore): number | undefined =>
  EpochStore.load(store).state.lines.at(-1)?.epoch;
const present = (): number => epochOf(tangle.access.clock.nowMs() / 1_000);

/** Somebody writes to the address; gives the envelope once it is in the tangle. */
async function letterTo(address: string): Promise<Uint8Array> {
  const before = new Set(tangle.node.referencedBy.keys());
  const { genesis, baseUrl: nodeUrl } = tangle.node;
  const bob = await openWholeClient(
    { seedByte: 2, disk: new Map(), nodeUrl, genesis },
    tangle.access,
  );
  running.push(bob);
  bob.start();
  await published(bob);
  await bob.service.sendMessage({ to: [address], subject: 'are you there', text: 'Hm.' });
  await until(async () => (await bob.service.outbox({ limit: 1 }))[0]?.state === 'confirmed');
  const [sent] = await bob.service.outbox({ limit: 1 });
  // There is no bundle for the present any more.
  expect(sent).toMatchObject({ isReducedSecrecy: true });
  const [envelope] = tangle.confirmedEnvelopes(before);
  if (envelope === undefined) throw new Error('the letter is in no milestone');
  return envelope;
}

/** It comes again, as it would from a provider that has kept it. */
async function comesAgain(bytes: Uint8Array): Promise<void> {
  const { issuer } = tangle.access;
  await issuer.awaitConfirmation(await issuer.issue({ kind: 'envelope', bytes }));
}

async function subjects({ service }: Client): Promise<string[]> {
  return (await service.messages({ folder: 'Requests', limit: 9 })).map((one) => one.subject);
}

describe('after months of silence', () => {
  it(
    'opens what was sealed to the last epoch of the old descriptor, and keeps no older one',
    async () => {
      const last = present() + PUBLISHED_EPOCHS - 1;
      const first = await start('first');
      const { address } = await first.client.service.address();
      await stop(first.client);
      tangle.pass(SILENCE_MS);
      const envelope = await letterTo(address);
      await restore('again');
      const again = await start('again');
      await until(async () => oldestKept(again.store) === last);
      await comesAgain(envelope);
      await until(async () => (await subjects(again.client)).length === 1);
      expect(await subjects(again.client)).toEqual(['are you there']);
      expect(warned).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'says that what was sealed to fresh randomness is lost without a backup',
    async () => {
      const first = await start('first');
      await first.client.services.devices?.rotate();
      await until(async () => first.client.service.status().then(isSecond));
      await stop(first.client);
      tangle.pass(SILENCE_MS);
      await restore('again');
      await start('again');
      expect(warned).toEqual([expect.stringContaining('open from a backup only')]);
    },
    TEST_MS,
  );
});

function isSecond({ descriptor }: { descriptor: { sequence: string; state: string } }): boolean {
  return descriptor.sequence === '2' && descriptor.state === 'confirmed';
}

it(
  'keeps epochs for a mailbox that it still looks for, a lease longer than otherwise',
  async () => {
    await restore('again');
    const store = await openStore('again');
    const endpoint = 'http://127.0.0.1:1';
    await store
      .batch()
      .put(rentals, store.opaque(BOND), { ...LOOKED_FOR, endpoint })
      .write();
    const begun = oldestKept(store);
    await store.close();
    const seconds = tangle.access.clock.nowMs() / 1_000;
    const again = await start('again');
    await until(async () => oldestKept(again.store) !== begun);
    const kept = epochOf(seconds - 2 * DEFAULT_LEASE_SECONDS - EPOCH_SECONDS);
    expect([kept, kept + 1]).toContain(oldestKept(again.store));
  },
  TEST_MS,
);

const BOND = '05'.repeat(32);
/** What the recall writes down of a provider that the descriptor names, before it answers. */
const LOOKED_FOR = {
  bondId: BOND,
  mailboxId: '06'.repeat(32),
  mailboxIndex: 0,
  retentionDays: 30,
  balance: '0',
  credited: '0',
  log: { length: 0, hash: '00'.repeat(32) },
  registered: {},
  hasBucket: false,
  storedObjects: 0,
  lastSyncAt: 0,
  pending: [],
  channels: [],
  isActive: false,
  isEnded: false,
  isRecovering: true,
};
