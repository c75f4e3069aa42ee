/**
 * The reference signer: holds a seat's key and signs nothing that contradicts what it signed, also
 * after a restart, whatever the node that asks remembers.
 * Path: `tools signer` → here → vote-log.ts, signer.ts. Spec: docs/spec/16-signer.md §6.
 */
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { Serial } from '../signal.ts';
import type { Signer } from './seat-memory.ts';
import {
  networkText,
  parseRequest,
  readLines,
  statementIn,
  writeLine,
  type SignAnswer,
  type SignedHere,
  type SignRequest,
} from './signer-protocol.ts';
import { openVoteDisk } from './vote-disk.ts';
import { VoteError } from './vote-error.ts';
import { VoteLog } from './vote-log.ts';
import { isBefore } from './vote-records.ts';

/** Views that the signer remembers, the greatest one counted; below nothing is signed. */
export const REMEMBERED_VIEWS = 64n;

export interface SignerServerOptions {
  readonly socketPath: string;
  /** The folder of its memory, its own: never the node's. */
  readonly folder: string;
  readonly networkId: bigint;
  /** The memory is made; without it a missing one is refused. */
  readonly isFirstStart: boolean;
}

export interface SignerServerDeps {
  readonly signer: Signer;
  readonly hasher: Hasher;
  /** The memory could not be written: the process must end. */
  onFatal(error: unknown): void;
}

export class SignerServer {
  readonly #options: SignerServerOptions;
  readonly #deps: SignerServerDeps;
  readonly #log: VoteLog;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #serial = new Serial();

  private constructor(options: SignerServerOptions, deps: SignerServerDeps, log: VoteLog) {
    this.#options = options;
    this.#deps = deps;
    this.#log = log;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /**
   * Opens the memory and listens. Throws VoteError (memory missing, there although it should be
   * new, damaged, another's) and StoreError; rejects as `node:net` does.
   */
  static async start(options: SignerServerOptions, deps: SignerServerDeps): Promise<SignerServer> {
    const { folder, networkId } = options;
    const disk = await openVoteDisk(folder, networkId);
    try {
      const log = await openMemory(options, deps, disk);
      const server = new SignerServer(options, deps, log);
      await server.#listen();
      return server;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  /** Resolves when nothing is signed any more. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#serial.run(() => this.#log.close());
  }

  /** The memory's lock is ours, so a socket that lies there is left over. */
  async #listen(): Promise<void> {
    const { socketPath } = this.#options;
    await rm(socketPath, { force: true });
    this.#server.listen(socketPath);
    await once(this.#server, 'listening');
    await chmod(socketPath, 0o600);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // 'close' follows.
    socket.on('error', () => undefined);
    readLines(socket, (line) => {
      const request = parseRequest(line);
      if (request === undefined) {
        socket.destroy();
        return;
      }
      this.#serial
        .run(() => this.#answer(request))
        .then((answer) => writeLine(socket, answer))
        .catch((error: unknown) => this.#deps.onFatal(error));
    });
  }

  async #answer(request: SignRequest): Promise<SignAnswer> {
    const { id } = request;
    const { signer } = this.#deps;
    if (request.networkId !== networkText(this.#options.networkId)) {
      return { id, error: 'unknown-network' };
    }
    const statement = statementIn(request);
    if (statement === undefined) return { id, publicKey: bytesToHex(signer.publicKey) };
    const isBelow = statement.kind !== 'ratify' && isBefore(statement, this.#log.completeFrom);
    if (isBelow) return { id, error: 'below' };
    const refused = await this.#remember(statement);
    if (refused) return { id, error: 'contradicts' };
    const signature = await signer.sign(statement, this.#options.networkId);
    return { id, signature: bytesToHex(signature) };
  }

  /** @returns true for a contradiction. */
  async #remember(statement: SignedHere): Promise<boolean> {
    try {
      await this.#log.append([statement]);
    } catch (error) {
      if (error instanceof VoteError) return true;
      throw error;
    }
    const { kind, epoch, view } = statement;
    // A ratification below says nothing about where the seat stands.
    if (kind !== 'ratify' && view >= REMEMBERED_VIEWS) {
      const place = { epoch, view: view - REMEMBERED_VIEWS + 1n };
      if (isBefore(this.#log.completeFrom, place)) await this.#log.forget(place);
    } else if (kind !== 'ratify' && epoch > this.#log.completeFrom.epoch) {
      await this.#log.forget({ epoch, view: 0n });
    }
    return false;
  }
}

async function openMemory(
  { folder, networkId, isFirstStart }: SignerServerOptions,
  { signer, hasher }: SignerServerDeps,
  disk: Awaited<ReturnType<typeof openVoteDisk>>,
): Promise<VoteLog> {
  const owner = { networkId, publicKey: signer.publicKey };
  const log = await VoteLog.open(disk, owner, hasher);
  if (log !== undefined && !isFirstStart) {
    if (log.silent === undefined) return log;
    throw new VoteError(`${disk.path} is no memory of a signer`);
  }
  if (log !== undefined) throw new VoteError(`${folder} has a memory already: leave out --first`);
  if (!isFirstStart) {
    throw new VoteError(
      `${folder} has no memory. If this key never signed anything, start once with --first; ` +
        'else bring the memory back',
    );
  }
  const from = { epoch: 0, view: 0n };
  return await VoteLog.create(disk, owner, hasher, [{ type: 'complete', from }]);
}
