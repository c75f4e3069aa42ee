import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { minimumAmount } from '../block/deposit.ts';
import { NULL_ADDRESS, type Address, type OutputId } from '../codec/ids.ts';
import type { EvidenceUnlock, SignedDigest } from '../codec/unlock.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import { burnDue } from './bond-rules.ts';
import { slashTransaction } from './slash.ts';

const params = NETWORK_PRESETS.devnet;
const outputId = 'ab'.repeat(34) as OutputId;
const owner = '11'.repeat(32) as Address;
const finder = '22'.repeat(32) as Address;
const signature = new Uint8Array(64);
const said = (byte: number): SignedDigest => {
  return { kind: 'notarize', digest: new Uint8Array(32).fill(byte), signature };
};
const evidence: EvidenceUnlock = {
  kind: 'evidence',
  epoch: 0,
  view: 3n,
  statements: [said(1), said(2)],
};

function slash(amount: bigint, rewardAddress?: Address) {
  const publicKey = new Uint8Array(32);
  const bond = { kind: 'validator-bond', amount, publicKey, owner, unbondAt: 0 } as const;
  return slashTransaction({ networkId: 7n, params, outputId, bond, evidence, rewardAddress });
}

describe('slashTransaction', () => {
  it('burns all where nobody is to be rewarded, so that all nodes make the same', () => {
    const { inputs, outputs, unlocks } = slash(1_000_000n);
    expect(inputs).toEqual([outputId]);
    expect(outputs).toEqual([{ kind: 'basic', amount: 1_000_000n, address: NULL_ADDRESS }]);
    expect(unlocks).toEqual([evidence]);
  });

  it('burns what is due, gives the rest to the finder, and makes no output too small', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1_000n, max: 10n ** 15n }), (amount) => {
        const { outputs } = slash(amount, finder);
        const [burn, reward] = outputs;
        expect(outputs.reduce((sum, output) => sum + output.amount, 0n)).toBe(amount);
        expect(burn?.amount).toBeGreaterThanOrEqual(burnDue({ amount }));
        const sixteenth = { kind: 'basic', amount: amount / 16n, address: finder } as const;
        const isEnough = sixteenth.amount >= minimumAmount(sixteenth, params);
        expect(reward).toEqual(isEnough ? sixteenth : undefined);
      }),
    );
  });
});
