/**
 * What a light client checks, as contenders of a benchmark: from a fixture of plain text, with the
 * core alone, so that the same file runs in Node (17-light-client.ts) and in a browser
 * (browser/page.ts).
 */
import { signedMessage } from '../../../libs/tangle/src/core/codec/certificate.ts';
import {
  hexToBytes,
  type Address,
  type OutputId,
} from '../../../libs/tangle/src/core/codec/ids.ts';
import { decodeMilestone } from '../../../libs/tangle/src/core/codec/milestone.ts';
import {
  LightClient,
  verifyBlockInclusion,
  verifyUnspent,
  type LightClientCrypto,
} from '../../../libs/tangle/src/core/milestone/light-client.ts';
import type { Outcome } from '../../../libs/tangle/src/core/outcome.ts';

/** Bytes are lowercase hex. */
export interface LightFixture {
  /** One and the same milestone under committees of different sizes. */
  readonly committees: readonly {
    readonly seats: number;
    readonly checkpoint: string;
    readonly milestone: string;
  }[];
  readonly nowMs: number;
  readonly block: string;
  readonly inclusionPath: string;
  /** All of one address. */
  readonly address: string;
  readonly outputs: readonly {
    readonly outputId: string;
    readonly output: string;
    readonly path: string;
  }[];
  /** Siblings of the block's path, and of the first output's. */
  readonly depths: { readonly block: number; readonly output: number };
}

/** One thing to measure; `run` throws if what must hold does not. */
export interface Check {
  readonly name: string;
  readonly run: () => unknown;
  /** What it cannot save: so many signatures or hashes, measured alone. */
  readonly limit: { readonly of: 'signature' | 'hash'; readonly count: number };
}

function must<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.code} ${outcome.detail ?? ''}`);
}

/** The bare primitives that all checks are made of. */
export function limits(fixture: LightFixture, { hasher, verifier }: LightClientCrypto) {
  const [first] = fixture.committees;
  if (first === undefined) throw new Error('a fixture has a committee');
  const { state } = must(LightClient.fromCheckpoint(hexToBytes(first.checkpoint)));
  const { certificate } = must(decodeMilestone(hexToBytes(first.milestone)));
  const { kind, epoch, view, digest, signers, signatures } = certificate;
  const message = signedMessage(state.networkId, kind, epoch, view, digest);
  const [key, signature] = [state.committee[signers[0] ?? 0], signatures[0]];
  if (key === undefined || signature === undefined) throw new Error('a certificate is signed');
  const node = new Uint8Array(67).fill(7);
  return {
    signature: (): unknown => verifier.verify(key, message, signature),
    hash: (): unknown => hasher.blake2b256(node),
  };
}

/** All checks, from bytes as a node sends them. */
export function checks(fixture: LightFixture, crypto: LightClientCrypto): Check[] {
  const { hasher } = crypto;
  const { nowMs, depths } = fixture;
  const clients = fixture.committees.map(({ seats, checkpoint, milestone }) => {
    const client = must(LightClient.fromCheckpoint(hexToBytes(checkpoint), crypto));
    const bytes = hexToBytes(milestone);
    return { seats, bytes, trusted: () => must(client.checkMilestone(bytes, nowMs)) };
  });
  const [first] = clients;
  if (first === undefined) throw new Error('a fixture has a committee');
  const trusted = first.trusted();
  const [block, path] = [hexToBytes(fixture.block), hexToBytes(fixture.inclusionPath)];
  const outputs = fixture.outputs.map((one) => ({
    id: one.outputId as OutputId,
    bytes: hexToBytes(one.output),
    path: hexToBytes(one.path),
  }));
  const unspent = (one: (typeof outputs)[number] | undefined): bigint => {
    if (one === undefined) throw new Error('a fixture has outputs');
    const output = must(verifyUnspent(trusted, one.id, one.bytes, one.path, hasher));
    const isOwn = output.kind === 'basic' && output.address === (fixture.address as Address);
    if (!isOwn) throw new Error('the output is of the address');
    return output.amount;
  };
  const hashes = (count: number) => ({ of: 'hash', count }) as const;
  return [
    ...clients.map(({ seats, trusted: run }): Check => {
      const quorum = seats - Math.floor((seats - 1) / 3);
      const limit = { of: 'signature', count: quorum } as const;
      return { name: `certificate, ${seats} seats (${quorum} signatures)`, run, limit };
    }),
    {
      name: `block inclusion, ${depths.block} levels`,
      run: () => must(verifyBlockInclusion(trusted, block, path, hasher)),
      limit: hashes(depths.block),
    },
    {
      name: `unspent output, ${depths.output} levels`,
      run: () => unspent(outputs[0]),
      limit: hashes(depths.output),
    },
    {
      name: `balance of ${outputs.length} outputs`,
      run: () => outputs.reduce((sum, one) => sum + unspent(one), 0n),
      limit: hashes(depths.output * outputs.length),
    },
  ];
}
