/**
 * A seat's `votes.log` on a simulated disk. Memory and bytes are those of `apps/node`: what is said
 * is encoded when it is written, and read again from the bytes when the machine starts. Only the
 * writing itself, which takes promises there, is of the simulation.
 * Spec: docs/spec/16-signer.md §2.
 */
import type { StatementKind } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SilenceReason } from '../../apps/node/src/agreement/seat-memory.ts';
import { VoteMemory } from '../../apps/node/src/agreement/vote-memory.ts';
import {
  checkOwner,
  encodeFrames,
  encodeOwner,
  readVotes,
  type Completeness,
  type Place,
  type VoteEntry,
  type VoteOwner,
} from '../../apps/node/src/agreement/vote-records.ts';

const PATH = 'votes.log';

/** What a log holds that was made at the network's beginning. */
const BEGINNING: Completeness = { type: 'complete', from: { epoch: 0, view: 0n } };

export class VoteFile {
  readonly #owner: VoteOwner;
  readonly #hasher: Hasher;
  #memory: VoteMemory;
  #synced: Uint8Array[];
  #unsynced: Uint8Array[] = [];

  /** Makes the file; of a seat that keeps silent at first, if there is a `reason`. */
  constructor(owner: VoteOwner, hasher: Hasher, reason?: SilenceReason) {
    this.#owner = owner;
    this.#hasher = hasher;
    this.#memory = new VoteMemory([reason === undefined ? BEGINNING : { type: 'silent', reason }]);
    this.#synced = this.#encode();
  }

  get completeFrom(): Place {
    return this.#memory.completeFrom;
  }

  get silent(): SilenceReason | undefined {
    return this.#memory.silent;
  }

  get hasSpoken(): boolean {
    return this.#memory.hasSpoken;
  }

  /** Statements that are remembered, of all epochs. */
  get statements(): SignedStatement[] {
    return statementsIn(this.#memory.entries());
  }

  holds(statement: Pick<SignedStatement, 'kind' | 'epoch' | 'view' | 'digest'>): boolean {
    return this.#memory.holds(statement);
  }

  /** Whether the seat said something of this kind, with this digest if it is given. */
  hasSaid(kind: StatementKind, { epoch, view }: Place, digest?: Uint8Array): boolean {
    if (digest !== undefined) return this.holds({ kind, epoch, view, digest });
    return this.statements.some(
      (one) => one.kind === kind && one.epoch === epoch && one.view === view,
    );
  }

  statementsOf(epoch: number): SignedStatement[] {
    return this.#memory.statementsOf(epoch);
  }

  /** Writes without a sync what is new of it. Throws VoteError for a contradiction. */
  write(statements: readonly SignedStatement[]): void {
    const entries = this.#memory.add(statements);
    if (entries.length > 0) this.#unsynced.push(...encodeFrames(entries, this.#hasher));
  }

  sync(): void {
    this.#synced.push(...this.#unsynced);
    this.#unsynced = [];
  }

  /** Notes where the log is complete, or that its seat is silent; it is synced. */
  async mark(completeness: Completeness): Promise<void> {
    this.#memory.take(completeness);
    this.#unsynced.push(...encodeFrames([completeness], this.#hasher));
    this.sync();
    await Promise.resolve();
  }

  /** Forgets what lies before `place`; at the end of an epoch the file is written anew. */
  forget(place: Place): void {
    if (!this.#memory.forget(place)) return;
    this.#synced = this.#encode();
    this.#unsynced = [];
  }

  /**
   * The machine stops, and the file is opened again. Of what was not synced a part may have reached
   * the disk, up to the middle of a frame. @returns statements that are lost.
   */
  crash(): number {
    const unsynced = concat(this.#unsynced);
    // A chance that the bytes bring along: one of its own would shift every run.
    const torn = unsynced.subarray(0, Math.floor((unsynced.length * (unsynced.at(-1) ?? 0)) / 256));
    const bytes = concat([...this.#synced, torn]);
    const before = this.statements;
    const stored = readVotes(bytes, PATH, this.#hasher);
    checkOwner(stored.owner, this.#owner, PATH);
    this.#memory = new VoteMemory(stored.entries);
    this.#synced = [bytes.slice(0, stored.sizeBytes)];
    this.#unsynced = [];
    return before.filter((one) => !this.holds(one)).length;
  }

  #encode(): Uint8Array[] {
    return [encodeOwner(this.#owner), ...encodeFrames(this.#memory.entries(), this.#hasher)];
  }
}

function statementsIn(entries: readonly VoteEntry[]): SignedStatement[] {
  return entries.flatMap((one) => (one.type === 'statement' ? [one.statement] : []));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
