/**
 * Goal 2: taking in blocks that are all signed, by the node's pool of threads, against nothing but
 * native Ed25519 checks; and what a check in the pool costs the main thread, against one inline.
 */
import { createPublicKey, verify } from 'node:crypto';
import { checkBlock, signatureClaims } from '../../libs/tangle/src/core/block/rules.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { SignatureClaim } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { loadSodium } from '../../libs/tangle/src/io/accel/native-module.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { VerifyPool } from '../../libs/tangle/src/io/accel/verify-pool.ts';
import { atLeast, atMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { benchGenesis, makeBlocks, transfers } from './feed.ts';
import { IntakeNode, PACK_BLOCKS } from './intake-node.ts';
import { compare, interleave, perSecond, type Contender } from './measure.ts';

/** DER head of an Ed25519 public key (RFC 8410). */
const KEY_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** The library call alone, without the STRICT rule's byte check. */
async function bareChecks(claims: readonly SignatureClaim[]): Promise<Contender> {
  const sodium = await loadSodium();
  if (sodium !== undefined) {
    return {
      run: () => {
        for (const { publicKey, message, signature } of claims) {
          sodium.crypto_sign_verify_detached(signature, message, publicKey);
        }
        return claims.length;
      },
    };
  }
  const keys = claims.map(({ publicKey }) => {
    const key = Buffer.concat([KEY_HEAD, publicKey]);
    return createPublicKey({ key, format: 'der', type: 'spki' });
  });
  return {
    run: () => {
      claims.forEach(({ message, signature }, i) => {
        const key = keys[i];
        if (key) verify(null, message, key, signature);
      });
      return claims.length;
    },
  };
}

async function checkInline(claims: readonly SignatureClaim[]): Promise<Contender> {
  const verifier = await bestVerifier();
  return {
    run: () => {
      for (const { publicKey, message, signature } of claims) {
        verifier.verify(publicKey, message, signature);
      }
      return claims.length;
    },
  };
}

/** Batches of 64, as the processor sends them; often enough for a CPU clock that ticks by 4 ms. */
function checkInPool(
  pool: VerifyPool,
  claims: readonly SignatureClaim[],
  times: number,
): Contender {
  return {
    run: async () => {
      for (let time = 0; time < times; time++) {
        for (let at = 0; at < claims.length; at += PACK_BLOCKS) {
          const verdicts = await pool.verifyBatch(claims.slice(at, at + PACK_BLOCKS));
          if (verdicts.includes(false)) throw new Error('a signature of the bench is wrong');
        }
      }
      return claims.length * times;
    },
  };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const hasher = await bestHasher();
  const count = context.quick ? 256 : 2_048;
  const genesis = benchGenesis(count, hasher);
  const { networkId } = genesis;
  const payloadOf = transfers(genesis, hasher);
  const blocks = makeBlocks(count, networkId, payloadOf, { seed: context.seed, hasher });
  const rules = { params: NETWORK_PRESETS.test, networkId, hasher, loadBits: 0 };
  const claims = blocks.flatMap((bytes) => {
    const checked = checkBlock(bytes, rules);
    if (!checked.ok) throw new Error(checked.code);
    return signatureClaims(checked.value.block, hasher);
  });
  const pool = new VerifyPool();
  let node: IntakeNode;
  const intake: Contender = {
    prepare: async () => {
      const folder = await context.folder();
      node = await IntakeNode.open({ folder, genesis, hasher, verifier: pool });
    },
    run: () => node.takeIn(blocks),
    finish: () => node.close(),
  };
  try {
    const costs = await interleave(context.rounds, {
      bare: await bareChecks(claims),
      intake,
      inline: await checkInline(claims),
      pool: checkInPool(pool, claims, context.quick ? 1 : 10),
    });
    const whole = compare(costs.intake, costs.bare, 'process');
    const share = compare(costs.pool, costs.inline, 'thread');
    return [
      {
        name: 'ingest, every block signed / bare native verify',
        value: perSecond(whole.value),
        limit: perSecond(whole.limit),
        unit: 'blocks/CPU s',
        ratio: whole.speedRatio,
        goal: atLeast(0.7),
      },
      {
        name: 'off-loaded verify, main thread / inline verify',
        value: share.value,
        limit: share.limit,
        unit: 'µs/signature',
        ratio: share.costRatio,
        goal: atMost(0.05),
      },
    ];
  } finally {
    await pool.close();
  }
}

export const signatures: Bench = { name: 'signatures', goal: 2, run };
