/**
 * Goal 3: a node that has only the portable code (noble) says the same of every block as one with
 * native backends, and is not slower than its share. Blocks of all kinds, whole and damaged, and
 * the signature vectors of the field go through both.
 */
import { readFileSync } from 'node:fs';
import { checkBlock, signatureClaims } from '../../libs/tangle/src/core/block/rules.ts';
import { decodeBlock } from '../../libs/tangle/src/core/codec/block.ts';
import { hexToBytes } from '../../libs/tangle/src/core/codec/ids.ts';
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import { nobleVerifier } from '../../libs/tangle/src/core/crypto/ed25519-strict.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import { NETWORK_PRESETS } from '../../libs/tangle/src/core/params/networks.ts';
import type { Hasher, Verifier } from '../../libs/tangle/src/core/ports.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { mutate, SeededRandom } from '../fuzz/random-objects.ts';
import { atLeast, valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { benchGenesis, envelopes, makeBlocks, mine, smallData, transfers } from './feed.ts';
import { inline, IntakeNode } from './intake-node.ts';
import { compare, interleave, perSecond, type Contender } from './measure.ts';

interface Backends {
  readonly hasher: Hasher;
  readonly verifier: Verifier;
}

/** Everything that a node decides about bytes before it stores them. */
function verdictOn(bytes: Uint8Array, networkId: bigint, backends: Backends): string {
  const { hasher, verifier } = backends;
  const rules = { params: NETWORK_PRESETS.test, networkId, hasher, loadBits: 0 };
  const checked = checkBlock(bytes, rules);
  if (!checked.ok) return checked.code;
  const { id, block, powScore, transactionId = '' } = checked.value;
  const signatures = signatureClaims(block, hasher).map(({ publicKey, message, signature }) =>
    verifier.verify(publicKey, message, signature),
  );
  return [id, powScore, transactionId, ...signatures].join(' ');
}

/** Changes a block; if it still decodes, half of the time its work is done again. */
function damaged(random: SeededRandom, bytes: Uint8Array, other: Uint8Array, hasher: Hasher) {
  const mutant = mutate(random, bytes, other);
  const decoded = random.chance(2) ? decodeBlock(mutant) : undefined;
  return decoded?.ok === true ? mine(decoded.value, hasher) : mutant;
}

/** Number of blocks and of signature vectors on which the two disagree. */
function countDifferences(
  blocks: readonly Uint8Array[],
  networkId: bigint,
  portable: Backends,
  native: Backends,
): number {
  const text = readFileSync(new URL('../vectors/ed25519-strict.json', import.meta.url), 'utf8');
  const { cases } = JSON.parse(text) as { cases: Record<string, string>[] };
  const bytesOf = (hex: string | undefined) => hexToBytes(hex ?? '');
  const wrongVectors = cases.filter((vector) => {
    const [publicKey, message] = [bytesOf(vector['publicKey']), bytesOf(vector['messageHex'])];
    const signature = bytesOf(vector['signature']);
    return (
      portable.verifier.verify(publicKey, message, signature) !==
      native.verifier.verify(publicKey, message, signature)
    );
  });
  const wrongBlocks = blocks.filter(
    (bytes) => verdictOn(bytes, networkId, portable) !== verdictOn(bytes, networkId, native),
  );
  return wrongVectors.length + wrongBlocks.length;
}

function intake(
  context: BenchContext,
  genesis: GenesisMilestone,
  blocks: readonly Uint8Array[],
  { hasher, verifier }: Backends,
): Contender {
  let node: IntakeNode;
  return {
    prepare: async () => {
      const folder = await context.folder();
      node = await IntakeNode.open({ folder, genesis, hasher, verifier: inline(verifier) });
    },
    run: () => node.takeIn(blocks),
    finish: () => node.close(),
  };
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const native = { hasher: await bestHasher(), verifier: await bestVerifier() };
  const portable = { hasher: nobleHasher, verifier: nobleVerifier };
  const { hasher } = native;
  const count = context.quick ? 64 : 512;
  const genesis = benchGenesis(count, hasher);
  const { networkId } = genesis;
  const options = { seed: context.seed, hasher };
  const signed = makeBlocks(count, networkId, transfers(genesis, hasher), options);
  const others = [envelopes(2_048), smallData].flatMap((payloadOf) =>
    makeBlocks(count >> 1, networkId, payloadOf, options),
  );
  const whole = [...signed, ...others];
  const random = new SeededRandom(context.seed);
  const mutants = whole.flatMap((bytes, i) => {
    const other = whole[i - 1] ?? bytes;
    return random.list(4, () => damaged(random, bytes, other, hasher));
  });
  const differences = countDifferences([...whole, ...mutants], networkId, portable, native);
  const rounds = Math.min(context.rounds, 5);
  const costs = await interleave(rounds, {
    native: intake(context, genesis, signed, native),
    portable: intake(context, genesis, signed, portable),
  });
  const compared = compare(costs.portable, costs.native, 'process');
  return [
    {
      name: `portable and native disagree, of ${whole.length + mutants.length} blocks`,
      value: differences,
      limit: null,
      unit: 'verdicts',
      ratio: null,
      goal: valueAtMost(0),
    },
    {
      name: 'ingest, every block signed, portable / native',
      value: perSecond(compared.value),
      limit: perSecond(compared.limit),
      unit: 'blocks/CPU s',
      ratio: compared.speedRatio,
      goal: atLeast(0.06),
    },
  ];
}

export const portable: Bench = { name: 'portable', goal: 3, run };
