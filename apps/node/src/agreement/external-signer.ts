/**
 * A signer in another process, behind a Unix socket: it keeps the key, and a memory of its own of
 * what it signed, which no restored disk of the node takes along.
 * Path: seat.ts → here → the socket. Spec: docs/spec/16-signer.md §6.
 */
import { createConnection, type Socket } from 'node:net';
import {
  signedMessage,
  type Statement,
  type StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Signer } from './seat-memory.ts';
import {
  parseAnswer,
  readLines,
  requestOf,
  writeLine,
  type SignAnswer,
  type SignRequest,
} from './signer-protocol.ts';
import { SignerError, type SignerErrorCode } from './vote-error.ts';

export interface ExternalSignerOptions {
  /** Path of the Unix socket. */
  readonly socketPath: string;
  readonly networkId: bigint;
  /** How long an answer may take; DELTA of the agreement. */
  readonly timeoutMs: number;
}

/** Pause between two attempts to connect. */
const RECONNECT_MS = 100;

interface Waiting {
  readonly request: SignRequest;
  readonly timer: NodeJS.Timeout;
  resolve(answer: SignAnswer): void;
  reject(error: SignerError): void;
}

export class ExternalSigner implements Signer {
  readonly #options: ExternalSignerOptions;
  readonly #verifier: Verifier;
  readonly #waiting = new Map<number, Waiting>();
  #publicKey = new Uint8Array();
  #socket: Socket | undefined;
  #reconnect: NodeJS.Timeout | undefined;
  #lastId = 0;
  #isAway = false;
  #isClosed = false;

  private constructor(options: ExternalSignerOptions, verifier: Verifier) {
    this.#options = options;
    this.#verifier = verifier;
  }

  /** Connects and asks for the public key. Rejects with SignerError. */
  static async connect(
    options: ExternalSignerOptions,
    verifier: Verifier,
  ): Promise<ExternalSigner> {
    const signer = new ExternalSigner(options, verifier);
    try {
      signer.#connect();
      const answer = await signer.#ask(requestOf(0, options.networkId));
      if (!('publicKey' in answer)) throw new SignerError(codeOf(answer));
      signer.#publicKey = hexToBytes(answer.publicKey);
      return signer;
    } catch (error) {
      await signer.close();
      throw error;
    }
  }

  get publicKey(): Uint8Array {
    return this.#publicKey;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  async sign(statement: Statement<StatementKind>, networkId: bigint): Promise<Uint8Array> {
    const answer = await this.#ask(requestOf(++this.#lastId, networkId, statement));
    if (!('signature' in answer)) throw new SignerError(codeOf(answer));
    const signature = hexToBytes(answer.signature);
    const { kind, epoch, view, digest } = statement;
    const message = signedMessage(networkId, kind, epoch, view, digest);
    if (this.#verifier.verify(this.#publicKey, message, signature)) return signature;
    throw new SignerError('invalid');
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#reconnect);
    this.#socket?.destroy();
    for (const id of this.#waiting.keys()) this.#giveUp(id, 'away');
    return Promise.resolve();
  }

  async #ask(request: SignRequest): Promise<SignAnswer> {
    if (this.#isClosed) throw new SignerError('away');
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#isAway = true;
        this.#giveUp(request.id, 'away');
      }, this.#options.timeoutMs);
      this.#waiting.set(request.id, { request, timer, resolve, reject });
      if (this.#socket?.readyState === 'open') writeLine(this.#socket, request);
    });
  }

  /** Says whatever still waits again when there is a connection: signing twice is harmless. */
  #connect(): void {
    const socket = createConnection(this.#options.socketPath);
    this.#socket = socket;
    readLines(socket, (line) => this.#onLine(line));
    socket.on('connect', () => {
      for (const { request } of this.#waiting.values()) writeLine(socket, request);
    });
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#isClosed) return;
      this.#reconnect = setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #onLine(line: string): void {
    const answer = parseAnswer(line);
    if (answer === undefined) {
      this.#socket?.destroy();
      return;
    }
    this.#isAway = false;
    this.#done(answer.id)?.resolve(answer);
  }

  #giveUp(id: number, code: SignerErrorCode): void {
    this.#done(id)?.reject(new SignerError(code));
  }

  #done(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function codeOf(answer: SignAnswer): SignerErrorCode {
  return 'error' in answer ? answer.error : 'invalid';
}
