/**
 * The light client at work on a node's answers: nothing that this file has not proven counts as
 * confirmed, included or unspent. Before: node-client.ts; after: core/milestone/light-client.ts.
 * Spec: docs/spec/05-light-client.md.
 */
import { blockIdOf } from '../../core/codec/block.ts';
import type { Block } from '../../core/codec/block.ts';
import { bytesToHex, hexToBytes } from '../../core/codec/ids.ts';
import type { BlockId, OutputId } from '../../core/codec/ids.ts';
import { decodeMilestone } from '../../core/codec/milestone.ts';
import type { Output } from '../../core/codec/output.ts';
import { epochOf, lastOfEpoch } from '../../core/milestone/committee.ts';
import {
  verifyBlockInclusion,
  verifyPayment,
  verifyUnspent,
} from '../../core/milestone/light-client.ts';
import type { LightClient, TrustedMilestone } from '../../core/milestone/light-client.ts';
import type { ErrorCode, Failure, Outcome } from '../../core/outcome.ts';
import type { Clock, Hasher } from '../../core/ports.ts';
import type { BalanceDto, BlockProofDto, InfoDto, OutputProofDto } from './dto.ts';

/** A node told something that its proof does not bear out. */
export class ProofError extends Error {
  readonly code: ErrorCode;

  constructor(failure: Failure) {
    super(
      `proof refused: ${failure.code}${failure.detail === undefined ? '' : ` (${failure.detail})`}`,
    );
    this.name = 'ProofError';
    this.code = failure.code;
  }
}

export interface ProofCheckerDeps {
  readonly hasher: Hasher;
  readonly clock: Clock;
  /** Asked for the way to the present committee when the one known has ended its term. */
  readonly client: {
    info(): Promise<Pick<InfoDto, 'committee'>>;
    milestone(index: number): Promise<Uint8Array>;
  };
}

export interface ProvenInclusion {
  readonly milestone: TrustedMilestone;
  readonly block: Block;
  readonly blockBytes: Uint8Array;
  /** True when the milestone also applied the block's transaction. */
  readonly applied: boolean;
}

export interface ProvenUnspent {
  readonly milestone: TrustedMilestone;
  readonly output: Output;
}

/** How a milestone of a later term looks to who knows only the committee before it. */
const LATER_TERM: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'milestone-epoch',
  'certificate-quorum',
  'certificate-signature',
]);
/** Milestones whose certificates need not be checked again. */
const MAX_REMEMBERED = 64;

export class ProofChecker {
  readonly #lightClient: LightClient;
  readonly #deps: ProofCheckerDeps;
  readonly #checked = new Map<string, TrustedMilestone>();

  /** `lightClient` comes from a genesis or a checkpoint that the user trusts. */
  constructor(lightClient: LightClient, deps: ProofCheckerDeps) {
    this.#lightClient = lightClient;
    this.#deps = deps;
  }

  /** Checks an encoded milestone with its certificate. Throws ProofError. */
  async milestone(bytes: Uint8Array): Promise<TrustedMilestone> {
    const key = bytesToHex(this.#deps.hasher.blake2b256(bytes));
    const known = this.#checked.get(key);
    if (known !== undefined) return known;
    const milestone = proven(await this.#check(bytes));
    this.#checked.set(key, milestone);
    if (this.#checked.size > MAX_REMEMBERED) {
      for (const oldest of this.#checked.keys()) {
        this.#checked.delete(oldest);
        break;
      }
    }
    return milestone;
  }

  /**
   * Proves that a milestone references block `id`, and whether it applied it. Throws ProofError.
   */
  async inclusion(id: BlockId, proof: BlockProofDto): Promise<ProvenInclusion> {
    const { hasher } = this.#deps;
    const milestone = await this.milestone(hexToBytes(proof.milestone));
    const blockBytes = hexToBytes(proof.block);
    const path = hexToBytes(proof.inclusionPath);
    const { block } = proven(verifyBlockInclusion(milestone, blockBytes, path, hasher));
    if (blockIdOf(blockBytes, hasher) !== id) {
      throw new ProofError({ ok: false, action: 'reject', code: 'proof-invalid' });
    }
    if (proof.appliedPath === undefined) return { milestone, block, blockBytes, applied: false };
    const appliedPath = hexToBytes(proof.appliedPath);
    proven(verifyPayment(milestone, blockBytes, appliedPath, 0, hasher));
    return { milestone, block, blockBytes, applied: true };
  }

  /** Proves that an output is unspent at a milestone that is not stale. Throws ProofError. */
  async unspent(id: OutputId, proof: OutputProofDto): Promise<ProvenUnspent> {
    const milestone = await this.milestone(hexToBytes(proof.milestone));
    proven(this.#lightClient.checkFreshness(milestone, this.#deps.clock.nowMs()));
    const outputBytes = hexToBytes(proof.output);
    const path = hexToBytes(proof.path);
    const output = proven(verifyUnspent(milestone, id, outputBytes, path, this.#deps.hasher));
    return { milestone, output };
  }

  /** Proves the outputs of a balance; gives the sum of those that are proven to be unspent. */
  async balance(balance: BalanceDto): Promise<bigint> {
    const { milestone, outputs } = balance;
    const seen = new Set<OutputId>();
    let sum = 0n;
    for (const { outputId, output, path } of outputs) {
      const unspent = (await this.unspent(outputId, { milestone, output, path })).output;
      const isOwn = unspent.kind === 'basic' && unspent.address === balance.address;
      if (!isOwn || seen.has(outputId)) {
        throw new ProofError({ ok: false, action: 'reject', code: 'proof-invalid' });
      }
      seen.add(outputId);
      sum += unspent.amount;
    }
    return sum;
  }

  /** A milestone of a later term is checked again when the committee of that term is known. */
  async #check(bytes: Uint8Array): Promise<Outcome<TrustedMilestone>> {
    const outcome = this.#checkNow(bytes);
    if (outcome.ok || !LATER_TERM.has(outcome.code)) return outcome;
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded;
    const { params, newest } = this.#lightClient.state;
    const { epoch, index } = decoded.value.header;
    const isLater = epoch > newest.epoch && epoch === epochOf(index, params);
    return isLater && (await this.#followTo(epoch)) ? this.#checkNow(bytes) : outcome;
  }

  #checkNow(bytes: Uint8Array): Outcome<TrustedMilestone> {
    return this.#lightClient.checkMilestone(bytes, this.#deps.clock.nowMs());
  }

  /**
   * Finds the last milestone that the known committee certified, and follows to the committee that
   * it names if that is the node's present one. By halves, since a committee may sit for many
   * epochs: at most 32 requests, whatever epoch a node makes us believe in.
   */
  async #followTo(epoch: number): Promise<boolean> {
    let [low, high] = [this.#lightClient.state.newest.epoch - 1, epoch];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#isOfKnownCommittee(middle)) low = middle;
      else high = middle;
    }
    const { committee } = await this.#deps.client.info();
    return this.#lightClient.followCommittee(committee.map((key) => hexToBytes(key))).ok;
  }

  /** Whether the known committee still certified the last milestone of `epoch`. */
  async #isOfKnownCommittee(epoch: number): Promise<boolean> {
    const index = lastOfEpoch(epoch, this.#lightClient.state.params);
    return this.#checkNow(await this.#deps.client.milestone(index)).ok;
  }
}

function proven<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new ProofError(outcome);
}
