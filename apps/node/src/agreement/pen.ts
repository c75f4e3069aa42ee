/**
 * The line on which a seat's statements become signatures: what is said in one turn goes to the
 * disk as one group, synced, and only then anything of it is signed and handed back. What the seat
 * has said above the last final milestone is kept in mind, to know a signature that it did not
 * give. Path: `agreement.ts` → here → the seat's memory → back. Spec: docs/spec/15-consensus.md §9.
 */
import type { StatementKind } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SignedStatement, SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { Serial } from '../signal.ts';
import type { SpeculativeEngine } from '../confirmation/speculation.ts';
import type { AgreementMetrics, Timers } from './ports.ts';
import type { Refusal, SeatMemory } from './seat-memory.ts';

export interface PenDeps {
  readonly memory: SeatMemory;
  readonly engine: Pick<SpeculativeEngine, 'syncBlocks'>;
  readonly timers: Timers;
  /** Whether statements of this object are still wanted. */
  isCurrent(simplex: Simplex): boolean;
  /** Whether the seat is the only one, so that nobody is told how a milestone came about. */
  isAlone(simplex: Simplex): boolean;
  onSigned(simplex: Simplex, statement: SignedStatement, signature: Uint8Array): void;
  readonly metrics: Pick<AgreementMetrics, 'votesWritten'>;
  readonly logger: Logger;
  /** The log could not be written, or a statement contradicts it: the process must end. */
  onFatal(error: unknown): void;
}

interface Queued {
  readonly simplex: Simplex;
  readonly statement: SignedStatement;
}

type Said = Pick<SignedStatement, 'kind' | 'view' | 'digest'>;

export class Pen {
  readonly #deps: PenDeps;
  readonly #line = new Serial();
  /** Kind and view of what was said, with its digest. */
  readonly #said = new Map<string, { readonly view: bigint; readonly digest: string }>();
  #queue: Queued[] = [];
  #writing = 0;
  #isBroken = false;
  readonly #retryMs: number;
  /** Cancels asking a signer again that was away. */
  readonly #retries = new Set<() => void>();

  /** @param deltaMs after so long a signer that was away is asked again. */
  constructor({ deltaMs }: { deltaMs: number }, deps: PenDeps) {
    this.#retryMs = deltaMs;
    this.#deps = deps;
  }

  /** Whether statements are on their way to the log: it does not hold all that was said. */
  get isBusy(): boolean {
    return this.#writing > 0;
  }

  /** An epoch begins, or begins again: the log holds these statements of it. */
  open(statements: readonly SignedStatement[]): void {
    this.#said.clear();
    for (const statement of statements) this.#note(statement);
  }

  /** Writes and signs the statement, and whatever else is said in this turn with it. */
  write(simplex: Simplex, statement: SignedStatement): void {
    this.#note(statement);
    this.#enqueue({ simplex, statement });
  }

  /** Whether this seat said so; of a proposal only that it made one in that view. */
  hasSaid(kind: StatementKind, view: bigint, digest?: Uint8Array): boolean {
    const said = this.#said.get(keyOf({ kind, view }));
    return said !== undefined && (digest === undefined || said.digest === bytesToHex(digest));
  }

  /** Statements of older epochs, and of this one below the view, are not needed any more. */
  forget(epoch: number, belowView: bigint): void {
    for (const [key, { view }] of this.#said) if (view < belowView) this.#said.delete(key);
    void this.#line.run(async () => {
      if (this.#isBroken) return;
      await this.#deps.memory
        .forget(epoch, belowView)
        .catch((error: unknown) => this.#break(error));
    });
  }

  /** Resolves when nothing is being written, and the log is closed. */
  async stop(): Promise<void> {
    this.#queue = [];
    for (const cancel of this.#retries) cancel();
    await this.#line.run(() => this.#deps.memory.close());
  }

  #enqueue(one: Queued): void {
    this.#queue.push(one);
    if (this.#queue.length > 1) return;
    this.#writing += 1;
    void this.#line.run(() => this.#writeGroup());
  }

  #note({ kind, view, digest }: Said): void {
    this.#said.set(keyOf({ kind, view }), { view, digest: bytesToHex(digest) });
  }

  async #writeGroup(): Promise<void> {
    const { memory, engine, metrics } = this.#deps;
    // What an object asked for that is gone was not said, and is not needed.
    const group = this.#queue.filter(({ simplex }) => this.#deps.isCurrent(simplex));
    this.#queue = [];
    try {
      if (group.length === 0 || this.#isBroken) return;
      const startedMs = performance.now();
      const statements = group.map(({ statement }) => statement);
      const mayWait = group.every((one) => this.#mayWait(one));
      const signatures = await memory.record(statements, () => engine.syncBlocks(), mayWait);
      metrics.votesWritten(performance.now() - startedMs);
      this.#hand(group, { signatures });
    } catch (error) {
      if (isRefusal(error)) this.#hand(group, error);
      else this.#break(error);
    } finally {
      this.#writing -= 1;
    }
  }

  /**
   * Alone, a seat says nothing but the certificate of finality, and in the turn that its milestone
   * is signed: what leads to it needs no sync of its own.
   */
  #mayWait({ simplex, statement: { kind } }: Queued): boolean {
    return (kind === 'propose' || kind === 'notarize') && this.#deps.isAlone(simplex);
  }

  #hand(
    group: readonly Queued[],
    { signatures, code }: Pick<Refusal, 'signatures'> & Partial<Refusal>,
  ): void {
    for (const [at, one] of group.entries()) {
      const { simplex, statement } = one;
      const signature = signatures[at];
      if (signature !== undefined) {
        this.#deps.onSigned(simplex, statement, signature);
        continue;
      }
      const { kind, epoch, view } = statement;
      this.#deps.logger.warn({ kind, epoch, view: String(view), code }, 'not signed, so not said');
      if (code === 'away') this.#retry(one);
    }
  }

  /** The log has it, so asking again costs no write; unless it does not matter any more. */
  #retry(one: Queued): void {
    const cancel = this.#deps.timers.after(this.#retryMs, () => {
      this.#retries.delete(cancel);
      const { kind, view } = one.statement;
      if (this.#deps.isCurrent(one.simplex) && this.hasSaid(kind, view)) this.#enqueue(one);
    });
    this.#retries.add(cancel);
  }

  #break(error: unknown): void {
    this.#isBroken = true;
    this.#deps.onFatal(error);
  }
}

function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && 'signatures' in error && 'code' in error;
}

function keyOf({ kind, view }: Pick<Said, 'kind' | 'view'>): string {
  return `${kind} ${view}`;
}

/** The view in which this seat is shown to contradict itself. */
export function accusedView(actions: readonly SimplexAction[], seat: number): bigint | undefined {
  for (const action of actions) {
    if (action.do === 'evidence' && action.evidence.seat === seat)
      return action.evidence.pair[0].view;
  }
  return undefined;
}

/** The view of a statement with this seat's signature that it does not remember. */
export function foreignView(
  message: ConsensusMessage,
  { simplex, pen, seat }: { simplex: Simplex; pen: Pick<Pen, 'hasSaid'>; seat: number },
): bigint | undefined {
  if (message.type === 'proposal') {
    const { view } = message.proposal;
    return simplex.leaderOf(view) === seat && !pen.hasSaid('propose', view) ? view : undefined;
  }
  const isVote = message.type === 'vote';
  const { kind, view, digest } = isVote ? message.vote : message.certificate;
  const signers = isVote ? [message.vote.seat] : message.certificate.signers;
  return signers.includes(seat) && !pen.hasSaid(kind, view, digest) ? view : undefined;
}
