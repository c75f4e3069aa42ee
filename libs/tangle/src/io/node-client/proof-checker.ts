/**
 * The light client at work on a node's answers: nothing that this file has not proven counts as
 * confirmed, included or unspent. Before: node-client.ts; after: core/milestone/light-client.ts.
 * Spec: docs/spec/05-light-client.md.
 */
import { blockIdOf } from '../../core/codec/block.ts';
import type { Block } from '../../core/codec/block.ts';
import { bytesToHex, hexToBytes } from '../../core/codec/ids.ts';
import type { BlockId, OutputId } from '../../core/codec/ids.ts';
import type { Genesis } from '../../core/codec/genesis.ts';
import { decodeMilestone, type Milestone } from '../../core/codec/milestone.ts';
import type { Output } from '../../core/codec/output.ts';
import { epochOf } from '../../core/milestone/committee.ts';
import {
  verifyBlockInclusion,
  verifyPayment,
  verifyUnspent,
} from '../../core/milestone/light-client.ts';
import type { LightClient, TrustedMilestone } from '../../core/milestone/light-client.ts';
import type { Term } from '../../core/milestone/terms.ts';
import { fail, type ErrorCode, type Failure, type Outcome } from '../../core/outcome.ts';
import type { Clock, Hasher } from '../../core/ports.ts';
import type { BalanceDto, BlockProofDto, OutputProofDto } from './dto.ts';
import type { ElectionsPage } from './node-client.ts';

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
  /** Asked for the way to another committee when the one known is not that of a proof. */
  readonly client: {
    genesis(): Promise<Pick<Genesis, 'committee'>>;
    elections(after: number): Promise<ElectionsPage>;
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

/**
 * How a milestone of another term looks to who does not know its committee. `milestone-root`: when
 * both committees share a quorum of seats, the certificate alone does not tell them apart.
 */
const OTHER_TERM: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'milestone-epoch',
  'milestone-root',
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

  /** A milestone of another term is checked again when the committee of that term is known. */
  async #check(bytes: Uint8Array): Promise<Outcome<TrustedMilestone>> {
    const outcome = this.#checkNow(bytes);
    if (outcome.ok || !OTHER_TERM.has(outcome.code)) return outcome;
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded;
    const { epoch, index } = decoded.value.header;
    const { params, epoch: known } = this.#lightClient.state;
    if (epoch !== epochOf(index, params)) return outcome;
    // The last milestone of an epoch names the committee of the next one.
    const needed = epochOf(index + 1, params);
    if (needed > known) await this.#followTo(needed);
    else if (epoch < known && outcome.code === 'milestone-epoch') await this.#recall();
    else return outcome;
    return this.#checkNow(bytes);
  }

  #checkNow(bytes: Uint8Array): Outcome<TrustedMilestone> {
    return this.#lightClient.checkMilestone(bytes, this.#deps.clock.nowMs());
  }

  /**
   * Follows the elections that began terms up to `epoch`. Each costs a certificate of the committee
   * before it, so that a node can make us read no more than truly were held, and one page of lies.
   */
  async #followTo(epoch: number): Promise<void> {
    for await (const election of this.#elections(this.#lightClient.state.epoch)) {
      if (election.epoch > epoch) return;
      const nowMs = this.#deps.clock.nowMs();
      const followed = this.#lightClient.followElection(election.bytes, nowMs);
      if (followed.ok) continue;
      const { detail = 'not held' } = followed;
      throw new ProofError({ ...followed, detail: `election for ${election.epoch}: ${detail}` });
    }
  }

  /**
   * Learns again who sat before the checkpoint that the light client began with. Nobody signs for
   * that now, nor need anybody: the checkpoint knows the whole way, whoever shows it.
   */
  async #recall(): Promise<void> {
    const { committee } = await this.#deps.client.genesis();
    const terms: Term[] = [{ epoch: 0, committee }];
    const count = this.#lightClient.state.followed?.elections ?? 0;
    for await (const { epoch, milestone } of this.#elections(0)) {
      if (terms.length > count) break;
      terms.push({ epoch, committee: milestone.body.options.nextCommittee ?? [] });
    }
    proven(this.#lightClient.recallTerms(terms));
  }

  /** The node's elections of terms that began after `epoch`, page by page; nothing is proven. */
  async *#elections(after: number): AsyncGenerator<Election> {
    let last = after;
    for (let isMore = true; isMore;) {
      const page = await this.#deps.client.elections(last);
      for (const bytes of page.elections) {
        const milestone = proven(decodeMilestone(bytes));
        const epoch = milestone.header.epoch + 1;
        if (epoch <= last) throw new ProofError(fail('proof-invalid', 'elections out of order'));
        yield { epoch, bytes, milestone };
        last = epoch;
      }
      // A node that promises more and gives nothing would have us ask for ever.
      isMore = page.more && page.elections.length > 0;
    }
  }
}

/** What a node says that named the committee of `epoch`. */
interface Election {
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly milestone: Milestone;
}

function proven<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new ProofError(outcome);
}
