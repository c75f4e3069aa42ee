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
import { genesisMilestone } from './genesis.ts';

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

  private constructor(state: Checkpoint, crypto: LightClientCrypto) {
    this.#state = state;
    this.#crypto = crypto;
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
   * Codes: those of form; `milestone-epoch` (another committee's term: call `followCommittee`),
   * `milestone-timestamp`, `milestone-root` (body and header differ, or a committee is named that
   * may not be named here), those of certificates, and
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
   * Changes to the committee that the newest milestone names, given its keys by anybody. That
   * milestone is the last one of its epoch: `checkMilestone` lets no other name another committee.
   * Codes: `committee-invalid` (no committee, or not the one that the milestone commits to).
   */
  followCommittee(committee: readonly Uint8Array[]): Outcome<void> {
    const valid = checkCommittee(committee);
    if (!valid.ok) return valid;
    const { newest, params } = this.#state;
    if (!equalBytes(committeeRoot(committee, this.#crypto.hasher), newest.committeeRoot)) {
      return fail('committee-invalid', 'the newest milestone names another committee');
    }
    if (this.#isCommitteeCurrent()) return succeed(undefined);
    const epoch = epochOf(newest.index + 1, params);
    this.#state = { ...this.#state, committee, epoch };
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
    const { networkId, genesisId, params, committee, epoch, newest } = this.#state;
    if (header.index === 0) {
      return id === genesisId
        ? succeed(undefined)
        : fail('certificate-mismatch', 'not the genesis');
    }
    const another = header.index > newest.index && !this.#isCommitteeCurrent();
    if (header.epoch < epoch || header.epoch !== epochOf(header.index, params) || another) {
      return fail('milestone-epoch', `epoch ${header.epoch}, the committee known is of ${epoch}`);
    }
    const final = checkFinality(header, certificate, committee, networkId, this.#crypto);
    if (!final.ok) return final;
    // Only a quorum that breaks the rules signs this; who believed it would be stuck for ever.
    const standing = committeeRoot(committee, this.#crypto.hasher);
    return isLastOfEpoch(header.index, params) || equalBytes(header.committeeRoot, standing)
      ? succeed(undefined)
      : fail('milestone-root', 'committeeRoot');
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

  #isCommitteeCurrent(): boolean {
    const root = committeeRoot(this.#state.committee, this.#crypto.hasher);
    return equalBytes(root, this.#state.newest.committeeRoot);
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
  // Either the committee certifies the next milestone, or its term has just ended and the client
  // has not followed yet.
  const isCurrent = equalBytes(committeeRoot(committee, hasher), newest.committeeRoot);
  if (!isCurrent && !isLastOfEpoch(newest.index, params)) {
    return fail('checkpoint-invalid', 'committee');
  }
  const latest = isCurrent ? epochOf(newest.index + 1, params) : newest.epoch;
  return epoch <= latest ? succeed(undefined) : fail('checkpoint-invalid', 'epoch');
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
