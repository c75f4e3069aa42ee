/**
 * The syntactic rules of one block: everything that can be said about it without any other block.
 * The cheapest checks come first, so that garbage costs its sender more than its receiver.
 * Path: codec/block.ts before it, dag/ after it. Spec: docs/spec/01-block.md and 02-transaction.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import {
  BLOCK_VERSION,
  blockIdOf,
  decodeBlock,
  MIN_BLOCK_SIZE,
  payloadBytesOf,
  type Block,
} from '../codec/block.ts';
import { bytesToHex, type BlockId, type TransactionId } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { signingMessage, transactionIdOf, type Transaction } from '../codec/transaction.ts';
import type { EvidenceUnlock, Unlock } from '../codec/unlock.ts';
import { isCanonicalPublicKey } from '../crypto/ed25519-strict.ts';
import { fail, succeed, type Failure, type Outcome } from '../outcome.ts';
import { MAX_BLOCK_SIZE } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher, SignatureClaim } from '../ports.ts';
import { minimumAmount } from './deposit.ts';
import { powDifficulty, powScore } from './pow.ts';

const U64_MAX = 0xffff_ffff_ffff_ffffn;

export interface BlockRules {
  readonly params: NetworkParams;
  readonly networkId: bigint;
  /**
   * Load term of the last milestone's options. 0 for a block that a final milestone covers: its
   * base difficulty is a rule, the load term only what a node asks at the time of arrival.
   */
  readonly loadBits: number;
  readonly hasher: Hasher;
}

/** A block that keeps all syntactic rules. */
export interface CheckedBlock {
  readonly id: BlockId;
  /** The bytes as they came; `block` shares memory with them. */
  readonly bytes: Uint8Array;
  readonly block: Block;
  /** Leading zero bits that the nonce reaches. */
  readonly powScore: number;
  /** Present exactly if the payload is a transaction. */
  readonly transactionId?: TransactionId;
}

/** Checks one block from the wire: size, version and network, proof of work, form, rules. */
export function checkBlock(bytes: Uint8Array, rules: BlockRules): Outcome<CheckedBlock> {
  const { hasher } = rules;
  const framed = checkFrame(bytes, rules);
  if (framed !== undefined) return framed;
  // One pass over the bytes makes both hashes; without it, garbage is not worth the second.
  const quick = hasher.quick?.hashBlock(bytes);
  const score = quick?.powScore ?? powScore(bytes, hasher);
  const worked = checkWork(bytes.length, score, rules);
  if (worked !== undefined) return worked;
  const decoded = decodeBlock(bytes);
  if (!decoded.ok) return decoded;
  const block = decoded.value;
  const id = quick?.id ?? blockIdOf(bytes, hasher);
  const checked = { id, bytes, block, powScore: score };
  if (block.payload?.kind !== 'transaction') return succeed(checked);
  const failure = checkTransactionSyntax(block.payload, rules);
  if (failure !== undefined) return failure;
  return succeed({ ...checked, transactionId: transactionIdOf(payloadBytesOf(bytes), hasher) });
}

/** What a look at a few bytes tells: size, version, network. */
function checkFrame(bytes: Uint8Array, rules: BlockRules): Failure | undefined {
  if (bytes.length > MAX_BLOCK_SIZE) return fail('too-large');
  if (bytes.length < MIN_BLOCK_SIZE) return fail('truncated');
  if (bytes[0] !== BLOCK_VERSION) return fail('version-unknown');
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (words.getBigUint64(1, true) !== rules.networkId) return fail('network-id-wrong');
  return undefined;
}

function checkWork(size: number, score: number, rules: BlockRules): Failure | undefined {
  const { loadBits, params } = rules;
  const needed = powDifficulty(size, params, 0);
  if (score < needed) return fail('pow-insufficient');
  return score < needed + loadBits ? fail('pow-below-load') : undefined;
}

/** The rules of a transaction that need no ledger; undefined if it keeps them. */
export function checkTransactionSyntax(
  transaction: Transaction,
  rules: Pick<BlockRules, 'params' | 'networkId'>,
): Failure | undefined {
  if (transaction.networkId !== rules.networkId) return fail('network-id-wrong');
  const { inputs } = transaction;
  if (inputs.length > 1 && new Set(inputs).size !== inputs.length) return fail('input-not-unique');
  return checkOutputs(transaction.outputs, rules.params) ?? checkUnlocks(transaction.unlocks);
}

function checkOutputs(outputs: readonly Output[], params: NetworkParams): Failure | undefined {
  let sum = 0n;
  for (const output of outputs) {
    if (output.amount === 0n) return fail('amount-zero');
    if (output.amount < minimumAmount(output, params)) return fail('deposit-too-small');
    if (output.kind === 'validator-bond' && !isCanonicalPublicKey(output.publicKey)) {
      return fail('output-key-invalid');
    }
    sum += output.amount;
  }
  return sum > U64_MAX ? fail('sum-overflow') : undefined;
}

/** One key signs once; further inputs of the same owner refer back to that signature. */
function checkUnlocks(unlocks: readonly Unlock[]): Failure | undefined {
  const keys = new Set<string>();
  for (const [index, unlock] of unlocks.entries()) {
    if (unlock.kind === 'reference') {
      const isValid = unlock.index < index && unlocks[unlock.index]?.kind === 'signature';
      if (!isValid) return fail('unlock-reference-invalid');
    } else if (unlock.kind === 'signature') {
      const key = bytesToHex(unlock.publicKey);
      if (keys.has(key)) return fail('unlock-not-unique');
      keys.add(key);
    } else if (unlock.kind === 'evidence' && !contradicts(unlock.statements)) {
      return fail('evidence-invalid');
    }
  }
  return undefined;
}

/**
 * Whether no honest validator signs both in one view: one kind with two digests, or that it leaves
 * the view and that it is final. Spec: docs/spec/15-consensus.md §9.
 */
function contradicts([first, second]: EvidenceUnlock['statements']): boolean {
  const isNullify = first.kind === 'nullify' && first.digest.every((byte) => byte === 0);
  if (first.kind === second.kind) {
    return first.kind !== 'nullify' && !equalBytes(first.digest, second.digest);
  }
  return isNullify && second.kind === 'finalize';
}

/**
 * The signatures that a block's transaction stands on, for a verifier's batch: owners' and payees'
 * over the signing message. Voucher signatures are checked with the ledger, which knows the payer.
 */
export function signatureClaims(block: Block, hasher: Hasher): SignatureClaim[] {
  if (block.payload?.kind !== 'transaction') return [];
  const message = signingMessage(block.payload, hasher);
  const claims: SignatureClaim[] = [];
  for (const unlock of block.payload.unlocks) {
    if (unlock.kind === 'reference' || unlock.kind === 'evidence') continue;
    claims.push({ publicKey: unlock.publicKey, message, signature: unlock.signature });
  }
  return claims;
}
