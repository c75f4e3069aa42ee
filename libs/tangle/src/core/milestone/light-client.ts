/**
 * Trust without a node: a client that knows the genesis checks certificates and audit paths itself
 * and believes no server. Pure and free of Node, so that a browser runs it with noble alone.
 * Path: a node's proof (`GET blocks/:id/proof`, `outputs/:id/proof`) → here → wallet or inbox.
 * Spec: docs/spec/05-light-client.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { Block } from '../codec/block.ts';
import { blockIdOf, decodeBlock, payloadBytesOf } from '../codec/block.ts';
import type { Checkpoint } from '../codec/checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../codec/checkpoint.ts';
import type { Genesis } from '../codec/genesis.ts';
import type { BlockId, MilestoneId, OutputId, TransactionId } from '../codec/ids.ts';
import { idToBytes, outputIdOf } from '../codec/ids.ts';
import type { Milestone, MilestoneBody, MilestoneHeader } from '../codec/milestone.ts';
import { decodeMilestone, milestoneIdOf } from '../codec/milestone.ts';
import type { Output } from '../codec/output.ts';
import { decodeOutput } from '../codec/output.ts';
import type { Transaction } from '../codec/transaction.ts';
import { transactionIdOf } from '../codec/transaction.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import { decodeAuditPath, verifyAuditPath } from '../crypto/merkle.ts';
import { decodeStateProof, verifyStateProof } from '../ledger/state-proof.ts';
import type { Outcome } from '../outcome.ts';
import { fail, succeed } from '../outcome.ts';
import { FRESHNESS_MARGIN_MS } from '../params/limits.ts';
import type { Hasher, Verifier } from '../ports.ts';
import { checkMilestoneBody } from './body.ts';
import { checkFinality } from './certificate.ts';
import { checkCommittee, committeeRoot, epochOf, isLastOfEpoch } from './committee.ts';
import { electionIndex } from './election.ts';
import { genesisMilestone } from './genesis.ts';
import { checkNewTerm, firstDigest, nextDigest, Terms, type Term } from './terms.ts';

declare const trusted: unique symbol;

/** A final milestone whose certificate was checked; only `LightClient` makes one. */
export interface TrustedMilestone {
  readonly [trusted]: true;
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
}

/** Backends; noble unless something faster is at hand. */
export interface LightClientCrypto {
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

const NOBLE: LightClientCrypto = { hasher: nobleHasher, verifier: nobleVerifier };

/** Follows the chain of certified milestones. */
export class LightClient {
  readonly #crypto: LightClientCrypto;
  #state: Checkpoint;
  /** From that of genesis on, or from that of the checkpoint until `recallTerms`. */
  #terms: Terms;

  private constructor(state: Checkpoint, crypto: LightClientCrypto) {
    this.#state = state;
    this.#crypto = crypto;
    this.#terms = new Terms([{ epoch: state.epoch, committee: state.committee }]);
  }

  /** Starts from the genesis document alone. The document has passed `checkGenesis`. */
  static fromGenesis(genesis: Genesis, crypto = NOBLE): LightClient {
    const { networkId, id, header } = genesisMilestone(genesis, crypto.hasher);
    const { committee } = genesis;
    const { epochLength, heartbeatMs, maxDriftMs } = genesis.params;
    const params = { epochLength, heartbeatMs, maxDriftMs };
    const state = { networkId, genesisId: id, params, committee, epoch: 0, newest: header };
    return new LightClient(state, crypto);
  }

  /**
   * Starts from what `checkpoint()` of a light client wrote, which must come from a place as good
   * as a genesis would: nothing in it proves that it is true.
   * Codes: those of form, `committee-invalid`, `checkpoint-invalid`.
   */
  static fromCheckpoint(bytes: Uint8Array, crypto = NOBLE): Outcome<LightClient> {
    const decoded = decodeCheckpoint(bytes);
    if (!decoded.ok) return decoded;
    const sound = checkCheckpoint(decoded.value, crypto.hasher);
    return sound.ok ? succeed(new LightClient(decoded.value, crypto)) : sound;
  }

  /** What is known so far. */
  get state(): Checkpoint {
    return this.#state;
  }

  /** The same as bytes: kept over a restart, it spares all that was checked and cannot go back. */
  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.#state);
  }

  /**
   * Checks an encoded milestone and remembers the newest. Old ones are welcome: proofs refer to
   * them. `nowMs` is the client's clock.
   * Codes: those of form; `milestone-epoch` (of a term whose committee is not known here: call
   * `followElection` for a later one, `recallTerms` for an earlier one), `milestone-timestamp`,
   * `milestone-root` (body and header differ, or the header names another committee than the one
   * whose turn is next), those of certificates, and
   * `milestone-fork`: two final milestones of one index, which means that a third of the committee
   * broke its word; show it to the user and believe neither.
   */
  checkMilestone(bytes: Uint8Array, nowMs: number): Outcome<TrustedMilestone> {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded;
    const { header, body } = decoded.value;
    const { hasher } = this.#crypto;
    const id = milestoneIdOf(header, hasher);
    const sound = checkMilestoneBody(decoded.value, hasher);
    if (!sound.ok) return sound;
    const certified = this.#checkCertified(decoded.value, id);
    if (!certified.ok) return certified;
    const timely = this.#checkTime(header, id, nowMs);
    if (!timely.ok) return timely;
    if (header.index > this.#state.newest.index) this.#state = { ...this.#state, newest: header };
    return succeed({ id, header, body } as TrustedMilestone);
  }

  /**
   * Follows an election, given as the encoded milestone that holds it: the committee that it names
   * is trusted from the next epoch on. They are followed in their order; one that was followed
   * already changes nothing.
   * Codes: those of form and of `checkNewTerm`; `milestone-epoch` (of a term that is over or not
   * known), `milestone-timestamp`, and `milestone-fork`: a second election of the same epoch.
   */
  followElection(bytes: Uint8Array, nowMs: number): Outcome<void> {
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded;
    const { header } = decoded.value;
    const { hasher } = this.#crypto;
    const { networkId, params, newest } = this.#state;
    const sitting = this.#terms.at(header.epoch);
    if (sitting === undefined) return fail('milestone-epoch', `epoch ${header.epoch} is over`);
    const context = { networkId, params, ...this.#crypto };
    const elected = checkNewTerm(decoded.value, sitting.committee, context);
    if (!elected.ok) return elected;
    const term = elected.value;
    if (term.epoch <= this.#state.epoch) return this.#checkFollowed(term);
    const timely = this.#checkTime(header, milestoneIdOf(header, hasher), nowMs);
    if (!timely.ok) return timely;
    const before = this.#state.followed ?? firstDigest(this.#state.committee, hasher);
    const followed = nextDigest(before, term, hasher);
    const latest = header.index > newest.index ? header : newest;
    this.#terms.add(term);
    this.#state = { ...this.#state, ...term, followed, newest: latest };
    return succeed(undefined);
  }

  /**
   * Learns again who sat before: the committee of genesis and all that were followed since, in
   * their order and given by anybody. Proofs of earlier terms can then be checked.
   * Code: `proof-invalid` (these are not the ones that led here).
   */
  recallTerms(terms: readonly Term[]): Outcome<void> {
    const { hasher } = this.#crypto;
    const { epoch, committee, followed } = this.#state;
    const [first, ...rest] = terms;
    const known = followed ?? firstDigest(committee, hasher);
    if (first?.epoch !== 0 || rest.length !== known.elections) {
      return fail('proof-invalid', `${rest.length} elections, ${known.elections} were followed`);
    }
    const all = rest.reduce(
      (before, term) => nextDigest(before, term, hasher),
      firstDigest(first.committee, hasher),
    );
    if (!equalBytes(all.digest, known.digest) || terms.at(-1)?.epoch !== epoch) {
      return fail('proof-invalid', 'other elections than those that were followed');
    }
    this.#terms = new Terms(terms);
    return succeed(undefined);
  }

  /** 'proof-stale' when the milestone is older than a heartbeat and 60 s: it may hide a spend. */
  checkFreshness(milestone: TrustedMilestone, nowMs: number): Outcome<void> {
    const ageMs = nowMs - milestone.header.timestampMs;
    const fresh = ageMs <= this.#state.params.heartbeatMs + FRESHNESS_MARGIN_MS;
    return fresh ? succeed(undefined) : fail('proof-stale', `${ageMs} ms old`);
  }

  /** Milestone 0 is trusted by its id; no committee ever signed it. */
  #checkCertified({ header, certificate }: Milestone, id: MilestoneId): Outcome<void> {
    const { networkId, genesisId, params, epoch } = this.#state;
    if (header.index === 0) {
      return id === genesisId
        ? succeed(undefined)
        : fail('certificate-mismatch', 'not the genesis');
    }
    const sitting = this.#terms.at(header.epoch);
    if (sitting === undefined || header.epoch !== epochOf(header.index, params)) {
      return fail('milestone-epoch', `epoch ${header.epoch}, the committee known is of ${epoch}`);
    }
    const { committee } = sitting;
    const final = checkFinality(header, certificate, committee, networkId, this.#crypto);
    if (!final.ok) return final;
    // Signatures of an epoch in which other keys sat are under headers that name those.
    const next = this.#terms.at(epochOf(header.index + 1, params)) ?? sitting;
    const root = committeeRoot(next.committee, this.#crypto.hasher);
    if (equalBytes(header.committeeRoot, root)) return succeed(undefined);
    return isLastOfEpoch(header.index, params) && header.epoch >= epoch
      ? fail('milestone-epoch', 'it names a committee whose election was not followed')
      : fail('milestone-root', 'committeeRoot');
  }

  /** An election of a term that was followed: the one that was followed, or a lie. */
  #checkFollowed({ epoch, committee }: Term): Outcome<void> {
    const known = this.#terms.at(epoch);
    if (known?.epoch !== epoch) return fail('milestone-epoch', `epoch ${epoch} is over`);
    const { hasher } = this.#crypto;
    return equalBytes(committeeRoot(committee, hasher), committeeRoot(known.committee, hasher))
      ? succeed(undefined)
      : fail('milestone-fork', `two elections for epoch ${epoch}`);
  }

  #checkTime(header: MilestoneHeader, id: MilestoneId, nowMs: number): Outcome<void> {
    const { newest } = this.#state;
    if (header.timestampMs > nowMs + this.#state.params.maxDriftMs) {
      return fail('milestone-timestamp', 'ahead of the clock');
    }
    if (header.index === newest.index) {
      const same = id === milestoneIdOf(newest, this.#crypto.hasher);
      return same ? succeed(undefined) : fail('milestone-fork', `index ${header.index}`);
    }
    const later = header.timestampMs > newest.timestampMs;
    return later === header.index > newest.index
      ? succeed(undefined)
      : fail('milestone-timestamp', 'time and index run against each other');
  }
}

/**
 * Whether the parts of a checkpoint fit together, as those of every light client do. Codes:
 * `committee-invalid`, `checkpoint-invalid`.
 */
function checkCheckpoint(checkpoint: Checkpoint, hasher: Hasher): Outcome<void> {
  const { genesisId, params, epoch, committee, newest } = checkpoint;
  const valid = checkCommittee(committee);
  if (!valid.ok) return valid;
  if (newest.epoch !== epochOf(newest.index, params)) return fail('checkpoint-invalid', 'epoch');
  if (newest.index === 0 && milestoneIdOf(newest, hasher) !== genesisId) {
    return fail('checkpoint-invalid', 'genesisId');
  }
  // The newest milestone is of the committee's term, or of the epoch that elected it, from the
  // election on: whoever follows one has seen it.
  const isElected = epoch === newest.epoch + 1;
  if (epoch > newest.epoch && !(isElected && newest.index >= electionIndex(newest.epoch, params))) {
    return fail('checkpoint-invalid', 'epoch');
  }
  // Later ones may name another: that of a term which this client has yet to follow.
  return epoch > 0 || equalBytes(committeeRoot(committee, hasher), newest.committeeRoot)
    ? succeed(undefined)
    : fail('checkpoint-invalid', 'committee');
}

/** A block that a milestone certainly contains. */
export interface ProvenBlock {
  readonly blockId: BlockId;
  readonly block: Block;
}

/** An output that a milestone certainly created. */
export interface ProvenPayment extends ProvenBlock {
  readonly transactionId: TransactionId;
  readonly transaction: Transaction;
  readonly outputId: OutputId;
  readonly output: Output;
}

/**
 * Proves that `milestone` newly references this block. `path` is an encoded audit path to
 * `inclusionRoot`. Codes: those of form, `proof-invalid`.
 */
export function verifyBlockInclusion(
  milestone: TrustedMilestone,
  blockBytes: Uint8Array,
  path: Uint8Array,
  hasher: Hasher = nobleHasher,
): Outcome<ProvenBlock> {
  return verifyPath(milestone.header.inclusionRoot, blockBytes, path, hasher);
}

/**
 * Proves that `milestone` applied the block's transaction and so created its output `outputIndex`.
 * `appliedPath` is an encoded audit path to `appliedRoot`. It says nothing of later spends: ask
 * `verifyUnspent` for that. Codes: those of form, `proof-invalid`.
 */
export function verifyPayment(
  milestone: TrustedMilestone,
  blockBytes: Uint8Array,
  appliedPath: Uint8Array,
  outputIndex: number,
  hasher: Hasher = nobleHasher,
): Outcome<ProvenPayment> {
  const proven = verifyPath(milestone.header.appliedRoot, blockBytes, appliedPath, hasher);
  if (!proven.ok) return proven;
  const { payload } = proven.value.block;
  if (payload?.kind !== 'transaction') return fail('proof-invalid', 'no transaction');
  const output = payload.outputs[outputIndex];
  if (output === undefined) return fail('proof-invalid', 'no such output');
  const transactionId = transactionIdOf(payloadBytesOf(blockBytes), hasher);
  const outputId = outputIdOf(transactionId, outputIndex);
  return succeed({ ...proven.value, transaction: payload, transactionId, outputId, output });
}

/**
 * Proves that an output with these bytes is unspent after `milestone`. Check that milestone's
 * freshness too: an old state proves nothing of today. Codes: those of form, `proof-invalid`.
 */
export function verifyUnspent(
  milestone: TrustedMilestone,
  outputId: OutputId,
  outputBytes: Uint8Array,
  proofBytes: Uint8Array,
  hasher: Hasher = nobleHasher,
): Outcome<Output> {
  const output = decodeOutput(outputBytes);
  if (!output.ok) return output;
  const proof = decodeStateProof(proofBytes);
  if (!proof.ok) return proof;
  const outputHash = hasher.blake2b256(outputBytes);
  const { stateRoot } = milestone.header;
  return verifyStateProof(stateRoot, outputId, outputHash, proof.value, hasher)
    ? output
    : fail('proof-invalid', 'stateRoot');
}

function verifyPath(
  root: Uint8Array,
  blockBytes: Uint8Array,
  pathBytes: Uint8Array,
  hasher: Hasher,
): Outcome<ProvenBlock> {
  const block = decodeBlock(blockBytes);
  if (!block.ok) return block;
  const path = decodeAuditPath(pathBytes);
  if (!path.ok) return path;
  const blockId = blockIdOf(blockBytes, hasher);
  return verifyAuditPath(idToBytes(blockId), path.value, root, hasher)
    ? succeed({ blockId, block: block.value })
    : fail('proof-invalid', 'audit path');
}
