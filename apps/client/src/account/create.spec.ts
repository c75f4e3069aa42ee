import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { epochOf, epochSecrets } from '@tanglemail/mail/core/identity/epoch.ts';
import { genesisToJson, networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { testGenesis } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClientError } from '../client-error.ts';
import { openKeystore } from '../keystore/keystore.ts';
import { CHANNEL_COUNTER, counters } from '../store/collections.ts';
import { openSealedStore } from '../store/open-store.ts';
import { type AccountOptions, createAccount, restoreAccount } from './create.ts';
import { dataFolder } from './data-folder.ts';
import { EpochStore } from './epoch-store.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../../../test/vectors/mail/identity.json', import.meta.url), 'utf8'),
) as { readonly mnemonic: string; readonly accounts: readonly { readonly textTest: string }[] };
const WORDS = vectors.mnemonic;
const genesis = { ...testGenesis(1), name: 'dev-spec' };
const deps = { random: SYSTEM_RANDOM, clock: SYSTEM_CLOCK };

let parent: string;
let options: AccountOptions;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tanglemail-account-'));
  const dataDir = join(parent, 'data');
  const nodeUrl = 'http://127.0.0.1:1';
  options = { dataDir, genesis, nodeUrl, passphrase: 'correct horse', accountIndex: 0 };
});

afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'no error',
    (error: unknown) => {
      if (error instanceof ClientError) return error.code;
      throw error;
    },
  );
}

/** Opens everything that a daemon would open. */
async function openAll(passphrase = options.passphrase) {
  const folder = dataFolder(options.dataDir);
  const secrets = await openKeystore(folder.keystore, passphrase);
  const owner = { storeKey: secrets.storeKey, networkId: networkIdOf(genesis, nobleHasher) };
  const store = await openSealedStore(folder.store, owner, SYSTEM_RANDOM);
  const { state } = EpochStore.load(store);
  const nextChannel = store.get(counters, CHANNEL_COUNTER)?.next ?? 0;
  await store.close();
  return { secrets, state, nextChannel };
}

async function make(): Promise<string> {
  let shown = '';
  await createAccount(options, deps, async (_facts, words) => {
    shown = words;
  });
  return shown;
}

describe('an account', () => {
  it('has the same address from the same words, on every machine', async () => {
    for (const [accountIndex, { textTest }] of vectors.accounts.entries()) {
      const dataDir = join(parent, `${accountIndex}`);
      const made = await restoreAccount(WORDS, { ...options, dataDir, accountIndex }, deps);
      expect(made).toMatchObject({ address: textTest, email: `${textTest}@tangle.alt` });
    }
  });

  it('is complete once it exists: keystore, genesis, settings, epochs', async () => {
    await make();
    const { secrets, state } = await openAll();
    const now = epochOf(secrets.createdAt);
    expect(epochSecrets(state, now).ok).toBe(true);
    // A lease of 30 days and an epoch: letters that still lie at providers can be opened.
    expect(epochSecrets(state, now - 5).ok).toBe(true);
    expect(epochSecrets(state, now - 7).ok).toBe(false);
    const folder = dataFolder(options.dataDir);
    expect(await readFile(folder.genesis, 'utf8')).toBe(`${genesisToJson(genesis)}\n`);
    const settings: unknown = JSON.parse(await readFile(folder.config, 'utf8'));
    expect(settings).toEqual({ node: { url: options.nodeUrl } });
    for (const path of [folder.keystore, folder.genesis, folder.config]) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    const names = await readdir(folder.path);
    expect(names.toSorted()).toEqual(['config.json', 'genesis.json', 'keystore.json', 'store']);
  });

  it('comes back from its words, however they are typed', async () => {
    const words = await make();
    const { secrets } = await openAll();
    const again = { ...options, dataDir: join(parent, 'again') };
    const typed = ` ${words.toUpperCase().replaceAll(' ', '\n')} `;
    await restoreAccount(typed, again, deps);
    options = again;
    const restored = await openAll();
    expect(restored.secrets.accountRoot).toBe(secrets.accountRoot);
    expect(restored.secrets.storeKey).not.toBe(secrets.storeKey);
    // No channel gets a key that one of the earlier life may have had.
    expect(restored.nextChannel).toBeGreaterThan(1_000);
  });

  it('keeps neither words nor seed on the disk', async () => {
    const words = await make();
    for (const name of await readdir(options.dataDir, { recursive: true })) {
      const path = join(options.dataDir, name);
      if ((await stat(path)).isDirectory()) continue;
      const text = await readFile(path, 'latin1');
      expect(text).not.toContain(words.split(' ').slice(0, 2).join(' '));
    }
  });

  it('account-exists: a second one does not replace the first', async () => {
    await make();
    const before = await openAll();
    expect(await codeOf(make())).toBe('account-exists');
    expect((await openAll()).secrets).toEqual(before.secrets);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['too few', 'abandon abandon'],
    ['one that is no word', WORDS.replace('gather', 'gatherr')],
    ['one in the wrong place', WORDS.replace('gather', 'abandon')],
  ];
  it.each(wrong)('words-invalid: %s', async (_name, words) => {
    expect(await codeOf(restoreAccount(words, options, deps))).toBe('words-invalid');
    expect(await readdir(parent)).toEqual([]);
  });

  it('does not exist before its words were shown', async () => {
    const unseen = createAccount(options, deps, async () => {
      throw new ClientError('file-unusable', 'standard output');
    });
    expect(await codeOf(unseen)).toBe('file-unusable');
    expect(await readdir(options.dataDir)).not.toContain('keystore.json');
    await make();
    await openAll();
  });

  it('keeps other settings of the user, and sets a store aside that nobody can open', async () => {
    await make();
    const folder = dataFolder(options.dataDir);
    await writeFile(folder.config, '{"powThreads":2}');
    await rm(folder.keystore);
    await make();
    const settings: unknown = JSON.parse(await readFile(folder.config, 'utf8'));
    expect(settings).toEqual({ powThreads: 2, node: { url: options.nodeUrl } });
    const names = await readdir(options.dataDir);
    expect(names.filter((name) => name.startsWith('store.without-keystore-'))).toHaveLength(1);
    await openAll();
  });

  it('is complete or can be made again after kill -9 at any step', async () => {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const genesisFile = join(parent, 'genesis.json');
    await writeFile(genesisFile, genesisToJson(genesis));
    const { dataDir, passphrase } = options;
    const args = ['--data-dir', dataDir, 'account', 'create', '--genesis', genesisFile, '--json'];
    const env = { PATH: process.env['PATH'], TANGLEMAIL_PASSPHRASE: passphrase };
    const steps = ['new-', 'store', 'keystore.json'];
    for (const step of steps) {
      const flags = ['--disable-warning=ExperimentalWarning', main, ...args];
      const child = spawn(process.execPath, flags, { env, stdio: 'ignore', timeout: 100_000 });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await until(async () => {
        const names = await readdir(dataDir).catch(() => []);
        return child.exitCode !== null || names.some((name) => name.startsWith(step));
      });
      child.kill('SIGKILL');
      await ended;
      const outcome = await codeOf(make());
      expect(['no error', 'account-exists']).toContain(outcome);
      await openAll();
      await rm(dataDir, { recursive: true });
    }
  });
});
