/**
 * Speed of the block codec as a ratio to the micro-packed declaration of the same format: a ratio
 * says the same on every machine. Run: node test/bench/codec.ts
 */
import { pathToFileURL } from 'node:url';
import { decodeBlock, encodeBlock, type Block } from '../../libs/tangle/src/core/codec/block.ts';
import type { Address, BlockId, OutputId } from '../../libs/tangle/src/core/codec/ids.ts';
import type { Payload } from '../../libs/tangle/src/core/codec/payload.ts';
import { oracleBlock } from '../fuzz/oracle.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';

export interface CodecRatio {
  readonly payload: Payload['kind'];
  readonly sizeBytes: number;
  /** Time of the declaration divided by the time of the codec; above 1 is faster. */
  readonly decodeRatio: number;
  readonly encodeRatio: number;
  readonly decodeMicroseconds: number;
  readonly encodeMicroseconds: number;
}

const ROUNDS = 7;
const CALLS = 4_000;

/** Microseconds of one call, the best of several rounds: the least disturbed one. */
function microsecondsOf(run: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1_000 / CALLS);
  }
  return best;
}

function samplePayloads(random: SeededRandom): Payload[] {
  const output = () =>
    ({ kind: 'basic', amount: 1_000n, address: random.hex(32) as Address }) as const;
  return [
    { kind: 'envelope', bytes: random.bytes(1_500) },
    { kind: 'tagged-data', tag: random.bytes(16), data: random.bytes(200) },
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
  ];
}

/** Measures blocks with four parents and one payload of each kind. */
export function benchCodec(): CodecRatio[] {
  const random = new SeededRandom(1);
  const parents = random.list(4, () => random.hex(32) as BlockId).toSorted();
  return samplePayloads(random).map((payload) => {
    const block: Block = { version: 1, networkId: 5n, parents, payload, nonce: 7n };
    const bytes = encodeBlock(block);
    const decode = microsecondsOf(() => decodeBlock(bytes));
    const encode = microsecondsOf(() => encodeBlock(block));
    return {
      payload: payload.kind,
      sizeBytes: bytes.length,
      decodeRatio: microsecondsOf(() => oracleBlock.decode(bytes)) / decode,
      encodeRatio: microsecondsOf(() => oracleBlock.encode(block)) / encode,
      decodeMicroseconds: decode,
      encodeMicroseconds: encode,
    };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(benchCodec());
