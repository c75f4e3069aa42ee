import { describe, expect, it } from '@jest/globals';
import { IssueError } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeApiError, NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { WalletError } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { explained, ValidatorFailure } from './validator-words.ts';

const NODE = 'http://127.0.0.1:1';
const proof = { ok: false, action: 'reject', code: 'proof-invalid' } as const;

describe('explained', () => {
  const cases: readonly (readonly [string, Error, RegExp])[] = [
    ['a bond that is locked', conflict('bond-locked'), /^the bond is locked/],
    ['a clock that is behind', conflict('bond-unbonding-early'), /set the clock$/],
    ['an owner that is another', conflict('unlock-mismatch'), /another owner/],
    ['a bond that was slashed meanwhile', conflict('input-spent-earlier'), /been slashed/],
    ['a conflict without words', conflict('timelocked'), /^the ledger refused it: timelocked$/],
    ['an empty wallet', new WalletError('insufficient-funds', '1 of 2'), /free.*\(.*1 of 2\)$/],
    ['a node that is away', new NodeUnreachableError('network', undefined), /127.*out of reach/],
    ['a node that refuses', new NodeApiError('queue-full', 503), /refused it: queue-full$/],
    ['a proof that is none', new ProofError(proof), /cannot be believed/],
    ['a milestone that is late', new IssueError('timed-out', 'late'), /it may still come/],
  ];
  it.each(cases)('says in words %s', (_name, error, words) => {
    const told = explained(error, NODE);
    expect(told).toBeInstanceOf(ValidatorFailure);
    expect((told as Error).message).toMatch(words);
  });

  it('leaves our mistakes as they are', () => {
    const ours = new TypeError('x');
    expect(explained(ours, NODE)).toBe(ours);
  });
});

function conflict(name: ConstructorParameters<typeof WalletError>[2]): WalletError {
  return new WalletError('conflict', `${name}`, name);
}
