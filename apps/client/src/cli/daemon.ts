/**
 * The daemon: one account, its client and its local API in one process, from unlocking to a clean
 * end. Before: daemon-commands.ts; after: client.ts, api/create-api.ts.
 * Spec: docs/spec/41-client-api.md, "Daemon".
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';
import { dataFolder } from '../account/data-folder.ts';
import { createApi } from '../api/create-api.ts';
import type { ApiServices } from '../api/service.ts';
import { Client } from '../client.ts';
import { ClientError } from '../client-error.ts';
import type { ClientConfig } from '../config/schema.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createLogger } from '@tanglemail/tangle/io/shell/log.ts';
import { openSealedStore } from '../store/open-store.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { VERSION } from '../version.ts';
import type { CommandContext } from './context.ts';
import type { DaemonFile } from './daemon-link.ts';
import { unlockAccount } from './unlock.ts';

const TOKEN_LENGTH = 32;
/** What `sockaddr_un` holds on every system, without its zero at the end. */
const MAX_SOCKET_PATH = 103;
/** Where the build puts the web client; absent where the program runs from its sources. */
const WEB_DIR = join(import.meta.dirname, '../../../web');

/** Runs until a signal. What is under way at the end goes on at the next start. */
export async function runDaemon(context: CommandContext, config: ClientConfig): Promise<void> {
  const { terminal, dataDir } = context;
  const { secrets, genesis } = await unlockAccount(terminal, { ...config, dataDir });
  const logger = createLogger(config.logLevel, 'tanglemail');
  const folder = dataFolder(dataDir);
  const owner = { storeKey: secrets.storeKey, networkId: networkIdOf(genesis, nobleHasher) };
  const store = await openSealedStore(folder.store, owner, SYSTEM_RANDOM);
  const running: (() => Promise<void>)[] = [() => store.close()];
  try {
    const deps = { logger, clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM, environment: terminal.env };
    const client = await Client.open({ config, secrets, genesis, store }, deps);
    running.push(() => client.stop());
    client.start();
    const bridge = await client.openBridge();
    running.push(() => bridge.close());
    await writeFileAtomically(folder.bridgeCertificate, bridge.authorityCert, 0o644);
    const token = randomBytes(TOKEN_LENGTH).toString('base64url');
    const services = { ...client.services, bridge };
    const api = await listen(services, config, { token, socket: folder.socket }, logger);
    running.push(() => api.close());
    running.push(await announce(folder.daemon, { api: api.url, token, pid: process.pid }));
    logger.info({ url: api.url }, 'API is listening');
    context.note(`Ready at ${api.url}; stop it with Ctrl-C.`);
    logger.info({ signal: await terminal.untilSignal() }, 'stopping');
  } finally {
    for (const stop of running.toReversed()) await stop();
  }
  logger.info({}, 'stopped');
}

async function listen(
  services: ApiServices,
  { api: { host, port, socket: isSocket } }: ClientConfig,
  { token, socket }: { readonly token: string; readonly socket: string },
  logger: Logger,
): Promise<RunningServer> {
  const pages = existsSync(WEB_DIR) ? { webDir: WEB_DIR } : {};
  const options = { host, port, token, version: VERSION, logger, ...pages };
  if (isSocket) {
    await clearSocket(socket);
    return createApi(services, { ...options, socketPath: socket });
  }
  try {
    return await createApi(services, options);
  } catch (cause) {
    if (errorCode(cause) !== 'EADDRINUSE') throw cause;
    throw new ClientError('port-in-use', `${port}`, { cause });
  }
}

/**
 * Takes away what a daemon that was killed has left: this one has the lock of the store, so that
 * nobody listens there any more. Throws ClientError `file-unusable` for a path that no system
 * takes.
 */
async function clearSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new ClientError(
      'file-unusable',
      `${path}: at most ${MAX_SOCKET_PATH} bytes for a socket`,
    );
  }
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ClientError('file-unusable', `${path} is no socket`);
  await unlink(path);
}

/** Tells the command line where the daemon is, as long as it runs; gives what takes it back. */
async function announce(path: string, file: DaemonFile): Promise<() => Promise<void>> {
  await writeFileAtomically(path, `${JSON.stringify(file)}\n`, 0o600);
  return async () => {
    const present = await readFile(path, 'utf8').catch(() => '');
    if (present.includes(file.token)) await unlink(path);
  };
}
