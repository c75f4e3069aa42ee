/**
 * Why a bond could not be made or changed, in sentences for its owner. Path: validator.ts → here.
 * Spec: docs/spec/08-ledger.md §3.
 */
import type { ConflictName } from '@tanglemail/tangle/core/ledger/conflict.ts';
import { IssueError } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeApiError, NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { WalletError } from '@tanglemail/tangle/io/node-client/wallet.ts';

/** It did not work; `message` is for the owner. */
export class ValidatorFailure extends Error {
  override readonly name = 'ValidatorFailure';
}

const SPENT =
  'another transaction spent one of these outputs first: a bond may have been slashed, or ' +
  'another wallet has this key; see `validator list`';
const OURS = 'the node’s answer to `validator list` and the ledger differ: try again';

/** By the name of a conflict; the others cannot come of what these commands build. */
const CONFLICTS: Readonly<Partial<Record<ConflictName | 'unknown', string>>> = {
  'input-spent-earlier': SPENT,
  'input-spent-in-milestone': SPENT,
  'input-unknown': OURS,
  'unlock-mismatch': 'the bond belongs to another owner than this key',
  'bond-locked':
    'the bond is locked: an active one can only stay with its key and owner, and one that was ' +
    'given up waits until its time',
  'bond-unbonding-early':
    'the network’s time is ahead of this machine’s by more than an hour: set the clock',
  'burn-missing': 'too little would be burnt',
  'signature-invalid': 'a signature does not hold on this network',
};

const WALLET: Readonly<Record<string, string>> = {
  'insufficient-funds': 'the wallet has too little that is free, in base units',
  'dust-change': 'what would be left in the wallet is too little for an output, in base units',
  'deposit-too-small': 'the amount is below what an output must hold, in base units',
  'output-key-invalid': 'the validator’s key is no valid public key',
  'too-many-inputs': 'the wallet’s tokens lie in too many pieces: pay them to yourself first',
};

/** The conflict in a sentence. */
function conflictText(conflict: ConflictName | 'unknown'): string {
  return CONFLICTS[conflict] ?? `the ledger refused it: ${conflict}`;
}

/** The failure in words; what is nobody's mistake but ours is passed on as it is. */
export function explained(error: unknown, nodeUrl: string): unknown {
  const text = textOf(error, nodeUrl);
  return text === undefined ? error : new ValidatorFailure(text, { cause: error });
}

function textOf(error: unknown, nodeUrl: string): string | undefined {
  if (error instanceof WalletError) {
    if (error.conflict !== undefined) return conflictText(error.conflict);
    const words = WALLET[error.code];
    return words === undefined ? error.message : `${words} (${error.message})`;
  }
  if (error instanceof NodeUnreachableError) return `${nodeUrl}: ${error.message}`;
  if (error instanceof NodeApiError) {
    return `${nodeUrl} refused it: ${error.problem?.detail ?? error.code}`;
  }
  if (error instanceof ProofError) {
    return `${nodeUrl} cannot be believed: ${error.message}; another network, or a wrong clock?`;
  }
  if (error instanceof IssueError) {
    return `${error.message}; it may still come: see \`validator list\` before you try again`;
  }
  return undefined;
}
