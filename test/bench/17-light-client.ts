/**
 * Goal 17: what a light client spends on a proof, from bytes as a node sends them: certificates of
 * three sizes, a block's inclusion, an unspent output, a balance; with native backends and with the
 * portable ones that a browser has. In a real browser: browser/main.ts. The limit is what no client
 * can save: the signatures of a quorum, the hashes of a path.
 */
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import { nobleVerifier } from '../../libs/tangle/src/core/crypto/ed25519-strict.ts';
import type { LightClientCrypto } from '../../libs/tangle/src/core/milestone/light-client.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import type { Bench, BenchContext, Measurement } from './bench.ts';
import { checks, limits, type LightFixture } from './light/checks.ts';
import { makeLightFixture } from './light/fixture.ts';
import { compare, interleave, repeat } from './measure.ts';

/** A busy second, and a ledger of some size. */
const FULL = { blocks: 1_000, outputs: 100_000 };
const QUICK = { blocks: 20, outputs: 200 };
/** Calls in a row: a large certificate takes tens of milliseconds in portable code. */
const CALLS = 4;

async function measureAll(
  { quick, rounds }: BenchContext,
  fixture: LightFixture,
  kind: string,
  crypto: LightClientCrypto,
): Promise<Measurement[]> {
  const bare = limits(fixture, crypto);
  const rows: Measurement[] = [];
  for (const { name, run: check, limit } of checks(fixture, crypto)) {
    const costs = await interleave(rounds, {
      check: repeat(quick, check, CALLS),
      limit: repeat(quick, bare[limit.of], CALLS),
    });
    const compared = compare(costs.check, costs.limit, 'thread');
    rows.push({
      name: `${name}, ${kind} / ${limit.count} bare`,
      value: compared.value,
      limit: compared.limit * limit.count,
      unit: 'µs',
      ratio: compared.costRatio / limit.count,
      goal: null,
    });
  }
  return rows;
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const native = { hasher: await bestHasher(), verifier: await bestVerifier() };
  const portable = { hasher: nobleHasher, verifier: nobleVerifier };
  const fixture = makeLightFixture(context.quick ? QUICK : FULL, native.hasher);
  return [
    ...(await measureAll(context, fixture, 'native', native)),
    ...(await measureAll(context, fixture, 'portable', portable)),
  ];
}

export const lightClient: Bench = { name: 'light-client', goal: 17, run };
