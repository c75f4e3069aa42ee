/**
 * A validator's memory: its log, its key, and where it keeps silent, joined. Whether the key sits
 * in a committee changes with the epochs; what it said counts wherever it sits again.
 * Path: agreement → here → vote-log.ts, silence-guard.ts, signer.ts. Spec: docs/spec/16-signer.md.
 */
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import { epochOf, faultsTolerated } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { seatIn, type Committees } from '../committees.ts';
import { readOldVotes, retireOldVotes } from './import-votes.ts';
import type { SeatMemory, Signer } from './seat-memory.ts';
import { SilenceGuard } from './silence-guard.ts';
import { openVoteDisk } from './vote-disk.ts';
import { RefusedError, SignerError, VoteError, type SignerErrorCode } from './vote-error.ts';
import { VoteLog } from './vote-log.ts';
import { isBefore, type Completeness, type Place } from './vote-records.ts';

/** Why this process cannot validate; `message` is for the operator. */
export class ValidatorError extends Error {
  override readonly name = 'ValidatorError';
}

/** Throws ValidatorError for a key that has no seat and can never be elected. */
export function checkMaySit(
  publicKey: Uint8Array,
  { committee, params }: Pick<Genesis, 'committee' | 'params'>,
): void {
  if (params.validatorBondMin > 0n || seatIn(committee, publicKey) !== undefined) return;
  throw new ValidatorError('the validator’s key has no seat in the committee');
}

export interface SeatOptions {
  /** The folder of `votes.log`. */
  readonly dataDir: string;
  readonly networkId: bigint;
  readonly committees: Pick<Committees, 'of' | 'hasSat'>;
  readonly params: NetworkParams;
  /** Index of the last milestone in the store: above 0 the key may have spoken before. */
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
 * Opens the memory of the signer's key, whether it has a seat now or not. Throws VoteError (a log
 * that is damaged, another's, or gone where nobody could go on without this seat) and StoreError.
 */
export async function openSeat(options: SeatOptions, deps: SeatDeps): Promise<Seat> {
  const { dataDir, networkId, committees, params, acceptLostVotes } = options;
  const { signer, hasher, clock, logger } = deps;
  const { publicKey } = signer;
  const disk = await openVoteDisk(dataDir, networkId);
  try {
    const owner = { networkId, publicKey };
    const above = await readOldVotes(dataDir, networkId, params);
    const log =
      (await VoteLog.open(disk, owner, hasher)) ??
      (await VoteLog.create(disk, owner, hasher, [
        firstEntry(options, publicKey, { above, path: disk.path }),
      ]));
    if (above !== undefined) await takeOver(above, log, dataDir);
    const { maxDriftMs } = params;
    const seatAt = (epoch: number): number | undefined => seatIn(committees.of(epoch), publicKey);
    const isNew = ({ index }: MilestoneHeader): boolean =>
      index === 0 || !committees.hasSat(publicKey, epochOf(index + 1, params));
    const parts = { log, seatIn: seatAt, isNew, clock, logger };
    const silence = new SilenceGuard({ maxDriftMs, acceptLostVotes }, parts);
    return new Seat({ log, signer, silence });
  } catch (error) {
    await disk.close();
    throw error;
  }
}

/** What a log that is not there begins with. */
function firstEntry(
  { latestIndex, committees, params, acceptLostVotes }: SeatOptions,
  publicKey: Uint8Array,
  { above, path }: { readonly above: Place | undefined; readonly path: string },
): Completeness {
  if (above !== undefined) return { type: 'complete', from: above };
  const epoch = epochOf(latestIndex + 1, params);
  // Whoever had no seat yet has said nothing that could be lost.
  if (latestIndex === 0 || !committees.hasSat(publicKey, epoch)) return BEGINNING;
  const committee = committees.of(epoch);
  const isNeeded =
    seatIn(committee, publicKey) !== undefined && faultsTolerated(committee.length) === 0;
  // Without a seat that may be missing nobody makes the milestone that this one would wait for.
  if (isNeeded && !acceptLostVotes) {
    throw new VoteError(
      `${path} is gone, and the network stands still without this seat. Bring the file back; ` +
        'if it is lost for good and nothing else runs with this key, start with ' +
        '--accept-lost-votes',
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

/** The validator of this process; `openSeat` makes it. */
export class Seat implements SeatMemory {
  readonly silence: SilenceGuard;
  readonly signer: Signer;
  readonly #log: VoteLog;

  constructor({ log, signer, silence }: SeatParts) {
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
  ): Promise<Uint8Array[]> {
    const said = statements.filter((one) => this.#maySay(one));
    const isNew = (one: SignedStatement): boolean => !this.#log.holds(one);
    if (said.some((one) => one.kind === 'notarize' && isNew(one))) await syncCone();
    await this.#log.append(said);
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
