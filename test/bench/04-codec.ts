/**
 * Goal 4, speed: decoding and encoding of blocks against the same format declared in micro-packed,
 * which a reader can check against the spec's byte tables.
 */
import { decodeBlock, encodeBlock, type Block } from '../../libs/tangle/src/core/codec/block.ts';
import type { Address, BlockId, OutputId } from '../../libs/tangle/src/core/codec/ids.ts';
import type { Payload } from '../../libs/tangle/src/core/codec/payload.ts';
import { oracleBlock } from '../fuzz/oracle.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atLeast, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { compare, interleave, repeat } from './measure.ts';

function samplePayloads(random: SeededRandom): readonly (readonly [string, Payload])[] {
  const output = () =>
    ({ kind: 'basic', amount: 1_000n, address: random.hex(32) as Address }) as const;
  return [
    ['2 KiB envelope', { kind: 'envelope', bytes: random.bytes(2_044) }],
    ['tagged data', { kind: 'tagged-data', tag: random.bytes(16), data: random.bytes(200) }],
    [
      'transaction',
      {
        kind: 'transaction',
        networkId: 5n,
        inputs: random.list(2, () => random.hex(34) as OutputId),
        outputs: random.list(2, output),
        payload: null,
        unlocks: [
          { kind: 'signature', publicKey: random.bytes(32), signature: random.bytes(64) },
          { kind: 'reference', index: 0 },
        ],
      },
    ],
  ];
}

async function measurePayload(
  context: BenchContext,
  kind: string,
  block: Block,
): Promise<Measurement[]> {
  const { quick } = context;
  const bytes = encodeBlock(block);
  const costs = await interleave(context.rounds, {
    decode: repeat(quick, () => decodeBlock(bytes)),
    oracleDecode: repeat(quick, () => oracleBlock.decode(bytes)),
    encode: repeat(quick, () => encodeBlock(block)),
    oracleEncode: repeat(quick, () => oracleBlock.encode(block)),
  });
  const decode = compare(costs.decode, costs.oracleDecode, 'thread');
  const encode = compare(costs.encode, costs.oracleEncode, 'thread');
  const row = (name: string, compared: typeof decode, bound: number): Measurement => ({
    name: `${name} / micro-packed, ${kind}`,
    value: compared.value,
    limit: compared.limit,
    unit: 'µs/block',
    ratio: compared.speedRatio,
    goal: atLeast(bound),
  });
  return [row('decode', decode, 4), row('encode', encode, 3)];
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const random = new SeededRandom(context.seed);
  const parents = random.list(4, () => random.hex(32) as BlockId).toSorted();
  const rows: Measurement[] = [];
  for (const [kind, payload] of samplePayloads(random)) {
    const block: Block = { version: 1, networkId: 5n, parents, payload, nonce: 7n };
    rows.push(...(await measurePayload(context, kind, block)));
  }
  return rows;
}

export const codec: Bench = { name: 'codec', goal: 4, run };
