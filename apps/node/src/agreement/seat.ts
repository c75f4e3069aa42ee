/**
 * A seat of the committee: its log, its key, and where it keeps silent, joined.
 * Path: agreement → here → vote-log.ts, silence-guard.ts, signer.ts. Spec: docs/spec/16-signer.md.
 */
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import { faultsTolerated } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { readOldVotes, retireOldVotes } from './import-votes.ts';
import type { SeatMemory, Signer } from './seat-memory.ts';
import { SilenceGuard } from './silence-guard.ts';
import { openVoteDisk, type VoteDisk } from './vote-disk.ts';
import { RefusedError, SignerError, VoteError, type SignerErrorCode } from './vote-error.ts';
import { VoteLog } from './vote-log.ts';
import { isBefore, type Completeness, type Place } from './vote-records.ts';

/** Why this process cannot validate; `message` is for the operator. */
export class ValidatorError extends Error {
  override readonly name = 'ValidatorError';
}

/** The seat of a public key; throws ValidatorError when it has none. */
export function seatOf(publicKey: Uint8Array, committee: readonly Uint8Array[]): number {
  const seat = committee.findIndex((member) => Buffer.compare(member, publicKey) === 0);
  if (seat < 0) throw new ValidatorError('the validator’s key has no seat in the committee');
  return seat;
}

export interface SeatOptions {
  /** The folder of `votes.log`. */
  readonly dataDir: string;
  readonly networkId: bigint;
  readonly committee: readonly Uint8Array[];
  readonly params: NetworkParams;
  /** Index of the last milestone in the store: above 0 the seat may have spoken before. */
  readonly latestIndex: number;
  /** See `SilenceOptions`. */
  readonly acceptLostVotes: boolean;
}

export interface SeatDeps {
  readonly signer: Signer;
  readonly hasher: Hasher;
  /** The clock that stamps milestones. */
  readonly clock: Clock;
  readonly logger: Logger;
}

const BEGINNING: Completeness = { type: 'complete', from: { epoch: 0, view: 0n } };

/**
 * Opens the memory of the signer's seat. Throws ValidatorError (no seat), VoteError (a log that is
 * damaged, another's, or gone where nobody could go on without this seat) and StoreError.
 */
export async function openSeat(options: SeatOptions, deps: SeatDeps): Promise<Seat> {
  const { dataDir, networkId, committee, params, acceptLostVotes } = options;
  const { signer, hasher, clock, logger } = deps;
  const seat = seatOf(signer.publicKey, committee);
  const disk = await openVoteDisk(dataDir, networkId);
  try {
    const owner = { networkId, publicKey: signer.publicKey };
    const above = await readOldVotes(dataDir, networkId, params);
    const log =
      (await VoteLog.open(disk, owner, hasher)) ??
      (await VoteLog.create(disk, owner, hasher, [firstEntry(options, above, disk)]));
    if (above !== undefined) await takeOver(above, log, dataDir);
    const { maxDriftMs } = params;
    const silence = new SilenceGuard({ seat, maxDriftMs, acceptLostVotes }, { log, clock, logger });
    return new Seat(seat, { log, signer, silence });
  } catch (error) {
    await disk.close();
    throw error;
  }
}

/** What a log that is not there begins with. */
function firstEntry(
  { latestIndex, committee, acceptLostVotes }: SeatOptions,
  above: Place | undefined,
  { path }: VoteDisk,
): Completeness {
  if (above !== undefined) return { type: 'complete', from: above };
  if (latestIndex === 0) return BEGINNING;
  // Without a seat that may be missing nobody makes the milestone that this one would wait for.
  if (faultsTolerated(committee.length) === 0 && !acceptLostVotes) {
    throw new VoteError(
      `${path} is missing beside a store with milestones, and the network stands still without ` +
        'this seat. Bring the file back; if it is lost for good, or the store came from a ' +
        'snapshot, and nothing else runs with this key, start with --accept-lost-votes',
    );
  }
  return { type: 'silent', reason: 'log-missing' };
}

async function takeOver(above: Place, log: VoteLog, folder: string): Promise<void> {
  if (isBefore(log.completeFrom, above)) {
    await log.mark({ type: 'complete', from: above });
  }
  await retireOldVotes(folder);
}

interface SeatParts {
  readonly log: VoteLog;
  readonly signer: Signer;
  readonly silence: SilenceGuard;
}

/** Why one was not signed; what the signer did not mean to say goes on. */
function codeOf({ reason }: PromiseRejectedResult): SignerErrorCode {
  const error: unknown = reason;
  if (!(error instanceof SignerError)) throw error;
  return error.code;
}

/** A seat of this process; `openSeat` makes it. */
export class Seat implements SeatMemory {
  readonly seat: number;
  readonly silence: SilenceGuard;
  readonly signer: Signer;
  readonly #log: VoteLog;

  constructor(seat: number, { log, signer, silence }: SeatParts) {
    this.seat = seat;
    this.silence = silence;
    this.signer = signer;
    this.#log = log;
  }

  get publicKey(): Uint8Array {
    return this.signer.publicKey;
  }

  statementsOf(epoch: number): readonly SignedStatement[] {
    return this.#log.statementsOf(epoch);
  }

  async record(
    statements: readonly SignedStatement[],
    syncCone: () => Promise<void>,
    mayWait = false,
  ): Promise<Uint8Array[]> {
    const said = statements.filter((one) => this.#maySay(one));
    const isNew = (one: SignedStatement): boolean => !this.#log.holds(one);
    if (said.some((one) => one.kind === 'notarize' && isNew(one))) await syncCone();
    if (mayWait) this.#log.keep(said);
    else await this.#log.append(said);
    const results = await Promise.allSettled(statements.map((one) => this.#sign(one)));
    const refusals = results.flatMap((one) => (one.status === 'rejected' ? [codeOf(one)] : []));
    const signatures = results.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
    if (refusals.length > 0) throw new RefusedError(refusals, signatures);
    return signatures.filter((one) => one !== undefined);
  }

  async forget(belowEpoch: number, belowView: bigint): Promise<void> {
    await this.#log.forget({ epoch: belowEpoch, view: belowView });
  }

  async close(): Promise<void> {
    await this.#log.close();
    await this.signer.close();
  }

  /** Ratifications contradict nothing, wherever they are said. */
  #maySay({ kind, epoch, view }: SignedStatement): boolean {
    const below = this.silence.silentBelow(epoch);
    return kind === 'ratify' || (below !== undefined && view >= below);
  }

  /** Asked again: the guard may have closed while the disk was busy. */
  async #sign(statement: SignedStatement): Promise<Uint8Array> {
    if (!this.#maySay(statement)) {
      throw new SignerError(this.silence.reason === undefined ? 'below' : 'silent');
    }
    return await this.signer.sign(statement, this.#log.owner.networkId);
  }
}
