/** Backups of real stores on a real disk: whole, sealed, and never a step back. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_LEASE_SECONDS } from '@tanglemail/mail/core/identity/epoch.ts';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { testGenesis } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccount, seedOfWords } from '../account/create.ts';
import { dataFolder } from '../account/data-folder.ts';
import { EpochStore } from '../account/epoch-store.ts';
import { API_PREFIX } from '../api/dto.ts';
import { createApi } from '../api/create-api.ts';
import { ClientError } from '../client-error.ts';
import { configOf } from '../config/schema.ts';
import { openKeystore } from '../keystore/keystore.ts';
import { counters, rawMessageKey } from '../store/collections.ts';
import { folders } from '../store/mailbox-collections.ts';
import { openSealedStore } from '../store/open-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { NOW_MS, person, tangleWithoutNode } from '../testing/people.ts';
import { BackupKeeper } from './backup-keeper.ts';
import { BackupReader } from './backup-reader.ts';
import { backupRecords } from './backup-source.ts';
import type { BackupManifest } from './manifest.ts';
import { restoreBackup, restoreValues } from './restore.ts';

const genesis = { ...testGenesis(1), name: 'dev-spec' };
const networkId = networkIdOf(genesis, nobleHasher);
const PASSPHRASE = 'a passphrase of its own';

let parent: string;
let words = '';
let store: SealedStore;
let keeper: BackupKeeper;
let nowMs: number;
let boxes: Uint8Array[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tanglemail-backup-'));
  nowMs = SYSTEM_CLOCK.nowMs();
  boxes = [];
  const dataDir = join(parent, 'first');
  const options = {
    dataDir,
    genesis,
    nodeUrl: 'http://127.0.0.1:1',
    passphrase: 'p',
    accountIndex: 3,
  };
  const deps = { random: SYSTEM_RANDOM, clock: SYSTEM_CLOCK };
  await createAccount(options, deps, async (_facts, shown) => {
    words = shown;
  });
  const folder = dataFolder(dataDir);
  const secrets = await openKeystore(folder.keystore, 'p');
  store = await openSealedStore(folder.store, { ...secrets, networkId }, SYSTEM_RANDOM);
  const config = configOf({
    node: { url: 'http://127.0.0.1:14265' },
    backup: { folder: join(parent, 'auto'), everyHours: 24, keep: 2 },
  });
  keeper = new BackupKeeper({
    config,
    secrets,
    genesis,
    store,
    clock: { nowMs: () => nowMs },
    random: SYSTEM_RANDOM,
    logger: SILENT_LOGGER,
    noteBox: async (key) => void boxes.push(key),
  });
});

afterEach(async () => {
  await store.close();
  await rm(parent, { recursive: true, force: true });
});

const pathOf = (name: string): string => join(parent, name);
const withPassphrase = { kind: 'passphrase', passphrase: PASSPHRASE } as const;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => {
      if (error instanceof ClientError) return error.code;
      throw error;
    },
  );
}

/** Everything that a store holds, by bucket and key. */
async function contentOf(of: SealedStore): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for await (const { bucket, key, value } of of.dump()) {
    content.set(`${bucket}/${key}`, bytesToHex(value));
  }
  return content;
}

async function fill(): Promise<void> {
  const batch = store.batch();
  // More than one chunk, and a value that runs over several.
  batch.putBytes('messageRaw', rawMessageKey(store, 'aa'), new Uint8Array(300_000).fill(1));
  for (let index = 0; index < 40; index++) {
    batch.putBytes(
      'messageRaw',
      rawMessageKey(store, `${index}`),
      new Uint8Array(2_000).fill(index),
    );
  }
  batch.put(counters, 'outbox', { next: 9 });
  batch.put(folders, 'INBOX', {
    name: 'INBOX',
    uidValidity: 1,
    uidNext: 4,
    modseq: 7,
    firstRecentUid: 1,
    expungedFloor: 0,
  });
  await batch.write();
}

async function restored(
  file: string,
  opener: Parameters<typeof restoreBackup>[0]['opener'],
  name: string,
) {
  const dataDir = pathOf(name);
  const made = await restoreBackup(
    { file, opener, dataDir, passphrase: 'q' },
    { random: SYSTEM_RANDOM },
  );
  const secrets = await openKeystore(dataFolder(dataDir).keystore, 'q');
  const of = await openSealedStore(
    dataFolder(dataDir).store,
    { ...secrets, networkId },
    SYSTEM_RANDOM,
  );
  return { made, secrets, store: of };
}

describe('a backup', () => {
  it('brings all back, byte for byte, by its passphrase and by the words', async () => {
    await fill();
    const before = await contentOf(store);
    const one = await keeper.create({
      path: pathOf('one'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    expect(one).toMatchObject({ lock: 'passphrase', sizeBytes: (await stat(one.path)).size });
    expect((await stat(one.path)).mode & 0o777).toBe(0o600);
    const two = await keeper.create({ path: pathOf('two'), forWords: true, withMail: true });
    const opener = { kind: 'words', seed: seedOfWords(words), accountIndex: 3 } as const;
    for (const [file, by] of [
      [one.path, withPassphrase],
      [two.path, opener],
    ] as const) {
      const back = await restored(file, by, `data-${by.kind}`);
      const after = await contentOf(back.store);
      await back.store.close();
      const same = [...before].filter(([key]) => !/^state\/outbox|^folder/.test(key));
      for (const [key, value] of same) expect([key, after.get(key)]).toEqual([key, value]);
      expect(back.made.accountIndex).toBe(3);
      const settings: unknown = JSON.parse(
        await readFile(dataFolder(back.made.dataDir).config, 'utf8'),
      );
      expect(settings).toMatchObject({ node: { url: 'http://127.0.0.1:14265' } });
    }
    expect(boxes).toHaveLength(2);
  });

  it('shows nothing of what it holds', async () => {
    await fill();
    const { path } = await keeper.create({
      path: pathOf('b'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    const text = await readFile(path, 'latin1');
    expect(text).not.toContain('accountRoot');
    expect(text).not.toContain('\u0001'.repeat(64));
  });

  it('jumps ahead: no outbox id, channel key or UID comes twice', async () => {
    await fill();
    const { path } = await keeper.create({
      path: pathOf('b'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    const back = await restored(path, withPassphrase, 'again');
    expect(back.store.get(counters, 'outbox')?.next).toBe(9 + 1_048_576);
    expect(back.store.get(folders, 'INBOX')?.uidValidity).toBe(65_537);
    await back.store.close();
  });

  it('without mail it is small, and holds no message', async () => {
    await fill();
    const made = await keeper.create({
      path: pathOf('b'),
      passphrase: PASSPHRASE,
      withMail: false,
    });
    expect(made.sizeBytes).toBeLessThan(20_000);
    const back = await restored(made.path, withPassphrase, 'again');
    const keys = [...(await contentOf(back.store)).keys()];
    await back.store.close();
    expect(keys.some((key) => key.startsWith('messageRaw/'))).toBe(false);
    expect(keys).toContain('state/epochs');
  });

  it('is of one moment: what happens while it is written is not in it', async () => {
    await fill();
    const manifest: BackupManifest = {
      version: 1,
      createdAtMs: 1,
      secrets: {
        accountRoot: '00'.repeat(32),
        accountIndex: 0,
        storeKey: '00'.repeat(32),
        createdAt: 1,
      },
      genesis: '',
      settings: {},
      withMail: true,
      recoveryBox: '00'.repeat(32),
    };
    const seen: string[] = [];
    for await (const record of backupRecords(store, manifest)) {
      if (seen.length === 2) {
        await store
          .batch()
          .putBytes('messageRaw', rawMessageKey(store, 'late'), new Uint8Array(1))
          .write();
      }
      seen.push(record.kind === 'value' ? record.key : record.kind);
    }
    expect(seen).not.toContain(rawMessageKey(store, 'late'));
    expect(seen.length).toBeGreaterThan(40);
  });
});

describe('refusals', () => {
  it('backup-exists, and nothing is left of the attempt', async () => {
    await writeFile(pathOf('b'), 'mine');
    const request = { path: pathOf('b'), passphrase: PASSPHRASE, withMail: true };
    expect(await codeOf(keeper.create(request))).toBe('backup-exists');
    expect(await readFile(pathOf('b'), 'utf8')).toBe('mine');
    expect((await readdir(parent)).toSorted()).toEqual(['b', 'first']);
    expect(await codeOf(keeper.create({ ...request, path: 'relative' }))).toBe('request-malformed');
    expect(await codeOf(keeper.create({ ...request, path: pathOf('no/where') }))).toBe(
      'file-unusable',
    );
  });

  it('backup-locked: another passphrase, another account of the words', async () => {
    const one = await keeper.create({
      path: pathOf('one'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    const two = await keeper.create({ path: pathOf('two'), forWords: true, withMail: true });
    const seed = seedOfWords(words);
    const wrong = [
      [one.path, { kind: 'passphrase', passphrase: 'other' }],
      [one.path, { kind: 'words', seed, accountIndex: 3 }],
      [two.path, { kind: 'words', seed, accountIndex: 0 }],
    ] as const;
    for (const [file, opener] of wrong) {
      expect(await codeOf(restored(file, opener, 'none'))).toBe('backup-locked');
      await expect(stat(dataFolder(pathOf('none')).keystore)).rejects.toThrow('ENOENT');
    }
  });

  it('backup-invalid: cut off anywhere, or a bit turned; then there is no account', async () => {
    await fill();
    const { path } = await keeper.create({
      path: pathOf('b'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    const whole = await readFile(path);
    const spoiled: Buffer[] = [12, 38, 40_000, 65_590, whole.length - 1].map((at) =>
      whole.subarray(0, at),
    );
    for (const at of [5, 70_000, whole.length - 1]) {
      const copy = Buffer.from(whole);
      copy[at] = (copy[at] ?? 0) ^ 1;
      spoiled.push(copy);
    }
    spoiled.push(Buffer.concat([whole, Buffer.of(0)]));
    for (const [index, bytes] of spoiled.entries()) {
      const file = pathOf(`spoiled-${index}`);
      await writeFile(file, bytes);
      const code = await codeOf(restored(file, withPassphrase, `none-${index}`));
      expect([index, ['backup-invalid', 'backup-locked'].includes(code)]).toEqual([index, true]);
      await expect(stat(dataFolder(pathOf(`none-${index}`)).keystore)).rejects.toThrow('ENOENT');
    }
  });

  it('account-exists: an account is never replaced', async () => {
    const { path } = await keeper.create({
      path: pathOf('b'),
      passphrase: PASSPHRASE,
      withMail: true,
    });
    expect(await codeOf(restored(path, withPassphrase, 'first'))).toBe('account-exists');
  });
});

describe('automatic backups', () => {
  it('are made when it is time, and the newest few are kept', async () => {
    const hour = 3_600_000;
    for (let day = 0; day < 4; day++) {
      expect(await keeper.runIfDue()).toBeLessThanOrEqual(hour);
      expect(await keeper.runIfDue()).toBeLessThanOrEqual(hour);
      nowMs += 24 * hour;
    }
    const names = await readdir(pathOf('auto'));
    expect(names).toHaveLength(2);
    const { made, automatic } = await keeper.status();
    expect(made.map((one) => one.lock)).toEqual(Array(4).fill('words'));
    expect(automatic).toMatchObject({ keep: 2, lastError: null });
    const opener = { kind: 'words', seed: seedOfWords(words), accountIndex: 3 } as const;
    const back = await restored(join(pathOf('auto'), names[0] ?? ''), opener, 'again');
    await back.store.close();
  });

  it('say in the status why they fail', async () => {
    await writeFile(pathOf('auto'), 'a file where the folder should be');
    await keeper.runIfDue();
    expect((await keeper.status()).automatic.lastError).toBe('file-unusable');
  });
});

describe('the local API', () => {
  it('writes a backup and shows it, and is described by its page', async () => {
    const token = 'b'.repeat(43);
    const options = {
      host: '127.0.0.1',
      port: 0,
      token,
      version: '0',
      logger: SILENT_LOGGER,
    } as const;
    const api = await createApi({ local: new MemoryClient(), backup: keeper }, options);
    try {
      const call = (path: string, json?: object): Promise<Response> =>
        fetch(`${api.url}${path}`, {
          method: json === undefined ? 'GET' : 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        });
      const both = { path: pathOf('b'), passphrase: PASSPHRASE, forWords: true };
      expect((await call(`${API_PREFIX}/backups`, both)).status).toBe(400);
      const made = await call(`${API_PREFIX}/backups`, {
        path: pathOf('b'),
        passphrase: PASSPHRASE,
      });
      expect(made.status).toBe(201);
      const status = (await (await call(`${API_PREFIX}/backups`)).json()) as { made: unknown[] };
      expect(status.made).toEqual([await made.json()]);
      const reader = await BackupReader.open(pathOf('b'));
      await reader.close();
      const url = new URL('../../../../docs/spec/41-client-api.md', import.meta.url);
      const page = await readFile(url, 'utf8');
      for (const route of ['| GET `backups`', '| POST `backups`']) expect(page).toContain(route);
    } finally {
      await api.close();
    }
  });
});

describe('a backup of 30 days ago', () => {
  it('opens every letter that providers still have, of every day since', async () => {
    const day = 86_400_000;
    let now = NOW_MS;
    const tangle = tangleWithoutNode(() => now);
    const alice = await person(1, sealedMemoryStore(), tangle);
    const bob = await person(2, sealedMemoryStore(), tangle);
    const manifest = { createdAtMs: now, recoveryBox: '00'.repeat(32) };
    const records = [];
    const whole = { ...manifest, version: 1, genesis: '', settings: {}, withMail: true } as const;
    const secrets = {
      accountRoot: '00'.repeat(32),
      accountIndex: 0,
      storeKey: '00'.repeat(32),
      createdAt: 1,
    };
    for await (const one of backupRecords(alice.store, { ...whole, secrets })) records.push(one);
    const letters: Uint8Array[] = [];
    for (let days = 0; days < 30; days++, now += day) {
      for (let mail = 0; mail < 6; mail++) letters.push((await sealMail(bob, alice)).bytes);
      // The machine that the backup was made on goes on, and forgets.
      await alice.intake.take(letters.at(-1) ?? new Uint8Array(0));
      const nowSeconds = now / 1_000;
      const facts = {
        now: nowSeconds,
        fetchedAt: [nowSeconds],
        leaseSeconds: DEFAULT_LEASE_SECONDS,
      };
      await alice.epochs.prune(facts);
    }
    const disk = sealedMemoryStore();
    const [, ...values] = records;
    await restoreValues(
      disk,
      (async function* () {
        yield* values;
      })(),
      manifest,
    );
    expect(EpochStore.load(disk).state.lines).toHaveLength(1);
    const back = await person(1, disk, tangle);
    const taken = [];
    for (const bytes of letters) taken.push((await back.intake.take(bytes)).kind);
    expect(taken).toEqual(Array(180).fill('delivered'));
    // The contact's numbers ran on far beyond the window that the backup had: its next mail is
    // recognised by its tag again, and what it sends after that is waited for.
    const next = await sealMail(bob, back, { sealFor: descriptorOf(back) });
    expect((await back.intake.take(next.bytes)).kind).toBe('delivered');
  });
});
