/**
 * The light client at work on a node's answers: nothing that this file has not proven counts as
 * confirmed, included or unspent. Before: node-client.ts; after: core/milestone/light-client.ts.
 * Spec: docs/spec/05-light-client.md.
 */
import { blockIdOf } from '../../core/codec/block.ts';
import type { Block } from '../../core/codec/block.ts';
import { bytesToHex, hexToBytes } from '../../core/codec/ids.ts';
import type { BlockId, OutputId } from '../../core/codec/ids.ts';
import type { Output } from '../../core/codec/output.ts';
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
  /** The node's present committee, asked for when the one known has ended its term. */
  readonly client: { info(options?: { signal?: AbortSignal }): Promise<InfoDto> };
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

/** Milestones whose certificates need not be checked again. */
const MAX_REMEMBERED = 64;

export class ProofChecker {
  readonly #lightClient: LightClient;
  readonly #deps: ProofCheckerDeps;
  readonly #checked = new Map<string, TrustedMilestone>();

  /** `lightClient` comes from `LightClient.fromGenesis` of a genesis that the user trusts. */
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

  /** A new committee is believed only when the newest checked milestone names it. */
  async #check(bytes: Uint8Array): Promise<Outcome<TrustedMilestone>> {
    const nowMs = this.#deps.clock.nowMs();
    const outcome = this.#lightClient.checkMilestone(bytes, nowMs);
    if (outcome.ok || outcome.code !== 'milestone-epoch') return outcome;
    const { committee } = await this.#deps.client.info();
    const followed = this.#lightClient.followCommittee(committee.map((key) => hexToBytes(key)));
    return followed.ok ? this.#lightClient.checkMilestone(bytes, nowMs) : outcome;
  }
}

function proven<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new ProofError(outcome);
}
