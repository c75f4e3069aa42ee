/** The rules of one block: one test for each code, and the order of the checks. */
import { describe, expect, it } from '@jest/globals';
import { blockIdOf, encodeBlock, encodeBlockWithoutNonce } from '../codec/block.ts';
import type { Address, BlockId, OutputId } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import type { Payload } from '../codec/payload.ts';
import {
  encodeTransaction,
  signingMessage,
  transactionIdOf,
  type Transaction,
} from '../codec/transaction.ts';
import type { Unlock } from '../codec/unlock.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier, publicKeyOf, signEd25519 } from '../crypto/ed25519-strict.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import { powDifficulty, powDigest, searchNonce } from './pow.ts';
import { checkBlock, checkTransactionSyntax, signatureClaims, type BlockRules } from './rules.ts';
import { evidenceOf, keyPair, type Said } from '../testing/ledger-fixtures.ts';

const params = NETWORK_PRESETS.test;
const rules: BlockRules = { params, networkId: 5n, loadBits: 0, hasher: nobleHasher };
const secret = new Uint8Array(32).fill(7);
const publicKey = publicKeyOf(secret);
const other = 'bb'.repeat(32) as Address;
const envelope: Payload = { kind: 'envelope', bytes: new Uint8Array(30) };

const signatureUnlock: Unlock = { kind: 'signature', publicKey, signature: new Uint8Array(64) };
const base: Transaction = {
  kind: 'transaction',
  networkId: 5n,
  inputs: [`${'11'.repeat(32)}0000` as OutputId],
  outputs: [{ kind: 'basic', amount: 1_000n, address: other }],
  payload: null,
  unlocks: [signatureUnlock],
};

/** A block with enough proof of work, of exactly `bits` more than asked if given. */
function mine(payload: Payload | null, networkId = 5n, extraBits = 0): Uint8Array {
  const parents = ['aa'.repeat(32) as BlockId];
  const unmined = { version: 1, networkId, parents, payload } as const;
  const digest = powDigest(encodeBlockWithoutNonce(unmined), nobleHasher);
  const bits = powDifficulty(encodeBlock({ ...unmined, nonce: 0n }).length, params, extraBits);
  const nonce = searchNonce(digest, bits, 0n, 100_000, nobleHasher);
  return encodeBlock({ ...unmined, nonce: nonce ?? 0n });
}

function codeOf(bytes: Uint8Array, others: Partial<BlockRules> = {}): string {
  const outcome = checkBlock(bytes, { ...rules, ...others });
  return outcome.ok ? 'ok' : outcome.code;
}

function syntaxOf(change: Partial<Transaction>): string {
  return checkTransactionSyntax({ ...base, ...change }, rules)?.code ?? 'ok';
}

function outputOf(amount: bigint): Output {
  return { kind: 'basic', amount, address: other };
}

describe('checkBlock', () => {
  it('gives id, block, score and, for a transaction, its id', () => {
    const bytes = mine(base);
    const outcome = checkBlock(bytes, rules);
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        id: blockIdOf(bytes, nobleHasher),
        bytes,
        block: { payload: base },
        transactionId: transactionIdOf(encodeTransaction(base), nobleHasher),
      },
    });
  });

  it('gives no transaction id for other payloads', () => {
    for (const payload of [null, envelope]) {
      const outcome = checkBlock(mine(payload), rules);
      expect(outcome).toMatchObject({ ok: true, value: { block: { payload } } });
      expect(outcome.ok && 'transactionId' in outcome.value).toBe(false);
    }
  });

  it('too-large', () => {
    expect(codeOf(new Uint8Array(32_769))).toBe('too-large');
  });

  it('truncated', () => {
    expect(codeOf(new Uint8Array(0))).toBe('truncated');
    expect(codeOf(mine(null).subarray(0, 53))).toBe('truncated');
  });

  it('version-unknown', () => {
    const bytes = mine(null);
    bytes[0] = 2;
    expect(codeOf(bytes)).toBe('version-unknown');
  });

  it('network-id-wrong, of the block and of its transaction', () => {
    expect(codeOf(mine(null, 6n))).toBe('network-id-wrong');
    expect(codeOf(mine({ ...base, networkId: 6n }))).toBe('network-id-wrong');
  });

  it('pow-insufficient', () => {
    expect(codeOf(mine(null), { params: { ...params, powBaseBits: 60 } })).toBe('pow-insufficient');
  });

  it('pow-below-load is no fault of the sender', () => {
    const outcome = checkBlock(mine(envelope), { ...rules, loadBits: 60 });
    expect(outcome).toEqual({ ok: false, action: 'ignore', code: 'pow-below-load' });
    expect(codeOf(mine(envelope, 5n, 3), { loadBits: 3 })).toBe('ok');
  });

  it('looks at the work before it decodes anything', () => {
    const garbage = mine(null);
    garbage[9] = 200;
    expect(codeOf(garbage, { params: { ...params, powBaseBits: 60 } })).toBe('pow-insufficient');
    expect(codeOf(garbage, { params: { ...params, powBaseBits: 0 } })).toBe('count-out-of-range');
  });

  it('hashes nothing of a block that is not of this network', () => {
    const hasher: Hasher = {
      blake2b256: () => {
        throw new Error('hashed');
      },
    };
    expect(codeOf(mine(null, 6n), { hasher })).toBe('network-id-wrong');
  });

  it('refuses a transaction that breaks a rule', () => {
    expect(codeOf(mine({ ...base, outputs: [outputOf(0n)] }))).toBe('amount-zero');
  });
});

describe('checkTransactionSyntax', () => {
  it('finds no fault in a plain payment', () => {
    expect(syntaxOf({})).toBe('ok');
  });

  it('input-not-unique', () => {
    const input = base.inputs[0]!;
    const unlocks: Unlock[] = [signatureUnlock, { kind: 'reference', index: 0 }];
    expect(syntaxOf({ inputs: [input, input], unlocks })).toBe('input-not-unique');
  });

  it('amount-zero', () => {
    expect(syntaxOf({ outputs: [outputOf(1_000n), outputOf(0n)] })).toBe('amount-zero');
  });

  it('deposit-too-small', () => {
    expect(syntaxOf({ outputs: [outputOf(111n)] })).toBe('deposit-too-small');
    expect(syntaxOf({ outputs: [outputOf(112n)] })).toBe('ok');
    const channel = (amount: bigint): Output => ({
      kind: 'channel',
      amount,
      payerPublicKey: publicKey,
      payee: other,
      refundAddress: other,
      expiry: 1,
    });
    expect(syntaxOf({ outputs: [channel(179n + 111n)] })).toBe('deposit-too-small');
    expect(syntaxOf({ outputs: [channel(179n + 112n)] })).toBe('ok');
  });

  it('output-key-invalid: a bond of a key that can never sign', () => {
    const bond = (key: Uint8Array, amount = 147n): Output => ({
      kind: 'validator-bond',
      amount,
      publicKey: key,
      owner: other,
      unbondAt: 0,
    });
    expect(syntaxOf({ outputs: [bond(publicKey)] })).toBe('ok');
    expect(syntaxOf({ outputs: [bond(publicKey, 146n)] })).toBe('deposit-too-small');
    const bad = [new Uint8Array(32), new Uint8Array(32).fill(0xff)];
    for (const key of bad) expect(syntaxOf({ outputs: [bond(key)] })).toBe('output-key-invalid');
  });

  it('evidence-invalid: two statements that an honest validator may sign', () => {
    const pair = keyPair(1);
    const withPair = (...said: readonly [Said, Said]) =>
      syntaxOf({ unlocks: [evidenceOf(pair, said)] });
    const contradicting: [Said, Said][] = [
      [
        ['notarize', 1],
        ['notarize', 2],
      ],
      [
        ['finalize', 1],
        ['finalize', 2],
      ],
      [
        ['propose', 1],
        ['propose', 2],
      ],
      [
        ['ratify', 1],
        ['ratify', 2],
      ],
      [
        ['nullify', 0],
        ['finalize', 1],
      ],
    ];
    for (const said of contradicting) expect(withPair(...said)).toBe('ok');
    const kinds = ['notarize', 'nullify', 'finalize', 'propose', 'ratify'] as const;
    for (const [at, a] of kinds.entries()) {
      for (const b of kinds.slice(at + 1)) {
        const isProof = a === 'nullify' && b === 'finalize';
        expect(withPair([a, 0], [b, 2])).toBe(isProof ? 'ok' : 'evidence-invalid');
      }
    }
    expect(withPair(['nullify', 0], ['nullify', 1])).toBe('evidence-invalid');
    expect(withPair(['nullify', 1], ['finalize', 1])).toBe('evidence-invalid');
  });

  it('sum-overflow', () => {
    const most = 2n ** 64n - 1n;
    expect(syntaxOf({ outputs: [outputOf(most - 1_000n), outputOf(1_000n)] })).toBe('ok');
    expect(syntaxOf({ outputs: [outputOf(most), outputOf(1_000n)] })).toBe('sum-overflow');
  });

  it('unlock-reference-invalid', () => {
    const inputs = ['11', '22', '33'].map((byte) => byte.repeat(34) as OutputId);
    const withUnlocks = (...unlocks: Unlock[]) => syntaxOf({ inputs, unlocks });
    const to = (index: number): Unlock => ({ kind: 'reference', index });
    expect(withUnlocks(signatureUnlock, to(0), to(0))).toBe('ok');
    expect(withUnlocks(to(0), signatureUnlock, to(1))).toBe('unlock-reference-invalid');
    expect(withUnlocks(to(1), signatureUnlock, to(1))).toBe('unlock-reference-invalid');
    expect(withUnlocks(signatureUnlock, to(0), to(1))).toBe('unlock-reference-invalid');
    expect(withUnlocks(signatureUnlock, to(2), to(0))).toBe('unlock-reference-invalid');
    const claim: Unlock = {
      kind: 'channel-claim',
      publicKey,
      signature: new Uint8Array(64),
      cumulative: 1n,
      voucherSignature: new Uint8Array(64),
    };
    expect(withUnlocks(claim, claim, signatureUnlock)).toBe('ok');
    expect(withUnlocks(claim, to(0), signatureUnlock)).toBe('unlock-reference-invalid');
  });

  it('unlock-not-unique', () => {
    const inputs = ['11', '22'].map((byte) => byte.repeat(34) as OutputId);
    const unlocks = [
      signatureUnlock,
      { ...signatureUnlock, signature: new Uint8Array(64).fill(1) },
    ];
    expect(syntaxOf({ inputs, unlocks })).toBe('unlock-not-unique');
  });
});

describe('signatureClaims', () => {
  const message = signingMessage(base, nobleHasher);
  const signature = signEd25519(secret, message);
  const block = (transaction: Transaction) =>
    ({ version: 1, networkId: 5n, parents: [], payload: transaction, nonce: 0n }) as const;

  it('asks for each signature over the signing message', () => {
    const signed: Transaction = {
      ...base,
      unlocks: [
        { kind: 'signature', publicKey, signature },
        { kind: 'reference', index: 0 },
        {
          kind: 'channel-claim',
          publicKey,
          signature,
          cumulative: 1n,
          voucherSignature: new Uint8Array(64),
        },
        evidenceOf(keyPair(1)),
      ],
    };
    const claims = signatureClaims(block(signed), nobleHasher);
    expect(claims).toEqual([
      { publicKey, message, signature },
      { publicKey, message, signature },
    ]);
    expect(nobleVerifier.verify(publicKey, message, signature)).toBe(true);
  });

  it('signature-invalid once a signed field has changed', () => {
    const unlocks: Unlock[] = [{ kind: 'signature', publicKey, signature }];
    const changed = { ...base, outputs: [outputOf(1_001n)], unlocks };
    const [claim] = signatureClaims(block(changed), nobleHasher);
    expect(claim).toBeDefined();
    expect(nobleVerifier.verify(publicKey, claim!.message, signature)).toBe(false);
  });

  it('asks for nothing when no tokens move', () => {
    expect(signatureClaims({ ...block(base), payload: null }, nobleHasher)).toEqual([]);
    expect(signatureClaims({ ...block(base), payload: envelope }, nobleHasher)).toEqual([]);
  });
});
